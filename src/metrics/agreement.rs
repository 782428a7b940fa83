//! Comparing two runs of predictions on the same posts: where they agree, and how each does against the truth.

use serde_json::{Map, Value, json};

use super::{Metrics, Pair, evaluate};
use crate::post::{LabelNames, LabelSet};

/// How two runs agree about one label.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LabelAgreement {
    /// Posts to which both give the label.
    pub both: u64,
    /// Posts to which only the first gives it.
    pub only_a: u64,
    /// Posts to which only the second gives it.
    pub only_b: u64,
    /// Posts to which neither gives it.
    pub neither: u64,
}

impl LabelAgreement {
    /// How many posts were compared.
    pub fn n(&self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }

    /// The share of posts on which both say the same, from 0 to 1; `None` without posts.
    pub fn observed(&self) -> Option<f64> {
        let n = self.n();
        (n > 0).then(|| (self.both + self.neither) as f64 / n as f64)
    }

    /// Cohen's kappa (Cohen 1960): the agreement beyond what two independent runs of these frequencies would reach by
    /// chance. From −1 to 1; `None` where chance alone makes them agree on everything, as when neither ever gives the label.
    pub fn kappa(&self) -> Option<f64> {
        let n = self.n() as f64;
        let (a, b) = (self.both + self.only_a, self.both + self.only_b);
        let (a, b) = (a as f64 / n, b as f64 / n);
        let by_chance = a * b + (1.0 - a) * (1.0 - b);
        let observed = self.observed()?;
        (by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
    }
}

impl LabelAgreement {
    /// Gwet's AC1 (Gwet 2008) for two raters: like kappa, with a chance that does not grow with how rare the label is, so that
    /// it stays meaningful where nearly every post lacks it. `None` without posts.
    pub fn ac1(&self) -> Option<f64> {
        let observed = self.observed()?;
        let given = 2 * self.both + self.only_a + self.only_b;
        let share = given as f64 / (2 * self.n()) as f64;
        let by_chance = 2.0 * share * (1.0 - share);
        Some((observed - by_chance) / (1.0 - by_chance))
    }

    /// Krippendorff's alpha (Krippendorff 2011) for two raters and a nominal value, every post rated by both. `None` where
    /// all ratings are the same, which leaves nothing to disagree about.
    pub fn alpha(&self) -> Option<f64> {
        let ratings = 2 * self.n();
        let given = 2 * self.both + self.only_a + self.only_b;
        let not_given = ratings - given;
        if given == 0 || not_given == 0 {
            return None;
        }
        let disagreement = (self.only_a + self.only_b) as f64 / self.n() as f64;
        let expected =
            2.0 * given as f64 * not_given as f64 / (ratings as f64 * (ratings - 1) as f64);
        Some(1.0 - disagreement / expected)
    }
}

/// How two runs agree on the posts that both answered readably.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agreement {
    /// How many posts were compared.
    pub n: u64,
    /// Posts with equal label sets.
    pub equal_sets: u64,
    /// Per label, in class order.
    pub per_label: Vec<LabelAgreement>,
}

impl Agreement {
    /// The share of posts with equal label sets, from 0 to 1; `None` without posts.
    pub fn equal_share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.equal_sets as f64 / self.n as f64)
    }
}

/// What a run made of a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// The labels; empty where there is no readable answer.
    pub labels: LabelSet,
    /// Whether the answer could not be parsed.
    pub parse_failed: bool,
    /// Whether there is no answer at all.
    pub failed: bool,
}

impl Said {
    /// The labels, if the answer could be read.
    pub fn answer(self) -> Option<LabelSet> {
        (!self.parse_failed && !self.failed).then_some(self.labels)
    }

    /// It and the truth, as metrics compare them.
    pub fn against(self, truth: LabelSet) -> Pair {
        Pair {
            truth,
            predicted: self.labels,
            parse_failed: self.parse_failed,
            failed: self.failed,
        }
    }
}

/// A post that both runs predicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Both {
    /// The truth, if there is one.
    pub truth: Option<LabelSet>,
    /// What the first run said.
    pub a: Said,
    /// What the second run said.
    pub b: Said,
}

/// Two runs side by side on the posts that both predicted.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// Posts that both runs predicted, failures included.
    pub predicted: u64,
    /// Posts that the agreement leaves out, since one of the answers could not be read.
    pub unread: u64,
    /// Posts on which they differ: other labels, or only one readable answer.
    pub differing: u64,
    /// Where they agree, on the posts that both answered readably.
    pub agreement: Agreement,
    /// The first run against the truth, on the posts that both predicted and whose truth is known. What could not be
    /// read counts as empty, as always.
    pub a: Metrics,
    /// The second run on the same posts.
    pub b: Metrics,
}

/// Compares two runs. Some milliseconds for 150,000 posts.
pub fn compare(labels: &LabelNames, posts: impl IntoIterator<Item = Both>) -> Comparison {
    let known = LabelSet::from_iter(0..labels.len()).bits();
    let mut agreement = Agreement {
        per_label: vec![LabelAgreement::default(); labels.len()],
        ..Agreement::default()
    };
    let (mut predicted, mut unread, mut differing) = (0, 0, 0);
    let (mut pairs_a, mut pairs_b) = (Vec::new(), Vec::new());
    for post in posts {
        predicted += 1;
        if let Some(truth) = post.truth {
            pairs_a.push(post.a.against(truth));
            pairs_b.push(post.b.against(truth));
        }
        let (a, b) = (post.a.answer(), post.b.answer());
        differing += u64::from(a != b);
        let (Some(a), Some(b)) = (a, b) else {
            unread += 1;
            continue;
        };
        let (a, b) = (a.bits() & known, b.bits() & known);
        agreement.n += 1;
        agreement.equal_sets += u64::from(a == b);
        for (index, label) in agreement.per_label.iter_mut().enumerate() {
            match (a >> index & 1, b >> index & 1) {
                (1, 1) => label.both += 1,
                (1, _) => label.only_a += 1,
                (_, 1) => label.only_b += 1,
                _ => label.neither += 1,
            }
        }
    }
    Comparison {
        predicted,
        unread,
        differing,
        agreement,
        a: evaluate(labels, pairs_a),
        b: evaluate(labels, pairs_b),
    }
}

