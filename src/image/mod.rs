//! From bytes to pixels: decoding with limits, the resampling that models are trained with, and thumbnails.

use std::path::Path;

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

/// Why an image could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// To be filled.
    #[error("{0}")]
    Other(String),
}

/// Decodes a file as PIL's `Image.open(path).convert("RGB")` does: no EXIF turn, alpha dropped.
/// This is what the model sees.
pub fn decode_file(path: &Path) -> Result<Rgb, ImageError> {
    let _ = path;
    todo!()
}

/// Decodes a file as a person expects to see it: turned upright by its EXIF orientation, then scaled down to
/// fit `max_side`. Transparent parts are laid over white.
pub fn decode_upright(path: &Path, max_side: u32) -> Result<Rgb, ImageError> {
    let _ = (path, max_side);
    todo!()
}
