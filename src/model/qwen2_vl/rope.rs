//! M-RoPE: a token's position in time, row and column. A text's tokens have the same number for all three.

use candle_core::{DType, Device, Result, Tensor};

use super::Config;
use crate::model::{ModelError, causal_lm::Position, image_tokens, layers::RotaryEmbedding};

/// The positions of a prompt.
#[derive(Debug)]
pub struct Positions {
    /// Of each token.
    pub tokens: Vec<Position>,
    /// Where the text goes on behind them.
    pub next: u32,
}

impl Positions {
    /// The positions of a prompt whose image lies on `grid` (time, rows, columns, in patches), if it has one.
    ///
    /// An image begins where the text before it ends, and the text goes on behind its longer side.
    ///
    /// # Errors
    /// Image tokens that are not as many as the grid has places.
    pub fn of(
        input_ids: &[u32],
        image_id: u32,
        grid: Option<[usize; 3]>,
        merge: usize,
    ) -> std::result::Result<Self, ModelError> {
        let [times, rows, columns] = grid.map_or([0; 3], |[t, h, w]| [t, h / merge, w / merge]);
        let image = image_tokens::run(input_ids, image_id, times * rows * columns)?;
        let start = image.start as u32;
        let mut tokens: Vec<Position> = (0..start).map(|i| [i; 3]).collect();
        for t in 0..times as u32 {
            for h in 0..rows as u32 {
                tokens.extend((0..columns as u32).map(|w| [start + t, start + h, start + w]));
            }
        }
        let behind = start + rows.max(columns) as u32;
        let rest = (input_ids.len() - image.end) as u32;
        tokens.extend((behind..behind + rest).map(|i| [i; 3]));
        Ok(Self {
            tokens,
            next: behind + rest,
        })
    }
}

/// The rotary embedding by three axes.
pub struct MRope {
    rotary: RotaryEmbedding,
    /// By frequency: the axis it turns by.
    axes: Vec<usize>,
    device: Device,
}

impl MRope {
    /// The frequencies of a head, the first ones for time, then rows, then columns.
    pub fn new(config: &Config, device: &Device) -> Result<Self> {
        let axes = config.mrope_section.iter().enumerate();
        Ok(Self {
            rotary: RotaryEmbedding::new(config.text.head_dim(), config.rope_theta, device)?,
            axes: axes
                .flat_map(|(axis, n)| std::iter::repeat_n(axis, *n))
                .collect(),
            device: device.clone(),
        })
    }

    /// Cosines and sines `(batch, len, head_dim / 2)` of `batch · len` positions, sequence after sequence.
    pub fn tables(
        &self,
        positions: &[Position],
        batch: usize,
        dtype: DType,
    ) -> Result<(Tensor, Tensor)> {
        let by_frequency: Vec<u32> = positions
            .iter()
            .flat_map(|position| self.axes.iter().map(|axis| position[*axis]))
            .collect();
        let shape = (batch, positions.len() / batch.max(1), self.axes.len());
        let by_frequency = Tensor::from_vec(by_frequency, shape, &self.device)?;
        self.rotary.tables_by_frequency(&by_frequency, dtype)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_on_behind_the_longer_side_of_its_image() {
        let ids = [1, 2, 9, 9, 9, 9, 9, 9, 3, 4];
        let positions = Positions::of(&ids, 9, Some([1, 4, 6]), 2).unwrap();
        let expected = [
            [0; 3],
            [1; 3],
            [2, 2, 2],
            [2, 2, 3],
            [2, 2, 4],
            [2, 3, 2],
            [2, 3, 3],
            [2, 3, 4],
            [5; 3],
            [6; 3],
        ];
        assert_eq!(positions.tokens, expected);
        assert_eq!(positions.next, 7);
        assert!(Positions::of(&ids, 9, Some([1, 4, 4]), 2).is_err());
        assert!(Positions::of(&ids, 9, None, 2).is_err());
    }

    #[test]
    fn a_text_alone_counts_from_zero() {
        let positions = Positions::of(&[5, 6, 7], 9, None, 2).unwrap();
        assert_eq!(positions.tokens, [[0; 3], [1; 3], [2; 3]]);
        assert_eq!(positions.next, 3);
    }
}
