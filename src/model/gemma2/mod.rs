//! Gemma 2's decoder. Gemma Team 2024, <https://arxiv.org/abs/2408.00118>.
//!
//! Reference: transformers' `models/gemma2/modeling_gemma2.py`. Which token sees which is the caller's to say: positions
//! and masks come with every call.

mod config;

use candle_core::{DType, Tensor};
pub use config::{Config, LayerType};

use super::{
    ModelError,
    causal_lm::{Masks, Position},
    layers::{
        Activation, Embedding, GatedMlp, Heads, Linear, RmsNorm, RotaryEmbedding, Rows,
        SelfAttention, residual, soft_cap,
    },
    weights::Weights,
};

struct DecoderLayer {
    input_layernorm: RmsNorm,
    self_attn: SelfAttention,
    layer_type: LayerType,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    mlp: GatedMlp,
    post_feedforward_layernorm: RmsNorm,
}

impl DecoderLayer {
    fn load(weights: &Weights, config: &Config, layer: usize) -> Result<Self, ModelError> {
        let size = config.hidden_size;
        let norm = |name| RmsNorm::load_from_one(&weights.pp(name), size, config.rms_norm_eps);
        let heads = Heads {
            queries: config.num_attention_heads,
            keys_values: config.num_key_value_heads,
            dim: config.head_dim,
            scale: config.query_pre_attn_scalar.powf(-0.5),
            softcap: config.attn_logit_softcapping,
        };
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            self_attn: SelfAttention::load(&weights.pp("self_attn"), size, heads, None)?,
            layer_type: config.layer_type(layer),
            post_attention_layernorm: norm("post_attention_layernorm")?,
            pre_feedforward_layernorm: norm("pre_feedforward_layernorm")?,
            mlp: GatedMlp::load(
                &weights.pp("mlp"),
                size,
                config.intermediate_size,
                Activation::Gelu,
            )?,
            post_feedforward_layernorm: norm("post_feedforward_layernorm")?,
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`.
    fn forward(&mut self, x: &Tensor, rows: &Rows) -> candle_core::Result<Tensor> {
        let attended = self
            .self_attn
            .forward(&self.input_layernorm.forward(x)?, rows)?;
        let kept = x.narrow(1, x.dim(1)? - rows.keep, rows.keep)?;
        let x = residual(&kept, self.post_attention_layernorm.forward(&attended)?)?;
        let fed = self
            .mlp
            .forward(&self.pre_feedforward_layernorm.forward(&x)?)?;
        residual(&x, self.post_feedforward_layernorm.forward(&fed)?)
    }
}

/// The decoder with its embedding and head.
pub struct Gemma2 {
    embed_tokens: Embedding,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    lm_head: Linear,
    rotary: RotaryEmbedding,
    config: Config,
    compute: DType,
}

impl Gemma2 {
    /// Loads the decoder from the names of a vision-language checkpoint; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(root: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let weights = root.pp("language_model");
        let embed_tokens = Embedding::load(
            &weights.pp("embed_tokens"),
            config.vocab_size,
            config.hidden_size,
        )?;
        // Published configurations say that the head is not tied, and their checkpoints have none.
        let lm_head = if !config.tie_word_embeddings && root.contains("lm_head.weight") {
            Linear::load(&root.pp("lm_head"), config.hidden_size, config.vocab_size)?
        } else {
            embed_tokens.head()
        };
        let layers = weights.pp("layers");
        Ok(Self {
            embed_tokens,
            layers: (0..config.num_hidden_layers)
                .map(|i| DecoderLayer::load(&layers.pp(i), config, i))
                .collect::<Result<_, _>>()?,
            norm: RmsNorm::load_from_one(
                &weights.pp("norm"),
                config.hidden_size,
                config.rms_norm_eps,
            )?,
            lm_head,
            rotary: RotaryEmbedding::new(config.head_dim, config.rope_theta(), root.device())?,
            config: config.clone(),
            compute,
        })
    }

    /// `input_ids (…)` u32 → `(…, hidden)`, multiplied by √hidden.
    pub fn embed(&self, input_ids: &Tensor) -> candle_core::Result<Tensor> {
        // The reference rounds the factor to the format of the weights, as the product does here.
        let scale = (self.config.hidden_size as f64).sqrt();
        self.embed_tokens
            .forward(input_ids)?
            .to_dtype(self.compute)?
            * scale
    }

    /// Appends tokens to the cache and gives the logits of the last `keep` of them.
    ///
    /// - `embeddings (batch, new, hidden)`
    /// - `positions`, those of the first sequence first: batch · new
    /// - gives `(batch, keep, vocab)` f32, soft-capped
    pub fn forward(
        &mut self,
        embeddings: &Tensor,
        positions: &[Position],
        masks: &Masks,
        keep: usize,
    ) -> candle_core::Result<Tensor> {
        let (batch, new, _) = embeddings.dims3()?;
        let (cos, sin) = self.rotary.of_tokens(positions, batch, self.compute)?;
        let last = self.layers.len().saturating_sub(1);
        let mut x = embeddings.clone(); // (batch, new, hidden)
        for (i, layer) in self.layers.iter_mut().enumerate() {
            // Behind the last layer nobody reads the other rows.
            let rows = Rows {
                cos: &cos,
                sin: &sin,
                mask: match layer.layer_type {
                    LayerType::FullAttention => masks.full.as_ref(),
                    LayerType::SlidingAttention => masks.sliding.as_ref(),
                },
                keep: if i == last { keep } else { new },
            };
            x = layer.forward(&x, &rows)?;
        }
        let logits = self.lm_head.forward_f32(&self.norm.forward(&x)?)?; // (batch, keep, vocab)
        match self.config.final_logit_softcapping {
            Some(cap) => soft_cap(logits, cap),
            None => Ok(logits),
        }
    }

    /// Forgets all but the first `len` tokens of every sequence.
    pub fn truncate(&mut self, len: usize) {
        for layer in &mut self.layers {
            layer.self_attn.truncate(len);
        }
    }
}
