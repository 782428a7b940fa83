//! Whether a probability means what it says: of the posts given 70 %, do 70 % have the label?

use super::{bootstrap::Interval, proportion::Proportion, ranking::Ranking};

/// How many bins the probabilities are put into.
pub const BINS: usize = 10;

/// Posts of about the same probability.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bin {
    /// Its lower edge, which belongs to the bin below (in the first bin: to itself).
    pub lo: f64,
    /// Its upper edge.
    pub hi: f64,
    /// How many posts are in it.
    pub n: u64,
    /// The mean of their probabilities.
    pub mean_p: f64,
    /// The share of them that has the label.
    pub share: f64,
    /// The 95 % interval of that share (Wilson 1927).
    pub share_95: Interval,
}

/// How far probabilities can be taken at their word.
#[derive(Clone, PartialEq, Debug)]
pub struct Reliability {
    /// The bins that hold posts, from low to high probability.
    pub bins: Vec<Bin>,
    /// How many posts there are.
    pub n: u64,
    /// The expected calibration error (Naeini, Cooper and Hauskrecht 2015): the mean distance between a bin's probability
    /// and its share, each bin counted by its posts. It depends on the bins, and looks worse than it is with few posts.
    pub ece: f64,
    /// The Brier score: the mean squared distance between probability and truth. 0 is best.
    pub brier: f64,
}

/// Puts the posts into bins of equal width. `None` without posts.
pub fn reliability(ranking: &Ranking, n_bins: usize) -> Option<Reliability> {
    let n = ranking.n();
    if n == 0 || n_bins == 0 {
        return None;
    }
    let mut sums = vec![(0_u64, 0.0, 0_u64); n_bins];
    let mut brier = 0.0;
    for post in ranking.scored() {
        let p = post.p.clamp(0.0, 1.0);
        brier += (p - f64::from(u8::from(post.is_true))).powi(2);
        // An edge belongs to the bin below, as in scikit-learn.
        let place = ((p * n_bins as f64).ceil() as usize).saturating_sub(1);
        if let Some((count, sum, positives)) = sums.get_mut(place.min(n_bins - 1)) {
            *count += 1;
            *sum += p;
            *positives += u64::from(post.is_true);
        }
    }
    let edge = |place: usize| place as f64 / n_bins as f64;
    let bin = |(place, (n, sum, hits)): (usize, (u64, f64, u64))| {
        let share = Proportion { hits, n };
        Some(Bin {
            lo: edge(place),
            hi: edge(place + 1),
            n,
            mean_p: sum / n as f64,
            share: share.share()?,
            share_95: share.interval()?,
        })
    };
    // Empty ones have no share.
    let bins: Vec<Bin> = sums.into_iter().enumerate().filter_map(bin).collect();
    let distance = |bin: &Bin| (bin.mean_p - bin.share).abs() * bin.n as f64 / n as f64;
    Some(Reliability {
        ece: bins.iter().map(distance).sum(),
        brier: brier / n as f64,
        n,
        bins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ranking::tests::{ranking, ten};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn bins_are_scikit_learns() {
        // scikit-learn 1.9.1: calibration_curve(y, p, n_bins=5), brier_score_loss; the error by hand from its bins.
        let found = reliability(&ten(), 5).unwrap();
        let expected = [
            (2, 0.075, 0.5),
            (3, 1.1 / 3.0, 1.0 / 3.0),
            (2, 0.6, 0.5),
            (2, 0.8, 0.5),
            (1, 0.9, 1.0),
        ];
        assert_eq!(found.bins.len(), expected.len());
        for (bin, (n, mean_p, share)) in found.bins.iter().zip(expected) {
            assert_eq!(bin.n, n);
            assert!(
                close(bin.mean_p, mean_p) && close(bin.share, share),
                "{bin:?}"
            );
        }
        assert!(close(found.ece, 0.185) && close(found.brier, 0.273_25));
        // Edges belong to the bin below.
        let edges = reliability(&ranking(&[0.2, 0.4, 0.6, 1.0, 0.0], &[0, 1, 1, 0, 0]), 5);
        let edges = edges.unwrap();
        let n: Vec<(f64, u64)> = edges.bins.iter().map(|bin| (bin.hi, bin.n)).collect();
        assert_eq!(n, [(0.2, 2), (0.4, 1), (0.6, 1), (1.0, 1)]);
        assert_eq!(reliability(&ranking(&[], &[]), 5), None);
    }

    #[test]
    fn perfect_probabilities_have_no_error() {
        let sure = reliability(&ranking(&[1.0, 1.0, 0.0], &[1, 1, 0]), BINS).unwrap();
        assert_eq!((sure.ece, sure.brier), (0.0, 0.0));
        let wrong = reliability(&ranking(&[1.0, 0.0], &[0, 1]), BINS).unwrap();
        assert_eq!((wrong.ece, wrong.brier), (1.0, 1.0));
    }
}
