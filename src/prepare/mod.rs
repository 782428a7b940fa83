//! Published datasets and Parquet files made ready for training: `train.csv`, `val.csv`, `test.csv`, `class_names.txt` and
//! the pictures.
//!
//! Pictures go first and tables last, each whole or not at all: a run that was stopped is gone on with by running it
//! again, and what is there already is not made twice. What says something else is left alone, unless it may be replaced.

mod images;
mod parquet;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use images::Images;
pub use tables::LabelsBy;

use crate::{
    dataset::{
        self, OpenError,
        raw::{Fault, RawSet, Source},
    },
    export::{ExportError, is_same},
};

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder to write into; made if it does not exist.
    pub out: PathBuf,
    /// Where the pictures go.
    pub images: Images,
    /// When a label counts.
    pub labels_by: LabelsBy,
    /// Whether a column with the text in the picture is added, where the dataset has it.
    pub image_text: bool,
    /// Whether tables and pictures that say something else are replaced.
    pub replace: bool,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Posts whose picture is in its place.
    pub done: usize,
    /// All posts.
    pub total: usize,
}

/// What was made.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Prepared {
    /// The table of each split that has posts, and how many.
    pub tables: Vec<(PathBuf, usize)>,
    /// Tables of other splits that were there already, and stay as they are.
    pub kept: Vec<PathBuf>,
    /// Pictures that got a second name.
    pub linked: usize,
    /// Pictures that were copied.
    pub copied: usize,
    /// Pictures that were there already.
    pub there: usize,
    /// What was left out or changed, and why. The same list stands in `left_out.csv`.
    pub faults: Vec<Fault>,
}

/// Why nothing could be prepared. What was written until then is whole, and a second run goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// A table or a picture of this name says something else, and nobody asked for replacing it.
    #[error("{0} exists already and says something else; choose another folder")]
    Exists(PathBuf),
    /// A table that stays is about other classes.
    #[error(
        "{0} is there already and has other classes than what would lie beside it; choose another folder, or, if both are one dataset, prepare the folder of its files at once"
    )]
    OtherClasses(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(ExportError),
    /// Pictures of an archive cannot stay where they are.
    #[error(
        "{0} is an archive, whose pictures cannot be used in place; leave out --images in-place, or unpack it first"
    )]
    InPlaceArchive(PathBuf),
    /// The folder to write into is the dataset's own.
    #[error("{0} is the dataset's own folder, which is never changed; choose another one")]
    IsTheDataset(PathBuf),
    /// Nobody wants it any more.
    #[error("stopped; what was written until then is whole, and a second run goes on from there")]
    Stopped,
    /// A path that must be written into a table, and is no text.
    #[error(
        "the dataset's path is not UTF-8 text; rename its folder, or let the pictures be linked: {0}"
    )]
    NotText(PathBuf),
    /// No post can be trained with.
    #[error("no post of {path} can be trained with, so no table was written{hint}")]
    NoPosts {
        /// The dataset.
        path: PathBuf,
        /// The most frequent reason; empty or a clause that begins with a semicolon.
        hint: String,
    },
}

impl From<ExportError> for PrepareError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Exists(path) => Self::Exists(path),
            error => Self::Write(error),
        }
    }
}

/// Prepares a published dataset, or Parquet files. `on_progress` is told of each post, and says whether to go on.
///
/// # Errors
/// See [`PrepareError`].
pub fn prepare(
    source: &Path,
    options: &Options,
    on_progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Prepared, PrepareError> {
    if dataset::parquet::is_parquet(source) {
        return parquet::unpack(source, options, on_progress);
    }
    let mut source = Source::open(source)?;
    if options.images == Images::InPlace && !source.is_folder() {
        return Err(PrepareError::InPlaceArchive(source.folder().to_owned()));
    }
    let RawSet {
        kind,
        posts,
        mut faults,
    } = RawSet::read(&mut source)?;
    refuse_own_folder(&options.out, [source.folder()])?;
    fs::create_dir_all(&options.out).map_err(|error| ExportError::from_io(&options.out, error))?;
    let usable = tables::usable(posts, &faults);
    let mut made = Prepared::default();
    let rows = images::place_all(
        &mut source,
        usable,
        options,
        &mut faults,
        &mut made,
        on_progress,
    )?;
    if rows.is_empty() {
        let path = source.folder().to_owned();
        return Err(PrepareError::NoPosts {
            path,
            hint: most_frequent(&faults),
        });
    }
    tables::write(&mut source, kind, &rows, options, &mut made)?;
    tables::write_faults(&faults, &options.out)?;
    made.faults = faults;
    Ok(made)
}

/// Refuses to write into a folder that the dataset lies in.
fn refuse_own_folder<'a>(
    out: &Path,
    own: impl IntoIterator<Item = &'a Path>,
) -> Result<(), PrepareError> {
    match own.into_iter().any(|folder| is_same(out, folder)) {
        true => Err(PrepareError::IsTheDataset(out.to_owned())),
        false => Ok(()),
    }
}

fn most_frequent(faults: &[Fault]) -> String {
    let count = |fault: &&Fault| faults.iter().filter(|f| f.reason == fault.reason).count();
    let Some(most) = faults.iter().take(1000).max_by_key(count) else {
        return String::new();
    };
    format!("; of most it is true that {}", most.reason)
}
