//! Keys that come faster than anybody can see what they are about.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

/// Keys and letters that all come in one frame, with a click before them where one is given.
fn in_one_frame(window: &mut Window, click: Option<egui::Pos2>, keys: &[Key]) {
    let mut events = Vec::new();
    if let Some(pos) = click {
        events.push(egui::Event::PointerMoved(pos));
        events.extend([true, false].map(|pressed| egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        }));
    }
    for key in keys {
        let event = |pressed| egui::Event::Key {
            key: *key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let letter = key.name().to_lowercase();
        events.push(event(true));
        events.extend((letter.len() == 1).then_some(egui::Event::Text(letter)));
        events.push(event(false));
    }
    window.harness.input_mut().events.extend(events);
    window.harness.run_steps(10);
}

#[test]
fn nothing_is_decided_about_a_post_that_nobody_has_seen() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    for (keys, decided) in [
        (&[Key::Enter, Key::Enter, Key::Enter][..], 1),
        (&[Key::S, Key::S, Key::E], 2),
        (&[Key::Num1, Key::Num2, Key::Enter, Key::Num1, Key::A], 3),
    ] {
        in_one_frame(&mut window, None, keys);
        let counts = window.bench().session.counts();
        assert_eq!(counts.reviewed + counts.skipped + counts.escalated, decided);
        assert_eq!(window.bench().cursor(), Some(decided));
        assert!(window.has("This post has only just come: look at it first"));
        assert_eq!(window.bench().session.review(decided).draft, None);
    }
    window.press(Key::A);
    assert_eq!(
        window.bench().session.counts().reviewed,
        2,
        "the fourth has no answer"
    );
    window.press(Key::S);
    assert_eq!(window.bench().cursor(), Some(4));
}

#[test]
fn what_is_typed_behind_a_click_goes_where_the_click_leads() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let search = window
        .harness
        .get_by_label("Search the text")
        .rect()
        .center();
    in_one_frame(&mut window, Some(search), &[Key::S, Key::E, Key::A, Key::F]);
    let typed = window.harness.get_by_label("Search the text").value();
    assert_eq!(typed.as_deref(), Some("seaf"));
    let counts = window.bench().session.counts();
    assert_eq!(
        (counts.reviewed, counts.skipped, counts.escalated),
        (0, 0, 0)
    );
}

#[test]
fn no_post_is_decided_behind_the_figures() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    in_one_frame(&mut window, None, &[Key::M, Key::S, Key::S]);
    assert!(window.has_part("Page: Scores"));
    assert_eq!(window.bench().session.counts().skipped, 0);
}

#[test]
fn without_labels_there_is_nothing_to_decide() {
    let folder = Folder::new(&POSTS);
    std::fs::write(folder.file("posts.csv"), "text\nhere\nthere\n").unwrap();
    std::fs::remove_file(folder.file("class_names.txt")).unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.harness.run_steps(5);
    for key in [Key::Num0, Key::Enter, Key::Num1] {
        window.press(key);
        assert!(window.has_part("This dataset has no labels to choose from"));
    }
    assert_eq!(window.bench().session.counts().reviewed, 0);
    window.press(Key::S);
    assert_eq!(window.bench().session.counts().skipped, 1);
}

#[test]
fn a_message_offers_no_way_back_that_leads_elsewhere_by_now() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::Enter);
    window.press_with(CTRL, Key::Z);
    assert!(window.has("Undone: post 1 is to do now"));
    window.press_with(CTRL.plus(Modifiers::SHIFT), Key::Z);
    assert!(!window.has("Undone: post 1 is to do now"));
    assert!(window.has("Done again: post 1 is confirmed now"));
    window.press(Key::ArrowRight);
    window.press(Key::S);
    assert!(!window.has("Done again: post 1 is confirmed now"));
}
