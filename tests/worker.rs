//! The inference thread with a fake model: order, interruption, faults, and what the window is told.

pub mod fake;
mod probing;

use std::sync::{Arc, atomic::Ordering};

use overrule::predict::{
    answer::Parse,
    worker::{Event, JobEnd},
};

use self::fake::{Bench, job, text};
use crate::common::PATIENCE;

fn posts(answers: &[(usize, Option<String>)]) -> Vec<usize> {
    answers.iter().map(|(post, _)| *post).collect()
}

fn errors(answers: &[(usize, Option<String>)]) -> Vec<(usize, &str)> {
    answers
        .iter()
        .filter_map(|(post, error)| Some((*post, error.as_deref()?)))
        .collect()
}

#[test]
fn every_post_is_answered_once_in_the_order_wanted() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    let mut job = job(&[""; 6], 1);
    job.posts = vec![5, 3, 3, 0, 77, 5];
    let generation = bench.worker.predict(job);
    let (answers, cancelled) = bench.outcome(generation);
    assert_eq!(posts(&answers), [5, 3, 0]);
    assert_eq!(errors(&answers), []);
    assert!(!cancelled);
}

#[test]
fn an_answer_is_parsed_and_its_cost_is_told() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    bench.worker.predict(job(&[""], 1));
    let event = bench.wait_for(|event| matches!(event, Event::Predicted { .. }));
    let Event::Predicted { prediction, .. } = event else {
        unreachable!()
    };
    assert_eq!(prediction.raw, "[\"sexist\"]");
    assert_eq!(prediction.parse, Parse::Clean);
    assert_eq!(prediction.labels, [1].into_iter().collect());
    assert_eq!(prediction.n_tokens, 2);
    assert!(
        prediction
            .answer_logprob
            .is_some_and(|logprob| logprob < 0.0)
    );
    assert!((prediction.margin.unwrap() - 5.0).abs() < 1e-4);
    assert!(prediction.seconds.prefill > 0.0);
}

#[test]
fn the_focus_is_answered_before_the_others_from_the_next_batch_on() {
    let mut bench = Bench::loaded();
    let generation = bench.worker.predict(job(&[""; 10], 1));
    assert_eq!(bench.gate.wait_for_batch(), [0]);
    bench.worker.focus(&[7, 3]);
    bench.gate.open();
    let (answers, _) = bench.outcome(generation);
    assert_eq!(posts(&answers), [0, 7, 3, 1, 2, 4, 5, 6, 8, 9]);
}

#[test]
fn the_focus_holds_for_the_next_job() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    bench.worker.focus(&[2]);
    let generation = bench.worker.predict(job(&[""; 3], 1));
    assert_eq!(posts(&bench.outcome(generation).0), [2, 0, 1]);
}

#[test]
fn pausing_stops_after_the_present_batch_and_resuming_goes_on() {
    let mut bench = Bench::loaded();
    let generation = bench.worker.predict(job(&[""; 4], 2));
    bench.gate.wait_for_batch();
    bench.worker.pause();
    bench.gate.let_one_pass();
    let event = bench
        .wait_for(|event| matches!(event, Event::Progress { progress, .. } if progress.paused));
    assert!(matches!(event, Event::Progress { progress, .. } if progress.done == 2));
    assert!(bench.worker.events().is_empty());
    bench.gate.open();
    bench.worker.resume();
    let (answers, cancelled) = bench.outcome(generation);
    assert_eq!((posts(&answers), cancelled), (vec![2, 3], false));
}

#[test]
fn cancelling_ends_a_job_within_its_answer() {
    let mut bench = Bench::loaded();
    let generation = bench.worker.predict(job(&[""; 4], 2));
    bench.gate.wait_for_batch();
    bench.worker.cancel();
    bench.gate.open();
    let (answers, cancelled) = bench.outcome(generation);
    assert_eq!((posts(&answers), cancelled), (vec![], true));
}

#[test]
fn a_paused_job_can_be_cancelled() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    bench.worker.pause();
    let generation = bench.worker.predict(job(&[""; 300], 1));
    bench.worker.pause();
    bench.wait_for(|event| matches!(event, Event::Progress { progress, .. } if progress.paused));
    bench.worker.cancel();
    assert!(bench.outcome(generation).1);
}

