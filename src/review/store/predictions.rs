//! Runs and predictions: the rows of what models said.

use std::path::Path;

use crossbeam_channel::Sender;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Wake,
    error::StoreError,
    file,
    rows::{
        IdColumn, list_json, names_json, now_ms, parse_of_word, parse_scores, parse_word,
        scores_json,
    },
};
use crate::{
    post::{LabelNames, PostId},
    predict::prediction::{Prediction, RunInfo, Seconds},
};

/// How many predictions are handed over together.
const CHUNK: usize = 2_000;

/// The id of a run's row, which is made if it is not there.
pub(super) fn run_id(connection: &Connection, run: &RunInfo) -> rusqlite::Result<i64> {
    // Strings and options cannot fail to become JSON.
    let info = serde_json::to_string(run).unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO runs (info, started_at_ms) VALUES (?1, ?2) ON CONFLICT (info) DO NOTHING",
        )?
        .execute(params![info, now_ms()])?;
    connection
        .prepare_cached("SELECT id FROM runs WHERE info = ?1")?
        .query_row([info], |row| row.get(0))
}

/// The run whose predictions are shown; `None` if none was begun, or its description is of another version.
pub(super) fn present_run(connection: &Connection) -> rusqlite::Result<Option<(i64, RunInfo)>> {
    let row: Option<(i64, String)> = connection
        .query_row(
            "SELECT runs.id, runs.info FROM state JOIN runs ON runs.id = state.value WHERE state.key = 'run'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(row.and_then(|(id, info)| Some((id, serde_json::from_str(&info).ok()?))))
}

/// A run and how much it has said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunRecord {
    /// Model, adapter, prompt and settings.
    pub info: RunInfo,
    /// When it was begun, in milliseconds since 1970 (UTC).
    pub started_at_ms: i64,
    /// How many posts it was asked about, failures included.
    pub predicted: usize,
    /// Answers that could not be parsed.
    pub unread: usize,
    /// Posts that it could not answer at all.
    pub failed: usize,
}

