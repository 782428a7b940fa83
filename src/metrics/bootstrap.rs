//! How far figures may be trusted: percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13).

use std::collections::HashMap;

use super::{Metrics, Pair, evaluate_weighted};
use crate::post::LabelNames;

/// How many times the posts are drawn again.
pub const RESAMPLES: usize = 1000;

/// The ends of an interval that holds a figure in 95 of 100 samples like this one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// The lower end.
    pub lo: f64,
    /// The upper end.
    pub hi: f64,
}

/// The 95 % intervals of the averages and of each label's F1.
#[derive(Clone, PartialEq, Debug)]
pub struct Intervals {
    /// Of micro F1.
    pub f1_micro: Interval,
    /// Of macro F1.
    pub f1_macro: Interval,
    /// Of subset accuracy.
    pub subset_accuracy: Interval,
    /// Of Hamming loss.
    pub hamming_loss: Interval,
    /// Of each label's F1, in class order.
    pub per_class_f1: Vec<Interval>,
}

/// Draws the posts with replacement, [`RESAMPLES`] times, and takes the 2.5th and 97.5th percentile of every figure. The
/// same seed gives the same intervals. `None` without posts, or as soon as `is_cancelled` says so.
///
/// Half a second for 150,000 posts, so never in a frame.
pub fn intervals(
    labels: &LabelNames,
    pairs: &[Pair],
    seed: u64,
    is_cancelled: impl Fn() -> bool,
) -> Option<Intervals> {
    if pairs.is_empty() {
        return None;
    }
    // Posts of one truth and one answer are alike, and there are few kinds: only how often each is drawn matters.
    let mut kinds: Vec<Pair> = Vec::new();
    let mut places = HashMap::new();
    let kind_of: Vec<u32> = pairs
        .iter()
        .map(|pair| {
            *places
                .entry((pair.truth, pair.predicted))
                .or_insert_with(|| {
                    kinds.push(*pair);
                    kinds.len() as u32 - 1
                })
        })
        .collect();
    let mut random = SplitMix(seed);
    let mut samples = Vec::with_capacity(RESAMPLES);
    let mut drawn = vec![0_u64; kinds.len()];
    for _ in 0..RESAMPLES {
        if is_cancelled() {
            return None;
        }
        drawn.fill(0);
        for _ in 0..pairs.len() {
            let kind = kind_of.get(random.below(pairs.len()))?;
            *drawn.get_mut(*kind as usize)? += 1;
        }
        let weighted = kinds.iter().copied().zip(drawn.iter().copied());
        samples.push(evaluate_weighted(labels, weighted));
    }
    let interval = |of: &dyn Fn(&Metrics) -> f64| percentiles(samples.iter().map(of).collect());
    Some(Intervals {
        f1_micro: interval(&|m| m.f1_micro),
        f1_macro: interval(&|m| m.f1_macro),
        subset_accuracy: interval(&|m| m.subset_accuracy),
        hamming_loss: interval(&|m| m.hamming_loss),
        per_class_f1: (0..labels.len())
            .map(|label| interval(&|m| m.per_class.get(label).map_or(0.0, |class| class.f1)))
            .collect(),
    })
}

/// The 2.5th and 97.5th percentile, between neighbours by proportion.
fn percentiles(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * values.len().saturating_sub(1) as f64;
        let (below, above) = (place.floor(), place.ceil());
        let value = |place: f64| values.get(place as usize).copied().unwrap_or(0.0);
        value(below) + (value(above) - value(below)) * (place - below)
    };
    Interval {
        lo: at(0.025),
        hi: at(0.975),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, quick, and good enough to draw posts.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::LabelSet;

    fn pairs(right: usize, wrong: usize) -> Vec<Pair> {
        let pair = |predicted| Pair {
            truth: LabelSet::from_bits(1),
            predicted: LabelSet::from_bits(predicted),
            parse_failed: false,
            failed: false,
        };
        let mut pairs = vec![pair(1); right];
        pairs.extend(vec![pair(2); wrong]);
        pairs
    }

    #[test]
    fn an_interval_is_as_wide_as_the_sample_is_small() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        // Subset accuracy is a share, whose interval is known: p ± 1.96 √(p(1−p)/n).
        for (right, wrong) in [(80, 20), (800, 200), (500, 500)] {
            let n = (right + wrong) as f64;
            let p = right as f64 / n;
            let half = 1.96 * (p * (1.0 - p) / n).sqrt();
            let found = intervals(&labels, &pairs(right, wrong), 1, || false).unwrap();
            let Interval { lo, hi } = found.subset_accuracy;
            assert!((lo - (p - half)).abs() < 0.2 * half, "{n}: {lo}");
            assert!((hi - (p + half)).abs() < 0.2 * half, "{n}: {hi}");
            assert!(found.f1_macro.lo <= found.f1_macro.hi);
            assert_eq!(found.per_class_f1.len(), 2);
        }
    }

    #[test]
    fn what_never_varies_has_no_width_and_the_same_seed_gives_the_same() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        let sure = intervals(&labels, &pairs(50, 0), 7, || false).unwrap();
        assert_eq!(sure.subset_accuracy, Interval { lo: 1.0, hi: 1.0 });
        let [a, b] = [3, 3].map(|seed| intervals(&labels, &pairs(30, 9), seed, || false));
        assert_eq!(a, b);
        assert_eq!(intervals(&labels, &[], 1, || false), None);
        assert_eq!(intervals(&labels, &pairs(9, 9), 1, || true), None);
    }
}
