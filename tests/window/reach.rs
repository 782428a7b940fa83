//! Screen readers and keyboards: everything that can be clicked has a name, and Tab comes to it.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Key, Modifiers, Role, accesskit::Action};
use egui_kittest::kittest::{NodeT, Queryable};
use overrule::gui::Launch;

use super::{
    CTRL, careful,
    fake::{Folder, POSTS, Window},
};

/// The dialogs of a review by the commands that open them, with their titles.
const DIALOGS: [(&str, &str); 12] = [
    ("Open data…", "Open data"),
    ("Choose model…", "Choose a model"),
    ("Models on this machine…", "Models on this machine"),
    ("Export…", "Export"),
    ("Note…", "Note on post 1"),
    ("Second reviewers…", "Second reviewers"),
    ("Gold posts…", "Gold posts"),
    ("What the model saw", "What the model saw of post 1"),
    ("Probe this post…", "Probe post 1"),
    ("Settings…", "Settings"),
    ("Keys", "Keys"),
    ("About Overrule", "About Overrule"),
];

/// The sections of the settings.
const SECTIONS: [&str; 5] = [
    "Looking",
    "Blind review",
    "Reviewer",
    "Window and model",
    "Keys",
];

/// Something that can be clicked: its role, its name, whether it can be used now, whether it has the keyboard.
struct Control {
    id: String,
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
            id: format!("{:?}", node.id()),
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

/// Tab comes to every control that can be used, and where it comes to is seen. What was there `before` lies behind a
/// dialog.
#[track_caller]
pub fn all_are_reached(window: &mut Window, place: &str, before: &BTreeSet<String>) {
    let usable = |window: &Window| -> BTreeMap<String, String> {
        let usable = controls(window).into_iter().filter(|c| c.is_enabled);
        usable
            .filter(|c| !before.contains(&c.id))
            .map(|c| (c.id, format!("{} “{}”", c.role, c.name)))
            .collect()
    };
    let mut missed = usable(window);
    assert!(!missed.is_empty(), "{place}");
    let most = 2 * missed.len() + 20;
    for _ in 0..most {
        window.harness.key_press(Key::Tab);
        window.harness.run_steps(4);
        focus_is_seen(window, place);
        if let Some(control) = focused(window) {
            missed.remove(&control.id);
        }
        if missed.is_empty() {
            return;
        }
    }
    // What scrolled out of sight meanwhile is not there to be reached.
    let there = usable(window);
    missed.retain(|id, _| there.contains_key(id));
    assert!(missed.is_empty(), "{place}: {missed:?}");
}

/// What has the keyboard is in sight, and a ring or a caret shows that it has it. A dialog whose content has just come
/// takes a few frames to rest.
#[track_caller]
fn focus_is_seen(window: &mut Window, place: &str) {
    for _ in 0..20 {
        if is_focus_seen(window) {
            return;
        }
        window.harness.step();
    }
    let name = focused_name(window);
    assert!(
        is_focus_seen(window),
        "{place}: “{name}” is not seen to have the keyboard"
    );
}

fn is_focus_seen(window: &Window) -> bool {
    let ctx = &window.harness.ctx;
    let Some(id) = ctx.memory(|memory| memory.focused()) else {
        return true;
    };
    let response = ctx.read_response(id).expect("what has the keyboard");
    let shown = response.interact_rect.expand(1.0);
    let is_ring = |shape: &egui::Shape| {
        matches!(shape, egui::Shape::Rect(rect)
            if rect.stroke.width == 2.0 && rect.rect == response.rect.expand(2.0))
    };
    let mut shapes = window.harness.output().shapes.iter();
    let is_marked = ctx.text_edit_focused() || shapes.any(|shape| is_ring(&shape.shape));
    shown.contains_rect(response.rect) && is_marked
}

/// What has the keyboard.
fn focused(window: &Window) -> Option<Control> {
    controls(window).into_iter().find(|c| c.has_focus)
}

fn focused_name(window: &Window) -> String {
    focused(window).map_or_else(String::new, |control| control.name)
}

fn ids(window: &Window) -> BTreeSet<String> {
    controls(window).into_iter().map(|c| c.id).collect()
}

/// Starts a command by some letters of its name.
pub fn start(window: &mut Window, letters: &str) {
    window.press_with(CTRL, Key::K);
    window.type_text(letters);
    window.press(Key::Enter);
    window.harness.run_steps(4);
}

/// Whether a dialog of this title is open.
fn is_open(window: &Window, title: &str) -> bool {
    window.has(&format!("Close {title}"))
}

/// Opens each of [`DIALOGS`] and closes it again; `before` is what could be clicked without it.
pub fn in_every_dialog(window: &mut Window, look: impl Fn(&mut Window, &str, &BTreeSet<String>)) {
    for (command, title) in DIALOGS {
        let before = ids(window);
        start(window, command);
        assert!(is_open(window, title), "{title}");
        look(window, title, &before);
        window.press(Key::Escape);
        assert!(!is_open(window, title), "{title}");
    }
}

/// Opens the dialogs that come up by themselves, likewise.
fn in_every_question(look: impl Fn(&mut Window, &str, &BTreeSet<String>)) {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::M);
    window.until("drawing", |window| window.bench().figures.drawn.is_some());
    let before = ids(&window);
    window.click("Export “F1 by label”");
    look(&mut window, "Export figure", &before);