#[test]
fn a_new_job_replaces_the_old_one_and_nothing_of_the_old_one_follows_its_end() {
    let mut bench = Bench::loaded();
    let old = bench.worker.predict(job(&[""; 4], 1));
    bench.gate.wait_for_batch();
    let replaced = bench.worker.predict(job(&[""; 4], 1));
    let new = bench.worker.predict(job(&[""; 2], 1));
    bench.gate.open();
    assert!(old < replaced && replaced < new);
    assert_eq!(bench.outcome(old), (vec![], true));
    assert_eq!(bench.outcome(replaced), (vec![], true));
    loop {
        match bench.next_event() {
            Event::Finished { generation, end } => {
                assert_eq!((generation, end), (new, JobEnd::Done));
                break;
            }
            Event::Predicted { generation, .. } | Event::Progress { generation, .. } => {
                assert_eq!(generation, new);
            }
            event => panic!("{event:?}"),
        }
    }
}

#[test]
fn an_error_stays_with_its_post() {
    let texts = [
        "",
        text::REFUSED,
        "",
        text::NAN,
        "",
        text::PROCESSOR_PANICS,
        "",
    ];
    for batch_size in [1, 3, 7] {
        let mut bench = Bench::loaded();
        bench.gate.open();
        let generation = bench.worker.predict(job(&texts, batch_size));
        let (mut answers, cancelled) = bench.outcome(generation);
        answers.sort();
        assert_eq!(posts(&answers), [0, 1, 2, 3, 4, 5, 6]);
        let errors = errors(&answers);
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(
            errors[0].0 == 1 && errors[0].1.contains("too long"),
            "{errors:?}"
        );
        assert!(errors[1].0 == 3 && !errors[1].1.is_empty(), "{errors:?}");
        assert!(
            errors[2].0 == 5 && errors[2].1.contains("fell over"),
            "{errors:?}"
        );
        assert!(!cancelled);
    }
}

#[test]
fn an_image_that_is_not_there_is_the_error_of_its_post() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    let mut job = job(&["", ""], 1);
    Arc::get_mut(&mut job.dataset).unwrap().posts[0].image_path = "gone.png".into();
    let generation = bench.worker.predict(job);
    let (answers, _) = bench.outcome(generation);
    let errors = errors(&answers);
    assert!(errors.len() == 1 && errors[0].0 == 0, "{errors:?}");
    assert!(errors[0].1.contains("gone.png"), "{errors:?}");
}

#[test]
fn when_memory_runs_out_batches_get_smaller_and_stay_so() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    let generation = bench.worker.predict(job(&[text::LARGE; 12], 6));
    let mut last = None;
    let mut failed = 0;
    loop {
        match bench.next_event() {
            Event::Predicted { prediction, .. } => {
                failed += usize::from(prediction.error.is_some());
            }
            Event::Progress { progress, .. } => last = Some(progress),
            Event::Finished { generation: g, .. } if g == generation => break,
            _ => {}
        }
    }
    assert_eq!(failed, 0);
    let batches: Vec<usize> = bench
        .gate
        .begun
        .try_iter()
        .map(|posts| posts.len())
        .collect();
    assert_eq!(batches, [6, 3, 2, 2, 2, 2, 2, 2]);
    assert_eq!(last.unwrap().most_at_once, Some(2));
}

#[test]
fn batches_that_grow_do_not_wait_for_images_that_nobody_prepares() {
    let mut bench = Bench::with_model("on a GPU");
    bench.gate.open();
    for pattern in 0..24 {
        let refused = |post: usize| !(post * 7 + pattern).is_multiple_of(4);
        let texts: Vec<&str> = (0..30)
            .map(|post| if refused(post) { text::REFUSED } else { "" })
            .collect();
        let mut job = job(&texts, 1);
        // The size is found by itself: it grows as long as that pays.
        job.options.batch_size = None;
        let generation = bench.worker.predict(job);
        let (answers, _) = bench.outcome(generation);
        assert_eq!(answers.len(), texts.len(), "pattern {pattern}");
        bench.gate.begun.try_iter().for_each(drop);
    }
}

