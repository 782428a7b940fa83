//! The window as its users go through it, found by the names that screen readers hear.

mod blind;
mod careful;
mod covered;
mod download;
mod fake;
mod figures;
mod gold;
mod guideline;
mod memory;
mod opening;
mod probe;
mod reach;
mod remote;
mod room;
mod runs;
mod second;
mod settings;
mod tour;
mod unpack;
mod unseen;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;
use overrule::{
    gui::{Launch, working::Source},
    review::{Outcome, queue::Filter},
};

use self::fake::{Folder, POSTS, Window, files};
use crate::common::fixture;

/// Ctrl as desktops other than macOS send it.
const CTRL: Modifiers = Modifiers::CTRL.plus(Modifiers::COMMAND);

#[test]
fn a_review_from_opening_to_export_and_back() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    assert!(window.has("The model’s labels, not confirmed yet"));
    assert!(window.has("The model agrees with the dataset"));
    assert!(
        window.has("Micro F1 0.667"),
        "{:?}",
        window.bench().figures.metrics
    );

    // Post 1: right, confirmed. Post 2: the dataset has no label, the model says sexist; the reviewer says both.
    window.press(Key::Enter);
    assert!(window.has("Post 2"));
    window.press(Key::Num1);
    assert_eq!(window.working(1), Some(vec!["racist", "sexist"]));
    assert!(window.has("Changed, not confirmed yet"));
    assert!(window.has("Against the model, you add racist"));
    window.press(Key::Enter);
    window.until("another score", |window| !window.has("Micro F1 0.667"));

    // Post 3 is accepted, post 4 has no readable answer and is decided by hand, post 5 is none.
    window.press(Key::A);
    window.press(Key::A);
    assert!(window.has_part("no answer that could be read"));
    window.press(Key::Num0);
    assert_eq!(window.working(3), Some(vec![]));
    window.press(Key::Enter);
    window.press(Key::Enter);
    assert!(window.has("This was the last post"));
    assert!(window.has("5 of 5 reviewed"));

    window.press_with(CTRL, Key::E);
    window.click_role(Role::Button, "Export");
    window.until("exporting", |window| window.has_part("Exported 5 posts"));
    let csv = std::fs::read_to_string(folder.file("posts-reviewed.csv")).unwrap();
    let labels: Vec<String> = csv::Reader::from_reader(csv.as_bytes())
        .records()
        .map(|record| record.unwrap()[2].to_owned())
        .collect();
    assert_eq!(labels, ["racist", "racist,sexist", "religion", "", ""]);

    // A second export asks before it replaces the file.
    window.press_with(CTRL, Key::E);
    window.click_role(Role::Button, "Export");
    window.until("asking", |window| window.has("Replace it"));
    window.click("Replace it");
    window.until("replacing", |window| !window.has("Replace it"));

    window.until("saving", |window| window.has("All decisions saved"));
    drop(window);
    let mut window = folder.window();
    window.settle();
    assert_eq!(window.bench().session.counts().reviewed, 5);
    assert_eq!(window.bench().cursor(), Some(4));
    assert_eq!(window.decision(1), Some([0, 1].into_iter().collect()));
    window.press_with(CTRL, Key::Z);
    assert_eq!(window.bench().session.counts().reviewed, 4);
    assert!(window.has_part("Undone: post 5"));
    window.press_with(CTRL.plus(Modifiers::SHIFT), Key::Z);
    assert_eq!(window.bench().session.counts().reviewed, 5);
}

#[test]
fn pictures_are_blurred_until_space_is_held() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    let blurred = "Picture of post 1: blurred, hold Space to see";
    window.until("opening", |window| window.has(blurred));
    window.harness.key_down(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has("Picture of post 1: shown"));
    window.harness.key_up(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has(blurred));
    window.press(Key::B);
    assert!(window.has("Picture of post 1: shown"));
}

#[test]
fn escape_hides_everything_and_the_next_key_only_brings_it_back() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::Escape);
    assert!(window.has_part("Everything is hidden"));
    assert!(!window.has("racist") && !window.has_part("says"));
    window.press(Key::Enter);
    assert!(window.has("racist") && window.has_part("says"));
    assert_eq!(window.bench().session.counts().reviewed, 0);
}

#[test]
fn keys_do_nothing_while_someone_types() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::N);
    for key in [Key::Num1, Key::S, Key::A, Key::E, Key::F, Key::ArrowRight] {
        window.harness.key_press(key);
    }
    window.type_text("1 safe note");
    window.press_with(CTRL, Key::Enter);
    let review = window.bench().session.review(0);
    assert_eq!(review.note, "1 safe note");
    assert_eq!(
        (review.outcome, review.flagged, review.draft),
        (None, false, None)
    );
    assert_eq!(window.bench().cursor(), Some(0));

    window.press_with(CTRL, Key::F);
    window.press(Key::S);
    window.type_text("SEXIST");
    window.until("searching", |window| window.bench().queue() == [1]);
    assert_eq!(window.bench().session.counts().skipped, 0);
}

