//! The log-probabilities of given answers.

use super::{decode::Pass, logits::Row};
use crate::model::{ModelError, ModelInput, Network, TokenTree};

/// The most tokens that are tried in one pass of [`score`].
const SCORED_NODES: usize = 128;

/// The log-probability of each candidate (ids with end of sequence) after a prompt, natural log.
///
/// Candidates that begin alike share their common beginning, and ride behind the prompt together.
///
/// # Errors
/// What the network reports, logits that are not numbers, and ids beyond the vocabulary.
pub fn score(
    network: &mut dyn Network,
    input: &ModelInput,
    candidates: &[Vec<u32>],
) -> Result<Vec<f64>, ModelError> {
    let mut order: Vec<(usize, &[u32])> =
        candidates.iter().map(Vec::as_slice).enumerate().collect();
    order.sort_by_key(|(_, ids)| *ids);
    let mut scores = vec![0.0; candidates.len()];
    let mut first: Option<Row> = None;
    while !order.is_empty() {
        let (tree, taken) = tree_of(&order);
        let rest = order.split_off(taken);
        let pass = if first.is_none() {
            let pass = Pass::prefill(network.prefill(&[input], &tree)?, &tree, 1)?;
            first = Some(
                pass.row(0, None)?
                    .ok_or(ModelError::NotANumber { step: 1 })?,
            );
            Some(pass)
        } else if tree.is_empty() {
            None
        } else {
            let logits = network.extend(std::slice::from_ref(&tree))?;
            let pass = Pass::further(logits, vec![tree.clone()], vec![Vec::new()])?;
            Some(pass)
        };
        let mut rows = Vec::with_capacity(tree.len());
        for node in 0..tree.len() {
            rows.push(
                pass.as_ref()
                    .map_or(Ok(None), |pass| pass.row(0, Some(node)))?,
            );
        }
        for (index, ids) in std::mem::replace(&mut order, rest) {
            let (mut node, mut total) = (None, 0.0);
            for (place, id) in ids.iter().enumerate() {
                let row = match node {
                    None => first.as_ref(),
                    Some(node) => rows.get::<usize>(node).and_then(Option::as_ref),
                };
                let row = row.ok_or(ModelError::NotANumber { step: place + 1 })?;
                total += row.log_prob(*id).ok_or_else(|| {
                    ModelError::Input(format!("the token id {id} is beyond the vocabulary"))
                })?;
                node = tree.child(node, *id);
            }
            if let Some(score) = scores.get_mut(index) {
                *score = total;
            }
        }
    }
    Ok(scores)
}

/// As many of the first candidates as fit into one pass, as a tree, and how many these are.
fn tree_of(candidates: &[(usize, &[u32])]) -> (TokenTree, usize) {
    let mut tree = TokenTree::default();
    let mut taken = 0;
    for (_, ids) in candidates {
        // What ends a candidate need not run: nobody asks what comes behind it.
        let run = ids.split_last().map_or(&[][..], |(_, before)| before);
        if taken > 0 && tree.len() + tree.missing(run) > SCORED_NODES {
            break;
        }
        tree.insert(run);
        taken += 1;
    }
    (tree, taken)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::predict::scripted::{Scripted, input};

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
        let mut candidates = vec![
            vec![3, 1, 0],
            vec![0],
            vec![3, 1, 2, 0],
            vec![1, 1, 0],
            vec![3, 0],
            vec![3, 1, 0],
        ];
        // More than one pass takes.
        candidates.extend((0..200u32).map(|n| (0..8).map(|i| n >> i & 1).collect()));
        let mut network = Scripted::new(logits);
        let scores = score(&mut network, &input(), &candidates).unwrap();
        assert!(network.passes() > 1);
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
