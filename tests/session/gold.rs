//! Gold posts: known labels mixed into the queue, compared with first decisions, and never decisions themselves.

use std::{fs, path::Path};

use overrule::{
    post::LabelSet,
    review::{
        Action, Session,
        blind::BlindMode,
        gold::{GoldRequest, GoldSource, KeptGold},
        queue::{self, Filter, Order},
        second::SecondReviewer,
        session::Truth,
    },
};
use rusqlite::Connection;

use crate::reviewing::{Watched, confirm, dataset, in_folder, run, said, set};

fn request(source: GoldSource) -> GoldRequest {
    GoldRequest {
        source,
        share_percent: 100,
        seed: 1,
        every: 4,
        order: Order::Dataset,
    }
}

/// Draws gold posts and mixes them in.
fn take(watched: &mut Watched, request: &GoldRequest) {
    let own = watched.session.file().to_owned();
    let drawn = KeptGold::draw(request, &own, &watched.session).unwrap();
    watched.session.take_gold(drawn);
}

/// A CSV that knows the labels of these posts of [`dataset`].
fn known(folder: &Path, rows: &[(usize, &str)]) -> GoldSource {
    let rows: String = rows
        .iter()
        .map(|(post, labels)| format!("post {post},{labels}\n"))
        .collect();
    let file = folder.join("known.csv");
    fs::write(&file, format!("text,labels\n{rows}")).unwrap();
    GoldSource::File(file)
}

fn queue_of(session: &Session, filter: Filter) -> Vec<u32> {
    queue::build(session, filter, Order::Dataset, "")
}

fn tally(session: &Session) -> Vec<(Option<String>, u64, u64)> {
    let tally = session.gold().unwrap().tally();
    tally
        .iter()
        .map(|(by, of)| (by.as_deref().map(str::to_owned), of.hits, of.n))
        .collect()
}

#[test]
fn gold_posts_come_up_at_intervals_and_say_nothing_before_the_decision() {
    let (folder, file) = in_folder();
    let mut watched = Watched::open(dataset(30), &file);
    watched.session.apply(28, confirm(&[0]));
    // One is decided already, and one names a label that the dataset lacks.
    let source = known(
        folder.path(),
        &[(20, "a"), (25, "b"), (28, "b"), (29, "zzz")],
    );
    take(&mut watched, &request(source));
    let session = &mut watched.session;
    assert_eq!(session.gold().unwrap().len(), 2);
    for filter in [Filter::All, Filter::Todo] {
        let queue = queue_of(session, filter);
        let mut sorted = queue.clone();
        sorted.sort_unstable();
        let natural: Vec<u32> = (0..30)
            .filter(|post| filter == Filter::All || *post != 28)
            .collect();
        assert_eq!(sorted, natural, "each post once");
        let place = |post| queue.iter().position(|p| *p == post).unwrap();
        let mut places = [place(20), place(25)];
        places.sort_unstable();
        assert!((2..=4).contains(&places[0]), "{queue:?}");
        assert!((6..=9).contains(&places[1]), "{queue:?}");
    }
    // Queues that are looked through stay as they are.
    assert_eq!(queue_of(session, Filter::Unlabelled).len(), 10);
    assert_eq!(queue_of(session, Filter::Reviewed), [28]);
    assert!((0..30).all(|post| session.gold().unwrap().check(post).is_none()));
    assert_eq!(session.counts().reviewed, 1);
    assert_eq!(session.truth(20, Truth::Reviewed), None);

    session.set_reviewer(Some("Ana"));
    session.apply(20, confirm(&[0]));
    session.apply(25, Action::Skip);
    session.apply(25, confirm(&[0]));
    assert_eq!(tally(session), [(Some("Ana".to_owned()), 1, 2)]);
    assert_eq!(queue_of(session, Filter::GoldDiffers), [25]);
    // The first answer counts, whatever is said once it is known.
    session.apply(25, confirm(&[1]));
    assert_eq!(tally(session), [(Some("Ana".to_owned()), 1, 2)]);
    assert_eq!(session.review(25).decision, Some(set(&[1])));
    session.undo();
    session.undo();
    session.apply(25, confirm(&[1]));
    assert_eq!(tally(session), [(Some("Ana".to_owned()), 1, 2)]);
    watched.close();

    let mut again = Watched::open(dataset(30), &file);
    assert_eq!(tally(&again.session), [(Some("Ana".to_owned()), 1, 2)]);
    assert_eq!(again.session.gold().unwrap().name(), "known.csv");
    again.session.remove_gold();
    again.close();
    let again = Watched::open(dataset(30), &file);
    assert!(again.session.gold().is_none());
    assert_eq!(again.session.review(20).decision, Some(set(&[0])));
}

