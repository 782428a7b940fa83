//! The session file under bad luck: killed, full, foreign, damaged, moved, opened twice.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use overrule::review::{
    Action, Review, Session,
    session::{SaveState, Unsaved},
    store::{StoreError, dataset_of, is_session},
};
use rusqlite::Connection;

use crate::{
    common::PATIENCE,
    reviewing::{Watched, confirm, dataset, in_folder, run, said, set},
};

/// Names, for a test that runs again in a child process, the session file to use there.
const CHILD_VARIABLE: &str = "OVERRULE_TEST_CHILD";

/// Starts a test of this file in a process of its own.
fn child(test: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_VARIABLE, file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The `step`-th thing the reviewer of the kill test does; each appends one entry.
fn act(session: &mut Session, step: u64) {
    let post = (step % 5) as usize;
    match step % 4 {
        0 => assert!(session.undo().is_some()),
        1 => session.apply(post, Action::Note(format!("step {step}"))),
        _ => session.apply(
            post,
            Action::Draft(overrule::post::LabelSet::from_bits(step & 7)),
        ),
    }
    session.record_prediction(post, said(&[post % 3]));
}

#[test]
fn a_reviewer_works_until_killed() {
    let Some(file) = std::env::var_os(CHILD_VARIABLE) else {
        return;
    };
    let mut watched = Watched::open(dataset(5), Path::new(&file));
    watched.session.begin_run(run("one"));
    let mut stdout = std::io::stdout();
    loop {
        let step = watched.session.saved_seq() + 1;
        act(&mut watched.session, step);
        watched.wait(|session| session.saved_seq() == step);
        writeln!(stdout, "saved {step}").unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let (_folder, file) = in_folder();
    for kill_after in [1, 2, 13, 40, 7, 90] {
        let mut reviewer = child("store::a_reviewer_works_until_killed", &file);
        let mut lines = BufReader::new(reviewer.stdout.take().unwrap()).lines();
        let mut saved = || loop {
            let line = lines.next()?.unwrap();
            if let Some((_, step)) = line.split_once("saved ") {
                return Some(step.parse::<u64>().unwrap());
            }
        };
        for _ in 0..kill_after {
            saved().unwrap();
        }
        reviewer.kill().unwrap();
        reviewer.wait().unwrap();
        let acknowledged = std::iter::from_fn(saved).last();

        let read = Session::open_read_only(Arc::new(dataset(5)), &file).unwrap();
        let in_file = entries(&file);
        assert!(in_file >= acknowledged.unwrap_or(0));
        let (_folder, again) = in_folder();
        let mut expected = Watched::open(dataset(5), &again);
        (1..=in_file).for_each(|step| act(&mut expected.session, step));
        assert_eq!(reviews(&read), reviews(&expected.session));
    }
    assert!(entries(&file) >= 153);
}

fn reviews(session: &Session) -> Vec<Review> {
    let posts = 0..session.dataset().posts.len();
    posts.map(|post| session.review(post).clone()).collect()
}

/// How many entries of the history a file holds.
fn entries(file: &Path) -> u64 {
    let count = "SELECT count(*) FROM decisions";
    let connection = Connection::open(file).unwrap();
    let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    count.cast_unsigned()
}

#[test]
fn a_second_window_is_refused_and_a_reader_is_not() {
    let (_folder, file) = in_folder();
    let mut first = Watched::open(dataset(3), &file);
    first.session.apply(1, confirm(&[0]));
    first.wait_until_saved();

    let second = Session::open(Arc::new(dataset(3)), &file, || {});
    let error = second.err().unwrap();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("is open in another window"));

    let mut reader = Session::open_read_only(Arc::new(dataset(3)), &file).unwrap();
    assert_eq!(reader.review(1).decision, Some(set(&[0])));
    reader.apply(1, Action::Clear);
    assert_eq!(reader.undo(), None);
    assert_eq!(reader.review(1).decision, Some(set(&[0])));
    assert_eq!(dataset_of(&file).unwrap().path, dataset(3).path);

    first.session.apply(2, confirm(&[1]));
    first.close();
    Watched::open(dataset(3), &file).close();
}

#[test]
fn the_dataset_is_opened_again_as_it_was() {
    let (_folder, file) = in_folder();
    Watched::open(dataset(3), &file).close();
    let about = dataset_of(&file).unwrap();
    assert_eq!(about.path, Path::new("/data/hate.csv"));
    let options = about.open_options();
    assert_eq!(options.image_root.as_deref(), Some(Path::new("/data/img")));
    assert_eq!(options.labels.unwrap(), ["a", "b", "c"]);
}

#[test]
fn what_is_no_session_is_refused_and_left_alone() {
    let (folder, whole) = in_folder();
    let mut watched = Watched::open(dataset(200), &whole);
    (0..200).for_each(|post| watched.session.apply(post, confirm(&[0])));
    watched.close();
    let whole = fs::read(whole).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let foreign_database = folder.path().join("foreign");
    Connection::open(&foreign_database)
        .unwrap()
        .execute_batch("CREATE TABLE mine (x);")
        .unwrap();
    let garbage = vec![0x5a; 4096];
    let rows: [(&str, Vec<u8>, &str); 7] = [
        (
            "text",
            b"text,image_path,labels\n".to_vec(),
            "another kind of file",
        ),
        (
            "a database",
            fs::read(foreign_database).unwrap(),
            "a database of another program",
        ),
        ("newer", with(60, &99u32.to_be_bytes()), "newer version"),
        ("cut within the header", whole[..50].to_vec(), "is damaged"),
        ("cut after one page", whole[..4096].to_vec(), "is damaged"),
        (
            "cut in the middle",
            whole[..whole.len() / 8192 * 4096].to_vec(),
            "is damaged",
        ),
        (
            "with a page of garbage",
            with(whole.len() / 4096 * 3 / 4 * 4096, &garbage),
            "is damaged",
        ),
    ];
    for (what, bytes, expected) in rows {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.overrule");
        fs::write(&file, &bytes).unwrap();
        let opened = Session::open(Arc::new(dataset(200)), &file, || {});
        let error = opened.err().unwrap_or_else(|| panic!("{what} was opened"));
        assert!(error.to_string().contains(expected), "{what}: {error}");
        assert!(fs::read(&file).unwrap() == bytes, "{what} was changed");
        let read = Session::open_read_only(Arc::new(dataset(200)), &file);
        let error = read.err().unwrap_or_else(|| panic!("{what} was read"));
        assert!(error.to_string().contains(expected), "{what}: {error}");
    }
}

#[test]
fn places_that_cannot_hold_a_session_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain_file = folder.path().join("plain");
    fs::write(&plain_file, "x").unwrap();
    for file in [folder.path().to_owned(), plain_file.join("review.overrule")] {
        let opened = Session::open(Arc::new(dataset(1)), &file, || {});
        let error = opened.err().unwrap().to_string();
        assert!(error.contains(&*file.to_string_lossy()), "{error}");
    }
    let missing = Session::open_read_only(Arc::new(dataset(1)), &folder.path().join("none"));
    assert!(matches!(missing.err(), Some(StoreError::Missing(_))));
    assert!(!folder.path().join("none").exists());
}

