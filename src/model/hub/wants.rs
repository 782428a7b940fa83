//! What a model's name needs from the Hub, and whether it is here already.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{HubId, base_in, has_weights, local_base};
use crate::model::{
    Adapter, ModelError, ModelSpec,
    bias_classifier::{self, FAMILY, VOCABULARY},
    families,
    presets::{Place, Preset, preset},
    weights::{PTH, shards_of},
};

/// Something to be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Want {
    /// The repository.
    pub id: HubId,
    /// What of it.
    pub part: Part,
}

/// What of a repository is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A model, or an adapter and the base that it names.
    Model,
    /// A model, or an adapter whose base is another's business.
    Alone,
    /// A text encoder's settings and vocabulary, without its weights.
    TextEncoder,
    /// An image encoder's settings, without its weights.
    ImageEncoder,
}

impl Want {
    /// Where the local cache has it, or some of it.
    pub fn folder(&self, cache: &Path) -> Option<PathBuf> {
        self.id.find_in(cache).map(|(folder, _)| folder)
    }

    /// Whether the local cache has all of it.
    pub fn is_here(&self, cache: &Path) -> bool {
        let Some(folder) = self.folder(cache) else {
            return false;
        };
        match self.part {
            Part::Model | Part::Alone => runs(&folder),
            Part::TextEncoder => VOCABULARY.iter().any(|name| folder.join(name).exists()),
            Part::ImageEncoder => folder.join("config.json").exists(),
        }
    }
}

/// Everything that must be fetched before a model can be loaded, as far as that can be told from here: what an adapter
/// or a classifier needs besides is known when its settings have come.
pub fn missing(spec: &ModelSpec, cache: &Path) -> Vec<Want> {
    let mut wants = match (preset(&spec.model), &spec.adapter) {
        (Some(preset), Adapter::Default) => of_preset(preset),
        (Some(preset), _) => of_preset(&Preset {
            adapter: None,
            ..*preset
        }),
        (None, _) => of_name(&spec.model, Part::Model),
    };
    if let Adapter::Named(name) = &spec.adapter {
        wants.extend(of_name(name, Part::Alone));
    }
    // What an adapter or a classifier needs besides may be missing although it is here itself.
    let here = wants
        .iter()
        .filter(|want| want.part == Part::Model)
        .filter_map(|want| Some(want.id.find_in(cache)?.0));
    let more: Vec<Want> = here
        .chain([spec.model.clone().into()])
        .flat_map(|folder| {
            base_of_adapter(&folder)
                .into_iter()
                .chain(encoders_of(&folder))
        })
        .collect();
    wants.extend(more);
    wants.retain(|want| !want.is_here(cache));
    wants.dedup();
    wants
}

/// Everything that belongs to a preset.
pub fn of_preset(preset: &Preset) -> Vec<Want> {
    let want = |id: &str, part| {
        let id = HubId::parse(id)?;
        Some(Want { id, part })
    };
    let places = [Some(preset.base), preset.adapter];
    places
        .into_iter()
        .flatten()
        .filter_map(|place| match place {
            Place::Hub(id) => want(id, Part::Alone),
            Place::Demo(_) => None,
        })
        .chain(preset.vocabulary.and_then(|id| want(id, Part::TextEncoder)))
        .collect()
}

/// What a name stands for that is no folder.
fn of_name(name: &str, part: Part) -> Vec<Want> {
    if Path::new(name).exists() {
        return Vec::new();
    }
    HubId::parse(name)
        .map(|id| Want { id, part })
        .into_iter()
        .collect()
}

/// The base that an adapter's folder names, if it is to be had from the Hub only.
pub fn base_of_adapter(folder: &Path) -> Option<Want> {
    if has_weights(folder) {
        return None;
    }
    let base = base_in(&folder.join("adapter_config.json")).ok()?;
    if local_base(folder, &base).is_some() {
        return None;
    }
    HubId::parse(&base).map(|id| Want {
        id,
        part: Part::Alone,
    })
}

/// Whether a folder has everything that a model or an adapter needs. Links that lead nowhere do not count.
fn runs(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).exists();
    let is_adapter = has("adapter_config.json") && has("adapter_model.safetensors");
    let has_weights = || {
        has("model.safetensors")
            || PTH.iter().any(|name| has(name))
            || shards(folder)
                .is_ok_and(|shards| !shards.is_empty() && shards.iter().all(|shard| has(shard)))
    };
    is_adapter || (has("config.json") && has_vocabulary(folder) && has_weights())
}

/// Whether a folder has what its family reads texts with. Other programs that fetched the weights may have left it out; the
/// classifier's comes from elsewhere.
fn has_vocabulary(folder: &Path) -> bool {
    let brings_it = families::recognise(folder).is_ok_and(|found| found.family != FAMILY);
    !brings_it || folder.join("tokenizer.json").exists()
}

/// The shards that a folder's index names.
pub fn shards(folder: &Path) -> Result<BTreeSet<String>, ModelError> {
    let index = folder.join("model.safetensors.index.json");
    if !index.exists() {
        return Ok(BTreeSet::new());
    }
    shards_of(&index)
}

/// What of a classifier's two encoders is to be had from the Hub only.
pub fn encoders_of(folder: &Path) -> Vec<Want> {
    let (text, image) = bias_classifier::lacking(folder);
    let want = |id: Option<String>, part| {
        let id = HubId::parse_oldest(&id?)?;
        Some(Want { id, part })
    };
    want(text, Part::TextEncoder)
        .into_iter()
        .chain(want(image, Part::ImageEncoder))
        .collect()
}
