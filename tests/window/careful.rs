//! What must not go wrong: unsaved decisions, dropped files, queues that come from anywhere.

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers, ViewportEvent, ViewportId};
use egui_kittest::kittest::Queryable;
use overrule::{
    gui::Launch,
    post::LabelSet,
    review::{
        queue::{Filter, Order},
        session::SaveState,
    },
};

use super::fake::{Folder, POSTS, Window};

/// A window whose session file was moved away, with one decision that is not saved.
pub fn unsaved(folder: &Folder) -> Window {
    let mut window = folder.window();
    window.settle();
    window.until("saving", |window| window.bench().save == SaveState::Saved);
    std::fs::rename(folder.file("posts.overrule"), folder.file("elsewhere")).unwrap();
    window.press(Key::Enter);
    window.until("failing to save", |window| {
        window.has_part("Not saved: 1 decision")
    });
    window
}

/// Asks the window to close, as its frame does.
pub fn close(window: &mut Window) {
    let viewports = &mut window.harness.input_mut().viewports;
    let viewport = viewports.get_mut(&ViewportId::ROOT).unwrap();
    viewport.events.push(ViewportEvent::Close);
    window.harness.run_steps(3);
}

#[test]
fn closing_with_unsaved_decisions_asks_first() {
    let folder = Folder::new(&POSTS);
    let mut window = unsaved(&folder);
    close(&mut window);
    assert!(window.has("Not everything is saved"));
    assert!(window.has("1 decision is not in the session file."));
    assert!(window.has_part("was moved, replaced or deleted"));
    assert!(window.has("Close anyway"));

    // Put back, it is saved on request, and closing needs no question any more.
    std::fs::rename(folder.file("elsewhere"), folder.file("posts.overrule")).unwrap();
    window.click("Try to save again");
    window.until("saving", |window| window.has("All decisions saved"));
    close(&mut window);
    assert!(!window.has("Not everything is saved"));
    drop(window);
    let mut window = folder.window_with(None);
    window.until("opening again", Window::is_open);
    assert_eq!(window.bench().session.counts().reviewed, 1);
}

#[test]
fn opening_other_data_with_unsaved_decisions_asks_first() {
    let folder = Folder::new(&POSTS);
    let mut window = unsaved(&folder);
    drop_file(&mut window, &folder.file("other.csv"));
    assert!(window.has("Open the other dataset anyway"));
    window.click("Close Not everything is saved");
    assert!(window.is_open() && window.has_part("Not saved"));
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// Drops a file on the window.
pub fn drop_file(window: &mut Window, path: &Path) {
    let dropped = std::sync::Arc::new(Dropped(path.to_owned()));
    window.harness.input_mut().dropped_files.push(dropped);
    window.harness.run_steps(3);
}

#[test]
fn a_dropped_file_is_opened() {
    let folder = Folder::new(&POSTS);
    let mut window = Window::open(Launch::default());
    window.harness.run_steps(2);
    drop_file(&mut window, &folder.file("not-there.csv"));
    window.until("trying", |window| window.has_part("could not be opened"));
    assert!(window.has_part("not-there.csv"));
}

#[test]
fn the_queue_follows_a_column_a_predicted_label_and_chance() {
    let folder = Folder::new(&[]);
    let csv = "text,image_path,labels,split\n\
               \"says [\"\"racist\"\"]\",,sexist,train\n\
               \"says [\"\"sexist\"\"]\",,sexist,test\n\
               \"says [\"\"racist\"\"] too\",,,test\n";
    std::fs::write(folder.file("posts.csv"), csv).unwrap();
    let mut window = folder.window();
    window.settle();
    let mut choose = |menu: &str, choice: &str| {
        window.click(menu);
        window.harness.get_by_label(choice).scroll_to_me();
        window.harness.run_steps(3);
        window.click(choice);
        window.bench().queue().to_vec()
    };
    assert_eq!(choose("Show: All posts", "split: test"), [1, 2]);
    assert_eq!(choose("Show: split: test", "Predicted racist"), [0, 2]);
    assert_eq!(choose("Show: Predicted racist", "All posts"), [0, 1, 2]);
    let mut queue = choose("Order: In order", "Random");
    assert_eq!(window.bench().order, Order::Random(1));
    assert!(window.has("Seed"));
    queue.sort_unstable();
    assert_eq!(queue, [0, 1, 2]);
}

#[test]
fn the_palette_finds_commands_queues_and_posts_by_a_few_letters() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let mut take = |letters: &str| {
        window.press_with(super::CTRL, Key::K);
        window.type_text(letters);
        window.press(Key::Enter);
        window.harness.run_steps(2);
        (window.bench().cursor(), window.bench().filter)
    };
    assert_eq!(take("4"), (Some(3), Filter::All));
    assert_eq!(take("unrdbl"), (Some(3), Filter::ParseFailed));
    assert_eq!(take("pred rac").1, Filter::Predicted(0));
    assert_eq!(take("all posts").1, Filter::All);
    take("tgl sexist");
    assert_eq!(window.working(0), Some(vec!["racist", "sexist"]));

    window.press_with(super::CTRL, Key::K);
    window.type_text("qqqq");
    assert!(window.has("No command has these letters in this order"));
    window.press(Key::Enter);
    window.press(Key::Escape);
    assert!(!window.has("Find a command"));
    assert_eq!(window.bench().session.counts().reviewed, 0);
}

