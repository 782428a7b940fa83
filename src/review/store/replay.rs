//! Reading a session file: the history from its first row to its last, and where the reviewer was.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    error::StoreError,
    file, gold, predictions,
    predictions::from_json,
    rows::{IdColumn, PathColumn, list_json, now_ms, parse_state},
    schema::{WITH_BATCHES, WITH_GOLD, WITH_SECONDS, WITH_SEEN},
    seconds,
};
use crate::{
    dataset::{Dataset, LabelSource, OpenOptions},
    post::{LabelNames, PostId},
    predict::prediction::RunInfo,
    review::{
        blind::BlindMode,
        decision::{ActionKind, Change, Entry},
        gold::KeptGold,
        second::Kept,
    },
};

/// Everything a session file holds about a dataset.
pub(in crate::review) struct Contents {
    /// The history, oldest first, with entries of posts that the dataset may not have.
    pub(in crate::review) entries: Vec<Entry>,
    /// For posts whose present state names labels that no longer exist: those names.
    pub(in crate::review) gone: HashMap<PostId, Vec<String>>,
    /// The post that was on screen.
    pub(in crate::review) cursor: Option<PostId>,
    /// The choice of what is decided blind.
    pub(in crate::review) blind: BlindMode,
    /// The posts whose answer was seen and the last entry before that, oldest first.
    pub(in crate::review) seen: Vec<(u64, PostId)>,
    /// What other people decided.
    pub(in crate::review) seconds: Vec<Kept>,
    /// The gold posts, if there are some.
    pub(in crate::review) gold: Option<KeptGold>,
    /// The run that was shown, and its row.
    pub(in crate::review) run: Option<(i64, RunInfo)>,
    /// The dataset that the file was last opened with; `None` if it is new.
    dataset_path: Option<PathBuf>,
}

impl Contents {
    /// Refuses a session whose decisions are all about posts of another dataset. A dataset that is still where it was
    /// is always let in, whatever happened to its rows.
    pub(super) fn refuse_other(
        &self,
        path: &Path,
        dataset: &Dataset,
        known: &dyn Fn(PostId) -> bool,
    ) -> Result<(), StoreError> {
        let Some(was) = self
            .dataset_path
            .as_ref()
            .filter(|was| **was != dataset.path)
        else {
            return Ok(());
        };
        let decided: HashSet<PostId> = self.entries.iter().map(|entry| entry.post).collect();
        if decided.is_empty() || decided.iter().any(|post| known(*post)) {
            return Ok(());
        }
        Err(StoreError::OtherDataset {
            path: path.to_owned(),
            dataset: was.clone(),
            decided: decided.len(),
        })
    }
}

/// Reads all of it.
pub(super) fn read(
    path: &Path,
    connection: &Connection,
    labels: &LabelNames,
) -> Result<Contents, StoreError> {
    let damaged = |detail| StoreError::Damaged {
        path: path.to_owned(),
        detail,
    };
    let fault: Option<String> = connection
        .query_row("PRAGMA quick_check(decisions)", [], |row| row.get(0))
        .map(|word: String| (word != "ok").then_some(word))
        .map_err(|e| StoreError::sqlite(path, e))?;
    if let Some(detail) = fault {
        return Err(damaged(detail));
    }
    read_rows(connection, labels).map_err(|error| match error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            damaged(error.to_string())
        }
        error => StoreError::sqlite(path, error),
    })
}

