//! The one interface to every family: a processor that needs no weights, and a network that owns them.

use std::sync::Arc;

use candle_core::Tensor;

use super::{
    ModelError,
    remote::RemoteEngine,
    token_tree::{Node, TokenTree},
};
use crate::{
    image::Rgb,
    post::{LabelNames, LabelSet},
    predict::answer::{self, ParsedAnswer},
};

/// Which prompt is built around a post's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PromptStyle {
    /// The prompt the adapters were trained with.
    #[default]
    Trained,
    /// The prompt of the adapters' model cards.
    Card,
}

/// The floats a network takes as an image.
#[derive(Clone, PartialEq, Debug)]
pub struct Pixels {
    /// The values, row-major.
    pub values: Vec<f32>,
    /// The shape: for PaliGemma `[1, 3, height, width]`, for Qwen2-VL `[patches, values of a patch]`, for SmolVLM
    /// `[1, tiles, 3, height, width]`.
    pub shape: Vec<usize>,
    /// How the patches lie, for networks that see images of any size: steps in time, rows, columns.
    pub image_grid: Option<[usize; 3]>,
}

/// A post made ready for the network: everything that needs no weights.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelInput {
    /// The prompt as text, before the processor expands the image.
    pub prompt: String,
    /// The token ids, image tokens included.
    pub input_ids: Vec<u32>,
    /// The pixels, if the post has an image or the family needs one.
    pub pixel_values: Option<Pixels>,
    /// What is sent instead of all this to a model on another machine.
    pub request: Option<serde_json::Value>,
}

/// Prompt, tokens and pixels: the half of a model that needs no weights and runs on any thread.
pub trait Processor: Send + Sync {
    /// Builds the input for a post. A post without image gets what the family's reference does without one
    /// (PaliGemma: an error, it cannot answer without an image).
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError>;

    /// What makes the pixels others than the checkpoint's own settings do, in one word. Predictions on other pixels are
    /// another run's.
    fn image_setting(&self) -> Option<&'static str> {
        None
    }

    /// Whether it looks at a post's image; if not, the image is not even read.
    fn sees_images(&self) -> bool {
        true
    }

    /// The pictures that pixels hold, as the network gets them, to look at: tiles row by row where there are several.
    fn pictures(&self, _pixels: &Pixels) -> Vec<Rgb> {
        Vec::new()
    }

    /// The text of generated ids, special tokens left out.
    fn decode(&self, ids: &[u32]) -> Result<String, ModelError>;

    /// Reads an answer: a JSON array of labels, unless the family was taught to answer in another form.
    fn parse(&self, raw: &str, labels: &LabelNames) -> ParsedAnswer {
        answer::parse(raw, labels)
    }

    /// The answer that names exactly these labels, in class order: what [`parse`](Self::parse) reads back.
    fn answer_text(&self, labels: &LabelNames, set: LabelSet) -> String {
        labels.json_list(set)
    }

    /// The ids of an answer text as the model would generate it, end of sequence included.
    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError>;
}

/// The half of a model with the weights. One thread owns it.
///
/// It holds the sequences of one batch: a prompt each, and the tokens of the answer that were kept. Trees of tokens can
/// be tried behind them; [`keep`](Self::keep) says which of those belong to the answer.
pub trait Network: Send {
    /// Forgets all sequences, and runs the prompts of a batch with the same drafts behind each of them, in one pass.
    ///
    /// Gives the logits, f32 `(batch, 1 + drafts.len(), vocabulary)`: row 0 is what the prompt goes on with, and row
    /// `1 + i` what comes behind the draft's node `i`. Final soft-capping is applied.
    fn prefill(&mut self, batch: &[&ModelInput], drafts: &TokenTree) -> Result<Tensor, ModelError>;

    /// Keeps, for each sequence, the path to a node of the tree that ran last, and forgets its other nodes.
    fn keep(&mut self, nodes: &[Node]) -> Result<(), ModelError>;

    /// Runs a tree behind what was kept of each sequence. Trees may differ; a tree that ran before and of which nothing
    /// was kept is forgotten.
    ///
    /// Gives the logits, f32 `(batch, nodes of the largest tree, vocabulary)`: row `i` is what comes behind node `i`.
    fn extend(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError>;

    /// Forgets everything behind the prompts.
    fn rewind(&mut self);

    /// The ids that end an answer.
    fn eos_ids(&self) -> &[u32];

    /// The device it computes on.
    fn device(&self) -> &candle_core::Device;
}

/// The half of a model with the weights that writes no answer: it has a logit for each of its labels.
pub trait Classifier: Send {
    /// The logits of each post, f32 `(batch, labels)`, in the order of the model's labels.
    fn logits(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError>;

    /// The device it computes on.
    fn device(&self) -> &candle_core::Device;
}

/// The half of a model with the weights, by how it answers.
pub enum Engine {
    /// It writes its answer, token by token.
    Generative(Box<dyn Network>),
    /// It gives each label a probability.
    Classifier(Box<dyn Classifier>),
    /// It answers on another machine.
    Remote(Arc<RemoteEngine>),
}

impl Engine {
    /// The network of a generative model.
    pub fn network(&mut self) -> Option<&mut dyn Network> {
        match self {
            Self::Generative(network) => Some(&mut **network),
            Self::Classifier(_) | Self::Remote(_) => None,
        }
    }
}