/// The agreement as `evaluate --against --json` prints it. Figures are null where they are not defined.
pub fn to_json(comparison: &Comparison, labels: &LabelNames) -> Value {
    let agreement = &comparison.agreement;
    let per_label: Map<String, Value> = labels
        .iter()
        .zip(&agreement.per_label)
        .map(|(name, label)| {
            let value = json!({
                "both": label.both,
                "only_a": label.only_a,
                "only_b": label.only_b,
                "neither": label.neither,
                "agreement": label.observed(),
                "kappa": label.kappa(),
            });
            (name.to_owned(), value)
        })
        .collect();
    json!({
        "predicted_by_both": comparison.predicted,
        "differing": comparison.differing,
        "unread_left_out": comparison.unread,
        "n": agreement.n,
        "equal_label_sets": agreement.equal_sets,
        "equal_share": agreement.equal_share(),
        "per_label": per_label,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: Option<f64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-12,
            (a, b) => a == b,
        }
    }

    #[test]
    fn ac1_and_alpha_are_those_of_the_textbooks() {
        let of = |both, only_a, only_b, neither| LabelAgreement {
            both,
            only_a,
            only_b,
            neither,
        };
        // Krippendorff 2011, "Computing Krippendorff's alpha-reliability", A: two observers, binary data: 0.095.
        let krippendorff = of(1, 3, 1, 5);
        let alpha = krippendorff.alpha().unwrap();
        assert!((alpha - 0.095).abs() < 5e-4, "{alpha}");
        // Gwet 2008, the paradox of kappa: 118 and 2 of 125 alike, kappa near 0 and AC1 near 0.95.
        let gwet = of(118, 5, 2, 0);
        assert!(gwet.kappa().unwrap() < 0.0);
        assert!(
            (gwet.ac1().unwrap() - 0.9409).abs() < 1e-3,
            "{:?}",
            gwet.ac1()
        );
        assert_eq!(of(0, 0, 0, 0).ac1(), None);
        assert_eq!(of(0, 0, 0, 4).alpha(), None);
        assert_eq!(of(2, 0, 0, 2).alpha(), Some(1.0));
        assert_eq!(of(2, 0, 0, 2).ac1(), Some(1.0));
    }

    #[test]
    fn kappa_is_the_agreement_beyond_chance() {
        for (both, only_a, only_b, neither, observed, kappa) in [
            // The example of Cohen's paper as it is usually told: 20 yes/yes, 5, 10, 15 no/no.
            (20, 5, 10, 15, Some(0.7), Some(0.4)),
            (10, 0, 0, 10, Some(1.0), Some(1.0)),
            (0, 10, 10, 0, Some(0.0), Some(-1.0)),
            // One says yes always, the other half of the time: chance agrees as often.
            (10, 10, 0, 0, Some(0.5), Some(0.0)),
            // Nothing varies, so nothing is beyond chance.
            (0, 0, 0, 7, Some(1.0), None),
            (7, 0, 0, 0, Some(1.0), None),
            (0, 0, 0, 0, None, None),
        ] {
            let label = LabelAgreement {
                both,
                only_a,
                only_b,
                neither,
            };
            assert!(close(label.observed(), observed), "{label:?}");
            assert!(
                close(label.kappa(), kappa),
                "{label:?}: {:?}",
                label.kappa()
            );
        }
    }

    #[test]
    fn two_runs_are_compared_on_what_both_could_answer() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        let set = |bits| LabelSet::from_bits(bits);
        let said = |bits| Said {
            labels: set(bits),
            ..Said::default()
        };
        let unread = Said {
            parse_failed: true,
            ..Said::default()
        };
        let failed = Said {
            failed: true,
            ..Said::default()
        };
        let post = |truth: Option<u64>, a, b| Both {
            truth: truth.map(LabelSet::from_bits),
            a,
            b,
        };
        let found = compare(
            &labels,
            [
                post(Some(1), said(1), said(1)),
                post(Some(1), said(1), said(2)),
                post(None, said(0), said(0)),
                post(Some(0), unread, said(0)),
                post(Some(2), unread, failed),
                post(Some(3), said(3), failed),
            ],
        );
        assert_eq!((found.predicted, found.unread, found.differing), (6, 3, 3));
        assert_eq!((found.agreement.n, found.agreement.equal_sets), (3, 2));
        let x = &found.agreement.per_label[0];
        assert_eq!((x.both, x.only_a, x.only_b, x.neither), (1, 1, 0, 1));
        let y = &found.agreement.per_label[1];
        assert_eq!((y.both, y.only_a, y.only_b, y.neither), (0, 0, 1, 2));
        // Each against the truth on the same five posts, what could not be read as empty.
        assert_eq!((found.a.n, found.b.n), (5, 5));
        assert_eq!((found.a.parse_failures, found.b.failed), (2, 2));
        assert_eq!(found.a.subset_accuracy, 4.0 / 5.0);
        assert_eq!(found.b.subset_accuracy, 2.0 / 5.0);
        let json = to_json(&found, &labels);
        assert_eq!(json["per_label"]["y"]["only_b"], 1);
        assert_eq!(json["equal_share"], 2.0 / 3.0);
    }
}
