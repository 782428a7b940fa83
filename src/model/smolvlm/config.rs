//! `config.json` of an Idefics3 or SmolVLM checkpoint. What is missing in it are transformers' defaults.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{
    ModelError, decoder,
    files::read_json,
    generation::{self, TokenIds},
    siglip,
    text_config::{TextConfig, require, with_defaults},
};

/// `<end_of_utterance>` of SmolVLM's published vocabulary.
const EOS_ID: u32 = 49_279;

/// The configuration of all parts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The image tower.
    pub vision: siglip::Config,
    /// The language model.
    pub text: decoder::Config,
    /// The base of the text's rotary frequencies.
    pub rope_theta: f64,
    /// Width and height of a token, in patches.
    pub scale_factor: usize,
    /// The id of the tokens that image features take the place of.
    pub image_token_id: u32,
    /// The ids that end an answer.
    pub eos_ids: Vec<u32>,
}

/// The keys beside the parts.
#[derive(Deserialize)]
struct Outer {
    #[serde(default)]
    vision_config: Value,
    text_config: Value,
    #[serde(default = "two")]
    scale_factor: usize,
    #[serde(default = "idefics3_image_id")]
    image_token_id: u32,
    #[serde(default)]
    tie_word_embeddings: bool,
    eos_token_id: Option<TokenIds>,
}

fn two() -> usize {
    2
}

fn idefics3_image_id() -> u32 {
    128_257
}

/// The keys of Llama that would change what the decoder computes.
#[derive(Deserialize)]
struct Llama {
    #[serde(flatten)]
    shared: TextConfig,
    model_type: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

impl Llama {
    fn validate(&self) -> Result<(), ModelError> {
        require(
            self.model_type == "llama",
            "text_config.model_type",
            &self.model_type,
            "llama is",
        )?;
        for (key, bias) in [
            ("text_config.attention_bias", self.attention_bias),
            ("text_config.mlp_bias", self.mlp_bias),
        ] {
            require(!bias, key, &bias, "false is")?;
        }
        self.shared.validate()?;
        self.shared.rope().require_kind(None)
    }
}

impl Config {
    /// Reads the configuration of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or asks for what the network does not compute.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let damaged = |source| ModelError::Json {
            path: path.clone(),
            source,
        };
        let outer: Outer = read_json(&path)?;
        let vision = match outer.vision_config {
            Value::Null => json!({}),
            given => given,
        };
        let vision = with_defaults(
            vision,
            &[
                ("hidden_size", json!(1152)),
                ("num_attention_heads", json!(16)),
                ("patch_size", json!(32)),
            ],
        );
        let vision: siglip::Config = serde_json::from_value(vision).map_err(damaged)?;
        let text = with_defaults(
            outer.text_config,
            &[
                ("model_type", json!("llama")),
                ("vocab_size", json!(32_000)),
                ("hidden_size", json!(4096)),
                ("intermediate_size", json!(11_008)),
                ("num_hidden_layers", json!(32)),
                ("num_attention_heads", json!(32)),
                ("rms_norm_eps", json!(1e-6)),
            ],
        );
        let text: Llama = serde_json::from_value(text).map_err(damaged)?;
        vision.validate()?;
        text.validate()?;
        let text = text.shared;
        require(
            outer.scale_factor > 0 && vision.patches_per_side().is_multiple_of(outer.scale_factor),
            "scale_factor",
            &outer.scale_factor,
            "a divisor of the patches along a side is",
        )?;
        let eos_ids = outer.eos_token_id.or(text.eos_token_id.clone());
        Ok(Self {
            vision,
            rope_theta: text.rope().rope_theta.unwrap_or(10_000.0),
            text: text.dimensions(false, outer.tie_word_embeddings),
            scale_factor: outer.scale_factor,
            image_token_id: outer.image_token_id,
            eos_ids: generation::eos_ids(folder, eos_ids, EOS_ID)?,
        })
    }

    /// The tokens of a tile `side` pixels wide and high; `None` if its patches do not make whole tokens.
    pub fn tokens_of_a_tile(&self, side: usize) -> Option<usize> {
        let patches = side / self.vision.patch_size;
        let whole = patches > 0 && patches.is_multiple_of(self.scale_factor);
        whole.then(|| (patches / self.scale_factor).pow(2))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn load(config: &Value) -> Result<Config, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        Config::load(folder.path())
    }

    #[test]
    fn a_published_configuration_leaves_out_what_was_the_default() {
        let config = load(&json!({
            "model_type": "idefics3", "image_token_id": 49153, "scale_factor": 3,
            "text_config": {
                "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "head_dim": 64,
                "rms_norm_eps": 1e-5, "rope_theta": 273_768.0, "vocab_size": 49155,
            },
            "vision_config": { "image_size": 384, "intermediate_size": 4304, "num_hidden_layers": 27, "patch_size": 14 },
        }))
        .unwrap();
        assert_eq!(config.text.num_attention_heads, 32);
        assert_eq!(config.text.num_key_value_heads, 32);
        assert!(!config.text.tie_word_embeddings);
        assert_eq!(config.vision.hidden_size, 1152);
        assert_eq!(config.vision.num_attention_heads, 16);
        assert_eq!(config.tokens_of_a_tile(384), Some(81));
        assert_eq!(config.tokens_of_a_tile(32), None);
        assert_eq!(config.eos_ids, [EOS_ID]);
    }

    #[test]
    fn what_the_network_does_not_compute_is_refused_by_its_key() {
        let with = |key: &str, value: Value| {
            let mut text = json!({ "hidden_size": 64, "num_attention_heads": 4 });
            text[key] = value;
            load(
                &json!({ "text_config": text, "vision_config": { "image_size": 64, "patch_size": 16 } }),
            )
        };
        assert!(with("head_dim", json!(16)).is_ok());
        for (key, value, named) in [
            ("model_type", json!("mistral"), "text_config.model_type"),
            ("attention_bias", json!(true), "text_config.attention_bias"),
            ("mlp_bias", json!(true), "text_config.mlp_bias"),
            ("head_dim", json!(32), "head_dim"),
            ("hidden_act", json!("gelu"), "hidden_act"),
            ("num_key_value_heads", json!(3), "num_key_value_heads"),
            (
                "rope_scaling",
                json!({ "rope_type": "llama3" }),
                "rope_scaling.type",
            ),
        ] {
            let message = with(key, value).unwrap_err().to_string();
            assert!(message.contains(named), "{key}: {message}");
        }
    }
}
