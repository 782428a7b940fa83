//! Element-wise steps in one pass over the buffer they are given, on all threads.
//!
//! candle takes one pass, one new buffer and one thread for each of their operations on the CPU, which together cost
//! seconds a post at real dimensions. Elsewhere its own operations do the same.

use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    exp::exp,
    storage::{values, values_mut},
};
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
            // Step by step in 16 bits, as the kernels for GPUs have it, it is off by far more than those bits.
            Self::Gelu => x.to_dtype(DType::F32)?.gelu()?.to_dtype(x.dtype()),
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::layers::tests::{assert_near, ramp};

    #[test]
    fn activations_are_candles() {
        for activation in [Activation::Gelu, Activation::QuickGelu, Activation::Silu] {
            let x = ramp(&[7, 3]);
            let plain = activation.of_tensor(&x).unwrap();
            assert_near(
                &activate(activation, x.copy().unwrap()).unwrap(),
                &plain,
                1e-6,
            );
            let up = (ramp(&[7, 3]) * 0.3).unwrap();
            let gated = activate_mul(activation, x.copy().unwrap(), &up).unwrap();
            assert_near(&gated, &(plain * &up).unwrap(), 1e-6);
            let far = Tensor::new(&[-1e4f32, 1e4, 0.0], &Device::Cpu).unwrap();
            let far = activate(activation, far).unwrap();
            assert_eq!(far.to_vec1::<f32>().unwrap(), [0.0, 1e4, 0.0]);
        }
    }
}
