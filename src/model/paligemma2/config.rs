//! `config.json` of a PaliGemma 2 checkpoint.

use std::path::Path;

use serde::Deserialize;

use crate::model::{
    ModelError,
    files::read_json,
    gemma2,
    generation::{self, TokenIds},
    siglip,
};

/// The configuration of all parts.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// The image tower.
    pub vision_config: siglip::Config,
    /// The language model.
    pub text_config: gemma2::Config,
    /// The id of the tokens that image features take the place of.
    #[serde(alias = "image_token_id")]
    pub image_token_index: u32,
    eos_token_id: Option<TokenIds>,
    #[serde(skip)]
    eos_ids: Vec<u32>,
}

/// Gemma's `<eos>`.
const EOS_ID: u32 = 1;

impl Config {
    /// Reads the configuration of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or asks for what the network does not compute.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let mut config: Self = read_json(&folder.join("config.json"))?;
        config.vision_config.validate()?;
        config.text_config.validate()?;
        config.eos_ids = generation::eos_ids(folder, config.eos_token_id.clone(), EOS_ID)?;
        Ok(config)
    }

    /// The ids that end an answer.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }
}
