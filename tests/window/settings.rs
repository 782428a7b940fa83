//! The settings: what is covered, which key starts what.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use overrule::{
    gui::Launch,
    review::{Outcome, queue::Filter},
};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

fn settings(folder: &Folder) -> Window {
    let mut window = folder.window();
    window.settle();
    window.press_with(CTRL, Key::Comma);
    assert!(window.has("Settings"));
    window
}

/// A window whose settings are kept beside the posts.
fn with_settings(folder: &Folder) -> Window {
    let launch = Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(folder.file("posts.overrule")),
        ..Launch::default()
    };
    let mut window = Window::open_with_settings(launch, folder.file("settings.json"));
    window.until("opening", Window::is_open);
    window.harness.run_steps(2);
    window
}

/// Whether a switch or a choice is on.
fn is_on(window: &Window, label: &str) -> bool {
    let toggled = window
        .harness
        .get_by_label(label)
        .accesskit_node()
        .toggled();
    toggled == Some(egui::accesskit::Toggled::True)
}

#[test]
fn a_key_is_changed_told_where_it_clashes_and_set_back() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Settings: Keys");
    window.click("Key of Skip: S");
    window.press(Key::A);
    assert!(window.has("Key of Skip: A") && window.has("also Accept prediction"));
    window.click("Key of Skip: A");
    // Esc keeps the key, and the dialog.
    window.press(Key::Escape);
    assert!(window.has("Key of Skip: A"));
    window.click("Key of Skip: A");
    window.press_with(CTRL, Key::D);
    assert!(window.has("Key of Skip: Ctrl+D") && !window.has("also Accept prediction"));
    window.click("Close Settings");
    window.press(Key::S);
    assert_eq!(window.bench().session.counts().skipped, 0);
    window.press_with(CTRL, Key::D);
    assert_eq!(
        window.bench().session.review(0).outcome,
        Some(Outcome::Skipped)
    );
    window.press(Key::Questionmark);
    assert!(window.has("Ctrl+D") && window.has("1 … 9"));
    window.press(Key::Escape);
    window.press_with(CTRL, Key::Comma);
    window.click("Settings: Keys");
    window.click("Set the key of Skip back");
    assert!(window.has("Key of Skip: S"));
}

#[test]
fn a_key_is_awaited_on_its_page_only() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Settings: Keys");
    window.click("Key of Skip: S");
    window.click("Settings: Reviewer");
    let field = window
        .harness
        .get_by_role_and_label(Role::TextInput, "Your name");
    field.focus();
    window.harness.run_steps(2);
    window.press(Key::D);
    window.type_text("d");
    window.click("Settings: Keys");
    assert!(window.has("Key of Skip: S"));
    window.press(Key::D);
    assert!(window.has("Key of Skip: S"));
    // Waiting for a key keeps nobody in the dialog.
    window.click("Key of Skip: S");
    window.click("Close Settings");
    assert!(!window.has("Settings: Keys"));
}

#[test]
fn a_key_that_was_changed_is_shown_where_it_is_pressed() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Settings: Keys");
    for (row, key) in [("Toggle label 1: 1", Key::Q), ("Flag: F", Key::Num1)] {
        let name = format!("Key of {row}");
        window.harness.get_by_label(&name).scroll_to_me();
        window.harness.run_steps(3);
        window.click(&name);
        window.press(key);
    }
    window.click("Close Settings");
    let key_of = |window: &Window, label: &str| {
        let row = window
            .harness
            .get_by_role_and_label(Role::CheckBox, label)
            .accesskit_node();
        row.data().keyboard_shortcut().map(str::to_owned)
    };
    assert_eq!(key_of(&window, "racist").as_deref(), Some("Q"));
    assert_eq!(key_of(&window, "sexist").as_deref(), Some("2"));
    window.press(Key::Q);
    assert_eq!(window.working(0), Some(vec![]));
    window.press(Key::Num1);
    assert!(window.bench().session.review(0).flagged);
    window.press(Key::Questionmark);
    assert!(window.has("Toggle label 1") && !window.has("1 … 9"));
}

