//! What a loaded model is.

use std::{path::PathBuf, sync::Arc};

use super::{Engine, Processor, remote};

/// An architecture, by the short name it is registered under.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Family(pub &'static str);

/// What a loaded model is, for titles and records.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelInfo {
    /// The name to show: the folder's name, Hub id or preset.
    pub name: String,
    /// The architecture.
    pub family: Family,
    /// The checkpoint's folder.
    pub folder: PathBuf,
    /// What tells these weights from others of the same name: the Hub's commits of base and adapter, or fingerprints
    /// of local folders.
    pub revision: Option<String>,
    /// The adapter's name, if one is merged.
    pub adapter: Option<String>,
    /// The labels that the adapter (or model) was trained on, from `label_map.json`.
    pub labels: Option<Vec<String>>,
    /// The number format in use: `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// The device in use: `cpu`, `cuda:0`, `metal:0`.
    pub device: String,
    /// How many parameters the base has.
    pub parameters: u64,
    /// What makes its pixels others than the checkpoint's own settings do: `single_tile`.
    pub image_setting: Option<String>,
    /// Whether it is the toy model that ships with Overrule.
    pub is_demo: bool,
    /// Whether it gives each of its labels a probability instead of writing an answer.
    pub is_classifier: bool,
}

impl ModelInfo {
    /// Whether it answers on another machine.
    pub fn is_remote(&self) -> bool {
        self.family == remote::FAMILY
    }
}

/// A model ready to run.
pub struct LoadedModel {
    /// What it is.
    pub info: ModelInfo,
    /// Prompt, tokens, pixels.
    pub processor: Arc<dyn Processor>,
    /// The weights.
    pub engine: Engine,
}

/// How far loading has come.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadProgress {
    /// What is being done, as a short phrase.
    pub step: String,
    /// From 0 to 1.
    pub fraction: f32,
}
