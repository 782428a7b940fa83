//! A review session in memory and on disk: actions, undo across restarts, runs, problems, truth.

mod gold;
mod people;
mod random;
mod seen;

use std::{path::Path, process::Command};

use overrule::{
    dataset::Dataset,
    post::{LabelNames, LabelSet, Problem, ProblemKind},
    predict::{answer::Parse, prediction::Prediction},
    review::{
        Action, Outcome, Review, Session,
        blind::BlindMode,
        session::{Exposure, LeftOut, Truth},
    },
};

use crate::reviewing::{Watched, confirm, dataset, in_folder, run, said, set};

#[test]
fn the_environment_names_the_folder_where_sessions_lie() {
    const VARIABLE: &str = "OVERRULE_DATA_DIR";
    let given = Session::default_path(&dataset(1), Some("/given".into())).unwrap();
    assert!(given.starts_with("/given/sessions"), "{}", given.display());
    if let Some(folder) = std::env::var_os(VARIABLE) {
        let found = Session::default_path(&dataset(1), None).unwrap();
        let expected = Path::new(&folder).join("sessions");
        assert_eq!(found.parent(), Some(expected.as_path()));
        return;
    }
    // The same again in a process of another environment.
    let again = Command::new(std::env::current_exe().unwrap())
        .args([
            "session::the_environment_names_the_folder_where_sessions_lie",
            "--exact",
        ])
        .env(VARIABLE, "/portable/data")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && told.contains("1 passed"),
        "{told}"
    );
}

#[test]
fn work_is_there_again_after_closing() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(6), &file);
    first.session.apply(0, confirm(&[1]));
    first.session.apply(1, Action::Skip);
    first.session.apply(2, Action::Escalate);
    first.session.apply(3, Action::Flag(true));
    first.session.apply(3, Action::Note("“why?”\n".into()));
    first.session.apply(4, Action::Draft(set(&[0, 2])));
    first.session.set_cursor(4);
    first.wait_until_saved();
    let reviews: Vec<Review> = (0..6).map(|i| first.session.review(i).clone()).collect();
    let counts = first.session.counts();
    first.close();

    let second = Watched::open(dataset(6), &file);
    let again: Vec<Review> = (0..6).map(|i| second.session.review(i).clone()).collect();
    assert_eq!(again, reviews);
    assert_eq!(second.session.counts(), counts);
    assert_eq!(second.session.cursor(), 4);
    assert_eq!(again[1].outcome, Some(Outcome::Skipped));
    assert_eq!(again[3].note, "“why?”\n");
    assert_eq!(again[4].draft, Some(set(&[0, 2])));
}

#[test]
fn undo_and_redo_go_on_after_closing() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(3), &file);
    first.session.apply(0, confirm(&[0]));
    first.session.apply(1, confirm(&[1]));
    first.session.apply(1, confirm(&[2]));
    assert_eq!(first.session.undo(), Some(1));
    first.close();

    let mut second = Watched::open(dataset(3), &file);
    assert_eq!(second.session.review(1).decision, Some(set(&[1])));
    assert_eq!(second.session.redo(), Some(1));
    assert_eq!(second.session.review(1).decision, Some(set(&[2])));
    assert_eq!(second.session.undo(), Some(1));
    assert_eq!(second.session.undo(), Some(1));
    assert_eq!(second.session.undo(), Some(0));
    assert_eq!(second.session.review(0), &Review::UNTOUCHED);
    assert!(!second.session.can_undo());
    second.close();

    let mut third = Watched::open(dataset(3), &file);
    assert!(third.session.can_redo());
    third.session.apply(2, Action::Skip);
    assert!(!third.session.can_redo());
    assert_eq!(third.session.redo(), None);
}