#[test]
fn what_was_set_is_so_in_the_next_window() {
    let folder = Folder::new(&POSTS);
    let shown = "Picture of post 1: shown";
    let mut window = with_settings(&folder);
    assert!(!window.has(shown));
    window.press(Key::B);
    window.press_with(CTRL, Key::Comma);
    window.click("Cover texts as well");
    window.click("Settings: Window and model");
    assert!(!is_on(&window, "Theme: Light"));
    window.click("Theme: Light");
    window.click("Settings: Keys");
    window.click("Key of Skip: S");
    window.press_with(CTRL, Key::D);
    window.close();

    let mut window = with_settings(&folder);
    window.until("decoding", |window| window.has(shown));
    assert!(window.has("Text of post 1: covered, hold Space to see"));
    window.press(Key::S);
    assert_eq!(window.bench().session.counts().skipped, 0);
    window.press_with(CTRL, Key::D);
    assert_eq!(window.bench().session.counts().skipped, 1);
    window.press_with(CTRL, Key::Comma);
    window.click("Settings: Window and model");
    assert!(is_on(&window, "Theme: Light"));
}

#[test]
fn pictures_without_colour_are_a_switch_that_stays_as_it_was_left() {
    let folder = Folder::new(&POSTS);
    let (menu, switch) = ("View settings", "Grey pictures");
    for was_on in [false, true] {
        let mut window = with_settings(&folder);
        window.click(menu);
        assert_eq!(is_on(&window, switch), was_on);
        window.click(switch);
        if !window.has(switch) {
            window.click(menu);
        }
        assert_eq!(is_on(&window, switch), !was_on);
        window.close();
    }
}

#[test]
fn texts_are_covered_until_space_is_held() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Cover texts as well");
    window.click("Close Settings");
    let covered = "Text of post 1: covered, hold Space to see";
    assert!(window.has(covered) && !window.has(r#"says ["racist"]"#));
    assert!(window.has_part("Text covered"));
    window.harness.key_down(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has(r#"says ["racist"]"#) && !window.has(covered));
    window.harness.key_up(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has(covered));
}

#[test]
fn a_picture_shown_by_a_press_is_covered_again_after_a_while() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Shown: By a click");
    window.click("Close Settings");
    let shown = "Picture of post 1: shown";
    assert!(!window.has(shown));
    window.press(Key::Space);
    assert!(window.has(shown));
    // After ten seconds.
    window.run_secs(9.0);
    assert!(window.has(shown));
    window.run_secs(2.0);
    assert!(!window.has(shown));
    window.press(Key::Space);
    window.press(Key::Space);
    assert!(!window.has(shown));
}

#[test]
fn posts_of_a_topic_are_put_away_into_a_queue_of_their_own() {
    let folder = Folder::new(&POSTS);
    let mut window = settings(&folder);
    window.click("Put away sexist");
    window.click("Close Settings");
    // Predicted, or labelled so in the dataset.
    window.until("leaving them out", |window| {
        window.bench().queue() == [0, 2, 4]
    });
    window.click("Show: All posts");
    window.click("Put away");
    assert_eq!(window.bench().filter, Filter::PutAway);
    window.until("showing them", |window| window.bench().queue() == [1, 3]);
}

#[test]
fn kept_thumbnails_are_told_deleted_and_turned_off() {
    let folder = Folder::new(&POSTS);
    let kept = folder.file("kept");
    // As other days left it; a block of the disk is the least that a file takes.
    std::fs::create_dir_all(kept.join("ab")).unwrap();
    std::fs::write(kept.join("ab/cdef.thumb"), b"a picture").unwrap();
    let launch = Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(folder.file("posts.overrule")),
        ..Launch::default()
    };
    let mut window = Window::open_with_thumbnails(launch, kept.clone());
    window.until("opening", Window::is_open);
    window.press_with(CTRL, Key::Comma);
    window.click("Settings: Window and model");
    window.until("looking", |window| window.has("4 kB kept, 537 MB at most"));
    window.click("Delete them");
    window.until("deleting", |window| {
        window.has("4 kB of thumbnails deleted")
    });
    window.until("looking again", |window| {
        window.has("0 bytes kept, 537 MB at most")
    });
    assert!(kept.exists() && !kept.join("ab").exists());
    let keep = "Keep small pictures on this disk between runs";
    assert!(is_on(&window, keep));
    window.click(keep);
    assert!(!is_on(&window, keep));
}

#[test]
fn where_there_is_little_height_the_buttons_that_decide_stay_in_view() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    for (width, height) in [
        (640.0, 400.0),
        (853.0, 533.0),
        (1024.0, 700.0),
        (512.0, 350.0),
    ] {
        window.harness.set_size(egui::vec2(width, height));
        window.harness.run_steps(3);
        for button in [
            "Confirm and next",
            "Accept prediction",
            "Skip",
            "Escalate",
            "Flag",
            "Note…",
        ] {
            let rect = window
                .harness
                .get_by_role_and_label(Role::Button, button)
                .rect();
            let is_seen = rect.bottom() <= height - 28.0 && rect.right() <= width;
            assert!(is_seen, "{button} in {width} × {height}: {rect}");
        }
        // The first label is in sight as well.
        let label = window
            .harness
            .get_by_role_and_label(Role::CheckBox, "racist")
            .rect();
        assert!(
            label.bottom() < height - 100.0,
            "{width} × {height}: {label}"
        );
    }
    // A click still decides, and the labels go with the post.
    window.click_role(Role::Button, "Confirm and next");
    assert!(window.decision(0).is_some());
}

