//! Opening another dataset, and the same one again.

use egui::Key;
use overrule::{dataset::OpenOptions, gui::Launch};

use super::{
    CTRL,
    fake::{Folder, LABELS, POSTS, Window},
};

/// Names a dataset in the dialog and opens it.
fn open(window: &mut Window, path: &std::path::Path) {
    window.press_with(CTRL, Key::O);
    window.type_text(&path.display().to_string());
    window.press(Key::Enter);
    window.harness.run_steps(2);
    window.until("opening", Window::is_open);
}

#[test]
fn options_of_the_command_line_are_for_its_dataset_alone() {
    let (here, there) = (Folder::new(&POSTS), Folder::new(&POSTS));
    // The other dataset has a session, so that nothing goes to the platform's folder.
    let mut window = there.window_with(None);
    window.until("opening", Window::is_open);
    drop(window);
    let mut window = Window::open(Launch {
        dataset: Some(here.file("posts.csv")),
        session: Some(here.file("own.overrule")),
        open: OpenOptions {
            labels: Some(vec!["x".to_owned(), "y".to_owned()]),
            ..OpenOptions::default()
        },
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    let labels = |window: &Window| -> Vec<String> {
        let labels = &window.bench().session.dataset().labels;
        labels.iter().map(str::to_owned).collect()
    };
    assert_eq!(labels(&window), ["x", "y"]);
    open(&mut window, &there.file("posts.overrule"));
    assert_eq!(labels(&window), LABELS);
    // Back again it is as the command line wants it, in the session that it named.
    open(&mut window, &here.file("posts.csv"));
    assert_eq!(labels(&window), ["x", "y"]);
    let file = window.bench().session.file().to_owned();
    assert_eq!(file.file_name().unwrap(), "own.overrule");
}

#[test]
fn what_is_opened_again_keeps_its_session() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    drop(window);
    // The command line names the session alone.
    let mut window = Window::open(Launch {
        dataset: Some(folder.file("posts.overrule")),
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    let before = window.bench().session.file().to_owned();
    let path = window.bench().session.dataset().path.clone();
    open(&mut window, &path);
    assert_eq!(window.bench().session.file(), before);
}
