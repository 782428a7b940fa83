//! Gemma 2's configuration, as `config.json` writes it before and after transformers 5.

use serde::Deserialize;
use serde_json::Value;

use crate::model::ModelError;

/// `text_config`. Published checkpoints leave out most keys; defaults are those of transformers' `Gemma2Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// The size of a token's vector.
    pub hidden_size: usize,
    /// The inner size of the feed-forward part.
    pub intermediate_size: usize,
    /// How many layers there are.
    pub num_hidden_layers: usize,
    /// Heads of the queries.
    pub num_attention_heads: usize,
    /// Heads of the keys and values.
    pub num_key_value_heads: usize,
    /// The size of a head.
    pub head_dim: usize,
    /// The activation of the feed-forward part.
    pub hidden_activation: Option<String>,
    /// The norms' epsilon.
    pub rms_norm_eps: f64,
    /// Scores are divided by the square root of this.
    pub query_pre_attn_scalar: f64,
    /// How far a sliding layer looks back, in tokens, the token itself included.
    pub sliding_window: Option<usize>,
    /// Which layers slide; by default every other one, from the first.
    pub layer_types: Option<Vec<LayerType>>,
    /// The cap of the attention scores.
    pub attn_logit_softcapping: Option<f64>,
    /// The cap of the logits.
    pub final_logit_softcapping: Option<f64>,
    /// Whether the head is the embedding.
    pub tie_word_embeddings: bool,
    attention_bias: bool,
    rope_theta: Option<f64>,
    rope_scaling: Option<Value>,
    rope_parameters: Option<RopeParameters>,
}

/// What a layer's tokens see.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerType {
    /// All tokens before them.
    FullAttention,
    /// The tokens of the sliding window.
    SlidingAttention,
}

/// How transformers 5 writes the rotary embedding.
#[derive(Clone, Debug, Deserialize)]
struct RopeParameters {
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_type: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vocab_size: 256_000,
            hidden_size: 2304,
            intermediate_size: 9216,
            num_hidden_layers: 26,
            num_attention_heads: 8,
            num_key_value_heads: 4,
            head_dim: 256,
            hidden_activation: None,
            rms_norm_eps: 1e-6,
            query_pre_attn_scalar: 256.0,
            sliding_window: Some(4096),
            layer_types: None,
            attn_logit_softcapping: Some(50.0),
            final_logit_softcapping: Some(30.0),
            tie_word_embeddings: true,
            attention_bias: false,
            rope_theta: None,
            rope_scaling: None,
            rope_parameters: None,
        }
    }
}

impl Config {
    /// The base of the rotary frequencies.
    pub fn rope_theta(&self) -> f64 {
        let parameters = self.rope_parameters.as_ref().and_then(|p| p.rope_theta);
        parameters.or(self.rope_theta).unwrap_or(10_000.0)
    }

    /// What the tokens of a layer see.
    pub fn layer_type(&self, layer: usize) -> LayerType {
        let alternating = if layer.is_multiple_of(2) {
            LayerType::SlidingAttention
        } else {
            LayerType::FullAttention
        };
        match &self.layer_types {
            Some(types) => types.get(layer).copied().unwrap_or(alternating),
            None => alternating,
        }
    }

    /// Refuses by name what the network does not compute.
    pub fn validate(&self) -> Result<(), ModelError> {
        let unsupported =
            |key, value: String, reason| Err(ModelError::UnsupportedConfig { key, value, reason });
        if let Some(activation) = self.hidden_activation.as_deref()
            && activation != "gelu_pytorch_tanh"
        {
            let key = "hidden_activation";
            return unsupported(key, activation.to_owned(), "gelu_pytorch_tanh is");
        }
        if self.attention_bias {
            let reason = "attention has no biases here";
            return unsupported("attention_bias", "true".to_owned(), reason);
        }
        let rope_type = self
            .rope_parameters
            .as_ref()
            .and_then(|p| p.rope_type.as_deref());
        if let Some(rope_type) = rope_type.filter(|t| *t != "default") {
            let key = "rope_parameters.rope_type";
            return unsupported(key, rope_type.to_owned(), "default is");
        }
        if let Some(scaling) = &self.rope_scaling {
            return unsupported("rope_scaling", scaling.to_string(), "null is");
        }
        let (heads, shared) = (self.num_attention_heads, self.num_key_value_heads);
        if shared == 0 || heads == 0 || !heads.is_multiple_of(shared) {
            let key = "num_key_value_heads";
            return unsupported(
                key,
                shared.to_string(),
                "it must divide num_attention_heads",
            );
        }
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(2) {
            let value = self.head_dim.to_string();
            return unsupported("head_dim", value, "an even number is");
        }
        if let Some(types) = &self.layer_types
            && types.len() != self.num_hidden_layers
        {
            let value = format!("{} entries", types.len());
            return unsupported("layer_types", value, "one entry a layer is");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_published_config_is_completed_with_the_references_defaults() {
        let config =
            parse(r#"{"hidden_size": 2304, "model_type": "gemma2", "vocab_size": 257216}"#);
        assert_eq!(
            (config.head_dim, config.query_pre_attn_scalar),
            (256, 256.0)
        );
        assert_eq!(config.attn_logit_softcapping, Some(50.0));
        assert_eq!(config.final_logit_softcapping, Some(30.0));
        assert_eq!(config.sliding_window, Some(4096));
        assert_eq!(config.rope_theta(), 10_000.0);
        assert_eq!(config.layer_type(0), LayerType::SlidingAttention);
        assert_eq!(config.layer_type(1), LayerType::FullAttention);
        assert!(config.validate().is_ok());
    }

    #[test]
    fn old_and_new_spellings_of_the_rotary_embedding_are_read() {
        assert_eq!(parse(r#"{"rope_theta": 5e3}"#).rope_theta(), 5e3);
        let new = parse(r#"{"rope_parameters": {"rope_theta": 7e3, "rope_type": "default"}}"#);
        assert_eq!(new.rope_theta(), 7e3);
        assert!(new.validate().is_ok());
    }

    #[test]
    fn what_is_not_computed_is_refused_by_its_key() {
        let table = [
            (r#"{"hidden_activation": "silu"}"#, "hidden_activation"),
            (r#"{"attention_bias": true}"#, "attention_bias"),
            (r#"{"rope_scaling": {"type": "linear"}}"#, "rope_scaling"),
            (
                r#"{"rope_parameters": {"rope_type": "yarn"}}"#,
                "rope_parameters.rope_type",
            ),
            (r#"{"num_key_value_heads": 3}"#, "num_key_value_heads"),
            (r#"{"head_dim": 7}"#, "head_dim"),
            (r#"{"layer_types": ["full_attention"]}"#, "layer_types"),
        ];
        for (json, key) in table {
            let message = parse(json).validate().unwrap_err().to_string();
            assert!(message.contains(key), "{json}: {message}");
        }
    }
}
