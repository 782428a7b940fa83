//! What can go wrong between a model's name and its answer. Messages name the file or tensor and say what to do.

use std::{io, path::PathBuf};

use super::{DtypeChoice, remote::RemoteError};

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// There is no such folder, preset or Hub id.
    #[error("there is no model “{name}”: {hint}")]
    NoSuchModel {
        /// The name as given.
        name: String,
        /// What a name can be.
        hint: String,
    },
    /// A Hub repository that is not in the local cache.
    #[error(
        "“{}” is not in the local Hugging Face cache ({}); fetch it with `overrule models download {}`{}, or name a folder \
         that holds it",
        id, cache.display(), with_revision(id, revision.as_deref()),
        offline.map(|variable| format!(" after unsetting {variable}")).unwrap_or_default()
    )]
    NotInCache {
        /// The repository, `org/name`.
        id: String,
        /// The revision asked for, if any.
        revision: Option<String>,
        /// The variable that forbids the network, if one does.
        offline: Option<&'static str>,
        /// Where the cache is.
        cache: PathBuf,
    },
    /// A file that ships with Overrule is not there.
    #[error(transparent)]
    Resource(#[from] crate::resources::ResourceError),
    /// A folder without `config.json`.
    #[error("{} has no config.json: it is not a folder with a model in the Hugging Face format", folder.display())]
    NoConfig {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder without weights.
    #[error(
        "{} has no weights: neither model.safetensors, nor model.safetensors.index.json with its shards, nor \
         model_weights.pth or pytorch_model.bin is there; download the model again",
        folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A JSON file that is damaged, or holds something else than expected.
    #[error("{} could not be understood: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// `tokenizer.json` or the processor's settings are damaged.
    #[error("{} could not be used: {message}", path.display())]
    Processor {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A text could not be turned into tokens, or tokens into text.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// An architecture that this version does not run.
    #[error("the model type “{family}” ({}) is not supported in this version; supported: {supported}", path.display())]
    UnsupportedFamily {
        /// The `config.json` that says so.
        path: PathBuf,
        /// The `model_type`.
        family: String,
        /// What is supported.
        supported: String,
    },
    /// A setting of the architecture that this version does not run.
    #[error("config.json asks for {key} = {value}, which is not supported: {reason}")]
    UnsupportedConfig {
        /// The key, with its section.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be supported.
        reason: &'static str,
    },
    /// A safetensors file that is cut off or damaged.
    #[error("{} is damaged or was not downloaded completely ({reason}); download it again", path.display())]
    DamagedWeights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of PyTorch's that is damaged, or holds more than tensors.
    #[error("{} is not read: {source}", path.display())]
    Pth {
        /// The file.
        path: PathBuf,
        /// Why.
        source: super::weights::pth::PthError,
    },
    /// An encoder's file that is nowhere.
    #[error(transparent)]
    NoEncoder(Box<MissingEncoder>),
    /// A `config.json` that does not say what it is.
    #[error("{} names no model_type, and nothing else in it tells its family; supported: {supported}", path.display())]
    NoModelType {
        /// The `config.json`.
        path: PathBuf,
        /// What is supported.
        supported: String,
    },
    /// The index names a file that is not there.
    #[error("{} names {shard}, which is not there; download the model again", index.display())]
    MissingShard {
        /// The index.
        index: PathBuf,
        /// The missing file.
        shard: String,
    },
    /// The checkpoint lacks a tensor.
    #[error("{} lacks the tensor {name}; it is not a complete checkpoint of this architecture", folder.display())]
    MissingTensor {
        /// The tensor, by its canonical name.
        name: String,
        /// The checkpoint.
        folder: PathBuf,
    },
    /// A tensor has another shape than `config.json` says.
    #[error("the tensor {name} in {} has the shape {got:?}, and config.json asks for {expected:?}", path.display())]
    TensorShape {
        /// The tensor, as the file names it.
        name: String,
        /// The file.
        path: PathBuf,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// A tensor in a number format that is not read.
    #[error("the tensor {name} in {} is stored as {dtype}; only F32, F16 and BF16 are read", path.display())]
    TensorDtype {
        /// The tensor, as the file names it.
        name: String,
        /// The file.
        path: PathBuf,
        /// The format.
        dtype: String,
    },
    /// The checkpoint has layers that `config.json` does not count.
    #[error("{} has the tensor {name}, a layer beyond those that config.json counts; the two do not belong together", path.display())]
    UnexpectedLayer {
        /// The tensor, as the file names it.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// An adapter that cannot be merged.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The weights do not fit into memory.
    #[error(
        "the weights need about {} as {dtype}, and {} of memory are free; close other programs{}",
        gigabytes(*needed_bytes), gigabytes(*available_bytes),
        fitting.map(|dtype| format!(", or choose {0} as the number format (--dtype {0}): it fits", dtype.name())).unwrap_or_default()
    )]
    NotEnoughMemory {
        /// What the weights need.
        needed_bytes: u64,
        /// What is free.
        available_bytes: u64,
        /// The number format they were to be kept in.
        dtype: &'static str,
        /// A smaller one that fits.
        fitting: Option<DtypeChoice>,
    },
    /// The device cannot be used.
    #[error("{0}")]
    Device(String),
    /// A number format that the device does not run.
    #[error(
        "the number format {dtype} runs on the CPU only; use bf16, f16 or f32 on a GPU, or --device cpu"
    )]
    UnsupportedDtype {
        /// The format.
        dtype: &'static str,
    },
    /// A post without an image for a model that cannot answer without one.
    #[error("the post has no image, and this model cannot answer without one")]
    NeedsImage,
    /// An input that does not fit the network.
    #[error("the input does not fit the model: {0}")]
    Input(String),
    /// The network's output is not a number.
    #[error(
        "the model's output at token {step} is not a number: its weights or its adapter are damaged, \
         or the number format overflowed (try --dtype f32)"
    )]
    NotANumber {
        /// The generated token, from 1.
        step: usize,
    },
    /// A classifier's output is not a number.
    #[error(
        "the model's output is not a number: its weights are damaged, or the number format overflowed (try --dtype f32)"
    )]
    LogitNotANumber,
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
    /// A model on another machine gave no answer.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// An error of the tensor library.
    #[error("the computation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