#[test]
fn a_model_that_the_gpu_has_no_room_for_is_loaded_on_the_cpu() {
    let bench = Bench::new();
    bench.load("too large for a GPU");
    let loaded =
        bench.wait_for(|event| matches!(event, Event::Loaded { .. } | Event::LoadFailed { .. }));
    assert!(
        matches!(&loaded, Event::Loaded { info, .. } if info.device == "cpu"),
        "{loaded:?}"
    );
}

#[test]
fn where_the_gpu_has_no_room_for_one_post_the_job_goes_on_with_the_cpu() {
    let mut bench = Bench::with_model("on a GPU");
    bench.gate.open();
    let texts = ["", text::TOO_LARGE, "", text::TOO_LARGE];
    let generation = bench.worker.predict(job(&texts, 2));
    let (mut answered, mut devices) = (Vec::new(), Vec::new());
    loop {
        match bench.next_event() {
            Event::Predicted {
                post, prediction, ..
            } => {
                assert_eq!(prediction.error, None);
                answered.push(post);
            }
            Event::Moved { info, .. } => devices.push(info.device),
            Event::Finished { generation: g, .. } if g == generation => break,
            _ => {}
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, [0, 1, 2, 3]);
    assert_eq!(devices, ["cpu"]);
    assert_eq!(bench.alive.load(Ordering::SeqCst), 1);
}

#[test]
fn where_there_is_no_room_on_the_cpu_either_the_post_fails_and_the_others_do_not() {
    let mut bench = Bench::with_model("on the only GPU");
    bench.gate.open();
    let generation = bench.worker.predict(job(&["", text::TOO_LARGE, ""], 1));
    let (answers, cancelled) = bench.outcome(generation);
    assert_eq!(posts(&answers), [0, 1, 2]);
    let errors = errors(&answers);
    assert!(errors.len() == 1 && errors[0].0 == 1, "{errors:?}");
    assert!(errors[0].1.contains("out of memory"), "{errors:?}");
    assert!(!cancelled);
}

#[test]
fn a_batch_that_fails_as_a_whole_is_tried_again_down_to_each_post() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    let texts = ["", text::ONLY_ALONE, ""];
    let generation = bench.worker.predict(job(&texts, 3));
    let (mut answers, _) = bench.outcome(generation);
    answers.sort();
    assert_eq!(posts(&answers), [0, 1, 2]);
    assert_eq!(errors(&answers), []);
    assert_eq!(bench.gate.begun.try_iter().count(), 3);
}

#[test]
fn a_panic_in_the_model_is_the_error_of_its_post_and_the_thread_survives() {
    for batch_size in [1, 3] {
        let mut bench = Bench::loaded();
        bench.gate.open();
        let generation = bench
            .worker
            .predict(job(&["", text::PANICS, ""], batch_size));
        let (mut answers, cancelled) = bench.outcome(generation);
        answers.sort();
        let errors = errors(&answers);
        assert_eq!(answers.len(), 3);
        assert!(errors.len() == 1 && errors[0].0 == 1, "{errors:?}");
        assert!(errors[0].1.contains("fell over"), "{errors:?}");
        assert!(!cancelled);
        let next = bench.worker.predict(job(&[""], 1));
        assert_eq!(bench.outcome(next), (vec![(0, None)], false));
    }
}

#[test]
fn the_last_progress_counts_everything() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    let generation = bench.worker.predict(job(&["", text::REFUSED, ""], 2));
    let mut last = None;
    loop {
        match bench.next_event() {
            Event::Progress { progress, .. } => last = Some(progress),
            Event::Finished { generation: g, .. } if g == generation => break,
            _ => {}
        }
    }
    let last = last.unwrap();
    assert_eq!((last.done, last.failed, last.total), (3, 1, 3));
    assert_eq!(last.remaining_secs, Some(0.0));
}

#[test]
fn a_job_waits_for_the_load_in_progress() {
    let mut bench = Bench::new();
    bench.load("fake");
    let generation = bench.worker.predict(job(&["", ""], 1));
    bench.gate.open();
    assert_eq!(posts(&bench.outcome(generation).0), [0, 1]);
}

#[test]
fn a_job_without_a_model_ends_at_once() {
    let bench = Bench::new();
    let generation = bench.worker.predict(job(&[""], 1));
    assert_eq!(bench.outcome(generation), (vec![], true));
}

