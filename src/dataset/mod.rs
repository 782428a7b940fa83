//! Opening a path: recognise its format, load its posts, and collect what is wrong with them.

use std::path::{Path, PathBuf};

use crate::post::{LabelNames, Post, Problem};

/// How a dataset is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A CSV file with a header.
    Csv,
    /// A folder of images.
    Folder,
}

/// Where the label set came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelSource {
    /// The user named the labels (`--labels`).
    Given,
    /// `class_names.txt` beside the dataset.
    ClassNames,
    /// The model's `label_map.json`.
    Model,
    /// The labels seen in the data, in order of appearance.
    Seen,
    /// The `label` column of 0 and 1: the single class `harmful`.
    Binary,
}

/// What the user may say about how to open a dataset.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// `--labels`: the label set, whatever files say.
    pub labels: Option<Vec<String>>,
    /// `--image-root`: what relative image paths start from.
    pub image_root: Option<PathBuf>,
    /// The model's own labels, used when neither the user nor the dataset names any.
    pub model_labels: Option<Vec<String>>,
}

/// A loaded dataset. It is never changed; decisions and predictions are kept apart.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The file or folder, absolute.
    pub path: PathBuf,
    /// A short name for titles: the file's or folder's name.
    pub name: String,
    /// How it is stored.
    pub format: Format,
    /// The label set in class order.
    pub labels: LabelNames,
    /// Where the label set came from.
    pub label_source: LabelSource,
    /// What relative image paths start from.
    pub image_root: PathBuf,
    /// The posts in the order of the file.
    pub posts: Vec<Post>,
    /// The names of the columns kept in `Post::extra`.
    pub extra_columns: Vec<String>,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Why a path could not be opened at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// To be filled.
    #[error("{0}")]
    Other(String),
}

/// Opens a CSV file or a folder of images.
///
/// # Errors
/// Only if nothing at all can be shown; a bad row or image is a [`Problem`].
pub fn open(path: &Path, options: &OpenOptions) -> Result<Dataset, OpenError> {
    let _ = (path, options);
    todo!()
}

impl Dataset {
    /// The file of a post's image, or `None` if it has no image.
    pub fn image_file(&self, post: &Post) -> Option<PathBuf> {
        crate::post::resolve_image_path(&self.image_root, &post.image_path)
    }
}
