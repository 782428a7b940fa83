//! Screen readers and keyboards: everything that can be clicked has a name, and Tab comes to it.

use std::collections::BTreeSet;

use egui::{Key, Role, accesskit::Action};
use egui_kittest::kittest::NodeT;
use overrule::gui::Launch;

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

/// Something that can be clicked: its role, its name, whether it can be used now, whether it has the keyboard.
struct Control {
    role: String,
    name: String,
    is_enabled: bool,
    has_focus: bool,
}

fn controls(window: &Window) -> Vec<Control> {
    let nodes = window.harness.root().children_recursive();
    // Text that can be selected and scroll bars are clicked as well; what they do, the keyboard does in other ways.
    let nodes = nodes.filter(|node| {
        let node = node.accesskit_node();
        let is_control = !matches!(node.role(), Role::Label | Role::ScrollBar);
        is_control && node.data().supports_action(Action::Click)
    });
    let control = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        Control {
            role: format!("{:?}", node.role()),
            name: node.label().unwrap_or_default(),
            is_enabled: !node.is_disabled(),
            has_focus: node.is_focused(),
        }
    };
    nodes.map(control).collect()
}

/// Every control has a name that can be read out. (An icon is a letter of no alphabet.)
#[track_caller]
fn all_have_names(window: &Window, place: &str) {
    let controls = controls(window);
    assert!(!controls.is_empty(), "{place}");
    let nameless: Vec<String> = controls
        .iter()
        .filter(|control| !control.name.contains(char::is_alphanumeric))
        .map(|control| format!("{} “{}”", control.role, control.name))
        .collect();
    assert!(nameless.is_empty(), "{place}: {nameless:?}");
}

/// Tab comes to every control that can be used.
#[track_caller]
fn all_are_reached(window: &mut Window, place: &str) {
    let names = |window: &Window| -> BTreeSet<String> {
        let usable = controls(window).into_iter().filter(|c| c.is_enabled);
        usable.map(|c| format!("{} “{}”", c.role, c.name)).collect()
    };
    let mut missed = names(window);
    let most = 2 * controls(window).len() + 20;
    for _ in 0..most {
        window.harness.key_press(Key::Tab);
        window.harness.run_steps(2);
        for control in controls(window).iter().filter(|c| c.has_focus) {
            missed.remove(&format!("{} “{}”", control.role, control.name));
        }
        if missed.is_empty() {
            return;
        }
    }
    // What scrolled out of sight meanwhile is not there to be reached.
    let there = names(window);
    missed.retain(|name| there.contains(name));
    assert!(missed.is_empty(), "{place}: {missed:?}");
}

/// Starts a command by some letters of its name.
fn start(window: &mut Window, letters: &str) {
    window.press_with(CTRL, Key::K);
    window.type_text(letters);
    window.press(Key::Enter);
    window.harness.run_steps(4);
}

#[test]
fn all_that_can_be_clicked_has_a_name_in_every_view() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    all_have_names(&window, "the review");
    for menu in [
        "Dataset: posts.csv",
        "Model: fake",
        "View settings",
        "Help",
        "Show: All posts",
        "Order: In order",
    ] {
        window.click(menu);
        all_have_names(&window, menu);
        window.press(Key::Escape);
    }
    for tab in ["Answer", "Runs", "Guideline", "Scores"] {
        window.click(&format!("Below: {tab}"));
        all_have_names(&window, tab);
    }
    window.press_with(CTRL, Key::A);
    all_have_names(&window, "a selection");
    window.press(Key::M);
    window.until("drawing", |window| window.bench().figures.drawn.is_some());
    for page in ["Scores", "Labels", "Thresholds", "Calibration", "Over time"] {
        window.click(&format!("Page: {page}"));
        all_have_names(&window, page);
    }
    let nothing = Window::open(Launch::default());
    all_have_names(&nothing, "no dataset");
    let mut failed = Window::open(Launch {
        dataset: Some("/nowhere/posts.csv".into()),
        ..Launch::default()
    });
    failed.until("failing", |window| window.has_part("could not be opened"));
    all_have_names(&failed, "a dataset that is not there");
}

#[test]
fn all_that_can_be_clicked_has_a_name_in_every_dialog() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    for dialog in [
        "Open data…",
        "Choose model…",
        "Models on this machine…",
        "Export…",
        "Note…",
        "Second reviewers…",
        "Gold posts…",
        "What the model saw",
        "Probe this post…",
        "Settings…",
        "Take the tour",
        "Keys",
        "About Overrule",
    ] {
        start(&mut window, dialog);
        all_have_names(&window, dialog);
        for section in ["Blind review", "Reviewer", "Window and model", "Keys"] {
            if window.has(&format!("Settings: {section}")) {
                window.click(&format!("Settings: {section}"));
                all_have_names(&window, section);
            }
        }
        window.press(Key::Escape);
        window.press(Key::Escape);
        if window.has_part("Everything is hidden") {
            window.press(Key::Escape);
        }
    }
    window.press_with(CTRL, Key::K);
    all_have_names(&window, "the palette");
}

#[test]
fn tab_alone_comes_to_everything_of_a_review() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    all_are_reached(&mut window, "the review");
}
