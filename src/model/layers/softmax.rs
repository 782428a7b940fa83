//! Softmax of attention's scores: scaled, squeezed and masked in the same pass.

use candle_core::{D, Result, Tensor};

use super::exp::{exp, tanh};
use crate::model::matmul::{Loop, vectorized};

/// What becomes of scores, whose rows are `(batch, heads, queries)` in that order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Softmax<'a> {
    /// Scores are multiplied with it.
    pub scale: f64,
    /// Then each becomes `cap · tanh(score / cap)`, if set.
    pub cap: Option<f64>,
    /// Rows of a sequence.
    pub heads: usize,
    /// Rows of a head.
    pub queries: usize,
    /// Then it is added.
    pub mask: Option<Mask<'a>>,
}

/// A mask `(batch or 1, 1, queries or 1, keys)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask<'a> {
    pub values: &'a [f32],
    pub sequences: usize,
    pub queries: usize,
}

impl<'a> Mask<'a> {
    fn row(&self, sequence: usize, query: usize, keys: usize) -> Option<&'a [f32]> {
        let sequence = if self.sequences == 1 { 0 } else { sequence };
        let query = if self.queries == 1 { 0 } else { query };
        let start = (sequence * self.queries + query) * keys;
        self.values.get(start..start + keys)
    }
}

impl Softmax<'_> {
    /// Turns some rows of scores `(rows, keys)` into weights; `first` is the number of the first one.
    pub fn apply(&self, first: usize, scores: &mut [f32], keys: usize) {
        let cap = self.cap.map(|cap| cap as f32);
        let scale = (self.scale / self.cap.unwrap_or(1.0)) as f32;
        for (i, row) in (first..).zip(scores.chunks_exact_mut(keys.max(1))) {
            let query = i % self.queries.max(1);
            let sequence = i / (self.heads * self.queries).max(1);
            vectorized(SoftmaxRow {
                scale,
                cap,
                row,
                mask: self.mask.and_then(|mask| mask.row(sequence, query, keys)),
            });
        }
    }
}

/// The same of all `scores (…, keys)` f32 by candle's own operations; `mask` broadcasts to `(batch, heads, queries, keys)`.
/// What is done with goes at once: scores are the largest thing in the memory of a GPU.
pub(super) fn softmax_of_tensor(
    scores: Tensor,
    (scale, cap): (f64, Option<f64>),
    (batch, heads, queries): (usize, usize, usize),
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let scores = (scores * (scale / cap.unwrap_or(1.0)))?;
    let scores = match cap {
        Some(cap) => {
            let squeezed = scores.tanh()?;
            drop(scores);
            (squeezed * cap)?
        }
        None => scores,
    };
    let scores = match mask {
        Some(mask) => {
            let (shape, keys) = (scores.shape().clone(), scores.dim(D::Minus1)?);
            let masked = scores
                .reshape((batch, heads, queries, keys))?
                .broadcast_add(mask)?;
            drop(scores);
            masked.reshape(shape)?
        }
        None => scores,
    };
    candle_nn::ops::softmax_last_dim(&scores)
}

/// One row: scaled, squeezed, masked, exponentiated, and divided by its sum.
struct SoftmaxRow<'a> {
    scale: f32,
    cap: Option<f32>,
    row: &'a mut [f32],
    mask: Option<&'a [f32]>,
}

impl Loop for SoftmaxRow<'_> {
    #[inline(always)]
    fn run(self) {
        let (row, scale) = (self.row, self.scale);
        match self.cap {
            Some(cap) => row.iter_mut().for_each(|v| *v = cap * tanh(scale * *v)),
            None => row.iter_mut().for_each(|v| *v *= scale),
        }
        if let Some(mask) = self.mask {
            row.iter_mut().zip(mask).for_each(|(v, mask)| *v += mask);
        }
        let max = folded(row, f32::NEG_INFINITY, |a, b| if a > b { a } else { b });
        row.iter_mut().for_each(|v| *v = exp(*v - max));
        let sum = folded(row, 0.0, |a, b| a + b);
        let one_over_sum = 1.0 / sum;
        row.iter_mut().for_each(|v| *v *= one_over_sum);
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
