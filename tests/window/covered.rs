//! What is covered stays covered until somebody asks to see it, and is not shown in passing.

use egui::{Event, Key, PointerButton, Pos2, Role};
use egui_kittest::kittest::Queryable;

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

const TEXT: &str = r#"says ["racist"]"#;

/// A window in which texts are covered as well; `then` is clicked in the settings, too.
fn covered(folder: &Folder, then: Option<&str>) -> Window {
    let mut window = folder.window();
    window.settle();
    window.press_with(CTRL, Key::Comma);
    window.click("Cover texts as well");
    if let Some(then) = then {
        window.click(then);
    }
    window.click("Close Settings");
    window
}

/// Presses the pointer where something with this name stands, or lets it go there.
fn pointer(window: &mut Window, pos: Pos2, pressed: bool) {
    window.harness.hover_at(pos);
    window.harness.event(Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    });
    window.harness.run_steps(3);
}

#[test]
fn the_press_that_brings_everything_back_does_nothing_else() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::Enter);
    window.press(Key::Escape);
    window.harness.key_down(Key::Space);
    window.harness.run_steps(3);
    assert!(window.has_part("Everything is hidden") && !window.has_part("Picture of post 2"));
    window.harness.key_up(Key::Space);
    window.harness.run_steps(3);
    assert!(window.has("Picture of post 2: blurred, hold Space to see"));

    window.press(Key::Escape);
    assert!(window.has_part("Everything is hidden"));
    window.click_role(Role::Button, "Undo");
    assert!(window.has("Picture of post 2: blurred, hold Space to see"));
    assert!(window.decision(0).is_some(), "what lay under the pointer");
    window.click_role(Role::Button, "Undo");
    assert!(window.decision(0).is_none());
}

#[test]
fn a_key_whose_end_nobody_told_does_not_keep_everything_hidden() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.harness.key_down(Key::Escape);
    window.harness.run_steps(3);
    assert!(window.has_part("Everything is hidden"));
    // A sign whose Shift goes up first comes up as another key.
    for (down, up) in [(Key::Questionmark, Key::Slash), (Key::Enter, Key::Enter)] {
        assert!(window.has_part("Everything is hidden"));
        window.harness.key_down(down);
        window.harness.run_steps(2);
        window.harness.key_up(up);
        window.harness.run_steps(3);
    }
    assert!(!window.has_part("Everything is hidden"));
    assert!(window.decision(0).is_none());
}

#[test]
fn space_is_no_commands_key() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press_with(CTRL, Key::Comma);
    window.click("Settings: Keys");
    window.click("Key of Confirm and next: Enter");
    window.press(Key::Space);
    assert!(window.has("Space shows what is covered: press another key."));
    assert!(window.has("Key of Confirm and next: Enter"));
    window.press(Key::Y);
    assert!(window.has("Key of Confirm and next: Y"));
    assert!(!window.has_part("press another key"));
}

#[test]
fn a_held_space_turns_what_is_covered_over_once() {
    let folder = Folder::new(&POSTS);
    let mut window = covered(&folder, Some("Shown: By a click"));
    let (picture, text) = (
        "Picture of post 1: blurred, press Space to see",
        "Text of post 1: covered, press Space to see",
    );
    assert!(window.has(picture) && window.has(text));
    // The system sends the key again and again while it is held.
    for _ in 0..6 {
        window.harness.key_down(Key::Space);
        window.harness.run_steps(1);
        assert!(window.has("Picture of post 1: shown") && window.has(TEXT));
    }
    window.harness.key_up(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has("Picture of post 1: shown"));
    window.press(Key::Space);
    assert!(window.has(picture) && window.has(text));
}

#[test]
fn a_press_on_a_covered_text_shows_it_alone_and_as_long_as_it_lasts() {
    let folder = Folder::new(&POSTS);
    let mut window = covered(&folder, None);
    let (picture, text) = (
        "Picture of post 1: blurred, hold Space to see",
        "Text of post 1: covered, hold Space to see",
    );
    let at = |window: &Window, name: &str| window.harness.get_by_label(name).rect().center();
    let on_text = at(&window, text);
    pointer(&mut window, on_text, true);
    window.harness.run_steps(5);
    assert!(window.has(TEXT) && window.has(picture));
    pointer(&mut window, on_text, false);
    assert!(window.has(text) && !window.has(TEXT));
    // A press anywhere else is about something else.
    let on_picture = at(&window, picture);
    pointer(&mut window, on_picture, true);
    assert!(window.has("Picture of post 1: shown") && window.has(text));
    pointer(&mut window, on_picture, false);
    assert!(window.has(picture));
    let elsewhere = at(&window, "Flag");
    pointer(&mut window, elsewhere, true);
    assert!(window.has(text) && window.has(picture));
    pointer(&mut window, elsewhere, false);
}

#[test]
fn dialogs_about_a_post_keep_its_text_covered() {
    let folder = Folder::new(&POSTS);
    let mut window = covered(&folder, None);
    window.press(Key::W);
    window.until("making it ready", |window| window.has("Show the text"));
    assert!(!window.has("Copy prompt"));
    window.click("Show the text");
    assert!(window.has("Copy prompt"));
    window.click("Close What the model saw of post 1");
    window.press(Key::X);
    let field = |window: &Window| {
        let role = Role::MultilineTextInput;
        let field = window.harness.query_by_role_and_label(role, "Edited text");
        field.is_some()
    };
    assert!(window.has("Show the picture") && !field(&window));
    window.click("Show the text");
    assert!(field(&window));
}
