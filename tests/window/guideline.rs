//! The guideline beside the labels, and the last decisions in reach.

use egui::{Key, Role};

use super::fake::{Folder, POSTS, Window};

#[test]
fn the_guideline_beside_the_dataset_is_shown_and_searched() {
    let folder = Folder::new(&POSTS);
    let text =
        "# Rules\nAlways look twice.\n\n## sexist\nSneers at **Blints**.\n- also in disguise\n";
    std::fs::write(folder.file("policy.md"), text).unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press(Key::P);
    window.until("reading", |window| window.has("Rules"));
    assert!(window.has("Always look twice.") && window.has("Sneers at Blints."));
    // What it says about a label stands with the label.
    assert!(window.has_part("sexist\nSneers at Blints."));
    window.click_role(Role::TextInput, "Search the guideline");
    window.type_text("DISGUISE");
    assert!(window.has("also in disguise") && !window.has("Always look twice."));
    // Nothing was decided by what was typed.
    assert_eq!(window.bench().session.counts().skipped, 0);
}

#[test]
fn without_a_guideline_it_is_said_how_to_have_one() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press(Key::P);
    assert!(window.has_part("Put a policy.md beside the dataset"));
}

#[test]
fn the_last_decisions_are_a_click_away() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    assert!(!window.has("Last decisions"));
    window.press(Key::Enter);
    window.press(Key::S);
    window.press(Key::Num0);
    window.press(Key::Enter);
    assert!(window.has("Last decisions"));
    assert!(window.has("Go back to post 2: skipped") && window.has("Go back to post 3: none"));
    window.click("Go back to post 1: racist");
    assert_eq!(window.bench().cursor(), Some(0));
}
