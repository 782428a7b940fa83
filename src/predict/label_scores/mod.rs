//! The probability of each label, from the probabilities of whole answers.
//!
//! A label's probability is that of all answers that name it, among the answers that name a set of labels in class
//! order. The tree of those answers is expanded, the likeliest branches first, until what was not looked at weighs
//! almost nothing; that rest is what the interval of a label is wide by, so that it holds the label's probability by
//! construction.

mod trie;

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
};

pub use trie::AnswerTrie;

use super::{decode::Pass, prediction::Score};
use crate::{
    model::{ModelError, Network, Node, TokenTree},
    post::LabelSet,
};

/// How far to expand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expansion {
    /// What may stay unexpanded, as a share of what the answers weigh.
    pub unexpanded: f64,
    /// The most passes.
    pub passes: usize,
}

impl Default for Expansion {
    /// Below one per cent, which sure answers reach in no pass of their own; a model that is unsure of everything gets
    /// wide intervals, and not an endless search.
    fn default() -> Self {
        Self {
            unexpanded: 0.01,
            passes: 24,
        }
    }
}

/// The most tokens that a pass tries behind each prompt.
const NODES: usize = 48;

/// What is known of one post's answers: the log-probabilities of the tokens that the trie has behind a node, or behind the prompt.
/// A whole row would be a megabyte.
struct Known {
    behind: HashMap<Node, HashMap<u32, f64>>,
}

impl Known {
    /// What comes behind the prompts of a pass; `None` if that is not a number.
    fn behind_prompt(
        trie: &AnswerTrie,
        pass: &Pass,
        sequence: usize,
    ) -> Result<Option<Self>, ModelError> {
        let tokens = trie.next_tokens(None);
        let read = pass.log_probs(sequence, vec![(None, tokens.clone())])?;
        let first = read.into_iter().next().flatten();
        Ok(first.map(|log_probs| Self {
            behind: HashMap::from([(None, tokens.into_iter().zip(log_probs).collect())]),
        }))
    }

    /// The log-probability of a token that comes behind a node of the trie; `None` if nobody has looked yet.
    fn log_prob(&self, node: Node, token: u32) -> Option<f64> {
        self.behind.get(&node)?.get(&token).copied()
    }

    /// Takes what a pass says about the nodes of the trie, which grows there.
    fn learn(
        &mut self,
        trie: &mut AnswerTrie,
        pass: &Pass,
        sequence: usize,
    ) -> Result<(), ModelError> {
        let (Some(tree), Some(before)) = (pass.trees.get(sequence), pass.before.get(sequence))
        else {
            return Ok(());
        };
        let Some(base) = trie.tree().find(before) else {
            return Ok(());
        };
        // Where each node of the pass stands in the trie, and what the trie has behind it that is not known.
        let mut places: Vec<Option<Node>> = Vec::with_capacity(tree.len());
        let (mut wanted, mut wanted_at) = (Vec::new(), Vec::new());
        for node in 0..tree.len() {
            let parent = match tree.parent(node) {
                Some(parent) => places.get(parent).copied().flatten(),
                None => Some(base),
            };
            let place = parent
                .zip(tree.token(node))
                .and_then(|(parent, token)| trie.tree().child(parent, token));
            places.push(place.map(Some));
            if let Some(place) = place {
                trie.grow(place)?;
                let tokens = trie.next_tokens(Some(place));
                let is_known = |token: &u32| self.log_prob(Some(place), *token).is_some();
                if !tokens.iter().all(is_known) {
                    wanted.push((Some(node), tokens));
                    wanted_at.push(Some(place));
                }
            }
        }
        let tokens: Vec<Vec<u32>> = wanted.iter().map(|(_, tokens)| tokens.clone()).collect();
        let read = pass.log_probs(sequence, wanted)?;
        for ((place, tokens), log_probs) in wanted_at.into_iter().zip(tokens).zip(read) {
            if let Some(log_probs) = log_probs {
                let behind = tokens.into_iter().zip(log_probs).collect();
                self.behind.insert(place, behind);
            }
        }
        Ok(())
    }
}

/// What the answers weigh, as far as they are expanded.
#[derive(Debug)]
struct Weights {
    /// All answers that were looked at.
    all: f64,
    /// Those that name a label, by label.
    of_label: Vec<f64>,
    /// Where the others hang, and what they weigh together at most.
    open: BinaryHeap<Place>,
    /// Those among them that cannot be looked at yet, heaviest first.
    blocked: Vec<Place>,
}

/// A place of the trie with what hangs there.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Place {
    node: Node,
    logprob: f64,
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    /// Heavy ones are greater; of equals those that came first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_weight = self.logprob.total_cmp(&other.logprob);
        by_weight.then(other.node.cmp(&self.node))
    }
}

impl Place {
    fn weight(&self) -> f64 {
        self.logprob.exp()
    }
}

