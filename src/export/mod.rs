//! Writing what a reviewer made: pure functions to bytes, one file a format, and one atomic write around them.

mod argilla;
pub(crate) mod atomic;
pub(crate) mod csv;
mod doccano;
mod error;
mod fiftyone;
pub mod figure;
mod folder;
mod format;
pub(crate) mod image_files;
mod image_folder;
mod json_lines;
mod label_studio;
mod markup;
mod parquet;
mod paths;
mod prodigy;
mod records;
pub mod report;
mod said;
mod spreadsheet;
mod training_set;
mod write;

use std::path::{Path, PathBuf};

pub use error::ExportError;
pub use format::Format;
pub(crate) use paths::is_same;
pub use training_set::{Provenance, Source, TrainingSet};

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
    /// The file or folder.
    pub path: PathBuf,
    /// How many posts.
    pub posts: usize,
    /// Posts left out because they have neither a decision nor a dataset label.
    pub without_truth: usize,
    /// Posts left out because the format is one of images and they have none that is there and a picture.
    pub without_image: usize,
    /// Posts that are there without the picture that they name, since it cannot be read.
    pub pictures_missing: usize,
    /// Posts whose relative image path would not lead to the image from the file's folder and so was made
    /// absolute.
    pub absolute_paths: usize,
    /// What the other tool needs to know, if anything.
    pub advice: Option<String>,
}

/// Writes the training CSV and `class_names.txt` beside it.
///
/// This waits for the disk. To keep a window responsive, take a [`TrainingSet`] and write it on another thread.
///
/// # Errors
/// See [`ExportError`]; nothing was changed then.
pub fn training_csv(
    session: &Session,
    selection: Selection,
    path: &Path,
    replace: bool,
) -> Result<Exported, ExportError> {
    TrainingSet::of_session(session, selection).write(path, replace)
}