/// Why an adapter cannot be merged. Nothing is ever merged by halves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A folder without `adapter_config.json`.
    #[error("{} has no adapter_config.json: it is not a folder with a PEFT adapter", folder.display())]
    NoConfig {
        /// The folder.
        folder: PathBuf,
    },
    /// An adapter that does not say what it was trained on.
    #[error("{} names no base (base_model_name_or_path); name the base with --model and this folder with --adapter", path.display())]
    NoBase {
        /// The `adapter_config.json`.
        path: PathBuf,
    },
    /// A folder without the adapter's tensors.
    #[error("{} has no adapter_model.safetensors (adapter_model.bin is not read)", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// Another method than plain LoRA, or an option of it that changes the arithmetic.
    #[error("{} asks for {key} = {value}, which is not supported: {reason}", path.display())]
    Unsupported {
        /// The `adapter_config.json`.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What to do about it.
        reason: &'static str,
    },
    /// A pattern that cannot be understood.
    #[error("{} has the pattern “{pattern}” under {key}, which is not supported: {source}", path.display())]
    Pattern {
        /// The `adapter_config.json`.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// The pattern.
        pattern: String,
        /// Why.
        source: Box<regex::Error>,
    },
    /// A tensor that is neither `lora_A` nor `lora_B` of a module.
    #[error("the tensor {tensor} in {} is not supported: {reason}", path.display())]
    UnsupportedTensor {
        /// The tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// One half of a pair.
    #[error("{} has {present} but not {absent}; the adapter is incomplete", path.display())]
    MissingHalf {
        /// The file.
        path: PathBuf,
        /// The tensor that is there.
        present: String,
        /// The tensor that is not.
        absent: String,
    },
    /// Two tensors for one place.
    #[error("{} has two tensors for the same place: {first} and {second}", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// A shape that does not fit the base.
    #[error(
        "the adapter's tensor {tensor} in {} has the shape {got:?}, and the base asks for {expected}; \
         it was trained for another base",
        path.display()
    )]
    Shape {
        /// The tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// The shape in the file.
        got: Vec<usize>,
        /// The shape that would fit.
        expected: String,
    },
    /// A tensor for a module that the base does not have.
    #[error(
        "the adapter's tensor {tensor} in {} belongs to no module of the base; it was trained for another base \
         ({leftover} tensors have no place)",
        path.display()
    )]
    Leftover {
        /// The first such tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// How many there are.
        leftover: usize,
    },
    /// A module that `target_modules` names and that has no tensors.
    #[error(
        "{} has no tensors for {module}, which target_modules names; the adapter is incomplete, or was trained for another base",
        path.display()
    )]
    MissingModule {
        /// The module, by its canonical name.
        module: String,
        /// The file.
        path: PathBuf,
    },
    /// A tensor for a module that `target_modules` does not name.
    #[error("the tensor {tensor} in {} belongs to a module that target_modules does not name", path.display())]
    NotATarget {
        /// The tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
    },
    /// NaN or infinity among the values.
    #[error("the tensor {tensor} in {} holds values that are not finite numbers; the adapter is damaged", path.display())]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
    },
}

/// An encoder's file that is nowhere.
#[derive(Debug, thiserror::Error)]
#[error(
    "{wanted} of the encoder “{encoder}” ({key} in {}) is nowhere on this machine. Looked in {}. {hint}",
    config.display(), list(looked_in)
)]
pub struct MissingEncoder {
    /// What is missing.
    pub wanted: &'static str,
    /// The encoder as the configuration names it.
    pub encoder: String,
    /// The configuration's key.
    pub key: &'static str,
    /// The configuration.
    pub config: PathBuf,
    /// The folders it was looked for in.
    pub looked_in: Vec<PathBuf>,
    /// What to do.
    pub hint: String,
}

fn with_revision(id: &str, revision: Option<&str>) -> String {
    match revision {
        Some(revision) => format!("{id}@{revision}"),
        None => id.to_owned(),
    }
}

fn list(folders: &[PathBuf]) -> String {
    let shown = folders.iter().map(|folder| folder.display().to_string());
    shown.collect::<Vec<_>>().join(", ")
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
