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
        Activation, Embedding, Heads, KvCache, Linear, RmsNorm, RotaryEmbedding, activate_mul,
        attend,
    },
    weights::Weights,
};

/// What every layer of a call shares.
struct Call<'a> {
    /// (batch, new, head_dim / 2)
    cos: Tensor,
    /// (batch, new, head_dim / 2)
    sin: Tensor,
    masks: &'a Masks,
}

impl Call<'_> {
    fn mask(&self, layer_type: LayerType) -> Option<&Tensor> {
        match layer_type {
            LayerType::FullAttention => self.masks.full.as_ref(),
            LayerType::SlidingAttention => self.masks.sliding.as_ref(),
        }
    }
}

struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: Heads,
    layer_type: LayerType,
    kv_cache: KvCache,
}

impl Attention {
    fn load(weights: &Weights, config: &Config, layer: usize) -> Result<Self, ModelError> {
        let heads = Heads {
            queries: config.num_attention_heads,
            keys_values: config.num_key_value_heads,
            dim: config.head_dim,
            scale: config.query_pre_attn_scalar.powf(-0.5),
            softcap: config.attn_logit_softcapping,
        };
        let size = config.hidden_size;
        let (queries, keys_values) = (heads.queries * heads.dim, heads.keys_values * heads.dim);
        Ok(Self {
            q_proj: Linear::load(&weights.pp("q_proj"), size, queries)?,
            k_proj: Linear::load(&weights.pp("k_proj"), size, keys_values)?,
            v_proj: Linear::load(&weights.pp("v_proj"), size, keys_values)?,
            o_proj: Linear::load(&weights.pp("o_proj"), queries, size)?,
            heads,
            layer_type: config.layer_type(layer),
            kv_cache: KvCache::default(),
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`: keys and values of all new tokens, queries of the last `keep`.
    fn forward(&mut self, x: &Tensor, keep: usize, call: &Call) -> candle_core::Result<Tensor> {
        let first = x.dim(1)? - keep;
        let k = self.heads.split(&self.k_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let v = self.heads.split(&self.v_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let k = candle_nn::rotary_emb::rope(&k, &call.cos, &call.sin)?;
        let (k, v) = self.kv_cache.append(&k, &v)?; // (batch, key_value_heads, all, dim)

        let queries = x.narrow(1, first, keep)?;
        let q = self.heads.split(&self.q_proj.forward(&queries)?)?; // (batch, heads, keep, dim)
        let cos = call.cos.narrow(1, first, keep)?.contiguous()?;
        let sin = call.sin.narrow(1, first, keep)?.contiguous()?;
        let q = candle_nn::rotary_emb::rope(&q, &cos, &sin)?;

        let mask = match call.mask(self.layer_type) {
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
            .forward(&activate_mul(Activation::Gelu, gate, &up)?)
    }
}

struct DecoderLayer {
    input_layernorm: RmsNorm,
    self_attn: Attention,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    mlp: Mlp,
    post_feedforward_layernorm: RmsNorm,
}

impl DecoderLayer {
    fn load(weights: &Weights, config: &Config, layer: usize) -> Result<Self, ModelError> {
        let norm = |name| {
            RmsNorm::load_from_one(&weights.pp(name), config.hidden_size, config.rms_norm_eps)
        };
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            self_attn: Attention::load(&weights.pp("self_attn"), config, layer)?,
            post_attention_layernorm: norm("post_attention_layernorm")?,
            pre_feedforward_layernorm: norm("pre_feedforward_layernorm")?,
            mlp: Mlp::load(&weights.pp("mlp"), config)?,
            post_feedforward_layernorm: norm("post_feedforward_layernorm")?,
        })
    }

    /// `x (batch, new, hidden)` → `(batch, keep, hidden)`.
    fn forward(&mut self, x: &Tensor, keep: usize, call: &Call) -> candle_core::Result<Tensor> {
        let attended = self
            .self_attn
            .forward(&self.input_layernorm.forward(x)?, keep, call)?;
        let kept = x.narrow(1, x.dim(1)? - keep, keep)?;
        let x = (kept + self.post_attention_layernorm.forward(&attended)?)?;
        let fed = self
            .mlp
            .forward(&self.pre_feedforward_layernorm.forward(&x)?)?;
        x + self.post_feedforward_layernorm.forward(&fed)?
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
        let positions: Vec<u32> = positions.iter().map(|[at, ..]| *at).collect();
        let positions = Tensor::from_vec(positions, (batch, new), embeddings.device())?;
        let (cos, sin) = self.rotary.tables(&positions, self.compute)?;
        let call = Call { cos, sin, masks };
        let last = self.layers.len().saturating_sub(1);
        let mut x = embeddings.clone(); // (batch, new, hidden)
        for (i, layer) in self.layers.iter_mut().enumerate() {
            // Behind the last layer nobody reads the other rows.
            x = layer.forward(&x, if i == last { keep } else { new }, &call)?;
        }
        let logits = self.lm_head.forward(&self.norm.forward(&x)?)?; // (batch, keep, vocab)
        let logits = logits.to_dtype(DType::F32)?;
        match self.config.final_logit_softcapping {
            Some(cap) => (logits / cap)?.tanh()? * cap,
            None => Ok(logits),
        }
    }

    /// Forgets all but the first `len` tokens of every sequence.
    pub fn truncate(&mut self, len: usize) {
        for layer in &mut self.layers {
            layer.self_attn.kv_cache.truncate(len);
        }
    }
}
