//! What all generative families share: the state of a batch between the passes, and which token sees which.
//!
//! A [`Backbone`] turns prompts into embeddings and runs tokens through its layers; [`CausalLm`] makes a
//! [`Network`] of it. Sequences are padded on the left. Drafts stand behind the prompt as a [`TokenTree`]: each token
//! sees the prompt and its ancestors, at the position it would have if they had been generated.

mod places;

use candle_core::{Device, Tensor};

pub use self::places::Reach;
use self::places::Sequence;
use super::{
    ModelError, ModelInput, Network,
    layers::attention_mask,
    matmul::on_own_threads,
    token_tree::{Node, TokenTree},
};

/// A position by three axes (time, row, column), as Qwen2-VL counts them; elsewhere the three are the same.
pub type Position = [u32; 3];

/// A prompt ready for the layers.
pub struct Prompt {
    /// `(1, len, hidden)`, in the format the network computes in, images in their places.
    pub embeddings: Tensor,
    /// Of each token.
    pub positions: Vec<Position>,
    /// Of the first token of the answer.
    pub next: u32,
}

impl Prompt {
    /// A prompt whose tokens are counted one by one from `first` on; `embeddings (1, len, hidden)`.
    pub fn in_line(embeddings: Tensor, first: u32) -> Result<Self, ModelError> {
        let next = first + embeddings.dim(1)? as u32;
        Ok(Self {
            embeddings,
            positions: (first..next).map(|at| [at; 3]).collect(),
            next,
        })
    }
}

/// Refuses ids that the embedding has no row for.
pub fn check_vocabulary<'a>(
    ids: impl IntoIterator<Item = &'a u32>,
    vocab_size: usize,
) -> Result<(), ModelError> {
    match ids.into_iter().find(|id| **id as usize >= vocab_size) {
        Some(id) => Err(ModelError::Input(format!(
            "the token id {id} is beyond the vocabulary of {vocab_size}"
        ))),
        None => Ok(()),
    }
}

/// What the new tokens see, for the two kinds of layers. `None`: everything.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// For full attention, broadcasting to (batch, heads, new, all), f32, additive.
    pub full: Option<Tensor>,
    /// For sliding attention, likewise.
    pub sliding: Option<Tensor>,
}

/// What a generative family gives to the state all families share.
pub trait Backbone: Send {
    /// Embeddings and positions of each prompt, without padding.
    fn prompts(&self, batch: &[&ModelInput]) -> Result<Vec<Prompt>, ModelError>;

    /// `input_ids (batch, n)` u32 → `(batch, n, hidden)` in the format the network computes in.
    fn embed(&self, input_ids: &Tensor) -> candle_core::Result<Tensor>;

    /// Appends tokens to the cache and gives the logits of the last `keep` of them.
    ///
    /// - `embeddings (batch, new, hidden)`
    /// - `positions`, those of the first sequence first: batch · new
    /// - gives `(batch, keep, vocab)` f32, final soft-capping applied
    fn forward(
        &mut self,
        embeddings: &Tensor,
        positions: &[Position],
        masks: &Masks,
        keep: usize,
    ) -> candle_core::Result<Tensor>;

    /// Forgets all but the first `len` places of every sequence.
    fn truncate(&mut self, len: usize);

    /// What of it the others need to know.
    fn traits(&self) -> Traits<'_>;
}

/// What a network's state depends on.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Which token sees which.
    pub reach: Reach,
    /// The ids that end an answer.
    pub eos_ids: &'a [u32],
    /// Where the weights are.
    pub device: &'a Device,
}

/// No prompt may have more tokens: a mask takes a gibibyte, and a network with a sliding window has two.
const MOST_TOKENS: usize = 16_384;

/// Refuses prompts whose mask would take the machine's memory, since no allocation that fails can be caught. A batch that is
/// refused is tried in halves.
fn check_length(batch: usize, longest: usize) -> Result<(), ModelError> {
    if longest > MOST_TOKENS {
        return Err(ModelError::Input(format!(
            "the post has {longest} tokens with those of its image, and at most {MOST_TOKENS} can be run; shorten its text, or \
             make its image smaller"
        )));
    }
    if batch * longest * longest > MOST_TOKENS * MOST_TOKENS {
        return Err(ModelError::Input(format!(
            "{batch} posts of up to {longest} tokens are too many for one batch"
        )));
    }
    Ok(())
}

