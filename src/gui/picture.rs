//! What the window does to a decoded picture before anyone sees it: grey, blur, and the form textures take.

use std::path::Path;

use egui::ColorImage;

use crate::image::{ImageError, Rgb, decode_upright, kept::KeptThumbnails};

/// Side of thumbnails and covers, in pixels.
const THUMB_SIDE_PX: u32 = 96;

/// Side of pictures looked at, in pixels; larger ones are scaled down.
const FULL_SIDE_PX: u32 = 2048;

/// How a picture is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// Small and blurred beyond recognition; the large view of a hidden picture is this one, stretched, so that
    /// nothing sharp is ever handed to the graphics card before it was asked for.
    Cover,
    /// Small and sharp.
    Thumb,
    /// As large as the file has it, up to 2048 pixels.
    Full,
}

/// How strongly pictures are changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Care {
    /// How much of the colour is taken out, in hundredths.
    pub grey_percent: u8,
    /// The radius of the blur, in hundredths of the longer side.
    pub blur_percent: u8,
}

/// Reads a picture in one form, a small one from where small ones are kept.
pub fn load(
    path: &Path,
    form: Form,
    care: Care,
    kept: Option<&KeptThumbnails>,
) -> Result<ColorImage, ImageError> {
    let mut picture = match (form, kept) {
        (Form::Cover | Form::Thumb, Some(kept)) => kept.load(path, THUMB_SIDE_PX)?,
        (Form::Cover | Form::Thumb, None) => decode_upright(path, THUMB_SIDE_PX)?,
        (Form::Full, _) => decode_upright(path, FULL_SIDE_PX)?,
    };
    to_grey(&mut picture, care.grey_percent);
    if form == Form::Cover {
        blur(&mut picture, care.blur_percent);
    }
    Ok(color_image(&picture))
}

/// A picture as textures take it.
pub fn color_image(picture: &Rgb) -> ColorImage {
    let size = [picture.width as usize, picture.height as usize];
    let pixels = picture
        .data
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[r, g, b]| egui::Color32::from_rgb(*r, *g, *b));
    ColorImage::new(size, pixels.collect())
}

/// Moves each colour towards its grey (Rec. 601 luma, as the eye weighs the colours), all the way at 100.
fn to_grey(picture: &mut Rgb, percent: u8) {
    let share = u32::from(percent.min(100));
    if share == 0 {
        return;
    }
    for pixel in picture.data.as_chunks_mut::<3>().0 {
        let [r, g, b] = pixel.map(u32::from);
        let grey = (299 * r + 587 * g + 114 * b + 500) / 1000;
        *pixel = [r, g, b].map(|c| ((c * (100 - share) + grey * share + 50) / 100) as u8);
    }
}

/// Three box blurs in each direction, near a Gaussian. With a radius of a tenth of the longer side letters and faces are
/// gone; with 3 hundredths, what kind of scene it is can be told.
fn blur(picture: &mut Rgb, percent: u8) {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let radius = (width.max(height) * usize::from(percent) / 100).max(2);
    let mut line = Vec::new();
    for _ in 0..3 {
        for y in 0..height {
            box_blur(
                &mut picture.data,
                y * width * 3,
                3,
                width,
                radius,
                &mut line,
            );
        }
        for x in 0..width {
            box_blur(
                &mut picture.data,
                x * 3,
                width * 3,
                height,
                radius,
                &mut line,
            );
        }
    }
}

/// Blurs `count` pixels that begin at byte `start` and lie `stride` bytes apart; the edges repeat.
fn box_blur(
    data: &mut [u8],
    start: usize,
    stride: usize,
    count: usize,
    radius: usize,
    line: &mut Vec<[u32; 3]>,
) {
    line.clear();
    line.extend((0..count).map(|i| {
        let at = start + i * stride;
        data.get(at..at + 3)
            .map_or([0; 3], |p| [p[0].into(), p[1].into(), p[2].into()])
    }));
    let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else {
        return;
    };
    let pixel = |i: isize| {
        if i < 0 {
            first
        } else {
            line.get(i as usize).copied().unwrap_or(last)
        }
    };
    let (radius, window) = (radius as isize, 2 * radius as u32 + 1);
    let mut sum = [0_u32; 3];
    for i in -radius..=radius {
        let p = pixel(i);
        (0..3).for_each(|c| sum[c] += p[c]);
    }
    for i in 0..count {
        let at = start + i * stride;
        if let Some(out) = data.get_mut(at..at + 3) {
            (0..3).for_each(|c| out[c] = ((sum[c] + window / 2) / window) as u8);
        }
        let (leaving, entering) = (pixel(i as isize - radius), pixel(i as isize + radius + 1));
        (0..3).for_each(|c| sum[c] = sum[c] + entering[c] - leaving[c]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkerboard(side: u32) -> Rgb {
        let data = (0..side * side)
            .flat_map(|i| {
                [if (i % side / 8 + i / side / 8).is_multiple_of(2) {
                    0
                } else {
                    255
                }; 3]
            })
            .collect();
        Rgb {
            width: side,
            height: side,
            data,
        }
    }

    fn steepest_step(picture: &Rgb) -> u8 {
        let row = picture.width as usize * 3;
        picture
            .data
            .chunks(row)
            .flat_map(|row| row.windows(4).map(|w| w[0].abs_diff(w[3])))
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn a_cover_keeps_no_edge() {
        let mut picture = checkerboard(96);
        assert_eq!(steepest_step(&picture), 255);
        blur(&mut picture, 10);
        assert!(steepest_step(&picture) < 12, "{}", steepest_step(&picture));
    }

    #[test]
    fn blurring_keeps_a_flat_picture_and_survives_tiny_ones() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 2)] {
            let data = vec![77; (width * height * 3) as usize];
            let mut picture = Rgb {
                width,
                height,
                data: data.clone(),
            };
            blur(&mut picture, 10);
            assert_eq!(picture.data, data);
        }
    }

    #[test]
    fn grey_pixels_have_three_equal_channels() {
        let mut picture = Rgb {
            width: 2,
            height: 1,
            data: vec![255, 0, 0, 10, 200, 30],
        };
        let mut half = picture.clone();
        to_grey(&mut picture, 100);
        assert_eq!(picture.data, [76, 76, 76, 124, 124, 124]);
        to_grey(&mut half, 50);
        assert_eq!(half.data, [166, 38, 38, 67, 162, 77]);
    }
}
