//! Scaled dot-product attention with grouped heads, soft-capping and an explicit mask.

use candle_core::{D, DType, Device, Result, Tensor};

use super::masked_softmax;

/// How queries, keys and values are split into heads.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Heads of the queries.
    pub queries: usize,
    /// Heads of the keys and values; each serves `queries / keys_values` heads of the queries.
    pub keys_values: usize,
    /// The size of a head.
    pub dim: usize,
    /// What scores are multiplied with.
    pub scale: f64,
    /// Scores are squeezed into ±this by `cap · tanh(score / cap)`, if set.
    pub softcap: Option<f64>,
}

impl Heads {
    /// Splits a projection `(batch, len, heads · dim)` into `(batch, heads, len, dim)`, contiguous.
    pub fn split(&self, projected: &Tensor) -> Result<Tensor> {
        let (batch, len, size) = projected.dims3()?;
        projected
            .reshape((batch, len, size / self.dim, self.dim))?
            .transpose(1, 2)?
            .contiguous()
    }
}

/// Attention of `q (batch, heads, len, dim)`, contiguous, to `k, v (batch, key_value_heads, keys, dim)`.
///
/// `mask` is added to the scores in f32; it broadcasts to `(batch, heads, len, keys)`. Softmax is taken in f32.
/// Gives `(batch, len, heads · dim)`.
pub fn attend(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: &Heads,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, n_heads, len, dim) = q.dims4()?;
    let rows = n_heads / heads.keys_values * len;

    // 1. Queries that share keys become rows of one matrix: the keys are not repeated.
    let scale = heads.scale / heads.softcap.unwrap_or(1.0);
    let q = (q * scale)?.reshape((batch, heads.keys_values, rows, dim))?;
    // 2. Scores, squeezed, masked and normalised.
    let scores = q.matmul(&k.t()?)?.to_dtype(DType::F32)?; // (batch, key_value_heads, rows, keys)
    let weights = masked_softmax(scores, heads.softcap, (batch, n_heads, len), mask)?;
    // 3. Weighted values.
    let mixed = weights.to_dtype(v.dtype())?.matmul(v)?; // (batch, key_value_heads, rows, dim)
    // 4. The heads side by side again.
    mixed
        .reshape((batch, n_heads, len, dim))?
        .transpose(1, 2)?
        .contiguous()?
        .flatten_from(D::Minus2)
}

/// The one mask of all networks: f32 `(batch, 1, queries, keys)`, 0 where query `q` of sequence `b` sees key `k`
/// (`visible(b, q, k)`) and −∞ where it does not; `None` where every query sees every key.
///
/// Each query must see at least one key.
pub fn attention_mask(
    (batch, queries, keys): (usize, usize, usize),
    device: &Device,
    visible: impl Fn(usize, usize, usize) -> bool,
) -> Result<Option<Tensor>> {
    let mut values = Vec::with_capacity(batch * queries * keys);
    for b in 0..batch {
        for q in 0..queries {
            values.extend((0..keys).map(|k| {
                if visible(b, q, k) {
                    0f32
                } else {
                    f32::NEG_INFINITY
                }
            }));
        }
    }
    if values.iter().all(|value| *value == 0.0) {
        return Ok(None);
    }
    Tensor::from_vec(values, (batch, 1, queries, keys), device).map(Some)
}