#[test]
fn a_failed_load_is_told_and_another_one_works() {
    for model in ["broken", "panics"] {
        let mut bench = Bench::loaded();
        bench.gate.open();
        let failed = bench.load(model);
        let waiting = bench.worker.predict(job(&[""], 1));
        let event = bench.wait_for(|event| matches!(event, Event::LoadFailed { .. }));
        let Event::LoadFailed {
            generation,
            message,
        } = event
        else {
            unreachable!()
        };
        assert_eq!(generation, failed);
        assert!(message.contains(model), "{message}");
        assert_eq!(bench.outcome(waiting), (vec![], true));
        assert_eq!(bench.alive.load(Ordering::SeqCst), 0);
        bench.load("fake");
        let generation = bench.worker.predict(job(&[""], 1));
        assert_eq!(bench.outcome(generation), (vec![(0, None)], false));
    }
}

#[test]
fn a_new_load_interrupts_the_present_one() {
    let mut bench = Bench::new();
    let slow = bench.load("slow");
    bench.wait_for(
        |event| matches!(event, Event::Loading { generation, .. } if *generation == slow),
    );
    let next = bench.load("fake");
    bench.gate.open();
    loop {
        match bench.next_event() {
            Event::Loaded { generation, info } => {
                assert_eq!((generation, info.name.as_str()), (next, "fake"));
                break;
            }
            Event::LoadFailed { .. } => panic!("an interrupted load is no failure"),
            _ => {}
        }
    }
}

#[test]
fn another_model_in_the_middle_of_a_job_cancels_it_and_drops_the_old_model_first() {
    let mut bench = Bench::loaded();
    let generation = bench.worker.predict(job(&[""; 4], 1));
    bench.gate.wait_for_batch();
    let load = bench.load("other");
    bench.gate.open();
    assert_eq!(bench.outcome(generation), (vec![], true));
    bench
        .wait_for(|event| matches!(event, Event::Loaded { generation, .. } if *generation == load));
    assert_eq!(bench.alive.load(Ordering::SeqCst), 1);
}

#[test]
fn unloading_drops_the_model_and_cancels_its_job() {
    let mut bench = Bench::loaded();
    let generation = bench.worker.predict(job(&[""; 4], 1));
    bench.gate.wait_for_batch();
    bench.worker.unload();
    bench.gate.open();
    assert_eq!(bench.outcome(generation), (vec![], true));
    let next = bench.worker.predict(job(&[""], 1));
    assert_eq!(bench.outcome(next), (vec![], true));
    assert_eq!(bench.alive.load(Ordering::SeqCst), 0);
}

#[test]
fn every_event_wakes_its_reader() {
    let mut bench = Bench::new();
    bench.load("fake");
    bench.gate.open();
    bench.worker.predict(job(&[""; 20], 1));
    let mut events = 1;
    while !matches!(bench.next_event(), Event::Finished { .. }) {
        events += 1;
    }
    assert!(events > 20);
    drop(bench.worker);
    let wakes = std::iter::from_fn(|| bench.woken.recv_timeout(PATIENCE).ok());
    assert_eq!(wakes.count(), events);
}

#[test]
fn dropping_the_handle_in_the_middle_of_a_job_ends_the_thread() {
    let mut bench = Bench::loaded();
    bench.worker.predict(job(&[""; 4], 1));
    bench.gate.wait_for_batch();
    drop(bench.worker);
    bench.gate.open();
    Bench::wait_for_the_end(&bench.woken);
    assert_eq!(bench.alive.load(Ordering::SeqCst), 0);
}

#[test]
fn dropping_the_handle_ends_a_thread_that_waits_for_a_slow_reader() {
    let mut bench = Bench::loaded();
    // Someone holds a receiver and never reads it: the channel fills and stays full.
    let unread = bench.worker.events().clone();
    bench.worker.predict(job(&[""; 5000], 1));
    bench.gate.open();
    while !unread.is_full() {
        bench.woken.recv_timeout(PATIENCE).unwrap();
    }
    drop(bench.worker);
    Bench::wait_for_the_end(&bench.woken);
    assert_eq!(bench.alive.load(Ordering::SeqCst), 0);
}
