//! The answers that name label sets, as a tree of tokens that grows where it is needed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    model::{ModelError, Node, Processor, TokenTree},
    post::{LabelNames, LabelSet},
};

/// With so many labels or fewer every set is listed from the start.
const ALL_SETS: usize = 6;

/// All answers that name a set of labels in class order: those listed so far, and where the others hang.
///
/// Of many labels there are too many sets to list. A set's supersets (with later labels) begin with the same tokens, its
/// *stem*; they are listed once somebody wants to know what lies behind it.
pub struct AnswerTrie {
    processor: Arc<dyn Processor>,
    labels: LabelNames,
    tree: TokenTree,
    /// What the answer names that ends in a node.
    answers: HashMap<usize, LabelSet>,
    /// The sets whose supersets hang behind a node and are not listed.
    stems: HashMap<usize, Vec<LabelSet>>,
    listed: HashSet<LabelSet>,
}

impl AnswerTrie {
    /// The trie of a label set.
    ///
    /// # Errors
    /// What the tokenizer reports.
    pub fn new(processor: Arc<dyn Processor>, labels: &LabelNames) -> Result<Self, ModelError> {
        let mut trie = Self {
            processor,
            labels: labels.clone(),
            tree: TokenTree::default(),
            answers: HashMap::new(),
            stems: HashMap::new(),
            listed: HashSet::new(),
        };
        trie.list(LabelSet::EMPTY)?;
        let mut sets = vec![LabelSet::EMPTY];
        while let Some(set) = sets.pop() {
            for larger in trie.supersets(set) {
                trie.list(larger)?;
                if labels.len() <= ALL_SETS {
                    sets.push(larger);
                } else {
                    trie.hang(larger)?;
                }
            }
        }
        Ok(trie)
    }

    /// The tokens.
    pub fn tree(&self) -> &TokenTree {
        &self.tree
    }

    /// What the answer names that ends in a node, if one does.
    pub fn answer(&self, node: usize) -> Option<LabelSet> {
        self.answers.get(&node).copied()
    }

    /// The nodes behind a node, with their tokens.
    pub fn children(&self, node: Node) -> impl Iterator<Item = (usize, u32)> {
        let children = self.tree.children(node);
        children.filter_map(|child| Some((child, self.tree.token(child)?)))
    }

    /// The tokens behind a node.
    pub fn next_tokens(&self, node: Node) -> Vec<u32> {
        self.children(node).map(|(_, token)| token).collect()
    }

    /// Lists what hangs behind a node: the next larger sets, with those above them hanging in turn.
    ///
    /// # Errors
    /// What the tokenizer reports.
    pub fn grow(&mut self, node: usize) -> Result<(), ModelError> {
        for set in self.stems.remove(&node).unwrap_or_default() {
            for larger in self.supersets(set) {
                self.list(larger)?;
                self.hang(larger)?;
            }
        }
        Ok(())
    }

    /// A set with one later label more.
    fn supersets(&self, set: LabelSet) -> Vec<LabelSet> {
        let after = set.iter().last().map_or(0, |last| last + 1);
        let larger = |label| {
            let mut larger = set;
            larger.insert(label);
            larger
        };
        (after..self.labels.len()).map(larger).collect()
    }

    fn ids(&self, set: LabelSet) -> Result<Vec<u32>, ModelError> {
        self.processor
            .answer_ids(&self.processor.answer_text(&self.labels, set))
    }

    fn list(&mut self, set: LabelSet) -> Result<(), ModelError> {
        if self.listed.insert(set) {
            let ids = self.ids(set)?;
            if let Some(node) = self.tree.insert(&ids) {
                self.answers.insert(node, set);
            }
        }
        Ok(())
    }

    /// Notes where the supersets of a listed set hang: behind the tokens that all of them and the set itself begin with.
    fn hang(&mut self, set: LabelSet) -> Result<(), ModelError> {
        let mut stem = self.ids(set)?;
        let supersets = self.supersets(set);
        if supersets.is_empty() {
            return Ok(());
        }
        for larger in supersets {
            let ids = self.ids(larger)?;
            let common = stem.iter().zip(&ids).take_while(|(a, b)| a == b).count();
            stem.truncate(common);
        }
        let node: Node = self.tree.insert(&stem);
        if let Some(node) = node {
            self.stems.entry(node).or_default().push(set);
        }
        Ok(())
    }
}
