//! What the local cache holds, how large it is, and taking something out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::HubError;

/// A model's repository in the cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CachedRepository {
    /// `org/name`.
    pub id: String,
    /// Its folder in the cache.
    pub folder: PathBuf,
    /// What it takes on disk.
    pub bytes: u64,
    /// What of that belongs to files that have not come whole.
    pub incomplete_bytes: u64,
}

/// Every repository of models in a cache, sorted by id.
pub fn repositories(cache: &Path) -> Vec<CachedRepository> {
    let entries = fs::read_dir(cache).into_iter().flatten();
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let id = id_of(&entry.file_name().to_string_lossy())?;
            let folder = entry.path();
            let mut sizes = Sizes::default();
            sizes.add(&folder);
            Some(CachedRepository {
                id,
                folder,
                bytes: sizes.bytes,
                incomplete_bytes: sizes.incomplete_bytes,
            })
        })
        .collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

/// The id of a repository by its folder's name in the cache.
pub fn id_of(name: &str) -> Option<String> {
    Some(name.strip_prefix("models--")?.replacen("--", "/", 1))
}

/// Takes a repository out of the cache, all of its revisions. Returns what that freed, in bytes.
///
/// # Errors
/// It is not there, is a link to somewhere else, or cannot be removed.
pub fn delete(cache: &Path, id: &str) -> Result<u64, HubError> {
    let name = format!("models--{}", id.replace('/', "--"));
    let folder = cache.join(&name);
    let failed = |source| HubError::Io {
        path: folder.clone(),
        source,
    };
    let is_inside = id_of(&name).is_some() && !name.contains(['/', '\\']) && !name.contains("..");
    if !is_inside {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    // What lies elsewhere is not the cache's to remove.
    if !fs::symlink_metadata(&folder).map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let mut sizes = Sizes::default();
    sizes.add(&folder);
    fs::remove_dir_all(&folder).map_err(failed)?;
    let locks = cache.join(".locks").join(&name);
    if locks.is_dir() {
        fs::remove_dir_all(&locks).map_err(failed)?;
    }
    Ok(sizes.bytes)
}

/// What files take. Links take nothing.
#[derive(Default)]
struct Sizes {
    bytes: u64,
    incomplete_bytes: u64,
}

impl Sizes {
    fn add(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).into_iter().flatten();
        for entry in entries.filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                self.add(&entry.path());
            } else if metadata.is_file() {
                self.bytes += metadata.len();
                if entry
                    .path()
                    .extension()
                    .is_some_and(|end| end == "incomplete")
                {
                    self.incomplete_bytes += metadata.len();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleting_takes_one_repository_and_nothing_beside_it() {
        let cache = tempfile::tempdir().unwrap();
        let make = |name: &str, bytes: usize| {
            let blobs = cache.path().join(name).join("blobs");
            fs::create_dir_all(&blobs).unwrap();
            fs::write(blobs.join("abc"), vec![0; bytes]).unwrap();
            fs::write(blobs.join("def.incomplete"), [0; 7]).unwrap();
        };
        make("models--org--one", 1000);
        make("models--org--two", 5);
        make("datasets--org--one", 5);
        let found = repositories(cache.path());
        let told: Vec<_> = found
            .iter()
            .map(|found| (found.id.as_str(), found.bytes, found.incomplete_bytes))
            .collect();
        assert_eq!(told, [("org/one", 1007, 7), ("org/two", 12, 7)]);

        assert_eq!(delete(cache.path(), "org/one").unwrap(), 1007);
        for id in ["org/one", "../models--org--two", "", "org/../two"] {
            assert!(delete(cache.path(), id).is_err(), "{id}");
        }
        assert_eq!(repositories(cache.path()).len(), 1);
        assert!(cache.path().join("datasets--org--one").exists());
    }

    #[test]
    #[cfg(unix)]
    fn a_link_out_of_the_cache_is_not_followed() {
        let (cache, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("precious"), "x").unwrap();
        let link = cache.path().join("models--org--linked");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        assert!(delete(cache.path(), "org/linked").is_err());
        assert!(elsewhere.path().join("precious").exists());
    }
}
