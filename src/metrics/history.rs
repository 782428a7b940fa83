//! How the scores went as the review went on.

use super::{Metrics, Pair, Tally};
use crate::post::LabelNames;

/// At how many moments the scores are told at most.
pub const MOST_MOMENTS: usize = 120;

/// The scores after some decisions.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    /// Over all posts decided until then; `metrics.n` is their number.
    pub metrics: Metrics,
}

/// The scores over the first posts, then over more and more of them, in the order in which they were decided. Each score
/// is of everything decided until then, so the curve settles; it does not show a model that gets better or worse.
pub fn over_time(labels: &LabelNames, pairs: &[Pair]) -> Vec<Moment> {
    let moments = pairs.len().min(MOST_MOMENTS);
    let mut tally = Tally::new(labels.len());
    let mut told = 0;
    let mut found = Vec::with_capacity(moments);
    for (place, pair) in (1..).zip(pairs) {
        tally.add(*pair, 1);
        // The k-th moment is behind the share k / moments of the posts, the last one behind all.
        if place * moments >= (told + 1) * pairs.len() {
            told += 1;
            let metrics = tally.metrics();
            found.push(Moment { metrics });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics::evaluate, post::LabelSet};

    fn pairs(n: usize) -> Vec<Pair> {
        let pair = |i: usize| Pair {
            truth: LabelSet::from_bits(i as u64 % 3),
            predicted: LabelSet::from_bits(i as u64 % 4),
            parse_failed: false,
            failed: false,
        };
        (0..n).map(pair).collect()
    }

    #[test]
    fn every_moment_is_the_score_of_what_was_decided_until_then() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        for n in [0, 1, 7, MOST_MOMENTS, 1000] {
            let pairs = pairs(n);
            let found = over_time(&labels, &pairs);
            assert_eq!(found.len(), n.min(MOST_MOMENTS));
            for moment in &found {
                let until = &pairs[..moment.metrics.n as usize];
                assert_eq!(moment.metrics, evaluate(&labels, until.iter().copied()));
            }
            if let Some(last) = found.last() {
                assert_eq!(last.metrics.n, n as u64);
            }
        }
    }
}