#[test]
fn an_empty_file_becomes_a_session() {
    let (_folder, file) = in_folder();
    fs::write(&file, "").unwrap();
    let mut watched = Watched::open(dataset(1), &file);
    watched.session.apply(0, confirm(&[]));
    watched.close();
    assert_eq!(entries(&file), 1);
}

#[test]
#[cfg(unix)]
#[allow(unsafe_code)]
fn a_reviewer_works_on_a_full_disk() {
    let Some(file) = std::env::var_os(CHILD_VARIABLE) else {
        return;
    };
    let limit_file_size = |bytes: libc::rlim_t| {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the pointer is to a live local, and this process runs this test alone.
        assert_eq!(
            unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) },
            0
        );
    };
    // SAFETY: no handler is installed; writing past the limit becomes an error in place of a signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };

    let mut watched = Watched::open(dataset(50), Path::new(&file));
    watched.session.begin_run(run("one"));
    watched.session.apply(0, Action::Note("first".into()));
    watched.wait_until_saved();
    limit_file_size(100_000);
    for post in 1..50 {
        let note = Action::Note("x".repeat(5_000));
        watched.session.apply(post, note);
        watched.session.record_prediction(post, said(&[0]));
    }
    watched.wait(|session| matches!(session.poll(), SaveState::Failed { .. }));
    watched.session.retry_save();
    watched.wait(|session| matches!(session.poll(), SaveState::Failed { .. }));
    let SaveState::Failed { unsaved, message } = watched.session.poll() else {
        panic!("the limit is still in force");
    };
    assert!(
        unsaved.actions > 0 && message.contains("review.overrule"),
        "{message}"
    );
    watched.session.apply(0, Action::Note("last".into()));
    limit_file_size(libc::RLIM_INFINITY);
    watched.session.retry_save();
    watched.wait_until_saved();
    watched.close();
}

#[test]
#[cfg(unix)]
fn nothing_is_lost_when_the_disk_is_full_for_a_while() {
    let (_folder, file) = in_folder();
    let reviewer = child("store::a_reviewer_works_on_a_full_disk", &file);
    let output = reviewer.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let mut again = Watched::open(dataset(50), &file);
    again.wait(|session| !session.is_loading());
    assert_eq!(again.session.review(0).note, "last");
    assert_eq!(again.session.counts().noted, 50);
    assert_eq!(again.session.counts().predicted, 49);
}

