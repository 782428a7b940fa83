//! Why an export was not written.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Selection;

/// Why nothing was written. An existing file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file exists and replacing was not asked for.
    #[error("{0} exists already; choose another name or replace it on purpose")]
    Exists(PathBuf),
    /// A folder, a device or a pipe has this name.
    #[error("{0} is not a regular file; choose another name")]
    NotAFile(PathBuf),
    /// The dataset under review, or a picture of it, would be overwritten, or get one file more.
    #[error(
        "{0} is the dataset under review or lies in its folder, which is never changed; choose a place outside of it"
    )]
    IsTheDataset(PathBuf),
    /// The folder does not exist.
    #[error("the folder {0} does not exist; make it or choose another one")]
    NoFolder(PathBuf),
    /// No post is in the selection.
    #[error("{}, so nothing was written", no_posts(*.0))]
    NoPosts(Selection),
    /// No post has a prediction of the run on show.
    #[error("no post has a prediction of this session's last run, so nothing was written")]
    NoPredictions,
    /// A format of images, and no post has one.
    #[error(
        "no post has an image that exists and is a picture, and this format describes images, so nothing was described"
    )]
    NoImages,
    /// A file stands where a folder should be made.
    #[error("{0} is a file, and this format is a folder; choose another name")]
    NotAFolder(PathBuf),
    /// There is no room.
    #[error("the disk is full; free some space or choose another disk, then export again: {path}")]
    DiskFull {
        /// The file that should have been written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder or file cannot be written.
    #[error("cannot write {path}; check that you may write in its folder, or choose another one")]
    Write {
        /// The file that should have been written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A label that `class_names.txt`, which has one name a line, cannot hold.
    #[error("the label {0:?} has a line break in its name; rename it in the dataset first")]
    LabelName(String),
    /// An image path that must be written in full, and is no text.
    #[error(
        "the path of an image is not UTF-8 text; rename its folder, or export beside the dataset: {0}"
    )]
    ImagePath(PathBuf),
}

impl ExportError {
    /// The error for what the system says about writing `path`.
    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { path, source },
            _ => Self::Write { path, source },
        }
    }
}

fn no_posts(selection: Selection) -> &'static str {
    match selection {
        Selection::All => "no post has a label or a decision",
        Selection::Reviewed => "no post has a confirmed decision",
        Selection::Corrected => "no decision differs from the dataset's label",
    }
}
