//! The networks: which family a checkpoint is, how it is loaded, and one interface to all of them.

use std::{path::PathBuf, sync::Arc};

use candle_core::Tensor;

use crate::{
    image::Rgb,
    post::LabelNames,
};

/// The architectures that Overrule runs, as `config.json`'s `model_type` names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// PaliGemma 2: SigLIP, a linear projector and Gemma 2.
    Paligemma2,
}

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DeviceChoice {
    /// The GPU if there is one that works, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU (`--features cuda`).
    Cuda,
    /// An Apple GPU (`--features metal`).
    Metal,
}

/// In which number format the weights are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DtypeChoice {
    /// f32 on the CPU, bf16 on a GPU.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit floats.
    F16,
    /// 8-bit blocks (a later version).
    Q8_0,
}

/// What the user chose to run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelSpec {
    /// A folder, a Hub id or a preset's name.
    pub model: String,
    /// The adapter: a folder or a Hub id. `None` runs the base.
    pub adapter: Option<String>,
    /// Where to compute.
    pub device: DeviceChoice,
    /// The number format of the weights.
    pub dtype: DtypeChoice,
}

/// What a loaded model is, for titles and records.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelInfo {
    /// The name to show: the folder's name, Hub id or preset.
    pub name: String,
    /// The architecture.
    pub family: Family,
    /// The checkpoint's folder.
    pub folder: PathBuf,
    /// The revision of a Hub checkpoint, if known.
    pub revision: Option<String>,
    /// The adapter's name, if one is merged.
    pub adapter: Option<String>,
    /// The labels that the adapter (or model) was trained on, from `label_map.json`.
    pub labels: Option<Vec<String>>,
    /// The number format in use: `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// The device in use: `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// How many parameters the base has.
    pub parameters: u64,
    /// Whether it is the toy model that ships with Overrule.
    pub is_demo: bool,
}

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
    /// The shape, for PaliGemma `[1, 3, height, width]`.
    pub shape: Vec<usize>,
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
}

/// Why a model could not be loaded or run. Messages name the file or tensor and say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// To be filled.
    #[error("{0}")]
    Other(String),
    /// An error of the tensor library.
    #[error("the computation failed: {0}")]
    Candle(#[from] candle_core::Error),
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

    /// The text of generated ids, special tokens left out.
    fn decode(&self, ids: &[u32]) -> Result<String, ModelError>;

    /// The ids of an answer text as the model would generate it, end of sequence included.
    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError>;
}

/// The half of a model with the weights. One thread owns it.
pub trait Network: Send {
    /// Forgets every cached key and value, runs the prompts of a batch (left-padded inside), and gives
    /// the logits of each one's last position, f32 `(batch, vocabulary)`, final soft-capping applied.
    fn prefill(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError>;

    /// Appends one token to each sequence of the batch: logits as in `prefill`.
    fn decode(&mut self, tokens: &[u32]) -> Result<Tensor, ModelError>;

    /// Goes back to the state after `generated` tokens behind the prompt.
    fn truncate(&mut self, generated: usize) -> Result<(), ModelError>;

    /// The ids that end an answer.
    fn eos_ids(&self) -> &[u32];

    /// The device it computes on.
    fn device(&self) -> &candle_core::Device;
}

/// A model ready to run.
pub struct LoadedModel {
    /// What it is.
    pub info: ModelInfo,
    /// Prompt, tokens, pixels.
    pub processor: Arc<dyn Processor>,
    /// The weights.
    pub network: Box<dyn Network>,
}

/// How far loading has come.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadProgress {
    /// What is being done, as a short phrase.
    pub step: String,
    /// From 0 to 1.
    pub fraction: f32,
}

/// Loads a checkpoint and merges its adapter.
///
/// `progress` is called a few times a second at most and may return `false` to give up.
///
/// # Errors
/// A missing or truncated file, an unsupported configuration, an adapter that does not fit: each by name.
pub fn load(
    spec: &ModelSpec,
    progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LoadedModel, ModelError> {
    let _ = (spec, progress);
    todo!()
}
