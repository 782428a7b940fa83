//! Who decides: names with each decision, and second reviewers beside the first.

use std::{path::Path, sync::Arc};

use overrule::{
    dataset::Dataset,
    post::LabelSet,
    review::{
        Action, Session,
        basis::Part,
        people::{CeilingIntervals, People},
        second::SecondReviewer,
    },
};
use rusqlite::Connection;

use crate::reviewing::{Watched, confirm, dataset, in_folder, post, run, said, set};

/// Who made each decision in force.
fn by(session: &Session) -> Vec<Option<String>> {
    let posts = 0..session.dataset().posts.len();
    posts
        .map(|post| session.review(post).by.as_deref().map(str::to_owned))
        .collect()
}

fn names(names: &[&str]) -> Vec<Option<String>> {
    let name = |name: &&str| (!name.is_empty()).then(|| (*name).to_owned());
    names.iter().map(name).collect()
}

#[test]
fn each_decision_keeps_the_name_under_which_it_was_made() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(4), &file);
    let session = &mut first.session;
    session.apply(0, confirm(&[0]));
    session.set_reviewer(Some(" Ana "));
    session.apply(1, confirm(&[1]));
    session.apply(2, confirm(&[2]));
    session.set_reviewer(Some("Ben"));
    // Nothing new is decided about these two.
    session.apply(1, confirm(&[1]));
    session.apply(2, Action::Note("why?".into()));
    session.apply(3, confirm(&[]));
    session.apply(2, confirm(&[0]));
    assert_eq!(by(session), names(&["", "Ana", "Ben", "Ben"]));
    // What comes back is whose it was.
    assert_eq!(session.undo(), Some(2));
    let expected = names(&["", "Ana", "Ana", "Ben"]);
    assert_eq!(by(session), expected);
    first.close();

    let mut second = Watched::open(dataset(4), &file);
    let session = &mut second.session;
    assert_eq!(by(session), expected);
    session.set_reviewer(Some("Cem"));
    assert_eq!(session.redo(), Some(2));
    assert_eq!(by(session), names(&["", "Ana", "Ben", "Ben"]));
    session.apply(3, Action::Skip);
    assert_eq!(by(session), names(&["", "Ana", "Ben", ""]));
    let who: Vec<(usize, Option<&str>)> = session
        .decisions()
        .map(|(post, entry)| (post, entry.reviewer.as_deref()))
        .collect();
    assert_eq!(who, [(2, Some("Ben")), (1, Some("Ana")), (0, None)]);
    assert_eq!(session.decided(), [0, 1, 2]);
    second.close();
    let read = Session::open_read_only(Arc::new(dataset(4)), &file).unwrap();
    assert_eq!(by(&read), names(&["", "Ana", "Ben", ""]));
}

/// Turns a session file into one of an earlier format.
fn make_older(file: &Path, format: u32) {
    let tables = "DROP TABLE second_decisions; DROP TABLE second_reviewers; DROP TABLE gold; DROP TABLE seen;";
    Connection::open(file)
        .unwrap()
        .execute_batch(&format!("{tables} PRAGMA user_version = {format};"))
        .unwrap();
}

#[test]
fn files_of_before_names_open_with_the_names_that_the_system_gave() {
    for format in [2, 3, 4] {
        let (folder, file) = in_folder();
        let mut older = Watched::open(dataset(3), &file);
        older.session.set_reviewer(Some("login"));
        older.session.apply(0, confirm(&[0]));
        older.session.apply(1, confirm(&[1]));
        assert_eq!(older.session.undo(), Some(1));
        older.close();
        make_older(&file, format);

        // Read as it is, before anything brings it up to date.
        let read = Session::open_read_only(Arc::new(dataset(3)), &file).unwrap();
        assert_eq!(by(&read), names(&["login", "", ""]), "format {format}");
        let own = folder.path().join("own.overrule");
        let mut newer = Watched::open(dataset(3), &own);
        let theirs = SecondReviewer::read(&file, &own, &newer.session).unwrap();
        assert_eq!((theirs.name(), theirs.n_decisions()), ("login", 1));
        newer.session.add_second(theirs);
        newer.close();

        let mut opened = Watched::open(dataset(3), &file);
        assert_eq!(by(&opened.session), names(&["login", "", ""]));
        opened.session.set_reviewer(Some("Ana"));
        assert_eq!(opened.session.redo(), Some(1));
        opened.session.apply(2, confirm(&[2]));
        assert_eq!(by(&opened.session), names(&["login", "login", "Ana"]));
        let other = SecondReviewer::read(&own, &file, &opened.session).unwrap_err();
        assert!(other.to_string().contains("none of these posts"), "{other}");
        opened.close();
        let again = Watched::open(dataset(3), &file);
        assert_eq!(by(&again.session), names(&["login", "login", "Ana"]));
    }
}