#[test]
fn a_held_enter_decides_one_post() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.harness.key_down(Key::Enter);
    window.harness.step();
    for _ in 0..3 {
        window.harness.event(egui::Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed: true,
            repeat: true,
            modifiers: Modifiers::NONE,
        });
        window.harness.step();
    }
    assert_eq!(window.bench().session.counts().reviewed, 1);
}

#[test]
fn keys_of_one_frame_are_taken_in_their_order() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let keys = [Key::Num2, Key::Num1, Key::Enter];
    for key in keys {
        let event = |pressed| egui::Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let input = window.harness.input_mut();
        input.events.extend([event(true), event(false)]);
    }
    window.harness.run_steps(2);
    let set = |labels: &[usize]| Some(labels.iter().copied().collect());
    assert_eq!(window.decision(0), set(&[1]));
}

#[test]
fn a_post_to_do_leaves_its_queue_when_it_is_decided() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.click("Show: All posts");
    window.click("To do");
    assert_eq!(window.bench().filter, Filter::Todo);
    window.press(Key::Enter);
    assert_eq!(window.bench().queue(), [1, 2, 3, 4]);
    window.press(Key::S);
    window.press(Key::E);
    assert_eq!(window.bench().queue(), [3, 4]);
    assert_eq!(
        window.bench().session.review(1).outcome,
        Some(Outcome::Skipped)
    );
    assert_eq!(
        window.bench().session.review(2).outcome,
        Some(Outcome::Escalated)
    );
    window.press(Key::ArrowRight);
    assert_eq!(window.bench().cursor(), Some(4));
    window.press(Key::Enter);
    // From the end it goes on with what was passed over.
    assert_eq!(window.bench().cursor(), Some(3));
    window.press(Key::Num0);
    window.press(Key::Enter);
    assert!(window.has("All done"));
}

#[test]
fn labels_are_chosen_by_click_as_well() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.click_role(Role::CheckBox, "religion");
    assert_eq!(window.working(0), Some(vec!["racist", "religion"]));
    window.click("None of these");
    assert_eq!(window.working(0), Some(vec![]));
    window.click("Confirm and next");
    assert_eq!(window.decision(0), Some([].into_iter().collect()));
    window.click("Flag");
    assert!(window.has("Flagged"));
}

#[test]
fn nothing_is_confirmed_by_accident() {
    let folder = Folder::new(&[["unlabelled and alone", "", ""]]);
    std::fs::write(folder.file("posts.csv"), "text,image_path\nunlabelled,\n").unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.harness.run_steps(2);
    assert_eq!(window.bench().working(0).source, Source::Nothing);
    window.press(Key::Enter);
    assert!(window.has("Choose labels first, or press 0 for none"));
    window.press(Key::A);
    assert!(window.has("There is no prediction for this post yet"));
    assert_eq!(window.bench().session.counts().reviewed, 0);
    window.press(Key::Num0);
    window.press(Key::Enter);
    assert_eq!(window.decision(0), Some([].into_iter().collect()));
}