#[test]
fn own_decisions_come_up_once_more_and_come_back_if_they_did_not() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(12), &file);
    (0..4).for_each(|post| watched.session.apply(post, confirm(&[post % 3])));
    let before: Vec<Option<LabelSet>> = decisions(&watched.session);
    let half = GoldRequest {
        share_percent: 50,
        ..request(GoldSource::Own)
    };
    take(&mut watched, &half);
    let session = &mut watched.session;
    let open: Vec<usize> = (0..4)
        .filter(|post| session.review(*post).decision.is_none())
        .collect();
    assert_eq!(open.len(), 2, "{open:?}");
    assert_eq!(session.counts().reviewed, 2);
    let todo = queue_of(session, Filter::Todo);
    assert!(open.iter().all(|post| todo.contains(&(*post as u32))));
    // One of them is decided again, and otherwise.
    session.apply(open[0], confirm(&[0, 1, 2]));
    assert_eq!(tally(session), [(None, 0, 1)]);
    watched.close();

    let mut again = Watched::open(dataset(12), &file);
    assert_eq!(tally(&again.session), [(None, 0, 1)]);
    again.session.remove_gold();
    let mut expected = before.clone();
    expected[open[0]] = Some(set(&[0, 1, 2]));
    assert_eq!(decisions(&again.session), expected);
    again.close();
    let again = Watched::open(dataset(12), &file);
    assert_eq!(decisions(&again.session), expected);
}

#[test]
fn own_decisions_come_back_to_posts_that_were_only_flagged_and_nothing_clears_them_again() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(9), &file);
    (0..3).for_each(|post| watched.session.apply(post, confirm(&[post])));
    let before = decisions(&watched.session);
    take(&mut watched, &request(GoldSource::Own));
    let session = &mut watched.session;
    assert_eq!(decisions(session), [None; 9]);
    session.apply(0, Action::Flag(true));
    session.apply(1, Action::Draft(set(&[0, 2])));
    session.apply(5, confirm(&[2]));
    session.remove_gold();
    let mut expected = before;
    expected[5] = Some(set(&[2]));
    assert_eq!(decisions(session), expected);
    assert!(session.review(0).flagged && session.review(1).draft.is_none());
    assert_eq!(session.redo(), None);
    watched.close();

    let mut again = Watched::open(dataset(9), &file);
    let session = &mut again.session;
    assert_eq!(decisions(session), expected);
    assert_eq!(session.redo(), None);
    // What can be taken back is what was done about other posts, and the decisions from before.
    assert_eq!([session.undo(), session.undo()], [Some(5), Some(2)]);
    assert_eq!(session.review(0).decision, Some(set(&[0])));
}

#[test]
fn what_was_undone_on_an_own_gold_post_is_not_done_again_once_its_decision_is_back() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(9), &file);
    (0..3).for_each(|post| watched.session.apply(post, confirm(&[post])));
    let before = decisions(&watched.session);
    take(&mut watched, &request(GoldSource::Own));
    let session = &mut watched.session;
    session.apply(5, Action::Flag(true));
    session.apply(1, Action::Draft(set(&[0, 2])));
    assert_eq!([session.undo(), session.undo()], [Some(1), Some(5)]);
    session.remove_gold();
    assert_eq!(decisions(session), before);
    // What was undone on the other post can still be done again.
    assert_eq!([session.redo(), session.redo()], [Some(5), None]);
    assert_eq!(decisions(session), before);
    watched.close();

    let mut again = Watched::open(dataset(9), &file);
    assert_eq!(again.session.redo(), None);
    assert_eq!(decisions(&again.session), before);
}