/// Somebody's session that confirms one label each.
fn session_of(folder: &Path, name: &str, decisions: &[(usize, usize)]) -> std::path::PathBuf {
    let file = folder.join(format!("{name}.overrule"));
    let mut watched = Watched::open(dataset(4), &file);
    watched.session.set_reviewer(Some(name));
    for (post, label) in decisions {
        watched.session.apply(*post, confirm(&[*label]));
    }
    watched.close();
    file
}

fn conflicts(session: &Session) -> Vec<usize> {
    let posts = 0..session.dataset().posts.len();
    posts.filter(|post| session.is_conflict(*post)).collect()
}

#[test]
fn a_second_reviewer_stays_in_the_session_until_taken_away() {
    let (folder, file) = in_folder();
    let theirs = session_of(folder.path(), "Ana", &[(0, 0), (1, 1), (2, 2)]);
    let mut mine = Watched::open(dataset(4), &file);
    let session = &mut mine.session;
    session.set_reviewer(Some("Ben"));
    session.apply(0, confirm(&[0]));
    session.apply(1, confirm(&[2]));
    session.apply(2, confirm(&[1]));
    session.apply(3, confirm(&[2]));
    let own = SecondReviewer::read(&file, &file, session).unwrap_err();
    assert!(
        own.to_string().contains("is the session that is open"),
        "{own}"
    );
    let second = SecondReviewer::read(&theirs, &file, session).unwrap();
    assert_eq!((second.name(), second.n_decisions()), ("Ana", 3));
    session.add_second(second);
    assert_eq!(conflicts(session), [1, 2]);
    session.apply(1, Action::Settle(set(&[1])));
    assert_eq!(conflicts(session), [2]);
    assert_eq!(session.review(1).decision, Some(set(&[1])));
    mine.close();
    // What was read stays, whatever becomes of the file.
    std::fs::remove_file(&theirs).unwrap();

    let mut mine = Watched::open(dataset(4), &file);
    let session = &mut mine.session;
    let second: Vec<&str> = session.seconds().map(SecondReviewer::name).collect();
    assert_eq!(second, ["Ana"]);
    assert_eq!(conflicts(session), [2]);
    assert_eq!(session.review(1).alone, Some(set(&[2])));
    // Agreement stays that of the two on their own.
    let second = session.seconds().next().unwrap();
    let both: Vec<(LabelSet, LabelSet)> = session
        .both_reviewers(second)
        .map(|both| (both.a.labels, both.b.labels))
        .collect();
    let expected = [([0], [0]), ([2], [1]), ([1], [2])];
    assert_eq!(both, expected.map(|(a, b)| (set(&a), set(&b))));
    assert_eq!(session.undo(), Some(1));
    assert_eq!(conflicts(session), [1, 2]);
    assert_eq!(session.redo(), Some(1));
    session.remove_second(&theirs);
    assert_eq!(conflicts(session), [0; 0]);
    mine.wait_until_saved();
    mine.close();

    let mine = Watched::open(dataset(4), &file);
    assert_eq!(mine.session.seconds().len(), 0);
    // What was settled is still settled.
    assert_eq!(mine.session.review(1).decision, Some(set(&[1])));
}

#[test]
fn a_session_read_again_takes_the_place_of_what_it_said_before() {
    let (folder, file) = in_folder();
    let theirs = session_of(folder.path(), "Ana", &[(0, 0)]);
    let third = session_of(folder.path(), "Cem", &[(0, 0), (3, 1)]);
    let mut mine = Watched::open(dataset(4), &file);
    mine.session.apply(0, confirm(&[0]));
    for path in [&theirs, &third] {
        let second = SecondReviewer::read(path, &file, &mine.session).unwrap();
        mine.session.add_second(second);
    }
    session_of(folder.path(), "Ana", &[(0, 1), (1, 1)]);
    let second = SecondReviewer::read(&theirs, &file, &mine.session).unwrap();
    mine.session.add_second(second);
    mine.close();

    // A post less and a label less: what cannot be shown as it was decided is not shown.
    let all = Watched::open(dataset(4), &file);
    let people: Vec<(&str, usize)> = all
        .session
        .seconds()
        .map(|second| (second.name(), second.n_decisions()))
        .collect();
    assert_eq!(people, [("Cem", 2), ("Ana", 2)]);
    assert_eq!(conflicts(&all.session), [0]);
    all.close();
    let fewer = Watched::open(dataset(1), &file);
    let n: Vec<usize> = fewer.session.seconds().map(|s| s.n_decisions()).collect();
    assert_eq!(n, [1, 1]);
    fewer.close();
    let again = Watched::open(dataset(4), &file);
    assert!(
        again
            .session
            .seconds()
            .all(|second| second.n_decisions() == 2)
    );
}

