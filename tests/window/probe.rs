//! What the model saw, and asking it about other forms of a post.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT, Queryable};

use super::fake::{Folder, POSTS};

#[test]
fn the_prompt_and_the_picture_are_shown_as_the_model_got_them() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::W);
    assert!(window.has("What the model saw of post 1"));
    window.until("making it ready", |window| window.has("Copy prompt"));
    assert!(window.has(r#"says ["racist"]"#) && window.has_part("10 tokens"));
    // The dialog finds its place once it is full.
    window.harness.run_steps(5);
    window.click("Close What the model saw of post 1");

    // A picture that cannot be read says so.
    for _ in 0..4 {
        window.press(Key::ArrowRight);
    }
    window.press(Key::W);
    window.until("failing", |window| window.has_part("broken.png"));
}

#[test]
fn other_forms_of_a_post_are_answered_beside_it_and_never_stored() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::ArrowRight);
    let before = window.bench().session.prediction(1).cloned();
    window.press(Key::X);
    assert!(window.has("Probe post 2"));
    window.click("Other prompt");
    window.click("Ask the model");
    window.until("answering", |window| {
        window.has_part("Largest change") || window.has_part("No form changes")
    });
    assert!(window.has_part("sexist falls"));
    assert!(window.has("As it is") && window.has("No text") && window.has("Grey picture"));

    // An edited text is one more form.
    window.click_role(Role::MultilineTextInput, "Edited text");
    window.press_with(super::CTRL, Key::A);
    window.type_text(r#"says ["religion"]"#);
    window.click("Ask the model");
    window.until("answering", |window| window.has_part("Largest change"));
    window.click("Close Probe post 2");
    assert_eq!(window.bench().session.prediction(1).cloned(), before);
    assert_eq!(window.bench().session.counts().reviewed, 0);
}

#[test]
fn the_base_without_its_adapter_is_asked_beside_the_model() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(Some("adapted"));
    window.settle();
    window.press(Key::X);
    window.click("No text");
    window.click("Grey picture");
    window.click("Base model");
    assert!(window.has_part("loaded beside the model, and put away again"));
    window.click("Ask the model");
    window.until("answering", |window| window.has_part("Largest change"));
    assert!(window.has_part("racist falls") && window.has_part("with “base model”"));
    assert!(window.has("Model: adapted"), "it is still the model");

    // One without an adapter has no base.
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::X);
    let base = window.harness.get_by_label("Base model");
    assert!(base.accesskit_node().is_disabled());
}

#[test]
fn without_a_model_there_is_nothing_to_probe() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", super::fake::Window::is_open);
    window.press(Key::X);
    assert!(window.has("Load a model first") && window.has("Choose model…"));
}

#[test]
fn a_part_of_the_picture_is_covered_with_keys_alone() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::X);
    let picture = "Picture: drag, or press Enter, to cover a part";
    window.harness.get_by_label(picture).focus();
    window.harness.run_steps(3);
    assert!(window.has("Press Enter to cover the middle."));
    window.press(Key::Enter);
    for key in [Key::ArrowLeft, Key::ArrowDown, Key::Plus] {
        window.press(key);
        assert!(window.has_part("Arrows move the grey part"), "{key:?}");
    }
    window.click("Ask the model");
    window.until("answering", |window| {
        window.has_part("Largest change") || window.has_part("No form changes")
    });
    window.harness.get_by_label(picture).focus();
    window.harness.run_steps(3);
    window.press(Key::Delete);
    assert!(window.has("Press Enter to cover the middle."));
}
