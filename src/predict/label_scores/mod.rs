//! The probability of each label, from the probabilities of whole answers.
//!
//! A label's probability is that of all answers that name it, among the answers that name a set of labels in class
//! order. The tree of those answers is expanded, the likeliest branches first, until what was not looked at weighs
//! almost nothing; that rest is what the interval of a label is wide by, so that it holds the label's probability by
//! construction.

mod trie;

use std::collections::HashMap;

pub use trie::AnswerTrie;

use super::{decode::Pass, logits::Row, prediction::Score};
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
    /// Below one per cent, in a few passes: a model that is unsure of everything gets wide intervals.
    fn default() -> Self {
        Self {
            unexpanded: 0.01,
            passes: 6,
        }
    }
}

/// The most tokens that a pass tries behind each prompt.
const NODES: usize = 48;

/// Behind a place that weighs less than this share of what may stay unexpanded nothing is listed.
const NOT_WORTH_LISTING: f64 = 1e-3;

/// What is known of one post's answers.
struct Known {
    /// What comes behind the prompt.
    first: Row,
    /// What comes behind a node of the trie.
    rows: HashMap<usize, Row>,
}

impl Known {
    fn row(&self, node: Node) -> Option<&Row> {
        match node {
            Some(node) => self.rows.get(&node),
            None => Some(&self.first),
        }
    }

    /// Takes what a pass says about the nodes of the trie.
    fn learn(&mut self, trie: &TokenTree, pass: &Pass, sequence: usize) -> Result<(), ModelError> {
        let (Some(tree), Some(before)) = (pass.trees.get(sequence), pass.before.get(sequence))
        else {
            return Ok(());
        };
        let Some(base) = trie.find(before) else {
            return Ok(());
        };
        // Where each node of the pass stands in the trie.
        let mut places: Vec<Option<Node>> = Vec::with_capacity(tree.len());
        for node in 0..tree.len() {
            let parent = match tree.parent(node) {
                Some(parent) => places.get(parent).copied().flatten(),
                None => Some(base),
            };
            let token = tree.token(node);
            let place = parent
                .zip(token)
                .and_then(|(parent, token)| trie.child(parent, token));
            places.push(place.map(Some));
            if let Some(place) = place.filter(|place| !self.rows.contains_key(place))
                && let Some(row) = pass.row(sequence, Some(node))?
            {
                self.rows.insert(place, row);
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
    /// What was not looked at, at most.
    rest: f64,
    /// Where it lies.
    frontier: Vec<(f64, usize)>,
}

impl Weights {
    /// Weighs the trie, growing it where that matters.
    fn of(
        known: &Known,
        trie: &mut AnswerTrie,
        labels: usize,
        unexpanded: f64,
    ) -> Result<Self, ModelError> {
        let mut weights = Self {
            all: 0.0,
            of_label: vec![0.0; labels],
            rest: 0.0,
            frontier: Vec::new(),
        };
        let mut open: Vec<(Node, f64)> = vec![(None, 0.0)];
        while let Some((node, logprob)) = open.pop() {
            let weight = logprob.exp();
            if let Some(set) = node.and_then(|node| trie.answer(node)) {
                weights.count(set, weight);
                continue;
            }
            let Some(row) = known.row(node) else {
                weights.rest += weight;
                weights.frontier.extend(node.map(|node| (weight, node)));
                continue;
            };
            let stem = node.filter(|node| trie.is_stem(*node));
            if let Some(stem) = stem {
                if weight > unexpanded * NOT_WORTH_LISTING {
                    trie.grow(stem)?;
                } else {
                    weights.rest += weight;
                    continue;
                }
            }
            for child in trie.tree().children(node) {
                let token = trie.tree().token(child).unwrap_or_default();
                let token = row.log_prob(token).ok_or_else(|| {
                    ModelError::Input(format!("the token id {token} is beyond the vocabulary"))
                })?;
                open.push((Some(child), logprob + token));
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

    /// The part of the answers that was not looked at, at most.
    fn share_of_rest(&self) -> f64 {
        self.rest / (self.all + self.rest)
    }

    /// The intervals; `None` if the answers weigh nothing.
    fn scores(&self) -> Option<Vec<Score>> {
        let most = self.all + self.rest;
        if !(self.all > 0.0 && most.is_finite()) {
            return None;
        }
        let score = |with: &f64| Score {
            p: (with / self.all).clamp(0.0, 1.0),
            lo: (with / most).clamp(0.0, 1.0),
            hi: ((with + self.rest) / most).clamp(0.0, 1.0),
        };
        Some(self.of_label.iter().map(score).collect())
    }

    /// What to look at next: the heaviest places, the way to them, and what the trie has behind them.
    fn next_tree(mut self, trie: &TokenTree) -> TokenTree {
        self.frontier.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut tree = TokenTree::default();
        let mut places: Vec<usize> = self.frontier.iter().map(|(_, node)| *node).collect();
        // The heaviest first; then what follows them, generation by generation.
        while !places.is_empty() {
            let mut behind = Vec::new();
            for node in places {
                let path = trie.path(Some(node));
                if tree.len() + tree.missing(&path) > NODES {
                    return tree;
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
            .map_or(Ok(None), |pass| pass.row(sequence, None))?;
        let Some(first) = first else {
            known.push(None);
            continue;
        };
        let mut of_post = Known {
            first,
            rows: HashMap::new(),
        };
        for pass in passes {
            of_post.learn(trie.tree(), pass, sequence)?;
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
            if weights.share_of_rest() >= expansion.unexpanded {
                *tree = weights.next_tree(trie.tree());
            }
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
        let pass = Pass::further(logits, trees, vec![Vec::new(); batch]);
        for (sequence, known) in known.iter_mut().enumerate() {
            if let Some(known) = known {
                known.learn(trie.tree(), &pass, sequence)?;
            }
        }
    }
    Ok(scores)
}
