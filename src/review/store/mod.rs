//! The session file: all SQL lives here.
//!
//! # Locking
//! One window writes a session. It holds an operating system's lock on `FILE.lock` for as long as it lives; a second
//! one is refused at once. Readers (`overrule export`) need no lock: SQLite's write-ahead log lets them read while a
//! window writes.
//!
//! # Durability
//! Every commit is synced (`synchronous=FULL`) before it is acknowledged, so what is shown as saved survives a
//! `kill -9` and a power cut. The thread `overrule-store` alone writes. It is fed by two bounded lanes, one for what
//! the reviewer does and one for what the model says: whatever waits in the first is committed before the next
//! batch of the second, so that a decision never waits behind thousands of predictions. What arrives during a
//! commit shares the next one.
//!
//! # Failure
//! Events leave the memory when they are committed and not before. After a failed commit the connection is closed,
//! since nothing is known of its state, and the thread waits for a word to try again (or for the end, and tries then).
//!
//! # Compatibility
//! `application_id` tells a session from other SQLite files, `user_version` counts the migrations; both are looked at
//! before SQLite opens the file, so that a foreign or newer file stays untouched.

mod error;
mod file;
mod gold;
mod import;
mod lane;
mod predictions;
mod replay;
mod rows;
mod schema;
mod seconds;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, bounded};

pub use error::StoreError;
pub use file::is_session;
pub use predictions::RunRecord;
pub(super) use replay::Contents;
pub use replay::{DatasetRef, dataset_of};
pub(super) use rows::now_ms;

use super::{blind::BlindMode, decision::Entry, gold::KeptGold, second::Kept, session::Unsaved};
use crate::{
    dataset::Dataset,
    post::{LabelNames, PostId},
    predict::prediction::{Prediction, RunInfo},
};
use lane::Lane;
use writer::{ActionEvent, AnswerEvent, Writer};

/// Called from the store's threads when there is something to look at.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a run said about posts.
pub(super) type Said = Vec<(PostId, Prediction)>;

/// Predictions of an earlier day, as they are read.
pub(super) type LoadedChunks = Receiver<Result<Said, StoreError>>;

/// The runs of a session, once they are counted.
pub(super) type ListedRuns = Receiver<Result<Vec<RunRecord>, StoreError>>;

/// How many events a lane holds before they wait in memory on the sender's side.
const LANE_EVENTS: usize = 1024;

/// How the writing stands; shared with the store's thread.
#[derive(Default)]
struct Status {
    /// How many actions were committed since the file was opened.
    saved_actions: AtomicU64,
    /// How many predictions were committed since the file was opened.
    saved_predictions: AtomicU64,
    /// The number of the last decision on disk.
    saved_seq: AtomicU64,
    /// Why the last commit failed.
    failure: Mutex<Option<String>>,
}

impl Status {
    fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// A session file open for writing. No method but [`close`](Self::close) waits for the disk.
pub(super) struct Store {
    status: Arc<Status>,
    /// How many actions were handed over since the file was opened.
    sent_actions: u64,
    /// How many predictions were handed over since the file was opened.
    sent_predictions: u64,
    /// `None` once closed.
    running: Option<Running>,
}

struct Running {
    actions: Lane<ActionEvent>,
    answers: Lane<AnswerEvent>,
    retry: Sender<()>,
    thread: JoinHandle<()>,
}

impl Store {
    /// Opens or makes the file, reads what is in it, and starts the thread that writes. `known` tells whether the
    /// dataset has a post.
    pub(super) fn open(
        path: &Path,
        dataset: &Dataset,
        known: &dyn Fn(PostId) -> bool,
        wake: Wake,
    ) -> Result<(Self, Contents), StoreError> {
        let (lock, connection) = file::open_for_writing(path)?;
        let mut contents = replay::read(path, &connection, &dataset.labels)?;
        contents.refuse_other(path, dataset, known)?;
        let error = |e| StoreError::sqlite(path, e);
        replay::remember_dataset(&connection, dataset).map_err(error)?;
        let imported = import::import(&connection, dataset, contents.run.is_some());
        contents.run = imported.map_err(error)?.or(contents.run);

        let status = Arc::new(Status::default());
        let last_seq = contents.entries.last().map_or(0, |entry| entry.seq);
        status.saved_seq.store(last_seq, Ordering::Release);
        let (actions, action_events) = Lane::new(LANE_EVENTS);
        let (answers, answer_events) = Lane::new(LANE_EVENTS);
        let (retry, retries) = bounded(1);
        let writer = Writer::new(
            path.to_owned(),
            dataset.labels.clone(),
            (lock, connection),
            contents.run.as_ref().map(|(id, _)| *id),
            (action_events, answer_events, retries),
            Arc::clone(&status),
            wake,
        );
        let thread = std::thread::Builder::new()
            .name("overrule-store".into())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::io(path, e))?;
        let store = Self {
            status,
            sent_actions: 0,
            sent_predictions: 0,
            running: Some(Running {
                actions,
                answers,
                retry,
                thread,
            }),
        };
        Ok((store, contents))
    }

