//! The decoder that Llama, Qwen2 and their like share: RMS norms, rotary positions, grouped heads, a gated feed-forward part.
//!
//! Reference: transformers' `models/qwen2/modeling_qwen2.py`. Positions (as cosines and sines) and the mask come with every call.

use candle_core::{DType, Tensor};

use super::{
    ModelError,
    layers::{
        Activation, Embedding, GatedMlp, Heads, Linear, RmsNorm, Rows, SelfAttention, residual,
    },
    weights::Weights,
};

/// The decoder's dimensions.
#[derive(Clone, Debug)]
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
    /// The norms' epsilon.
    pub rms_norm_eps: f64,
    /// Whether queries, keys and values have biases, as in Qwen2.
    pub qkv_bias: bool,
    /// Whether the head is the embedding.
    pub tie_word_embeddings: bool,
}

impl Config {
    /// The size of a head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    fn heads(&self) -> Heads {
        Heads {
            queries: self.num_attention_heads,
            keys_values: self.num_key_value_heads,
            dim: self.head_dim(),
            scale: (self.head_dim() as f64).powf(-0.5),
            softcap: None,
        }
    }
}

struct DecoderLayer {
    input_layernorm: RmsNorm,
    self_attn: SelfAttention,
    post_attention_layernorm: RmsNorm,
    mlp: GatedMlp,
}

impl DecoderLayer {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let size = config.hidden_size;
        let norm = |name| RmsNorm::load(&weights.pp(name), size, config.rms_norm_eps);
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            self_attn: SelfAttention::load(
                &weights.pp("self_attn"),
                size,
                config.heads(),
                config.qkv_bias.then_some(compute),
            )?,
            post_attention_layernorm: norm("post_attention_layernorm")?,
            mlp: GatedMlp::load(
                &weights.pp("mlp"),
                size,
                config.intermediate_size,
                Activation::Silu,
            )?,
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`.
    fn forward(&mut self, x: &Tensor, rows: &Rows) -> candle_core::Result<Tensor> {
        let attended = self
            .self_attn
            .forward(&self.input_layernorm.forward(x)?, rows)?;
        let kept = x.narrow(1, x.dim(1)? - rows.keep, rows.keep)?;
        let x = residual(&kept, attended)?;
        let fed = self
            .mlp
            .forward(&self.post_attention_layernorm.forward(&x)?)?;
        residual(&x, fed)
    }
}

/// The decoder with its embedding and head.
pub struct Decoder {
    embed_tokens: Embedding,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    lm_head: Linear,
    compute: DType,
}

impl Decoder {
    /// Loads the decoder below the canonical names; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(root: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let weights = root.pp("language_model");
        let (vocab, hidden) = (config.vocab_size, config.hidden_size);
        let embed_tokens = Embedding::load(&weights.pp("embed_tokens"), vocab, hidden)?;
        let lm_head = if config.tie_word_embeddings {
            embed_tokens.head()
        } else {
            Linear::load(&root.pp("lm_head"), hidden, vocab)?
        };
        let layers = weights.pp("layers");
        Ok(Self {
            embed_tokens,
            layers: (0..config.num_hidden_layers)
                .map(|i| DecoderLayer::load(&layers.pp(i), config, compute))
                .collect::<Result<_, _>>()?,
            norm: RmsNorm::load(&weights.pp("norm"), hidden, config.rms_norm_eps)?,
            lm_head,
            compute,
        })
    }

    /// `input_ids (…)` u32 → `(…, hidden)`.
    pub fn embed(&self, input_ids: &Tensor) -> candle_core::Result<Tensor> {
        self.embed_tokens.forward(input_ids)?.to_dtype(self.compute)
    }

    /// Appends tokens to the cache and gives the logits of the last `keep` of them.
    ///
    /// - `embeddings (batch, new, hidden)`
    /// - `cos`, `sin (batch, new, head_dim / 2)`
    /// - `mask`, broadcasting to `(batch, heads, new, all)`, f32, additive; `None`: everything is seen
    /// - gives `(batch, keep, vocab)` f32
    pub fn forward(
        &mut self,
        embeddings: &Tensor,
        (cos, sin): (&Tensor, &Tensor),
        mask: Option<&Tensor>,
        keep: usize,
    ) -> candle_core::Result<Tensor> {
        let new = embeddings.dim(1)?;
        let last = self.layers.len().saturating_sub(1);
        let mut x = embeddings.clone(); // (batch, new, hidden)
        for (i, layer) in self.layers.iter_mut().enumerate() {
            // Behind the last layer nobody reads the other rows.
            let keep = if i == last { keep } else { new };
            let rows = Rows {
                cos,
                sin,
                mask,
                keep,
            };
            x = layer.forward(&x, &rows)?;
        }
        self.lm_head.forward_f32(&self.norm.forward(&x)?) // (batch, keep, vocab)
    }

    /// Forgets all but the first `len` tokens of every sequence.
    pub fn truncate(&mut self, len: usize) {
        for layer in &mut self.layers {
            layer.self_attn.truncate(len);
        }
    }
}
