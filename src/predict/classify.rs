//! What a classifier says: for each of its labels the probability that the label applies.

use std::time::Instant;

use serde_json::Value;

use super::{
    answer::Parse,
    prediction::{Prediction, Score, Seconds},
};
use crate::{
    model::{Classifier, ModelError, ModelInput},
    post::{LabelNames, LabelSet},
};

/// Runs a batch: the logits of each post, and the seconds that the batch took.
///
/// # Errors
/// What the network reports. A logit that is not a number is an error for its post alone.
#[allow(clippy::type_complexity)]
pub fn logits(
    classifier: &mut dyn Classifier,
    batch: &[&ModelInput],
) -> Result<(Vec<Result<Vec<f32>, ModelError>>, f64), ModelError> {
    let started = Instant::now();
    let rows = classifier.logits(batch)?.to_vec2::<f32>()?;
    let secs = started.elapsed().as_secs_f64();
    let rows = rows.into_iter().map(|row| {
        if row.iter().any(|logit| logit.is_nan()) {
            return Err(ModelError::LogitNotANumber);
        }
        Ok(row)
    });
    Ok((rows.collect(), secs))
}

/// The labels of a classifier, and where they stand among the labels of a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Classes {
    /// By the model's labels: its name, and its place in the label set if it has one.
    outputs: Vec<(String, Option<usize>)>,
    /// How many labels the label set has.
    n_labels: usize,
}

impl Classes {
    /// Matches labels by name. Where the model and the dataset have one label each, these two are meant, whatever
    /// they are called: `biased` answers for a dataset's `harmful`.
    pub fn new(model: &[String], labels: &LabelNames) -> Self {
        let only = model.len() == 1 && labels.len() == 1;
        let outputs = model.iter().map(|name| {
            let place = labels.index_of(name).or(only.then_some(0));
            (name.clone(), place)
        });
        Self {
            outputs: outputs.collect(),
            n_labels: labels.len(),
        }
    }

    /// The model's labels in the order of its logits, as the label set calls them where it has them.
    pub fn names_in<'a>(&'a self, labels: &'a LabelNames) -> impl Iterator<Item = &'a str> {
        let known = |place: &Option<usize>| place.and_then(|place| labels.get(place));
        self.outputs
            .iter()
            .map(move |(name, place)| known(place).unwrap_or(name))
    }

    /// What logits say: a label applies if its probability is at least a half. The labels decide independently of each
    /// other, so the answer's probability is the product of theirs, and its margin that of the label closest to a half.
    pub fn prediction(&self, logits: &[f32], seconds: Seconds) -> Prediction {
        let mut labels = LabelSet::EMPTY;
        let mut unknown_labels = Vec::new();
        let mut scores = vec![None; self.n_labels];
        for ((name, place), logit) in self.outputs.iter().zip(logits) {
            let applies = *logit >= 0.0;
            match place {
                Some(place) => {
                    if applies {
                        labels.insert(*place);
                    }
                    if let Some(score) = scores.get_mut(*place) {
                        let p = sigmoid(*logit);
                        *score = Some(Score { p, lo: p, hi: p });
                    }
                }
                None if applies => unknown_labels.push(name.clone()),
                None => {}
            }
        }
        let distances = logits.iter().map(|logit| f64::from(logit.abs()));
        Prediction {
            labels,
            raw: self.text(logits),
            // Where none of its labels is asked about, it has not answered.
            parse: if self.outputs.iter().all(|(_, place)| place.is_none()) {
                Parse::Failed
            } else {
                Parse::Clean
            },
            unknown_labels,
            // A label that the model does not know has no probability.
            scores: scores.into_iter().collect(),
            answer_logprob: Some(distances.clone().map(ln_sigmoid).sum()),
            margin: Some(distances.fold(f64::INFINITY, f64::min)),
            n_tokens: 0,
            seconds,
            error: None,
        }
    }

