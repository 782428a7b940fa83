//! Figures as files.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Figure, numbers, png, svg};
use crate::export::{ExportError, atomic};

/// What a figure is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// A picture for the web and for papers; its text stays text.
    #[default]
    Svg,
    /// A picture of pixels, for slides and messages.
    Png,
    /// Its numbers.
    Csv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::Csv];

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }

    /// The format of a file of this name, if its ending tells.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        Self::ALL.into_iter().find(|f| f.ending() == ending)
    }
}

/// A figure on its way into a file. It can be written on any thread.
#[derive(Clone, PartialEq, Debug)]
pub struct FigureFile {
    /// The figure.
    pub figure: Figure,
    /// As what.
    pub format: Format,
    /// The file.
    pub path: PathBuf,
    /// Whether an existing file is replaced.
    pub replace: bool,
}

impl FigureFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If the picture cannot be encoded.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        match self.format {
            Format::Svg => Ok(svg::svg(&self.figure).into_bytes()),
            Format::Png => png::png(&self.figure),
            Format::Csv => numbers::csv(&self.figure),
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// See [`ExportError`]; an existing file is as it was then.
    pub fn write(&self) -> Result<(), ExportError> {
        let bytes = self
            .bytes()
            .map_err(|error| ExportError::from_io(&self.path, error))?;
        let staged = atomic::stage(&self.path, self.replace, |file| file.write_all(&bytes))?;
        staged.commit(self.replace).map(drop)
    }
}
