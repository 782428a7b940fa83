//! What the configurations of the decoders have in common, in the names of all versions of transformers.

use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;

use super::{ModelError, decoder, generation::TokenIds};

/// The keys of a decoder that [`decoder::Decoder`] computes: Llama, Qwen2 and their like.
#[derive(Clone, Debug, Deserialize)]
pub struct TextConfig {
    vocab_size: usize,
    /// The size of a token's vector.
    pub hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: f64,
    #[serde(default = "silu")]
    hidden_act: String,
    #[serde(default)]
    tie_word_embeddings: bool,
    rope_theta: Option<f64>,
    rope_parameters: Option<Rope>,
    rope_scaling: Option<Rope>,
    /// The ids that end an answer, if they stand here.
    pub eos_token_id: Option<TokenIds>,
}

fn silu() -> String {
    "silu".to_owned()
}

/// `rope_parameters`, or `rope_scaling` as it was called before transformers 5.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Rope {
    /// The base of the rotary frequencies.
    pub rope_theta: Option<f64>,
    /// How many of the frequencies turn by time, by row and by column.
    pub mrope_section: Option<[usize; 3]>,
    rope_type: Option<String>,
    #[serde(rename = "type")]
    old_type: Option<String>,
}

impl Rope {
    /// Refuses kinds other than the plain one and `also`.
    ///
    /// # Errors
    /// A kind by which positions are scaled.
    pub fn require_kind(&self, also: Option<&'static str>) -> Result<(), ModelError> {
        let kind = self.rope_type.as_deref().or(self.old_type.as_deref());
        let kind = kind.unwrap_or("default");
        require(
            kind == "default" || Some(kind) == also,
            "rope_scaling.type",
            &kind,
            also.unwrap_or("default"),
        )
    }
}

impl TextConfig {
    /// Refuses by name what the decoder does not compute.
    ///
    /// # Errors
    /// Another activation, or heads that do not fit.
    pub fn validate(&self) -> Result<(), ModelError> {
        let heads = self.num_attention_heads;
        require(
            self.hidden_act == "silu",
            "hidden_act",
            &self.hidden_act,
            "silu is",
        )?;
        require(
            heads > 0
                && self.hidden_size.is_multiple_of(heads)
                && (self.hidden_size / heads).is_multiple_of(2),
            "num_attention_heads",
            &heads,
            "a head's size must be even",
        )?;
        require(
            self.head_dim
                .is_none_or(|dim| dim == self.hidden_size / heads),
            "head_dim",
            &self.head_dim.unwrap_or_default(),
            "hidden_size / num_attention_heads is",
        )?;
        let shared = self.num_key_value_heads.unwrap_or(heads);
        require(
            shared > 0 && heads.is_multiple_of(shared),
            "num_key_value_heads",
            &shared,
            "it must divide num_attention_heads",
        )
    }

    /// What is said of the rotary positions.
    pub fn rope(&self) -> Rope {
        let rope = self.rope_scaling.as_ref().or(self.rope_parameters.as_ref());
        Rope {
            rope_theta: rope.and_then(|rope| rope.rope_theta).or(self.rope_theta),
            ..rope.cloned().unwrap_or_default()
        }
    }

    /// The decoder's dimensions. `tied`: what stands outside of the text's part about its head.
    pub fn dimensions(&self, qkv_bias: bool, tied: bool) -> decoder::Config {
        decoder::Config {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            rms_norm_eps: self.rms_norm_eps,
            qkv_bias,
            tie_word_embeddings: tied || self.tie_word_embeddings,
        }
    }
}

/// Refuses a configuration by its key unless something holds; `reason` says what is supported.
///
/// # Errors
/// It does not hold.
pub fn require(
    holds: bool,
    key: &'static str,
    value: &dyn Display,
    reason: &'static str,
) -> Result<(), ModelError> {
    if holds {
        return Ok(());
    }
    Err(ModelError::UnsupportedConfig {
        key,
        value: value.to_string(),
        reason,
    })
}

/// A part of a configuration with the keys that were left out of the file, since they were the defaults of their time.
pub fn with_defaults(part: Value, defaults: &[(&str, Value)]) -> Value {
    let mut part = match part {
        Value::Object(part) => part,
        other => return other,
    };
    for (key, default) in defaults {
        part.entry(*key).or_insert_with(|| default.clone());
    }
    Value::Object(part)
}
