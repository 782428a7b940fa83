//! Blind mode: deciding before the model's answer is seen.

use egui::Key;
use overrule::{
    gui::working::Source,
    review::{
        queue::Filter,
        session::{Exposure, Truth},
    },
};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

/// A window whose session hides every answer.
fn blind(folder: &Folder) -> Window {
    let mut window = folder.window();
    window.press_with(CTRL, Key::Comma);
    window.until("opening", Window::is_open);
    window.click("Settings: Blind review");
    window.click("Blind mode: Every post");
    // Before the first answer comes, so that none is in sight.
    window.click("Close Settings");
    window
}

#[test]
fn the_answer_is_hidden_until_the_first_decision_and_then_kept_or_revised() {
    let folder = Folder::new(&POSTS);
    let mut window = blind(&folder);
    window.settle();
    // The first post may have been answered before blind mode was on.
    window.press(Key::ArrowRight);
    assert!(window.has("Blind") && window.has("Nothing chosen yet"));
    assert!(window.has_part("the model’s answer is hidden until you confirm"));
    assert!(window.has_part("decided blind: says"));
    assert_eq!(window.bench().working(1).source, Source::Nothing);
    window.press(Key::J);
    assert!(!window.has(r#"["sexist"]"#) && window.has_part("Hidden: this post is decided blind"));
    window.press(Key::A);
    assert!(window.has_part("The model’s answer is hidden"));
    assert_eq!(window.bench().session.counts().reviewed, 0);

    // Decided otherwise than the model: the post stays, with the answer beside it.
    window.press(Key::Num1);
    window.press(Key::Enter);
    assert_eq!(window.bench().cursor(), Some(1));
    assert!(window.has(r#"["sexist"]"#));
    assert!(window.has("Decided blind. Enter keeps it; or change it first"));
    assert!(window.has("Against the model, you add racist and drop sexist"));
    // It can be accepted once it could be read.
    window.press(Key::A);
    assert!(window.has("The model’s answer has only just come: look at it first"));
    window.harness.run_steps(30);
    window.press(Key::A);
    assert_eq!(window.bench().cursor(), Some(2));
    let review = window.bench().session.review(1);
    assert_eq!(review.decision, Some([1].into_iter().collect()));
    assert_eq!(review.blind, Some([0].into_iter().collect()));
    assert!(review.assisted && review.is_revised());

    // Decided like the model: on to the next one.
    window.press(Key::Num3);
    window.press(Key::Enter);
    assert_eq!(window.bench().cursor(), Some(3));
    assert!(!window.bench().session.review(2).assisted);

    // Kept against the model.
    window.press(Key::ArrowRight);
    window.press(Key::Num2);
    window.press(Key::Enter);
    assert_eq!(window.bench().cursor(), Some(4));
    window.press(Key::Enter);
    let review = window.bench().session.review(4);
    assert!(!review.assisted && !review.is_revised());
    let session = &window.bench().session;
    let n = |exposure| session.pairs(Truth::Reviewed, exposure).count();
    assert_eq!((n(Exposure::Blind), n(Exposure::Assisted)), (3, 1));
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    assert!(window.has("Decided blind: racist; revised since"));
}

#[test]
fn an_answer_revealed_before_the_decision_makes_it_assisted() {
    let folder = Folder::new(&POSTS);
    let mut window = blind(&folder);
    window.settle();
    window.press(Key::ArrowRight);
    window.press(Key::R);
    assert!(window.has("The model’s labels, not confirmed yet"));
    assert!(window.has_part("deciding counts as assisted"));
    window.press(Key::Enter);
    let review = window.bench().session.review(1);
    assert!(review.assisted && review.blind.is_none());
    // Nor does taking it back make it blind again.
    window.press_with(CTRL, Key::Z);
    assert!(!window.bench().session.hides_answer(1));
}

#[test]
fn a_queue_that_tells_answers_says_so() {
    let folder = Folder::new(&POSTS);
    let mut window = blind(&folder);
    window.settle();
    assert!(!window.has_part("This queue is made from the model’s answers"));
    window.click("Show: All posts");
    window.click("Disagreement");
    assert_eq!(window.bench().filter, Filter::Disagreement);
    window.until("warning", |window| {
        window.has_part("This queue is made from the model’s answers")
    });
}

#[test]
fn hidden_answers_are_not_decided_with_the_selection() {
    let folder = Folder::new(&POSTS);
    let mut window = blind(&folder);
    window.settle();
    window.press_with(CTRL, Key::A);
    assert_eq!(window.bench().selection().len(), POSTS.len());
    window.click("Accept the predictions of the selected posts");
    assert!(window.has_part("to be decided blind left as they are"));
    window.press_with(CTRL, Key::A);
    window.click("Confirm the labels of the selected posts");
    // The first post may have been answered before blind mode was on.
    for post in 1..POSTS.len() {
        assert_eq!(window.decision(post), None, "post {post}");
        assert!(window.bench().session.hides_answer(post), "post {post}");
    }
}

#[test]
fn a_decision_beside_an_answer_that_cannot_be_read_is_no_blind_one() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    (0..3).for_each(|_| window.press(Key::ArrowRight));
    assert_eq!(window.bench().cursor(), Some(3));
    window.press(Key::Num0);
    window.press(Key::Enter);
    let review = window.bench().session.review(3);
    assert!(review.assisted && review.blind.is_none());
}
