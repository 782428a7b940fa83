//! Where the files that ship with Overrule lie: the demo dataset and the demo model.
//!
//! They are looked for beside the executable (an unpacked archive), then in `../share/overrule` (an
//! installed package), then in the source tree the program was built from (`cargo run`, `cargo install --path .`).
//! `OVERRULE_RESOURCES_DIR` takes the place of all three. Without them everything but the demo works.

use std::path::{Path, PathBuf};

/// A file that ships with Overrule is not where it should be.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} is not installed with this copy of Overrule; {hint} (looked for it in: {looked_in})"
)]
pub struct ResourceError {
    what: &'static str,
    hint: &'static str,
    looked_in: String,
}

/// The demo dataset, `data/demo/posts.csv`.
pub fn demo_dataset() -> Result<PathBuf, ResourceError> {
    find(
        &roots(),
        "data/demo/posts.csv",
        "the demo dataset",
        "open a dataset of your own: overrule DATASET",
    )
}

/// The folder of the demo model, `assets/demo-model`, with `base` and `adapter` below it.
pub fn demo_model() -> Result<PathBuf, ResourceError> {
    find(
        &roots(),
        "assets/demo-model",
        "the demo model",
        "name a model folder with --model",
    )
}

fn find(
    roots: &[PathBuf],
    relative: &str,
    what: &'static str,
    hint: &'static str,
) -> Result<PathBuf, ResourceError> {
    roots
        .iter()
        .map(|root| root.join(relative))
        .find(|path| path.exists())
        .map(|path| followed(&path))
        .ok_or_else(|| ResourceError {
            what,
            hint,
            looked_in: roots
                .iter()
                .map(|root| root.join(relative).display().to_string())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// The file under the path that an opened dataset has: absolute, the links to its folder followed. So the window knows the demo
/// for what it is, whatever way leads to it.
fn followed(path: &Path) -> PathBuf {
    let folder = path.parent().map(Path::canonicalize);
    match (folder, path.file_name()) {
        (Some(Ok(folder)), Some(name)) if cfg!(unix) => folder.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// The variable that names the folder of `assets` and `data`.
const FOLDER_VARIABLE: &str = "OVERRULE_RESOURCES_DIR";

/// The folders that may hold `assets` and `data`, best first.
fn roots() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return vec![folder.into()];
    }
    let mut roots = Vec::new();
    // Links are followed, so that a link to the program on the PATH finds the files of the program.
    if let Ok(executable) = std::env::current_exe().and_then(|path| path.canonicalize())
        && let Some(folder) = executable.parent()
    {
        roots.push(folder.to_owned());
        if let Some(prefix) = folder.parent() {
            roots.push(prefix.join("share").join("overrule"));
        }
    }
    roots.push(Path::new(env!("CARGO_MANIFEST_DIR")).to_owned());
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_resource_names_every_place_it_was_looked_for() {
        let error = find(&roots(), "no/such/file", "the map", "draw one").unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("the map is not installed"), "{message}");
        for root in roots() {
            let place = root.join("no/such/file");
            assert!(message.contains(&place.display().to_string()), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_demo_behind_a_link_is_found_under_the_path_that_it_opens_with() {
        use crate::dataset::{self, OpenOptions};
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), &link).unwrap();
        let through_link = link.join("data/demo/posts.csv");
        let opened = dataset::open(&through_link, &OpenOptions::default()).unwrap();
        let demo = find(&[link], "data/demo/posts.csv", "the demo", "").unwrap();
        assert_eq!(demo, opened.path);
        assert!(!demo.starts_with(folder.path()), "{}", demo.display());
    }
}
