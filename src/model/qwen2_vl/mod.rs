//! Qwen2-VL: a vision transformer for images of any size, and Qwen2. Wang et al. 2024, <https://arxiv.org/abs/2409.12191>.
//!
//! Reference: transformers' `models/qwen2_vl/modeling_qwen2_vl.py`. An image keeps its proportions: it becomes a grid of
//! patches, each 2 × 2 of them one token, and its tokens have positions in time, row and column (M-RoPE).

mod config;
mod image_processor;
mod network;
mod processor;
mod rope;
mod vision;

use std::{path::Path, sync::Arc};

pub use config::Config;
pub use network::Qwen2Vl;
pub use processor::Qwen2VlProcessor;

use super::{
    Engine, Family, ImageOptions, ModelError, Processor, causal_lm::CausalLm, device::Formats,
    families::Registration, weights::Weights,
};

/// What the registry knows of this family.
pub(super) const REGISTRATION: Registration = Registration {
    family: Family("qwen2_vl"),
    title: "Qwen2-VL",
    labels: None,
    recognises: |architecture| architecture.model_type == "qwen2_vl",
    load_processor,
    load_engine,
};

fn load_processor(folder: &Path, images: ImageOptions) -> Result<Arc<dyn Processor>, ModelError> {
    // A base may be told to see millions of pixels, and its adapter have been trained with a fraction of them.
    let pixels = match (images.pixels, images.adapter) {
        (None, Some(adapter)) => image_processor::pixels_said_in(adapter)?,
        (known, _) => known,
    };
    Ok(Arc::new(Qwen2VlProcessor::load(folder, pixels)?))
}

fn load_engine(folder: &Path, weights: &Weights, formats: Formats) -> Result<Engine, ModelError> {
    let config = Config::load(folder)?;
    let network = Qwen2Vl::load(weights, &config, formats.compute)?;
    Ok(Engine::Generative(Box::new(CausalLm::new(network))))
}
