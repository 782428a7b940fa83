//! From what the user chose to a model that runs.

use std::{path::Path, sync::Arc};

use serde::Deserialize;

use super::{
    Family, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelSpec, Network, Processor,
    device::{self, Formats},
    files::{read_json, read_json_if_present},
    hub::{self, Resolved},
    lora::Lora,
    paligemma2,
    weights::{Checkpoint, WeightSource, Weights},
};
use crate::{predict::processor::PaliGemmaProcessor, resources};

/// What `config.json` says about the architecture.
#[derive(Deserialize)]
struct Architecture {
    model_type: String,
    text_config: Option<TextArchitecture>,
}

#[derive(Deserialize)]
struct TextArchitecture {
    model_type: Option<String>,
}

/// The labels that a trainer wrote beside its weights.
#[derive(Deserialize)]
struct LabelMap {
    class_names: Vec<String>,
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
    let resolved = hub::resolve(spec)?;
    let folder = &resolved.base.folder;
    let family = family(folder)?;
    let device = device::open(spec.device)?;
    let formats = Formats::choose(spec.dtype, &device)?;
    let checkpoint = Checkpoint::open(folder)?;
    device::check_memory(checkpoint.parameters(), formats, &device)?;
    let lora = resolved
        .adapter
        .as_ref()
        .map(|adapter| Lora::load(&adapter.folder))
        .transpose()?;
    let processor = processor(family, folder)?;

    // Taken before the weights are read, so that a change meanwhile shows the next time.
    let revision = Some(resolved.revision());
    let source = WeightSource::new(
        &checkpoint,
        lora.as_ref(),
        &device,
        formats.stored,
        progress,
    );
    let network = network(family, folder, &source.root(), formats)?;
    source.finish()?;
    Ok(LoadedModel {
        info: ModelInfo {
            family,
            labels: labels(&resolved)?,
            dtype: formats.stored.as_str().to_owned(),
            device: device::name(&device),
            parameters: checkpoint.parameters(),
            is_demo: is_demo(folder),
            name: resolved.base.name,
            folder: resolved.base.folder,
            revision,
            adapter: resolved.adapter.map(|adapter| adapter.name),
        },
        processor,
        network,
    })
}

/// Which architecture a folder holds.
fn family(folder: &Path) -> Result<Family, ModelError> {
    let path = folder.join("config.json");
    if !path.exists() {
        return Err(ModelError::NoConfig {
            folder: folder.to_owned(),
        });
    }
    let architecture: Architecture = read_json(&path)?;
    let text = architecture.text_config.and_then(|text| text.model_type);
    match (architecture.model_type.as_str(), text.as_deref()) {
        ("paligemma", Some("gemma2")) => Ok(Family::Paligemma2),
        (family, text) => Err(ModelError::UnsupportedFamily {
            path,
            family: match text {
                Some(text) => format!("{family} with {text}"),
                None => family.to_owned(),
            },
            supported: "paligemma with gemma2 (PaliGemma 2)".to_owned(),
        }),
    }
}

fn processor(family: Family, folder: &Path) -> Result<Arc<dyn Processor>, ModelError> {
    match family {
        Family::Paligemma2 => Ok(Arc::new(PaliGemmaProcessor::load(folder)?)),
    }
}

fn network(
    family: Family,
    folder: &Path,
    weights: &Weights,
    formats: Formats,
) -> Result<Box<dyn Network>, ModelError> {
    match family {
        Family::Paligemma2 => {
            let config = paligemma2::Config::load(folder)?;
            Ok(Box::new(paligemma2::PaliGemma2::load(
                weights,
                &config,
                formats.compute,
            )?))
        }
    }
}

/// The labels of the adapter, else of the base.
fn labels(resolved: &Resolved) -> Result<Option<Vec<String>>, ModelError> {
    for located in resolved.adapter.iter().chain([&resolved.base]) {
        let map: Option<LabelMap> = read_json_if_present(&located.folder.join("label_map.json"))?;
        if let Some(map) = map {
            return Ok(Some(map.class_names));
        }
    }
    Ok(None)
}

/// Whether a folder is the demo model's, however it was named.
fn is_demo(folder: &Path) -> bool {
    resources::demo_model()
        .ok()
        .and_then(|demo| demo.canonicalize().ok())
        .zip(folder.canonicalize().ok())
        .is_some_and(|(demo, folder)| folder.starts_with(demo))
}
