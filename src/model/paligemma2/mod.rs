//! PaliGemma 2: SigLIP, a linear projector and Gemma 2. Steiner et al. 2024, <https://arxiv.org/abs/2412.03555>.
//!
//! Reference: transformers' `models/paligemma/modeling_paligemma.py`. The whole prompt attends to itself in both
//! directions, also in the sliding layers; the answer is causal. Positions start at 1. Image features are not scaled,
//! while text embeddings are multiplied by √hidden.

mod config;
mod network;
mod processor;

use std::{path::Path, sync::Arc};

pub use config::Config;
pub use network::PaliGemma2;
pub use processor::PaliGemmaProcessor;

use super::{
    Engine, Family, ImageOptions, ModelError, Processor, causal_lm::CausalLm, device::Formats,
    families::Registration, weights::Weights,
};

/// What the registry knows of this family.
pub(super) const REGISTRATION: Registration = Registration {
    family: Family("paligemma2"),
    title: "PaliGemma 2",
    labels: None,
    recognises: |architecture| {
        architecture.model_type == "paligemma" && architecture.text_model_type() == Some("gemma2")
    },
    load_processor,
    load_engine,
};

/// Its images have one size; a range of pixels says nothing about it.
fn load_processor(folder: &Path, _: ImageOptions) -> Result<Arc<dyn Processor>, ModelError> {
    Ok(Arc::new(PaliGemmaProcessor::load(folder)?))
}

fn load_engine(folder: &Path, weights: &Weights, formats: Formats) -> Result<Engine, ModelError> {
    let config = Config::load(folder)?;
    let network = PaliGemma2::load(weights, &config, formats.compute)?;
    Ok(Engine::Generative(Box::new(CausalLm::new(network))))
}
