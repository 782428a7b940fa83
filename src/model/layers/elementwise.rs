//! Element-wise steps in one pass over the buffer they are given, on all threads.
//!
//! candle takes one pass, one new buffer and one thread for each of their operations on the CPU, which together cost
//! seconds a post at real dimensions. Elsewhere its own operations do the same.

use candle_core::{CpuStorage, DType, Error, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use super::exp::exp;
use crate::model::matmul::{Loop, vectorized};

/// How many values a thread takes at a time.
const PIECE: usize = 1 << 14;

/// The activation of a feed-forward part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activation {
    /// GELU in its tanh approximation.
    Gelu,
    /// v · sigmoid(1.702 · v), another approximation of GELU.
    QuickGelu,
    /// v · sigmoid(v), also called swish.
    Silu,
}

impl Activation {
    /// All three are v · sigmoid(u(v)); 0.5 · (1 + tanh(w)) = sigmoid(2w), with GELU's w = √(2/π) · (v + 0.044715 · v³).
    #[inline(always)]
    fn of(self, v: f32) -> f32 {
        const TWICE_SQRT_TWO_OVER_PI: f32 = 1.595_769;
        let u = match self {
            Self::Gelu => TWICE_SQRT_TWO_OVER_PI * v * (1.0 + 0.044715 * v * v),
            Self::QuickGelu => 1.702 * v,
            Self::Silu => v,
        };
        v / (1.0 + exp(-u))
    }

    /// By candle's own operations.
    fn of_tensor(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gelu => x.gelu(),
            Self::QuickGelu => x * candle_nn::ops::sigmoid(&(x * 1.702)?)?,
            Self::Silu => x.silu(),
        }
    }
}

/// The activation of every element. The buffer of `x` is overwritten: nothing else may use it.
pub fn activate(activation: Activation, x: Tensor) -> Result<Tensor> {
    if !runs_here(&x) {
        return activation.of_tensor(&x);
    }
    x.inplace_op1(&activation)?;
    Ok(x)
}

/// activation(gate) · up, elements of the same shape. The buffer of `gate` is overwritten: nothing else may use it.
pub fn activate_mul(activation: Activation, gate: Tensor, up: &Tensor) -> Result<Tensor> {
    if !runs_here(&gate) {
        return activation.of_tensor(&gate)? * up;
    }
    gate.inplace_op2(up, &activation)?;
    Ok(gate)
}

/// Softmax over the last dimension of scores `(…, keys)` f32, whose rows are `(batch, heads, queries)` in that order.
///
/// First each score becomes `cap · tanh(score)`, if a cap is given, and the mask is added, which broadcasts to
/// `(batch, heads, queries, keys)`. The buffer of `scores` is overwritten: nothing else may use it.
pub fn masked_softmax(
    scores: Tensor,
    cap: Option<f64>,
    (batch, heads, queries): (usize, usize, usize),
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    if !runs_here(&scores) {
        let shape = scores.shape().clone();
        let keys = scores.dim(candle_core::D::Minus1)?;
        let scores = match cap {
            Some(cap) => (scores.tanh()? * cap)?,
            None => scores,
        };
        let scores = match mask {
            Some(mask) => scores
                .reshape((batch, heads, queries, keys))?
                .broadcast_add(mask)?
                .reshape(shape)?,
            None => scores,
        };
        return candle_nn::ops::softmax_last_dim(&scores);
    }
    let op = MaskedSoftmax {
        cap: cap.map(|cap| cap as f32),
        rows_per_sequence: heads * queries,
        queries,
    };
    match mask {
        Some(mask) => scores.inplace_op2(mask, &op)?,
        None => scores.inplace_op1(&op)?,
    }
    Ok(scores)
}

fn runs_here(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32 && x.is_contiguous()
}

impl InplaceOp1 for Activation {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        values_mut(storage, layout)?
            .par_chunks_mut(PIECE)
            .for_each(|piece| {
                vectorized(Activated {
                    activation: *self,
                    gate: piece,
                    up: None,
                });
            });
        Ok(())
    }
}

