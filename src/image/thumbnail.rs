//! Pictures as a person looks at them: upright, over white, and no larger than the screen needs.

use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage, metadata::Orientation};

use super::{
    ImageError, ImageFault, Rgb, decode, file, jpeg,
    resize::{Filter, resize},
};

/// A picture to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upright {
    /// The pixels, no side longer than asked for. Never enlarged.
    pub rgb: Rgb,
    /// The width of the whole picture in pixels, upright.
    pub original_width: u32,
    /// The height of the whole picture in pixels, upright.
    pub original_height: u32,
}

/// Decodes a file, turns it upright by its EXIF orientation, lays transparent parts over white, and scales it
/// down to fit `max_side` pixels.
///
/// # Errors
/// As [`super::decode_file`].
pub fn load(path: &Path, max_side: u32) -> Result<Upright, ImageError> {
    let bytes = file::read(path)?;
    from_bytes(&bytes, max_side).map_err(|fault| fault.at(path))
}

/// As [`load`], from a file's content.
///
/// # Errors
/// As [`super::decode_bytes`].
pub fn from_bytes(bytes: &[u8], max_side: u32) -> Result<Upright, ImageFault> {
    let format = decode::format_of(bytes)?;
    let (rgb, (width, height), orientation) = if format == ImageFormat::Jpeg {
        let jpeg = jpeg::decode(bytes, Some(max_side))?;
        (
            jpeg.rgb,
            (jpeg.full_width, jpeg.full_height),
            jpeg.orientation,
        )
    } else {
        let decoded = decode::decode(bytes, format)?;
        let rgb = over_white(decoded.picture);
        let size = (rgb.width, rgb.height);
        (rgb, size, decoded.orientation)
    };
    let (fit_width, fit_height) = fit(width, height, max_side);
    let rgb = turn(
        resize(&rgb, fit_width, fit_height, Filter::Bilinear),
        orientation,
    );
    let (original_width, original_height) = if swaps_sides(orientation) {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Upright {
        rgb,
        original_width,
        original_height,
    })
}

/// The largest size of the same proportions whose sides are at most `max_side`, and not larger than it is.
fn fit(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longest = width.max(height);
    let max_side = max_side.clamp(1, longest.max(1));
    let scaled = |side: u32| {
        let exact = f64::from(side) * f64::from(max_side) / f64::from(longest.max(1));
        (exact.round() as u32).max(1)
    };
    (scaled(width), scaled(height))
}

fn over_white(picture: DynamicImage) -> Rgb {
    let (width, height) = (picture.width(), picture.height());
    let data = if picture.color().has_alpha() {
        let rgba = picture.into_rgba8();
        rgba.pixels()
            .flat_map(|p| {
                let [r, g, b, alpha] = p.0;
                [r, g, b].map(|sample| {
                    let (sample, alpha) = (u32::from(sample), u32::from(alpha));
                    ((sample * alpha + 255 * (255 - alpha) + 127) / 255) as u8
                })
            })
            .collect()
    } else {
        picture.into_rgb8().into_raw()
    };
    Rgb {
        width,
        height,
        data,
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH
    )
}

fn turn(rgb: Rgb, orientation: Orientation) -> Rgb {
    if orientation == Orientation::NoTransforms {
        return rgb;
    }
    let Rgb {
        width,
        height,
        data,
    } = rgb;
    let Some(buffer) = RgbImage::from_raw(width, height, data) else {
        return Rgb {
            width,
            height,
            data: vec![0; width as usize * height as usize * 3],
        };
    };
    let mut picture = DynamicImage::ImageRgb8(buffer);
    picture.apply_orientation(orientation);
    Rgb {
        width: picture.width(),
        height: picture.height(),
        data: picture.into_rgb8().into_raw(),
    }
}
