//! What a network says about the next token.

use candle_core::{D, IndexOp, Tensor};
use rayon::prelude::*;

use crate::model::ModelError;

/// The logits of a pass, `(batch, rows, vocabulary)` f32, read as far as somebody asks.
///
/// A row is a megabyte, and a pass has dozens. On the CPU each is summed up where it lies, in f64. A GPU sums them up itself, and
/// only the few numbers that are asked for come over.
#[derive(Debug)]
pub struct Logits {
    tensor: Tensor,
    /// Of each sequence and row, where another device has summed them up.
    sums: Option<Vec<Vec<Sum>>>,
}

/// A row summed up on its device; what is no number in it is none here.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Sum {
    best: Best,
    /// ln Σ exp(logit)
    log_sum: f64,
}

impl Logits {
    /// Of a pass. It waits until the pass is over, so that a device that failed meanwhile says so here.
    ///
    /// # Errors
    /// A device that fails.
    pub fn new(tensor: Tensor) -> Result<Self, ModelError> {
        if tensor.device().is_cpu() {
            return Ok(Self { tensor, sums: None });
        }
        tensor.device().synchronize()?;
        Self::summed_there(tensor)
    }

    /// Sums up on the device of the tensor, one sequence at a time: the steps between are as large as what they are made of.
    fn summed_there(tensor: Tensor) -> Result<Self, ModelError> {
        let (batch, _, vocabulary) = tensor.dims3()?;
        let ids = Tensor::arange(0f32, vocabulary as f32, tensor.device())?;
        let sums = (0..batch).map(|sequence| Self::sums_of(&tensor.get(sequence)?, &ids));
        let sums = sums.collect::<candle_core::Result<_>>()?;
        Ok(Self {
            tensor,
            sums: Some(sums),
        })
    }

    /// Of `logits (rows, vocabulary)`; `ids (vocabulary)` are the tokens' as f32, which has all whole numbers up to 2²⁴.
    fn sums_of(logits: &Tensor, ids: &Tensor) -> candle_core::Result<Vec<Sum>> {
        let ids = ids.broadcast_as(logits.shape())?;
        let constant = |value: f32| {
            let value = Tensor::new(value, logits.device())?;
            value.broadcast_as(logits.shape())
        };
        let max = logits.max_keepdim(D::Minus1)?; // (rows, 1), as are the others
        let is_max = logits.broadcast_eq(&max)?;
        // Of equals the lowest, which candle's argmax does not promise.
        let id = is_max
            .where_cond(&ids, &constant(f32::INFINITY)?)?
            .min_keepdim(D::Minus1)?;
        let second = ids
            .broadcast_eq(&id)?
            .where_cond(&constant(f32::NEG_INFINITY)?, logits)?
            .max_keepdim(D::Minus1)?;
        let above = logits
            .broadcast_sub(&max)?
            .exp()?
            .sum_keepdim(D::Minus1)?
            .log()?;
        let rows = Tensor::cat(&[id, max, second, above], 1)?.to_vec2::<f32>()?;
        let sum = |row: Vec<f32>| match row[..] {
            [id, max, second, above] => Ok(Sum {
                best: Best {
                    id: id as u32,
                    logprob: -f64::from(above),
                    margin: f64::from(max) - f64::from(second),
                },
                log_sum: f64::from(max) + f64::from(above),
            }),
            _ => candle_core::bail!("{} sums of a row", row.len()),
        };
        rows.into_iter().map(sum).collect()
    }

    /// The best token of a row; `None` if its logits are not all numbers.
    ///
    /// # Errors
    /// A row that is not there, or a device that fails.
    pub fn best(&self, sequence: usize, row: usize) -> Result<Option<Best>, ModelError> {
        match self.sum(sequence, row)? {
            None => Ok(self.row(sequence, row)?.as_ref().map(Row::best)),
            Some(sum) => Ok(sum.log_sum.is_finite().then_some(sum.best)),
        }
    }

    /// The natural logs of the probabilities of some tokens, row by row of a sequence; `None` for rows that are not all numbers.
    ///
    /// # Errors
    /// A row or a token that is not there, or a device that fails.
    pub fn log_probs(
        &self,
        sequence: usize,
        wanted: &[(usize, Vec<u32>)],
    ) -> Result<Vec<Option<Vec<f64>>>, ModelError> {
        if self.sums.is_some() {
            return self.log_probs_there(sequence, wanted);
        }
        // Each sums up the whole vocabulary, which takes longer than anything else here.
        let of_row = |(row, tokens): &(usize, Vec<u32>)| {
            let Some(row) = self.row(sequence, *row)? else {
                return Ok(None);
            };
            let of_token = |token: &u32| row.log_prob(*token).ok_or_else(|| beyond(*token));
            tokens
                .iter()
                .map(of_token)
                .collect::<Result<_, _>>()
                .map(Some)
        };
        wanted.par_iter().map(of_row).collect()
    }

