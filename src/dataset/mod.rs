//! Opening a path: recognise its format, load its posts, and collect what is wrong with them.
//!
//! A format is one file here and one line of `FORMATS`. It reads rows or files and hands posts to a
//! `Builder`, which names them, chooses the label set and resolves every labels cell once.

mod builder;
mod csv;
mod error;
mod folder;
mod images;
pub mod imported;
mod json;
mod labels;
mod metadata;
pub(crate) mod parquet;
pub mod raw;
mod records;
mod unsmile;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use error::OpenError;
pub use images::find_missing_images;
pub(crate) use images::is_inside;
pub use unsmile::LABELS as UNSMILE_LABELS;

use self::imported::ImportedRun;
use crate::post::{LabelNames, Post, Problem, ProblemKind};

/// How a dataset is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A CSV or TSV file with a header.
    Csv,
    /// A folder of images.
    Folder,
    /// MMHS150K as published.
    Mmhs150k,
    /// Hateful Memes as published.
    HatefulMemes,
    /// Plain objects in JSON or JSON Lines.
    Json,
    /// Label Studio's tasks.
    LabelStudio,
    /// Argilla's records.
    Argilla,
    /// FiftyOne's image classification dataset.
    FiftyOne,
    /// doccano's examples.
    Doccano,
    /// Prodigy's tasks.
    Prodigy,
    /// What `overrule predict` writes.
    Records,
    /// Parquet files.
    Parquet,
}

/// One readable format: how it is told from the others, and who reads it.
struct Recogniser {
    /// What the user gives, for the message when nothing fits.
    name: &'static str,
    /// Whether a path of this kind is meant for this format.
    fits: fn(&Path, &fs::Metadata) -> bool,
    load: fn(&Path, &OpenOptions) -> Result<Loaded, OpenError>,
}

/// The formats in the order in which they are asked.
const FORMATS: &[Recogniser] = &[
    Recogniser {
        name: "the folder of MMHS150K or Hateful Memes",
        fits: |path, _| raw::is_raw(path),
        load: raw::load,
    },
    Recogniser {
        name: "a FiftyOne folder (data/ and labels.json)",
        fits: |path, _| json::is_fiftyone(path),
        load: json::load_folder,
    },
    Recogniser {
        name: "a Parquet file or a folder of such files",
        fits: |path, _| parquet::is_parquet(path),
        load: parquet::load,
    },
    Recogniser {
        name: "a zip archive (to be unpacked first)",
        fits: |path, _| has_extension(path, &["zip"]),
        load: |path, _| Err(OpenError::Packed(path.to_owned())),
    },
    Recogniser {
        name: "a folder of images",
        fits: |_, metadata| metadata.is_dir(),
        load: folder::load,
    },
    Recogniser {
        name: "a CSV or TSV file",
        fits: |path, _| has_extension(path, &["csv", "tsv"]) || path.extension().is_none(),
        load: csv::load,
    },
    Recogniser {
        name: "a JSON or JSON Lines file (plain objects, Label Studio, Argilla, FiftyOne, doccano, Prodigy)",
        fits: |path, _| has_extension(path, &["json", "jsonl", "ndjson"]),
        load: json::load,
    },
];

/// Where the label set came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelSource {
    /// The user named the labels (`--labels`).
    Given,
    /// `class_names.txt` beside the dataset.
    ClassNames,
    /// The header: a column for each label.
    Header,
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
    /// What models said according to the file, a run each.
    pub imported: Vec<ImportedRun>,
}

/// What a format's reader hands back; [`open`] adds what is the same for all.
pub(crate) struct Loaded {
    format: Format,
    pub labels: LabelNames,
    label_source: LabelSource,
    image_root: PathBuf,
    pub posts: Vec<Post>,
    pub extra_columns: Vec<String>,
    pub problems: Vec<Problem>,
    imported: Vec<ImportedRun>,
}