impl InplaceOp2 for Activation {
    fn name(&self) -> &'static str {
        "activate_mul"
    }

    fn cpu_fwd(
        &self,
        gate: &mut CpuStorage,
        gate_layout: &Layout,
        up: &CpuStorage,
        up_layout: &Layout,
    ) -> Result<()> {
        let up = values(up, up_layout)?;
        let gate = values_mut(gate, gate_layout)?;
        if gate.len() != up.len() {
            bail!("activate_mul of {} and {} values", gate.len(), up.len());
        }
        gate.par_chunks_mut(PIECE)
            .zip(up.par_chunks(PIECE))
            .for_each(|(gate, up)| {
                vectorized(Activated {
                    activation: *self,
                    gate,
                    up: Some(up),
                });
            });
        Ok(())
    }
}

/// The values of a piece become activation(gate), times up if there is one.
struct Activated<'a> {
    activation: Activation,
    gate: &'a mut [f32],
    up: Option<&'a [f32]>,
}

impl Activated<'_> {
    #[inline(always)]
    fn each(self, of: impl Fn(f32) -> f32) {
        match self.up {
            None => self.gate.iter_mut().for_each(|v| *v = of(*v)),
            Some(up) => self
                .gate
                .iter_mut()
                .zip(up)
                .for_each(|(v, up)| *v = of(*v) * up),
        }
    }
}

impl Loop for Activated<'_> {
    #[inline(always)]
    fn run(self) {
        // Named one by one, so that no loop chooses for each value.
        match self.activation {
            Activation::Gelu => self.each(|v| Activation::Gelu.of(v)),
            Activation::QuickGelu => self.each(|v| Activation::QuickGelu.of(v)),
            Activation::Silu => self.each(|v| Activation::Silu.of(v)),
        }
    }
}

struct MaskedSoftmax {
    cap: Option<f32>,
    rows_per_sequence: usize,
    queries: usize,
}

impl MaskedSoftmax {
    fn rows(&self, scores: &mut [f32], keys: usize, mask: Option<Mask>) {
        scores
            .par_chunks_mut(keys.max(1))
            .with_min_len(16)
            .enumerate()
            .for_each(|(i, row)| {
                let mask = mask.and_then(|mask| {
                    mask.row(
                        i / self.rows_per_sequence.max(1),
                        i % self.queries.max(1),
                        keys,
                    )
                });
                vectorized(SoftmaxRow {
                    cap: self.cap,
                    row,
                    mask,
                });
            });
    }
}

/// One row: squeezed, masked, exponentiated, and divided by its sum.
struct SoftmaxRow<'a> {
    cap: Option<f32>,
    row: &'a mut [f32],
    mask: Option<&'a [f32]>,
}

impl Loop for SoftmaxRow<'_> {
    #[inline(always)]
    fn run(self) {
        let row = self.row;
        if let Some(cap) = self.cap {
            // tanh(v) = 1 − 2 / (e^(2v) + 1)
            row.iter_mut()
                .for_each(|v| *v = cap * (1.0 - 2.0 / (exp(2.0 * *v) + 1.0)));
        }
        if let Some(mask) = self.mask {
            row.iter_mut().zip(mask).for_each(|(v, mask)| *v += mask);
        }
        let max = folded(row, f32::NEG_INFINITY, |a, b| if a > b { a } else { b });
        row.iter_mut().for_each(|v| *v = exp(*v - max));
        let sum = folded(row, 0.0, |a, b| a + b);
        row.iter_mut().for_each(|v| *v /= sum);
    }
}

/// Folds values in as many lanes as registers have, and these at the end.
#[inline(always)]
fn folded(values: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut lanes = [start; 16];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = join(*lane, *value);
        }
    }
    lanes.iter().chain(rest).fold(start, |a, b| join(a, *b))
}

/// A mask `(batch or 1, 1, queries or 1, keys)`.
#[derive(Clone, Copy)]
struct Mask<'a> {
    values: &'a [f32],
    sequences: usize,
    queries: usize,
}

impl<'a> Mask<'a> {
    fn row(&self, sequence: usize, query: usize, keys: usize) -> Option<&'a [f32]> {
        let sequence = if self.sequences == 1 { 0 } else { sequence };
        let query = if self.queries == 1 { 0 } else { query };
        let start = (sequence * self.queries + query) * keys;
        self.values.get(start..start + keys)
    }
}

