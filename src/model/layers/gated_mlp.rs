//! The gated feed-forward part of a decoder's layer. Shazeer 2020, <https://arxiv.org/abs/2002.05202>.

use candle_core::{Result, Tensor};

use super::{Activation, Linear, activate_mul};
use crate::model::{ModelError, weights::Weights};

/// `down(activation(gate(x)) · up(x))`
pub struct GatedMlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    activation: Activation,
}

impl GatedMlp {
    /// Loads the three projections of vectors of `size`, `inner` inside.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(
        weights: &Weights,
        size: usize,
        inner: usize,
        activation: Activation,
    ) -> std::result::Result<Self, ModelError> {
        Ok(Self {
            gate_proj: Linear::load(&weights.pp("gate_proj"), size, inner)?,
            up_proj: Linear::load(&weights.pp("up_proj"), size, inner)?,
            down_proj: Linear::load(&weights.pp("down_proj"), inner, size)?,
            activation,
        })
    }

    /// `x (batch, len, size)` → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gate = self.gate_proj.forward(x)?; // (batch, len, inner)
        let up = self.up_proj.forward(x)?; // (batch, len, inner)
        self.down_proj
            .forward(&activate_mul(self.activation, gate, &up)?)
    }
}
