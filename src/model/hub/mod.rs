//! The Hugging Face Hub: from the name of a model to folders on disk, and what is not there yet from the Hub.
//!
//! Finding is done without the network. [`download`] is the only thing in Overrule that reaches it, and it is called only
//! where somebody asked for a model that is not here.

mod blob;
mod cache;
mod client;
mod download;
mod error;
mod fingerprint;
mod listing;
mod manage;
mod partial;
mod progress;
mod settings;
mod wants;

use std::path::{Path, PathBuf};

pub use self::{
    blob::free_bytes,
    cache::HubId,
    download::{Downloaded, download, wants_of},
    error::HubError,
    manage::{CachedRepository, delete, repositories},
    progress::{DownloadProgress, Watch, size_text},
    settings::{HubSettings, Token, TokenSource},
    wants::{Part, Want, missing, of_preset},
};

use super::{
    Adapter, AdapterError, ModelError, ModelSpec,
    files::read_json,
    presets::{PRESETS, PixelRange, Place, Preset, pixels_for, preset},
};
use crate::resources;

/// A folder on disk and how it was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// The name to show.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The commit, if it is a snapshot of the Hub.
    pub revision: Option<String>,
}

impl Located {
    /// The commit, or what tells a local folder's state from another.
    fn state(&self) -> String {
        let local = || fingerprint::fingerprint(&self.folder);
        self.revision.clone().unwrap_or_else(local)
    }
}

/// What a [`ModelSpec`] stands for on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The base's folder; its name is the preset's if a preset was named.
    pub base: Located,
    /// The adapter's folder, if one is wanted.
    pub adapter: Option<Located>,
    /// The sizes of images that a preset knows to belong to them.
    pub pixels: Option<PixelRange>,
}

impl Resolved {
    /// What tells these weights from others of the same name, such as an adapter that was trained again into the
    /// same folder: the commits, or fingerprints of local folders.
    pub fn revision(&self) -> String {
        let base = self.base.state();
        match &self.adapter {
            Some(adapter) => format!("{base}+{}", adapter.state()),
            None => base,
        }
    }
}

/// The part of `adapter_config.json` that leads to the base.
#[derive(serde::Deserialize)]
pub struct AdapterBase {
    /// The base, as the trainer named it.
    pub base_model_name_or_path: Option<String>,
}

/// Finds the folders of a model and its adapter.
///
/// # Errors
/// A name that is nothing known, a repository that is not in the local cache, an adapter whose base cannot be found.
pub fn resolve(spec: &ModelSpec) -> Result<Resolved, ModelError> {
    let named = match &spec.adapter {
        Adapter::Named(name) => Some(locate(name)?),
        Adapter::Default | Adapter::None => None,
    };
    let (base, own_adapter) = match preset(&spec.model) {
        Some(preset) => resolve_preset(preset, spec.adapter == Adapter::Default)?,
        None => resolve_model(&spec.model)?,
    };
    let adapter = match spec.adapter {
        Adapter::Default => own_adapter,
        Adapter::None => None,
        Adapter::Named(_) => named,
    };
    let adapter_name = adapter.as_ref().map(|adapter| adapter.name.as_str());
    Ok(Resolved {
        pixels: pixels_for(&spec.model, adapter_name),
        base,
        adapter,
    })
}

fn resolve_preset(
    preset: &Preset,
    with_adapter: bool,
) -> Result<(Located, Option<Located>), ModelError> {
    let base = Located {
        name: preset.name.to_owned(),
        ..locate_place(preset.base)?
    };
    let adapter = preset
        .adapter
        .filter(|_| with_adapter)
        .map(locate_place)
        .transpose()?;
    Ok((base, adapter))
}

fn locate_place(place: Place) -> Result<Located, ModelError> {
    match place {
        Place::Hub(id) => locate(id),
        Place::Demo(part) => Ok(Located {
            name: format!("demo-model/{part}"),
            folder: resources::demo_model()?.join(part),
            revision: None,
        }),
    }
}

