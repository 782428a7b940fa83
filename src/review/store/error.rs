//! Why a session file could not be opened or written, in the user's words.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why a session file could not be opened or written. Whatever the variant, the file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file to read is not there.
    #[error("{0} does not exist; name the session file of an earlier review")]
    Missing(PathBuf),
    /// The platform names no folder for a program's data.
    #[error(
        "no folder for session files was found (is HOME set?); say where the session shall live with --session FILE"
    )]
    NoDataFolder,
    /// A second reviewer's session is about other posts.
    #[error(
        "{0} decides none of these posts; open the session of somebody who reviewed the same dataset (one that was copied \
         while its window was open lacks its last decisions: copy it again after closing that window)"
    )]
    NothingInCommon(PathBuf),
    /// The second reviewer's session is the reviewer's own.
    #[error("{0} is the session that is open; choose that of somebody else")]
    OwnSession(PathBuf),
    /// Another window, or another process, has the session open for writing.
    #[error(
        "{0} is open in another window; close that one, or choose another file with --session FILE"
    )]
    InUse(PathBuf),
    /// The place can be read and not written.
    #[error(
        "{path} cannot be written; choose a place that you may write to with --session FILE ({source})"
    )]
    ReadOnly {
        /// The session file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The place cannot hold a session, as some network drives cannot.
    #[error(
        "{path} lies on a drive that cannot lock files or share memory, which keeps decisions safe; \
         choose a place on this computer with --session FILE ({detail})"
    )]
    Unsuitable {
        /// The session file.
        path: PathBuf,
        /// What is lacking.
        detail: String,
    },
    /// The file is something else. It was not touched.
    #[error(
        "{path} is no review session of Overrule but {what}; it was not touched. Choose another file with --session FILE"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// A newer Overrule wrote the file. It was not touched.
    #[error(
        "{path} was written by a newer version of Overrule (format {found}, this version knows up to {known}); \
         it was not touched. Install the newer version, or choose another file with --session FILE"
    )]
    Newer {
        /// The session file.
        path: PathBuf,
        /// The file's format.
        found: usize,
        /// The newest format that this version reads.
        known: usize,
    },
    /// The session belongs to a dataset that shares no decided post with the opened one.
    #[error(
        "{path} is the review of {dataset}: none of the {decided} posts decided there is in the dataset you opened. \
         Open that one, or choose another file with --session FILE"
    )]
    OtherDataset {
        /// The session file.
        path: PathBuf,
        /// The dataset it was last opened with.
        dataset: PathBuf,
        /// How many posts have been worked on.
        decided: usize,
    },
    /// The file's content cannot be made sense of.
    #[error(
        "{path} is damaged: {detail}. Nothing was changed. Keep a copy, bring back a backup if there is one, \
         or begin anew with --session FILE"
    )]
    Damaged {
        /// The session file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The file that was open is not at its place any more.
    #[error(
        "{0} was moved, replaced or deleted while it was open; put it back where it was and try again"
    )]
    Moved(PathBuf),
    /// Something else wrote to the file while it was open.
    #[error(
        "another program has written to {0} while it was open; keep a copy of the file, and close the other program"
    )]
    Clash(PathBuf),
    /// The disk has no room left.
    #[error("{0} could not be written because the disk is full; free some space and try again")]
    Full(PathBuf),
    /// Reading or writing failed.
    #[error("{path} could not be read or written: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{path} could not be read or written: {source}")]
    Sqlite {
        /// The session file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Puts an I/O error about a session file into words.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            _ => Self::Io { path, source },
        }
    }

    /// Puts an SQLite error about a session file into words.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse(path),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly {
                path,
                source: io::Error::other(source),
            },
            _ => Self::Sqlite { path, source },
        }
    }
}