impl Weights {
    /// Expands the heaviest place again and again until what is left weighs too little, and grows the trie on the way.
    ///
    /// Nothing else is expanded, even if it could be: so the outcome does not depend on what happened to be drafted.
    fn of(
        known: &Known,
        trie: &mut AnswerTrie,
        labels: usize,
        unexpanded: f64,
    ) -> Result<Self, ModelError> {
        let mut weights = Self {
            all: 0.0,
            of_label: vec![0.0; labels],
            open: BinaryHeap::from([Place {
                node: None,
                logprob: 0.0,
            }]),
            blocked: Vec::new(),
        };
        while weights.share_of_rest() >= unexpanded
            && let Some(place) = weights.open.pop()
        {
            if known.behind.contains_key(&place.node)
                && let Some(node) = place.node
            {
                trie.grow(node)?;
            }
            let children: Vec<(usize, u32)> = trie.children(place.node).collect();
            let logprobs: Option<Vec<f64>> = children
                .iter()
                .map(|(_, token)| known.log_prob(place.node, *token))
                .collect();
            let Some(logprobs) = logprobs.filter(|of| !of.is_empty()) else {
                weights.blocked.push(place);
                continue;
            };
            for ((child, _), logprob) in children.into_iter().zip(logprobs) {
                let logprob = place.logprob + logprob;
                match trie.answer(child) {
                    Some(set) => weights.count(set, logprob.exp()),
                    None => weights.open.push(Place {
                        node: Some(child),
                        logprob,
                    }),
                }
            }
        }
        Ok(weights)
    }

    fn count(&mut self, set: LabelSet, weight: f64) {
        self.all += weight;
        for label in set.iter() {
            if let Some(of_label) = self.of_label.get_mut(label) {
                *of_label += weight;
            }
        }
    }

    /// What was not looked at, at most.
    fn rest(&self) -> f64 {
        self.open
            .iter()
            .chain(&self.blocked)
            .map(Place::weight)
            .sum()
    }

    /// The part of the answers that was not looked at, at most.
    fn share_of_rest(&self) -> f64 {
        let rest = self.rest();
        rest / (self.all + rest)
    }

    /// The intervals; `None` if the answers weigh nothing.
    fn scores(&self) -> Option<Vec<Score>> {
        let rest = self.rest();
        let most = self.all + rest;
        if !(self.all > 0.0 && most.is_finite()) {
            return None;
        }
        let score = |with: &f64| Score {
            p: (with / self.all).clamp(0.0, 1.0),
            lo: (with / most).clamp(0.0, 1.0),
            hi: ((with + rest) / most).clamp(0.0, 1.0),
        };
        Some(self.of_label.iter().map(score).collect())
    }

    /// What to run next: the way to the heaviest blocked places, and what the trie has behind them.
    fn next_tree(&self, trie: &TokenTree) -> TokenTree {
        let mut tree = TokenTree::default();
        let mut places: Vec<usize> = self.blocked.iter().filter_map(|place| place.node).collect();
        // The heaviest first; then what follows them, generation by generation.
        while !places.is_empty() {
            let mut behind = Vec::new();
            for node in places {
                let path = trie.path(Some(node));
                // One whose way alone is too long is looked at all the same; of the others, those that fit.
                if !tree.is_empty() && tree.len() + tree.missing(&path) > NODES {
                    continue;
                }
                tree.insert(&path);
                // An answer's end has nothing behind it, and needs no pass of its own.
                let children = trie.children(Some(node));
                behind
                    .extend(children.filter(|child| trie.children(Some(*child)).next().is_some()));
            }
            places = behind;
        }
        tree
    }
}

