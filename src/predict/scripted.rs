//! A network for tests that says, after the tokens so far, what a function says.

use candle_core::{Device, Tensor};

use crate::{
    image::Rgb,
    model::{ModelError, ModelInput, Network, Node, Processor, PromptStyle, TokenTree},
    post::LabelNames,
};

type Logits = Box<dyn Fn(usize, &[u32]) -> Vec<f32> + Send>;

/// A network without layers.
pub struct Scripted {
    /// Of each sequence: the tokens kept behind the prompt.
    kept: Vec<Vec<u32>>,
    /// What ran last and was not decided.
    trees: Vec<TokenTree>,
    logits: Logits,
    passes: usize,
}

impl Scripted {
    /// `logits` gives what a sequence of the batch goes on with after the tokens behind its prompt.
    pub fn new(logits: impl Fn(usize, &[u32]) -> Vec<f32> + Send + 'static) -> Self {
        Self {
            kept: Vec::new(),
            trees: Vec::new(),
            logits: Box::new(logits),
            passes: 0,
        }
    }

    /// How many passes were run.
    pub fn passes(&self) -> usize {
        self.passes
    }

    fn speak(&mut self, with_prompt: bool) -> Result<Tensor, ModelError> {
        self.passes += 1;
        let nodes = self.trees.iter().map(TokenTree::len).max().unwrap_or(0);
        let mut rows = Vec::new();
        for (i, (kept, tree)) in self.kept.iter().zip(&self.trees).enumerate() {
            let behind = |node| (self.logits)(i, &[kept.clone(), tree.path(node)].concat());
            let prompt = with_prompt.then_some(None).into_iter();
            let nodes = (0..nodes).map(|node| Some(node.min(tree.len().saturating_sub(1))));
            let row: Vec<Vec<f32>> = prompt.chain(nodes).map(behind).collect();
            rows.push(Tensor::new(row, &Device::Cpu)?);
        }
        Ok(Tensor::stack(&rows, 0)?)
    }
}

impl Network for Scripted {
    fn prefill(&mut self, batch: &[&ModelInput], drafts: &TokenTree) -> Result<Tensor, ModelError> {
        self.kept = vec![Vec::new(); batch.len()];
        self.trees = vec![drafts.clone(); batch.len()];
        self.speak(true)
    }

    fn keep(&mut self, nodes: &[Node]) -> Result<(), ModelError> {
        for ((kept, tree), node) in self.kept.iter_mut().zip(&self.trees).zip(nodes) {
            kept.extend(tree.path(*node));
        }
        self.trees.clear();
        Ok(())
    }

    fn extend(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError> {
        self.trees = trees.to_vec();
        self.speak(false)
    }

    fn rewind(&mut self) {
        self.kept.iter_mut().for_each(Vec::clear);
        self.trees.clear();
    }

    fn eos_ids(&self) -> &[u32] {
        &[0]
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }
}

/// Any input.
pub fn input() -> ModelInput {
    ModelInput {
        prompt: String::new(),
        input_ids: vec![5],
        pixel_values: None,
        request: None,
    }
}

/// A processor whose tokens are bytes, and whose answers end in 0.
pub struct Bytes;

impl Processor for Bytes {
    fn prepare(
        &self,
        _: &str,
        _: Option<&Rgb>,
        _: PromptStyle,
        _: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        Ok(input())
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        Ok(ids
            .iter()
            .filter(|id| **id > 0)
            .filter_map(|id| char::from_u32(*id))
            .collect())
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        Ok(answer.bytes().map(u32::from).chain([0]).collect())
    }
}
