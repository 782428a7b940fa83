//! Causal self-attention with grouped heads, rotary positions and a cache.

use candle_core::{DType, Result, Tensor};

use super::{Heads, KvCache, Linear, attend};
use crate::model::{ModelError, weights::Weights};

/// What the new tokens of a call have in common.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Cosines of their positions, (batch, new, dim / 2).
    pub cos: &'a Tensor,
    /// Sines of their positions, (batch, new, dim / 2).
    pub sin: &'a Tensor,
    /// What they see, broadcasting to (batch, heads, new, all), f32, additive. `None`: everything.
    pub mask: Option<&'a Tensor>,
    /// Of how many of them, the last ones, the outcome is wanted.
    pub keep: usize,
}

/// The attention of a decoder's layer, as Llama, Qwen2 and Gemma 2 have it.
pub struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: Heads,
    kv_cache: KvCache,
}

impl SelfAttention {
    /// Loads the four projections of vectors of `size`. Those of queries, keys and values have biases, in the format
    /// given, if one is.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(
        weights: &Weights,
        size: usize,
        heads: Heads,
        bias: Option<DType>,
    ) -> std::result::Result<Self, ModelError> {
        let (queries, keys_values) = (heads.queries * heads.dim, heads.keys_values * heads.dim);
        let projection = |name, out| match bias {
            Some(dtype) => Linear::load_with_bias(&weights.pp(name), size, out, dtype),
            None => Linear::load(&weights.pp(name), size, out),
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

    /// `x (batch, new, size)` → `(batch, keep, size)`: keys and values of all new tokens, queries of the last ones.
    pub fn forward(&mut self, x: &Tensor, rows: &Rows) -> Result<Tensor> {
        let first = x.dim(1)? - rows.keep;
        let k = self.heads.split(&self.k_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let v = self.heads.split(&self.v_proj.forward(x)?)?; // (batch, key_value_heads, new, dim)
        let k = candle_nn::rotary_emb::rope(&k, rows.cos, rows.sin)?;
        let (k, v) = self.kv_cache.append(&k, &v)?; // (batch, key_value_heads, all, dim)

        let queries = x.narrow(1, first, rows.keep)?;
        let q = self.heads.split(&self.q_proj.forward(&queries)?)?; // (batch, heads, keep, dim)
        let cos = rows.cos.narrow(1, first, rows.keep)?.contiguous()?;
        let sin = rows.sin.narrow(1, first, rows.keep)?.contiguous()?;
        let q = candle_nn::rotary_emb::rope(&q, &cos, &sin)?;

        let mask = match rows.mask {
            // One row may stand for all.
            Some(mask) if mask.dim(2)? > rows.keep => {
                let first = mask.dim(2)? - rows.keep;
                Some(mask.narrow(2, first, rows.keep)?.contiguous()?)
            }
            mask => mask.cloned(),
        };
        let mixed = attend(&q, &k, &v, &self.heads, mask.as_ref())?; // (batch, keep, heads · dim)
        self.o_proj.forward(&mixed)
    }

    /// Forgets the keys and values of all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        self.kv_cache.truncate(len);
    }
}