/// Opens a file or a folder of posts, in whichever format it is.
///
/// The label set is, in this order: `options.labels`, `class_names.txt` beside the posts, those that the
/// header names, `harmful` for a `label` column of 0 and 1, `options.model_labels`, the labels seen. Images are not looked at: see
/// [`find_missing_images`].
///
/// # Errors
/// Only if nothing at all can be shown; a bad row or image is a [`Problem`].
pub fn open(path: &Path, options: &OpenOptions) -> Result<Dataset, OpenError> {
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OpenError::NotFound(path.to_owned()),
        _ => OpenError::Read {
            path: path.to_owned(),
            source,
        },
    })?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(OpenError::NotAFile(path.to_owned()));
    }
    let path = absolute(path)?;
    let recogniser = FORMATS
        .iter()
        .find(|r| (r.fits)(&path, &metadata))
        .ok_or_else(|| OpenError::UnknownFormat {
            path: path.clone(),
            known: FORMATS
                .iter()
                .map(|r| r.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
    let loaded = (recogniser.load)(&path, options)?;
    Ok(Dataset {
        name: path.file_name().map_or_else(
            || path.display().to_string(),
            |n| n.to_string_lossy().into_owned(),
        ),
        path,
        format: loaded.format,
        labels: loaded.labels,
        label_source: loaded.label_source,
        image_root: loaded.image_root,
        posts: loaded.posts,
        extra_columns: loaded.extra_columns,
        problems: loaded.problems,
        imported: loaded.imported,
    })
}

impl Dataset {
    /// How many posts name labels that the label set does not have. They count as if nobody had named them.
    pub fn n_with_unknown_labels(&self) -> usize {
        let problems = self.problems.iter();
        problems
            .filter(|problem| problem.kind == ProblemKind::UnknownLabel)
            .count()
    }

    /// The file of a post's image, or `None` if it has no image.
    pub fn image_file(&self, post: &Post) -> Option<PathBuf> {
        crate::post::resolve_image_path(&self.image_root, &post.image_path)
    }
}

/// The path without relative parts. A file that is itself a link keeps its name and folder: what lies beside
/// the link (images, `class_names.txt`) is what is meant.
fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    let read_error = |source| OpenError::Read {
        path: path.to_owned(),
        source,
    };
    let path = std::path::absolute(path).map_err(read_error)?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if cfg!(unix) => {
            Ok(parent.canonicalize().map_err(read_error)?.join(name))
        }
        _ => Ok(path),
    }
}

/// The columns in which files tell what a model said: those that other tools write, and those of Overrule's own exports.
const ANSWER_COLUMNS: [&str; 8] = [
    json::PREDICTION,
    json::CONFIDENCE,
    "predicted_labels",
    "scores",
    "model_labels",
    "model",
    "answer",
    "answer_error",
];

/// Whether an extra column tells what a model said, so that a reviewer who decides blind must not see it.
pub fn is_prediction_column(name: &str) -> bool {
    let name = name.trim();
    ANSWER_COLUMNS.contains(&name) || name.starts_with("p(")
}

/// Whether an extra column tells what annotators said, as the labels do.
pub fn is_label_column(name: &str) -> bool {
    let name = name.trim();
    name == raw::VOTES || name.starts_with("vote_") || name == "dataset_labels"
}

/// Whether the name ends in one of these (lower-case) extensions.
fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .is_some_and(|e| extensions.iter().any(|x| e.eq_ignore_ascii_case(x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_tell_what_blind_mode_hides_are_known() {
        for (column, of_model, of_people) in [
            // A spreadsheet of Overrule's.
            ("id", false, false),
            ("source", false, false),
            ("dataset_labels", false, true),
            ("model_labels", true, false),
            ("note", false, false),
            ("model", true, false),
            ("answer", true, false),
            ("answer_error", true, false),
            ("p(racist)", true, false),
            // Its JSON Lines, imagefolder and Parquet.
            ("predicted_labels", true, false),
            ("scores", true, false),
            // Other tools and raw datasets.
            ("prediction", true, false),
            ("confidence", true, false),
            ("votes", false, true),
            ("vote_2", false, true),
            ("split", false, false),
        ] {
            assert_eq!(is_prediction_column(column), of_model, "{column}");
            assert_eq!(is_label_column(column), of_people, "{column}");
        }
    }
}
