//! What a model said about a post, in the terms of other tools.

use crate::{
    post::LabelNames,
    predict::prediction::{Prediction, RunInfo},
};

/// A prediction by names.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Said {
    /// The labels, in class order.
    pub labels: Vec<String>,
    /// Every label with its probability, in class order; empty if none were computed.
    pub scores: Vec<(String, f64)>,
    /// The probability of the whole answer, if known.
    pub answer: Option<f64>,
    /// The model, and its adapter.
    pub model: String,
}

impl Said {
    pub fn new(prediction: &Prediction, run: &RunInfo, labels: &LabelNames) -> Self {
        let scores = prediction.scores.as_deref().unwrap_or_default();
        let named = labels
            .iter()
            .zip(scores)
            .filter(|(_, score)| score.p.is_finite());
        Self {
            labels: labels
                .names_of(prediction.labels)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            scores: named
                .map(|(name, score)| (name.to_owned(), score.p))
                .collect(),
            answer: prediction
                .answer_logprob
                .map(f64::exp)
                .filter(|p| p.is_finite()),
            model: model_name(run),
        }
    }

    /// The probability of a label, if known.
    pub fn score_of(&self, name: &str) -> Option<f64> {
        self.scores
            .iter()
            .find(|(label, _)| label == name)
            .map(|(_, p)| *p)
    }
}

/// The model of a run, and its adapter.
pub(super) fn model_name(run: &RunInfo) -> String {
    match &run.adapter {
        Some(adapter) => format!("{} + {adapter}", run.model),
        None => run.model.clone(),
    }
}
