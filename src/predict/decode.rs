//! Greedy decoding over any [`Network`].

use std::time::Instant;

use candle_core::Tensor;

use crate::model::{ModelError, ModelInput, Network};

/// What greedy decoding gave for one sequence.
#[derive(Clone, PartialEq, Debug)]
pub struct Generated {
    /// The generated ids, the end-of-sequence id included if it came.
    pub ids: Vec<u32>,
    /// The natural log of the answer's probability: the sum over its tokens, end of sequence included.
    pub logprob: f64,
    /// The smallest gap, over the steps, between the best and the second-best token's log-probability.
    pub margin: f64,
    /// Whether the model ended the answer itself.
    pub ended: bool,
    /// Logits of the first step, if asked for.
    pub first_logits: Option<Vec<f32>>,
}

/// Wall-clock seconds of one batch.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct DecodeSeconds {
    /// Image tower and prompt.
    pub prefill: f64,
    /// All further steps.
    pub decode: f64,
}

/// Runs a batch to its end. `cancelled` is asked before every step.
///
/// The most likely token is taken at every step; among equals the one with the lowest id, as the reference does.
/// Sequences that have ended keep running beside the others, and what they say is not kept.
///
/// # Errors
/// [`ModelError::Cancelled`], and what the network reports. A NaN among the logits of a sequence is an error for that
/// sequence alone.
pub fn greedy(
    network: &mut dyn Network,
    batch: &[&ModelInput],
    max_new_tokens: usize,
    keep_first_logits: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Vec<Result<Generated, ModelError>>, DecodeSeconds), ModelError> {
    let go_on = || {
        if cancelled() {
            Err(ModelError::Cancelled)
        } else {
            Ok(())
        }
    };
    let eos_ids = network.eos_ids().to_vec();
    let filler = eos_ids.first().copied().unwrap_or(0);
    let mut sequences = vec![Sequence::default(); batch.len()];

    go_on()?;
    let started = Instant::now();
    // Reading the logits waits for the device, so it belongs into the time of the step that made them.
    let mut rows = rows_of(&network.prefill(batch)?)?;
    let prefill = started.elapsed().as_secs_f64();
    if keep_first_logits {
        for (sequence, row) in sequences.iter_mut().zip(&rows) {
            sequence.first_logits = Some(row.clone());
        }
    }
    for step in 1..=max_new_tokens {
        for (sequence, row) in sequences.iter_mut().zip(&rows) {
            sequence.take(row, step, &eos_ids);
        }
        if step == max_new_tokens || sequences.iter().all(Sequence::is_done) {
            break;
        }
        go_on()?;
        let tokens: Vec<u32> = sequences
            .iter()
            .map(|s| s.next_token().unwrap_or(filler))
            .collect();
        rows = rows_of(&network.decode(&tokens)?)?;
    }
    let seconds = DecodeSeconds {
        prefill,
        decode: started.elapsed().as_secs_f64() - prefill,
    };
    Ok((
        sequences.into_iter().map(Sequence::finish).collect(),
        seconds,
    ))
}

/// The log-probability of each candidate (ids with end of sequence) after a prompt, natural log.
///
/// Candidates that begin alike share the steps of their common beginning.
///
/// # Errors
/// What the network reports, logits that are not numbers, and ids beyond the vocabulary.
pub fn score(
    network: &mut dyn Network,
    input: &ModelInput,
    candidates: &[Vec<u32>],
) -> Result<Vec<f64>, ModelError> {
    // The tokens that the network holds behind the prompt, and what it says before each of them and after the last.
    let mut path: Vec<u32> = Vec::new();
    let mut said = vec![LogProbs::of(&network.prefill(&[input])?, 1)?];
    let mut scores = vec![0.0; candidates.len()];
    let mut order: Vec<(usize, &Vec<u32>)> = candidates.iter().enumerate().collect();
    order.sort_by_key(|(_, ids)| *ids);

    for (index, ids) in order {
        let shared = path.iter().zip(ids).take_while(|(a, b)| a == b).count();
        network.truncate(shared)?;
        path.truncate(shared);
        said.truncate(shared + 1);
        let mut total = 0.0;
        for (place, id) in ids.iter().enumerate() {
            if place >= said.len() {
                let before = ids.get(place - 1).copied().unwrap_or_default();
                said.push(LogProbs::of(&network.decode(&[before])?, place + 1)?);
                path.push(before);
            }
            total += said.get(place).map_or(Ok(0.0), |row| row.log_prob(*id))?;
        }
        if let Some(score) = scores.get_mut(index) {
            *score = total;
        }
    }
    Ok(scores)
}

