//! Answers that a model is likely to give, to be tried all at once.
//!
//! A classifier's answer is one of a few. Their tokens ride behind the prompt as a tree, in the pass that the prompt
//! takes anyway; where the model's own greedy answer is among them, that one pass was all. What is likely is learned
//! from the answers so far.

use candle_core::Device;

use crate::{
    model::{ModelError, Processor, TokenTree},
    post::{LabelNames, LabelSet},
};

/// The most tokens that ride behind a prompt.
const PROMPT_NODES: usize = 40;

/// The most tokens that are tried behind an answer that left the first tree.
const ANSWER_NODES: usize = 24;

/// What a pass for a token or a few costs, in tokens that ride behind a prompt: one that is less likely than one in as many
/// costs more than it saves. Such a pass reads every weight: on a CPU that takes as long as 14 (SmolVLM 256M) to 22 tokens
/// (PaliGemma 2 3B, f32, two cores); a GPU multiplies so fast that some hundreds of tokens more cost nothing beside it.
pub fn tokens_a_pass(device: &Device) -> f64 {
    if device.is_cpu() { 20.0 } else { 500.0 }
}

/// With so many labels or fewer all sets of labels are known from the start; with more the smaller ones are.
const ALL_SETS: usize = 6;

/// A set with one label more is expected so many times less often.
const RARER_A_LABEL: f64 = 3.0;

/// What is expected before any answer was seen counts as so many answers.
const EXPECTED: f64 = 4.0;

/// How many of an answer's last tokens are looked for in others.
const ALIKE: usize = 8;

/// How many answers are remembered: a model that tells stories has no two alike.
const REMEMBERED: usize = 512;

/// An answer that may come again.
#[derive(Clone, Debug)]
struct Answer {
    ids: Vec<u32>,
    /// How often it came, and what was expected of it before.
    weight: f64,
}

/// The answers known of a model, the likely ones first.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    answers: Vec<Answer>,
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
            let weight = RARER_A_LABEL.powf(-(set.len() as f64));
            answers.push(Answer { ids, weight });
        }
        let all: f64 = answers.iter().map(|answer| answer.weight).sum();
        for answer in &mut answers {
            answer.weight *= EXPECTED / all;
        }
        Ok(Self { answers })
    }

    /// No drafts: every token takes a pass of its own.
    pub fn none() -> Self {
        Self::default()
    }

    /// Counts an answer, end of sequence included.
    pub fn learn(&mut self, ids: &[u32]) {
        match self.answers.iter_mut().find(|answer| answer.ids == ids) {
            Some(answer) => answer.weight += 1.0,
            None => {
                // The rarest makes room.
                self.answers.truncate(REMEMBERED - 1);
                self.answers.push(Answer {
                    ids: ids.to_vec(),
                    weight: 1.0,
                });
            }
        }
        // Likely ones first; the rest stays as it was.
        self.answers.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    }

    /// What is tried behind a prompt, where a pass costs so much.
    pub fn behind_prompt(&self, tokens_a_pass: f64) -> TokenTree {
        let whole = self.answers.iter().map(|of| (&of.ids[..], of.weight));
        likely_tree(whole, tokens_a_pass, PROMPT_NODES)
    }

    /// What is tried behind an answer that has begun with `generated`: its last token, and what known answers go on with.
    pub fn behind_answer(&self, generated: &[u32], tokens_a_pass: f64) -> TokenTree {
        let Some(last) = generated.last() else {
            return TokenTree::default();
        };
        // Answers that begin in the same way, else those in which the last tokens stand somewhere.
        let begun_alike = self.answers.iter().filter_map(|answer| {
            let alike = answer.ids.starts_with(generated);
            let rest = answer.ids.get(generated.len() - 1..);
            Some((rest.filter(|_| alike)?, answer.weight))
        });
        let tree = likely_tree(begun_alike, tokens_a_pass, ANSWER_NODES);
        if tree.len() > 1 {
            return tree;
        }
        for common in (1..=ALIKE.min(generated.len() - 1)).rev() {
            let end = generated.get(generated.len() - common..);
            let going_on = self.answers.iter().filter_map(|answer| {
                let mut windows = answer.ids.windows(common);
                let place = windows.position(|window| Some(window) == end)?;
                let rest = answer.ids.get(place + common - 1..)?;
                Some((rest, answer.weight))
            });
            let tree = likely_tree(going_on, tokens_a_pass, ANSWER_NODES);
            if tree.len() > 1 {
                return tree;
            }
        }
        TokenTree::chain(&[*last])
    }
}

