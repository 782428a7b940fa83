//! A linear layer.

use candle_core::{D, DType, Result, Tensor};

use crate::model::{ModelError, weights::Weights};

/// How many weights are widened at a time: 128 MiB of f32.
const WIDEN_WEIGHTS: usize = 1 << 25;

/// y = x·Wᵀ + b.
///
/// The weights may be kept in a narrower format than the inputs come in; they are then widened as they are used,
/// which saves half of the memory of f32 where the processor cannot multiply the narrow format itself.
#[derive(Clone, Debug)]
pub struct Linear {
    /// (out, in)
    weight: Tensor,
    /// (out), in the format of the inputs
    bias: Option<Tensor>,
}

impl Linear {
    /// A layer without bias.
    pub fn load(
        weights: &Weights,
        input: usize,
        out: usize,
    ) -> std::result::Result<Self, ModelError> {
        Ok(Self::new(weights.linear(out, input)?))
    }

    /// A layer with a bias.
    pub fn load_with_bias(
        weights: &Weights,
        input: usize,
        out: usize,
        compute: DType,
    ) -> std::result::Result<Self, ModelError> {
        let bias = weights.tensor("bias", &[out])?.to_dtype(compute)?;
        Ok(Self::load(weights, input, out)?.with_bias(bias))
    }

    /// A layer without bias over a matrix `(out, in)`.
    pub fn new(weight: Tensor) -> Self {
        Self { weight, bias: None }
    }

    /// The same with a bias `(out)`, in the format of the inputs.
    #[must_use]
    pub fn with_bias(self, bias: Tensor) -> Self {
        Self {
            bias: Some(bias),
            ..self
        }
    }

    /// `(…, in)` → `(…, out)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (out, input) = self.weight.dims2()?;
        let rows = x.reshape(((), input))?; // (rows, in)
        let y = if self.weight.dtype() == x.dtype() {
            rows.matmul(&self.weight.t()?)? // (rows, out)
        } else {
            self.forward_widening(&rows)?
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = out;
        }
        y.reshape(shape)
    }

    /// The product with the weights widened block by block, so that never all of a large matrix exists twice.
    fn forward_widening(&self, rows: &Tensor) -> Result<Tensor> {
        let (out, input) = self.weight.dims2()?;
        let block = (WIDEN_WEIGHTS / input.max(1)).max(1);
        let blocks = (0..out)
            .step_by(block)
            .map(|start| {
                let weight = self.weight.narrow(0, start, block.min(out - start))?; // (block, in)
                rows.matmul(&weight.to_dtype(rows.dtype())?.t()?) // (rows, block)
            })
            .collect::<Result<Vec<_>>>()?;
        match blocks.as_slice() {
            [only] => Ok(only.clone()),
            blocks => Tensor::cat(blocks, D::Minus1),
        }
    }
}