#[test]
fn a_step_of_many_posts_reaches_the_file_as_one() {
    const POSTS: usize = 3_000;
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(POSTS), &file);
    watched.wait_until_saved();
    let reader = Connection::open(&file).unwrap();
    let count = || -> i64 {
        let count = "SELECT count(*) FROM decisions";
        reader.query_row(count, [], |row| row.get(0)).unwrap()
    };
    let skip = (0..POSTS).map(|post| (post, Action::Skip));
    assert_eq!(watched.session.apply_all(skip), POSTS);
    // Nobody asks the session how it stands: nothing is left to be handed over.
    let begun = std::time::Instant::now();
    let first = loop {
        match count() {
            0 if begun.elapsed() < PATIENCE => std::thread::yield_now(),
            n => break n,
        }
    };
    assert_eq!(first, POSTS as i64);
    drop(reader);
    watched.session.undo();
    watched.wait_until_saved();
    watched.close();
}

#[test]
fn another_program_counts_the_decisions() {
    let Some(file) = std::env::var_os(CHILD_VARIABLE) else {
        return;
    };
    let connection = Connection::open(file).unwrap();
    let count = "SELECT count(*) FROM decisions";
    let n: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    connection.close().unwrap();
    writeln!(std::io::stdout(), "counted {n}").unwrap();
}

/// Whether this process still has SQLite's shared lock on a file (<https://www.sqlite.org/fileformat2.html#the_lock_byte_page>).
/// SQLite 3.53, which comes with this crate, leaves the log alone where that lock was lost and another process has the log's index
/// open; a program with 3.40 takes the log away.
fn is_locked(file: &Path) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(file).unwrap());
    #[cfg(not(unix))]
    let inode = 0;
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let shared = format!(":{inode} {} ", 0x4000_0000 + 2);
    let by_this = format!(" {} ", std::process::id());
    let mut found = locks.lines().filter(|lock| lock.contains(&shared));
    found.any(|lock| lock.contains("POSIX") && lock.contains(&by_this))
}

#[test]
fn what_is_saved_stays_although_other_programs_open_the_file_and_close_it() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(3), &file);
    let counted = || {
        let counting = child("store::another_program_counts_the_decisions", &file);
        let output = counting.wait_with_output().unwrap().stdout;
        let text = String::from_utf8(output).unwrap();
        let n = text.lines().find_map(|line| line.split_once("counted "));
        n.unwrap().1.parse::<usize>().unwrap()
    };
    // What the window itself does with the file while it is open.
    assert!(is_session(&file));
    dataset_of(&file).unwrap();
    assert!(is_locked(&file));
    for post in 0..3 {
        watched.session.apply(post, confirm(&[post]));
        watched.wait_until_saved();
        assert_eq!(counted(), post + 1);
    }
    watched.close();
}

#[test]
#[cfg(unix)]
fn a_file_moved_away_while_open_is_noticed() {
    let (folder, file) = in_folder();
    let mut watched = Watched::open(dataset(3), &file);
    watched.session.apply(0, confirm(&[0]));
    watched.wait_until_saved();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    watched.session.apply(1, confirm(&[1]));
    watched.wait(|session| {
        matches!(
            session.poll(),
            SaveState::Failed {
                unsaved: Unsaved { actions: 1, .. },
                ..
            }
        )
    });

    // An older copy in its place is not taken for it.
    Watched::open(dataset(3), &folder.path().join("other.overrule")).close();
    fs::copy(folder.path().join("other.overrule"), &file).unwrap();
    watched.session.retry_save();
    watched.wait(|session| {
        matches!(
            session.poll(),
            SaveState::Failed {
                unsaved: Unsaved { actions: 1, .. },
                ..
            }
        )
    });

    fs::rename(&elsewhere, &file).unwrap();
    watched.session.retry_save();
    watched.wait_until_saved();
    watched.close();
    assert_eq!(entries(&file), 2);
}

#[test]
fn a_session_of_another_dataset_is_refused() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(2), &file);
    watched.session.apply(0, confirm(&[0]));
    watched.close();

    let mut other = dataset(4);
    other.posts.drain(..2);
    let moved = {
        let mut moved = dataset(2);
        moved.path = "/elsewhere.csv".into();
        moved
    };
    let changed = other.clone();
    other.path = "/other.csv".into();
    let refused = Session::open(Arc::new(other), &file, || {});
    assert!(matches!(
        refused.err(),
        Some(StoreError::OtherDataset { decided: 1, .. })
    ));
    assert_eq!(Watched::open(moved, &file).session.orphans(), 0);
    let changed = overrule::dataset::Dataset {
        path: "/elsewhere.csv".into(),
        ..changed
    };
    assert_eq!(Watched::open(changed, &file).session.orphans(), 1);
}
