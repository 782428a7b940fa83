//! The workspace of figures: every page, its clicks into the queue, fair samples, and export.

use egui::{Key, Role};
use overrule::{
    dataset::{OpenOptions, open},
    metrics::threshold::Threshold,
    predict::prediction::Score,
    review::{
        basis::{Sample, random_key},
        queue::{Filter, Order},
    },
};

use super::fake::{Folder, POSTS, Window};
use crate::reviewing::{Watched, run, said};

/// A session in which a model gave probabilities: it sees racist in posts 1, 4 and 5, and sexist in post 2.
fn scored(folder: &Folder) -> Window {
    let dataset = open(&folder.file("posts.csv"), &OpenOptions::default()).unwrap();
    let mut watched = Watched::open(dataset, &folder.file("posts.overrule"));
    let session = &mut watched.session;
    session.begin_run(run("scorer"));
    let score = |p: f64| Score { p, lo: p, hi: p };
    for (post, (labels, p)) in [
        (vec![0], [0.9, 0.1, 0.1]),
        (vec![1], [0.2, 0.8, 0.1]),
        (vec![], [0.45, 0.1, 0.3]),
        (vec![0], [0.8, 0.3, 0.1]),
        (vec![0], [0.7, 0.1, 0.1]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut prediction = said(&labels);
        prediction.scores = Some(p.map(score).to_vec());
        session.record_prediction(post, prediction);
    }
    watched.wait_until_saved();
    watched.close();
    let mut window = folder.window_with(None);
    window.until("reading", |window| {
        window.is_open() && window.bench().session.counts().predicted == 5
    });
    window
}

/// Opens the workspace and waits for its figures.
fn workspace(window: &mut Window) {
    window.press(Key::M);
    window.until("drawing", |window| {
        let drawn = window.bench().figures.drawn.as_ref();
        drawn.is_some_and(|drawn| drawn.run.metrics.n == 5)
    });
    window.harness.run_steps(2);
}

#[test]
fn where_scikit_learn_counts_otherwise_its_scores_stand_beside_ours() {
    let says = "scikit-learn, zero_division=0";
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    assert!(window.has("Macro F1 0.667") && !window.has_part(says));
    // A label that nobody gives, neither the dataset nor the model.
    let folder = Folder::new(&POSTS);
    let names = "racist\nsexist\nreligion\nhomophobe\n";
    std::fs::write(folder.file("class_names.txt"), names).unwrap();
    let mut window = folder.window();
    window.settle();
    assert!(window.has("Macro F1 0.750"));
    assert!(window.has_part(&format!("{says}: micro F1 0.667, macro F1 0.500.")));
}

#[test]
fn a_key_opens_the_figures_and_the_post_comes_back() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    assert!(window.has("Page: Scores") && !window.has("Confirm and next"));
    assert!(window.has_part("Figure: F1 by label. n = 5 posts"));
    // What is about the post waits until it is back.
    window.press(Key::Enter);
    window.press(Key::Num2);
    assert_eq!(window.decision(0), None);
    assert!(window.bench().session.review(0).draft.is_none());
    window.click("Back to the post");
    assert!(window.has("Confirm and next"));
    window.press(Key::Enter);
    assert!(window.decision(0).is_some());
}

#[test]
fn nothing_is_decided_about_a_post_behind_the_figures() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    for letters in ["skip", "confirm and next", "toggle sexist", "flag"] {
        window.press_with(super::CTRL, Key::K);
        window.type_text(letters);
        assert!(!window.has("Confirm and next") && !window.has("Toggle sexist"));
        window.press(Key::Escape);
    }
    // What shows something of the post shows the post.
    window.press(Key::J);
    assert!(window.has("Confirm and next"));
    workspace(&mut window);
    window.press(Key::J);
    assert!(window.has("Confirm and next") && window.has("Copy verbatim"));
    window.press_with(super::CTRL, Key::K);
    window.type_text("toggle sexist");
    assert!(window.has("Toggle sexist"));
}

#[test]
fn a_cell_of_the_confused_labels_opens_exactly_its_posts() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    window.click("Page: Labels");
    // Truth: racist, none, religion, sexist, none. Said: racist, sexist, none, racist, racist.
    window.click("1 post: sexist missed, racist given");
    assert_eq!(window.bench().queue(), [3]);
    assert!(
        window.has("Show: sexist taken for racist"),
        "the post is back"
    );
    workspace(&mut window);
    window.click("1 post: religion missed, nothing given");
    assert_eq!(window.bench().queue(), [2]);
    workspace(&mut window);
    window.click("Together: In the answers");
    window.click("3 posts with racist in the answers");
    assert_eq!(window.bench().queue(), [0, 3, 4]);
}