#[test]
fn what_is_typed_ahead_of_a_slow_frame_reaches_the_dialog_it_was_meant_for() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let press = |key: Key, modifiers: Modifiers| egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    // Settings are opened and closed, the palette is opened, and a few letters are typed: all in one frame.
    let mut events = vec![
        press(Key::Comma, super::CTRL),
        press(Key::Escape, Modifiers::NONE),
        press(Key::K, super::CTRL),
    ];
    for key in [Key::D, Key::I, Key::S, Key::A, Key::G] {
        let letter = key.name().to_lowercase();
        events.extend([press(key, Modifiers::NONE), egui::Event::Text(letter)]);
    }
    events.push(press(Key::Enter, Modifiers::NONE));
    window.harness.input_mut().events.extend(events);
    window.until("filtering", |window| {
        window.bench().filter == Filter::Disagreement
    });
    let counts = window.bench().session.counts();
    assert_eq!((counts.reviewed, counts.skipped), (0, 0));
    assert!(!window.has_part("Everything is hidden"));
}

#[test]
fn several_posts_are_decided_at_once_and_one_undo_takes_it_back() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    // Post 1 is on screen; Shift and a click pick all up to post 4, of which the last has no readable answer.
    let click = |window: &mut Window, number: usize, modifiers: Modifiers| {
        let start = format!("Post {number},");
        let mut rows = window.harness.query_all_by_label_contains(&start);
        rows.next().unwrap().click_modifiers(modifiers);
        drop(rows);
        window.harness.run_steps(3);
    };
    click(&mut window, 4, Modifiers::SHIFT);
    assert_eq!(window.bench().selection().len(), 4);
    click(&mut window, 2, super::CTRL);
    assert!(window.has("3 selected"));
    assert!(window.has_part("in the selection"));
    window.click("Accept the predictions of the selected posts");
    assert!(window.has("Accepted 2 posts; 1 without a readable answer left as they are"));
    assert_eq!(window.bench().session.counts().reviewed, 2);
    assert!(window.bench().selection().is_empty());

    // Also in the next run of the program.
    window.until("saving", |window| window.bench().save == SaveState::Saved);
    drop(window);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press_with(super::CTRL, Key::Z);
    assert!(window.has("Undone: 2 posts"));
    assert_eq!(window.bench().session.counts().reviewed, 0);
    window.press_with(super::CTRL.plus(Modifiers::SHIFT), Key::Z);
    assert!(window.has("Done again: 2 posts"));
    assert_eq!(window.bench().session.counts().reviewed, 2);
    window.press_with(super::CTRL, Key::A);
    assert!(window.has("5 selected"));
    window.click("Clear the selection");
    assert!(window.bench().selection().is_empty());

    // By keys alone.
    for n_selected in [1, 0, 1] {
        window.press(Key::T);
        assert_eq!(window.bench().selection().len(), n_selected);
    }
    let post = window.bench().cursor().expect("a post on screen");
    window.press_with(super::CTRL, Key::K);
    window.type_text("Confirm none for");
    window.press(Key::Enter);
    window.harness.run_steps(3);
    assert!(window.has("Confirmed none for 1 post"));
    assert_eq!(window.decision(post), Some(LabelSet::EMPTY));
}

