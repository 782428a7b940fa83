//! The decoder that Llama, Qwen2 and their like share: RMS norms, rotary positions, grouped heads, a gated feed-forward part.
//!
//! Reference: transformers' `models/qwen2/modeling_qwen2.py`. Positions (as cosines and sines) and the mask come with every call.

use candle_core::{DType, Tensor};

use super::{
    ModelError,
    layers::{Activation, Embedding, Heads, KvCache, Linear, RmsNorm, activate_mul, attend},
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
}

/// What every layer of a call shares.
struct Call<'a> {
    /// (batch, new, head_dim / 2)
    cos: &'a Tensor,
    /// (batch, new, head_dim / 2)
    sin: &'a Tensor,
    /// Broadcasting to (batch, heads, new, all), f32, additive. `None`: everything is seen.
    mask: Option<&'a Tensor>,
}

struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: Heads,
    kv_cache: KvCache,
}

impl Attention {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let dim = config.head_dim();
        let heads = Heads {
            queries: config.num_attention_heads,
            keys_values: config.num_key_value_heads,
            dim,
            scale: (dim as f64).powf(-0.5),
            softcap: None,
        };
        let size = config.hidden_size;
        let (queries, keys_values) = (heads.queries * dim, heads.keys_values * dim);
        let projection = |name, out| match config.qkv_bias {
            true => Linear::load_with_bias(&weights.pp(name), size, out, compute),
            false => Linear::load(&weights.pp(name), size, out),
        };
        Ok(Self {
            q_proj: projection("q_proj", queries)?,
            k_proj: projection("k_proj", keys_values)?,
            v_proj: projection("v_proj", keys_values)?,
            o_proj: Linear::load(&weights.pp("o_proj"), queries, size)?,
            heads,
            kv_cache: KvCache::default(),
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`: keys and values of all new tokens, queries of the last `keep`.
    fn forward(&mut self, x: &Tensor, keep: usize, call: &Call) -> candle_core::Result<Tensor> {
        let first = x.dim(1)? - keep;
        let k = self.heads.split(&self.k_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let v = self.heads.split(&self.v_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let k = candle_nn::rotary_emb::rope(&k, call.cos, call.sin)?;
        let (k, v) = self.kv_cache.append(&k, &v)?; // (batch, key_value_heads, all, dim)

        let queries = x.narrow(1, first, keep)?;
        let q = self.heads.split(&self.q_proj.forward(&queries)?)?; // (batch, heads, keep, dim)
        let cos = call.cos.narrow(1, first, keep)?.contiguous()?;
        let sin = call.sin.narrow(1, first, keep)?.contiguous()?;
        let q = candle_nn::rotary_emb::rope(&q, &cos, &sin)?;

        let mask = match call.mask {
            Some(mask) if mask.dim(2)? > keep => {
                Some(mask.narrow(2, mask.dim(2)? - keep, keep)?.contiguous()?)
            }
            mask => mask.cloned(),
        };
        let mixed = attend(&q, &k, &v, &self.heads, mask.as_ref())?; // (batch, keep, heads · dim)
        self.o_proj.forward(&mixed)
    }
}

struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Mlp {
    fn load(weights: &Weights, config: &Config) -> Result<Self, ModelError> {
        let (size, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            gate_proj: Linear::load(&weights.pp("gate_proj"), size, inner)?,
            up_proj: Linear::load(&weights.pp("up_proj"), size, inner)?,
            down_proj: Linear::load(&weights.pp("down_proj"), inner, size)?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let gate = self.gate_proj.forward(x)?; // (batch, len, inner)
        let up = self.up_proj.forward(x)?; // (batch, len, inner)
        self.down_proj
            .forward(&activate_mul(Activation::Silu, gate, &up)?)
    }
}

struct DecoderLayer {
    input_layernorm: RmsNorm,
    self_attn: Attention,
    post_attention_layernorm: RmsNorm,
    mlp: Mlp,
}

impl DecoderLayer {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let norm = |name| RmsNorm::load(&weights.pp(name), config.hidden_size, config.rms_norm_eps);
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            self_attn: Attention::load(&weights.pp("self_attn"), config, compute)?,
            post_attention_layernorm: norm("post_attention_layernorm")?,
            mlp: Mlp::load(&weights.pp("mlp"), config)?,
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`.
    fn forward(&mut self, x: &Tensor, keep: usize, call: &Call) -> candle_core::Result<Tensor> {
        let attended = self
            .self_attn
            .forward(&self.input_layernorm.forward(x)?, keep, call)?;
        let x = (x.narrow(1, x.dim(1)? - keep, keep)? + attended)?;
        &x + self
            .mlp
            .forward(&self.post_attention_layernorm.forward(&x)?)?
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
        let call = Call { cos, sin, mask };
        let new = embeddings.dim(1)?;
        let last = self.layers.len().saturating_sub(1);
        let mut x = embeddings.clone(); // (batch, new, hidden)
        for (i, layer) in self.layers.iter_mut().enumerate() {
            // Behind the last layer nobody reads the other rows.
            x = layer.forward(&x, if i == last { keep } else { new }, &call)?;
        }
        let logits = self.lm_head.forward(&self.norm.forward(&x)?)?; // (batch, keep, vocab)
        logits.to_dtype(DType::F32)
    }

    /// Forgets all but the first `len` tokens of every sequence.
    pub fn truncate(&mut self, len: usize) {
        for layer in &mut self.layers {
            layer.self_attn.kv_cache.truncate(len);
        }
    }
}
