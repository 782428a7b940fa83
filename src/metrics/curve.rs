//! How well probabilities put the posts that have a label before those that have not.

use super::{ClassMetrics, ranking::Ranking};

/// One point of a precision–recall curve.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrPoint {
    /// Every post of at least this probability gets the label.
    pub threshold: f64,
    /// Of the posts that get the label, the share that has it.
    pub precision: f64,
    /// Of the posts that have the label, the share that gets it.
    pub recall: f64,
}

/// The precision–recall curve: a point for every distinct probability, recall rising. It is a staircase and not to be
/// joined by straight lines (Davis and Goadrich 2006). Empty where no post has the label.
pub fn precision_recall(ranking: &Ranking) -> Vec<PrPoint> {
    if ranking.positives() == 0 {
        return Vec::new();
    }
    let steps = ranking.steps();
    steps
        .map(|step| {
            let class = ClassMetrics::from(&step.counts);
            PrPoint {
                threshold: step.threshold,
                precision: class.precision,
                recall: class.recall,
            }
        })
        .collect()
}

/// Average precision, as scikit-learn's `average_precision_score` has it: the mean of the precisions, each weighted by the
/// recall it adds; nothing is interpolated. By chance it is the share of posts that have the label. `None` where none has.
pub fn average_precision(ranking: &Ranking) -> Option<f64> {
    let positives = ranking.positives();
    if positives == 0 {
        return None;
    }
    let (mut sum, mut before) = (0.0, 0);
    for step in ranking.steps() {
        let class = ClassMetrics::from(&step.counts);
        sum += class.precision * (class.tp - before) as f64;
        before = class.tp;
    }
    Some(sum / positives as f64)
}

/// The area under the ROC curve: how often a post that has the label is above one that has not, a tie counting half.
/// `None` where all posts have it or none.
pub fn roc_auc(ranking: &Ranking) -> Option<f64> {
    let positives = ranking.positives();
    let negatives = ranking.n() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut twice, mut tp, mut fp) = (0_u128, 0, 0);
    for step in ranking.steps() {
        let (new_tp, new_fp) = (step.counts.tp - tp, step.counts.fp - fp);
        twice += u128::from(new_fp) * u128::from(2 * tp + new_tp);
        (tp, fp) = (step.counts.tp, step.counts.fp);
    }
    Some(twice as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ranking::tests::{ranking, ten};

    #[test]
    fn curve_and_areas_are_scikit_learns() {
        // scikit-learn 1.9.1: precision_recall_curve, average_precision_score, roc_auc_score.
        let precision = [1.0, 2.0 / 3.0, 0.6, 4.0 / 7.0, 0.5, 4.0 / 9.0, 0.5];
        let recall = [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 1.0];
        let curve = precision_recall(&ten());
        assert_eq!(curve.len(), 7);
        for ((point, precision), recall) in curve.iter().zip(precision).zip(recall) {
            assert!((point.precision - precision).abs() < 1e-12, "{point:?}");
            assert!((point.recall - recall).abs() < 1e-12, "{point:?}");
        }
        assert!((average_precision(&ten()).unwrap() - 0.667_619_047_619_047_6).abs() < 1e-12);
        assert!((roc_auc(&ten()).unwrap() - 0.62).abs() < 1e-12);
    }

    #[test]
    fn the_ends_are_known() {
        for (p, truth, ap, auc) in [
            (vec![0.9, 0.1], vec![1, 0], Some(1.0), Some(1.0)),
            (vec![0.1, 0.9], vec![1, 0], Some(0.5), Some(0.0)),
            // All the same: chance.
            (vec![0.5; 4], vec![1, 0, 0, 0], Some(0.25), Some(0.5)),
            (vec![0.9, 0.1], vec![1, 1], Some(1.0), None),
            (vec![0.9, 0.1], vec![0, 0], None, None),
            (vec![], vec![], None, None),
        ] {
            let found = ranking(&p, &truth);
            assert_eq!(average_precision(&found), ap, "{p:?} {truth:?}");
            assert_eq!(roc_auc(&found), auc, "{p:?} {truth:?}");
            assert_eq!(precision_recall(&found).is_empty(), ap.is_none());
        }
    }
}
