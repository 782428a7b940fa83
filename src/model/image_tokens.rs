//! The tokens of a prompt that image features take the place of.

use std::ops::Range;

use candle_core::Tensor;

use super::{ModelError, causal_lm::check_vocabulary};

/// Where the image's tokens stand: one run, as long as there are features; empty if there are none.
///
/// # Errors
/// Another number of image tokens, or tokens that do not stand side by side.
pub fn run(input_ids: &[u32], image_id: u32, features: usize) -> Result<Range<usize>, ModelError> {
    let is_image = |id: &&u32| **id == image_id;
    let start = input_ids
        .iter()
        .position(|id| *id == image_id)
        .unwrap_or(input_ids.len());
    let run = input_ids.iter().skip(start).take_while(is_image).count();
    let all = input_ids.iter().filter(is_image).count();
    if run != features || all != features {
        return Err(ModelError::Input(format!(
            "{all} image tokens (the first {run} of them side by side) for {features} image features"
        )));
    }
    Ok(start..start + run)
}

/// Embeddings `(1, len, hidden)` of a prompt: `features (1, tokens, hidden)` in the places of the image tokens, in order, and
/// what `embed` gives for the others. The image tokens may stand in several runs; without features there must be none.
///
/// # Errors
/// Image tokens that are not as many as the features, an id beyond the vocabulary, and what `embed` reports.
pub fn embed(
    input_ids: &[u32],
    image_id: u32,
    features: Option<&Tensor>,
    vocabulary: usize,
    embed: impl Fn(&[u32]) -> candle_core::Result<Tensor>,
) -> Result<Tensor, ModelError> {
    check_vocabulary(input_ids.iter().filter(|id| **id != image_id), vocabulary)?;
    let wanted = input_ids.iter().filter(|id| **id == image_id).count();
    let given = features.map_or(Ok(0), |features| features.dim(1))?;
    if wanted != given {
        return Err(ModelError::Input(format!(
            "{wanted} image tokens for {given} image features"
        )));
    }
    let mut parts = Vec::new();
    let mut used = 0;
    for run in input_ids.chunk_by(|a, b| (*a == image_id) == (*b == image_id)) {
        match features.filter(|_| run.first() == Some(&image_id)) {
            Some(features) => {
                parts.push(features.narrow(1, used, run.len())?);
                used += run.len();
            }
            None => parts.push(embed(run)?),
        }
    }
    Ok(Tensor::cat(&parts, 1)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_one_run_of_the_right_length() {
        assert_eq!(run(&[1, 9, 9, 2], 9, 2).unwrap(), 1..3);
        assert_eq!(run(&[1, 2], 9, 0).unwrap(), 2..2);
        for (ids, features) in [(&[1, 9, 2][..], 2), (&[9, 1, 9], 2), (&[9], 0), (&[1], 1)] {
            assert!(run(ids, 9, features).is_err(), "{ids:?}");
        }
    }
}
