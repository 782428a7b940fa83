//! JPEG through libjpeg-turbo's code (as mozjpeg ships it), so that every pixel is Pillow's: the accurate integer
//! inverse DCT and smooth chroma upsampling, which other decoders round differently.

mod libjpeg;

use image::metadata::Orientation;

use self::libjpeg::{Colours, Reader, Stop};
use super::{ImageFault, Rgb, file::check_size};

/// A decoded JPEG file.
pub(super) struct Jpeg {
    /// The pixels, not turned; smaller than the file's if a scale was asked for.
    pub rgb: Rgb,
    /// The file's own width in pixels.
    pub full_width: u32,
    /// The file's own height in pixels.
    pub full_height: u32,
    /// How to turn it upright, by its EXIF block.
    pub orientation: Orientation,
}

/// Decodes a whole file. With `min_side_px`, the inverse DCT may leave out detail as long as the
/// longer side keeps that many pixels, which is many times faster for large photographs.
pub(super) fn decode(bytes: &[u8], min_side_px: Option<u32>) -> Result<Jpeg, ImageFault> {
    let reader = Reader::open(bytes)?;
    let (full_width, full_height) = reader.size();
    check_size(full_width, full_height)?;
    let orientation = reader
        .app1(b"Exif\0\0")
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms);
    let scale = min_side_px.map_or(8, |min_side| eighths(full_width.max(full_height), min_side));
    let rgb = if reader.is_cmyk() {
        let inks = reader.decode(Colours::Cmyk, scale)?;
        Rgb {
            width: inks.width,
            height: inks.height,
            data: rgb_from_inverted_cmyk(&inks.data),
        }
    } else {
        let rgb = reader.decode(Colours::Rgb, scale)?;
        Rgb {
            width: rgb.width,
            height: rgb.height,
            data: rgb.data,
        }
    };
    Ok(Jpeg {
        rgb,
        full_width,
        full_height,
        orientation,
    })
}

impl From<Stop> for ImageFault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Truncated => Self::Truncated,
            Stop::Fatal(reason) => Self::Broken { reason },
        }
    }
}

/// The smallest of the DCT's scales, in eighths, that keeps at least `min_side` of `side` pixels.
fn eighths(side: u32, min_side: u32) -> u32 {
    (1..8)
        .find(|n| u64::from(side) * u64::from(*n) >= u64::from(min_side) * 8)
        .unwrap_or(8)
}

/// Pillow's CMYK to RGB. JPEG files hold the inks inverted, as Adobe's programs write them.
fn rgb_from_inverted_cmyk(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|&[c, m, y, paper]| [c, m, y].map(|ink| paper - multiply_255(255 - ink, paper)))
        .collect()
}

/// `a · b / 255`, rounded, in Pillow's integer form. Never more than `b`.
fn multiply_255(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}
