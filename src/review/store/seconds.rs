//! Second reviewers in the session file.

use std::{collections::HashMap, path::Path, sync::Arc};

use rusqlite::{Connection, Transaction, params};

use super::{
    predictions::from_json,
    rows::{IdColumn, PathColumn, names_json, now_ms},
};
use crate::{
    post::{LabelNames, LabelSet, PostId},
    review::second::Kept,
};

/// Reads all of them, in the order in which they came. A decision that names a label which no longer exists is left out:
/// what is left of it is not what was decided.
pub(super) fn read(connection: &Connection, labels: &LabelNames) -> rusqlite::Result<Vec<Kept>> {
    let mut reviewers =
        connection.prepare("SELECT id, name, file FROM second_reviewers ORDER BY id")?;
    let mut decisions = connection
        .prepare("SELECT post_id, labels FROM second_decisions WHERE reviewer_id = ?1")?;
    let mut rows = reviewers.query([])?;
    let mut all = Vec::new();
    // There are few different lists and many posts.
    let mut known: HashMap<String, Option<LabelSet>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let PathColumn(file) = row.get(2)?;
        let mut kept: Vec<(PostId, LabelSet)> = Vec::new();
        let mut of_reviewer = decisions.query([row.get::<_, i64>(0)?])?;
        while let Some(row) = of_reviewer.next()? {
            let IdColumn(post) = row.get(0)?;
            let json = row.get_ref(1)?.as_str()?;
            let set = match known.get(json) {
                Some(set) => *set,
                None => {
                    let set = set_of_json(json, labels)?;
                    known.insert(json.to_owned(), set);
                    set
                }
            };
            kept.extend(set.map(|set| (post, set)));
        }
        all.push(Kept {
            name: row.get::<_, String>(1)?.into(),
            file: Arc::from(&*file),
            decisions: kept.into(),
        });
    }
    Ok(all)
}

/// The set of a JSON list; `None` if it names a label that does not exist.
pub(super) fn set_of_json(json: &str, labels: &LabelNames) -> rusqlite::Result<Option<LabelSet>> {
    let names: Vec<String> = serde_json::from_str(json).map_err(|e| from_json(1, e))?;
    let (set, unknown) = labels.resolve(names.iter().map(String::as_str));
    Ok(unknown.is_empty().then_some(set))
}

/// Keeps one, in place of what was read from the same file before.
pub(super) fn write(
    transaction: &Transaction<'_>,
    kept: &Kept,
    labels: &LabelNames,
) -> rusqlite::Result<()> {
    remove(transaction, &kept.file)?;
    transaction.execute(
        "INSERT INTO second_reviewers (name, file, read_at_ms) VALUES (?1, ?2, ?3)",
        params![kept.name, PathColumn((&*kept.file).into()), now_ms()],
    )?;
    let reviewer = transaction.last_insert_rowid();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO second_decisions (reviewer_id, post_id, labels) VALUES (?1, ?2, ?3)",
    )?;
    for (post, set) in kept.decisions.iter() {
        insert.execute(params![reviewer, IdColumn(*post), names_json(*set, labels)])?;
    }
    Ok(())
}

/// Calls the one that was read from a file something else.
pub(super) fn rename(
    transaction: &Transaction<'_>,
    file: &Path,
    name: &str,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "UPDATE second_reviewers SET name = ?2 WHERE file = ?1",
        params![PathColumn(file.into()), name],
    )
}

/// Takes the one away that was read from a file.
pub(super) fn remove(transaction: &Transaction<'_>, file: &Path) -> rusqlite::Result<usize> {
    let of_file = "DELETE FROM second_reviewers WHERE file = ?1";
    transaction.execute(of_file, [PathColumn(file.into())])
}
