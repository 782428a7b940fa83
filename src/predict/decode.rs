//! Greedy decoding over any [`Network`](crate::model::Network).

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
/// A NaN among the logits of a sequence is an error for that sequence alone.
pub fn greedy(
    network: &mut dyn Network,
    batch: &[&ModelInput],
    max_new_tokens: usize,
    keep_first_logits: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Vec<Result<Generated, ModelError>>, DecodeSeconds), ModelError> {
    let _ = (network, batch, max_new_tokens, keep_first_logits, cancelled);
    todo!()
}

/// The log-probability of each candidate (ids with end of sequence) after a prompt.
pub fn score(
    network: &mut dyn Network,
    input: &ModelInput,
    candidates: &[Vec<u32>],
) -> Result<Vec<f64>, ModelError> {
    let _ = (network, input, candidates);
    todo!()
}
