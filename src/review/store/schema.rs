//! The tables of a session file, and how older files grow into them.
//!
//! Migrations are append-only: an entry that has been released is never changed, moved or removed.

use rusqlite_migration::{M, Migrations};

/// Says in the file's header that it is a session of Overrule (“OvRl”).
pub(super) const APPLICATION_ID: i32 = 0x4F76_526C;

/// How many migrations there are: the newest format that this version reads and writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// Every step from an empty file to today's tables.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::from_slice(MIGRATIONS)
}

const MIGRATIONS: &[M<'static>] = &[
    M::up(FIRST),
    M::up(BATCHES),
    M::up(BLIND),
    M::up(SETTLED),
    M::up(SECONDS),
    M::up(GOLD),
    M::up(SEEN),
];

const FIRST: &str = "
-- One row: which dataset is under review, with all it takes to open it the same way again.
-- Paths are text, or a blob where they are not UTF-8. `labels` is a JSON list in class order.
CREATE TABLE session (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    dataset_path  ANY     NOT NULL,
    dataset_name  TEXT    NOT NULL,
    image_root    ANY     NOT NULL,
    labels        TEXT    NOT NULL,
    label_source  TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    opened_at_ms  INTEGER NOT NULL,
    version       TEXT    NOT NULL
) STRICT;

-- What a reviewer did, in order; rows are only ever appended. An undo or a redo is a row, too, and says in `refers_to`
-- which row it takes back or does again (NULL for every other action), so both stacks come back by replay.
-- `before` and `after` are the whole state of the post as JSON, labels by name. `reviewer` is the name of the system's
-- user, NULL where the system tells none. A post may be one that the dataset no longer has.
CREATE TABLE decisions (
    seq       INTEGER PRIMARY KEY,
    post_id   BLOB    NOT NULL CHECK (length(post_id) = 16),
    action    TEXT    NOT NULL,
    before    TEXT    NOT NULL,
    after     TEXT    NOT NULL,
    refers_to INTEGER REFERENCES decisions (seq),
    reviewer  TEXT,
    at_ms     INTEGER NOT NULL
) STRICT;

-- Model, adapter, prompt and settings that predictions came from, as the JSON object that prediction files carry.
CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    info          TEXT    NOT NULL UNIQUE,
    started_at_ms INTEGER NOT NULL
) STRICT;

-- What a model said about a post. One row a run and post; a second one replaces the first only when the same run
-- answers again, as after an error. `labels` and `unknown_labels` are JSON lists of names; `scores` is an object from
-- label to {p, lo, hi}, NULL if none were computed; `answer_logprob` and `margin` are NULL where the model gives none;
-- `error` is NULL unless there is no answer. `post_index` is the post's place when it was predicted.
-- A row id, not WITHOUT ROWID: ids are random, and so rows are appended while only the small index is written all over.
CREATE TABLE predictions (
    run_id         INTEGER NOT NULL REFERENCES runs (id),
    post_id        BLOB    NOT NULL CHECK (length(post_id) = 16),
    post_index     INTEGER NOT NULL,
    labels         TEXT    NOT NULL,
    raw            TEXT    NOT NULL,
    parse          TEXT    NOT NULL,
    unknown_labels TEXT    NOT NULL,
    scores         TEXT,
    answer_logprob REAL,
    margin         REAL,
    n_tokens       INTEGER NOT NULL,
    image_secs     REAL    NOT NULL,
    vision_secs    REAL    NOT NULL,
    prefill_secs   REAL    NOT NULL,
    decode_secs    REAL    NOT NULL,
    error          TEXT,
    at_ms          INTEGER NOT NULL,
    UNIQUE (run_id, post_id)
) STRICT;

-- Where the reviewer is: `cursor` (the id of the post on screen) and `run` (the run whose predictions are shown).
CREATE TABLE state (
    key   TEXT PRIMARY KEY,
    value ANY  NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What was done to several posts at once shares the `seq` of its first row here, so that one undo takes it back;
/// NULL for what was done to one post alone.
const BATCHES: &str = "ALTER TABLE decisions ADD COLUMN batch INTEGER REFERENCES decisions (seq);";

/// `before` and `after` have `blind`, the labels confirmed before the model's answer was visible (where it is missing, those
/// of a decision that is not `assisted`); the action `reveal` shows the answer earlier; `state` has `blind_mode`, JSON.
/// No table changes, and yet the number does: an older version would not know the action.
const BLIND: &str = "-- See the comment in the source.";

/// `before` and `after` have `alone`, the reviewer's own labels once a conflict with a second reviewer was settled by the
/// action `settle`. Again no table changes.
const SETTLED: &str = "-- See the comment in the source.";

/// What other people decided, as it was read from their sessions: copies, which are replaced or taken away as a whole.
/// From here on `decisions.reviewer` is the name that the reviewer chose, and no longer always that of the system's user.
const SECONDS: &str = "
-- `file` is the session it was read from, a path as above.
CREATE TABLE second_reviewers (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    file       ANY     NOT NULL UNIQUE,
    read_at_ms INTEGER NOT NULL
) STRICT;

-- `labels` is a JSON list of names. A post may be one that the dataset does not have.
CREATE TABLE second_decisions (
    reviewer_id INTEGER NOT NULL REFERENCES second_reviewers (id) ON DELETE CASCADE,
    post_id     BLOB    NOT NULL CHECK (length(post_id) = 16),
    labels      TEXT    NOT NULL,
    PRIMARY KEY (reviewer_id, post_id)
) STRICT, WITHOUT ROWID;
";

/// The format from which on a file keeps second reviewers.
pub(super) const WITH_SECONDS: i64 = 5;

/// Posts whose labels are known, to see how well the reviewer does; replaced or taken away as a whole. `state` has `gold`,
/// JSON: where they come from, whether the reviewer had decided them, and the last `seq` of before.
const GOLD: &str = "
-- `before_id` is the post before which it comes up, NULL leaves it in its own place.
CREATE TABLE gold (
    place     INTEGER PRIMARY KEY,
    post_id   BLOB    NOT NULL UNIQUE CHECK (length(post_id) = 16),
    labels    TEXT    NOT NULL,
    before_id BLOB    CHECK (length(before_id) = 16)
) STRICT;
";

/// The format from which on a file keeps gold posts.
pub(super) const WITH_GOLD: i64 = 6;

/// Posts whose answer by the model has stood on screen, also those that were not decided: what is decided about them is not blind.
const SEEN: &str = "
-- `seq` is the last entry of `decisions` before that.
CREATE TABLE seen (
    post_id BLOB    PRIMARY KEY CHECK (length(post_id) = 16),
    seq     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The format from which on a file keeps what was seen.
pub(super) const WITH_SEEN: i64 = 7;

/// The format from which on `decisions` has the column `batch`.
pub(super) const WITH_BATCHES: i64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_apply_twice_to_an_empty_database() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        migrations().validate().unwrap();
        migrations().to_latest(&mut connection).unwrap();
        migrations().to_latest(&mut connection).unwrap();
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(usize::try_from(version), Ok(VERSION));
    }
}
