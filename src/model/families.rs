//! The registry of families: what a new architecture has to say of itself, and one line for each.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Engine, Family, ImageOptions, ModelError, Processor, bias_classifier, device::Formats,
    files::read_json, gemma2_text, paligemma2, qwen2_vl, smolvlm, weights::Weights,
};

/// Every family, in the order in which they are asked.
static FAMILIES: &[Registration] = &[
    paligemma2::REGISTRATION,
    qwen2_vl::REGISTRATION,
    bias_classifier::REGISTRATION,
    gemma2_text::REGISTRATION,
    smolvlm::REGISTRATION,
];

/// Builds a network from a checkpoint's folder and weights.
pub(super) type LoadEngine = fn(&Path, &Weights, Formats) -> Result<Engine, ModelError>;

/// How a family's processor is loaded.
pub(super) type LoadProcessor = fn(&Path, ImageOptions) -> Result<Arc<dyn Processor>, ModelError>;

/// What the registry knows of a family.
pub(super) struct Registration {
    /// Its short name.
    pub family: Family,
    /// Its name for people.
    pub title: &'static str,
    /// The labels that its published adapters answer with, where no file beside the weights names them.
    pub labels: Option<&'static [&'static str]>,
    /// Whether a checkpoint is of this family.
    pub recognises: fn(&Architecture) -> bool,
    /// Reads prompt, tokenizer and image settings from a checkpoint's folder. Of the options, those that say nothing
    /// to the family are left aside.
    pub load_processor: LoadProcessor,
    /// Builds the network from a checkpoint's folder and weights.
    pub load_engine: LoadEngine,
}

/// What `config.json` says about the architecture.
#[derive(Deserialize)]
pub(super) struct Architecture {
    /// The whole network's type; empty if the file names none.
    #[serde(default)]
    pub model_type: String,
    fusion_method: Option<IgnoredAny>,
    text_encoder_id_or_path: Option<IgnoredAny>,
    text_config: Option<TextArchitecture>,
}

#[derive(Deserialize)]
struct TextArchitecture {
    model_type: Option<String>,
}

impl Architecture {
    /// Whether two encoders are named that are to be fused; such a file need not name a type.
    pub fn is_fusion(&self) -> bool {
        self.fusion_method.is_some() && self.text_encoder_id_or_path.is_some()
    }

    /// The type of the language model inside, where there is one.
    pub fn text_model_type(&self) -> Option<&str> {
        self.text_config.as_ref()?.model_type.as_deref()
    }
}

/// The family of the checkpoint in a folder.
pub(super) fn recognise(folder: &Path) -> Result<&'static Registration, ModelError> {
    let path = folder.join("config.json");
    if !path.exists() {
        return Err(ModelError::NoConfig {
            folder: folder.to_owned(),
        });
    }
    let architecture: Architecture = read_json(&path)?;
    FAMILIES
        .iter()
        .find(|registration| (registration.recognises)(&architecture))
        .ok_or_else(|| {
            let titles = FAMILIES.iter().map(|registration| registration.title);
            let supported = titles.collect::<Vec<_>>().join(", ");
            let family = match architecture.text_model_type() {
                Some(text) => format!("{} with {text}", architecture.model_type),
                None => architecture.model_type.clone(),
            };
            match architecture.model_type.as_str() {
                "" => ModelError::NoModelType { path, supported },
                _ => ModelError::UnsupportedFamily {
                    path,
                    family,
                    supported,
                },
            }
        })
}