#[test]
fn predictions_come_back_with_their_run() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(3), &file);
    first.session.begin_run(run("one"));
    first.wait(|session| !session.is_loading());
    first.session.record_prediction(0, said(&[0]));
    let failed = Prediction {
        error: Some("the image is broken".into()),
        parse: Parse::Failed,
        ..said(&[])
    };
    first.session.record_prediction(1, failed.clone());
    first.session.begin_run(run("two"));
    assert_eq!(first.session.prediction(0), None);
    first.wait(|session| !session.is_loading());
    first.session.record_prediction(2, said(&[2]));
    first.session.begin_run(run("one"));
    first.wait(|session| !session.is_loading());
    assert_eq!(first.session.prediction(0), Some(&said(&[0])));
    assert_eq!(first.session.unpredicted(), [2]);
    first.close();

    let mut second = Watched::open(dataset(3), &file);
    assert_eq!(second.session.run(), Some(&run("one")));
    second.wait(|session| !session.is_loading());
    assert_eq!(second.session.prediction(0), Some(&said(&[0])));
    assert_eq!(second.session.prediction(1), Some(&failed));
    assert_eq!(second.session.failed_posts(), [1]);
    second.session.retry_failed();
    assert_eq!(second.session.unpredicted(), [1, 2]);
    second.session.record_prediction(1, said(&[1]));
    second.close();

    let mut third = Watched::open(dataset(3), &file);
    third.wait(|session| !session.is_loading());
    assert_eq!(third.session.prediction(1), Some(&said(&[1])));
    assert_eq!(third.session.unpredicted(), [2]);
}

#[test]
fn metrics_see_the_truth_asked_for() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(6), &file);
    let session = &mut watched.session;
    session.begin_run(run("one"));
    for post in 0..4 {
        session.record_prediction(post, said(&[0]));
    }
    session.apply(0, confirm(&[0]));
    session.apply(
        2,
        Action::Confirm {
            labels: set(&[1]),
            assisted: false,
        },
    );
    let rows = [
        (Truth::Combined, Exposure::Any, 4, 1, 1),
        (Truth::Dataset, Exposure::Any, 3, 2, 1),
        (Truth::Reviewed, Exposure::Any, 2, 4, 0),
        (Truth::Reviewed, Exposure::Assisted, 1, 5, 0),
        (Truth::Reviewed, Exposure::Blind, 1, 5, 0),
    ];
    for (truth, exposure, n, without_truth, without_prediction) in rows {
        let name = format!("{truth:?} {exposure:?}");
        assert_eq!(session.pairs(truth, exposure).count(), n, "{name}");
        let left_out = LeftOut {
            outside_part: 0,
            without_truth,
            without_prediction,
        };
        assert_eq!(session.left_out(truth, exposure), left_out, "{name}");
    }
    assert!(session.is_overruled(2) && !session.is_overruled(0));
    assert_eq!(session.counts().overruled, 1);
    assert_eq!(session.counts().corrected, 1);
}

#[test]
fn a_decision_made_blind_is_kept_beside_its_revision() {
    let blind = |labels: &[usize]| Action::Confirm {
        labels: set(labels),
        assisted: false,
    };
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(4), &file);
    let session = &mut first.session;
    session.begin_run(run("one"));
    (0..4).for_each(|post| session.record_prediction(post, said(&[0])));
    session.set_blind_mode(BlindMode {
        share_percent: 100,
        ..BlindMode::default()
    });
    assert!(session.hides_answer(0) && session.shown_answer(0).is_none());
    session.apply(0, blind(&[1]));
    assert!(!session.hides_answer(0) && session.shown_answer(0) == Some(set(&[0])));
    // Kept with the answer in sight, it stays blind; revised, both are there.
    session.apply(0, confirm(&[1]));
    assert!(!session.review(0).assisted);
    session.apply(0, confirm(&[0]));
    session.apply(1, blind(&[2]));
    session.reveal(2);
    session.apply(2, confirm(&[0]));
    let counts = session.counts();
    assert_eq!((counts.reviewed, counts.blind, counts.revised), (3, 2, 1));
    let truth = |session: &overrule::review::Session, exposure| -> Vec<Option<LabelSet>> {
        (0..4)
            .map(|post| session.truth_among(post, Truth::Reviewed, exposure))
            .collect()
    };
    let expected = [
        (
            Exposure::Any,
            [Some(set(&[0])), Some(set(&[2])), Some(set(&[0])), None],
        ),
        (
            Exposure::Blind,
            [Some(set(&[1])), Some(set(&[2])), None, None],
        ),
        (
            Exposure::Assisted,
            [Some(set(&[0])), None, Some(set(&[0])), None],
        ),
    ];
    for (exposure, truths) in expected {
        assert_eq!(truth(session, exposure), truths, "{exposure:?}");
    }
    // What was seen stays seen, whatever is taken back.
    assert_eq!(session.undo(), Some(2));
    assert_eq!(session.undo(), Some(1));
    assert!(!session.hides_answer(1) && !session.hides_answer(2) && session.hides_answer(3));
    first.close();

    let mut second = Watched::open(dataset(4), &file);
    let session = &mut second.session;
    assert_eq!(session.blind_mode().share_percent, 100);
    assert!(!session.hides_answer(1) && !session.hides_answer(2) && session.hides_answer(3));
    assert_eq!(session.review(0).blind, Some(set(&[1])));
    assert!(session.review(0).is_revised());
    assert_eq!(session.redo(), Some(1));
    assert_eq!(session.review(1).blind, Some(set(&[2])));
    // What settles a conflict is no revision in sight of the model's answer.
    session.apply(1, Action::Settle(set(&[0])));
    assert!(!session.review(1).is_revised());
}

