//! Rotary position embedding. Su et al. 2021, <https://arxiv.org/abs/2104.09864>.

use candle_core::{DType, Device, Result, Tensor};

use crate::model::causal_lm::Position;

/// Angles by position, computed in f32.
#[derive(Clone, Debug)]
pub struct RotaryEmbedding {
    /// (1, 1, head_dim / 2), f32
    inv_freq: Tensor,
}

impl RotaryEmbedding {
    /// Frequencies theta^(−2i / head_dim).
    pub fn new(head_dim: usize, theta: f64, device: &Device) -> Result<Self> {
        let inv_freq: Vec<f32> = (0..head_dim)
            .step_by(2)
            .map(|i| 1.0 / (theta as f32).powf(i as f32 / head_dim as f32))
            .collect();
        let half = inv_freq.len();
        Ok(Self {
            inv_freq: Tensor::from_vec(inv_freq, (1, 1, half), device)?,
        })
    }

    /// The frequencies of a plane: the first half of them turns by the row, the second by the column, and each half
    /// has all frequencies of a head of half the size.
    pub fn of_plane(head_dim: usize, theta: f64, device: &Device) -> Result<Self> {
        let line = Self::new(head_dim / 2, theta, device)?.inv_freq; // (1, 1, head_dim / 4)
        Ok(Self {
            inv_freq: Tensor::cat(&[&line, &line], 2)?,
        })
    }

    /// Cosines and sines `(batch, len, head_dim / 2)` of positions `(batch, len)` u32, as `dtype`.
    pub fn tables(&self, positions: &Tensor, dtype: DType) -> Result<(Tensor, Tensor)> {
        self.tables_by_frequency(&positions.unsqueeze(2)?, dtype)
    }

    /// The same of `batch` sequences of tokens, one sequence after the other: their positions by the first axis.
    pub fn of_tokens(
        &self,
        positions: &[Position],
        batch: usize,
        dtype: DType,
    ) -> Result<(Tensor, Tensor)> {
        let positions: Vec<u32> = positions.iter().map(|[at, ..]| *at).collect();
        let shape = (batch, positions.len() / batch.max(1));
        let positions = Tensor::from_vec(positions, shape, self.inv_freq.device())?;
        self.tables(&positions, dtype)
    }

    /// The same with a position for each frequency: positions `(batch, len, head_dim / 2)` u32.
    pub fn tables_by_frequency(
        &self,
        positions: &Tensor,
        dtype: DType,
    ) -> Result<(Tensor, Tensor)> {
        let positions = positions.to_dtype(DType::F32)?;
        let angles = positions.broadcast_mul(&self.inv_freq)?; // (batch, len, head_dim / 2)
        Ok((
            angles.cos()?.to_dtype(dtype)?,
            angles.sin()?.to_dtype(dtype)?,
        ))
    }
}