/// All runs, the latest first. A run whose description is of another version is left out.
fn runs(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut statement = connection.prepare(
        "SELECT runs.info, runs.started_at_ms, count(predictions.post_id), \
         count(CASE WHEN predictions.parse = 'failed' AND predictions.error IS NULL THEN 1 END), \
         count(predictions.error) \
         FROM runs LEFT JOIN predictions ON predictions.run_id = runs.id \
         GROUP BY runs.id ORDER BY runs.started_at_ms DESC, runs.id DESC",
    )?;
    let rows = statement.query_map([], |row| {
        let count = |column| row.get::<_, i64>(column).map(|n| n.try_into().unwrap_or(0));
        let info = serde_json::from_str(row.get_ref(0)?.as_str()?).ok();
        let record = |info| -> rusqlite::Result<RunRecord> {
            Ok(RunRecord {
                info,
                started_at_ms: row.get(1)?,
                predicted: count(2)?,
                unread: count(3)?,
                failed: count(4)?,
            })
        };
        info.map(record).transpose()
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Writes one prediction.
pub(super) fn write(
    connection: &Connection,
    run_id: i64,
    post: PostId,
    index: usize,
    prediction: &Prediction,
    labels: &LabelNames,
) -> rusqlite::Result<()> {
    let scores = prediction.scores.as_deref();
    let secs = prediction.seconds;
    connection
        .prepare_cached(
            "INSERT INTO predictions (run_id, post_id, post_index, labels, raw, parse, unknown_labels, scores, \
             answer_logprob, margin, n_tokens, image_secs, vision_secs, prefill_secs, decode_secs, error, at_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
             ON CONFLICT (run_id, post_id) DO UPDATE SET \
             post_index = excluded.post_index, labels = excluded.labels, raw = excluded.raw, parse = excluded.parse, \
             unknown_labels = excluded.unknown_labels, scores = excluded.scores, \
             answer_logprob = excluded.answer_logprob, margin = excluded.margin, n_tokens = excluded.n_tokens, \
             image_secs = excluded.image_secs, vision_secs = excluded.vision_secs, \
             prefill_secs = excluded.prefill_secs, decode_secs = excluded.decode_secs, \
             error = excluded.error, at_ms = excluded.at_ms",
        )?
        .execute(params![
            run_id,
            IdColumn(post),
            index as i64,
            names_json(prediction.labels, labels),
            prediction.raw,
            parse_word(prediction.parse),
            list_json(&prediction.unknown_labels),
            scores.map(|scores| scores_json(scores, labels)),
            prediction.answer_logprob,
            prediction.margin,
            prediction.n_tokens as i64,
            secs.image,
            secs.vision,
            secs.prefill,
            secs.decode,
            prediction.error,
            now_ms(),
        ])?;
    Ok(())
}

/// Reads what a run said, in pieces of [`CHUNK`]; ends early when `give` says so.
///
/// The plus keeps SQLite from the index: a scan of the whole table is faster than 150,000 jumps into it.
pub(super) fn read(
    connection: &Connection,
    run_id: i64,
    labels: &LabelNames,
    mut give: impl FnMut(Vec<(PostId, Prediction)>) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT post_id, labels, raw, parse, unknown_labels, scores, answer_logprob, margin, n_tokens, \
         image_secs, vision_secs, prefill_secs, decode_secs, error FROM predictions WHERE +run_id = ?1",
    )?;
    let mut rows = statement.query([run_id])?;
    let mut chunk = Vec::new();
    while let Some(row) = rows.next()? {
        chunk.push(prediction_of(row, labels)?);
        if chunk.len() == CHUNK && !give(std::mem::take(&mut chunk)) {
            return Ok(());
        }
    }
    give(chunk);
    Ok(())
}

fn prediction_of(row: &Row<'_>, labels: &LabelNames) -> rusqlite::Result<(PostId, Prediction)> {
    let names = |column| -> rusqlite::Result<Vec<String>> {
        serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|e| from_json(column, e))
    };
    let named = names(1)?;
    let (set, gone) = labels.resolve(named.iter().map(String::as_str));
    let mut unknown_labels = names(4)?;
    unknown_labels.extend(gone);
    let scores = match row.get_ref(5)?.as_str_or_null()? {
        Some(json) => parse_scores(json, labels).map_err(|e| from_json(5, e))?,
        None => None,
    };
    let prediction = Prediction {
        labels: set,
        raw: row.get(2)?,
        parse: parse_of_word(row.get_ref(3)?.as_str()?),
        unknown_labels,
        scores,
        answer_logprob: row.get(6)?,
        margin: row.get(7)?,
        n_tokens: row.get::<_, i64>(8)?.try_into().unwrap_or(0),
        seconds: Seconds {
            image: row.get(9)?,
            vision: row.get(10)?,
            prefill: row.get(11)?,
            decode: row.get(12)?,
        },
        error: row.get(13)?,
    };
    let IdColumn(post) = row.get(0)?;
    Ok((post, prediction))
}

pub(super) fn from_json(column: usize, error: serde_json::Error) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

/// Reads a run's predictions on a thread of its own, with a connection of its own, so that saving goes on meanwhile.
pub(super) fn load_in_background(
    path: &Path,
    run_id: i64,
    labels: LabelNames,
    loaded: Sender<Result<Vec<(PostId, Prediction)>, StoreError>>,
    wake: Wake,
) {
    in_background(path, loaded, wake, move |connection, give| {
        read(connection, run_id, &labels, |chunk| give(Ok(chunk)))
    });
}

/// Counts what every run has said, in the same way.
pub(super) fn list_in_background(
    path: &Path,
    listed: Sender<Result<Vec<RunRecord>, StoreError>>,
    wake: Wake,
) {
    in_background(path, listed, wake, |connection, give| {
        give(Ok(runs(connection)?));
        Ok(())
    });
}

/// Takes what was read; false when nobody wants more.
type Give<'a, T> = &'a mut dyn FnMut(Result<T, StoreError>) -> bool;

fn in_background<T: Send + 'static>(
    path: &Path,
    found: Sender<Result<T, StoreError>>,
    wake: Wake,
    read: impl FnOnce(&Connection, Give<'_, T>) -> rusqlite::Result<()> + Send + 'static,
) {
    let path = path.to_owned();
    let (unstarted, woken) = (found.clone(), wake.clone());
    let started = {
        let path = path.clone();
        std::thread::Builder::new()
            .name("overrule-load".into())
            .spawn(move || {
                let mut give = |piece| {
                    let wanted = found.send(piece).is_ok();
                    wake();
                    wanted
                };
                let done = file::open_for_reading(&path).and_then(|connection| {
                    read(&connection, &mut give).map_err(|e| StoreError::sqlite(&path, e))
                });
                if let Err(error) = done {
                    give(Err(error));
                }
                drop(found);
                wake();
            })
    };
    if let Err(error) = started {
        // Nobody may be waiting any more.
        let _ = unstarted.try_send(Err(StoreError::io(&path, error)));
        woken();
    }
}