fn read_rows(connection: &Connection, labels: &LabelNames) -> rusqlite::Result<Contents> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut gone = HashMap::new();
    let mut people = People::default();
    // A reader cannot bring an older file up to date.
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let batch = if version >= WITH_BATCHES {
        "batch"
    } else {
        "NULL"
    };
    let mut statement = connection.prepare(&format!(
        "SELECT seq, post_id, action, before, after, refers_to, at_ms, {batch}, reviewer FROM decisions ORDER BY seq"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (mut entry, names) = entry_of(row, labels)?;
        entry.reviewer = people.named(row.get_ref(8)?.as_str_or_null().map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, Box::new(e))
        })?);
        people.attribute(&mut entry, &entries);
        if names.is_empty() {
            gone.remove(&entry.post);
        } else {
            gone.insert(entry.post, names);
        }
        entries.push(entry);
    }
    let cursor = connection
        .query_row("SELECT value FROM state WHERE key = 'cursor'", [], |row| {
            row.get(0)
        })
        .optional()?
        .map(|IdColumn(post)| post);
    let blind: Option<String> = connection
        .query_row(
            "SELECT value FROM state WHERE key = 'blind_mode'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    let dataset_path = connection
        .query_row("SELECT dataset_path FROM session", [], |row| row.get(0))
        .optional()?
        .map(|PathColumn(path)| path.into_owned());
    let run = predictions::present_run(connection)?;
    let seconds = if version >= WITH_SECONDS {
        seconds::read(connection, labels)?
    } else {
        Vec::new()
    };
    let seen = if version >= WITH_SEEN {
        let mut statement = connection.prepare("SELECT seq, post_id FROM seen ORDER BY seq")?;
        let row = |row: &Row<'_>| {
            let IdColumn(post) = row.get(1)?;
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), post))
        };
        statement
            .query_map([], row)?
            .collect::<rusqlite::Result<_>>()?
    } else {
        Vec::new()
    };
    let gold = if version >= WITH_GOLD {
        gold::read(connection, labels)?
    } else {
        None
    };
    Ok(Contents {
        entries,
        gone,
        cursor,
        // A choice that cannot be read is made anew.
        blind: blind
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default(),
        seen,
        seconds,
        gold,
        run,
        dataset_path,
    })
}

fn entry_of(row: &Row<'_>, labels: &LabelNames) -> rusqlite::Result<(Entry, Vec<String>)> {
    let state = |column| -> rusqlite::Result<_> {
        let json = row.get_ref(column)?.as_str()?;
        parse_state(json, labels).map_err(|e| from_json(column, e))
    };
    let (before, _) = state(3)?;
    let (after, gone) = state(4)?;
    let word = row.get_ref(2)?.as_str()?;
    let change = change_of(word, row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned))
        .ok_or_else(|| {
            let kind = rusqlite::types::Type::Text;
            rusqlite::Error::FromSqlConversionFailure(2, kind, format!("action “{word}”").into())
        })?;
    let IdColumn(post) = row.get(1)?;
    let entry = Entry {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        post,
        change,
        before,
        after,
        at_ms: row.get(6)?,
        batch: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
        reviewer: None,
    };
    Ok((entry, gone))
}

/// Finds out who made each decision. A row tells who wrote it; a decision that came back by undoing is still that of
/// whoever made it.
#[derive(Default)]
struct People {
    names: HashMap<String, Arc<str>>,
    /// Where each post's last entry is.
    last: HashMap<PostId, usize>,
}

impl People {
    /// One copy of each name.
    fn named(&mut self, name: Option<&str>) -> Option<Arc<str>> {
        let name = name?;
        if !self.names.contains_key(name) {
            self.names.insert(name.to_owned(), name.into());
        }
        self.names.get(name).cloned()
    }

    /// Completes an entry that follows on others.
    fn attribute(&mut self, entry: &mut Entry, earlier: &[Entry]) {
        let of_number = |seq: u64| {
            let place = earlier.binary_search_by_key(&seq, |entry| entry.seq);
            place.ok().and_then(|place| earlier.get(place))
        };
        let last = self.last.insert(entry.post, earlier.len());
        let last = last.and_then(|place| earlier.get(place));
        entry.before.by = last.and_then(|last| last.after.by.clone());
        entry.after.by = match entry.change {
            Change::Do(_) => {
                let after = std::mem::take(&mut entry.after);
                entry.after = after.decided_by(&entry.before, entry.reviewer.as_ref());
                return;
            }
            Change::Undo(seq) => of_number(seq).and_then(|entry| entry.before.by.clone()),
            Change::Redo(seq) => of_number(seq).and_then(|entry| entry.after.by.clone()),
        };
    }
}

/// Who decided most in a session.
pub(in crate::review) fn reviewer(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let most = "SELECT reviewer FROM decisions WHERE reviewer IS NOT NULL GROUP BY reviewer ORDER BY count(*) DESC LIMIT 1";
    connection.query_row(most, [], |row| row.get(0)).optional()
}

