//! From a picture of any size to patches: scaled into the range of pixels, sides rounded to whole tokens.
//!
//! Reference: transformers' `models/qwen2_vl/image_processing_pil_qwen2_vl.py`.

use std::path::Path;

use serde::Deserialize;

use super::{config::VisionConfig, vision::in_blocks};
use crate::{
    image::{
        Rgb,
        resize::{Filter, resize},
    },
    model::{ModelError, PixelRange, Pixels},
    predict::image_settings::{self, CommonSettings, SampleTable},
};

/// The mean and deviation of each channel where the settings do not say them: CLIP's.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// The range of pixels where the settings do not say it.
const PIXELS: PixelRange = PixelRange {
    min: 56 * 56,
    max: 28 * 28 * 1280,
};

/// No picture is scaled to more; a larger number is a damaged file.
const MAX_PIXELS: u64 = 1 << 26;

/// A picture that is longer than this many times its shorter side is refused, as the reference does.
const MAX_ASPECT: f64 = 200.0;

/// The image settings of a checkpoint.
pub struct ImageProcessor {
    pixels: PixelRange,
    filter: Filter,
    samples: SampleTable,
    patch_size: usize,
    merge_size: usize,
    temporal_patch_size: usize,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(flatten)]
    common: CommonSettings,
    size: Option<Size>,
    min_pixels: Option<u64>,
    max_pixels: Option<u64>,
    patch_size: Option<usize>,
    merge_size: Option<usize>,
    temporal_patch_size: Option<usize>,
}

/// The range of pixels under its newer and its older names.
#[derive(Default, Deserialize)]
struct Size {
    shortest_edge: Option<u64>,
    longest_edge: Option<u64>,
    min_pixels: Option<u64>,
    max_pixels: Option<u64>,
}

impl Settings {
    /// The range that they say, if they say one.
    fn pixels(&self) -> Option<PixelRange> {
        let none = Size::default();
        let size = self.size.as_ref().unwrap_or(&none);
        let min = self.min_pixels.or(size.shortest_edge).or(size.min_pixels);
        let max = self.max_pixels.or(size.longest_edge).or(size.max_pixels);
        (min.is_some() || max.is_some()).then(|| PixelRange {
            min: min.unwrap_or(PIXELS.min),
            max: max.unwrap_or(PIXELS.max),
        })
    }
}

/// The range of pixels that the settings in a folder say; `None` if there are none.
///
/// # Errors
/// Settings that are not understood.
pub fn pixels_said_in(folder: &Path) -> Result<Option<PixelRange>, ModelError> {
    let settings = image_settings::read_if_present::<Settings>(folder)?;
    Ok(settings.and_then(|(settings, _)| settings.pixels()))
}

impl ImageProcessor {
    /// Reads the settings of a checkpoint's folder; `pixels` takes the place of its own range.
    ///
    /// # Errors
    /// No such file, a setting that is not supported, or patches of another size than the network takes.
    pub fn load(
        folder: &Path,
        vision: &VisionConfig,
        pixels: Option<PixelRange>,
    ) -> Result<Self, ModelError> {
        let (settings, path) = image_settings::read::<Settings>(folder)?;
        let refuse = |message: String| ModelError::Processor {
            path: path.clone(),
            message,
        };
        for (name, said, taken) in [
            ("patch_size", settings.patch_size, vision.patch_size),
            ("merge_size", settings.merge_size, vision.spatial_merge_size),
            (
                "temporal_patch_size",
                settings.temporal_patch_size,
                vision.temporal_patch_size,
            ),
        ] {
            if let Some(said) = said.filter(|said| *said != taken) {
                return Err(refuse(format!(
                    "its {name} is {said}, and the network of config.json takes {taken}"
                )));
            }
        }
        let pixels = pixels.or_else(|| settings.pixels()).unwrap_or(PIXELS);
        if pixels.min > pixels.max || !(1..=MAX_PIXELS).contains(&pixels.max) {
            return Err(refuse(format!(
                "images of {} to {} pixels are not supported; at most {MAX_PIXELS} are",
                pixels.min, pixels.max
            )));
        }
        Ok(Self {
            pixels,
            filter: settings.common.filter(Filter::Bicubic, &path)?,
            samples: settings.common.samples(MEAN, STD, &path)?,
            patch_size: vision.patch_size,
            merge_size: vision.spatial_merge_size,
            temporal_patch_size: vision.temporal_patch_size,
        })
    }

