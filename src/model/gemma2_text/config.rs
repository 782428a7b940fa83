//! `config.json` of a Gemma 2 checkpoint without images: the decoder's keys, at the top.

use std::path::Path;

use serde::Deserialize;

use crate::{
    model::{
        ModelError,
        files::read_json,
        gemma2,
        generation::{self, TokenIds},
    },
    predict::tokenizer::TextTokenizer,
};

/// The configuration of the decoder, and what ends an answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// The decoder.
    #[serde(flatten)]
    pub decoder: gemma2::Config,
    eos_token_id: Option<TokenIds>,
    use_bidirectional_attention: Option<bool>,
    #[serde(skip)]
    eos_ids: Vec<u32>,
}

/// Gemma's `<eos>`.
const EOS_ID: u32 = 1;

/// What ends a turn of a conversation, and so an answer.
pub(super) const END_OF_TURN: &str = "<end_of_turn>";

impl Config {
    /// Reads the configuration of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or asks for what the network does not compute.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let mut config: Self = read_json(&folder.join("config.json"))?;
        config.decoder.validate()?;
        if config.use_bidirectional_attention == Some(true) {
            return Err(ModelError::UnsupportedConfig {
                key: "use_bidirectional_attention",
                value: "true".to_owned(),
                reason: "false is",
            });
        }
        config.eos_ids = generation::eos_ids(folder, config.eos_token_id.clone(), EOS_ID)?;
        // Files that name several ids name the end of a turn; a merged checkpoint may have lost it.
        if config.eos_ids.len() == 1 {
            let end_of_turn = TextTokenizer::load(folder)?.id(END_OF_TURN)?;
            if !config.eos_ids.contains(&end_of_turn) {
                config.eos_ids.push(end_of_turn);
            }
        }
        Ok(config)
    }

    /// The ids that end an answer.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }
}
