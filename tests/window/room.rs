//! Little room: the smallest window at the largest size, panels that keep their width, texts longer than the window.

use egui::{Key, Rect, Role, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use overrule::review::Outcome;

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
    reach::{all_are_reached, in_every_dialog, start},
};

/// The smallest window at 200 %, in points.
const SMALLEST: Vec2 = vec2(480.0, 310.0);

fn smallest(folder: &Folder) -> Window {
    let mut window = folder.window();
    window.settle();
    window.harness.set_size(SMALLEST);
    window.harness.run_steps(5);
    window
}

#[test]
fn tab_alone_comes_to_everything_of_a_review_in_the_smallest_window() {
    let folder = Folder::new(&POSTS);
    let mut window = smallest(&folder);
    all_are_reached(&mut window, "the review", &[].into());
}

#[test]
fn tab_alone_comes_to_everything_of_every_dialog_in_the_smallest_window() {
    let folder = Folder::new(&POSTS);
    let mut window = smallest(&folder);
    in_every_dialog(&mut window, |window, title, before| {
        window.harness.run_steps(4);
        all_are_reached(window, title, before);
    });
}

#[test]
fn the_models_name_leaves_room_for_the_buttons_of_the_smallest_window() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(Some("fake with other labels"));
    window.settle();
    window.harness.set_size(SMALLEST);
    window.harness.run_steps(5);
    let rect = |name: &str| window.harness.get_by_label(name).rect();
    let model = rect("Model: fake with other labels");
    assert!(
        model.right() + 26.0 < rect("Export…").left(),
        "a note has room"
    );
}

#[test]
fn the_list_of_keys_can_be_read_in_the_smallest_window() {
    let folder = Folder::new(&POSTS);
    let mut window = smallest(&folder);
    window.press(Key::Questionmark);
    window.harness.run_steps(5);
    let at = |window: &Window, text: &str| window.harness.get_by_label(text).rect();
    // One below the other, and none beyond the edge.
    let (decide, look) = (at(&window, "Decide"), at(&window, "Look"));
    assert_eq!(decide.left(), look.left());
    assert!(decide.left() > 0.0 && decide.bottom() < look.top());
    assert!(at(&window, "Quit").top() > SMALLEST.y);
    window.press(Key::End);
    assert!(at(&window, "Quit").bottom() < SMALLEST.y);
    window.press(Key::PageUp);
    window.press(Key::ArrowUp);
    assert!(at(&window, "Quit").top() > SMALLEST.y);
    window.press(Key::Home);
    assert_eq!(at(&window, "Decide"), decide);
}

#[test]
fn picked_posts_leave_the_queue_as_wide_as_it_is() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let width = |window: &Window| {
        let field = window
            .harness
            .get_by_role_and_label(Role::TextInput, "Search the text");
        field.rect().width()
    };
    let before = width(&window);
    window.press_with(CTRL, Key::A);
    window.harness.run_steps(10);
    assert!(window.has("5 selected"));
    assert_eq!(width(&window), before);
}

/// The text of the post on screen.
fn text_of_post(window: &Window) -> Rect {
    let mut found = window.harness.query_all_by_label_contains("the very end");
    let text = found.find(|node| node.accesskit_node().role() == Role::Label);
    text.expect("the text").rect()
}

#[test]
fn a_long_text_is_read_with_the_keyboard() {
    let text = format!("{} the very end", "word ".repeat(3000));
    let folder = Folder::new(&[[&text, "", "racist"], ["short", "", ""]]);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.harness.run_steps(5);
    let top = |window: &Window| text_of_post(window).top();
    let start = top(&window);
    assert!(text_of_post(&window).bottom() > 2000.0);
    window.press(Key::ArrowUp);
    assert_eq!(top(&window), start);
    window.press(Key::ArrowDown);
    assert_eq!(top(&window), start - 50.0);
    window.press(Key::PageDown);
    let page = top(&window);
    assert!(page < start - 300.0);
    window.press(Key::End);
    assert!(text_of_post(&window).bottom() < 800.0);
    window.press(Key::Home);
    assert_eq!(top(&window), start);

    // An arrow leads from button to button where one has the keyboard; pages are turned all the same.
    window.harness.get_by_label("Skip").focus();
    window.harness.run_steps(2);
    window.press(Key::ArrowUp);
    assert_eq!(top(&window), start);
    window.press(Key::PageDown);
    assert!(top(&window) < start - 300.0);

    // Behind a dialog nothing moves, and the next post begins at its beginning.
    let here = top(&window);
    window.press_with(CTRL, Key::K);
    window.press(Key::PageDown);
    window.press(Key::ArrowDown);
    assert_eq!(top(&window), here);
    window.press(Key::Escape);
    assert_eq!(window.bench().session.counts().reviewed, 0);
    assert_eq!(window.bench().cursor(), Some(0));
}

#[test]
fn the_guideline_is_read_with_the_keyboard_from_its_search() {
    let folder = Folder::new(&POSTS);
    let lines: String = (0..80).map(|n| format!("Rule number {n}.\n\n")).collect();
    std::fs::write(folder.file("policy.md"), format!("# Rules\n\n{lines}")).unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press(Key::P);
    window.until("reading", |window| window.has("Rule number 1."));
    let top = |window: &Window| window.harness.get_by_label("Rule number 1.").rect().top();
    let before = top(&window);
    window.press(Key::PageDown);
    assert_eq!(top(&window), before);
    let field = window
        .harness
        .get_by_role_and_label(Role::TextInput, "Search the guideline");
    field.focus();
    window.harness.run_steps(2);
    window.press(Key::PageDown);
    assert!(top(&window) < before);
}

#[test]
fn a_tooltip_goes_when_a_dialog_comes() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let tooltip = "Find any command, queue or post by a few letters.";
    window.harness.get_by_label("Commands…").hover();
    window.until("telling", |window| window.has(tooltip));
    window.press_with(CTRL, Key::E);
    assert!(window.has("File to write") && !window.has(tooltip));
}

#[test]
fn a_recent_dataset_is_opened_with_the_keyboard() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.harness.run_steps(3);
    for control in ["Dataset: posts.csv", "posts.csv"] {
        window.harness.get_by_label(control).focus();
        window.harness.run_steps(2);
        window.press(Key::Enter);
    }
    window.until("opening again", Window::is_open);
    window.harness.run_steps(3);
    assert!(!window.has("Models on this machine…"));
    window.press(Key::S);
    let review = window.bench().session.review(0);
    assert_eq!(review.outcome, Some(Outcome::Skipped));
}

#[test]
fn predicting_says_why_it_does_nothing() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    start(&mut window, "Predict the rest");
    assert!(window.has("Load a model first"));
    // What would do nothing is not offered.
    window.press_with(CTRL, Key::K);
    for command in ["Pause", "Resume", "Stop", "Go on without a model", "Queue"] {
        assert!(!window.has(command), "{command}");
    }
    window.press(Key::Escape);
    drop(window);
    let mut window = folder.window();
    window.settle();
    start(&mut window, "Predict the rest");
    assert!(window.has_part("The model was asked about every post"));
}
