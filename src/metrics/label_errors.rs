//! Labels of the dataset that are likely wrong, by confident learning (Northcutt, Jiang and Chuang 2021), each label on its
//! own as in cleanlab's `multilabel_classification`.

use crate::post::LabelSet;

/// A tie counts as reached.
const TOLERANCE: f64 = 1e-6;

/// How much the next worse label counts in the quality of a post, against all before it (cleanlab's default).
const ALPHA: f64 = 0.8;

/// A post with the labels it was given and the model's probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The labels that may be wrong.
    pub labels: LabelSet,
    /// The probability of each label, in class order.
    pub p: &'a [f64],
}

/// What is thought of the labels of a post.
#[derive(Clone, PartialEq, Debug)]
pub struct Quality {
    /// The labels that are likely wrong: missing, or there by mistake.
    pub suspects: LabelSet,
    /// From 0 (surely wrong) to 1: the probabilities that each label is as given, the worst counting most.
    pub score: f64,
}

/// How high the probability that a label is there (or is not) must be to count as sure: as high as it is on average where
/// the label is given as there (or as not).
#[derive(Clone, Copy, PartialEq, Debug)]
struct Sure {
    there: f64,
    absent: f64,
}

impl Sure {
    fn of(posts: &[Given], label: usize) -> Self {
        let (mut there, mut absent) = ((0.0, 0.0), (0.0, 0.0));
        for post in posts {
            let Some(p) = post.p.get(label) else { continue };
            let (sum, p) = match post.labels.contains(label) {
                true => (&mut there, *p),
                false => (&mut absent, 1.0 - p),
            };
            sum.0 += p;
            sum.1 += 1.0;
        }
        // What nobody was given needs certainty.
        let mean = |(sum, n): (f64, f64)| if n > 0.0 { sum / n } else { 1.0 };
        Self {
            there: mean(there),
            absent: mean(absent),
        }
    }

    /// Whether a post given the label (or not) surely belongs to the others, by the model.
    fn contradicts(self, p: f64, is_given: bool) -> bool {
        let there = p >= self.there - TOLERANCE;
        let absent = 1.0 - p >= self.absent - TOLERANCE;
        let likelier = p > 0.5;
        let guess = match (there, absent) {
            (true, true) => likelier,
            (true, false) => true,
            (false, true) => false,
            (false, false) => return false,
        };
        // A guess against the model's own leaning is no evidence.
        guess != is_given && likelier != is_given
    }
}

/// Looks for labels that are likely wrong: one answer a post, in the order given. Probabilities should not come from a
/// model that was trained on the same posts, or it will have learned their errors.
pub fn qualities(n_labels: usize, posts: &[Given]) -> Vec<Quality> {
    let sure: Vec<Sure> = (0..n_labels).map(|label| Sure::of(posts, label)).collect();
    posts.iter().map(|post| quality(*post, &sure)).collect()
}

fn quality(post: Given, sure: &[Sure]) -> Quality {
    let mut suspects = LabelSet::EMPTY;
    let mut as_given = Vec::with_capacity(sure.len());
    for (label, (sure, p)) in sure.iter().zip(post.p).enumerate() {
        let is_given = post.labels.contains(label);
        if sure.contradicts(*p, is_given) {
            suspects.insert(label);
        }
        as_given.push(if is_given { *p } else { 1.0 - p });
    }
    // From the surest to the worst, which so counts most.
    as_given.sort_by(|a, b| b.total_cmp(a));
    let mut rest = as_given.into_iter();
    let surest = rest.next().unwrap_or(1.0);
    let score = rest.fold(surest, |mean, p| ALPHA * p + (1.0 - ALPHA) * mean);
    Quality { suspects, score }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two labels on twenty posts, some of them flipped by chance.
    const BITS: [u64; 20] = [1, 2, 3, 1, 1, 2, 1, 1, 0, 3, 0, 3, 1, 3, 3, 2, 0, 2, 2, 1];
    const P: [[f64; 2]; 20] = [
        [0.98, 0.75],
        [0.44, 0.67],
        [0.78, 0.71],
        [0.72, 0.39],
        [0.77, 0.98],
        [0.27, 0.04],
        [0.68, 0.43],
        [0.7, 0.01],
        [0.12, 0.03],
        [0.5, 0.99],
        [0.4, 0.8],
        [0.88, 0.58],
        [0.65, 0.26],
        [0.68, 0.52],
        [0.99, 0.72],
        [0.25, 0.66],
        [0.13, 0.19],
        [0.42, 0.87],
        [0.19, 0.01],
        [0.9, 0.13],
    ];

    #[test]
    fn suspects_and_scores_are_cleanlabs() {
        // cleanlab 2.9.0: multilabel_classification.filter.find_multilabel_issues_per_class(labels, p,
        // filter_by="confident_learning") and get_label_quality_scores(labels, p).
        let posts: Vec<Given> = BITS
            .iter()
            .zip(&P)
            .map(|(bits, p)| Given {
                labels: LabelSet::from_bits(*bits),
                p,
            })
            .collect();
        let found = qualities(2, &posts);
        let suspects: Vec<(usize, u64)> = found
            .iter()
            .enumerate()
            .filter(|(_, quality)| !quality.suspects.is_empty())
            .map(|(post, quality)| (post, quality.suspects.bits()))
            .collect();
        assert_eq!(suspects, [(0, 2), (4, 2), (5, 2), (10, 2), (18, 2)]);
        let scores = [
            0.396, 0.582, 0.724, 0.632, 0.17, 0.178, 0.592, 0.758, 0.898, 0.598, 0.28, 0.64, 0.668,
            0.552, 0.774, 0.678, 0.822, 0.638, 0.17, 0.876,
        ];
        for (quality, score) in found.iter().zip(scores) {
            assert!((quality.score - score).abs() < 1e-9, "{quality:?} {score}");
        }
    }

    #[test]
    fn without_examples_nothing_is_sure() {
        let p = [0.9];
        let given = |bits| Given {
            labels: LabelSet::from_bits(bits),
            p: &p,
        };
        // Nobody was given the label: 0.9 is not enough to say that it is missing.
        let found = qualities(1, &[given(0), given(0)]);
        assert!(found.iter().all(|quality| quality.suspects.is_empty()));
        assert!(qualities(0, &[given(0)])[0].score == 1.0);
        assert!(qualities(3, &[]).is_empty());
    }
}
