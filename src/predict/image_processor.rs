//! From a picture to `pixel_values`: resampled, rescaled and normalised by the checkpoint's own settings.

use std::path::Path;

use serde::Deserialize;

use crate::{
    image::{
        Rgb,
        resize::{Filter, resize},
    },
    model::{ModelError, Pixels, files::read_json_if_present},
};

/// The image settings of a checkpoint (`SiglipImageProcessor` and its like: one fixed size).
#[derive(Clone, Debug)]
pub struct ImageProcessor {
    width: u32,
    height: u32,
    filter: Filter,
    /// By channel: what each 8-bit sample becomes.
    values: [[f32; 256]; 3],
    seq_length: Option<usize>,
}

/// `preprocessor_config.json`, or `image_processor` in `processor_config.json`.
#[derive(Deserialize)]
struct Settings {
    size: Size,
    /// PIL's number of the filter.
    #[serde(default = "bicubic")]
    resample: u8,
    #[serde(default = "yes")]
    do_resize: bool,
    #[serde(default = "yes")]
    do_rescale: bool,
    #[serde(default = "one_255th")]
    rescale_factor: f64,
    #[serde(default = "yes")]
    do_normalize: bool,
    #[serde(default = "half")]
    image_mean: [f32; 3],
    #[serde(default = "half")]
    image_std: [f32; 3],
    image_seq_length: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Square(u32),
    Sides { height: u32, width: u32 },
}

#[derive(Deserialize)]
struct ProcessorConfig {
    image_processor: Option<Settings>,
}

fn bicubic() -> u8 {
    3
}

fn yes() -> bool {
    true
}

fn one_255th() -> f64 {
    1.0 / 255.0
}

fn half() -> [f32; 3] {
    [0.5; 3]
}

/// No side of a model's input is longer; a larger number is a damaged file.
const MAX_SIDE_PX: u32 = 4096;

impl ImageProcessor {
    /// Reads the settings of a checkpoint's folder. As in transformers, `processor_config.json` comes before
    /// `preprocessor_config.json`.
    ///
    /// # Errors
    /// No such file, or a setting that is not supported.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let nested_path = folder.join("processor_config.json");
        let nested: Option<ProcessorConfig> = read_json_if_present(&nested_path)?;
        if let Some(settings) = nested.and_then(|config| config.image_processor) {
            return Self::new(&settings, &nested_path);
        }
        let path = folder.join("preprocessor_config.json");
        match read_json_if_present::<Settings>(&path)? {
            Some(settings) => Self::new(&settings, &path),
            None => Err(ModelError::Processor {
                path,
                message: "it is not there, so the image size is unknown; download the model again"
                    .to_owned(),
            }),
        }
    }

    fn new(settings: &Settings, path: &Path) -> Result<Self, ModelError> {
        let unsupported = |message: String| ModelError::Processor {
            path: path.to_owned(),
            message,
        };
        let (height, width) = match settings.size {
            Size::Square(side) => (side, side),
            Size::Sides { height, width } => (height, width),
        };
        if !(1..=MAX_SIDE_PX).contains(&width) || !(1..=MAX_SIDE_PX).contains(&height) {
            return Err(unsupported(format!("its image size is {width} × {height}")));
        }
        if !settings.do_resize {
            return Err(unsupported("do_resize = false is not supported".to_owned()));
        }
        let filter = match settings.resample {
            1 => Filter::Lanczos,
            2 => Filter::Bilinear,
            3 => Filter::Bicubic,
            other => {
                return Err(unsupported(format!(
                    "resample = {other} is not supported; 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are"
                )));
            }
        };
        let factor = if settings.do_rescale {
            settings.rescale_factor
        } else {
            1.0
        };
        let (mean, std) = if settings.do_normalize {
            (settings.image_mean, settings.image_std)
        } else {
            ([0.0; 3], [1.0; 3])
        };
        if std.iter().any(|v| *v <= 0.0) {
            return Err(unsupported(format!("its image_std is {std:?}")));
        }
        // Rescaled in f64, rounded to f32 and then normalised, as transformers does.
        let values = [0, 1, 2].map(|channel| {
            std::array::from_fn(|sample| {
                ((sample as f64 * factor) as f32 - mean[channel]) / std[channel]
            })
        });
        Ok(Self {
            width,
            height,
            filter,
            values,
            seq_length: settings.image_seq_length,
        })
    }

    /// How many image tokens the settings ask for, if they say so.
    pub fn seq_length(&self) -> Option<usize> {
        self.seq_length
    }

    /// The picture as f32, `[1, 3, height, width]`.
    pub fn pixel_values(&self, picture: &Rgb) -> Pixels {
        let resized = resize(picture, self.width, self.height, self.filter);
        let mut values = Vec::with_capacity(resized.data.len());
        for (channel, table) in self.values.iter().enumerate() {
            let samples = resized.data.iter().skip(channel).step_by(3);
            values.extend(samples.map(|sample| table[usize::from(*sample)]));
        }
        Pixels {
            values,
            shape: vec![1, 3, self.height as usize, self.width as usize],
        }
    }
}