/// One sequence of a batch while it is generated.
#[derive(Clone, Default)]
struct Sequence {
    ids: Vec<u32>,
    logprob: f64,
    margin: Option<f64>,
    ended: bool,
    /// The step whose logits were not numbers.
    failed_at: Option<usize>,
    first_logits: Option<Vec<f32>>,
}

impl Sequence {
    fn is_done(&self) -> bool {
        self.ended || self.failed_at.is_some()
    }

    /// The token to go on from, while the sequence runs.
    fn next_token(&self) -> Option<u32> {
        if self.is_done() {
            None
        } else {
            self.ids.last().copied()
        }
    }

    fn take(&mut self, logits: &[f32], step: usize, eos_ids: &[u32]) {
        if self.is_done() {
            return;
        }
        let Some(best) = Best::of(logits) else {
            self.failed_at = Some(step);
            return;
        };
        self.ids.push(best.id);
        self.logprob += best.logprob;
        self.margin = Some(
            self.margin
                .map_or(best.margin, |margin| margin.min(best.margin)),
        );
        self.ended = eos_ids.contains(&best.id);
    }

    fn finish(self) -> Result<Generated, ModelError> {
        match self.failed_at {
            Some(step) => Err(ModelError::NotANumber { step }),
            None => Ok(Generated {
                ids: self.ids,
                logprob: self.logprob,
                margin: self.margin.unwrap_or(f64::INFINITY),
                ended: self.ended,
                first_logits: self.first_logits,
            }),
        }
    }
}

/// The best token of a step.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Best {
    id: u32,
    logprob: f64,
    /// How far the second-best token is behind, in log-probability.
    margin: f64,
}

impl Best {
    /// `None` if the logits are not all numbers.
    fn of(logits: &[f32]) -> Option<Self> {
        let (mut id, mut best, mut second) = (None, f32::NEG_INFINITY, f32::NEG_INFINITY);
        for (i, logit) in logits.iter().enumerate() {
            if logit.is_nan() {
                return None;
            }
            // Strictly greater: of equals the first stays.
            if *logit > best {
                (id, second, best) = (Some(i as u32), best, *logit);
            } else if *logit > second {
                second = *logit;
            }
        }
        let log_sum = log_sum_exp(logits, best)?;
        Some(Self {
            id: id?,
            logprob: f64::from(best) - log_sum,
            margin: f64::from(best) - f64::from(second),
        })
    }
}

/// Everything a network says about the next token.
struct LogProbs {
    logits: Vec<f32>,
    log_sum: f64,
}

impl LogProbs {
    fn of(logits: &Tensor, step: usize) -> Result<Self, ModelError> {
        let logits = rows_of(logits)?.pop().unwrap_or_default();
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum = log_sum_exp(&logits, max).ok_or(ModelError::NotANumber { step })?;
        Ok(Self { logits, log_sum })
    }

    fn log_prob(&self, id: u32) -> Result<f64, ModelError> {
        let logit = self.logits.get(id as usize).ok_or_else(|| {
            ModelError::Input(format!(
                "the token id {id} is beyond the vocabulary of {}",
                self.logits.len()
            ))
        })?;
        Ok(f64::from(*logit) - self.log_sum)
    }
}

/// ln Σ exp(logit), given the greatest logit; `None` if that is not a number.
fn log_sum_exp(logits: &[f32], max: f32) -> Option<f64> {
    let sum: f64 = logits
        .iter()
        .map(|logit| f64::from((logit - max).exp()))
        .sum();
    let log_sum = f64::from(max) + sum.ln();
    log_sum.is_finite().then_some(log_sum)
}

