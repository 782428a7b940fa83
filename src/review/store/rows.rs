//! How records look in rows: labels by name, states as JSON, ids as 16 bytes.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef},
};
use serde::{Deserialize, Serialize};

use crate::{
    post::{LabelNames, LabelSet, PostId},
    predict::{answer::Parse, prediction::Score},
    review::decision::{Outcome, Review},
};

/// Milliseconds since 1970 in UTC.
pub(in crate::review) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A post's id as its column has it.
pub(super) struct IdColumn(pub PostId);

impl ToSql for IdColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Blob(
            self.0.0.to_be_bytes().to_vec(),
        )))
    }
}

impl FromSql for IdColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes =
            <[u8; 16]>::try_from(value.as_blob()?).map_err(|e| FromSqlError::Other(Box::new(e)))?;
        Ok(Self(PostId(u128::from_be_bytes(bytes))))
    }
}

/// A path as its column has it: text, or the raw bytes where it is not UTF-8.
pub(super) struct PathColumn<'a>(pub Cow<'a, Path>);

impl ToSql for PathColumn<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0.to_str() {
            Some(text) => text.into(),
            None => ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_os_str().as_encoded_bytes())),
        })
    }
}

impl FromSql for PathColumn<'_> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let path = match value {
            ValueRef::Blob(bytes) => path_of_bytes(bytes),
            text => text.as_str()?.into(),
        };
        Ok(Self(Cow::Owned(path)))
    }
}

#[cfg(unix)]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The state of a post as `before` and `after` have it.
#[derive(Serialize, Deserialize)]
struct StateColumn<'a> {
    decision: Option<Vec<Cow<'a, str>>>,
    draft: Option<Vec<Cow<'a, str>>>,
    outcome: Option<Outcome>,
    flagged: bool,
    note: Cow<'a, str>,
    assisted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blind: Option<Vec<Cow<'a, str>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alone: Option<Vec<Cow<'a, str>>>,
}

/// The JSON of a post's state.
pub(super) fn state_json(review: &Review, labels: &LabelNames) -> String {
    let names = |set: LabelSet| labels.names_of(set).into_iter().map(Cow::from).collect();
    let state = StateColumn {
        decision: review.decision.map(names),
        draft: review.draft.map(names),
        outcome: review.outcome,
        flagged: review.flagged,
        note: Cow::from(&review.note),
        assisted: review.assisted,
        blind: review.blind.map(names),
        alone: review.alone.map(names),
    };
    // Strings, booleans and options cannot fail to become JSON.
    serde_json::to_string(&state).unwrap_or_default()
}

/// Reads a post's state, and the label names in it that do not exist (any more).
///
/// A decision that names such a label comes back as a draft of what is left of it: what was confirmed is not what
/// could be shown, and an emptied set would read as “no labels”. The row itself stays as it is.
pub(super) fn parse_state(
    json: &str,
    labels: &LabelNames,
) -> Result<(Review, Vec<String>), serde_json::Error> {
    let state: StateColumn<'_> = serde_json::from_str(json)?;
    let mut gone = Vec::new();
    let mut resolve = |names: Vec<Cow<'_, str>>| {
        let (set, unknown) = labels.resolve(names.iter().map(|n| &**n));
        let whole = unknown.is_empty();
        gone.extend(unknown);
        (set, whole)
    };
    let draft = state.draft.map(&mut resolve).map(|(set, _)| set);
    let blind = state.blind.map(&mut resolve);
    let alone = state.alone.map(&mut resolve);
    let mut review = Review {
        decision: None,
        draft,
        outcome: state.outcome,
        flagged: state.flagged,
        note: state.note.into_owned(),
        assisted: state.assisted,
        blind: blind.and_then(|(set, whole)| whole.then_some(set)),
        alone: alone.and_then(|(set, whole)| whole.then_some(set)),
        // The rows before this one tell.
        by: None,
    };
    match state.decision.map(resolve) {
        Some((set, true)) => {
            review.decision = Some(set);
            // Files of before blind mode say it by `assisted` alone.
            review.blind = review.blind.or((!state.assisted).then_some(set));
        }
        Some((set, false)) => {
            review.draft = draft.or(Some(set));
            review.outcome = None;
            review.assisted = false;
            review.blind = None;
            review.alone = None;
        }
        None => {}
    }
    Ok((review, gone))
}

/// A set's names as a JSON list.
pub(super) fn names_json(set: LabelSet, labels: &LabelNames) -> String {
    labels.json_list(set)
}

/// Any names as a JSON list.
pub(super) fn list_json<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<serde_json::Value> = names.into_iter().map(|n| n.as_ref().into()).collect();
    serde_json::Value::from(names).to_string()
}

/// The probabilities by label name.
pub(super) fn scores_json(scores: &[Score], labels: &LabelNames) -> String {
    let by_name: BTreeMap<&str, Score> = labels.iter().zip(scores.iter().copied()).collect();
    serde_json::to_string(&by_name).unwrap_or_default()
}

/// The probabilities in class order; `None` if one of the labels has none.
pub(super) fn parse_scores(
    json: &str,
    labels: &LabelNames,
) -> Result<Option<Vec<Score>>, serde_json::Error> {
    let by_name: BTreeMap<String, Score> = serde_json::from_str(json)?;
    Ok(labels
        .iter()
        .map(|name| by_name.get(name).copied())
        .collect())
}

/// The word for a parse status.
pub(super) fn parse_word(parse: Parse) -> &'static str {
    match parse {
        Parse::Clean => "clean",
        Parse::Salvaged => "salvaged",
        Parse::Failed => "failed",
    }
}

/// The parse status of a word; an unknown word is no readable answer.
pub(super) fn parse_of_word(word: &str) -> Parse {
    match word {
        "clean" => Parse::Clean,
        "salvaged" => Parse::Salvaged,
        _ => Parse::Failed,
    }
}
