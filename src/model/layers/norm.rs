//! Normalisation. Both compute in f32 whatever comes in, as the reference does.

use candle_core::{DType, Result, Tensor};

use crate::model::{ModelError, weights::Weights};

/// Root-mean-square norm: x / rms(x) · scale.
#[derive(Clone, Debug)]
pub struct RmsNorm {
    /// (size), f32
    scale: Tensor,
    eps: f32,
}

impl RmsNorm {
    /// Loads `weight` as the scale.
    pub fn load(weights: &Weights, size: usize, eps: f64) -> std::result::Result<Self, ModelError> {
        Ok(Self {
            scale: weights.tensor_f32("weight", &[size])?,
            eps: eps as f32,
        })
    }

    /// Gemma's: the scale is 1 + `weight`.
    pub fn load_from_one(
        weights: &Weights,
        size: usize,
        eps: f64,
    ) -> std::result::Result<Self, ModelError> {
        let norm = Self::load(weights, size, eps)?;
        Ok(Self {
            scale: (norm.scale + 1.0)?,
            ..norm
        })
    }

    /// `(…, size)` → the same.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?.contiguous()?;
        candle_nn::ops::rms_norm(&wide, &self.scale, self.eps)?.to_dtype(x.dtype())
    }
}

/// Layer norm with scale and shift.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// (size), f32
    weight: Tensor,
    /// (size), f32
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// Loads `weight` and `bias`.
    pub fn load(weights: &Weights, size: usize, eps: f64) -> std::result::Result<Self, ModelError> {
        Ok(Self {
            weight: weights.tensor_f32("weight", &[size])?,
            bias: weights.tensor_f32("bias", &[size])?,
            eps: eps as f32,
        })
    }

    /// `(…, size)` → the same.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?.contiguous()?;
        candle_nn::ops::layer_norm(&wide, &self.weight, &self.bias, self.eps)?.to_dtype(x.dtype())
    }
}
