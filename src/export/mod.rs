//! Writing what a reviewer made: pure functions to bytes, and one atomic write around them.

use std::path::{Path, PathBuf};

use crate::review::Session;

/// Which posts to export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Selection {
    /// Every post that has a truth, corrections applied.
    #[default]
    All,
    /// Only posts with a confirmed decision.
    Reviewed,
    /// Only posts whose decision differs from the dataset's label.
    Corrected,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// How many posts.
    pub posts: usize,
    /// Posts left out because they have neither a decision nor a dataset label.
    pub without_truth: usize,
}

/// Why nothing was written. An existing file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file exists and replacing was not asked for.
    #[error("{0} exists already; choose another name or replace it on purpose")]
    Exists(PathBuf),
    /// To be filled.
    #[error("{0}")]
    Other(String),
}

/// Writes the training CSV and `class_names.txt` beside it.
pub fn training_csv(
    session: &Session,
    selection: Selection,
    path: &Path,
    replace: bool,
) -> Result<Exported, ExportError> {
    let _ = (session, selection, path, replace);
    todo!()
}
