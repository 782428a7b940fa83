//! Why a path cannot be opened at all.

use std::{io, path::PathBuf};

use crate::post::LabelNamesError;

/// Why a path could not be opened at all. Faults of single rows and images are problems, not errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is nothing at this path.
    #[error("there is no file or folder {0}; check the spelling")]
    NotFound(PathBuf),
    /// The file, or a file it needs, cannot be read.
    #[error("cannot read {path}; check that it is a readable file and that you may open it")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A device, a pipe or a socket.
    #[error(
        "{0} is neither a regular file nor a folder; give a file of posts (CSV, JSON, Parquet) or a folder of images"
    )]
    NotAFile(PathBuf),
    /// The name's ending belongs to no format that can be read.
    #[error(
        "{path} has no format that can be opened; give {known}, or save it as CSV (UTF-8) first"
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The formats that can be opened, in words.
        known: String,
    },
    /// A file of no bytes, or of white space only.
    #[error(
        "the file is empty; posts (a header with text, image_path and labels, or JSON) were expected in {0}"
    )]
    Empty(PathBuf),
    /// A header and nothing below it.
    #[error("there is a header but no row below it, so there is nothing to review in {0}")]
    NoRows(PathBuf),
    /// UTF-16 text, as spreadsheets write it.
    #[error(
        "the file is UTF-16 text; save it as “CSV UTF-8” (or with encoding utf-8) and open it again: {0}"
    )]
    Utf16(PathBuf),
    /// Neither a text nor an image column.
    #[error(
        "the header needs a column text or image_path (and labels or label, if the posts are labelled), but it names: {found}{hint}; rename the columns in {path}"
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// The columns found.
        found: String,
        /// What else may be wrong; empty or a clause that begins with a semicolon.
        hint: String,
    },
    /// A folder without any image below it.
    #[error("no image (png, jpg, webp, gif, bmp, tif) lies below the folder {path}{hint}")]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// What may be meant instead; empty or a clause that begins with a semicolon.
        hint: String,
    },
    /// A file that is not JSON from its beginning to its end.
    #[error("{path} cannot be read as JSON; write it again, or open a CSV file")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// JSON of a shape that no reader knows.
    #[error("{path} is JSON, but {found}; {known}")]
    JsonShape {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What can be opened, in words.
        known: &'static str,
    },
    /// A Parquet file that is damaged, or made in a way that cannot be read.
    #[error(
        "{path} cannot be read as Parquet ({why}); download or write it again, with compression=\"snappy\" where pandas, Polars or datasets asks"
    )]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        why: String,
    },
    /// A zip archive, or Parquet files with pictures in them: no post could show its picture.
    #[error(
        "the pictures of {0} lie inside it; unpack it once with: overrule prepare {0} --out FOLDER, and open what that writes"
    )]
    Packed(PathBuf),
    /// A zip archive that is cut off or damaged.
    #[error("the zip archive is not whole; copy or download it again: {0}")]
    BrokenArchive(PathBuf),
    /// Neither of the published datasets, nor Parquet.
    #[error(
        "{0} is neither MMHS150K (a folder or zip with MMHS150K_GT.json) nor Hateful Memes (train.jsonl, dev*.jsonl or test*.jsonl beside img/) nor Parquet; unpack other archives, and open other formats as they are"
    )]
    NotRaw(PathBuf),
    /// The labels make no label set.
    #[error("the labels from {origin} cannot be used")]
    Labels {
        /// Where the names come from.
        origin: String,
        /// What is wrong with them.
        source: LabelNamesError,
    },
}
