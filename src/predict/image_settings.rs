//! The image settings of a checkpoint that all families have: where they stand, the filter, and what a sample becomes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    image::{Rgb, resize::Filter},
    model::{ModelError, files::read_json_if_present},
};

/// By channel: what each 8-bit sample becomes.
pub type SampleTable = [[f32; 256]; 3];

/// The settings that every family's image processor knows.
#[derive(Clone, Debug, Deserialize)]
pub struct CommonSettings {
    /// PIL's number of the filter.
    resample: Option<u8>,
    #[serde(default = "yes")]
    do_resize: bool,
    #[serde(default = "yes")]
    do_rescale: bool,
    #[serde(default = "one_255th")]
    rescale_factor: f64,
    #[serde(default = "yes")]
    do_normalize: bool,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
}

#[derive(Deserialize)]
struct ProcessorConfig<T> {
    image_processor: Option<T>,
}

fn yes() -> bool {
    true
}

fn one_255th() -> f64 {
    1.0 / 255.0
}

/// Reads the settings of a checkpoint's folder, and says which file they stand in.
///
/// # Errors
/// No such file, or one that is not understood.
pub fn read<T: DeserializeOwned>(folder: &Path) -> Result<(T, PathBuf), ModelError> {
    read_if_present(folder)?.ok_or_else(|| ModelError::Processor {
        path: folder.join("preprocessor_config.json"),
        message: "it is not there, so the image size is unknown; download the model again"
            .to_owned(),
    })
}

/// The settings in a folder, if there are some, and which file they stand in. As in transformers, `processor_config.json` (its
/// `image_processor`) comes before `preprocessor_config.json`.
///
/// # Errors
/// A file that is not understood.
pub fn read_if_present<T: DeserializeOwned>(
    folder: &Path,
) -> Result<Option<(T, PathBuf)>, ModelError> {
    let path = folder.join("processor_config.json");
    let nested: Option<ProcessorConfig<T>> = read_json_if_present(&path)?;
    if let Some(settings) = nested.and_then(|config| config.image_processor) {
        return Ok(Some((settings, path)));
    }
    let path = folder.join("preprocessor_config.json");
    let settings = read_json_if_present(&path)?;
    Ok(settings.map(|settings| (settings, path)))
}

impl CommonSettings {
    /// The filter to resize with; `default` is the family's, for settings that do not say it.
    ///
    /// # Errors
    /// A filter that is not supported, or no resizing at all.
    pub fn filter(&self, default: Filter, path: &Path) -> Result<Filter, ModelError> {
        if !self.do_resize {
            return Err(unsupported(
                path,
                "do_resize = false is not supported".to_owned(),
            ));
        }
        match self.resample {
            None => Ok(default),
            Some(1) => Ok(Filter::Lanczos),
            Some(2) => Ok(Filter::Bilinear),
            Some(3) => Ok(Filter::Bicubic),
            Some(other) => Err(unsupported(
                path,
                format!(
                    "resample = {other} is not supported; 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are"
                ),
            )),
        }
    }

    /// What samples become; `mean` and `std` are the family's, for settings that do not say them.
    ///
    /// # Errors
    /// A standard deviation that is not positive.
    pub fn samples(
        &self,
        mean: [f32; 3],
        std: [f32; 3],
        path: &Path,
    ) -> Result<SampleTable, ModelError> {
        let factor = if self.do_rescale {
            self.rescale_factor
        } else {
            1.0
        };
        let (mean, std) = if self.do_normalize {
            (
                self.image_mean.unwrap_or(mean),
                self.image_std.unwrap_or(std),
            )
        } else {
            ([0.0; 3], [1.0; 3])
        };
        if std.iter().any(|v| *v <= 0.0) {
            return Err(unsupported(path, format!("its image_std is {std:?}")));
        }
        // Rescaled in f64, rounded to f32 and then normalised, as transformers does.
        Ok([0, 1, 2].map(|channel| {
            std::array::from_fn(|sample| {
                ((sample as f64 * factor) as f32 - mean[channel]) / std[channel]
            })
        }))
    }
}

/// The byte whose sample comes nearest to a value: the way back from what a network gets.
pub fn byte_of(table: &[f32; 256], value: f32) -> u8 {
    // Tables rise with the byte, as deviations are positive.
    let above = table.partition_point(|sample| *sample < value);
    let nearer = |byte: usize| table.get(byte).map_or(f32::INFINITY, |s| (s - value).abs());
    let byte = if above > 0 && nearer(above - 1) <= nearer(above) {
        above - 1
    } else {
        above
    };
    byte.min(255) as u8
}

/// The picture of planes `[3, height, width]`; `None` if there are not as many values.
pub fn picture_of(
    samples: &SampleTable,
    planes: &[f32],
    width: usize,
    height: usize,
) -> Option<Rgb> {
    let plane = width * height;
    let mut data = vec![0; plane * 3];
    for (channel, table) in samples.iter().enumerate() {
        let values = planes.get(channel * plane..(channel + 1) * plane)?;
        let bytes = data.iter_mut().skip(channel).step_by(3);
        for (byte, value) in bytes.zip(values) {
            *byte = byte_of(table, *value);
        }
    }
    Some(Rgb {
        width: u32::try_from(width).ok()?,
        height: u32::try_from(height).ok()?,
        data,
    })
}

fn unsupported(path: &Path, message: String) -> ModelError {
    ModelError::Processor {
        path: path.to_owned(),
        message,
    }
}
