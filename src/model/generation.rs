//! `generation_config.json`: what generation stops at.

use std::path::Path;

use serde::Deserialize;

use super::{ModelError, files::read_json_if_present};

/// One id or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TokenIds {
    /// One.
    One(u32),
    /// Several.
    Several(Vec<u32>),
}

#[derive(Deserialize)]
struct GenerationConfig {
    eos_token_id: Option<TokenIds>,
}

/// The ids that end an answer: `generation_config.json`'s if it names some, else those of `config.json`, else `default`.
///
/// # Errors
/// A file that is damaged.
pub fn eos_ids(
    folder: &Path,
    config: Option<TokenIds>,
    default: u32,
) -> Result<Vec<u32>, ModelError> {
    let generation: Option<GenerationConfig> =
        read_json_if_present(&folder.join("generation_config.json"))?;
    let ids = match generation.and_then(|g| g.eos_token_id).or(config) {
        Some(TokenIds::One(id)) => vec![id],
        Some(TokenIds::Several(ids)) => ids,
        None => Vec::new(),
    };
    Ok(if ids.is_empty() { vec![default] } else { ids })
}
