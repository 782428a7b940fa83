//! Folders of images beside the dataset's own: what was there stays as it was.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use overrule::{
    dataset::{OpenOptions, open},
    export::{ExportError, Format, Selection, TrainingSet},
    review::Session,
};
use tempfile::TempDir;

/// Names and contents.
type Files = [(&'static str, &'static str)];

/// What a file with this content has in it: pictures begin as pictures do.
fn bytes(name: &str, content: &str) -> Vec<u8> {
    let is_picture = [".jpg", ".png", "plain", "other"]
        .iter()
        .any(|end| name.ends_with(end));
    let begin: &[u8] = if is_picture {
        b"\x89PNG\r\n\x1a\n"
    } else {
        b""
    };
    [begin, content.as_bytes()].concat()
}

/// A folder with these files, each saying its own name unless it says something else, and a session on one of them.
fn review(files: &Files, dataset: &str) -> (TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = if content.is_empty() { name } else { content };
        fs::write(path, bytes(name, content)).unwrap();
    }
    let dataset = open(&folder.path().join(dataset), &OpenOptions::default()).unwrap();
    let file = folder.path().join("x.overrule");
    let session = Session::open(Arc::new(dataset), &file, || ()).unwrap();
    (folder, session)
}

fn pictures(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(pictures(&path));
        } else if !path.to_string_lossy().contains("x.overrule") {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn no_folder_of_images_is_written_over_the_datasets_own() {
    let rows = "text,image_path,labels\na,images/0000001.jpg,x\nb,images/0000002.jpg,x\nc,images/0000000.jpg,x\n";
    let numbered = [
        ("d/posts.csv", rows),
        ("d/images/0000000.jpg", "the first, and the longest"),
        ("d/images/0000001.jpg", "the second"),
        ("d/images/0000002.jpg", ""),
    ];
    let below =
        "text,image_path,labels\na,train/images/0000002.jpg,x\nb,train/images/0000001.jpg,x\n";
    let below = [
        ("d/posts.csv", below),
        ("d/train/images/0000001.jpg", "the first"),
        ("d/train/images/0000002.jpg", "the second"),
    ];
    let elsewhere = "text,image_path,labels\na,0000002.jpg,x\nb,0000001.jpg,x\n";
    let elsewhere = [
        ("t/posts.csv", elsewhere),
        ("t/images/0000001.jpg", "the first"),
        ("t/images/0000002.jpg", "the second"),
    ];
    let fiftyone = [
        (
            "d/labels.json",
            r#"{"classes": ["x"], "labels": {"a": ["x"], "b": []}}"#,
        ),
        ("d/data/a.jpg", "a picture"),
        ("d/data/b.jpg", ""),
    ];
    let folder = [
        (
            "d/metadata.jsonl",
            "{\"file_name\": \"images/0000002.png\", \"text\": \"a\", \"labels\": [\"x\"]}\n",
        ),
        ("d/images/0000002.png", "the second"),
        ("d/images/0000001.png", "the first"),
    ];
    let cases: [(&Files, &str, &str, &[Format]); 9] = [
        (
            &numbered,
            "d/posts.csv",
            "d",
            &[Format::ImageFolder, Format::FiftyOne],
        ),
        (&numbered, "d/posts.csv", "d/../d", &[Format::ImageFolder]),
        (&below, "d/posts.csv", "d/train", &[Format::ImageFolder]),
        (&elsewhere, "t/posts.csv", "t", &[Format::ImageFolder]),
        (
            &fiftyone,
            "d/labels.json",
            "d",
            &[Format::FiftyOne, Format::ImageFolder],
        ),
        (&folder, "d", "d", &[Format::ImageFolder]),
        // Whatever is new in such a folder would be one of its posts, or say something about them.
        (
            &folder,
            "d",
            "d/export",
            &[Format::ImageFolder, Format::FiftyOne],
        ),
        (
            &folder,
            "d",
            "d/images/../new.parquet",
            &[Format::Parquet, Format::Csv],
        ),
        (
            &folder,
            "d",
            "d/images/0000001.json",
            &[Format::LabelStudio],
        ),
    ];
    for (files, dataset, out, formats) in cases {
        let (folder, session) = review(files, dataset);
        let before = pictures(folder.path());
        for format in formats {
            for replace in [false, true] {
                let set = TrainingSet::for_format(&session, Selection::All, *format);
                let refused = set.write(&folder.path().join(out), replace);
                assert!(
                    matches!(refused, Err(ExportError::IsTheDataset(_))),
                    "{dataset} to {out}: {refused:?}"
                );
                assert_eq!(pictures(folder.path()), before, "{dataset} to {out}");
            }
        }
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_the_datasets_pictures_is_seen_through() {
    let rows = "text,image_path,labels\na,images/0000002.jpg,x\nb,images/0000001.jpg,x\n";
    let files = [
        ("d/posts.csv", rows),
        ("d/images/0000001.jpg", "the first"),
        ("d/images/0000002.jpg", "the second"),
    ];
    let (folder, session) = review(&files, "d/posts.csv");
    fs::create_dir(folder.path().join("out")).unwrap();
    let images = folder.path().join("out/images");
    std::os::unix::fs::symlink(folder.path().join("d/images"), images).unwrap();
    let before = pictures(&folder.path().join("d"));
    let set = TrainingSet::for_format(&session, Selection::All, Format::ImageFolder);
    let refused = set.write(&folder.path().join("out"), true);
    assert!(
        matches!(refused, Err(ExportError::IsTheDataset(_))),
        "{refused:?}"
    );
    assert_eq!(pictures(&folder.path().join("d")), before);
}

#[test]
fn a_picture_of_somebody_else_is_replaced_only_on_purpose() {
    let rows = "text,image_path,labels\na,a.jpg,x\n";
    let files = [
        ("d/posts.csv", rows),
        ("d/a.jpg", "the post's"),
        ("out/images/0000001.jpg", "mine"),
    ];
    let (folder, session) = review(&files, "d/posts.csv");
    let set = TrainingSet::for_format(&session, Selection::All, Format::ImageFolder);
    let (out, picture) = (
        folder.path().join("out"),
        folder.path().join("out/images/0000001.jpg"),
    );
    let refused = set.write(&out, false);
    assert!(
        matches!(&refused, Err(ExportError::Exists(path)) if *path == picture),
        "{refused:?}"
    );
    assert_eq!(fs::read(&picture).unwrap(), bytes("a.jpg", "mine"));
    assert!(!out.join("metadata.jsonl").exists());
    set.write(&out, true).unwrap();
    assert_eq!(fs::read(&picture).unwrap(), bytes("a.jpg", "the post's"));
}

#[test]
fn a_file_that_is_no_picture_is_never_published() {
    let rows = "text,image_path,labels\na,a.jpg,x\nb,../secret/id_ed25519,x\n";
    let files = [
        ("d/posts.csv", rows),
        ("d/a.jpg", "a picture"),
        ("secret/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ];
    let (folder, session) = review(&files, "d/posts.csv");
    for format in [Format::ImageFolder, Format::FiftyOne, Format::Parquet] {
        let set = TrainingSet::for_format(&session, Selection::All, format);
        let out = folder.path().join(format!("out-{}", format.name()));
        let exported = set.write(&out, false).unwrap();
        assert_eq!(exported.without_image + exported.pictures_missing, 1);
        let written = match out.is_dir() {
            true => pictures(&out).into_values().collect(),
            false => vec![fs::read(&out).unwrap()],
        };
        assert!(written.concat().windows(9).any(|w| w == b"a picture"));
        assert!(
            !written.concat().windows(7).any(|w| w == b"OPENSSH"),
            "{format:?}"
        );
    }
}

#[test]
fn a_dot_in_a_folders_name_makes_no_two_pictures_one() {
    let rows = "text,image_path,labels\na,v1.2/plain,x\nb,v1.2/other,\nc,v1.2/c.d.png,x\n";
    let files = [
        ("d/posts.csv", rows),
        ("d/v1.2/plain", ""),
        ("d/v1.2/other", ""),
        ("d/v1.2/c.d.png", ""),
    ];
    let (folder, session) = review(&files, "d/posts.csv");
    let set = TrainingSet::for_format(&session, Selection::All, Format::FiftyOne);
    set.write(&folder.path().join("out"), false).unwrap();
    let labels = fs::read(folder.path().join("out/labels.json")).unwrap();
    let labels: serde_json::Value = serde_json::from_slice(&labels).unwrap();
    let expected = serde_json::json!({"v1.2/c.d": ["x"], "v1.2/other": [], "v1.2/plain": ["x"]});
    assert_eq!(labels["labels"], expected);
}