/// A checkpoint, or an adapter with the base that it names.
fn resolve_model(name: &str) -> Result<(Located, Option<Located>), ModelError> {
    let located = locate(name)?;
    let is_adapter =
        located.folder.join("adapter_config.json").exists() && !has_weights(&located.folder);
    if is_adapter {
        Ok((base_of(&located)?, Some(located)))
    } else {
        Ok((located, None))
    }
}

/// Whether a folder has a base's weights, so that an adapter beside them is an extra.
pub(super) fn has_weights(folder: &Path) -> bool {
    ["model.safetensors", "model.safetensors.index.json"]
        .iter()
        .any(|name| folder.join(name).exists())
}

/// The base that an adapter was trained on.
fn base_of(adapter: &Located) -> Result<Located, ModelError> {
    let base = base_in(&adapter.folder.join("adapter_config.json"))?;
    match local_base(&adapter.folder, &base) {
        Some(folder) => Ok(Located {
            name: base,
            folder,
            revision: None,
        }),
        None => locate(&base),
    }
}

/// The base that an `adapter_config.json` names.
fn base_in(path: &Path) -> Result<String, ModelError> {
    let config: AdapterBase = read_json(path)?;
    config
        .base_model_name_or_path
        .filter(|base| !base.is_empty())
        .ok_or_else(|| {
            let path = path.to_owned();
            AdapterError::NoBase { path }.into()
        })
}

/// The folder of the base that an adapter names, if it is one. A trainer writes the path it was given; it may be relative
/// to any folder above the adapter.
fn local_base(adapter: &Path, base: &str) -> Option<PathBuf> {
    let folder = adapter
        .canonicalize()
        .unwrap_or_else(|_| adapter.to_owned());
    let mut beside = folder.ancestors().map(|ancestor| ancestor.join(base));
    beside.find(|path| path.is_dir())
}

/// A folder, or a repository's snapshot in the local cache.
fn locate(name: &str) -> Result<Located, ModelError> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok(Located {
            name: folder_name(path),
            folder: path.to_owned(),
            revision: cache::snapshot_revision(path),
        });
    }
    let no_such_model = |hint: String| ModelError::NoSuchModel {
        name: name.to_owned(),
        hint,
    };
    if path.exists() {
        return Err(no_such_model(
            "it is a file; name the folder that holds it".to_owned(),
        ));
    }
    if let Some((protocol @ ("openai" | "sagemaker"), _)) = name.split_once(':') {
        return Err(no_such_model(format!(
            "an address begins with http:// or https://, as in {protocol}:http://host:8000"
        )));
    }
    let Some(id) = HubId::parse(name) else {
        let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        return Err(no_such_model(format!(
            "name a folder that exists, a Hub id (org/name), a model on another machine (openai:URL#NAME, sagemaker:URL), or one of {}",
            presets.join(", ")
        )));
    };
    let cache = cache_folder();
    let (folder, revision) = id.find_in(&cache).ok_or_else(|| ModelError::NotInCache {
        id: id.repository.clone(),
        revision: id.revision.clone(),
        offline: HubSettings::from_environment().offline,
        cache,
    })?;
    Ok(Located {
        name: id.repository,
        folder,
        revision: Some(revision),
    })
}

/// Where the local cache of the Hub is.
pub fn cache_folder() -> PathBuf {
    HubSettings::from_environment().cache
}

/// A repository's snapshot in the local cache, if it is there; the id may be one of the oldest, without organisation.
pub fn snapshot(id: &str) -> Option<PathBuf> {
    let (folder, _) = HubId::parse_oldest(id)?.find_in(&cache_folder())?;
    Some(folder)
}

/// Every repository of models in the local cache whose main branch is there: its id and its folder, sorted.
pub fn cached() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(cache_folder()).into_iter().flatten();
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let id = manage::id_of(&entry.file_name().to_string_lossy())?;
            let folder = snapshot(&id)?;
            Some((id, folder))
        })
        .collect();
    found.sort();
    found
}

/// What a folder is called, even if it was given as `.`.
fn folder_name(path: &Path) -> String {
    let full = path.canonicalize();
    let name = full
        .as_deref()
        .unwrap_or(path)
        .file_name()
        .unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
