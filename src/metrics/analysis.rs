//! Everything that is drawn about a run: one pass over the compared posts.

use super::{
    Pair,
    calibration::{self, Reliability},
    curve::{self, PrPoint},
    label_pairs::{self, LabelPairs},
    ranking::{Ranking, Scored},
    threshold::{self, AtThreshold},
};
use crate::{post::LabelNames, predict::prediction::Score};

/// Finer steps than this share of an axis cannot be seen.
const FINE: f64 = 1.0 / 1000.0;

/// A compared post, with the probabilities of its labels.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The post's place in the dataset.
    pub post: u32,
    /// Truth and answer.
    pub pair: Pair,
    /// The probability of each label, in class order; empty if there are none.
    pub scores: &'a [Score],
}

/// What is known of one label.
#[derive(Clone, PartialEq, Debug)]
pub struct LabelAnalysis {
    /// The posts whose probability of the label is known.
    pub ranking: Ranking,
    /// The precision–recall curve, without points that nobody could tell from the one before.
    pub curve: Vec<PrPoint>,
    /// Average precision, if any post has the label.
    pub average_precision: Option<f64>,
    /// The area under the ROC curve, if some posts have the label and some have not.
    pub roc_auc: Option<f64>,
    /// The figures along the thresholds, which fall; likewise.
    pub sweep: Vec<AtThreshold>,
    /// The threshold of the highest F1.
    pub best: Option<AtThreshold>,
    /// How far its probabilities can be taken at their word.
    pub reliability: Option<Reliability>,
}

impl LabelAnalysis {
    fn of(ranking: Ranking) -> Self {
        let near = |a: f64, b: f64| (a - b).abs() < FINE;
        let near_points =
            |a: &PrPoint, b: &PrPoint| near(a.recall, b.recall) && near(a.precision, b.precision);
        let near_scores = |a: &AtThreshold, b: &AtThreshold| {
            near(a.threshold, b.threshold)
                && near(a.class.f1, b.class.f1)
                && near(a.class.precision, b.class.precision)
                && near(a.class.recall, b.class.recall)
        };
        Self {
            curve: thin(curve::precision_recall(&ranking), near_points),
            average_precision: curve::average_precision(&ranking),
            roc_auc: curve::roc_auc(&ranking),
            sweep: thin(threshold::sweep(&ranking), near_scores),
            best: threshold::best_f1(&ranking),
            reliability: calibration::reliability(&ranking, calibration::BINS),
            ranking,
        }
    }
}

/// Leaves out what is near to the last one kept; the end stays.
fn thin<T>(all: Vec<T>, is_near: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let end = all.len().saturating_sub(1);
    let mut kept: Vec<T> = Vec::new();
    for (place, one) in all.into_iter().enumerate() {
        if place == end || !kept.last().is_some_and(|last| is_near(last, &one)) {
            kept.push(one);
        }
    }
    kept
}

/// What is drawn about a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Analysis {
    /// How many posts were compared.
    pub n: u64,
    /// How many of them have probabilities.
    pub n_scored: u64,
    /// Each label, in class order.
    pub labels: Vec<LabelAnalysis>,
    /// Which labels are taken for which.
    pub confusions: LabelPairs,
    /// Which labels stand together in the truth.
    pub together_in_truth: LabelPairs,
    /// Which labels stand together in the answers.
    pub together_in_answers: LabelPairs,
}

/// Works it out. Some tenths of a second for 150,000 posts, so never in a frame.
pub fn analyse(labels: &LabelNames, judged: &[Judged]) -> Analysis {
    let of_label = |label: usize| {
        let scored = judged.iter().filter_map(|judged| {
            Some(Scored {
                post: judged.post,
                p: judged.scores.get(label)?.p,
                is_named: judged.pair.predicted.contains(label),
                is_true: judged.pair.truth.contains(label),
            })
        });
        LabelAnalysis::of(Ranking::new(scored))
    };
    let n_labels = labels.len();
    let pairs = || judged.iter().map(|judged| judged.pair);
    Analysis {
        n: judged.len() as u64,
        n_scored: judged.iter().filter(|j| !j.scores.is_empty()).count() as u64,
        labels: (0..n_labels).map(of_label).collect(),
        confusions: label_pairs::confusions(n_labels, pairs()),
        together_in_truth: label_pairs::together(n_labels, pairs().map(|p| p.truth)),
        together_in_answers: label_pairs::together(n_labels, pairs().map(|p| p.predicted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::LabelSet;

    #[test]
    fn curves_lose_no_end_and_little_else() {
        let all: Vec<f64> = (0..=100_000).map(|i| f64::from(i) / 1e5).collect();
        let kept = thin(all, |a, b| (a - b).abs() < FINE);
        assert!((900..=1100).contains(&kept.len()), "{}", kept.len());
        assert_eq!((kept.first(), kept.last()), (Some(&0.0), Some(&1.0)));
        assert!(thin(Vec::<f64>::new(), |_, _| true).is_empty());
    }

    #[test]
    fn posts_without_probabilities_count_in_the_tables_and_not_in_the_curves() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        let score = |p| Score { p, lo: p, hi: p };
        let scores = [score(0.9), score(0.2)];
        let judged = |post, truth, predicted, scores| Judged {
            post,
            pair: Pair {
                truth: LabelSet::from_bits(truth),
                predicted: LabelSet::from_bits(predicted),
                parse_failed: false,
                failed: false,
            },
            scores,
        };
        let found = analyse(&labels, &[judged(4, 1, 1, &scores), judged(5, 2, 1, &[])]);
        assert_eq!((found.n, found.n_scored), (2, 1));
        assert_eq!(found.confusions.get(1, 0), 1);
        assert_eq!(found.together_in_answers.get(0, 0), 2);
        let [x, y] = [0, 1].map(|label| &found.labels[label]);
        assert_eq!((x.ranking.n(), x.average_precision), (1, Some(1.0)));
        assert_eq!((y.ranking.positives(), y.average_precision), (0, None));
        assert_eq!(x.ranking.scored()[0].post, 4);
        assert!(y.curve.is_empty() && y.best.is_none() && y.reliability.is_some());
    }
}