/// The word for what an entry is, and the entry it refers to.
pub(super) fn change_word(change: Change) -> (&'static str, Option<u64>) {
    match change {
        Change::Do(ActionKind::Draft) => ("draft", None),
        Change::Do(ActionKind::Confirm) => ("confirm", None),
        Change::Do(ActionKind::Skip) => ("skip", None),
        Change::Do(ActionKind::Escalate) => ("escalate", None),
        Change::Do(ActionKind::Flag) => ("flag", None),
        Change::Do(ActionKind::Note) => ("note", None),
        Change::Do(ActionKind::Clear) => ("clear", None),
        Change::Do(ActionKind::Reveal) => ("reveal", None),
        Change::Do(ActionKind::Settle) => ("settle", None),
        Change::Undo(seq) => ("undo", Some(seq)),
        Change::Redo(seq) => ("redo", Some(seq)),
    }
}

fn change_of(word: &str, refers_to: Option<u64>) -> Option<Change> {
    Some(match (word, refers_to) {
        ("draft", None) => Change::Do(ActionKind::Draft),
        ("confirm", None) => Change::Do(ActionKind::Confirm),
        ("skip", None) => Change::Do(ActionKind::Skip),
        ("escalate", None) => Change::Do(ActionKind::Escalate),
        ("flag", None) => Change::Do(ActionKind::Flag),
        ("note", None) => Change::Do(ActionKind::Note),
        ("clear", None) => Change::Do(ActionKind::Clear),
        ("reveal", None) => Change::Do(ActionKind::Reveal),
        ("settle", None) => Change::Do(ActionKind::Settle),
        ("undo", Some(seq)) => Change::Undo(seq),
        ("redo", Some(seq)) => Change::Redo(seq),
        _ => return None,
    })
}

/// Notes which dataset is under review, where it lies now and how it was opened.
pub(super) fn remember_dataset(
    connection: &Connection,
    dataset: &Dataset,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO session (id, dataset_path, dataset_name, image_root, labels, label_source, created_at_ms, \
         opened_at_ms, version) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) \
         ON CONFLICT (id) DO UPDATE SET dataset_path = excluded.dataset_path, \
         dataset_name = excluded.dataset_name, image_root = excluded.image_root, labels = excluded.labels, \
         label_source = excluded.label_source, opened_at_ms = excluded.opened_at_ms, version = excluded.version",
        params![
            PathColumn((&*dataset.path).into()),
            dataset.name,
            PathColumn((&*dataset.image_root).into()),
            list_json(dataset.labels.iter()),
            source_word(dataset.label_source),
            now_ms(),
            crate::VERSION,
        ],
    )
}

fn source_word(source: LabelSource) -> &'static str {
    match source {
        LabelSource::Given => "given",
        LabelSource::ClassNames => "class_names",
        LabelSource::Header => "header",
        LabelSource::Model => "model",
        LabelSource::Seen => "seen",
        LabelSource::Binary => "binary",
    }
}

/// Which dataset a session is about, and how to open it as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatasetRef {
    /// The file or folder.
    pub path: PathBuf,
    /// What relative image paths start from.
    pub image_root: PathBuf,
    /// The label set in class order.
    pub labels: Vec<String>,
    /// Whether the user or the model named the labels, so that the dataset alone does not tell them.
    pub labels_given: bool,
}

impl DatasetRef {
    /// The options that open the dataset as it was.
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            labels: self.labels_given.then(|| self.labels.clone()),
            image_root: Some(self.image_root.clone()),
            model_labels: None,
        }
    }
}

/// Reads from a session file which dataset it is about. Changes nothing; works while a window has it open.
pub fn dataset_of(path: &Path) -> Result<DatasetRef, StoreError> {
    let connection = file::open_for_reading(path)?;
    let row = connection
        .query_row(
            "SELECT dataset_path, image_root, labels, label_source FROM session",
            [],
            |row| {
                let PathColumn(dataset) = row.get(0)?;
                let PathColumn(image_root) = row.get(1)?;
                let labels = serde_json::from_str(row.get_ref(2)?.as_str()?);
                let source: String = row.get(3)?;
                Ok(DatasetRef {
                    path: dataset.into_owned(),
                    image_root: image_root.into_owned(),
                    labels: labels.map_err(|e| from_json(2, e))?,
                    labels_given: source == "given" || source == "model",
                })
            },
        )
        .optional();
    match row {
        Ok(Some(dataset)) => Ok(dataset),
        Ok(None) => Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "it does not say which dataset it is about".into(),
        }),
        Err(e) => Err(StoreError::sqlite(path, e)),
    }
}