/// The probabilities of all labels for each sequence of the batch that the network holds, in class order.
///
/// `passes` are those that gave the answers; further ones are run as needed. `None` for a sequence whose logits are not
/// numbers, or whose answers weigh nothing. `cancelled` is asked before every pass.
///
/// # Errors
/// [`ModelError::Cancelled`], and what network and tokenizer report.
pub fn label_scores(
    network: &mut dyn Network,
    passes: &[Pass],
    trie: &mut AnswerTrie,
    labels: usize,
    expansion: Expansion,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Option<Vec<Score>>>, ModelError> {
    let batch = passes.first().map_or(0, |pass| pass.trees.len());
    let mut known = Vec::with_capacity(batch);
    for sequence in 0..batch {
        let first = passes
            .first()
            .map(|pass| Known::behind_prompt(trie, pass, sequence));
        let Some(mut of_post) = first.transpose()?.flatten() else {
            known.push(None);
            continue;
        };
        for pass in passes {
            of_post.learn(trie, pass, sequence)?;
        }
        known.push(Some(of_post));
    }
    let mut scores = vec![None; batch];
    for round in 0..=expansion.passes {
        let mut trees = vec![TokenTree::default(); batch];
        for ((known, scores), tree) in known.iter().zip(&mut scores).zip(&mut trees) {
            let Some(known) = known else { continue };
            let weights = Weights::of(known, trie, labels, expansion.unexpanded)?;
            *scores = weights.scores();
            *tree = weights.next_tree(trie.tree());
        }
        if round == expansion.passes || trees.iter().all(TokenTree::is_empty) {
            break;
        }
        if cancelled() {
            return Err(ModelError::Cancelled);
        }
        if round == 0 {
            network.rewind();
        }
        let logits = network.extend(&trees)?;
        let pass = Pass::further(logits, trees, vec![Vec::new(); batch])?;
        for (sequence, known) in known.iter_mut().enumerate() {
            if let Some(known) = known {
                known.learn(trie, &pass, sequence)?;
            }
        }
    }
    Ok(scores)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        post::LabelNames,
        predict::scripted::{Bytes, Scripted, input},
    };

    /// A network that answers with each label by a probability of its own. Labels are the letters from `a` on.
    fn independent(probabilities: Vec<f64>) -> Scripted {
        Scripted::new(move |_, so_far| {
            let text: String = so_far.iter().filter_map(|id| char::from_u32(*id)).collect();
            let place = |letter: char| letter as usize - 'a' as usize;
            let named = text.chars().rfind(char::is_ascii_lowercase);
            let rest = probabilities
                .get(named.map_or(0, |l| place(l) + 1)..)
                .unwrap_or(&[]);
            let none: f64 = rest.iter().map(|p| 1.0 - p).product();
            let mut logits = vec![-40.0; 128];
            let mut say = |letter: char, weight: f64| logits[letter as usize] = weight.ln() as f32;
            match text.chars().next_back() {
                None => say('[', 1.0),
                Some('[') => {
                    say(']', none);
                    say('"', 1.0 - none);
                }
                Some('"') if text.matches('"').count().is_multiple_of(2) => {
                    say(']', none);
                    say(',', 1.0 - none);
                }
                Some('"') => {
                    let mut others = 1.0;
                    for (i, p) in rest.iter().enumerate() {
                        let at = probabilities.len() - rest.len() + i;
                        say(char::from(b'a' + at as u8), others * p);
                        others *= 1.0 - p;
                    }
                }
                Some(',') => say(' ', 1.0),
                Some(' ') => say('"', 1.0),
                Some(']') => say('\0', 1.0),
                Some(_) => say('"', 1.0),
            }
            logits
        })
    }

    fn labels(n: u8) -> LabelNames {
        LabelNames::new((0..n).map(|i| char::from(b'a' + i).to_string())).unwrap()
    }

    fn scores_of(probabilities: &[f64], expansion: Expansion) -> (Vec<Score>, usize) {
        let labels = labels(probabilities.len() as u8);
        let mut network = independent(probabilities.to_vec());
        let mut trie = AnswerTrie::new(Arc::new(Bytes), &labels).unwrap();
        let drafts = TokenTree::default();
        let logits = network.prefill(&[&input()], &drafts).unwrap();
        let passes = [Pass::prefill(logits, &drafts, 1).unwrap()];
        let n = labels.len();
        let scores = label_scores(&mut network, &passes, &mut trie, n, expansion, &|| false);
        (scores.unwrap().remove(0).unwrap(), trie.tree().len())
    }

    #[test]
    fn the_intervals_of_twenty_labels_hold_their_probabilities_though_most_sets_are_never_listed() {
        let mut probabilities = vec![0.002; 20];
        probabilities[0] = 0.6;
        probabilities[7] = 0.98;
        probabilities[19] = 0.1;
        let expansion = Expansion {
            unexpanded: 0.005,
            passes: 200,
        };
        let (scores, listed) = scores_of(&probabilities, expansion);
        for (score, p) in scores.iter().zip(&probabilities) {
            assert!(score.lo <= *p && *p <= score.hi, "{score:?} and {p}");
            assert!(score.hi - score.lo <= 0.005 + 1e-9, "{score:?}");
            assert!(score.lo <= score.p && score.p <= score.hi, "{score:?}");
        }
        assert!(
            listed < 20_000,
            "{listed} tokens are listed of 2^20 answers"
        );
    }

    #[test]
    fn a_model_that_is_unsure_of_everything_gets_wide_intervals_that_hold() {
        let probabilities = [0.5; 12];
        let (scores, _) = scores_of(&probabilities, Expansion::default());
        for score in &scores {
            assert!(score.lo <= 0.5 && 0.5 <= score.hi, "{score:?}");
        }
        assert!(scores.iter().any(|score| score.hi - score.lo > 0.1));
    }

    #[test]
    fn what_was_drafted_changes_no_score() {
        let probabilities = [0.3, 0.6, 0.05];
        let (alone, _) = scores_of(&probabilities, Expansion::default());
        let labels = labels(3);
        let mut network = independent(probabilities.to_vec());
        let mut trie = AnswerTrie::new(Arc::new(Bytes), &labels).unwrap();
        let everything = trie.tree().clone();
        let logits = network.prefill(&[&input()], &everything).unwrap();
        let passes = [Pass::prefill(logits, &everything, 1).unwrap()];
        let scores = label_scores(
            &mut network,
            &passes,
            &mut trie,
            3,
            Expansion::default(),
            &|| false,
        );
        assert_eq!(scores.unwrap().remove(0).unwrap(), alone);
        assert_eq!(network.passes(), 1);
    }
}