    /// The picture as f32 `[patches, 3 · frames · patch · patch]`, the patches of a token side by side.
    ///
    /// # Errors
    /// A picture that is far too long and thin.
    pub fn pixel_values(&self, picture: &Rgb) -> Result<Pixels, ModelError> {
        let factor = (self.patch_size * self.merge_size) as u32;
        let (width, height) = smart_resize(picture.width, picture.height, factor, self.pixels)?;
        let resized = resize(picture, width, height, self.filter);
        let patch = self.patch_size;
        let (rows, columns) = (height as usize / patch, width as usize / patch);
        let mut values = Vec::with_capacity(resized.data.len() * self.temporal_patch_size);
        for (row, column) in in_blocks(rows, columns, self.merge_size) {
            for (channel, table) in self.samples.iter().enumerate() {
                for _ in 0..self.temporal_patch_size {
                    for y in row * patch..(row + 1) * patch {
                        let line = (y * width as usize + column * patch) * 3;
                        let line = resized.data.get(line..line + patch * 3).unwrap_or_default();
                        let samples = line.iter().skip(channel).step_by(3);
                        values.extend(samples.map(|sample| table[usize::from(*sample)]));
                    }
                }
            }
        }
        let patch_values = 3 * self.temporal_patch_size * patch * patch;
        Ok(Pixels {
            values,
            shape: vec![rows * columns, patch_values],
            image_grid: Some([1, rows, columns]),
        })
    }
}

impl ImageProcessor {
    /// The picture that pixels of [`pixel_values`](Self::pixel_values) hold.
    pub fn picture(&self, pixels: &Pixels) -> Option<Rgb> {
        let [_, rows, columns] = pixels.image_grid?;
        let patch = self.patch_size;
        let (width, height) = (columns * patch, rows * patch);
        let mut data = vec![0; width * height * 3];
        let frame = patch * patch;
        let patches = pixels
            .values
            .chunks_exact(3 * self.temporal_patch_size * frame);
        for ((row, column), values) in in_blocks(rows, columns, self.merge_size).zip(patches) {
            for (channel, table) in self.samples.iter().enumerate() {
                // All frames of a still picture are the same.
                let first = channel * self.temporal_patch_size * frame;
                let lines = values.get(first..first + frame)?.chunks_exact(patch);
                for (y, line) in lines.enumerate() {
                    let start = ((row * patch + y) * width + column * patch) * 3 + channel;
                    let bytes = data.iter_mut().skip(start).step_by(3);
                    for (byte, value) in bytes.zip(line) {
                        *byte = image_settings::byte_of(table, *value);
                    }
                }
            }
        }
        Some(Rgb {
            width: u32::try_from(width).ok()?,
            height: u32::try_from(height).ok()?,
            data,
        })
    }
}

/// Width and height of whole tokens (multiples of `factor`), the pixels within the range, the proportions nearly kept.
fn smart_resize(
    width: u32,
    height: u32,
    factor: u32,
    pixels: PixelRange,
) -> Result<(u32, u32), ModelError> {
    let (w, h, factor) = (f64::from(width), f64::from(height), f64::from(factor));
    if w.min(h) < 1.0 || w.max(h) / w.min(h) > MAX_ASPECT {
        return Err(ModelError::Input(format!(
            "the image is {width} × {height} pixels, and this model takes none that is over {MAX_ASPECT} times longer \
             than it is wide"
        )));
    }
    let (min, max) = (pixels.min as f64, pixels.max as f64);
    let nearest = |side: f64| (side / factor).round_ties_even() * factor;
    let area = nearest(w) * nearest(h);
    let [w, h] = if area > max {
        let beta = (h * w / max).sqrt();
        [w, h].map(|side| ((side / beta / factor).floor() * factor).max(factor))
    } else if area < min {
        let beta = (min / (h * w)).sqrt();
        [w, h].map(|side| (side * beta / factor).ceil() * factor)
    } else {
        [w, h].map(nearest)
    };
    Ok((w as u32, h as u32))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_those_of_the_reference() {
        let published = PixelRange {
            min: 3136,
            max: 12_845_056,
        };
        let preset = PixelRange {
            min: 50_176,
            max: 200_704,
        };
        // transformers' smart_resize, as (width, height)
        let table = [
            ((200, 200), published, (196, 196)),
            ((42, 70), published, (56, 56)),   // 1.5 and 2.5 go to 2
            ((98, 98), published, (112, 112)), // 3.5 goes to 4
            ((10, 10), published, (56, 56)),
            ((640, 480), preset, (504, 364)),
            ((97, 33), preset, (392, 140)),
            ((4000, 20), preset, (4004, 28)),
        ];
        for ((width, height), pixels, expected) in table {
            let got = smart_resize(width, height, 28, pixels).unwrap();
            assert_eq!(got, expected, "{width} × {height}");
        }
        assert!(smart_resize(4001, 20, 28, preset).is_err());
        assert!(smart_resize(0, 20, 28, preset).is_err());
    }
}
