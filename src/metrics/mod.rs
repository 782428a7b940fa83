//! Comparing predictions with the truth: counts, and the averages the original evaluation reports.

pub mod agreement;
pub mod analysis;
pub mod bootstrap;
pub mod calibration;
pub mod curve;
pub mod history;
pub mod label_errors;
pub mod label_pairs;
pub mod proportion;
pub mod ranking;
pub mod raters;
pub mod threshold;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::post::{LabelNames, LabelSet};

/// What happened with one label over all compared posts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Predicted and true.
    pub tp: u64,
    /// Predicted, not true.
    pub fp: u64,
    /// True, not predicted.
    pub fn_: u64,
    /// Neither.
    pub tn: u64,
}

/// The figures of one label.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ClassMetrics {
    /// Predicted and true.
    pub tp: u64,
    /// Predicted, not true.
    pub fp: u64,
    /// True, not predicted.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Neither.
    pub tn: u64,
    /// `tp / (tp + fp)`, 0 where nothing was predicted.
    pub precision: f64,
    /// `tp / (tp + fn)`, 0 where nothing is true.
    pub recall: f64,
    /// The harmonic mean; 1 where tp = fp = fn = 0 (the original evaluation's convention).
    pub f1: f64,
    /// The same with scikit-learn's `zero_division=0`.
    pub f1_zero_division_0: f64,
    /// How many posts have the label.
    pub support: u64,
}

/// The figures of a comparison.
#[derive(Clone, PartialEq, Debug)]
pub struct Metrics {
    /// How many posts were compared.
    pub n: u64,
    /// Micro-averaged F1.
    pub f1_micro: f64,
    /// Macro-averaged F1, an empty class counted as 1.
    pub f1_macro: f64,
    /// Macro-averaged F1 as scikit-learn has it with `zero_division=0`.
    pub f1_macro_zero_division_0: f64,
    /// Micro-averaged F1 as scikit-learn has it with `zero_division=0`.
    pub f1_micro_zero_division_0: f64,
    /// The share of posts whose whole label set is right.
    pub subset_accuracy: f64,
    /// The share of wrong post–label pairs.
    pub hamming_loss: f64,
    /// Answers that could not be parsed; they are counted as empty.
    pub parse_failures: u64,
    /// Posts without any answer (broken image, failed computation); they are counted as empty, too.
    pub failed: u64,
    /// Per label, in class order.
    pub per_class: Vec<ClassMetrics>,
}

/// One compared post.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The truth.
    pub truth: LabelSet,
    /// The prediction.
    pub predicted: LabelSet,
    /// Whether the answer could not be parsed.
    pub parse_failed: bool,
    /// Whether there was no answer at all.
    pub failed: bool,
}

/// Compares. A few milliseconds for 150,000 posts. With no posts every figure is 0.
pub fn evaluate(labels: &LabelNames, pairs: impl IntoIterator<Item = Pair>) -> Metrics {
    evaluate_weighted(labels, pairs.into_iter().map(|pair| (pair, 1)))
}

/// Compares, each pair as often as its weight says.
fn evaluate_weighted(labels: &LabelNames, pairs: impl IntoIterator<Item = (Pair, u64)>) -> Metrics {
    let mut tally = Tally::new(labels.len());
    for (pair, weight) in pairs {
        tally.add(pair, weight);
    }
    tally.metrics()
}

/// What was counted so far.
struct Tally {
    /// The labels that exist, as bits.
    known: u64,
    counts: Vec<Counts>,
    n: u64,
    exact: u64,
    wrong: u64,
    parse_failures: u64,
    failed: u64,
}

impl Tally {
    fn new(n_labels: usize) -> Self {
        Self {
            known: LabelSet::from_iter(0..n_labels).bits(),
            counts: vec![Counts::default(); n_labels],
            n: 0,
            exact: 0,
            wrong: 0,
            parse_failures: 0,
            failed: 0,
        }
    }

