//! From a picture to `pixel_values`: resampled, rescaled and normalised by the checkpoint's own settings.

use std::path::Path;

use serde::Deserialize;

use super::image_settings::{self, CommonSettings, SampleTable};
use crate::{
    image::{
        Rgb,
        resize::{Filter, resize},
    },
    model::{ModelError, Pixels},
};

/// The image settings of a checkpoint (`SiglipImageProcessor` and its like: one fixed size).
#[derive(Clone, Debug)]
pub struct ImageProcessor {
    width: u32,
    height: u32,
    filter: Filter,
    samples: SampleTable,
    seq_length: Option<usize>,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(flatten)]
    common: CommonSettings,
    size: Size,
    image_seq_length: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Square(u32),
    Sides { height: u32, width: u32 },
}

/// The mean and deviation of each channel where the settings do not say them.
const HALF: [f32; 3] = [0.5; 3];

/// No side of a model's input is longer; a larger number is a damaged file.
const MAX_SIDE_PX: u32 = 4096;

impl ImageProcessor {
    /// Reads the settings of a checkpoint's folder.
    ///
    /// # Errors
    /// No such file, or a setting that is not supported.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let (settings, path) = image_settings::read::<Settings>(folder)?;
        let (height, width) = match settings.size {
            Size::Square(side) => (side, side),
            Size::Sides { height, width } => (height, width),
        };
        if !(1..=MAX_SIDE_PX).contains(&width) || !(1..=MAX_SIDE_PX).contains(&height) {
            return Err(ModelError::Processor {
                path,
                message: format!("its image size is {width} × {height}"),
            });
        }
        Ok(Self {
            width,
            height,
            filter: settings.common.filter(Filter::Bicubic, &path)?,
            samples: settings.common.samples(HALF, HALF, &path)?,
            seq_length: settings.image_seq_length,
        })
    }

    /// Settings that a family's reference has in its code: one size, one filter, what samples become.
    pub fn square(side_px: u32, filter: Filter, samples: SampleTable) -> Self {
        Self {
            width: side_px,
            height: side_px,
            filter,
            samples,
            seq_length: None,
        }
    }

    /// How many image tokens the settings ask for, if they say so.
    pub fn seq_length(&self) -> Option<usize> {
        self.seq_length
    }

    /// The picture that pixels of [`pixel_values`](Self::pixel_values) hold.
    pub fn picture(&self, pixels: &Pixels) -> Option<Rgb> {
        let (width, height) = (self.width as usize, self.height as usize);
        image_settings::picture_of(&self.samples, &pixels.values, width, height)
    }

    /// The picture as f32, `[1, 3, height, width]`.
    pub fn pixel_values(&self, picture: &Rgb) -> Pixels {
        let resized = resize(picture, self.width, self.height, self.filter);
        let mut values = Vec::with_capacity(resized.data.len());
        for (channel, table) in self.samples.iter().enumerate() {
            let samples = resized.data.iter().skip(channel).step_by(3);
            values.extend(samples.map(|sample| table[usize::from(*sample)]));
        }
        Pixels {
            values,
            shape: vec![1, 3, self.height as usize, self.width as usize],
            image_grid: None,
        }
    }
}