    /// From sums: all logits that are wanted come over at once.
    fn log_probs_there(
        &self,
        sequence: usize,
        wanted: &[(usize, Vec<u32>)],
    ) -> Result<Vec<Option<Vec<f64>>>, ModelError> {
        let vocabulary = self.tensor.dim(D::Minus1)?;
        let mut places = Vec::new();
        for (row, tokens) in wanted {
            for token in tokens {
                if *token as usize >= vocabulary {
                    return Err(beyond(*token));
                }
                places.push((row * vocabulary) as u32 + token);
            }
        }
        if places.is_empty() {
            return Ok(vec![Some(Vec::new()); wanted.len()]);
        }
        let n = places.len();
        let places = Tensor::from_vec(places, n, self.tensor.device())?;
        let logits = self.tensor.get(sequence)?.flatten_all()?;
        let logits = logits.index_select(&places, 0)?.to_vec1::<f32>()?;
        let mut logits = logits.into_iter();
        let of_row = |(row, tokens): &(usize, Vec<u32>)| {
            let sum = self
                .sum(sequence, *row)?
                .map_or(f64::NAN, |sum| sum.log_sum);
            let logits: Vec<f64> = logits.by_ref().take(tokens.len()).map(f64::from).collect();
            let log_probs = logits.into_iter().map(|logit| logit - sum).collect();
            Ok(sum.is_finite().then_some(log_probs))
        };
        wanted.iter().map(of_row).collect()
    }

    /// What another device has summed up; `None` on the CPU.
    fn sum(&self, sequence: usize, row: usize) -> Result<Option<Sum>, ModelError> {
        let Some(sums) = &self.sums else {
            return Ok(None);
        };
        let sum = sums.get(sequence).and_then(|rows| rows.get(row)).copied();
        let missing =
            || ModelError::Input(format!("a pass without row {row} of sequence {sequence}"));
        sum.ok_or_else(missing).map(Some)
    }

    /// A whole row; `None` if the logits are not all numbers.
    ///
    /// # Errors
    /// A row that is not there, or a device that fails.
    pub fn row(&self, sequence: usize, row: usize) -> Result<Option<Row>, ModelError> {
        let mut logits = self.tensor.i((sequence, row))?;
        if !logits.device().is_cpu() {
            // Of a view, all that it is a part of would come over.
            logits = logits.force_contiguous()?;
        }
        Ok(Row::new(logits.to_vec1::<f32>()?))
    }
}

fn beyond(token: u32) -> ModelError {
    ModelError::Input(format!("the token id {token} is beyond the vocabulary"))
}

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
    use candle_core::Device;

    use super::*;

    #[test]
    fn another_device_sums_up_to_the_same() {
        let rows: [[f32; 5]; 6] = [
            [1.0, 3.0, 3.0, 2.0, -7.0],
            [20.0, -2.0, 80.0, 79.5, 0.0],
            [0.0, 0.0, f32::NEG_INFINITY, 0.0, -1.0],
            [1.0, f32::NAN, 2.0, 0.0, 0.0],
            [f32::NEG_INFINITY; 5],
            [f32::INFINITY, 0.0, 1.0, 2.0, 3.0],
        ];
        let tensor = Tensor::new(&rows, &Device::Cpu).unwrap();
        let tensor = tensor.reshape((2, 3, 5)).unwrap();
        let here = Logits::new(tensor.clone()).unwrap();
        let there = Logits::summed_there(tensor).unwrap();
        assert!(here.sums.is_none() && there.sums.is_some());
        let wanted = [(2, vec![4, 0]), (0, vec![]), (1, vec![3])];
        for sequence in 0..2 {
            for row in 0..3 {
                let of = [&here, &there].map(|logits| logits.best(sequence, row).unwrap());
                let [Some(here), Some(there)] = of else {
                    assert_eq!((of, sequence), ([None; 2], 1));
                    continue;
                };
                assert_eq!((here.id, here.margin), (there.id, there.margin));
                assert!((here.logprob - there.logprob).abs() < 1e-6);
            }
            let of = [&here, &there].map(|logits| logits.log_probs(sequence, &wanted).unwrap());
            for (here, there) in of[0].iter().zip(&of[1]) {
                assert_eq!(here.is_some(), there.is_some());
                for (here, there) in here.iter().flatten().zip(there.iter().flatten()) {
                    assert!((here - there).abs() < 1e-6, "{here} and {there}");
                }
            }
        }
        for logits in [&here, &there] {
            assert!(logits.best(0, 3).is_err());
            assert!(logits.log_probs(0, &[(0, vec![5])]).is_err());
        }
    }

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