#[test]
fn a_problem_is_told_once() {
    let (_folder, file) = in_folder();
    let mut dataset = dataset(2);
    let broken = |post, message: &str| Problem {
        kind: ProblemKind::BrokenImage,
        post: Some(post),
        line: None,
        column: None,
        message: message.into(),
    };
    dataset.problems.push(broken(0, "seen while loading"));
    let mut watched = Watched::open(dataset, &file);
    let session = &mut watched.session;
    session.add_problem(broken(0, "again"));
    session.add_problem(broken(1, "new"));
    session.add_problem(broken(1, "new again"));
    let messages = |problems: Vec<&Problem>| -> Vec<String> {
        problems.iter().map(|p| p.message.clone()).collect()
    };
    assert_eq!(session.n_problems(), 2);
    let all = (0..3).filter_map(|place| session.problem(place)).collect();
    assert_eq!(messages(all), ["seen while loading", "new"]);
    assert_eq!(messages(session.problems(0)), ["seen while loading"]);
    assert_eq!(messages(session.problems(1)), ["new"]);
}

#[test]
fn rows_that_moved_keep_their_decisions_and_lost_ones_are_counted() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(4), &file);
    for post in 0..4 {
        first.session.apply(post, confirm(&[post % 3]));
    }
    first.session.apply(3, Action::Clear);
    first.session.set_cursor(1);
    first.close();

    let mut changed = dataset(6);
    changed.posts.reverse();
    changed.posts.remove(2);
    changed.posts.remove(2);
    let mut second = Watched::open(changed, &file);
    let session = &mut second.session;
    assert_eq!(session.review(2).decision, Some(set(&[1])));
    assert_eq!(session.review(3).decision, Some(set(&[0])));
    assert_eq!(session.cursor(), 2);
    assert_eq!(session.orphans(), 1);
    assert_eq!(session.undo(), Some(2), "the lost posts cannot be undone");
    second.close();

    let mut third = Watched::open(dataset(4), &file);
    assert_eq!(third.session.orphans(), 0);
    assert_eq!(third.session.review(1).decision, None);
    assert_eq!(third.session.review(2).decision, Some(set(&[2])));
    assert_eq!(third.session.undo(), Some(3));
    assert_eq!(third.session.undo(), Some(3));
    assert_eq!(third.session.undo(), Some(2));
    assert_eq!(third.session.undo(), Some(0));
}

#[test]
fn a_decision_with_a_label_that_is_gone_asks_to_be_confirmed_again() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(2), &file);
    first.session.apply(0, confirm(&[0, 1]));
    first.session.apply(1, confirm(&[0]));
    first.close();

    let without_b = Dataset {
        labels: LabelNames::new(["c", "a"]).unwrap(),
        ..dataset(2)
    };
    let second = Watched::open(without_b, &file);
    let review = second.session.review(0);
    assert_eq!((review.decision, review.draft), (None, Some(set(&[1]))));
    assert_eq!(second.session.review(1).decision, Some(set(&[1])));
    let problems = second.session.problems(0);
    assert!(problems[0].message.contains("“b”"), "{problems:?}");
    drop(second);

    let third = Watched::open(dataset(2), &file);
    assert_eq!(third.session.review(0).decision, Some(set(&[0, 1])));
}