#[test]
fn another_name_of_a_second_reviewer_stays_in_the_session_also_when_it_is_read_again() {
    let (folder, file) = in_folder();
    let theirs = session_of(folder.path(), "Ana", &[(0, 0)]);
    let mut mine = Watched::open(dataset(4), &file);
    let names = |session: &Session| -> Vec<String> {
        let names = session.seconds().map(SecondReviewer::name);
        names.map(str::to_owned).collect()
    };
    let second = SecondReviewer::read(&theirs, &file, &mine.session).unwrap();
    mine.session.add_second(second);
    mine.session.rename_second(&theirs, "  Ana Lee ");
    mine.session.rename_second(&theirs, "   ");
    mine.session.rename_second(&file, "Nobody");
    assert_eq!(names(&mine.session), ["Ana Lee"]);
    mine.wait_until_saved();
    mine.close();

    let mut mine = Watched::open(dataset(4), &file);
    assert_eq!(names(&mine.session), ["Ana Lee"]);
    session_of(folder.path(), "Ana", &[(1, 1)]);
    let again = SecondReviewer::read(&theirs, &file, &mine.session).unwrap();
    assert_eq!(again.name(), "Ana");
    let kept = mine.session.add_second(again);
    assert_eq!((kept.name(), kept.n_decisions()), ("Ana Lee", 2));
    mine.close();
    let mine = Watched::open(dataset(4), &file);
    assert_eq!(names(&mine.session), ["Ana Lee"]);
}

#[test]
fn a_session_about_other_posts_is_no_second_opinion() {
    let (folder, file) = in_folder();
    let theirs = session_of(folder.path(), "Ana", &[(0, 0)]);
    let other = Dataset {
        posts: vec![post(9)],
        ..dataset(1)
    };
    let mine = Watched::open(other, &file);
    let refused = SecondReviewer::read(&theirs, &file, &mine.session).unwrap_err();
    assert!(
        refused.to_string().contains("none of these posts"),
        "{refused}"
    );
}

#[test]
fn the_ceiling_holds_person_and_model_against_the_same_person_on_the_same_posts() {
    let (folder, file) = in_folder();
    let ana = session_of(folder.path(), "Ana", &[(0, 0), (1, 1), (2, 2), (3, 0)]);
    let cem = session_of(folder.path(), "Cem", &[(0, 0), (1, 1)]);
    let mut mine = Watched::open(dataset(4), &file);
    let session = &mut mine.session;
    assert_eq!(People::of(session, Part::All), People::default());
    for path in [&ana, &cem] {
        let second = SecondReviewer::read(path, &file, session).unwrap();
        session.add_second(second);
    }
    session.begin_run(run("one"));
    // Three of the four are predicted; the fourth counts for agreement alone.
    for (post, label) in [(0, 0), (1, 0), (2, 0)] {
        session.record_prediction(post, said(&[label]));
    }
    for (post, label) in [(0, 0), (1, 1), (2, 1), (3, 0)] {
        session.apply(post, confirm(&[label]));
    }
    let people = People::of(session, Part::All);
    let [ana, cem] = &people.beside[..] else {
        panic!("{people:?}");
    };
    assert_eq!(ana.name, "Ana");
    assert_eq!(ana.comparison.agreement.n, 4);
    assert_eq!(ana.comparison.agreement.equal_sets, 3);
    let ceiling = ana.ceiling.as_ref().unwrap();
    assert_eq!((ceiling.n, ceiling.person.n, ceiling.model.n), (3, 3, 3));
    // You: racist and sexist right, one wrong of two each; the model: one right.
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    close(ceiling.person.f1_micro, 2.0 / 3.0);
    close(ceiling.model.f1_micro, 1.0 / 3.0);
    // By label: a 1, b 2/3, c 0; and a 1/2, b 0, c 0.
    close(ceiling.person.f1_macro, (1.0 + 2.0 / 3.0) / 3.0);
    close(ceiling.model.f1_macro, 0.5 / 3.0);
    assert_eq!(cem.ceiling.as_ref().unwrap().n, 2);
    // One interval for each score, the same whenever they are worked out, around the score.
    let intervals = || CeilingIntervals::of(session, Part::All, 1, || false);
    let found = intervals().unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found, intervals().unwrap());
    assert_eq!(found[0].file, ana.file);
    for (interval, score) in [
        (found[0].person.f1_micro, ceiling.person.f1_micro),
        (found[0].model.f1_micro, ceiling.model.f1_micro),
        (found[0].person.f1_macro, ceiling.person.f1_macro),
    ] {
        assert!(interval.lo < score && score < interval.hi, "{interval:?}");
    }
    assert_eq!(CeilingIntervals::of(session, Part::All, 1, || true), None);
    // Three people: a on posts 0 and 3 alike, c by one of two on post 2.
    assert_eq!(people.alpha.len(), 3);
    assert_eq!(people.alpha[0], Some(1.0));
    // Settling changes what is true, and not how far the two agreed.
    session.apply(2, Action::Settle(set(&[2])));
    assert_eq!(People::of(session, Part::All).beside, people.beside);
}
