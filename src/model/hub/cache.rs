//! The local cache of the Hugging Face Hub, as the Python library lays it out:
//! `models--org--name/refs/REVISION` holds a commit, `models--org--name/snapshots/COMMIT/` its files.

use std::path::{Component, Path, PathBuf};

/// A repository of the Hub, with the revision asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HubId {
    /// `org/name`.
    pub repository: String,
    /// A branch, a tag or a commit.
    pub revision: Option<String>,
}

impl HubId {
    /// Reads `org/name` or `org/name@revision`; `None` if the text is nothing of the kind.
    pub fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let (org, name) = repository.split_once('/')?;
        // A revision becomes part of a path: it must not lead out of the cache.
        let inside = |revision: &str| {
            !revision.is_empty()
                && Path::new(revision)
                    .components()
                    .all(|c| matches!(c, Component::Normal(_)))
        };
        (is_plain(org) && is_plain(name) && revision.is_none_or(inside)).then(|| Self {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }

    /// As [`parse`](Self::parse), and one of the Hub's oldest ids, which have no organisation (`bert-base-uncased`).
    pub fn parse_oldest(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| {
            is_plain(text).then(|| Self {
                repository: text.to_owned(),
                revision: None,
            })
        })
    }

    /// The folder of the snapshot and its commit, if the cache has it.
    pub fn find_in(&self, cache: &Path) -> Option<(PathBuf, String)> {
        let repository = cache.join(format!("models--{}", self.repository.replace('/', "--")));
        let revision = self.revision.as_deref().unwrap_or("main");
        let commit = std::fs::read_to_string(repository.join("refs").join(revision))
            .map_or_else(|_| revision.to_owned(), |commit| commit.trim().to_owned());
        if commit.is_empty() {
            return None;
        }
        let folder = repository.join("snapshots").join(&commit);
        folder.is_dir().then_some((folder, commit))
    }
}

/// Whether a part of an id can be a part of a folder's name.
fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && part
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// The commit of a folder that is a snapshot of the cache.
pub fn snapshot_revision(folder: &Path) -> Option<String> {
    let full = folder.canonicalize().ok()?;
    let above = full.parent()?;
    let is_snapshot = above.file_name()? == "snapshots"
        && above
            .parent()?
            .file_name()?
            .to_string_lossy()
            .starts_with("models--");
    is_snapshot
        .then(|| {
            full.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_hub_id_has_two_parts_and_perhaps_a_revision() {
        let id = |repository: &str, revision: Option<&str>| {
            Some(HubId {
                repository: repository.to_owned(),
                revision: revision.map(str::to_owned),
            })
        };
        let table = [
            (
                "google/paligemma2-3b-pt-224",
                id("google/paligemma2-3b-pt-224", None),
            ),
            ("org/name@refs/pr/1", id("org/name", Some("refs/pr/1"))),
            ("org/name@../../etc", None),
            ("org/name@", None),
            ("name", None),
            ("a/b/c", None),
            ("../name", None),
            ("/absolute", None),
        ];
        for (text, expected) in table {
            assert_eq!(HubId::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_snapshot_is_found_by_branch_and_by_commit() {
        let cache = tempfile::tempdir().unwrap();
        let repository = cache.path().join("models--org--name");
        let snapshot = repository.join("snapshots").join("abc123");
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir_all(repository.join("refs")).unwrap();
        fs::write(repository.join("refs").join("main"), "abc123\n").unwrap();

        for name in ["org/name", "org/name@main", "org/name@abc123"] {
            let found = HubId::parse(name).unwrap().find_in(cache.path());
            assert_eq!(
                found,
                Some((snapshot.clone(), "abc123".to_owned())),
                "{name}"
            );
        }
        assert_eq!(
            HubId::parse("org/name@v2").unwrap().find_in(cache.path()),
            None
        );
        assert_eq!(
            HubId::parse("org/other").unwrap().find_in(cache.path()),
            None
        );
        assert_eq!(snapshot_revision(&snapshot), Some("abc123".to_owned()));
        assert_eq!(snapshot_revision(&repository), None);
    }
}
