//! Decoding as Pillow's `Image.open(…).convert("RGB")` does it, format by format.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, metadata::Orientation};

use super::{ImageFault, Rgb, file::check_size, jpeg};

/// The most memory a decoder may ask for at once: 16-bit RGBA at the largest size, and a little.
const MAX_ALLOC_BYTES: u64 = 3 << 29;

/// The format by the content, if it is one that is decoded here.
pub(super) fn format_of(bytes: &[u8]) -> Result<ImageFormat, ImageFault> {
    image::guess_format(bytes).map_err(|_| ImageFault::UnknownFormat)
}

/// The pixels as the model sees them.
pub(super) fn as_pil(bytes: &[u8]) -> Result<Rgb, ImageFault> {
    let format = format_of(bytes)?;
    if format == ImageFormat::Jpeg {
        return jpeg::decode(bytes, None).map(|jpeg| jpeg.rgb);
    }
    let mut decoded = decode(bytes, format)?;
    if format == ImageFormat::Tiff {
        // Pillow turns TIFF files, and only these, when it loads them.
        decoded.picture.apply_orientation(decoded.orientation);
    }
    convert(decoded.picture)
}

/// A picture as stored, from any format but JPEG.
pub(super) struct Decoded {
    /// The pixels, not turned.
    pub picture: DynamicImage,
    /// How to turn them upright.
    pub orientation: Orientation,
}

/// Decodes a file of any format but JPEG, within the limits.
pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, ImageFault> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder)?;
    Ok(Decoded {
        picture,
        orientation,
    })
}

/// Width and height by the header.
pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32), ImageFault> {
    let reader = ImageReader::with_format(Cursor::new(bytes), format_of(bytes)?);
    Ok(reader.into_dimensions()?)
}

/// Pillow's conversion to 8-bit RGB: alpha is dropped whatever lies under it, 16-bit colour keeps its
/// high byte, and 16-bit grey is clipped at 255 (which makes most such pictures white).
fn convert(picture: DynamicImage) -> Result<Rgb, ImageFault> {
    let (width, height) = (picture.width(), picture.height());
    let data = match picture {
        DynamicImage::ImageLuma16(grey) => grey.iter().flat_map(|&v| [clip(v); 3]).collect(),
        DynamicImage::ImageLumaA16(grey) => {
            grey.pixels().flat_map(|p| [high_byte(p.0[0]); 3]).collect()
        }
        DynamicImage::ImageRgb16(rgb) => rgb.iter().map(|&v| high_byte(v)).collect(),
        DynamicImage::ImageRgba16(rgba) => rgba
            .pixels()
            .flat_map(|p| [p.0[0], p.0[1], p.0[2]].map(high_byte))
            .collect(),
        DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => {
            let reason = "pictures of floating-point numbers are not supported".to_owned();
            return Err(ImageFault::Broken { reason });
        }
        eight_bit => eight_bit.into_rgb8().into_raw(),
    };
    Ok(Rgb {
        width,
        height,
        data,
    })
}

fn clip(sample: u16) -> u8 {
    sample.min(255) as u8
}

fn high_byte(sample: u16) -> u8 {
    (sample >> 8) as u8
}
