//! A second reviewer: agreement, and conflicts to settle.

use egui::{Key, Role};
use egui_kittest::kittest::Queryable;
use overrule::{
    gui::Launch,
    review::{queue::Filter, session::SaveState},
};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

/// Somebody else's session on the same posts: none for the first, sexist for the second, religion for the third.
fn second_session(folder: &Folder) -> String {
    let file = folder.file("ana.overrule");
    let mut window = Window::open(Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(file.clone()),
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    for key in [Key::Num0, Key::Num2, Key::Num3] {
        window.press(Key::Num0);
        window.press(key);
        window.press(Key::Enter);
    }
    window.until("saving", |window| window.bench().save == SaveState::Saved);
    file.display().to_string()
}

/// Opens the dialog about second reviewers and imports a file there.
fn import(window: &mut Window, path: &str) {
    window.click("Dataset: posts.csv");
    window.click("Second reviewers…");
    window.click_role(Role::TextInput, "Session of the second reviewer");
    window.type_text(path);
    window.click("Import");
}

#[test]
fn a_second_reviewer_is_compared_with_and_conflicts_are_settled() {
    let folder = Folder::new(&POSTS);
    let theirs = second_session(&folder);
    let mut window = folder.window();
    window.settle();
    // As the model has it: racist, sexist, religion.
    (0..3).for_each(|_| window.press(Key::A));
    import(&mut window, &theirs);
    window.until("reading", |window| {
        window.has_part("3 posts decided by both · all labels alike on 2 posts (67 %)")
    });
    assert!(window.has("Kappa") && window.has("AC1"));
    assert!(window.has_part("on 3 posts, your micro F1 is 0.800 and the model’s 0.800"));
    window.until("the intervals", |window| {
        window.has_part("0.800 (95 % intervals .")
    });
    // Another name is kept in this session; Esc leaves the old one.
    let name = {
        let mut seconds = window.bench().session.seconds();
        seconds.next().unwrap().name().to_owned()
    };
    window.click(&format!("Rename {name}"));
    window.press_with(CTRL, Key::A);
    window.type_text("Somebody");
    window.press(Key::Escape);
    assert!(window.has(&name) && window.has("Second reviewers"));
    window.click(&format!("Rename {name}"));
    window.press_with(CTRL, Key::A);
    window.type_text("Ana Lee");
    window.press(Key::Enter);
    window.until("renaming", |window| window.has("You and Ana Lee"));
    // A low window scrolls it.
    window.harness.set_size(egui::vec2(1024.0, 420.0));
    window.harness.run_steps(5);
    let conflicts = "Show the conflicts";
    window.harness.get_by_label(conflicts).scroll_to_me();
    window.harness.run_steps(30);
    let rect = window.harness.get_by_label(conflicts).rect();
    assert!(rect.top() > 0.0 && rect.bottom() < 420.0, "{rect}");
    window.click(conflicts);
    window.harness.set_size(egui::vec2(1280.0, 800.0));
    assert_eq!(window.bench().filter, Filter::Conflicts);
    window.until("going there", |window| window.bench().queue() == [0]);
    assert!(window.has_part("you add racist"));
    assert!(window.has("A conflict: what you confirm now settles it"));

    // Kept as it is: settled all the same.
    window.press(Key::Enter);
    assert_eq!(window.decision(0), Some([0].into_iter().collect()));
    let review = window.bench().session.review(0);
    assert_eq!(review.alone, Some([0].into_iter().collect()));
    window.until("leaving", |window| window.bench().queue().is_empty());
    assert!(window.has("Settled"));

    // It is all there again, and goes on request.
    window.until("saving", |window| window.bench().save == SaveState::Saved);
    drop(window);
    let mut window = folder.window();
    window.settle();
    assert_eq!(window.bench().session.seconds().len(), 1);
    assert!(window.has("Settled"));
    window.until("comparing", |window| window.has_part("The human ceiling"));
    assert!(window.has("Against Ana Lee"));
    window.until("the intervals", |window| {
        let ceilings = &window.bench().figures.ceilings;
        ceilings.first().is_some_and(|of| of.person == of.model)
    });
    window.click("Dataset: posts.csv");
    window.click("Second reviewers…");
    window.click("Take Ana Lee away");
    assert_eq!(window.bench().session.seconds().len(), 0);
    window.click("Close Second reviewers");
    window.until("saving", |window| window.bench().save == SaveState::Saved);
}

#[test]
fn conflicts_accepted_together_are_settled_and_keep_what_was_decided_alone() {
    let folder = Folder::new(&POSTS);
    let theirs = second_session(&folder);
    let mut window = folder.window();
    window.settle();
    // Otherwise than the model, and than the other reviewer.
    window.press(Key::Num0);
    window.press(Key::Num3);
    window.press(Key::Enter);
    import(&mut window, &theirs);
    window.until("reading", |window| window.has_part("decided by both"));
    window.click("Show the conflicts");
    window.until("going there", |window| window.bench().queue() == [0]);
    window.press_with(CTRL, Key::A);
    window.click("Accept the predictions of the selected posts");
    let review = window.bench().session.review(0);
    assert_eq!(review.decision, Some([0].into_iter().collect()));
    assert_eq!(review.own_decision(), Some([2].into_iter().collect()));
}

#[test]
fn the_name_is_chosen_in_the_settings_and_told_with_decisions() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let name_is = |window: &mut Window, name: &str| {
        window.press_with(CTRL, Key::Comma);
        window.click("Settings: Reviewer");
        window.click_role(Role::TextInput, "Your name");
        window.press_with(CTRL, Key::A);
        window.type_text(name);
        window.click("Close Settings");
        assert_eq!(window.bench().session.reviewer(), Some(name));
    };
    name_is(&mut window, "Ana");
    window.press(Key::A);
    window.press(Key::ArrowLeft);
    assert!(window.has("Confirmed"));
    name_is(&mut window, "Ben");
    assert!(window.has("Confirmed by Ana"));
    // Another decision is another person's.
    window.press(Key::Num2);
    window.press(Key::Enter);
    window.press(Key::ArrowLeft);
    assert!(!window.has("Confirmed by Ana"));
    assert_eq!(window.bench().session.review(0).by.as_deref(), Some("Ben"));
}

#[test]
fn a_file_that_is_no_session_says_so() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    import(&mut window, &folder.file("posts.csv").display().to_string());
    window.until("refusing", |window| window.has_part("another kind of file"));
}
