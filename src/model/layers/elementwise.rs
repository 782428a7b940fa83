//! Element-wise steps in one pass over the buffer they are given, on all threads.
//!
//! candle takes one pass, one new buffer and one thread for each of their operations on the CPU, which together cost
//! seconds a post at real dimensions. Elsewhere its own operations do the same.

use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    exp::{exp, tanh},
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

/// `x + change`, elements of the same shape: what a part of a layer adds to what goes past it. The buffer of `change` is
/// overwritten: nothing else may use it.
pub fn residual(x: &Tensor, change: Tensor) -> Result<Tensor> {
    if !runs_here(x) || !runs_here(&change) || x.shape() != change.shape() {
        return x + change;
    }
    change.inplace_op2(x, &Sum)?;
    Ok(change)
}

/// cap · tanh(x / cap) of every element. The buffer of `x` is overwritten: nothing else may use it.
pub fn soft_cap(x: Tensor, cap: f64) -> Result<Tensor> {
    if !runs_here(&x) {
        let scaled = (x / cap)?;
        let squeezed = scaled.tanh()?;
        drop(scaled);
        return squeezed * cap;
    }
    x.inplace_op1(&SoftCap(cap as f32))?;
    Ok(x)
}

fn runs_here(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32 && x.is_contiguous()
}

/// `y += x`
struct Sum;

impl InplaceOp2 for Sum {
    fn name(&self) -> &'static str {
        "residual"
    }

    fn cpu_fwd(
        &self,
        y: &mut CpuStorage,
        y_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> Result<()> {
        let x = values(x, x_layout)?;
        let y = values_mut(y, y_layout)?;
        if y.len() != x.len() {
            bail!("residual of {} and {} values", y.len(), x.len());
        }
        y.par_chunks_mut(PIECE)
            .zip(x.par_chunks(PIECE))
            .for_each(|(y, x)| y.iter_mut().zip(x).for_each(|(y, x)| *y += x));
        Ok(())
    }
}

/// The cap.
struct SoftCap(f32);

impl InplaceOp1 for SoftCap {
    fn name(&self) -> &'static str {
        "soft_cap"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        values_mut(storage, layout)?
            .par_chunks_mut(PIECE)
            .for_each(|values| {
                vectorized(Capped {
                    values,
                    cap: self.0,
                });
            });
        Ok(())
    }
}

struct Capped<'a> {
    values: &'a mut [f32],
    cap: f32,
}

impl Loop for Capped<'_> {
    #[inline(always)]
    fn run(self) {
        let (cap, one_over_cap) = (self.cap, 1.0 / self.cap);
        let of = |v: f32| cap * tanh(v * one_over_cap);
        self.values.iter_mut().for_each(|v| *v = of(*v));
    }
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
    use candle_core::{Device, IndexOp};

    use super::*;
    use crate::model::layers::tests::{assert_near, ramp};

    #[test]
    fn sums_are_candles_also_of_parts_and_of_what_does_not_lie_together() {
        let whole = ramp(&[2, 4, 3]);
        for x in [
            whole.clone(),
            whole.i(1).unwrap(),
            whole.i(0).unwrap().narrow(0, 1, 3).unwrap(),
            whole.narrow(1, 1, 3).unwrap(),
            whole.t().unwrap(),
        ] {
            let change = (ramp(x.dims()) * 0.3).unwrap();
            let expected = (&x + &change).unwrap();
            assert_near(&residual(&x, change).unwrap(), &expected, 1e-9);
        }
        assert!(residual(&whole, ramp(&[2, 4])).is_err());
        assert_near(&whole, &ramp(&[2, 4, 3]), 1e-9);
    }

    #[test]
    fn soft_caps_are_candles() {
        let x = (ramp(&[7, 3]) * 20.0).unwrap();
        let expected = ((&x / 30.0).unwrap().tanh().unwrap() * 30.0).unwrap();
        assert_near(&soft_cap(x.copy().unwrap(), 30.0).unwrap(), &expected, 1e-5);
        let nan = Tensor::new(&[f32::NAN], &Device::Cpu).unwrap();
        let capped = soft_cap(nan, 30.0).unwrap().to_vec1::<f32>().unwrap();
        assert!(capped.iter().all(|v| v.is_nan()), "a fault stays one");
    }

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
