//! Agreement of any number of raters, not all of whom rated every post.

use crate::post::LabelSet;

/// Krippendorff's alpha (Krippendorff 2011, “Computing Krippendorff's alpha-reliability”) for nominal values, a label
/// given or not, by label. Posts that fewer than two people rated pair with nothing and are left out.
#[derive(Clone, Debug)]
pub struct Table {
    /// Per label, in class order.
    labels: Vec<Coincidences>,
    /// How many ratings there are on posts with at least two.
    n: u64,
}

/// What there is of a label's matrix of coincidences.
#[derive(Clone, Copy, Debug, Default)]
struct Coincidences {
    /// How many ratings give the label.
    given: u64,
    /// The sum of the coincidences of given and not given.
    mixed: f64,
}

impl Table {
    /// Nothing was rated yet.
    pub fn new(n_labels: usize) -> Self {
        Self {
            labels: vec![Coincidences::default(); n_labels],
            n: 0,
        }
    }

    /// Takes what each of the raters of one post said.
    pub fn add(&mut self, ratings: &[LabelSet]) {
        let n_ratings = ratings.len() as u64;
        if n_ratings < 2 {
            return;
        }
        self.n += n_ratings;
        for (index, label) in self.labels.iter_mut().enumerate() {
            let given = ratings.iter().filter(|set| set.contains(index)).count() as u64;
            label.given += given;
            // Each pair of ratings counts twice, and a post with m ratings as m of them.
            label.mixed += (2 * given * (n_ratings - given)) as f64 / (n_ratings - 1) as f64;
        }
    }

    /// The alpha of each label, in class order; `None` where all ratings are the same, which leaves nothing to disagree
    /// about.
    pub fn alpha(&self) -> Vec<Option<f64>> {
        let n = self.n as f64;
        let of_label = |label: &Coincidences| {
            let (given, not_given) = (label.given as f64, n - label.given as f64);
            let expected = 2.0 * given * not_given / (n - 1.0);
            (expected > 0.0).then(|| 1.0 - label.mixed / expected)
        };
        self.labels.iter().map(of_label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::agreement::LabelAgreement;

    fn table(posts: &[&[u64]]) -> Table {
        let mut table = Table::new(1);
        for post in posts {
            let ratings: Vec<LabelSet> = post.iter().map(|r| LabelSet::from_bits(*r)).collect();
            table.add(&ratings);
        }
        table
    }

    #[test]
    fn alpha_over_several_raters_is_that_of_the_definition() {
        // Three raters, one of them absent now and then. Units 111, 110, 00, 01, 0 (left out):
        // n = 10, given = 6, coincidences of unlike values: 0 + 2·2·1/2 + 0 + 2·1·1/1 = 4; expected 2·6·4/9.
        let found = table(&[&[1, 1, 1], &[1, 1, 0], &[0, 0], &[0, 1], &[0]]).alpha();
        let expected = 1.0 - 4.0 / (2.0 * 6.0 * 4.0 / 9.0);
        assert!((found[0].unwrap() - expected).abs() < 1e-12, "{found:?}");
        assert_eq!(table(&[&[1, 1], &[0, 0, 0]]).alpha(), [Some(1.0)]);
        assert_eq!(table(&[&[1, 1], &[1, 1, 1]]).alpha(), [None]);
        assert_eq!(table(&[&[1], &[0]]).alpha(), [None]);
        assert_eq!(table(&[]).alpha(), [None]);
    }

    #[test]
    fn with_two_raters_it_is_the_alpha_of_two() {
        let posts: [&[u64]; 10] = [
            &[1, 1],
            &[1, 0],
            &[1, 0],
            &[1, 0],
            &[0, 1],
            &[0, 0],
            &[0, 0],
            &[0, 0],
            &[0, 0],
            &[0, 0],
        ];
        let two = LabelAgreement {
            both: 1,
            only_a: 3,
            only_b: 1,
            neither: 5,
        };
        let found = table(&posts).alpha()[0].unwrap();
        assert!((found - two.alpha().unwrap()).abs() < 1e-12, "{found}");
        // As in Krippendorff 2011, A.
        assert!((found - 0.095).abs() < 5e-4, "{found}");
    }
}
