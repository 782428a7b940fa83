//! What a network says about the next token.

use candle_core::{IndexOp, Tensor};

use crate::model::ModelError;

/// The logits of one place, over the whole vocabulary.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    logits: Vec<f32>,
    /// ln Σ exp(logit)
    log_sum: f64,
}

/// The best token of a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Best {
    /// The token; of equals the one with the lowest id, as the reference takes it.
    pub id: u32,
    /// The natural log of its probability.
    pub logprob: f64,
    /// How far the second-best token is behind, in log-probability.
    pub margin: f64,
}

impl Row {
    /// Reads the row `row` of the sequence `sequence` from logits `(batch, rows, vocabulary)`; `None` if they are not
    /// all numbers.
    ///
    /// # Errors
    /// A row that is not there, or a device that fails.
    pub fn read(logits: &Tensor, sequence: usize, row: usize) -> Result<Option<Self>, ModelError> {
        let logits = logits.i((sequence, row))?.to_vec1::<f32>()?;
        Ok(Self::new(logits))
    }

    /// `None` if the logits are not all numbers.
    pub fn new(logits: Vec<f32>) -> Option<Self> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !max.is_finite() {
            return None;
        }
        let max = f64::from(max);
        let sum: f64 = logits.iter().map(|l| (f64::from(*l) - max).exp()).sum();
        Some(Self {
            logits,
            log_sum: max + sum.ln(),
        })
    }

    /// The most likely token.
    pub fn best(&self) -> Best {
        let (mut id, mut best, mut second) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
        for (i, logit) in self.logits.iter().enumerate() {
            // Strictly greater: of equals the first stays.
            if *logit > best {
                (id, second, best) = (i as u32, best, *logit);
            } else if *logit > second {
                second = *logit;
            }
        }
        Best {
            id,
            logprob: f64::from(best) - self.log_sum,
            margin: f64::from(best) - f64::from(second),
        }
    }

    /// The natural log of a token's probability; `None` beyond the vocabulary.
    pub fn log_prob(&self, id: u32) -> Option<f64> {
        let logit = self.logits.get(id as usize)?;
        Some(f64::from(*logit) - self.log_sum)
    }

    /// The logits.
    pub fn into_logits(self) -> Vec<f32> {
        self.logits
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_logits_the_lowest_id_is_taken_and_the_margin_is_nothing() {
        let best = Row::new(vec![1.0, 3.0, 3.0, 2.0]).unwrap().best();
        assert_eq!((best.id, best.margin), (1, 0.0));
        for logits in [
            vec![],
            vec![1.0, f32::NAN],
            vec![f32::INFINITY],
            vec![f32::NEG_INFINITY],
        ] {
            assert_eq!(Row::new(logits), None);
        }
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let row = Row::new(vec![1.0, -2.0, 80.0, 79.5]).unwrap();
        let sum: f64 = (0..4).map(|id| row.log_prob(id).unwrap().exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!(row.log_prob(4), None);
    }
}
