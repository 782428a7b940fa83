//! Gemma 2 without images, as it was fine-tuned on the Korean UnSmile dataset: one comment in, labels out, one a line.
//!
//! Reference: transformers' `models/gemma2/modeling_gemma2.py`. The prompt is causal, every other layer slides, and
//! positions start at 0. The prompt names no labels: the model knows the eight it was trained on, and its answers are read
//! against the labels of the dataset. A post's image is not looked at.

mod answer;
mod config;
mod network;
mod processor;

use std::{path::Path, sync::Arc};

pub use config::Config;
pub use network::Gemma2Text;
pub use processor::Gemma2Processor;

use super::{
    Engine, Family, ImageOptions, ModelError, Processor, causal_lm::CausalLm, device::Formats,
    families::Registration, weights::Weights,
};
use crate::dataset::UNSMILE_LABELS;

/// What the registry knows of this family.
pub(super) const REGISTRATION: Registration = Registration {
    family: Family("gemma2"),
    title: "Gemma 2 (text)",
    labels: Some(&UNSMILE_LABELS),
    recognises: |architecture| architecture.model_type == "gemma2",
    load_processor,
    load_engine,
};

fn load_processor(folder: &Path, _: ImageOptions) -> Result<Arc<dyn Processor>, ModelError> {
    Ok(Arc::new(Gemma2Processor::load(folder)?))
}

fn load_engine(folder: &Path, weights: &Weights, formats: Formats) -> Result<Engine, ModelError> {
    let config = Config::load(folder)?;
    let network = Gemma2Text::load(weights, &config, formats.compute)?;
    Ok(Engine::Generative(Box::new(CausalLm::new(network))))
}