    /// Appends entries of the history: all of them, or, should the machine stop, none.
    pub(super) fn append(&mut self, entries: Vec<Arc<Entry>>) {
        let n = entries.len() as u64;
        self.act_of(n, ActionEvent::Append(entries));
    }

    /// Remembers the post on screen.
    pub(super) fn set_cursor(&mut self, post: PostId) {
        if let Some(running) = &mut self.running {
            running.actions.send(ActionEvent::Cursor(post));
        }
    }

    /// Remembers that the model's answer to a post was seen, behind an entry of the history.
    pub(super) fn note_seen(&mut self, post: PostId, seq: u64) {
        if let Some(running) = &mut self.running {
            running.actions.send(ActionEvent::Seen { post, seq });
        }
    }

    /// Remembers what is decided blind.
    pub(super) fn set_blind_mode(&mut self, mode: BlindMode) {
        if let Some(running) = &mut self.running {
            running.actions.send(ActionEvent::BlindMode(mode));
        }
    }

    /// Keeps what somebody else decided.
    pub(super) fn keep_second(&mut self, second: Kept) {
        self.act(ActionEvent::KeepSecond(second));
    }

    /// Calls the second reviewer who was read from this file something else.
    pub(super) fn rename_second(&mut self, file: Arc<Path>, name: Arc<str>) {
        self.act(ActionEvent::RenameSecond { file, name });
    }

    /// Takes the second reviewer away who was read from this file.
    pub(super) fn forget_second(&mut self, file: Arc<Path>) {
        self.act(ActionEvent::ForgetSecond(file));
    }

    /// Keeps gold posts in place of those there were, or none.
    pub(super) fn keep_gold(&mut self, gold: Option<KeptGold>) {
        self.act(ActionEvent::Gold(gold));
    }

    /// Hands over what counts as an action.
    fn act(&mut self, event: ActionEvent) {
        self.act_of(1, event);
    }

    /// Hands over what counts as so many.
    fn act_of(&mut self, n: u64, event: ActionEvent) {
        self.sent_actions += n;
        if let Some(running) = &mut self.running {
            running.actions.send(event);
        }
    }

    /// Makes a run the present one. What it said earlier comes through the receiver, which ends when all is read.
    pub(super) fn begin_run(&mut self, run: RunInfo) -> LoadedChunks {
        let (loaded, chunks) = bounded(2);
        if let Some(running) = &mut self.running {
            running.answers.send(AnswerEvent::BeginRun { run, loaded });
        }
        chunks
    }

    /// What a run said, through the receiver; the present run stays the present one.
    pub(super) fn read_run(&mut self, run: RunInfo) -> LoadedChunks {
        let (loaded, chunks) = bounded(2);
        if let Some(running) = &mut self.running {
            running.answers.send(AnswerEvent::Read { run, loaded });
        }
        chunks
    }