#[test]
fn the_answer_is_shown_verbatim_with_what_was_made_of_it() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::J);
    assert!(window.has(r#"["racist"]"#));
    window.press(Key::ArrowRight);
    window.press(Key::ArrowRight);
    assert!(window.has(r#"well, ["religion", "bogus"] it is"#));
    assert!(window.has_part("Salvaged"));
    assert!(window.has("Labels that do not exist: bogus"));
    window.press(Key::ArrowRight);
    assert!(window.has_part("Failed: no JSON array"));
}

#[test]
fn a_broken_picture_says_so_in_its_place_and_in_the_problems() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    for _ in 0..4 {
        window.press(Key::ArrowRight);
    }
    window.until("failing to decode", |window| {
        window.has("This picture cannot be shown")
    });
    window.until("telling", |window| window.bench().session.has_problem(4));
    window.harness.run_steps(2);
    window.click("Problems: 1");
    assert!(window.has("Broken image"));
    window.press(Key::ArrowLeft);
    window.click("Go to post 5");
    assert_eq!(window.bench().cursor(), Some(4));
}

#[test]
fn missing_pictures_are_told_before_anyone_comes_to_their_posts() {
    let folder = Folder::new(&[
        ["here", "a.png", ""],
        ["gone", "nowhere.png", ""],
        ["gone, too", "nowhere-else.png", ""],
    ]);
    let mut window = folder.window_with(None);
    window.until("telling", |window| window.has("Problems: 2"));
    assert_eq!(window.bench().cursor(), Some(0));
    assert!(window.bench().session.has_problem(2));
}

#[test]
fn what_cannot_be_opened_or_loaded_says_why_and_what_to_do() {
    let folder = Folder::new(&POSTS);
    let mut window = Window::open(Launch {
        dataset: Some(folder.file("missing.csv")),
        ..Launch::default()
    });
    window.until("failing", |window| window.has_part("could not be opened"));
    assert!(window.has("Open data…") && window.has("Try again"));

    let mut window = folder.window_with(Some("nowhere"));
    window.until("failing", |window| {
        window.has("The model could not be loaded")
    });
    assert!(window.has_part("name a folder with config.json"));
    assert!(window.has("Choose model…"));
    window.until("opening", Window::is_open);
    window.harness.run_steps(5);
    window.press(Key::Enter);
    assert_eq!(window.bench().session.counts().reviewed, 1);
}

#[test]
fn a_model_that_cuts_images_up_says_what_that_costs_and_offers_one_tile() {
    let mut window = Window::open(Launch::default());
    window.press_with(CTRL, Key::M);
    assert!(!window.has("Image tiles"));
    window.click_role(Role::TextInput, "Model");
    window.type_text(&fixture("smolvlm/base").display().to_string());
    window.until("looking at the model", |window| window.has("Image tiles"));
    assert!(window.has_part("up to 10 tiles, 40 image tokens"));
    window.click("One tile: 4 image tokens, several times faster; small print is lost");
    assert!(window.has("Load model"));
}

#[test]
fn without_a_dataset_the_window_says_how_to_begin() {
    let mut window = Window::open(Launch::default());
    window.harness.run_steps(2);
    assert!(window.has("Check what a model said"));
    window.press_with(CTRL, Key::O);
    let folder = Folder::new(&POSTS);
    window.type_text(&folder.file("posts.csv").display().to_string());
    window.press(Key::Enter);
    window.until("opening", Window::is_open);
    window.harness.run_steps(2);
    assert!(window.has_part("racist") && !window.has("Check what a model said"));
}

#[test]
fn a_model_that_was_trained_on_other_labels_is_said_to_be() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    assert!(!window.has_part("trained on other labels"));
    drop(window);
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(Some("fake with other labels"));
    window.settle();
    assert!(window.has_part(
        "The model was trained on other labels. New to it: religion. Not asked for here: otherhate."
    ));
}

#[test]
fn another_window_on_the_same_session_is_refused() {
    let folder = Folder::new(&POSTS);
    let mut first = folder.window_with(None);
    first.until("opening", Window::is_open);
    let mut second = folder.window_with(None);
    second.until("refusing", |window| window.has_part("could not be opened"));
    assert!(!second.is_open());
}

#[test]
fn the_demo_is_predicted_by_the_demo_model_and_says_so() {
    let demo = overrule::resources::demo_dataset().unwrap();
    let folder = Folder::new(&[]);
    let rows: Vec<String> = std::fs::read_to_string(&demo)
        .unwrap()
        .lines()
        .take(3)
        .map(|row| format!("{row}\n"))
        .collect();
    std::fs::write(folder.file("posts.csv"), rows.concat()).unwrap();
    let mut window = Window::open_with_models(Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(folder.file("posts.overrule")),
        open: overrule::dataset::OpenOptions {
            image_root: demo.parent().map(Into::into),
            ..Default::default()
        },
        model: Some(overrule::model::ModelSpec {
            model: "demo".to_owned(),
            ..Default::default()
        }),
        ..Launch::default()
    });
    window.settle();
    assert!(window.has("Demo model") && window.has("This is the demo model."));
    let prediction = window.bench().session.prediction(0).unwrap();
    assert_eq!(prediction.error, None);
    window.press(Key::A);
    assert_eq!(
        window.decision(0),
        Some(window.bench().session.answer(0).unwrap())
    );
}

#[test]
fn an_idle_window_rests() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    // Toasts go after seconds; then nothing asks for another frame.
    window.harness.run_steps(60 * 13);
    assert!(window.harness.run_ok().is_some_and(|steps| steps <= 2));
}

#[test]
fn the_keys_overlay_names_every_command_with_a_key() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press(Key::Questionmark);
    for what in [
        "Confirm and next",
        "Accept prediction",
        "Hold to see what is covered",
        "Undo",
    ] {
        assert!(window.has(what), "{what}");
    }
    window.press(Key::Escape);
    assert!(!window.has("Hold to see what is covered"));
    assert!(
        window.has("racist"),
        "the same press must not hide everything"
    );
}

#[test]
fn reviewing_leaves_the_dataset_alone() {
    let folder = Folder::new(&POSTS);
    let before = std::fs::read(folder.file("posts.csv")).unwrap();
    let names = files(folder.temporary.path());
    let mut window = folder.window();
    window.settle();
    window.press(Key::Num3);
    window.press(Key::Enter);
    drop(window);
    assert_eq!(std::fs::read(folder.file("posts.csv")).unwrap(), before);
    let new: Vec<String> = files(folder.temporary.path())
        .into_iter()
        .filter(|name| !names.contains(name))
        .collect();
    assert!(
        new.iter().all(|name| name.starts_with("posts.overrule")),
        "{new:?}"
    );
}

#[test]
fn the_list_draws_only_the_rows_on_screen() {
    let folder = Folder::new(&[]);
    let rows: String = (0..30_000)
        .map(|i| format!("post number {i},,racist\n"))
        .collect();
    let csv = format!("text,image_path,labels\n{rows}");
    std::fs::write(folder.file("posts.csv"), csv).unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.harness.run_steps(2);
    let rows = window
        .harness
        .query_all_by_label_contains("to do, not predicted yet")
        .count();
    assert!((8..20).contains(&rows), "{rows}");
}
