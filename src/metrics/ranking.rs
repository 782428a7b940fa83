//! Posts by the probability of one label: what every figure that depends on a threshold is worked out from.

use super::Counts;

/// What is known of one label of a post.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// The post's place in the dataset.
    pub post: u32,
    /// The probability of the label, from 0 to 1.
    pub p: f64,
    /// Whether the model's own answer names the label.
    pub is_named: bool,
    /// Whether the label is true.
    pub is_true: bool,
}

/// Posts by falling probability; those of equal probability are never told apart.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ranking {
    scored: Vec<Scored>,
    positives: u64,
}

/// What holds if every post down to a probability gets the label.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// The smallest probability that gets the label.
    pub threshold: f64,
    /// What happened with the label.
    pub counts: Counts,
}

impl Ranking {
    /// Takes the posts in any order. Those whose probability is no number are left out.
    pub fn new(scored: impl IntoIterator<Item = Scored>) -> Self {
        let mut scored: Vec<Scored> = scored.into_iter().filter(|s| !s.p.is_nan()).collect();
        scored.sort_by(|a, b| b.p.total_cmp(&a.p));
        let positives = scored.iter().filter(|s| s.is_true).count() as u64;
        Self { scored, positives }
    }

    /// The posts by falling probability.
    pub fn scored(&self) -> &[Scored] {
        &self.scored
    }

    /// How many posts there are.
    pub fn n(&self) -> u64 {
        self.scored.len() as u64
    }

    /// How many of them have the label.
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// What happens at each distinct probability as threshold, from the highest down.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let (mut tp, mut predicted) = (0, 0);
        let groups = self.scored.chunk_by(|a, b| a.p == b.p);
        groups.filter_map(move |group| {
            predicted += group.len() as u64;
            tp += group.iter().filter(|s| s.is_true).count() as u64;
            let threshold = group.first()?.p;
            let counts = self.counts(tp, predicted);
            Some(Step { threshold, counts })
        })
    }

    /// What happens if every post of at least this probability gets the label.
    pub fn at(&self, threshold: f64) -> Counts {
        let predicted = self.scored.partition_point(|s| s.p >= threshold);
        let named = self.scored.iter().take(predicted);
        let tp = named.filter(|s| s.is_true).count() as u64;
        self.counts(tp, predicted as u64)
    }

    /// What happens with the model's own answers.
    pub fn as_answered(&self) -> Counts {
        let named = || self.scored.iter().filter(|s| s.is_named);
        let tp = named().filter(|s| s.is_true).count() as u64;
        self.counts(tp, named().count() as u64)
    }

    fn counts(&self, tp: u64, predicted: u64) -> Counts {
        let (fp, fn_) = (predicted - tp, self.positives - tp);
        Counts {
            tp,
            fp,
            fn_,
            tn: self.n() - tp - fp - fn_,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Ten posts with ties, some across truth: what the other figures are tested with, too.
    pub fn ten() -> Ranking {
        let p = [0.9, 0.8, 0.8, 0.6, 0.6, 0.4, 0.4, 0.3, 0.1, 0.05];
        let truth = [1, 0, 1, 1, 0, 0, 1, 0, 0, 1];
        ranking(&p, &truth)
    }

    pub fn ranking(p: &[f64], truth: &[u8]) -> Ranking {
        let scored = (0_u32..).zip(p).zip(truth);
        Ranking::new(scored.map(|((post, p), truth)| Scored {
            post,
            p: *p,
            is_named: *p > 0.5,
            is_true: *truth == 1,
        }))
    }

    fn quad(counts: Counts) -> [u64; 4] {
        [counts.tp, counts.fp, counts.fn_, counts.tn]
    }

    #[test]
    fn equal_probabilities_get_the_label_together() {
        let steps: Vec<(f64, [u64; 4])> = ten()
            .steps()
            .map(|s| (s.threshold, quad(s.counts)))
            .collect();
        let expected = [
            (0.9, [1, 0, 4, 5]),
            (0.8, [2, 1, 3, 4]),
            (0.6, [3, 2, 2, 3]),
            (0.4, [4, 3, 1, 2]),
            (0.3, [4, 4, 1, 1]),
            (0.1, [4, 5, 1, 0]),
            (0.05, [5, 5, 0, 0]),
        ];
        assert_eq!(steps, expected);
        for (threshold, counts) in expected {
            assert_eq!(quad(ten().at(threshold)), counts);
        }
        assert_eq!(quad(ten().at(0.95)), [0, 0, 5, 5]);
        assert_eq!(quad(ten().at(0.0)), [5, 5, 0, 0]);
        assert_eq!(quad(ten().as_answered()), [3, 2, 2, 3]);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let found = ranking(&[0.5, f64::NAN], &[1, 1]);
        assert_eq!((found.n(), found.positives()), (1, 1));
        assert_eq!(Ranking::default().steps().count(), 0);
    }
}
