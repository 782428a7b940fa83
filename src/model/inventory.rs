//! Which models are on this machine: those with short names, and what else the Hub's cache holds.

use std::path::{Path, PathBuf};

use super::{
    ModelError, PRESETS, Preset, families,
    files::read_json_if_present,
    hub::{self, AdapterBase},
};

/// What is on this machine.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// Every preset, and what it lacks.
    pub presets: Vec<OwnedPreset>,
    /// What else the Hub's cache holds that could be run, by id.
    pub cached: Vec<Found>,
    /// Where that cache is.
    pub cache: PathBuf,
}

/// A preset on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedPreset {
    /// Which.
    pub preset: &'static Preset,
    /// The repositories that must still be fetched.
    pub missing: Vec<String>,
}

/// A folder that can be named as a model or an adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The Hub id or the folder, as one would name it.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// What a folder holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A checkpoint of this family.
    Model {
        /// The family's name for people.
        family: &'static str,
    },
    /// An adapter.
    Adapter {
        /// The base it was trained on, if it says so.
        base: Option<String>,
    },
}

impl Inventory {
    /// Looks around: a few small files of each repository in the cache are read, no weights.
    pub fn take() -> Self {
        let cache = hub::cache_folder();
        let presets = Self::presets_in(&cache);
        let is_preset = |name: &str| {
            let mut all = PRESETS.iter().flat_map(Preset::repositories);
            all.any(|repository| repository == name)
        };
        let cached = hub::cached()
            .into_iter()
            .filter(|(name, _)| !is_preset(name))
            .filter_map(|(name, folder)| Found::at(name, folder))
            .collect();
        Self {
            presets,
            cached,
            cache,
        }
    }

    /// Only the presets, with this cache.
    pub fn presets_in(cache: &Path) -> Vec<OwnedPreset> {
        presets_lacking(|want| !want.is_here(cache))
    }

    /// The presets, as if nothing of them were here: what can be shown before anybody has looked.
    pub fn presets_elsewhere() -> Vec<OwnedPreset> {
        presets_lacking(|_| true)
    }
}

fn presets_lacking(lacks: impl Fn(&hub::Want) -> bool) -> Vec<OwnedPreset> {
    let missing = |preset: &Preset| {
        let wants = hub::of_preset(preset).into_iter().filter(&lacks);
        wants.map(|want| want.id.repository).collect()
    };
    PRESETS
        .iter()
        .map(|preset| OwnedPreset {
            preset,
            missing: missing(preset),
        })
        .collect()
}

impl OwnedPreset {
    /// Whether nothing must be fetched.
    pub fn is_here(&self) -> bool {
        self.missing.is_empty()
    }
}

impl Found {
    /// What a folder holds, if it is something that runs.
    pub fn at(name: String, folder: PathBuf) -> Option<Self> {
        let kind = kind(&folder).ok().flatten()?;
        Some(Self { name, folder, kind })
    }
}

fn kind(folder: &Path) -> Result<Option<Kind>, ModelError> {
    if folder.join("config.json").exists() {
        let family = families::recognise(folder)?.title;
        return Ok(Some(Kind::Model { family }));
    }
    let adapter: Option<AdapterBase> = read_json_if_present(&folder.join("adapter_config.json"))?;
    Ok(adapter.map(|adapter| Kind::Adapter {
        base: adapter.base_model_name_or_path,
    }))
}