/// Logits `(batch, vocab)` f32 as one row a sequence.
fn rows_of(logits: &Tensor) -> Result<Vec<Vec<f32>>, ModelError> {
    Ok(logits.to_vec2()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// A network that says, after the tokens so far, what a function says.
    struct Scripted {
        said: Vec<Vec<u32>>,
        logits: fn(sequence: usize, so_far: &[u32]) -> Vec<f32>,
    }

    impl Scripted {
        fn new(logits: fn(usize, &[u32]) -> Vec<f32>) -> Self {
            Self {
                said: Vec::new(),
                logits,
            }
        }

        fn speak(&self) -> Result<Tensor, ModelError> {
            let rows: Vec<Vec<f32>> = self
                .said
                .iter()
                .enumerate()
                .map(|(i, so_far)| (self.logits)(i, so_far))
                .collect();
            Ok(Tensor::new(rows, &Device::Cpu)?)
        }
    }

    impl Network for Scripted {
        fn prefill(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
            self.said = vec![Vec::new(); batch.len()];
            self.speak()
        }

        fn decode(&mut self, tokens: &[u32]) -> Result<Tensor, ModelError> {
            self.said
                .iter_mut()
                .zip(tokens)
                .for_each(|(said, token)| said.push(*token));
            self.speak()
        }

        fn truncate(&mut self, generated: usize) -> Result<(), ModelError> {
            self.said
                .iter_mut()
                .for_each(|said| said.truncate(generated));
            Ok(())
        }

        fn eos_ids(&self) -> &[u32] {
            &[0]
        }

        fn device(&self) -> &Device {
            &Device::Cpu
        }
    }

    fn input() -> ModelInput {
        ModelInput {
            prompt: String::new(),
            input_ids: vec![5],
            pixel_values: None,
        }
    }

    fn run(network: &mut Scripted, posts: usize, max: usize) -> Vec<Result<Generated, ModelError>> {
        let input = input();
        greedy(network, &vec![&input; posts], max, false, &|| false)
            .unwrap()
            .0
    }

    #[test]
    fn of_equal_logits_the_lowest_id_is_taken_and_the_margin_is_nothing() {
        let best = Best::of(&[1.0, 3.0, 3.0, 2.0]).unwrap();
        assert_eq!((best.id, best.margin), (1, 0.0));
        assert_eq!(Best::of(&[1.0, f32::NAN]), None);
        assert_eq!(Best::of(&[]), None);
    }

    #[test]
    fn each_sequence_of_a_batch_ends_where_it_ends_alone() {
        // The i-th sequence says "3" i times, then ends.
        let mut network = Scripted::new(|sequence, so_far| {
            let mut logits = vec![0.0; 4];
            logits[if so_far.len() < sequence { 3 } else { 0 }] = 9.0;
            logits
        });
        let all = run(&mut network, 3, 10);
        let ids: Vec<Vec<u32>> = all.into_iter().map(|g| g.unwrap().ids).collect();
        assert_eq!(ids, [vec![0], vec![3, 0], vec![3, 3, 0]]);
    }

    #[test]
    fn an_answer_that_does_not_end_is_cut_and_says_so() {
        let mut network = Scripted::new(|_, _| vec![0.0, 1.0]);
        let generated = run(&mut network, 1, 4).remove(0).unwrap();
        assert_eq!((generated.ids.len(), generated.ended), (4, false));
        assert!((generated.logprob - 4.0 * -(1.0 + (-1f64).exp()).ln()).abs() < 1e-6);
        assert!((generated.margin - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_sequence_with_a_nan_fails_alone() {
        let mut network = Scripted::new(|sequence, so_far| match (sequence, so_far.len()) {
            (0, 1) => vec![f32::NAN, 0.0],
            (_, 0..2) => vec![0.0, 1.0],
            _ => vec![1.0, 0.0],
        });
        let all = run(&mut network, 2, 10);
        assert!(matches!(all[0], Err(ModelError::NotANumber { step: 2 })));
        assert_eq!(all[1].as_ref().unwrap().ids, [1, 1, 0]);
    }

    #[test]
    fn a_cancelled_batch_stops_before_its_next_step() {
        let mut network = Scripted::new(|_, _| vec![0.0, 1.0]);
        let asked = std::cell::Cell::new(0);
        let cancelled = || asked.replace(asked.get() + 1) == 2;
        let result = greedy(&mut network, &[&input()], 10, false, &cancelled);
        assert!(matches!(result, Err(ModelError::Cancelled)));
        assert_eq!(network.said, [[1]]);
    }

    #[test]
    fn scores_are_those_of_the_steps_whatever_the_order_of_the_candidates() {
        // What is said depends on everything before: log-probabilities of (sum of ids so far + id).
        let logits = |_: usize, so_far: &[u32]| -> Vec<f32> {
            let before: u32 = so_far
                .iter()
                .enumerate()
                .map(|(i, id)| id * (i as u32 + 1))
                .sum();
            (0..4).map(|id| ((before + 3 * id) % 5) as f32).collect()
        };
        let candidates = [
            vec![3, 1, 0],
            vec![0],
            vec![3, 1, 2, 0],
            vec![1, 1, 0],
            vec![3, 0],
            vec![3, 1, 0],
        ];
        let mut network = Scripted::new(logits);
        let scores = score(&mut network, &input(), &candidates).unwrap();
        for (candidate, score) in candidates.iter().zip(scores) {
            let mut expected = 0.0;
            for (i, id) in candidate.iter().enumerate() {
                let row = logits(0, &candidate[..i]);
                let sum: f64 = row.iter().map(|v| f64::from(*v).exp()).sum();
                expected += f64::from(row[*id as usize]) - sum.ln();
            }
            assert!(
                (score - expected).abs() < 1e-5,
                "{candidate:?}: {score} and {expected}"
            );
        }
    }
}