#[test]
fn in_blind_mode_own_gold_posts_look_like_the_others() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(6), &file);
    let session = &mut watched.session;
    session.begin_run(run("one"));
    for post in 0..6 {
        session.record_prediction(post, said(&[1]));
    }
    session.set_blind_mode(BlindMode {
        share_percent: 100,
        ..BlindMode::default()
    });
    (0..3).for_each(|post| session.apply(post, confirm(&[post])));
    assert!(!session.hides_answer(0));
    take(&mut watched, &request(GoldSource::Own));
    assert!((0..6).all(|post| watched.session.hides_answer(post)));
    watched.close();
    let mut again = Watched::open(dataset(6), &file);
    again.wait(|session| !session.is_loading());
    assert!((0..6).all(|post| again.session.hides_answer(post)));
    again.session.remove_gold();
    assert!(!again.session.hides_answer(0) && again.session.hides_answer(5));
}

fn decisions(session: &Session) -> Vec<Option<LabelSet>> {
    let posts = 0..session.dataset().posts.len();
    posts.map(|post| session.review(post).decision).collect()
}

#[test]
fn what_a_second_reviewer_decided_can_be_gold() {
    let (folder, file) = in_folder();
    let theirs = folder.path().join("ana.overrule");
    let mut ana = Watched::open(dataset(9), &theirs);
    ana.session.set_reviewer(Some("Ana"));
    (0..6).for_each(|post| ana.session.apply(post, confirm(&[0])));
    ana.close();
    let mut mine = Watched::open(dataset(9), &file);
    mine.session.apply(0, confirm(&[0]));
    let gone = request(GoldSource::Second(theirs.clone()));
    let refused = KeptGold::draw(&gone, &file, &mine.session).unwrap_err();
    assert!(refused.to_string().contains("is not kept"), "{refused}");
    let second = SecondReviewer::read(&theirs, &file, &mine.session).unwrap();
    mine.session.add_second(second);
    for source in [GoldSource::Second(theirs.clone()), GoldSource::File(theirs)] {
        take(&mut mine, &request(source));
        let gold = mine.session.gold().unwrap();
        assert_eq!((gold.len(), gold.name()), (5, "Ana"));
    }
    // The same seed draws the same posts.
    let draw = |session: &Session, seed| {
        let some = GoldRequest {
            share_percent: 40,
            seed,
            ..request(GoldSource::File(folder.path().join("ana.overrule")))
        };
        KeptGold::draw(&some, &file, session).unwrap()
    };
    assert_eq!(draw(&mine.session, 7), draw(&mine.session, 7));
    assert_eq!(draw(&mine.session, 7).len(), 2);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_to_do() {
    let (folder, file) = in_folder();
    let mut watched = Watched::open(dataset(3), &file);
    let draw = |session: &Session, source| {
        let drawn = KeptGold::draw(&request(source), &file, session);
        drawn.unwrap_err().to_string()
    };
    let nothing = draw(&watched.session, GoldSource::Own);
    assert!(
        nothing.contains("you have decided no post yet"),
        "{nothing}"
    );
    let others = known(folder.path(), &[(7, "a")]);
    let nothing = draw(&watched.session, others);
    assert!(
        nothing.contains("known.csv has no labels for a post"),
        "{nothing}"
    );
    let missing = draw(
        &watched.session,
        GoldSource::File(folder.path().join("none.csv")),
    );
    assert!(missing.contains("none.csv"), "{missing}");
    watched.session.apply(0, confirm(&[0]));
    let own = draw(&watched.session, GoldSource::File(file.clone()));
    assert!(own.contains("is the session that is open"), "{own}");
}

#[test]
fn a_file_of_before_gold_posts_opens() {
    let (folder, file) = in_folder();
    let mut older = Watched::open(dataset(3), &file);
    older.session.apply(0, confirm(&[0]));
    older.close();
    Connection::open(&file)
        .unwrap()
        .execute_batch("DROP TABLE gold; DROP TABLE seen; PRAGMA user_version = 5;")
        .unwrap();
    let read = Session::open_read_only(dataset(3).into(), &file).unwrap();
    assert!(read.gold().is_none());
    let mut opened = Watched::open(dataset(3), &file);
    take(&mut opened, &request(known(folder.path(), &[(1, "b")])));
    opened.close();
    let read = Session::open_read_only(dataset(3).into(), &file).unwrap();
    assert_eq!(read.gold().unwrap().len(), 1);
}
