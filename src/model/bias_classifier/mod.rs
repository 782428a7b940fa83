//! The multimodal bias classifier: BERT and ResNet, fused into one logit.
//!
//! Reference: the loading code of the model card of maximuspowers/multimodal-bias-classifier, with transformers'
//! `models/bert/modeling_bert.py` and `models/resnet/modeling_resnet.py`.

mod config;
mod encoders;
mod network;
mod processor;
mod resnet;
mod text_encoder;

use std::{path::Path, sync::Arc};

pub(super) use encoders::{FOLDERS as ENCODER_FOLDERS, VOCABULARY, lacking};
pub use network::{BiasClassifier, Projections};
pub use processor::BiasProcessor;

use super::{
    Engine, Family, ImageOptions, ModelError, Processor,
    device::Formats,
    families::{self, Registration},
    weights::Weights,
};

/// Its short name.
pub(super) const FAMILY: Family = Family("bias_classifier");

/// What the registry knows of this family.
pub(super) const REGISTRATION: Registration = Registration {
    family: FAMILY,
    title: "the multimodal bias classifier",
    labels: Some(&["biased"]),
    recognises: families::Architecture::is_fusion,
    load_processor,
    load_engine,
};

/// Its images have one size; options for other sizes say nothing about it.
fn load_processor(folder: &Path, _: ImageOptions) -> Result<Arc<dyn Processor>, ModelError> {
    Ok(Arc::new(BiasProcessor::load(folder)?))
}

fn load_engine(folder: &Path, weights: &Weights, formats: Formats) -> Result<Engine, ModelError> {
    let network = BiasClassifier::load(folder, weights, formats.compute)?;
    Ok(Engine::Classifier(Box::new(network)))
}
