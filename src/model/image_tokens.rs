//! The tokens of a prompt that image features take the place of.

use std::ops::Range;

use candle_core::Tensor;

use super::ModelError;

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

/// Refuses ids that the embedding has no row for; `image_id` needs none.
///
/// # Errors
/// An id beyond the vocabulary.
fn check_vocabulary(input_ids: &[u32], image_id: u32, vocabulary: usize) -> Result<(), ModelError> {
    match input_ids
        .iter()
        .find(|id| **id as usize >= vocabulary && **id != image_id)
    {
        Some(id) => Err(ModelError::Input(format!(
            "the token id {id} is beyond the vocabulary of {vocabulary}"
        ))),
        None => Ok(()),
    }
}

/// Embeddings `(1, len, hidden)` of a prompt: `features (1, tokens, hidden)` in the places of the image tokens, and what
/// `embed` gives for the others. Without features the prompt must name no image.
///
/// # Errors
/// Image tokens that do not fit the features, an id beyond the vocabulary, and what `embed` reports.
pub fn embed(
    input_ids: &[u32],
    image_id: u32,
    features: Option<&Tensor>,
    vocabulary: usize,
    embed: impl Fn(&[u32]) -> candle_core::Result<Tensor>,
) -> Result<Tensor, ModelError> {
    check_vocabulary(input_ids, image_id, vocabulary)?;
    let tokens = features.map_or(Ok(0), |features| features.dim(1))?;
    let image = run(input_ids, image_id, tokens)?;
    let (before, rest) = input_ids.split_at(image.start);
    let behind = rest.get(image.len()..).unwrap_or_default();
    let mut parts = Vec::with_capacity(3);
    if !before.is_empty() {
        parts.push(embed(before)?);
    }
    parts.extend(features.cloned());
    if !behind.is_empty() {
        parts.push(embed(behind)?);
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