#[test]
fn where_there_is_no_room_for_the_queue_the_post_and_its_labels_stay() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    assert!(window.has("Search the text"));
    window.harness.set_size(egui::vec2(640.0, 400.0));
    window.settle();
    assert!(!window.has("Search the text"));
    let text = window.harness.get_by_label(r#"says ["racist"]"#).rect();
    assert!(text.width() > 80.0 && text.right() < 330.0, "{text}");
    window.press(Key::ArrowRight);
    window.press(Key::Enter);
    assert!(window.decision(1).is_some());

    // Asked for, the queue stands in the post's place, and what is not seen is not decided.
    window.press_with(CTRL, Key::F);
    assert!(window.has("Search the text") && !window.has("Confirm and next"));
    window.type_text("religion");
    window.until("searching", |window| window.bench().queue() == [2]);
    window.click("Back to the post");
    assert!(!window.has("Search the text") && window.has("Confirm and next"));
    window.press_with(CTRL, Key::A);
    assert!(window.has("1 selected"));
    window.press(Key::S);
    assert_eq!(window.bench().session.counts().skipped, 0);
    let row = window.harness.get_by_label_contains("Post 3,");
    row.click();
    window.harness.run_steps(3);
    assert!(window.has("Confirm and next"));
    window.click("Queue");
    assert!(window.has("1 selected"));
    // Where there is room both are there again.
    window.harness.set_size(egui::vec2(1280.0, 800.0));
    window.harness.run_steps(3);
    assert!(window.has("Search the text") && window.has("Confirm and next"));
}

#[test]
fn long_names_of_labels_stay_in_the_dialog_each_on_one_line() {
    let folder = Folder::new(&POSTS);
    let long = "hostility towards people of a profession ".repeat(3);
    let names = [
        "dehumanising comparison of a group",
        "incitement to exclusion from public life",
        "여성혐오 표현",
        long.trim(),
    ];
    std::fs::write(folder.file("class_names.txt"), names.join("\n")).unwrap();
    let mut window = Window::open(Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(folder.file("posts.overrule")),
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    window.press_with(CTRL, Key::Comma);
    window.harness.run_steps(3);
    let rect = |label: &str| window.harness.get_by_label(label).rect();
    let right = rect("Close Settings").right();
    for name in names {
        let found = rect(&format!("Put away {name}"));
        assert!(found.right() <= right && found.height() < 40.0, "{found:?}");
    }
}
