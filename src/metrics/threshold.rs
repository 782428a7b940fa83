//! What happens when the threshold of a label moves: a post gets the label if its probability is at least that.

use super::{
    ClassMetrics, Counts,
    ranking::{Ranking, Step},
};

/// A threshold in ten-thousandths, so that it can be compared, kept, and named exactly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Threshold(u16);

impl Threshold {
    /// One half.
    pub const HALF: Self = Self(5000);

    /// The nearest threshold to a probability; one that is no number counts as 0.
    pub fn new(p: f64) -> Self {
        Self((p.clamp(0.0, 1.0) * 1e4).round() as u16)
    }

    /// The highest threshold that a post of this probability still reaches.
    pub fn at_most(p: f64) -> Self {
        Self((p.clamp(0.0, 1.0) * 1e4 + 1e-9).floor() as u16)
    }

    /// The probability.
    pub fn p(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// Whether a post of this probability gets the label.
    pub fn takes(self, p: f64) -> bool {
        p >= self.p()
    }
}

/// A label's figures at a threshold.
#[derive(Clone, PartialEq, Debug)]
pub struct AtThreshold {
    /// The smallest probability that gets the label.
    pub threshold: f64,
    /// What follows.
    pub class: ClassMetrics,
}

impl From<Step> for AtThreshold {
    fn from(step: Step) -> Self {
        Self {
            threshold: step.threshold,
            class: ClassMetrics::from(&step.counts),
        }
    }
}

/// A label's figures at every distinct probability as threshold, thresholds falling.
pub fn sweep(ranking: &Ranking) -> Vec<AtThreshold> {
    ranking.steps().map(AtThreshold::from).collect()
}

/// The threshold with the highest F1; of several the highest one, which names fewest posts. `None` where no post has the
/// label.
///
/// It is found on the same posts that it is told for, so its F1 flatters. Were the probabilities calibrated, the best
/// threshold would be half of the best F1 (Lipton, Elkan and Naryanaswamy 2014).
pub fn best_f1(ranking: &Ranking) -> Option<AtThreshold> {
    if ranking.positives() == 0 {
        return None;
    }
    let mut best: Option<AtThreshold> = None;
    for step in ranking.steps() {
        let found = AtThreshold::from(step);
        if best.as_ref().is_none_or(|b| found.class.f1 > b.class.f1) {
            best = Some(found);
        }
    }
    best
}

/// What changes at a threshold against the model's own answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flips {
    /// Posts that get the label and had it not, and rightly so.
    pub rightly_added: u64,
    /// Posts that get the label and had it not, wrongly.
    pub wrongly_added: u64,
    /// Posts that lose the label, and rightly so.
    pub rightly_dropped: u64,
    /// Posts that lose the label, wrongly.
    pub wrongly_dropped: u64,
}

impl Flips {
    /// All posts that change.
    pub fn n(self) -> u64 {
        self.rightly_added + self.wrongly_added + self.rightly_dropped + self.wrongly_dropped
    }
}

/// The label at a threshold beside the model's own answers: the counts of both, and the posts that change.
pub fn move_to(ranking: &Ranking, threshold: Threshold) -> (Counts, Counts, Flips) {
    let mut flips = Flips::default();
    for post in ranking.scored() {
        let count = match (post.is_named, threshold.takes(post.p), post.is_true) {
            (false, true, true) => &mut flips.rightly_added,
            (false, true, false) => &mut flips.wrongly_added,
            (true, false, false) => &mut flips.rightly_dropped,
            (true, false, true) => &mut flips.wrongly_dropped,
            _ => continue,
        };
        *count += 1;
    }
    (ranking.as_answered(), ranking.at(threshold.p()), flips)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ranking::tests::{ranking, ten};

    #[test]
    fn f1_along_the_thresholds_is_scikit_learns() {
        // scikit-learn 1.9.1: f1_score(y, p >= t).
        let expected = [
            (0.9, 1.0 / 3.0),
            (0.8, 0.5),
            (0.6, 0.6),
            (0.4, 2.0 / 3.0),
            (0.3, 8.0 / 13.0),
            (0.1, 4.0 / 7.0),
            (0.05, 2.0 / 3.0),
        ];
        let found = sweep(&ten());
        for (at, (threshold, f1)) in found.iter().zip(expected) {
            assert_eq!(at.threshold, threshold);
            assert!((at.class.f1 - f1).abs() < 1e-12, "{at:?}");
        }
        // Two are equally good; the higher threshold names fewer posts.
        let best = best_f1(&ten()).unwrap();
        assert_eq!((best.threshold, best.class.tp), (0.4, 4));
        assert_eq!(best_f1(&ranking(&[0.3], &[0])), None);
    }

    #[test]
    fn a_moved_threshold_adds_and_drops_posts() {
        // The answers name what is above 0.5.
        let (before, after, flips) = move_to(&ten(), Threshold::new(0.4));
        assert_eq!((before.tp, before.fp), (3, 2));
        assert_eq!((after.tp, after.fp), (4, 3));
        let expected = Flips {
            rightly_added: 1,
            wrongly_added: 1,
            ..Flips::default()
        };
        assert_eq!((flips, flips.n()), (expected, 2));
        let (_, after, flips) = move_to(&ten(), Threshold::new(0.85));
        assert_eq!((after.tp, after.fp), (1, 0));
        assert_eq!((flips.rightly_dropped, flips.wrongly_dropped), (2, 2));
        assert_eq!(move_to(&ten(), Threshold::HALF).2.n(), 0);
    }

    #[test]
    fn a_threshold_keeps_four_digits() {
        for (p, kept) in [(0.12344, 0.1234), (1.5, 1.0), (-1.0, 0.0), (f64::NAN, 0.0)] {
            assert_eq!(Threshold::new(p).p(), kept);
        }
        for p in [0.123_45, 0.3, 0.7, 1.0, 0.000_01] {
            assert!(Threshold::at_most(p).takes(p) && p - Threshold::at_most(p).p() < 1e-4);
        }
        assert!(Threshold::HALF.takes(0.5) && !Threshold::HALF.takes(0.4999));
    }
}
