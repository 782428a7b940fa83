//! The thread that writes.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use crossbeam_channel::{Receiver, Sender, select};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{
    Status, Wake,
    error::StoreError,
    file::{self, FileIdentity, WriteLock},
    gold,
    predictions::{self, RunRecord},
    replay::change_word,
    rows::{IdColumn, state_json},
    seconds,
};
use crate::{
    post::{LabelNames, PostId},
    predict::prediction::{Prediction, RunInfo},
    review::{blind::BlindMode, decision::Entry, gold::KeptGold, second::Kept},
};

/// How many predictions share a commit at most: few enough that a decision never waits long.
const BATCH: usize = 500;

/// What the reviewer did.
pub(super) enum ActionEvent {
    /// Entries of the history that are one step of it.
    Append(Vec<Arc<Entry>>),
    /// The post on screen is another one.
    Cursor(PostId),
    /// The model's answer to a post was seen, behind this entry of the history.
    Seen { post: PostId, seq: u64 },
    /// Other posts are decided blind.
    BlindMode(BlindMode),
    /// A second reviewer is kept.
    KeepSecond(Kept),
    /// The second reviewer who was read from this file is called something else.
    RenameSecond { file: Arc<Path>, name: Arc<str> },
    /// The second reviewer who was read from this file is taken away.
    ForgetSecond(Arc<Path>),
    /// Other gold posts are mixed in, or none.
    Gold(Option<KeptGold>),
}

/// What the model said, in order: a run begins, then come its predictions.
pub(super) enum AnswerEvent {
    /// A run begins or goes on; what it said before is wanted.
    BeginRun {
        run: RunInfo,
        loaded: Sender<Result<Vec<(PostId, Prediction)>, StoreError>>,
    },
    /// What a run said is wanted, to compare with; it stays as it is.
    Read {
        run: RunInfo,
        loaded: Sender<Result<Vec<(PostId, Prediction)>, StoreError>>,
    },
    /// A list of the runs is wanted.
    ListRuns {
        listed: Sender<Result<Vec<RunRecord>, StoreError>>,
    },
    /// The present run answered.
    Predicted {
        post: PostId,
        index: usize,
        prediction: Arc<Prediction>,
    },
}

/// The three lanes that the thread listens to.
pub(super) type Lanes = (Receiver<ActionEvent>, Receiver<AnswerEvent>, Receiver<()>);