    /// The probabilities as a short JSON object under the model's own names: `{"biased": 0.931}`.
    pub fn text(&self, logits: &[f32]) -> String {
        let shown = |logit: &f32| (sigmoid(*logit) * 1e4).round() / 1e4;
        let pairs: Vec<String> = self
            .outputs
            .iter()
            .zip(logits)
            .map(|((name, _), logit)| {
                format!(
                    "{}: {}",
                    Value::from(name.as_str()),
                    Value::from(shown(logit))
                )
            })
            .collect();
        format!("{{{}}}", pairs.join(", "))
    }

    /// The natural log of the probability that exactly these of the model's labels apply.
    pub fn logprob(logits: &[f32], set: LabelSet) -> f64 {
        let of_label = |(place, logit): (usize, &f32)| {
            let logit = f64::from(*logit);
            ln_sigmoid(if set.contains(place) { logit } else { -logit })
        };
        logits.iter().enumerate().map(of_label).sum()
    }
}

/// 1 / (1 + e^(−logit)).
fn sigmoid(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

/// ln(sigmoid(logit)), also where the sigmoid itself rounds to 0 or 1.
fn ln_sigmoid(logit: f64) -> f64 {
    logit.min(0.0) - (-logit.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(model: &[&str], labels: &[&str]) -> Classes {
        let model: Vec<String> = model.iter().map(|name| (*name).to_owned()).collect();
        Classes::new(&model, &LabelNames::new(labels).unwrap())
    }

    fn predict(classes: &Classes, logits: &[f32]) -> Prediction {
        classes.prediction(logits, Seconds::default())
    }

    #[test]
    fn a_label_applies_from_a_probability_of_a_half() {
        let biased = classes(&["biased"], &["biased"]);
        for (logit, applies, p, raw) in [
            (0.0, true, 0.5, r#"{"biased": 0.5}"#),
            (-1e-6, false, 0.5, r#"{"biased": 0.5}"#),
            (2.6, true, 0.930_861_6, r#"{"biased": 0.9309}"#),
            (-200.0, false, 0.0, r#"{"biased": 0.0}"#),
            (200.0, true, 1.0, r#"{"biased": 1.0}"#),
        ] {
            let prediction = predict(&biased, &[logit]);
            assert_eq!(prediction.labels.contains(0), applies, "{logit}");
            let score = prediction.scores.as_ref().unwrap()[0];
            assert!((score.p - p).abs() < 1e-6 && score.lo == score.p && score.hi == score.p);
            assert_eq!(
                (prediction.raw.as_str(), prediction.parse),
                (raw, Parse::Clean)
            );
            assert_eq!(prediction.margin, Some(f64::from(logit.abs())));
            let decided = if applies { score.p } else { 1.0 - score.p };
            assert!((prediction.answer_logprob.unwrap() - decided.ln()).abs() < 1e-6);
        }
    }

    #[test]
    fn one_label_answers_for_the_other_whatever_they_are_called() {
        let prediction = predict(&classes(&["biased"], &["harmful"]), &[3.0]);
        assert!(prediction.labels.contains(0) && prediction.unknown_labels.is_empty());
        assert_eq!(prediction.scores.unwrap().len(), 1);
    }

    #[test]
    fn labels_are_matched_by_name_and_the_others_are_unknown() {
        let both = classes(&["rude", "sexist"], &["sexist", "racist"]);
        let prediction = predict(&both, &[1.0, 2.0]);
        assert_eq!(prediction.labels, [0].into_iter().collect());
        assert_eq!(prediction.unknown_labels, ["rude"]);
        assert_eq!(prediction.scores, None);
        assert_eq!(prediction.margin, Some(1.0));
        assert!(predict(&both, &[-1.0, -1.0]).unknown_labels.is_empty());
    }

    #[test]
    fn a_model_without_any_of_the_labels_has_not_answered() {
        let prediction = predict(&classes(&["biased"], &["sexist", "racist"]), &[-1.0]);
        assert_eq!(prediction.parse, Parse::Failed);
        assert_eq!(prediction.raw, r#"{"biased": 0.2689}"#);
    }

    #[test]
    fn the_probabilities_of_all_sets_sum_to_one() {
        let logits = [0.3, -2.0];
        let sum: f64 = (0..4)
            .map(|bits| Classes::logprob(&logits, LabelSet::from_bits(bits)).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
