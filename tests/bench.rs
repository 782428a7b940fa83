//! The open dataset as the window works with it: what a key is about, what stays picked, what is met.

use std::sync::Arc;

use crossbeam_channel::bounded;
use overrule::{
    dataset::Dataset,
    gui::{
        bench::{Bench, Select},
        working::Source,
    },
    post::LabelSet,
    review::{
        Session,
        queue::{Filter, Order},
    },
};

use crate::{
    common::PATIENCE,
    reviewing::{Watched, confirm, dataset, in_folder, run, said, set},
};

/// Opens a dataset, its model ready and nothing predicted; `prepare` comes before the window.
fn with_bench(dataset: Dataset, prepare: impl FnOnce(&mut Watched), test: impl FnOnce(&mut Bench)) {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset, &file);
    watched.wait(|session| !session.is_loading());
    watched.session.begin_run(run("one"));
    prepare(&mut watched);
    watched.wait(|session| !session.is_loading());
    test(&mut Bench::new(watched.session.into(), Arc::new(|| {})));
}

/// A frame at this second: what is on screen is painted.
fn paint(bench: &mut Bench, at_secs: f64) {
    bench.begin_frame(at_secs);
    bench.note_shown();
}

#[test]
fn an_answer_that_comes_meanwhile_does_not_replace_the_labels_being_looked_at() {
    with_bench(
        dataset(4),
        |_| {},
        |bench| {
            paint(bench, 1.0);
            assert_eq!(bench.working(0).source, Source::Dataset);
            bench.session.record_prediction(0, said(&[1]));
            for later_secs in [0.0, 0.1, 5.0] {
                paint(bench, 1.0 + later_secs);
                assert_eq!(bench.working(0).source, Source::Dataset, "{later_secs}");
                assert_eq!(bench.labels_read(0), Some(LabelSet::EMPTY));
                let is_read = later_secs > 1.0;
                assert_eq!(bench.answer_read(0), is_read.then_some(set(&[1])));
            }
            // Whoever comes back finds the model's answer.
            bench.go_to(1);
            paint(bench, 7.0);
            bench.go_to(0);
            assert_eq!(bench.working(0).source, Source::Model);
            assert_eq!(bench.labels_read(0), Some(set(&[1])));
        },
    );
}

#[test]
fn a_suggestion_counts_once_it_could_be_read() {
    with_bench(
        dataset(4),
        |_| {},
        |bench| {
            bench.go_to(2);
            paint(bench, 1.0);
            bench.session.record_prediction(2, said(&[0]));
            assert_eq!(bench.labels_read(2), None, "it was never painted");
            paint(bench, 1.1);
            assert_eq!(bench.working(2).labels, Some(set(&[0])), "it is shown");
            bench.begin_frame(1.2);
            assert_eq!((bench.labels_read(2), bench.answer_read(2)), (None, None));
            bench.begin_frame(2.0);
            let read = Some(set(&[0]));
            assert_eq!((bench.labels_read(2), bench.answer_read(2)), (read, read));
            // An own choice counts at once, and so does what stands there when it is taken back.
            bench.session.apply(2, confirm(&[1]));
            assert_eq!(bench.labels_read(2), Some(set(&[1])));
            paint(bench, 2.1);
            bench.session.undo();
            assert_eq!(bench.labels_read(2), read);
        },
    );
}

#[test]
fn a_post_is_seen_from_the_frame_behind_the_one_that_painted_it() {
    with_bench(
        dataset(2),
        |_| {},
        |bench| {
            bench.begin_frame(1.0);
            assert!(bench.note_shown(), "it is new, and asks for a frame");
            bench.begin_frame(9.0);
            assert!(!bench.is_seen(0), "its own frame may have taken long");
            assert!(!bench.note_shown());
            bench.begin_frame(9.2);
            assert!(bench.is_seen(0));
            bench.go_to(1);
            assert!(bench.note_shown() && !bench.is_seen(1));
        },
    );
}

#[test]
fn a_key_pressed_while_an_earlier_day_is_read_in_is_about_what_was_seen() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(1), &file);
    watched.session.begin_run(run("yesterday"));
    watched.session.record_prediction(0, said(&[1]));
    watched.wait_until_saved();
    watched.close();

    let (wake, woken) = bounded(1);
    // A full channel wakes as well.
    let wake = move || wake.try_send(()).unwrap_or_default();
    let session = Session::open(Arc::new(dataset(1)), &file, wake).unwrap();
    let mut bench = Bench::new(session.into(), Arc::new(|| {}));
    assert!(bench.session.is_loading());
    paint(&mut bench, 1.0);
    assert_eq!(bench.working(0).source, Source::Dataset);
    bench.refresh();
    while bench.session.is_loading() {
        woken.recv_timeout(PATIENCE).expect("news");
        bench.refresh();
    }
    // What the model said is shown at once; a key pressed now was meant for what stood there before.
    let (dataset, model) = (Some(LabelSet::EMPTY), Some(set(&[1])));
    assert_eq!(bench.working(0).source, Source::Model);
    assert_eq!(
        (bench.labels_read(0), bench.answer_read(0)),
        (dataset, None)
    );
    for (at_secs, labels, answer) in [
        (1.1, dataset, None),
        (1.3, dataset, None),
        (1.6, model, model),
    ] {
        paint(&mut bench, at_secs);
        assert_eq!(bench.working(0).source, Source::Model, "{at_secs}");
        let read = (bench.labels_read(0), bench.answer_read(0));
        assert_eq!(read, (labels, answer), "{at_secs}");
    }
}

#[test]
fn posts_that_leave_the_queue_are_not_picked_any_more() {
    with_bench(
        dataset(6),
        |_| {},
        |bench| {
            bench.set_queue(Filter::Todo, Order::Dataset, "");
            bench.select(Select::All);
            bench.session.apply(0, confirm(&[1]));
            bench.advance();
            assert!(!bench.selection().contains(&0) && bench.selection().len() == 5);
            // Whatever else left it goes when the queue is made anew.
            bench.session.apply(3, confirm(&[1]));
            bench.set_queue(Filter::Todo, Order::Random(1), "");
            assert!(!bench.selection().contains(&3) && bench.selection().len() == 4);
        },
    );
}

#[test]
fn a_dataset_does_not_open_on_a_post_that_is_put_away() {
    let mut dataset = dataset(4);
    for post in [0, 1] {
        dataset.posts[post].truth = Some(set(&[0]));
    }
    let away = |watched: &mut Watched| watched.session.put_topics_away(set(&[0]));
    with_bench(dataset, away, |bench| {
        assert_eq!((bench.queue(), bench.cursor()), (&[2, 3][..], Some(2)));
    });
}