pub(super) struct Writer {
    path: PathBuf,
    labels: LabelNames,
    /// Closed after a failure, opened again for the next attempt.
    connection: Option<Connection>,
    /// Which file that is, whatever its name.
    identity: Option<FileIdentity>,
    /// The run that predictions belong to.
    run_id: Option<i64>,
    action_events: Receiver<ActionEvent>,
    answer_events: Receiver<AnswerEvent>,
    retries: Receiver<()>,
    /// Taken from the lanes and not yet committed.
    actions: VecDeque<ActionEvent>,
    answers: VecDeque<AnswerEvent>,
    status: Arc<Status>,
    wake: Wake,
    /// Dropped after the connection: nobody else may write before the last checkpoint is done.
    lock: WriteLock,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        labels: LabelNames,
        (lock, connection): (WriteLock, Connection),
        run_id: Option<i64>,
        (action_events, answer_events, retries): Lanes,
        status: Arc<Status>,
        wake: Wake,
    ) -> Self {
        Self {
            identity: file::identity(&path),
            path,
            labels,
            connection: Some(connection),
            run_id,
            action_events,
            answer_events,
            retries,
            actions: VecDeque::new(),
            answers: VecDeque::new(),
            status,
            wake,
            lock,
        }
    }

    /// Writes what comes until the lanes end.
    pub(super) fn run(mut self) {
        while self.receive() {
            if !self.save() {
                return;
            }
        }
    }

    /// Waits for an event; false when there will be none.
    fn receive(&mut self) -> bool {
        // The lanes end one after the other, so the end of one is not the end.
        select! {
            recv(self.action_events) -> event => match event {
                Ok(event) => self.actions.push_back(event),
                Err(_) => match self.answer_events.recv() {
                    Ok(event) => self.answers.push_back(event),
                    Err(_) => return false,
                },
            },
            recv(self.answer_events) -> event => match event {
                Ok(event) => self.answers.push_back(event),
                Err(_) => match self.action_events.recv() {
                    Ok(event) => self.actions.push_back(event),
                    Err(_) => return false,
                },
            },
        }
        true
    }

    /// Commits all that is there; false when it cannot be done and nobody will ask again.
    fn save(&mut self) -> bool {
        let mut closing = false;
        loop {
            self.actions.extend(self.action_events.try_iter());
            let room = BATCH.saturating_sub(self.answers.len());
            self.answers
                .extend(self.answer_events.try_iter().take(room));
            if self.actions.is_empty() && self.answers.is_empty() {
                return true;
            }
            let Err(error) = self.commit() else {
                self.status.set_failure(None);
                (self.wake)();
                continue;
            };
            // What the failed transaction left behind is only known after opening the file again.
            self.connection = None;
            self.status.set_failure(Some(error.to_string()));
            (self.wake)();
            if closing {
                return false;
            }
            closing = self.retries.recv().is_err();
        }
    }

    /// Commits all actions, or, if there is none, a batch of answers.
    fn commit(&mut self) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        // SQLite would go on writing to a file that nobody will find again. The log stays where it was, and would be
        // taken for that of whatever file comes to lie there: it is emptied into the file it belongs to.
        if self.identity != file::identity(&self.path) {
            checkpoint(&connection).map_err(|e| StoreError::sqlite(&self.path, e))?;
            return Err(StoreError::Moved(self.path.clone()));
        }
        if self.actions.is_empty() {
            self.commit_answers(&mut connection)
                .map_err(|e| StoreError::sqlite(&self.path, e))?;
        } else {
            self.commit_actions(&mut connection)?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Opens the file again after a failure, and moves what its log holds into it with a sync.
    ///
    /// A commit whose sync failed may be readable and yet not on the disk: the system forgets what it could not write.
    /// The checkpoint writes it once more, so that rows found there may be taken for saved.
    fn reopen(&mut self) -> Result<Connection, StoreError> {
        self.identity = file::identity(&self.path);
        if self.identity.is_none() {
            return Err(StoreError::Moved(self.path.clone()));
        }
        self.lock.hold(&self.path);
        let connection = file::connect(&self.path)?;
        let check = || -> rusqlite::Result<(bool, i64)> {
            let busy = checkpoint(&connection)?;
            let last = "SELECT coalesce(max(seq), 0) FROM decisions";
            Ok((busy, connection.query_row(last, [], |row| row.get(0))?))
        };
        let (busy, last_seq) = check().map_err(|e| StoreError::sqlite(&self.path, e))?;
        if busy {
            return Err(StoreError::InUse(self.path.clone()));
        }
        if last_seq.cast_unsigned() < self.status.saved_seq.load(Ordering::Acquire) {
            return Err(StoreError::Moved(self.path.clone()));
        }
        Ok(connection)
    }

    fn commit_actions(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let transaction = begin(connection).map_err(|e| StoreError::sqlite(&self.path, e))?;
        let (saved, last_seq) = self.write_actions(&transaction)?;
        transaction
            .commit()
            .map_err(|e| StoreError::sqlite(&self.path, e))?;
        self.actions.clear();
        if let Some(seq) = last_seq {
            self.status.saved_seq.store(seq, Ordering::Release);
        }
        self.status.saved_actions.fetch_add(saved, Ordering::AcqRel);
        Ok(())
    }

    /// Writes all actions: how many count, and the number of the last entry.
    fn write_actions(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<(u64, Option<u64>), StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, e);
        let mut saved = 0;
        let mut last_seq = None;
        let (mut cursor, mut blind_mode) = (None, None);
        for event in &self.actions {
            match event {
                ActionEvent::Append(entries) => {
                    for entry in entries {
                        if !self.append(transaction, entry).map_err(failed)? {
                            return Err(StoreError::Clash(self.path.clone()));
                        }
                        last_seq = Some(entry.seq);
                        saved += 1;
                    }
                }
                ActionEvent::Cursor(post) => cursor = Some(*post),
                ActionEvent::Seen { post, seq } => {
                    note_seen(transaction, *post, *seq).map_err(failed)?;
                }
                ActionEvent::BlindMode(mode) => blind_mode = Some(*mode),
                ActionEvent::KeepSecond(kept) => {
                    seconds::write(transaction, kept, &self.labels).map_err(failed)?;
                    saved += 1;
                }
                ActionEvent::RenameSecond { file, name } => {
                    seconds::rename(transaction, file, name).map_err(failed)?;
                    saved += 1;
                }
                ActionEvent::ForgetSecond(file) => {
                    seconds::remove(transaction, file).map_err(failed)?;
                    saved += 1;
                }
                ActionEvent::Gold(kept) => {
                    gold::write(transaction, kept.as_ref(), &self.labels).map_err(failed)?;
                    saved += 1;
                }
            }
        }
        if let Some(post) = cursor {
            set_state(transaction, "cursor", IdColumn(post)).map_err(failed)?;
        }
        if let Some(mode) = blind_mode {
            // Numbers and booleans cannot fail to become JSON.
            let json = serde_json::to_string(&mode).unwrap_or_default();
            set_state(transaction, "blind_mode", json).map_err(failed)?;
        }
        Ok((saved, last_seq))
    }

    /// Appends an entry. Its row may be there already, from an attempt that looked failed; false if another row is.
    fn append(&self, transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<bool> {
        let (action, refers_to) = change_word(entry.change);
        let after = state_json(&entry.after, &self.labels);
        let seq = entry.seq.cast_signed();
        let appended = transaction
            .prepare_cached(
                "INSERT INTO decisions (seq, post_id, action, before, after, refers_to, reviewer, at_ms, batch) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (seq) DO NOTHING",
            )?
            .execute(params![
                seq,
                IdColumn(entry.post),
                action,
                state_json(&entry.before, &self.labels),
                after,
                refers_to.map(u64::cast_signed),
                entry.reviewer,
                entry.at_ms,
                entry.batch.map(u64::cast_signed),
            ])?;
        if appended == 1 {
            return Ok(true);
        }
        transaction
            .prepare_cached(
                "SELECT 1 FROM decisions WHERE seq = ?1 AND post_id = ?2 AND after = ?3 AND at_ms = ?4",
            )?
            .exists(params![seq, IdColumn(entry.post), after, entry.at_ms])
    }

    fn commit_answers(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = begin(connection)?;
        let mut run_id = self.run_id;
        let mut saved = 0;
        let mut wanted = Vec::new();
        let mut lists = Vec::new();
        for event in &self.answers {
            match event {
                AnswerEvent::BeginRun { run, loaded } => {
                    let id = predictions::run_id(&transaction, run)?;
                    set_state(&transaction, "run", id)?;
                    run_id = Some(id);
                    wanted.push((id, loaded.clone()));
                }
                AnswerEvent::Read { run, loaded } => {
                    let id = predictions::run_id(&transaction, run)?;
                    wanted.push((id, loaded.clone()));
                }
                AnswerEvent::ListRuns { listed } => lists.push(listed.clone()),
                AnswerEvent::Predicted {
                    post,
                    index,
                    prediction,
                } => {
                    if let Some(id) = run_id {
                        let labels = &self.labels;
                        predictions::write(&transaction, id, *post, *index, prediction, labels)?;
                    }
                    saved += 1;
                }
            }
        }
        transaction.commit()?;
        self.answers.clear();
        self.run_id = run_id;
        self.status
            .saved_predictions
            .fetch_add(saved, Ordering::AcqRel);
        for (id, loaded) in wanted {
            let labels = self.labels.clone();
            predictions::load_in_background(&self.path, id, labels, loaded, self.wake.clone());
        }
        for listed in lists {
            predictions::list_in_background(&self.path, listed, self.wake.clone());
        }
        Ok(())
    }
}

/// Moves what the log holds into the file, with a sync, and empties the log; true if a reader was in the way.
fn checkpoint(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn note_seen(transaction: &Transaction<'_>, post: PostId, seq: u64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO seen (post_id, seq) VALUES (?1, ?2) ON CONFLICT (post_id) DO UPDATE SET seq = excluded.seq",
        )?
        .execute(params![IdColumn(post), seq.cast_signed()])?;
    Ok(())
}

pub(super) fn set_state(
    transaction: &Transaction<'_>,
    key: &str,
    value: impl rusqlite::ToSql,
) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "INSERT INTO state (key, value) VALUES (?1, ?2) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![key, value])
}