    fn add(&mut self, pair: Pair, weight: u64) {
        let truth = pair.truth.bits() & self.known;
        let predicted = pair.predicted.bits() & self.known;
        self.n += weight;
        self.exact += weight * u64::from(truth == predicted);
        self.wrong += weight * u64::from((truth ^ predicted).count_ones());
        self.parse_failures += weight * u64::from(pair.parse_failed);
        self.failed += weight * u64::from(pair.failed);
        for (index, count) in self.counts.iter_mut().enumerate() {
            let (is_true, is_predicted) = (truth >> index & 1, predicted >> index & 1);
            count.tp += weight * (is_true & is_predicted);
            count.fp += weight * (!is_true & 1 & is_predicted);
            count.fn_ += weight * (is_true & !is_predicted & 1);
        }
    }

    /// The figures of what was counted.
    fn metrics(&self) -> Metrics {
        let (n, n_labels) = (self.n, self.counts.len() as f64);
        let counts = self.counts.iter().map(|c| Counts {
            tn: n - c.tp - c.fp - c.fn_,
            ..*c
        });
        let all = counts.clone().fold(Counts::default(), |sum, c| Counts {
            tp: sum.tp + c.tp,
            fp: sum.fp + c.fp,
            fn_: sum.fn_ + c.fn_,
            tn: sum.tn + c.tn,
        });
        let per_class: Vec<ClassMetrics> = counts.map(|c| ClassMetrics::from(&c)).collect();
        let empty_f1 = if n > 0 { 1.0 } else { 0.0 };
        let mean = |of: fn(&ClassMetrics) -> f64| ratio(per_class.iter().map(of).sum(), n_labels);
        Metrics {
            n,
            f1_micro: f1(&all, empty_f1),
            f1_micro_zero_division_0: f1(&all, 0.0),
            f1_macro: if n > 0 { mean(|c| c.f1) } else { 0.0 },
            f1_macro_zero_division_0: mean(|c| c.f1_zero_division_0),
            subset_accuracy: ratio(self.exact as f64, n as f64),
            hamming_loss: ratio(self.wrong as f64, n as f64 * n_labels),
            parse_failures: self.parse_failures,
            failed: self.failed,
            per_class,
        }
    }
}

impl From<&Counts> for ClassMetrics {
    fn from(counts: &Counts) -> Self {
        let Counts { tp, fp, fn_, tn } = *counts;
        Self {
            tp,
            fp,
            fn_,
            tn,
            precision: ratio(tp as f64, (tp + fp) as f64),
            recall: ratio(tp as f64, (tp + fn_) as f64),
            f1: f1(counts, 1.0),
            f1_zero_division_0: f1(counts, 0.0),
            support: tp + fn_,
        }
    }
}

/// `2 tp / (2 tp + fp + fn)`, the harmonic mean of precision and recall; `if_empty` where all three are 0.
fn f1(counts: &Counts, if_empty: f64) -> f64 {
    let wrong = counts.fp + counts.fn_;
    if counts.tp + wrong == 0 {
        return if_empty;
    }
    2.0 * counts.tp as f64 / (2 * counts.tp + wrong) as f64
}

/// The quotient, 0 where nothing is divided by nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The object that `evaluate --json` prints. Figures are null where no post was compared.
///
/// `unlabelled_left_out` is how many posts have no truth and so are not in the figures.
pub fn to_json(metrics: &Metrics, labels: &LabelNames, unlabelled_left_out: u64) -> Value {
    let figure = |figure: f64| {
        if metrics.n > 0 {
            json!(figure)
        } else {
            Value::Null
        }
    };
    let per_class: Map<String, Value> = labels
        .iter()
        .zip(&metrics.per_class)
        .map(|(name, class)| (name.to_owned(), json!(class)))
        .collect();
    json!({
        "n": metrics.n,
        "f1_micro": figure(metrics.f1_micro),
        "f1_macro": figure(metrics.f1_macro),
        "subset_accuracy": figure(metrics.subset_accuracy),
        "hamming_loss": figure(metrics.hamming_loss),
        "parse_failures": metrics.parse_failures,
        "failed": metrics.failed,
        "unlabelled_left_out": unlabelled_left_out,
        "f1_micro_zero_division_0": figure(metrics.f1_micro_zero_division_0),
        "f1_macro_zero_division_0": figure(metrics.f1_macro_zero_division_0),
        "per_class": per_class,
    })
}