/// A generative network: a backbone and the sequences in its cache.
pub struct CausalLm<B> {
    backbone: B,
    sequences: Vec<Sequence>,
    /// The prompts' places, padding included.
    prompt_len: usize,
    /// Places in the cache, the same for every sequence.
    len: usize,
    /// How many of them the tree appended last takes.
    draft_len: usize,
}

impl<B: Backbone> CausalLm<B> {
    /// A network without sequences.
    pub fn new(backbone: B) -> Self {
        Self {
            backbone,
            sequences: Vec::new(),
            prompt_len: 0,
            len: 0,
            draft_len: 0,
        }
    }

    fn forget(&mut self) {
        self.backbone.truncate(0);
        self.sequences.clear();
        (self.prompt_len, self.len, self.draft_len) = (0, 0, 0);
    }

    /// Token ids `(batch, nodes)`: the trees', the shorter ones filled up.
    fn tree_ids(&self, trees: &[&TokenTree], nodes: usize) -> Result<Tensor, ModelError> {
        let traits = self.backbone.traits();
        let mut ids = Vec::with_capacity(trees.len() * nodes);
        for tree in trees {
            check_vocabulary(tree.tokens(), traits.vocab_size)?;
            ids.extend(tree.tokens());
            ids.extend(std::iter::repeat_n(0, nodes - tree.len()));
        }
        Ok(Tensor::from_vec(ids, (trees.len(), nodes), traits.device)?)
    }

    /// The masks of the last `new` places of every sequence.
    fn masks(&self, new: usize) -> Result<Masks, ModelError> {
        let Traits { reach, device, .. } = self.backbone.traits();
        let first = self.len - new;
        // Where every token of a prompt sees every other one, one row does for all of them.
        let same_row = reach.prompt_sees_itself && self.len == self.prompt_len;
        let rows = if same_row { 1 } else { new };
        let sequences = &self.sequences;
        let shape = (sequences.len(), rows, self.len);
        let seen = |window: Option<usize>| {
            attention_mask(shape, device, |b, q, k| {
                let sequence = sequences.get(b);
                if same_row {
                    return sequence.is_some_and(|sequence| sequence.is_real(k));
                }
                sequence.is_some_and(|sequence| sequence.sees(first + q, k, reach, window))
            })
        };
        let full = seen(None)?;
        let sliding = match reach.sliding_window {
            Some(window) if window < self.len => seen(Some(window))?,
            _ => full.clone(),
        };
        Ok(Masks { full, sliding })
    }

    /// Runs the last `new` places, and gives the logits of the last `keep`.
    fn run(&mut self, embeddings: &Tensor, new: usize, keep: usize) -> Result<Tensor, ModelError> {
        let masks = self.masks(new)?;
        let first = self.len - new;
        let positions: Vec<Position> = self
            .sequences
            .iter()
            .flat_map(|sequence| sequence.positions(first))
            .collect();
        Ok(self
            .backbone
            .forward(embeddings, &positions, &masks, keep)?)
    }

    /// Works on the threads of the products, where they compute. A GPU is told what to do by one thread alone: CUDA keeps the order
    /// of what one thread asks for, and of nothing else.
    fn at_work<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T {
        if self.backbone.traits().device.is_cpu() {
            on_own_threads(|| work(self))
        } else {
            work(self)
        }
    }

