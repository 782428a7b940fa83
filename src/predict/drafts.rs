//! Answers that a model is likely to give, to be tried all at once.
//!
//! A classifier's answer is one of a few. Their tokens ride behind the prompt as a tree, in the pass that the prompt
//! takes anyway; where the model's own greedy answer is among them, that one pass was all. What is likely is learned
//! from the answers so far.

use crate::{
    model::{ModelError, Processor, TokenTree},
    post::{LabelNames, LabelSet},
};

/// The most tokens that ride behind a prompt: each costs about as much as one of the prompt's.
const PROMPT_NODES: usize = 40;

/// The most tokens that are tried behind an answer that left the first tree.
const ANSWER_NODES: usize = 24;

/// With so many labels or fewer all sets of labels are known from the start; with more the smaller ones are.
const ALL_SETS: usize = 6;

/// After so many answers what is likely is taken from them alone.
const ENOUGH: u64 = 32;

/// The share of the answers so far that the first tree is to hold.
const COVERED: f64 = 0.99;

/// How many answers are remembered: a model that tells stories has no two alike.
const REMEMBERED: usize = 512;

/// An answer that may come again.
#[derive(Clone, Debug)]
struct Answer {
    ids: Vec<u32>,
    seen: u64,
}

/// The answers known of a model, the likely ones first.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    answers: Vec<Answer>,
    seen: u64,
}

impl Drafts {
    /// The answers that name few labels, before any was seen.
    ///
    /// # Errors
    /// What the tokenizer reports.
    pub fn new(processor: &dyn Processor, labels: &LabelNames) -> Result<Self, ModelError> {
        let mut answers = Vec::new();
        for set in small_sets(labels.len()) {
            let ids = processor.answer_ids(&processor.answer_text(labels, set))?;
            answers.push(Answer { ids, seen: 0 });
        }
        Ok(Self { answers, seen: 0 })
    }

    /// No drafts: every token takes a pass of its own.
    pub fn none() -> Self {
        Self::default()
    }

    /// Counts an answer, end of sequence included.
    pub fn learn(&mut self, ids: &[u32]) {
        self.seen += 1;
        let known = self.answers.iter().position(|answer| answer.ids == ids);
        let at = known.unwrap_or_else(|| {
            self.answers.push(Answer {
                ids: ids.to_vec(),
                seen: 0,
            });
            self.answers.len() - 1
        });
        if let Some(answer) = self.answers.get_mut(at) {
            answer.seen += 1;
        }
        // Often seen ones first; the rest stays as it was.
        self.answers
            .sort_by_key(|answer| std::cmp::Reverse(answer.seen));
        self.answers.truncate(REMEMBERED);
    }

    /// What is tried behind a prompt.
    pub fn behind_prompt(&self) -> TokenTree {
        let mut tree = TokenTree::default();
        let mut covered = 0;
        for answer in &self.answers {
            if self.seen >= ENOUGH && covered as f64 >= COVERED * self.seen as f64 {
                break;
            }
            covered += answer.seen;
            insert_within(&mut tree, &answer.ids, PROMPT_NODES);
        }
        tree
    }

    /// What is tried behind an answer that has begun with `generated`: its last token, and what known answers go on with.
    pub fn behind_answer(&self, generated: &[u32]) -> TokenTree {
        let Some(last) = generated.last() else {
            return TokenTree::default();
        };
        let mut tree = TokenTree::chain(&[*last]);
        if self.answers.is_empty() {
            return tree;
        }
        // Answers that begin in the same way, else those in which the last tokens stand somewhere.
        for common in (1..=generated.len()).rev() {
            let end = generated
                .get(generated.len() - common..)
                .unwrap_or_default();
            for answer in &self.answers {
                let whole = common == generated.len();
                let place = answer.ids.windows(common).position(|window| window == end);
                if let Some(place) = place.filter(|place| !whole || *place == 0) {
                    let rest = answer.ids.get(place + common - 1..).unwrap_or_default();
                    insert_within(&mut tree, rest, ANSWER_NODES);
                }
            }
            if tree.len() > 1 {
                break;
            }
        }
        tree
    }
}

/// Adds as much of an answer as the tree has room for. Its end need not run: nobody asks what comes behind it.
fn insert_within(tree: &mut TokenTree, answer: &[u32], nodes: usize) {
    let ids = answer.split_last().map_or(&[][..], |(_, before)| before);
    let held = ids.len() - tree.missing(ids);
    let room = nodes.saturating_sub(tree.len());
    tree.insert(ids.get(..ids.len().min(held + room)).unwrap_or_default());
}

/// Sets of the first `n` labels, small ones first: all, or those of two at most.
fn small_sets(n: usize) -> Vec<LabelSet> {
    let mut sets: Vec<LabelSet> = if n <= ALL_SETS {
        (0..1u64 << n).map(LabelSet::from_bits).collect()
    } else {
        let pairs = (0..n).flat_map(|a| (a..n).map(move |b| [a, b].into_iter().collect()));
        std::iter::once(LabelSet::EMPTY).chain(pairs).collect()
    };
    sets.sort_by_key(|set| set.len());
    sets
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn drafts(answers: &[&[u32]]) -> Drafts {
        Drafts {
            answers: answers
                .iter()
                .map(|ids| Answer {
                    ids: ids.to_vec(),
                    seen: 0,
                })
                .collect(),
            seen: 0,
        }
    }

    #[test]
    fn what_was_seen_often_is_tried_and_the_rest_no_more() {
        let mut drafts = drafts(&[&[1, 9], &[2, 3, 9], &[2, 4, 9]]);
        assert_eq!(drafts.behind_prompt().tokens(), [1, 2, 3, 4]);
        for _ in 0..ENOUGH {
            drafts.learn(&[2, 4, 9]);
        }
        assert_eq!(drafts.behind_prompt().tokens(), [2, 4]);
        for _ in 0..ENOUGH {
            drafts.learn(&[7, 9]);
        }
        assert_eq!(drafts.behind_prompt().tokens(), [2, 4, 7]);
    }

    #[test]
    fn the_first_tree_does_not_outgrow_its_room() {
        let long: Vec<u32> = (0..100).collect();
        assert_eq!(drafts(&[&long]).behind_prompt().len(), PROMPT_NODES);
        let many: Vec<Vec<u32>> = (0..100).map(|i| vec![i, 100, 101]).collect();
        let many: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(drafts(&many).behind_prompt().len(), PROMPT_NODES);
    }

    #[test]
    fn an_answer_goes_on_as_those_that_began_like_it_or_hold_its_end() {
        let drafts = drafts(&[&[1, 2, 3, 9], &[1, 2, 4, 9], &[5, 6, 9]]);
        assert_eq!(drafts.behind_answer(&[1, 2]).tokens(), [2, 3, 4]);
        // Begun like none, but “5” is known to be followed by “6”.
        assert_eq!(drafts.behind_answer(&[8, 5]).tokens(), [5, 6]);
        assert_eq!(drafts.behind_answer(&[8]).tokens(), [8]);
        assert_eq!(Drafts::none().behind_answer(&[1, 2]).tokens(), [2]);
        assert!(Drafts::none().behind_answer(&[]).is_empty());
    }

    #[test]
    fn every_set_of_a_few_labels_is_known_and_pairs_of_many() {
        assert_eq!(small_sets(5).len(), 32);
        assert_eq!(small_sets(20).len(), 1 + 20 + 190);
        assert_eq!(small_sets(20)[0], LabelSet::EMPTY);
    }
}
