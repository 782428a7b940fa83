//! SmolVLM: SigLIP, pixel shuffle and Llama. Marafioti et al. 2025, <https://arxiv.org/abs/2504.05299>.
//!
//! Reference: transformers' `models/idefics3/modeling_idefics3.py` and `models/smolvlm/modeling_smolvlm.py`, which are the
//! same network. An image is cut into square tiles, which the tower sees one by one, and a last tile shows all of it.

mod config;
mod image_processor;
mod network;
mod places;
mod processor;

use std::{path::Path, sync::Arc};

pub use config::Config;
use image_processor::ImageProcessor;
pub use network::SmolVlm;
pub use processor::SmolVlmProcessor;

use super::{
    Adapter, Engine, Family, ImageOptions, ImageSplitting, ModelError, ModelSpec, Processor,
    causal_lm::CausalLm,
    device::Formats,
    families::{self, Registration},
    hub,
    weights::Weights,
};

/// What the registry knows of this family.
pub(super) const REGISTRATION: Registration = Registration {
    family: Family("smolvlm"),
    title: "SmolVLM",
    labels: None,
    recognises: |architecture| ["idefics3", "smolvlm"].contains(&&*architecture.model_type),
    load_processor,
    load_engine,
};

fn load_processor(folder: &Path, images: ImageOptions) -> Result<Arc<dyn Processor>, ModelError> {
    Ok(Arc::new(SmolVlmProcessor::load(folder, images.splitting)?))
}

fn load_engine(folder: &Path, weights: &Weights, formats: Formats) -> Result<Engine, ModelError> {
    let config = Config::load(folder)?;
    let network = SmolVlm::load(weights, &config, formats.compute)?;
    Ok(Engine::Generative(Box::new(CausalLm::new(network))))
}

/// What an image can cost that is cut up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TileCost {
    /// The most tiles.
    pub most_tiles: usize,
    /// The tokens of each.
    pub tokens_of_a_tile: usize,
}

/// What it costs to cut images up as a model's own settings say: `None` unless it is of this family, is on this machine, and
/// does cut them. Reads a few small files.
pub fn tile_cost(model: &str) -> Option<TileCost> {
    let spec = ModelSpec {
        model: model.to_owned(),
        adapter: Adapter::None,
        ..ModelSpec::default()
    };
    let folder = hub::resolve(&spec).ok()?.base.folder;
    if families::recognise(&folder).ok()?.family != REGISTRATION.family {
        return None;
    }
    let images = ImageProcessor::load(&folder, ImageSplitting::Auto).ok()?;
    let config = Config::load(&folder).ok()?;
    Some(TileCost {
        most_tiles: images.most_tiles()?,
        tokens_of_a_tile: config.tokens_of_a_tile(images.tile_side())?,
    })
}
