//! Gold posts in the session file.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    rows::{IdColumn, names_json},
    seconds::set_of_json,
    writer::set_state,
};
use crate::{
    post::LabelNames,
    review::gold::{GoldPost, KeptGold},
};

/// What is noted about them: a row of `state`.
const NOTE: &str = "gold";

/// Reads them, if there are some. One whose labels do not all exist any more is left out.
pub(super) fn read(
    connection: &Connection,
    labels: &LabelNames,
) -> rusqlite::Result<Option<KeptGold>> {
    let note: Option<String> = connection
        .query_row("SELECT value FROM state WHERE key = ?1", [NOTE], |row| {
            row.get(0)
        })
        .optional()?;
    // A note that cannot be read leaves nothing to count from.
    let Some(note) = note.and_then(|json| serde_json::from_str(&json).ok()) else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare("SELECT post_id, labels, before_id FROM gold ORDER BY place")?;
    let mut rows = statement.query([])?;
    let mut posts = Vec::new();
    while let Some(row) = rows.next()? {
        let IdColumn(post) = row.get(0)?;
        let before: Option<IdColumn> = row.get(2)?;
        let set = set_of_json(row.get_ref(1)?.as_str()?, labels)?;
        posts.extend(set.map(|labels| GoldPost {
            post,
            labels,
            before: before.map(|IdColumn(post)| post),
        }));
    }
    Ok(Some(KeptGold {
        note,
        posts: posts.into(),
    }))
}

/// Keeps gold posts in place of those there were, or none.
pub(super) fn write(
    transaction: &Transaction<'_>,
    gold: Option<&KeptGold>,
    labels: &LabelNames,
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM gold", [])?;
    let Some(gold) = gold else {
        transaction.execute("DELETE FROM state WHERE key = ?1", [NOTE])?;
        return Ok(());
    };
    // Numbers, booleans and strings cannot fail to become JSON.
    let note = serde_json::to_string(&gold.note).unwrap_or_default();
    set_state(transaction, NOTE, note)?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO gold (place, post_id, labels, before_id) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (place, post) in (0_i64..).zip(gold.posts.iter()) {
        let labels = names_json(post.labels, labels);
        insert.execute(params![
            place,
            IdColumn(post.post),
            labels,
            post.before.map(IdColumn)
        ])?;
    }
    Ok(())
}