    /// All runs, through the receiver, as soon as everything sent before is on disk.
    pub(super) fn list_runs(&mut self) -> ListedRuns {
        let (listed, list) = bounded(1);
        if let Some(running) = &mut self.running {
            running.answers.send(AnswerEvent::ListRuns { listed });
        }
        list
    }

    /// Keeps what the model of the present run said.
    pub(super) fn record(&mut self, post: PostId, index: usize, prediction: Arc<Prediction>) {
        self.sent_predictions += 1;
        if let Some(running) = &mut self.running {
            running.answers.send(AnswerEvent::Predicted {
                post,
                index,
                prediction,
            });
        }
    }

    /// Hands over what found no room in the lanes before.
    pub(super) fn push(&mut self) {
        if let Some(running) = &mut self.running {
            running.actions.push();
            running.answers.push();
        }
    }

    /// How much is not on disk.
    pub(super) fn unsaved(&self) -> Unsaved {
        let left = |sent: u64, saved: &AtomicU64| {
            let left = sent.saturating_sub(saved.load(Ordering::Acquire));
            usize::try_from(left).unwrap_or(usize::MAX)
        };
        Unsaved {
            actions: left(self.sent_actions, &self.status.saved_actions),
            predictions: left(self.sent_predictions, &self.status.saved_predictions),
        }
    }

    /// The number of the last entry on disk.
    pub(super) fn saved_seq(&self) -> u64 {
        self.status.saved_seq.load(Ordering::Acquire)
    }

    /// Why the last commit failed, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        let ended = |running: &Running| running.thread.is_finished();
        self.status.failure().or_else(|| {
            self.running.as_ref().is_some_and(ended).then(|| {
                "The thread that saves has ended unexpectedly. Start the program again; what is counted as unsaved \
                 is lost then."
                    .to_owned()
            })
        })
    }

    /// Tries again after a failed commit.
    pub(super) fn retry(&mut self) {
        if let Some(running) = &self.running
            && self.status.failure().is_some()
        {
            self.status.set_failure(None);
            // A full channel means that the thread has been told already.
            let _ = running.retry.try_send(());
        }
    }

    /// Writes what is left, and waits for it. After a failed commit, this is the last attempt.
    pub(super) fn close(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        drop(running.retry);
        running.actions.finish();
        running.answers.finish();
        if running.thread.join().is_err() {
            let message = "The thread that saves has ended unexpectedly.".to_owned();
            self.status.set_failure(Some(message));
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads the history of another reviewer's session, and that reviewer's name. Changes nothing.
pub(super) fn read_history(
    path: &Path,
    labels: &LabelNames,
) -> Result<(Vec<Entry>, Option<String>), StoreError> {
    let connection = file::open_for_reading(path)?;
    let contents = replay::read(path, &connection, labels)?;
    let name = replay::reviewer(&connection).map_err(|e| StoreError::sqlite(path, e))?;
    Ok((contents.entries, name))
}

/// Reads a session file without changing it, also while a window has it open.
pub(super) fn read_only(path: &Path, dataset: &Dataset) -> Result<(Contents, Said), StoreError> {
    let connection = file::open_for_reading(path)?;
    let contents = replay::read(path, &connection, &dataset.labels)?;
    let mut said = Vec::new();
    if let Some((id, _)) = contents.run {
        let took = predictions::read(&connection, id, &dataset.labels, |chunk| {
            said.extend(chunk);
            true
        });
        took.map_err(|e| StoreError::sqlite(path, e))?;
    }
    Ok((contents, said))
}

/// One name for a file, however it was written, so that two windows meet at the same lock.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, StoreError> {
    if let Ok(whole) = path.canonicalize() {
        return Ok(whole);
    }
    let absolute = std::path::absolute(path).map_err(|e| StoreError::io(path, e))?;
    match (
        absolute.parent().map(Path::canonicalize),
        absolute.file_name(),
    ) {
        (Some(Ok(folder)), Some(name)) => Ok(folder.join(name)),
        _ => Ok(absolute),
    }
}