    /// See [`Network::prefill`].
    fn run_prompts(
        &mut self,
        batch: &[&ModelInput],
        drafts: &TokenTree,
    ) -> Result<Tensor, ModelError> {
        self.forget();
        let longest = batch.iter().map(|input| input.input_ids.len()).max();
        let longest = longest
            .filter(|longest| *longest > 0)
            .ok_or_else(|| ModelError::Input("a batch without tokens".to_owned()))?;
        check_length(batch.len(), longest)?;
        let prompts = self.backbone.prompts(batch)?;
        let drafted = match drafts.len() {
            0 => None,
            nodes => {
                let ids = self.tree_ids(&vec![drafts; batch.len()], nodes)?;
                Some(self.backbone.embed(&ids)?) // (batch, nodes, hidden)
            }
        };
        let mut rows = Vec::with_capacity(batch.len());
        let mut sequences = Vec::with_capacity(batch.len());
        for (b, prompt) in prompts.iter().enumerate() {
            let (_, len, hidden) = prompt.embeddings.dims3()?;
            let padding = longest.checked_sub(len).ok_or_else(|| {
                ModelError::Input(format!("a prompt of {len} places in a batch of {longest}"))
            })?;
            let (dtype, device) = (prompt.embeddings.dtype(), prompt.embeddings.device());
            let mut parts = Vec::with_capacity(3);
            if padding > 0 {
                parts.push(Tensor::zeros((1, padding, hidden), dtype, device)?);
            }
            parts.push(prompt.embeddings.clone());
            if let Some(drafted) = &drafted {
                parts.push(drafted.narrow(0, b, 1)?);
            }
            rows.push(Tensor::cat(&parts, 1)?);
            let mut sequence = Sequence::new(padding, &prompt.positions, prompt.next);
            sequence.append(drafts, drafts.len());
            sequences.push(sequence);
        }
        let embeddings = Tensor::cat(&rows, 0)?; // (batch, longest + nodes, hidden)
        self.sequences = sequences;
        self.prompt_len = longest;
        self.len = longest + drafts.len();
        self.draft_len = drafts.len();
        self.run(&embeddings, self.len, 1 + drafts.len())
    }

    /// See [`Network::extend`].
    fn run_trees(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError> {
        let nodes = trees.iter().map(TokenTree::len).max().unwrap_or(0);
        if trees.len() != self.sequences.len() || nodes == 0 {
            return Err(ModelError::Input(format!(
                "{} trees of up to {nodes} tokens for {} sequences",
                trees.len(),
                self.sequences.len()
            )));
        }
        let ids = self.tree_ids(&trees.iter().collect::<Vec<_>>(), nodes)?;
        let embeddings = self.backbone.embed(&ids)?; // (batch, nodes, hidden)
        if self.draft_len > 0 {
            self.keep(&vec![None; trees.len()])?;
        }
        for (sequence, tree) in self.sequences.iter_mut().zip(trees) {
            sequence.append(tree, nodes);
        }
        self.len += nodes;
        self.draft_len = nodes;
        self.run(&embeddings, nodes, nodes)
    }
}

impl<B: Backbone> Network for CausalLm<B> {
    fn prefill(&mut self, batch: &[&ModelInput], drafts: &TokenTree) -> Result<Tensor, ModelError> {
        self.at_work(|network| network.run_prompts(batch, drafts))
    }

    fn extend(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError> {
        self.at_work(|network| network.run_trees(trees))
    }

    fn keep(&mut self, nodes: &[Node]) -> Result<(), ModelError> {
        if nodes.len() != self.sequences.len() {
            return Err(ModelError::Input(format!(
                "{} paths for {} sequences",
                nodes.len(),
                self.sequences.len()
            )));
        }
        let first = self.len - self.draft_len;
        for (sequence, node) in self.sequences.iter_mut().zip(nodes) {
            sequence.keep(first, *node);
        }
        // What no sequence kept at the end need not stay.
        let alive = self.sequences.iter().map(Sequence::kept_len).max();
        self.len = alive.unwrap_or(0);
        self.draft_len = 0;
        for sequence in &mut self.sequences {
            sequence.truncate(self.len);
        }
        self.backbone.truncate(self.len);
        Ok(())
    }

    fn rewind(&mut self) {
        self.len = self.prompt_len;
        self.draft_len = 0;
        for sequence in &mut self.sequences {
            sequence.truncate(self.prompt_len);
        }
        self.backbone.truncate(self.prompt_len);
    }

    fn eos_ids(&self) -> &[u32] {
        self.backbone.traits().eos_ids
    }

    fn device(&self) -> &Device {
        self.backbone.traits().device
    }
}
