//! Runs: predicting failed posts again, another model in the same session, two runs compared.

use egui::Key;
use egui_kittest::kittest::Queryable;
use overrule::{
    dataset::{OpenOptions, open},
    post::LabelSet,
    predict::prediction::Score,
    review::{
        basis::Part,
        queue::{Confusion, Filter, Order},
    },
};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};
use crate::reviewing::{Watched, run, said};

#[test]
fn failed_posts_are_predicted_again_on_request() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let failed = |window: &Window| window.bench().session.counts().failed;
    assert_eq!(failed(&window), 1);
    let picture = image::RgbImage::from_pixel(8, 8, image::Rgb([9, 9, 9]));
    picture.save(folder.file("broken.png")).unwrap();
    window.click("Predict failed posts again");
    assert!(window.has("Predicting 1 post again"));
    window.settle();
    assert_eq!(failed(&window), 0);
    window.press_with(CTRL, Key::R);
    assert!(window.has("No post of this run has failed"));
}

#[test]
fn without_a_model_failed_posts_say_what_to_do() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press_with(CTRL, Key::R);
    assert!(window.has_part("Load a model first"));
}

#[test]
fn another_model_makes_a_run_of_its_own_and_the_two_are_compared() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.until("saving", |window| {
        window.bench().save == overrule::review::session::SaveState::Saved
    });
    drop(window);
    // This model never says sexist.
    let mut window = folder.window_with(Some("blind"));
    window.settle();
    window.press(Key::C);
    window.until("listing", |window| window.has("fake, no adapter"));
    assert!(window.has("blind, no adapter") && window.has("Shown"));

    window.click("Compare fake, no adapter");
    window.until("comparing", |window| window.has("Where A and B agree"));
    // Of five posts, one failed and one could not be read, in both runs.
    assert!(window.has_part("n = 3 posts · equal label sets: 2 (66.7 %)"));
    assert!(window.has_part("n = 5 posts: predicted by both, with a truth"));
    window.click("Show the post that differs");
    assert_eq!(window.bench().filter, Filter::RunsDiffer(Part::All));
    assert_eq!(window.bench().queue(), [1]);
    assert!(window.has("Against run B, run A misses sexist"));
    assert!(window.has_part("Run B: yes"));

    // What the earlier run said is shown without its model, and nothing new is taken for its answer.
    window.click("Show fake, no adapter");
    window.until("showing", |window| {
        window.bench().session.answer(1) == Some(LabelSet::from_bits(2))
    });
    assert!(window.has("An earlier run is shown"));
    window.until("changing places", |window| {
        window.has("Against run B, run A adds sexist")
    });
    window.click("Back to the loaded model");
    window.until("coming back", |window| {
        window.bench().session.answer(1) == Some(LabelSet::EMPTY)
    });
    assert!(!window.has("An earlier run is shown"));
    window.click("End fake, no adapter");
    assert!(!window.has("Where A and B agree"));
}

/// A session in which a model gave probabilities.
fn scored(folder: &Folder) {
    let dataset = open(&folder.file("posts.csv"), &OpenOptions::default()).unwrap();
    let mut watched = Watched::open(dataset, &folder.file("posts.overrule"));
    let session = &mut watched.session;
    session.begin_run(run("scorer"));
    let score = |p: f64| Score {
        p,
        lo: p - 0.1,
        hi: p + 0.1,
    };
    for (post, p) in [0.9, 0.2, 0.45, 0.8, 0.7].into_iter().enumerate() {
        let labels: &[usize] = if p > 0.5 { &[0] } else { &[] };
        let mut prediction = said(labels);
        prediction.scores = Some(vec![score(p), score(0.1), score(0.1)]);
        session.record_prediction(post, prediction);
    }
    watched.wait_until_saved();
    watched.close();
}

#[test]
fn probabilities_stand_beside_the_labels_and_order_the_queue() {
    let folder = Folder::new(&POSTS);
    scored(&folder);
    let mut window = folder.window_with(None);
    window.until("scores", |window| {
        window.has_part("Probability: 90 %, surely between 80 % and 100 %")
    });
    window.click("Order: In order");
    window.click("Least certain first");
    assert_eq!(window.bench().order, Order::Uncertainty);
    assert_eq!(window.bench().queue(), [2, 4, 1, 3, 0]);
    window.press(Key::J);
    assert!(window.has("Answer probability"));
    assert!(window.has("78 %"), "the answer's log-probability is -0.25");
}

#[test]
fn a_figure_of_the_table_opens_exactly_its_posts() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    // Truth: racist, none, religion, sexist, none. Said: racist, sexist, religion, unreadable, failed.
    for (figure, label, cell, posts) in [
        (
            "Show the true positives of racist",
            0,
            Confusion::TruePositive,
            vec![0],
        ),
        (
            "Show the false negatives of sexist",
            1,
            Confusion::FalseNegative,
            vec![3],
        ),
    ] {
        window.click(figure);
        let basis = window.bench().figures.basis();
        let filter = Filter::Confusion { label, cell, basis };
        assert_eq!(window.bench().filter, filter);
        assert_eq!(window.bench().queue(), posts);
    }
    assert!(window.has("Show: sexist: false negatives"));
    let nothing = window
        .harness
        .query_by_label("Show the false positives of racist");
    assert!(nothing.is_none(), "there is nothing to open");
}
