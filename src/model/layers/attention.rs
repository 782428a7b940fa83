//! Scaled dot-product attention with grouped heads, soft-capping and an explicit mask.

use candle_core::{CpuStorage, CustomOp2, D, DType, Device, Layout, Result, Shape, Tensor, bail};

use super::masked_softmax;
use crate::model::matmul::{Right, Sizes, batched_product};

/// From so many rows on it pays to pack the other matrix.
const MANY_ROWS: usize = 16;

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
    let scores = products(&q, k, Right::Transposed)?.to_dtype(DType::F32)?; // (batch, key_value_heads, rows, keys)
    let weights = masked_softmax(scores, heads.softcap, (batch, n_heads, len), mask)?;
    // 3. Weighted values.
    let mixed = products(&weights.to_dtype(v.dtype())?, v, Right::Plain)?; // (batch, key_value_heads, rows, dim)
    // 4. The heads side by side again.
    mixed
        .reshape((batch, n_heads, len, dim))?
        .transpose(1, 2)?
        .contiguous()?
        .flatten_from(D::Minus2)
}

/// `left (batch, heads, rows, in)` times `right`, head by head: `(batch, heads, rows, out)`.
fn products(left: &Tensor, right: &Tensor, stand: Right) -> Result<Tensor> {
    let packs = left.device().is_cpu() && left.dtype() == DType::F32 && left.dim(2)? >= MANY_ROWS;
    match stand {
        _ if packs => left
            .contiguous()?
            .apply_op2_no_bwd(&right.contiguous()?, &BatchedProduct(stand)),
        Right::Plain => left.matmul(right),
        Right::Transposed => left.matmul(&right.t()?),
    }
}

/// The values of a contiguous tensor in f32.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("products in batches take contiguous f32 values"),
    }
}

/// The same by the kernels of the linear layers, which candle's product takes about three times as long as.
struct BatchedProduct(Right);

impl CustomOp2 for BatchedProduct {
    fn name(&self) -> &'static str {
        "batched-product"
    }

    fn cpu_fwd(
        &self,
        left: &CpuStorage,
        left_layout: &Layout,
        right: &CpuStorage,
        right_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, heads, rows, input) = left_layout.shape().dims4()?;
        let (a, b) = match right_layout.shape().dims4()? {
            (right_batch, right_heads, a, b) if (right_batch, right_heads) == (batch, heads) => {
                (a, b)
            }
            other => bail!("{batch}×{heads} left matrices and {other:?} right ones"),
        };
        let (right_input, out) = match self.0 {
            Right::Plain => (a, b),
            Right::Transposed => (b, a),
        };
        if right_input != input {
            bail!("{input} columns against {right_input} rows");
        }
        let sizes = Sizes {
            batch: batch * heads,
            rows,
            input,
            out,
        };
        let (left, right) = (values(left, left_layout)?, values(right, right_layout)?);
        let products = batched_product(left, right, self.0, sizes);
        Ok((CpuStorage::F32(products), (batch, heads, rows, out).into()))
    }
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
