//! Gold posts: mixed in, decided like any other, and told afterwards.

use egui::{Key, Role};
use overrule::review::{queue::Filter, session::SaveState};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

/// A file that knows the labels of the second and the third post.
fn known(folder: &Folder) -> String {
    let file = folder.file("known.csv");
    let mut csv = csv::Writer::from_path(&file).unwrap();
    csv.write_record(["text", "image_path", "labels"]).unwrap();
    for (post, labels) in [(1, "sexist"), (2, "racist")] {
        csv.write_record([POSTS[post][0], POSTS[post][1], labels])
            .unwrap();
    }
    csv.flush().unwrap();
    file.display().to_string()
}

fn mix_in(window: &mut Window, file: &str) {
    window.click("Dataset: posts.csv");
    window.click("Gold posts…");
    window.click_role(Role::TextInput, "File of known labels");
    window.type_text(file);
    window.click("Mix in");
    window.until("drawing", |window| {
        window.has("2 posts known from known.csv, 0 decided so far")
    });
    window.click("Close Gold posts");
}

#[test]
fn gold_posts_are_told_after_the_decision_and_counted() {
    let folder = Folder::new(&POSTS);
    let known = known(&folder);
    let mut window = folder.window();
    window.settle();
    mix_in(&mut window, &known);
    window.press(Key::ArrowRight);
    assert!(!window.has_part("old post"), "nothing tells before");
    window.press(Key::ArrowLeft);
    window.press(Key::A);
    assert!(!window.has_part("A gold post"), "the first is none");
    window.press(Key::A);
    assert!(window.has("A gold post: you agree with it"));
    window.press(Key::A);
    assert!(window.has("A gold post: you say religion, and it is known as racist"));
    let tally = "You: 1 of 2 gold posts alike, 50 % (95 % interval 9 % to 91 %)";
    window.until("counting", |window| window.has(tally));
    window.press(Key::ArrowLeft);
    assert!(window.has("Against the gold post, you add religion and drop racist"));
    assert_eq!(window.decision(2), Some([2].into_iter().collect()));

    window.click("Dataset: posts.csv");
    window.click("Gold posts…");
    window.click("Show those that differ");
    assert_eq!(window.bench().filter, Filter::GoldDiffers);
    window.until("going there", |window| window.bench().queue() == [2]);
    window.until("saving", |window| window.bench().save == SaveState::Saved);
    drop(window);
    let mut window = folder.window();
    window.settle();
    assert!(window.has(tally));
    window.click("Dataset: posts.csv");
    window.click("Gold posts…");
    window.click("Take the gold posts out");
    assert!(window.has_part("This tally goes with them"));
    window.click("Keep them");
    assert!(window.bench().session.gold().is_some());
    window.click("Take the gold posts out");
    window.click("Take the gold posts out");
    assert!(window.bench().session.gold().is_none());
    assert!(window.has("Labels from: A file"));
}

#[test]
fn told_in_the_tally_alone_a_gold_post_stays_like_any_other() {
    let folder = Folder::new(&POSTS);
    let known = known(&folder);
    let mut window = folder.window();
    window.settle();
    window.press_with(CTRL, Key::Comma);
    window.click("Settings: Reviewer");
    window.click("Gold posts: Only in the tally");
    window.click("Close Settings");
    mix_in(&mut window, &known);
    (0..3).for_each(|_| window.press(Key::A));
    assert!(!window.has_part("A gold post"));
    window.until("counting", |window| {
        window.has_part("1 of 2 gold posts alike")
    });
    window.press(Key::ArrowLeft);
    assert!(!window.has_part("the gold post"));
}

#[test]
fn gold_that_asks_nothing_is_refused_with_what_to_do() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.click("Dataset: posts.csv");
    window.click("Gold posts…");
    window.click("Labels from: Decided before");
    window.click("Mix in");
    window.until("refusing", |window| {
        window.has_part("you have decided no post yet")
    });
}
