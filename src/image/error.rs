//! What can be wrong with an image file.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::file::{MAX_FILE_BYTES, MAX_PIXELS};
use crate::post::ProblemKind;

/// An image file that could not be decoded, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct ImageError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: ImageFault,
}

impl ImageError {
    /// How a dataset's list of problems calls it.
    pub fn problem_kind(&self) -> ProblemKind {
        match self.fault {
            ImageFault::NotFound | ImageFault::WebAddress => ProblemKind::MissingImage,
            _ => ProblemKind::BrokenImage,
        }
    }
}

/// Why an image cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFault {
    /// There is no such file.
    #[error("the image file does not exist; check the image root")]
    NotFound,
    /// An address in place of a file.
    #[error(
        "this is a web address, and nothing is fetched from there; save the pictures, and name the files"
    )]
    WebAddress,
    /// A folder, a pipe or a device.
    #[error("this is not a regular file")]
    NotAFile,
    /// A file of more than [`MAX_FILE_BYTES`].
    #[error("the file has {bytes} bytes, and at most {MAX_FILE_BYTES} are read")]
    FileTooLarge {
        /// The size in bytes.
        bytes: u64,
    },
    /// A picture of more than [`MAX_PIXELS`], by its header; nothing of it was decoded.
    #[error(
        "the picture claims {width} × {height} pixels, and at most {MAX_PIXELS} are decoded; it may be a decompression bomb"
    )]
    TooLarge {
        /// The width by the header, in pixels.
        width: u32,
        /// The height by the header, in pixels.
        height: u32,
    },
    /// The file ends before the picture does.
    #[error("the file ends before the picture is complete; copy or download it again")]
    Truncated,
    /// The content is no known image format.
    #[error("the content is in no supported image format (PNG, JPEG, GIF, BMP, WebP, TIFF)")]
    UnknownFormat,
    /// The content cannot be decoded.
    #[error("the picture cannot be decoded: {reason}")]
    Broken {
        /// What the decoder says.
        reason: String,
    },
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Io(#[source] io::Error),
}

impl ImageFault {
    /// Names the file it is about.
    pub(super) fn at(self, path: &Path) -> ImageError {
        let is_address = || {
            let name = path.to_string_lossy();
            name.contains("http://") || name.contains("https://")
        };
        let fault = match self {
            Self::NotFound if is_address() => Self::WebAddress,
            fault => fault,
        };
        ImageError {
            path: path.to_owned(),
            fault,
        }
    }
}

impl From<io::Error> for ImageFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            _ => Self::Io(error),
        }
    }
}

impl From<image::ImageError> for ImageFault {
    fn from(error: image::ImageError) -> Self {
        match error {
            image::ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Truncated
            }
            image::ImageError::Unsupported(e)
                if matches!(e.kind(), image::error::UnsupportedErrorKind::Format(_)) =>
            {
                Self::UnknownFormat
            }
            other => Self::Broken {
                reason: other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_is_told_from_a_file_that_is_not_there() {
        for (name, expected) in [
            ("/data/a.png", "the image file does not exist"),
            ("/data/https://example.org/a.png", "nothing is fetched"),
        ] {
            let error = ImageFault::NotFound.at(Path::new(name));
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.problem_kind(), ProblemKind::MissingImage);
        }
    }
}
