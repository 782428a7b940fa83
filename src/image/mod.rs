//! From bytes to pixels: decoding with limits, the resampling that models are trained with, and thumbnails.

use std::{fmt, path::Path};

mod decode;
mod error;
mod file;
mod jpeg;
pub mod kept;
pub mod resize;
pub mod thumbnail;

pub use error::{ImageError, ImageFault};
pub(crate) use file::read as read_file;
pub use file::{MAX_FILE_BYTES, MAX_PIXELS};

/// An 8-bit RGB picture in rows, top first.
#[derive(Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width × height × 3` bytes.
    pub data: Vec<u8>,
}

impl fmt::Debug for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rgb({} × {})", self.width, self.height)
    }
}

/// Decodes a file as PIL's `Image.open(path).convert("RGB")` does: no EXIF turn, alpha dropped.
/// This is what the model sees.
///
/// The format is recognised by the file's content, whatever its name says.
///
/// # Errors
/// A file that is missing, no regular file, too large, cut off, damaged or in another format.
pub fn decode_file(path: &Path) -> Result<Rgb, ImageError> {
    let bytes = file::read(path)?;
    decode_bytes(&bytes).map_err(|fault| fault.at(path))
}

/// Whether a file begins as a picture does, in any format that is decoded here. What cannot be read is none.
pub(crate) fn is_picture(path: &Path) -> bool {
    file::beginning(path).is_ok_and(|bytes| decode::format_of(&bytes).is_ok())
}

/// Decodes a file's content as [`decode_file`] does.
///
/// # Errors
/// Bytes that are too large a picture, cut off, damaged or in another format.
pub fn decode_bytes(bytes: &[u8]) -> Result<Rgb, ImageFault> {
    decode::as_pil(bytes)
}

/// Decodes a file as a person expects to see it: turned upright by its EXIF orientation, then scaled down to
/// fit `max_side`. Transparent parts are laid over white.
///
/// # Errors
/// As [`decode_file`].
pub fn decode_upright(path: &Path, max_side: u32) -> Result<Rgb, ImageError> {
    thumbnail::load(path, max_side).map(|upright| upright.rgb)
}

/// Width and height in pixels by the header of a file's content; nothing else of it is decoded.
///
/// # Errors
/// Bytes that are in no format that is decoded here, or whose header is damaged.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), ImageFault> {
    decode::dimensions(bytes)
}
