//! The files of a dataset in several Parquet files, and which split each is of.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::dataset::{has_extension, raw::Split};

/// How deep below a folder shards are looked for: `data/train-….parquet`, `default/train/0000.parquet`.
const DEPTH: usize = 3;

/// One file of a dataset.
pub(super) struct Shard {
    pub path: PathBuf,
    pub split: Option<Split>,
}

impl Shard {
    /// A file below the folder that was given, or that very file.
    pub fn new(path: PathBuf, root: &Path) -> Self {
        Self {
            split: split_of(&path, root),
            path,
        }
    }
}

/// The Parquet files below a folder. One that describes images beside it is no shard.
pub(super) fn shards_below(folder: &Path) -> Vec<PathBuf> {
    below(folder, DEPTH)
}

fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_string_lossy().starts_with('.') || name == "metadata.parquet" {
            continue;
        }
        if has_extension(&path, &["parquet"]) {
            shards.push(path);
        } else if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            shards.extend(below(&path, depth - 1));
        }
    }
    shards
}

/// The split that a shard's name says (`train-00000-of-00002.parquet`), or the folders' below the one given.
fn split_of(file: &Path, root: &Path) -> Option<Split> {
    let relative = file.strip_prefix(root).unwrap_or(file);
    let names = relative
        .iter()
        .rev()
        .take(DEPTH)
        .map(|part| part.to_string_lossy());
    let names = if relative == file || relative.as_os_str().is_empty() {
        vec![file_name(file)]
    } else {
        names.map(std::borrow::Cow::into_owned).collect()
    };
    names.iter().find_map(|name| {
        let word = name.split(['-', '.', '_']).next().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "val" | "valid" | "validation" | "dev" => Some(Split::Val),
            "test" | "testing" => Some(Split::Test),
            _ => None,
        }
    })
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_tells_its_split() {
        for (file, expected) in [
            ("/d/train-00000-of-00002.parquet", Some(Split::Train)),
            (
                "/d/data/validation-00000-of-00001-abc.parquet",
                Some(Split::Val),
            ),
            ("/d/default/test/0000.parquet", Some(Split::Test)),
            ("/d/dev.parquet", Some(Split::Val)),
            ("/d/trains.parquet", None),
            ("/d/posts.parquet", None),
        ] {
            assert_eq!(
                split_of(Path::new(file), Path::new("/d")),
                expected,
                "{file}"
            );
        }
        // The folder in which a dataset lies says nothing about it.
        let file = Path::new("/test/posts.parquet");
        assert_eq!(split_of(file, file), None);
    }
}
