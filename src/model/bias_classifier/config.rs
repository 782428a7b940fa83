//! `config.json` of the classifier, and the settings of its two encoders.

use std::path::{Path, PathBuf};

use candle_transformers::models::bert;
use serde::Deserialize;

use super::encoders;
use crate::model::{ModelError, files::read_json};

/// How the two projections become one vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// Side by side.
    Concat,
    /// Multiplied element by element.
    Align,
    /// The same as `Align`: the published code knows two ways, and takes this name for the second.
    CosineSimilarity,
}

/// `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Where BERT's settings and vocabulary are: a folder or a Hub id.
    pub text_encoder_id_or_path: String,
    /// Where ResNet's settings are: a folder or a Hub id.
    pub image_encoder_id_or_path: String,
    /// The length of both projections.
    pub projection_dim: usize,
    /// How they are fused.
    pub fusion_method: Fusion,
    #[serde(default = "one")]
    num_classes: usize,
    /// Width and height of the image, in pixels.
    #[serde(default = "image_size")]
    pub image_size: u32,
    /// How many tokens a text is cut or filled up to.
    #[serde(default = "max_length")]
    pub max_length: usize,
}

fn one() -> usize {
    1
}

fn image_size() -> u32 {
    224
}

fn max_length() -> usize {
    512
}

/// No side of an image is longer; a larger number is a damaged file.
const MAX_SIDE_PX: u32 = 4096;

impl Config {
    /// Reads `config.json` of a model's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or a setting that is not supported.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let config: Self = read_json(&folder.join("config.json"))?;
        if config.num_classes != 1 {
            return Err(unsupported(
                "num_classes",
                &config.num_classes,
                "one class, “biased”, is",
            ));
        }
        if !(32..=MAX_SIDE_PX).contains(&config.image_size) {
            return Err(unsupported(
                "image_size",
                &config.image_size,
                "32 to 4096 are",
            ));
        }
        if config.max_length < 3 {
            return Err(unsupported(
                "max_length",
                &config.max_length,
                "3 and more are",
            ));
        }
        Ok(config)
    }

    /// BERT's settings.
    ///
    /// # Errors
    /// They are nowhere, damaged, or ask for what is not supported.
    pub fn text_encoder(&self, folder: &Path) -> Result<bert::Config, ModelError> {
        let config = match encoders::text_config(folder, &self.text_encoder_id_or_path)? {
            Some(path) => read_json(&path)?,
            None => bert::Config::default(),
        };
        if config.num_attention_heads == 0
            || !config
                .hidden_size
                .is_multiple_of(config.num_attention_heads)
        {
            return Err(unsupported(
                "num_attention_heads",
                &config.num_attention_heads,
                "it must divide hidden_size",
            ));
        }
        if config.max_position_embeddings < self.max_length {
            return Err(unsupported(
                "max_length",
                &self.max_length,
                "the text encoder has fewer positions",
            ));
        }
        Ok(config)
    }

    /// ResNet's settings.
    ///
    /// # Errors
    /// They are nowhere, damaged, or ask for what is not supported.
    pub fn image_encoder(&self, folder: &Path) -> Result<ResNetConfig, ModelError> {
        let config = match encoders::image_config(folder, &self.image_encoder_id_or_path)? {
            Some(path) => read_json(&path)?,
            None => ResNetConfig::default(),
        };
        config.validate()?;
        Ok(config)
    }
}

/// ResNet's `config.json`. The defaults are ResNet-34's.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ResNetConfig {
    /// Channels of the stem.
    pub embedding_size: usize,
    /// Channels of each stage.
    pub hidden_sizes: Vec<usize>,
    /// Layers of each stage.
    pub depths: Vec<usize>,
    /// Whether the first stage halves the picture, too.
    pub downsample_in_first_stage: bool,
    layer_type: String,
    hidden_act: String,
    num_channels: usize,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self {
            embedding_size: 64,
            hidden_sizes: vec![64, 128, 256, 512],
            depths: vec![3, 4, 6, 3],
            downsample_in_first_stage: false,
            layer_type: "basic".to_owned(),
            hidden_act: "relu".to_owned(),
            num_channels: 3,
        }
    }
}

impl ResNetConfig {
    /// Refuses by name what the network does not compute.
    fn validate(&self) -> Result<(), ModelError> {
        if self.layer_type != "basic" {
            return Err(unsupported("layer_type", &self.layer_type, "basic is"));
        }
        if self.hidden_act != "relu" {
            return Err(unsupported("hidden_act", &self.hidden_act, "relu is"));
        }
        if self.num_channels != 3 {
            return Err(unsupported("num_channels", &self.num_channels, "3 are"));
        }
        if self.hidden_sizes.len() != self.depths.len() || self.depths.is_empty() {
            let depths = format!("{:?}", self.depths);
            return Err(unsupported(
                "depths",
                &depths,
                "one for each of hidden_sizes is",
            ));
        }
        Ok(())
    }

    /// The channels that come out.
    pub fn channels(&self) -> usize {
        self.hidden_sizes.last().copied().unwrap_or_default()
    }
}

fn unsupported(key: &'static str, value: &impl ToString, reason: &'static str) -> ModelError {
    ModelError::UnsupportedConfig {
        key,
        value: value.to_string(),
        reason,
    }
}

/// The path of `config.json`, for messages.
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join("config.json")
}
