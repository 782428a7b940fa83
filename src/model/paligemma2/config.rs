//! `config.json` of a PaliGemma 2 checkpoint.

use std::path::Path;

use serde::Deserialize;

use crate::model::{
    ModelError,
    files::{read_json, read_json_if_present},
    gemma2, siglip,
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
    #[serde(default)]
    eos_token_id: Option<TokenIds>,
}

/// One id or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum TokenIds {
    One(u32),
    Several(Vec<u32>),
}

#[derive(Deserialize)]
struct GenerationConfig {
    eos_token_id: Option<TokenIds>,
}

impl Config {
    /// Reads the configuration of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or asks for what the network does not compute.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let mut config: Self = read_json(&folder.join("config.json"))?;
        config.vision_config.validate()?;
        config.text_config.validate()?;
        // What generation stops at is `generation_config.json`'s to say, if it is there.
        let generation: Option<GenerationConfig> =
            read_json_if_present(&folder.join("generation_config.json"))?;
        if let Some(eos) = generation.and_then(|generation| generation.eos_token_id) {
            config.eos_token_id = Some(eos);
        }
        Ok(config)
    }

    /// The ids that end an answer; Gemma's `<eos>` if nothing else is said.
    pub fn eos_ids(&self) -> Vec<u32> {
        match &self.eos_token_id {
            Some(TokenIds::One(id)) => vec![*id],
            Some(TokenIds::Several(ids)) if !ids.is_empty() => ids.clone(),
            _ => vec![1],
        }
    }
}
