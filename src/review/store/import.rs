//! What the dataset's own file says that models said, as runs of the session.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{predictions, rows::IdColumn, writer::set_state};
use crate::{
    dataset::{Dataset, imported::ImportedRun},
    predict::prediction::RunInfo,
};

/// Writes the runs that the session does not have yet, in one go; answers that it has stay. Where no run is shown, the first is,
/// and it is given back.
pub(super) fn import(
    connection: &Connection,
    dataset: &Dataset,
    is_one_shown: bool,
) -> rusqlite::Result<Option<(i64, RunInfo)>> {
    if dataset.imported.is_empty() {
        return Ok(None);
    }
    let transaction = connection.unchecked_transaction()?;
    let mut first = None;
    for run in &dataset.imported {
        let id = predictions::run_id(&transaction, &run.info)?;
        let known = "SELECT count(*) FROM predictions WHERE run_id = ?1";
        let known: i64 = transaction.query_row(known, [id], |row| row.get(0))?;
        if usize::try_from(known).unwrap_or(0) < run.answers.len() {
            write(&transaction, id, run, dataset)?;
        }
        first.get_or_insert((id, run.info.clone()));
    }
    let shown = first.filter(|_| !is_one_shown);
    if let Some((id, _)) = &shown {
        set_state(&transaction, "run", *id)?;
    }
    transaction.commit()?;
    Ok(shown)
}

fn write(
    connection: &Connection,
    id: i64,
    run: &ImportedRun,
    dataset: &Dataset,
) -> rusqlite::Result<()> {
    let mut known =
        connection.prepare("SELECT 1 FROM predictions WHERE run_id = ?1 AND post_id = ?2")?;
    for (place, prediction) in &run.answers {
        let Some(post) = dataset.posts.get(*place).map(|post| post.id) else {
            continue;
        };
        let is_known = known
            .query_row(params![id, IdColumn(post)], |_| Ok(()))
            .optional()?;
        if is_known.is_none() {
            predictions::write(connection, id, post, *place, prediction, &dataset.labels)?;
        }
    }
    Ok(())
}
