//! Scaled dot-product attention with grouped heads, soft-capping and an explicit mask.

use candle_core::{
    CpuStorage, CustomOp3, D, DType, Device, Layout, Result, Shape, Storage, Tensor, bail,
};

use rayon::prelude::*;

use super::{
    softmax::{Mask, Softmax, softmax_of_tensor},
    storage::values,
};
use crate::model::matmul::{AttentionSizes, attention};

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
    // Queries that share keys become rows of one matrix: the keys are not repeated.
    let queries = q.reshape((batch, heads.keys_values, rows, dim))?;
    let mixed = if q.device().is_cpu() && q.dtype() == DType::F32 {
        let attention = Attention { heads, len, mask };
        let (k, v) = alike(k, v)?;
        queries.apply_op3_no_bwd(&k, &v, &attention)?
    } else {
        mix(&queries, k, v, (heads, len), mask, MOST_SCORES)?
    }; // (batch, key_value_heads, rows, dim)
    // The heads side by side again.
    mixed
        .reshape((batch, n_heads, len, dim))?
        .transpose(1, 2)?
        .contiguous()?
        .flatten_from(D::Minus2)
}

/// Keys and values as [`Attention`] reads them: each head in one piece, and the heads of both equally far apart, as in a cache
/// with room to spare.
fn alike(k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
    if apart(k.layout()).is_some() && k.stride() == v.stride() {
        Ok((k.clone(), v.clone()))
    } else {
        Ok((k.contiguous()?, v.contiguous()?))
    }
}

/// How far the heads of `(batch, heads, len, dim)` are apart, if each stands in one piece and all as far.
fn apart(layout: &Layout) -> Option<usize> {
    let (_, heads, _, dim) = layout.shape().dims4().ok()?;
    match *layout.stride() {
        [batch, apart, row, 1] if row == dim && batch == heads * apart => Some(apart),
        _ => None,
    }
}

/// How many scores are taken at once: a gibibyte. The kernels of GPUs count them in 31 bits.
const MOST_SCORES: usize = 1 << 28;

/// The same by candle's own operations, of queries `(batch, key_value_heads, rows, dim)`, in parts of at most `most` scores: some
/// of the sequences, or some of the heads.
fn mix(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    (heads, len): (&Heads, usize),
    mask: Option<&Tensor>,
    most: usize,
) -> Result<Tensor> {
    let (batch, of_keys, rows, _) = q.dims4()?;
    let keys = k.dim(2)?;
    let (axis, n) = if batch > 1 { (0, batch) } else { (1, of_keys) };
    if batch * of_keys * rows * keys > most && n > 1 {
        let part = |from, n| {
            let [q, k, v] = [q, k, v].map(|all| all.narrow(axis, from, n));
            let mask = mask.map(|mask| match mask.dim(axis)? {
                1 => Ok(mask.clone()),
                _ => mask.narrow(axis, from, n),
            });
            let mask = mask.transpose()?;
            mix(&q?, &k?, &v?, (heads, len), mask.as_ref(), most)
        };
        return Tensor::cat(&[part(0, n / 2)?, part(n / 2, n - n / 2)?], axis);
    }
    let scores = q.matmul(&k.t()?)?.to_dtype(DType::F32)?; // (batch, key_value_heads, rows, keys)
    let scaling = (heads.scale, heads.softcap);
    let rows = (batch, of_keys * rows / len.max(1), len);
    let weights = softmax_of_tensor(scores, scaling, rows, mask)?;
    weights.to_dtype(v.dtype())?.matmul(v)
}

/// The same on the CPU, where scores stay in the cache: of contiguous queries `(batch, key_value_heads, rows, dim)`.
struct Attention<'a> {
    heads: &'a Heads,
    len: usize,
    mask: Option<&'a Tensor>,
}

impl CustomOp3 for Attention<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, heads, rows, dim) = q_layout.shape().dims4()?;
        let keys = k_layout.shape().dims4()?.2;
        let expected = Shape::from((batch, heads, keys, dim));
        if k_layout.shape() != &expected || v_layout.shape() != &expected {
            bail!("{expected:?}: no shape for keys {k_layout:?} and values {v_layout:?}");
        }
        let mask = self.mask.map(Tensor::storage_and_layout);
        let mask = match &mask {
            Some((storage, layout)) => Some(self.mask_of(storage, layout, (batch, keys))?),
            None => None,
        };
        let softmax = Softmax {
            scale: self.heads.scale,
            cap: self.heads.softcap,
            heads: heads * rows / self.len.max(1),
            queries: self.len,
            mask,
        };
        let apart = apart(k_layout).filter(|_| k_layout.stride() == v_layout.stride());
        let Some(apart) = apart else {
            bail!("keys {k_layout:?} and values {v_layout:?} do not lie alike");
        };
        let sizes = AttentionSizes {
            heads: batch * heads,
            rows,
            keys,
            dim,
            apart,
        };
        let (k, v) = (k.as_slice::<f32>()?, v.as_slice::<f32>()?);
        let k = k.get(k_layout.start_offset()..).unwrap_or_default();
        let v = v.get(v_layout.start_offset()..).unwrap_or_default();
        let mixed = attention(values(q, q_layout)?, k, v, sizes, |first, scores| {
            softmax.apply(first, scores, keys);
        });
        Ok((CpuStorage::F32(mixed), q_layout.shape().clone()))
    }
}