impl InplaceOp1 for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, scores: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let keys = layout.dims().last().copied().unwrap_or(0);
        self.rows(values_mut(scores, layout)?, keys, None);
        Ok(())
    }
}

impl InplaceOp2 for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "masked_softmax"
    }

    fn cpu_fwd(
        &self,
        scores: &mut CpuStorage,
        layout: &Layout,
        mask: &CpuStorage,
        mask_layout: &Layout,
    ) -> Result<()> {
        let keys = layout.dims().last().copied().unwrap_or(0);
        let (sequences, one, queries, mask_keys) = mask_layout.shape().dims4()?;
        let batch = layout.shape().elem_count() / (keys * self.rows_per_sequence).max(1);
        let fits = [1, batch].contains(&sequences) && [1, self.queries].contains(&queries);
        if !fits || one != 1 || mask_keys != keys {
            bail!(
                "a mask of shape {:?} for scores of {:?}",
                mask_layout.dims(),
                layout.dims()
            );
        }
        let mask = Mask {
            values: values(mask, mask_layout)?,
            sequences,
            queries,
        };
        self.rows(values_mut(scores, layout)?, keys, Some(mask));
        Ok(())
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    layout
        .contiguous_offsets()
        .and_then(|(start, end)| all.get(start..end))
        .ok_or_else(not_contiguous)
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let CpuStorage::F32(all) = storage else {
        bail!("an f32 tensor was expected")
    };
    layout
        .contiguous_offsets()
        .and_then(|(start, end)| all.get_mut(start..end))
        .ok_or_else(not_contiguous)
}

fn not_contiguous() -> Error {
    Error::Msg("a contiguous tensor was expected".to_owned())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn assert_near(got: &Tensor, expected: &Tensor) {
        let difference = (got - expected)
            .unwrap()
            .abs()
            .unwrap()
            .flatten_all()
            .unwrap()
            .max(0)
            .unwrap();
        let difference = difference.to_scalar::<f32>().unwrap();
        assert!(difference < 1e-6, "differs by {difference}");
    }

    fn ramp(shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        let values: Vec<f32> = (0..n)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) / 9.0)
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn activations_are_candles() {
        for activation in [Activation::Gelu, Activation::QuickGelu, Activation::Silu] {
            let x = ramp(&[7, 3]);
            let plain = activation.of_tensor(&x).unwrap();
            assert_near(&activate(activation, x.copy().unwrap()).unwrap(), &plain);
            let up = (ramp(&[7, 3]) * 0.3).unwrap();
            let gated = activate_mul(activation, x.copy().unwrap(), &up).unwrap();
            assert_near(&gated, &(plain * &up).unwrap());
            let far = Tensor::new(&[-1e4f32, 1e4, 0.0], &Device::Cpu).unwrap();
            let far = activate(activation, far).unwrap();
            assert_eq!(far.to_vec1::<f32>().unwrap(), [0.0, 1e4, 0.0]);
        }
    }

    #[test]
    fn masked_softmax_is_made_of_its_parts() {
        let (batch, heads, queries, keys) = (2, 4, 3, 5);
        let scores = ramp(&[batch, 2, heads / 2 * queries, keys]);
        for mask_shape in [
            [1, 1, 1, keys],
            [batch, 1, 1, keys],
            [1, 1, queries, keys],
            [batch, 1, queries, keys],
        ] {
            let mask = (ramp(&mask_shape) * 3.0).unwrap();
            for cap in [None, Some(5.0)] {
                let squeezed = match cap {
                    Some(cap) => (scores.tanh().unwrap() * cap).unwrap(),
                    None => scores.clone(),
                };
                let masked = squeezed
                    .reshape((batch, heads, queries, keys))
                    .unwrap()
                    .broadcast_add(&mask)
                    .unwrap()
                    .reshape(scores.shape())
                    .unwrap();
                let expected = candle_nn::ops::softmax_last_dim(&masked).unwrap();
                let rows = (batch, heads, queries);
                let got = masked_softmax(scores.copy().unwrap(), cap, rows, Some(&mask)).unwrap();
                assert_near(&got, &expected);
            }
        }
        let wrong = ramp(&[3, 1, 1, keys]);
        assert!(masked_softmax(scores, None, (batch, heads, queries), Some(&wrong)).is_err());
    }
}
