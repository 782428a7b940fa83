//! A checkpoint's folder: which tensors it has, and in which file each lies.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::file::{TensorEntry, TensorFile};
use crate::model::{ModelError, files::read_json, keys};

/// The weights of a base model, by canonical name. Nothing but headers is in memory.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    files: Vec<TensorFile>,
    /// File and place in the file's entries, by canonical name.
    places: HashMap<String, (usize, usize)>,
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl Checkpoint {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names; where there are neither,
    /// a file of PyTorch's.
    ///
    /// # Errors
    /// None of them is there, a shard is missing, or a file is damaged.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let files = match weight_files(folder) {
            Err(ModelError::NoWeights { folder }) => vec![open_pth(folder)?],
            paths => paths?
                .iter()
                .map(|path| TensorFile::open(path))
                .collect::<Result<_, _>>()?,
        };
        let mut places = HashMap::new();
        for (f, file) in files.iter().enumerate() {
            for (e, entry) in file.entries().iter().enumerate() {
                places.insert(keys::canonical(&entry.name), (f, e));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            files,
            places,
        })
    }

    /// The folder it was opened from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tensor of this canonical name, and its file.
    pub fn find(&self, name: &str) -> Option<(&TensorFile, &TensorEntry)> {
        let (f, e) = *self.places.get(name)?;
        let file = self.files.get(f)?;
        Some((file, file.entries().get(e)?))
    }

    /// Every tensor by its canonical name, sorted.
    pub fn names(&self) -> BTreeSet<&str> {
        self.places.keys().map(String::as_str).collect()
    }

    /// How many values all tensors have.
    pub fn parameters(&self) -> u64 {
        self.entries().map(|entry| entry.elements() as u64).sum()
    }

    /// How many bytes all tensors take on disk.
    pub fn bytes(&self) -> u64 {
        self.entries().map(TensorEntry::bytes).sum()
    }

    fn entries(&self) -> impl Iterator<Item = &TensorEntry> {
        self.files.iter().flat_map(TensorFile::entries)
    }
}

/// What PyTorch's files of weights are called, best first.
pub const PTH: [&str; 2] = ["model_weights.pth", "pytorch_model.bin"];

fn open_pth(folder: PathBuf) -> Result<TensorFile, ModelError> {
    let mut paths = PTH.iter().map(|name| folder.join(name));
    match paths.find(|path| path.exists()) {
        Some(path) => TensorFile::open_pth(&path),
        None => Err(ModelError::NoWeights { folder }),
    }
}

/// The files that an index names.
pub fn shards_of(index: &Path) -> Result<BTreeSet<String>, ModelError> {
    let index: Index = read_json(index)?;
    Ok(index.weight_map.into_values().collect())
}

/// The safetensors files that hold a checkpoint's weights.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let single = folder.join("model.safetensors");
    if single.exists() {
        return Ok(vec![single]);
    }
    let index_path = folder.join("model.safetensors.index.json");
    if !index_path.exists() {
        return Err(ModelError::NoWeights {
            folder: folder.to_owned(),
        });
    }
    let shards = shards_of(&index_path)?;
    if shards.is_empty() {
        return Err(ModelError::NoWeights {
            folder: folder.to_owned(),
        });
    }
    shards
        .into_iter()
        .map(|shard| {
            // A shard lies beside its index; a name that leads elsewhere is not followed.
            let path = folder.join(&shard);
            let plain = path.file_name().is_some_and(|name| name == shard.as_str());
            if plain && path.exists() {
                Ok(path)
            } else {
                Err(ModelError::MissingShard {
                    index: index_path.clone(),
                    shard,
                })
            }
        })
        .collect()
}
