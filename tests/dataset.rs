//! Opening datasets: whatever a file holds, what can be read is there and what cannot is said.

mod csv;
mod folder;
mod images;
mod json;
mod unsmile;

use std::{fs, path::Path};

use overrule::{
    dataset::{Dataset, OpenOptions, open},
    post::Problem,
};
use tempfile::TempDir;

/// A folder with these files; text and bytes alike.
fn folder<B: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'static str, B)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn open_csv(bytes: impl AsRef<[u8]>) -> Dataset {
    let folder = folder([("posts.csv", bytes)]);
    open(&folder.path().join("posts.csv"), &OpenOptions::default()).unwrap()
}

fn open_error(path: &Path) -> String {
    let error = open(path, &OpenOptions::default()).unwrap_err();
    overrule::causes::with_causes(&error)
}

/// The labels of a post by name, `?` if it has no truth.
fn truth(dataset: &Dataset, post: usize) -> String {
    match dataset.posts[post].truth {
        Some(set) => dataset.labels.names_of(set).join(","),
        None => "?".to_owned(),
    }
}

/// Each problem as `kind@post:line:column`.
fn places(problems: &[Problem]) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let place = |p: &Problem| {
        let post = number(p.post.map(|n| n as u64));
        format!(
            "{:?}@{post}:{}:{}",
            p.kind,
            number(p.line),
            number(p.column)
        )
    };
    problems.iter().map(place).collect()
}

fn options(labels: Option<&[&str]>, model: Option<&[&str]>) -> OpenOptions {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    OpenOptions {
        labels: labels.map(owned),
        model_labels: model.map(owned),
        image_root: None,
    }
}
