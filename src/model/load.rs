//! From what the user chose to a model that runs.

use std::path::Path;

use serde::Deserialize;

use super::{
    Adapter, Engine, ImageOptions, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelSpec,
    device::{self, Formats},
    families,
    files::read_json_if_present,
    hub::{self, Resolved},
    lora::Lora,
    remote::{self, Endpoint, RemoteError},
    weights::{Checkpoint, WeightSource},
};
use crate::resources;

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
    if let Some(endpoint) = Endpoint::of_name(&spec.model) {
        if let Adapter::Named(adapter) = &spec.adapter {
            let adapter = adapter.clone();
            return Err(RemoteError::Adapter { adapter }.into());
        }
        return remote::load(&spec.model, &endpoint);
    }
    let resolved = hub::resolve(spec)?;
    let folder = &resolved.base.folder;
    let registration = families::recognise(folder)?;
    let device = device::open(device::of(spec.device, spec.dtype))?;
    let checkpoint = Checkpoint::open(folder)?;
    let formats = Formats::choose(spec.dtype, &device, checkpoint.parameters())?;
    let lora = resolved
        .adapter
        .as_ref()
        .map(|adapter| Lora::load(&adapter.folder))
        .transpose()?;
    let adapter = resolved.adapter.as_ref();
    let images = ImageOptions {
        pixels: resolved.pixels,
        adapter: adapter.map(|adapter| adapter.folder.as_path()),
        splitting: spec.image_splitting,
    };
    let processor = (registration.load_processor)(folder, images)?;

    // Taken before the weights are read, so that a change meanwhile shows the next time.
    let revision = Some(resolved.revision());
    let source = WeightSource::new(
        &checkpoint,
        lora.as_ref(),
        &device,
        formats.stored,
        progress,
    );
    let engine = (registration.load_engine)(folder, &source.root(), formats)?;
    source.finish()?;
    // A GPU may still be at it; then another thread could read what is not there yet.
    device.synchronize()?;
    Ok(LoadedModel {
        info: ModelInfo {
            family: registration.family,
            labels: labels(&resolved)?.or_else(|| registration.labels.map(names)),
            dtype: formats.stored.name().to_owned(),
            device: device::name(&device),
            parameters: checkpoint.parameters(),
            image_setting: processor.image_setting().map(str::to_owned),
            is_demo: is_demo(folder),
            is_classifier: matches!(engine, Engine::Classifier(_)),
            name: resolved.base.name,
            folder: resolved.base.folder,
            revision,
            adapter: resolved.adapter.map(|adapter| adapter.name),
        },
        processor,
        engine,
    })
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

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Whether a folder is the demo model's, however it was named.
fn is_demo(folder: &Path) -> bool {
    resources::demo_model()
        .ok()
        .and_then(|demo| demo.canonicalize().ok())
        .zip(folder.canonicalize().ok())
        .is_some_and(|(demo, folder)| folder.starts_with(demo))
}