#[test]
fn a_queue_of_many_posts_is_worked_out_beside_the_frames_and_follows_decisions() {
    let texts: Vec<String> = (0..3000).map(|n| format!("post {n} of many")).collect();
    let posts: Vec<[&str; 3]> = texts.iter().map(|text| [text.as_str(), "", ""]).collect();
    let folder = Folder::new(&posts);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    let all = window.bench().queue().len();
    assert_eq!(all, 3000);

    window.press_with(Modifiers::CTRL.plus(Modifiers::COMMAND), Key::F);
    window.type_text("POST 29");
    let found = |window: &Window| window.bench().queue().len();
    window.until("searching", |window| found(window) == 111);
    assert_eq!(
        window.bench().cursor(),
        Some(29),
        "the first one found is shown"
    );
    assert!(window.has("111 of 3,000 posts · at 1"));

    // A queue that changes with the work: the post on screen leaves it with its decision, and nothing comes back.
    window.click("Show: All posts");
    window.click("To do");
    window.press(Key::Num0);
    window.press(Key::Enter);
    assert_eq!(window.bench().cursor(), Some(290));
    window.until("following", |window| {
        found(window) == 110 && !window.bench().is_queue_on_its_way()
    });
    window.harness.run_steps(30);
    assert_eq!(found(&window), 110);
}

#[test]
fn a_session_file_opens_its_dataset_where_the_work_stood() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::Enter);
    window.until("saving", |window| window.has("All decisions saved"));
    drop(window);
    // As a desktop starts it for a file: with nothing else.
    let mut window = Window::open(Launch {
        dataset: Some(folder.file("posts.overrule")),
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    assert_eq!(window.bench().session.counts().reviewed, 1);
    assert_eq!(
        window.bench().session.dataset().path,
        folder.file("posts.csv")
    );
}

#[test]
fn a_note_that_is_being_written_is_kept_whatever_puts_it_away() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::N);
    window.type_text("half a thought");
    drop_file(&mut window, &folder.file("not-there.csv"));
    window.until("trying", |window| window.has_part("could not be opened"));
    drop(window);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    let note = |window: &Window| window.bench().session.review(0).note.clone();
    assert_eq!(note(&window), "half a thought");
    // Cancel alone forgets what was typed.
    window.press(Key::N);
    window.type_text("nonsense");
    window.click("Cancel");
    assert_eq!(note(&window), "half a thought");
    window.press(Key::N);
    window.type_text("in full");
    close(&mut window);
    assert!(note(&window).contains("in full"), "{}", note(&window));
}

#[test]
fn an_export_whose_dialog_is_closed_goes_on_and_says_how_it_ended() {
    let folder = Folder::new(&[]);
    let rows: String = (0..20_000).map(|i| format!("post {i},,racist\n")).collect();
    let csv = format!("text,image_path,labels\n{rows}");
    std::fs::write(folder.file("posts.csv"), csv).unwrap();
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press_with(super::CTRL, Key::E);
    window.click_role(egui::Role::Button, "Export");
    window.press(Key::Escape);
    window.until("exporting", |window| {
        window.has_part("Exported 20,000 posts to")
    });
    assert!(folder.file("posts-reviewed.csv").exists());
}

#[test]
fn the_labels_of_several_posts_are_confirmed_as_they_stand() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.press(Key::Num3);
    window.press_with(super::CTRL, Key::A);
    window.click("Confirm the labels of the selected posts");
    assert!(window.has("Confirmed 5 posts"));
    let decided: Vec<_> = (0..5).map(|post| window.decision(post)).collect();
    let set = |labels: &[usize]| Some(labels.iter().copied().collect());
    // What is edited, the model's, and the dataset's where the answer could not be read.
    assert_eq!(
        decided,
        [set(&[0, 2]), set(&[1]), set(&[2]), set(&[1]), set(&[])]
    );
    assert!(window.bench().session.review(1).assisted);
    window.press_with(super::CTRL, Key::Z);
    assert!(window.has("Undone: 5 posts"));
}

#[test]
fn a_way_back_goes_when_it_would_take_something_else_back() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    let skip = |window: &mut Window| {
        window.press_with(super::CTRL, Key::A);
        window.click("Skip the selected posts");
        assert!(window.has("Skipped 5 posts"));
    };
    skip(&mut window);
    window.press(Key::F);
    assert!(!window.has("Skipped 5 posts"));
    assert_eq!(window.bench().session.counts().skipped, 5);
    window.press_with(super::CTRL, Key::Z);
    window.press_with(super::CTRL, Key::Z);
    assert_eq!(window.bench().session.counts().skipped, 0);
    skip(&mut window);
    // Going to another post changes nothing.
    window.press(Key::ArrowRight);
    assert!(window.has("Skipped 5 posts"));
}

#[test]
fn the_export_says_how_many_posts_a_format_takes() {
    let folder = Folder::new(&[
        ["labelled", "", "racist"],
        ["also", "", ""],
        ["open", "", "?"],
    ]);
    let mut window = folder.window_with(None);
    window.until("opening", Window::is_open);
    window.press_with(super::CTRL, Key::E);
    assert!(window.has("2 posts"), "the CSV that trains");
    window.click("Close Export");
    assert!(!window.has("2 posts"));
}