/// The tokens of these answers that are worth trying, the likeliest `nodes` of them at most. An answer's end is not among
/// them: nobody asks what comes behind it.
fn likely_tree<'a>(
    answers: impl Iterator<Item = (&'a [u32], f64)>,
    tokens_a_pass: f64,
    nodes: usize,
) -> TokenTree {
    let mut all = TokenTree::default();
    let (mut weights, mut whole) = (Vec::new(), 0.0); // by node, and of all answers
    for (ids, weight) in answers {
        whole += weight;
        let before_end = ids.split_last().map_or(&[][..], |(_, before)| before);
        let mut parent = None;
        for token in before_end {
            let node = all.insert_child(parent, *token);
            weights.resize(all.len(), 0.0);
            if let Some(of_node) = weights.get_mut(node) {
                *of_node += weight;
            }
            parent = Some(node);
        }
    }
    let mut likely: Vec<(usize, f64)> = weights.into_iter().enumerate().collect();
    likely.retain(|(_, weight)| weight * tokens_a_pass >= whole);
    // No node is likelier than its parent, which came first.
    likely.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut tree = TokenTree::default();
    for (node, _) in likely.into_iter().take(nodes) {
        tree.insert(&all.path(Some(node)));
    }
    tree
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
    use crate::predict::scripted::Bytes;

    const CPU: f64 = 20.0;

    /// Drafts that expect each of these answers alike.
    fn drafts(answers: &[&[u32]]) -> Drafts {
        Drafts {
            answers: answers
                .iter()
                .map(|ids| Answer {
                    ids: ids.to_vec(),
                    weight: EXPECTED / answers.len() as f64,
                })
                .collect(),
        }
    }

    #[test]
    fn what_is_seen_often_is_tried_and_the_rest_no_more() {
        let mut drafts = drafts(&[&[1, 9], &[2, 3, 9], &[2, 4, 9]]);
        assert_eq!(drafts.behind_prompt(CPU).tokens(), [2, 1, 3, 4]);
        for _ in 0..100 {
            drafts.learn(&[2, 4, 9]);
        }
        assert_eq!(drafts.behind_prompt(CPU).tokens(), [2, 4]);
        for _ in 0..100 {
            drafts.learn(&[7, 9]);
        }
        assert_eq!(drafts.behind_prompt(CPU).tokens(), [2, 4, 7]);
    }

    #[test]
    fn what_would_cost_more_than_it_saves_is_not_tried() {
        // Of each label one in twenty-five answers, all of them beginning alike.
        let many: Vec<Vec<u32>> = (0..25).map(|i| vec![100, i, 101, 9]).collect();
        let many: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(drafts(&many).behind_prompt(CPU).tokens(), [100]);
        assert_eq!(drafts(&many).behind_answer(&[100], CPU).tokens(), [100]);
        // Where a pass costs more, they are.
        assert_eq!(drafts(&many).behind_prompt(30.0).len(), PROMPT_NODES);
        // Once a label stands, only one answer goes on with it.
        assert_eq!(
            drafts(&many).behind_answer(&[100, 7], CPU).tokens(),
            [7, 101]
        );
    }

    #[test]
    fn the_first_tree_does_not_outgrow_its_room() {
        let long: Vec<u32> = (0..100).collect();
        assert_eq!(drafts(&[&long]).behind_prompt(CPU).len(), PROMPT_NODES);
        assert_eq!(
            drafts(&[&long]).behind_answer(&[0], CPU).len(),
            ANSWER_NODES
        );
    }

    #[test]
    fn answers_that_name_few_labels_are_expected_first() {
        let labels = LabelNames::new(["a", "b", "c", "d", "e"]).unwrap();
        let tree = Drafts::new(&Bytes, &labels).unwrap().behind_prompt(CPU);
        for (answer, tried) in [("[]", true), (r#"["e"]"#, true), (r#"["d", "e"]"#, false)] {
            let ids: Vec<u32> = answer.bytes().map(u32::from).collect();
            assert_eq!(tree.find(&ids).is_some(), tried, "{answer}");
        }
    }

    #[test]
    fn an_answer_goes_on_as_those_that_began_like_it_or_hold_its_end() {
        let drafts = drafts(&[&[1, 2, 3, 9], &[1, 2, 4, 9], &[5, 6, 9]]);
        assert_eq!(drafts.behind_answer(&[1, 2], CPU).tokens(), [2, 3, 4]);
        // Begun like none, but “5” is known to be followed by “6”.
        assert_eq!(drafts.behind_answer(&[8, 5], CPU).tokens(), [5, 6]);
        assert_eq!(drafts.behind_answer(&[8], CPU).tokens(), [8]);
        assert_eq!(Drafts::none().behind_answer(&[1, 2], CPU).tokens(), [2]);
        assert!(Drafts::none().behind_answer(&[], CPU).is_empty());
    }

    #[test]
    fn every_set_of_a_few_labels_is_known_and_pairs_of_many() {
        assert_eq!(small_sets(5).len(), 32);
        assert_eq!(small_sets(20).len(), 1 + 20 + 190);
        assert_eq!(small_sets(20)[0], LabelSet::EMPTY);
    }
}
