//! Labels two by two: which stand together on posts, and which are taken for one another.

use super::Pair;
use crate::post::LabelSet;

/// How many posts there are for each pair of labels, in class order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LabelPairs {
    /// A row for each label (and, of confusions, one for none); a column likewise.
    pub counts: Vec<Vec<u64>>,
    /// How many posts were looked at.
    pub n: u64,
}

impl LabelPairs {
    fn new(size: usize) -> Self {
        Self {
            counts: vec![vec![0; size]; size],
            n: 0,
        }
    }

    fn add(&mut self, row: usize, column: usize) {
        if let Some(count) = self.counts.get_mut(row).and_then(|row| row.get_mut(column)) {
            *count += 1;
        }
    }

    /// How many posts there are of a row and a column; 0 where there is no such place.
    pub fn get(&self, row: usize, column: usize) -> u64 {
        let row = self.counts.get(row);
        row.and_then(|row| row.get(column)).copied().unwrap_or(0)
    }
}

/// How many posts have both of two labels; on the diagonal, how many have the label at all.
pub fn together(n_labels: usize, sets: impl IntoIterator<Item = LabelSet>) -> LabelPairs {
    let mut found = LabelPairs::new(n_labels);
    for set in sets {
        found.n += 1;
        for row in set.iter() {
            for column in set.iter() {
                found.add(row, column);
            }
        }
    }
    found
}

/// What one label is taken for: how many posts miss the label of a row and were given that of a column in its place.
///
/// Labels that were rightly named are not counted (as in Heydarian, Doyle and Samavi 2022). The last row is for posts
/// that miss nothing, the last column for posts that were given nothing wrong. A post with two wrong labels counts in
/// more than one place, so the table does not add up to the posts.
pub fn confusions(n_labels: usize, pairs: impl IntoIterator<Item = Pair>) -> LabelPairs {
    let mut found = LabelPairs::new(n_labels + 1);
    let known = LabelSet::from_iter(0..n_labels).bits();
    for pair in pairs {
        found.n += 1;
        let (truth, predicted) = (pair.truth.bits() & known, pair.predicted.bits() & known);
        if truth == predicted {
            continue;
        }
        let or_none = |bits: u64| match bits {
            0 => vec![n_labels],
            bits => LabelSet::from_bits(bits).iter().collect(),
        };
        for missed in or_none(truth & !predicted) {
            for added in or_none(predicted & !truth) {
                found.add(missed, added);
            }
        }
    }
    found
}

/// Whether a post counts at a place of [`confusions`]; `None` stands for the last row or column.
pub fn is_confused(
    truth: LabelSet,
    predicted: LabelSet,
    missed: Option<usize>,
    added: Option<usize>,
) -> bool {
    let has = |bits: u64, wanted: Option<usize>| match wanted {
        Some(label) => LabelSet::from_bits(bits).contains(label),
        None => bits == 0,
    };
    truth != predicted
        && has(truth.bits() & !predicted.bits(), missed)
        && has(predicted.bits() & !truth.bits(), added)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(truth: u64, predicted: u64) -> Pair {
        Pair {
            truth: LabelSet::from_bits(truth),
            predicted: LabelSet::from_bits(predicted),
            parse_failed: false,
            failed: false,
        }
    }

    #[test]
    fn labels_that_stand_together_are_counted_once_a_post() {
        let sets = [0b011, 0b011, 0b001, 0b100, 0].map(LabelSet::from_bits);
        let found = together(3, sets);
        assert_eq!(found.n, 5);
        assert_eq!(found.counts, [[3, 2, 0], [2, 2, 0], [0, 0, 1]]);
    }

    #[test]
    fn only_what_is_wrong_is_confused() {
        let pairs = [
            pair(0b01, 0b01), // right
            pair(0b01, 0b10), // x taken for y
            pair(0b11, 0b01), // y missed, x right
            pair(0b00, 0b10), // y out of nothing
            pair(0b10, 0b00), // y missed
            pair(0b00, 0b00), // right
            pair(0b00, 0b11), // x and y out of nothing
        ];
        let found = confusions(2, pairs);
        assert_eq!(found.n, 7);
        assert_eq!(found.counts, [[0, 1, 0], [0, 0, 2], [1, 2, 0]]);
        // Every count is that of the posts a click would show.
        let place = |at: usize| (at < 2).then_some(at);
        for row in 0..3 {
            for column in 0..3 {
                let shown = pairs.iter().filter(|pair| {
                    is_confused(pair.truth, pair.predicted, place(row), place(column))
                });
                assert_eq!(shown.count() as u64, found.get(row, column));
            }
        }
        assert_eq!(found.get(9, 9), 0);
    }
}