    let folder = Folder::new(&POSTS);
    let mut window = careful::unsaved(&folder);
    let before = ids(&window);
    careful::close(&mut window);
    look(&mut window, "Not everything is saved", &before);

    let mut window = Window::open(Launch::default());
    window.harness.run_steps(2);
    let before = ids(&window);
    let archive = folder.file("holiday.zip");
    std::fs::write(&archive, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    careful::drop_file(&mut window, &archive);
    window.until("offering", |window| is_open(window, "Unpack holiday.zip"));
    look(&mut window, "Unpack holiday.zip", &before);
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
    let look = |window: &mut Window, title: &str, _: &BTreeSet<String>| {
        assert!(is_open(window, title), "{title}");
        all_have_names(window, title);
        if title == "Settings" {
            for section in SECTIONS {
                window.click(&format!("Settings: {section}"));
                all_have_names(window, section);
            }
        }
    };
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    in_every_dialog(&mut window, look);
    in_every_question(look);
    start(&mut window, "Take the tour");
    assert!(window.has_part("Tour, 1 of 8"));
    all_have_names(&window, "the tour");
    window.press(Key::Escape);
    window.press_with(CTRL, Key::K);
    assert!(is_open(&window, "Commands"));
    all_have_names(&window, "the palette");
}

#[test]
fn tab_alone_comes_to_everything_of_a_review() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    all_are_reached(&mut window, "the review", &BTreeSet::new());
    // And back again.
    let here = focused_name(&window);
    window.press(Key::Tab);
    assert_ne!(focused_name(&window), here);
    window.press_with(Modifiers::SHIFT, Key::Tab);
    assert_eq!(focused_name(&window), here);
}

#[test]
fn tab_alone_comes_to_everything_of_the_figures() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::M);
    window.until("drawing", |window| window.bench().figures.drawn.is_some());
    for page in ["Scores", "Labels", "Thresholds", "Calibration", "Over time"] {
        window.click(&format!("Page: {page}"));
        all_are_reached(&mut window, page, &BTreeSet::new());
    }
}

#[test]
fn tab_alone_comes_to_everything_of_every_dialog() {
    let look = |window: &mut Window, title: &str, before: &BTreeSet<String>| {
        assert!(is_open(window, title), "{title}");
        if title == "Settings" {
            for section in SECTIONS {
                window.click(&format!("Settings: {section}"));
                all_are_reached(window, section, before);
            }
        } else {
            all_are_reached(window, title, before);
        }
    };
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    in_every_dialog(&mut window, look);
    in_every_question(look);
    let before = ids(&window);
    window.press_with(CTRL, Key::K);
    assert!(is_open(&window, "Commands"));
    all_are_reached(&mut window, "the palette", &before);
}

#[test]
fn the_keyboard_goes_back_to_where_it_was_before_a_dialog_or_a_menu() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    for (control, opens) in [
        ("Note…", "Save note"),
        ("Show: All posts", "Disagreement"),
        ("View settings", "Grey pictures"),
    ] {
        window.harness.get_by_label(control).focus();
        window.harness.run_steps(2);
        window.press(Key::Enter);
        window.harness.run_steps(3);
        assert!(window.has(opens), "{control}");
        window.press(Key::Tab);
        window.press(Key::Escape);
        assert!(!window.has(opens), "{control}");
        assert_eq!(focused_name(&window), control);
        assert!(!window.has_part("Everything is hidden"), "{control}");
    }
    // A menu in a dialog, and then the dialog.
    window.press_with(CTRL, Key::E);
    let format = "Format: Training CSV";
    window.harness.get_by_label(format).focus();
    window.harness.run_steps(2);
    window.press(Key::Enter);
    window.press(Key::Escape);
    assert_eq!(focused_name(&window), format);
    window.press(Key::Escape);
    assert_eq!(focused_name(&window), "View settings");
    // A command that leads to a field stays there.
    start(&mut window, "Search");
    assert_eq!(focused_name(&window), "Search the text");
}

#[test]
fn a_list_in_a_dialog_opens_before_it_also_where_a_click_takes_one_frame() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let tap = |window: &mut Window, label: &str| {
        let pos = window.harness.get_by_label(label).rect().center();
        let button = |pressed| egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        let events = [egui::Event::PointerMoved(pos), button(true), button(false)];
        window.harness.input_mut().events.extend(events);
        window.harness.run_steps(4);
    };
    for _ in 0..2 {
        window.press_with(CTRL, Key::E);
        tap(&mut window, "Format: Training CSV");
        window.press(Key::Escape);
        window.press(Key::Escape);
    }
    window.press_with(CTRL, Key::E);
    tap(&mut window, "Format: Training CSV");
    tap(&mut window, "JSON Lines");
    assert!(window.has("Format: JSON Lines"));
}

#[test]
fn the_list_of_problems_is_at_hand_when_it_opens() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    start(&mut window, "Problems");
    assert_eq!(focused_name(&window), "Close problems");
    window.press(Key::Tab);
    window.press(Key::Enter);
    assert!(window.has("Post 5"), "the picture that is broken");
}