#[test]
fn a_threshold_says_what_it_changes_and_shows_those_posts() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    window.click("Page: Thresholds");
    assert!(window.has_part("Precision and recall of racist"));
    assert!(window.has_part("average precision 1.000, ROC AUC 1.000"));
    assert!(window.has("0 posts get it: 0 rightly, 0 wrongly"));
    window.click("Highest F1: 1.000 at 0.9000");
    window.click("2 posts lose it: 2 rightly, 0 wrongly");
    assert_eq!(window.bench().queue(), [3, 4]);
    assert!(matches!(
        window.bench().filter,
        Filter::Flipped { label: 0, threshold, .. } if threshold == Threshold::new(0.9)
    ));
    workspace(&mut window);
    window.click("Label: racist");
    window.click("religion");
    window.harness.run_steps(2);
    assert!(window.has_part("Precision and recall of religion"));
}

#[test]
fn calibration_and_suspects_are_told() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    window.click("Page: Calibration");
    // Racist: five bins of one post each, 0.1 + 0.2 + 0.45 + 0.8 + 0.7 over five.
    assert!(window.has("Expected calibration error 0.450"));
    window.click("Page: Over time");
    assert!(window.has("Nothing is decided yet"));
    window.click("Page: Labels");
    assert!(window.has_part("likely wrong") || window.has_part("looks wrong"));
}

/// Goes to a post with the arrow keys.
fn walk_to(window: &mut Window, post: usize) {
    for key in [Key::ArrowLeft, Key::ArrowRight] {
        for _ in 0..POSTS.len() {
            if window.bench().cursor() == Some(post) {
                return;
            }
            window.press(key);
        }
    }
    assert_eq!(window.bench().cursor(), Some(post));
}

#[test]
fn scores_over_picked_posts_are_called_biased_and_the_random_part_is_fair() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    let posts = window.bench().session.dataset().posts.iter();
    let ids: Vec<_> = posts.map(|post| post.id).collect();
    let mut shuffled: Vec<usize> = (0..ids.len()).collect();
    shuffled.sort_by_key(|post| random_key(ids[*post], 1));

    // The last of the shuffle was picked for some other reason.
    walk_to(&mut window, shuffled[4]);
    window.press(Key::Enter);
    workspace(&mut window);
    window.until("counting", |window| {
        window.bench().figures.fairness.reviewed == 1
    });
    window.harness.run_steps(2);
    assert!(window.has_part("1 of the 1 post you confirmed came up through a filter or an order"));
    window.click("Posts: Random part");
    assert_eq!(window.bench().figures.sample, Sample::Random(1));
    window.until("an empty part", |window| {
        window.has("Nothing reviewed at random yet")
    });
    window.click("Order the queue at random");
    assert_eq!(window.bench().order, Order::Random(1));

    // In the order of the shuffle every decision counts.
    walk_to(&mut window, shuffled[0]);
    window.press(Key::Enter);
    window.until("a fair sample", |window| {
        window.bench().figures.fairness.at_random == 1
    });
    window.press(Key::M);
    window.until("the random part", |window| {
        let drawn = window.bench().figures.drawn.as_ref();
        drawn.is_some_and(|drawn| drawn.run.metrics.n == 1)
    });
    window.harness.run_steps(2);
    assert!(window.has_part("only the random part, seed 1"));
}

#[test]
fn work_in_a_shuffle_of_another_seed_is_fair_as_well() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    let posts = window.bench().session.dataset().posts.iter();
    let ids: Vec<_> = posts.map(|post| post.id).collect();
    let front = |seed: u32| {
        let first = (0..ids.len()).min_by_key(|post| random_key(ids[*post], seed));
        first.unwrap()
    };
    let seed = (2..).find(|seed| front(*seed) != front(1)).unwrap();
    window.click("Order: In order");
    window.click("Random");
    window.click_role(Role::SpinButton, "Seed");
    window.type_text(&seed.to_string());
    window.press(Key::Enter);
    assert_eq!(window.bench().order, Order::Random(seed));
    walk_to(&mut window, front(seed));
    window.press(Key::Enter);
    workspace(&mut window);
    window.until("counting", |window| {
        let fairness = window.bench().figures.fairness;
        (fairness.reviewed, fairness.at_random) == (1, 1)
    });
    window.harness.run_steps(2);
    assert!(!window.has_part("came up through a filter or an order"));
}

#[test]
fn a_figure_is_exported_and_replaced_only_on_purpose() {
    let folder = Folder::new(&POSTS);
    let mut window = scored(&folder);
    workspace(&mut window);
    window.click("Export “F1 by label”");
    window.click("PNG, a picture of 1440 × 960 pixels");
    window.click_role(Role::Button, "Export");
    let file = folder.file("posts-f1-by-label.png");
    window.until("exporting", |window| {
        window.has_part("Exported the figure to")
    });
    assert!(image::open(&file).is_ok());
    std::fs::write(&file, b"mine").unwrap();
    window.click("Export “F1 by label”");
    window.click("PNG, a picture of 1440 × 960 pixels");
    window.click_role(Role::Button, "Export");
    window.until("asking", |window| {
        window.has_part("exists already. Replace it?")
    });
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    window.click_role(Role::Button, "Replace it");
    window.until("replacing", |_| image::open(&file).is_ok());
}