#[test]
fn an_action_that_changes_nothing_leaves_no_trace() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(2), &file);
    let session = &mut watched.session;
    let nothing = [
        Action::Clear,
        Action::Flag(false),
        Action::Note(String::new()),
    ];
    let revision = session.revision();
    nothing
        .into_iter()
        .for_each(|action| session.apply(0, action));
    session.apply(9, Action::Skip);
    assert!(!session.can_undo());
    assert_eq!(session.revision(), revision);
    session.apply(0, confirm(&[1]));
    session.apply(0, confirm(&[1]));
    session.apply(0, Action::Draft(set(&[1])));
    assert_eq!(session.recent().count(), 1);
}

#[test]
fn actions_lead_from_state_to_state() {
    let (a, ab) = (Some(set(&[0])), Some(set(&[0, 1])));
    let decided = Review::UNTOUCHED.after(confirm(&[0]));
    let drafted = decided.after(Action::Draft(set(&[0, 1])));
    let back = drafted.after(Action::Draft(set(&[0])));
    let (confirmed, skipped) = (Some(Outcome::Confirmed), Some(Outcome::Skipped));
    let rows = [
        ("confirm", &decided, a, None, confirmed),
        ("draft", &drafted, a, ab, confirmed),
        ("draft back", &back, a, None, confirmed),
        ("skip", &drafted.after(Action::Skip), None, None, skipped),
        ("clear", &drafted.after(Action::Clear), None, None, None),
    ];
    for (name, review, decision, draft, outcome) in rows {
        let state = (review.decision, review.draft, review.outcome);
        assert_eq!(state, (decision, draft, outcome), "{name}");
    }
}

#[test]
fn runs_are_listed_with_what_they_said() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(4), &file);
    assert_eq!(watched.session.runs(), None);
    watched.session.begin_run(run("first"));
    watched.session.record_prediction(0, said(&[0]));
    watched
        .session
        .record_prediction(1, Prediction::failed("no", Default::default()));
    watched.session.begin_run(run("second"));
    let unread = Prediction {
        parse: Parse::Failed,
        ..said(&[])
    };
    watched.session.record_prediction(2, unread);
    // Everything handed over before is counted.
    watched.session.look_for_runs();
    watched.wait(|session| session.runs().is_some());
    let runs = watched.session.runs().unwrap();
    let mut found: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run.info.model.as_str(),
                run.predicted,
                run.unread,
                run.failed,
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("first", 2, 0, 1), ("second", 1, 1, 0)]);
}

#[test]
fn a_second_run_stands_beside_the_shown_one() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(4), &file);
    let session = &mut watched.session;
    session.begin_run(run("first"));
    for (post, labels) in [(0, vec![0]), (1, vec![1]), (3, vec![])] {
        session.record_prediction(post, said(&labels));
    }
    session.begin_run(run("second"));
    for (post, labels) in [(0, vec![0]), (1, vec![2]), (2, vec![1])] {
        session.record_prediction(post, said(&labels));
    }
    session.compare_with(Some(run("first")));
    assert_eq!(session.other_run(), Some(&run("first")));
    watched.wait(|session| !session.is_other_loading());
    let differing = |session: &overrule::review::Session| -> Vec<usize> {
        (0..4).filter(|post| session.runs_differ(*post)).collect()
    };
    assert_eq!(differing(&watched.session), [1]);
    assert_eq!(watched.session.other_answer(3), Some(set(&[])));
    assert_eq!(watched.session.other_answer(2), None);
    // Posts that both predicted: 0 and 1, both without a label in the dataset's truth.
    let both: Vec<_> = watched.session.both(Truth::Dataset).collect();
    assert_eq!(both.len(), 2);
    assert!(both.iter().all(|post| post.truth == Some(set(&[]))));

    // The two change places.
    watched.session.begin_run(run("first"));
    watched.wait(|session| !session.is_loading() && !session.is_other_loading());
    assert_eq!(watched.session.other_run(), Some(&run("second")));
    assert_eq!(watched.session.answer(1), Some(set(&[1])));
    assert_eq!(watched.session.other_answer(1), Some(set(&[2])));
    assert_eq!(differing(&watched.session), [1]);
    watched.session.compare_with(None);
    assert_eq!(watched.session.other_run(), None);
    assert!(differing(&watched.session).is_empty());
}