impl Attention<'_> {
    fn mask_of<'a>(
        &self,
        storage: &'a Storage,
        layout: &Layout,
        (batch, keys): (usize, usize),
    ) -> Result<Mask<'a>> {
        let (sequences, one, queries, mask_keys) = layout.shape().dims4()?;
        let fits = [1, batch].contains(&sequences) && [1, self.len].contains(&queries);
        let Storage::Cpu(storage) = storage else {
            bail!("a mask on another device")
        };
        if !fits || one != 1 || mask_keys != keys {
            bail!(
                "a mask of shape {:?} for {batch} times {} queries and {keys} keys",
                layout.dims(),
                self.len
            );
        }
        Ok(Mask {
            values: values(storage, layout)?,
            sequences,
            queries,
        })
    }
}

/// The one mask of all networks: f32 `(batch, 1, queries, keys)`, 0 where query `q` of sequence `b` sees key `k`
/// (`visible(b, q, k)`) and −∞ where it does not; `None` where every query sees every key.
///
/// Each query must see at least one key.
pub fn attention_mask(
    (batch, queries, keys): (usize, usize, usize),
    device: &Device,
    visible: impl Fn(usize, usize, usize) -> bool + Sync,
) -> Result<Option<Tensor>> {
    let mut values = vec![0f32; batch * queries * keys];
    let rows = values.par_chunks_mut(keys.max(1)).enumerate();
    rows.for_each(|(row, values)| {
        for (k, value) in values.iter_mut().enumerate() {
            if !visible(row / queries, row % queries, k) {
                *value = f32::NEG_INFINITY;
            }
        }
    });
    if values.iter().all(|value| *value == 0.0) {
        return Ok(None);
    }
    Tensor::from_vec(values, (batch, 1, queries, keys), device).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layers::tests::{assert_near, ramp};

    #[test]
    fn attention_is_made_of_its_parts() {
        let heads = Heads {
            queries: 4,
            keys_values: 2,
            dim: 6,
            scale: 0.3,
            softcap: None,
        };
        for (batch, len, keys) in [(2, 3, 5), (1, 1, 70), (1, 150, 9)] {
            let q = ramp(&[batch, heads.queries, len, heads.dim]);
            let k = (ramp(&[batch, heads.keys_values, keys, heads.dim]) * 0.7).unwrap();
            let v = (ramp(&[batch, heads.keys_values, keys, heads.dim]) * 0.4).unwrap();
            let masks = [[1, 1, 1, keys], [batch, 1, 1, keys], [1, 1, len, keys]];
            let masks = masks.map(|shape| Some((ramp(&shape) * 3.0).unwrap()));
            for mask in masks.into_iter().chain([None]) {
                for softcap in [None, Some(5.0)] {
                    let heads = Heads { softcap, ..heads };
                    let got = attend(&q, &k, &v, &heads, mask.as_ref()).unwrap();
                    // f64 takes candle's operations; its scores are rounded to f32.
                    let [q, k, v] = [&q, &k, &v].map(|t| t.to_dtype(DType::F64).unwrap());
                    let expected = attend(&q, &k, &v, &heads, mask.as_ref()).unwrap();
                    assert_near(&got, &expected.to_dtype(DType::F32).unwrap(), 1e-5);
                }
            }
        }
    }

    #[test]
    fn attention_in_parts_is_that_of_the_whole() {
        let heads = Heads {
            queries: 6,
            keys_values: 3,
            dim: 4,
            scale: 0.3,
            softcap: Some(5.0),
        };
        let (batch, len, keys) = (3, 2, 5);
        let q = ramp(&[batch, heads.keys_values, 2 * len, heads.dim]);
        let k = (ramp(&[batch, heads.keys_values, keys, heads.dim]) * 0.7).unwrap();
        for mask in [
            Some(ramp(&[batch, 1, len, keys])),
            Some(ramp(&[1, 1, 1, keys])),
            None,
        ] {
            let mixed = |most| mix(&q, &k, &k, (&heads, len), mask.as_ref(), most).unwrap();
            let whole = mixed(usize::MAX);
            for most in [100, 60, 20, 1] {
                assert_near(&mixed(most), &whole, 1e-6);
            }
        }
    }

    #[test]
    fn a_mask_of_another_shape_is_refused() {
        let heads = Heads {
            queries: 2,
            keys_values: 2,
            dim: 4,
            scale: 1.0,
            softcap: None,
        };
        let (q, k) = (ramp(&[2, 2, 3, 4]), ramp(&[2, 2, 5, 4]));
        for shape in [[3, 1, 1, 5], [1, 1, 2, 5], [1, 1, 1, 4], [1, 2, 1, 5]] {
            assert!(attend(&q, &k, &k, &heads, Some(&ramp(&shape))).is_err());
        }
    }
}
