//! What a dataset of someone else's must not do to files that are not its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Workplace, hateful_memes, mmhs150k, write, zip_of};
use crate::cli::run::text;

/// The files of an archive: names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// Every file below a folder and what it says.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// Files of a zip of Hateful Memes with one good post and one whose picture has this name.
fn memes_with(name: &str) -> Files {
    let line = |id: u32, img: &str| {
        serde_json::json!({"id": id, "img": img, "label": 0, "text": "x"}).to_string() + "\n"
    };
    let lines = line(1, "img/good.png") + &line(2, name);
    vec![
        ("train.jsonl".to_owned(), lines.into_bytes()),
        ("img/good.png".to_owned(), b"good".to_vec()),
        (name.to_owned(), b"taken over".to_vec()),
    ]
}

/// Files of a zip of MMHS150K with one good post and one of this id.
fn tweets_with(id: &str) -> Files {
    let post = serde_json::json!({"tweet_text": "x", "labels": [0, 0, 0]});
    let ground_truth = serde_json::json!({"1": post, id: post}).to_string();
    vec![
        ("MMHS150K_GT.json".to_owned(), ground_truth.into_bytes()),
        (
            "splits/train_ids.txt".to_owned(),
            format!("1\n{id}\n").into_bytes(),
        ),
        ("img_resized/1.jpg".to_owned(), b"good".to_vec()),
        (format!("img_resized/{id}.jpg"), b"taken over".to_vec()),
    ]
}

#[test]
fn no_name_in_an_archive_leads_to_a_file_outside_the_folder_written_to() {
    // HOME stands for a folder of somebody.
    let memes_with: fn(&str) -> Files = memes_with;
    let cases = [
        (memes_with, "img/HOME/.bashrc"),
        (memes_with, "HOME/.bashrc"),
        (memes_with, "img/../../home/.bashrc"),
        (memes_with, "img/a/../../../home/.bashrc"),
        (memes_with, "img/."),
        (memes_with, "img/"),
        (memes_with, "img\\..\\..\\home\\.bashrc"),
        (tweets_with, "HOME/x"),
        (tweets_with, "../../../home/x"),
        (tweets_with, "/HOME/x"),
    ];
    for (files, name) in cases {
        let work = Workplace::new(|_| ());
        write(&work.path("home"), ".bashrc", "mine");
        write(&work.path("home"), "x.jpg", "mine");
        let files = files(&name.replace("HOME", &text(&work.path("home"))));
        let (name, _) = files.last().unwrap();
        zip_of(&work.path("d.zip"), &files);
        let said = work.prepare("d.zip", 1, &[]);
        assert!(said.contains("1 left out: its picture"), "{name}: {said}");
        assert!(
            said.contains("leads out of the dataset's folder"),
            "{name}: {said}"
        );

        let table = work.read("train.csv");
        assert_eq!(table.lines().count(), 2, "{name}: {table}");
        let all = tree(work.folder.path());
        let taken = all.iter().filter(|(_, bytes)| *bytes == b"taken over");
        assert_eq!(taken.count(), 0, "{name}: {:?}", all.keys());
        let mine = all.iter().filter(|(_, bytes)| *bytes == b"mine");
        assert_eq!(mine.count(), 2, "{name}");
    }
}

/// Two datasets whose pictures have the same names, once with other lengths and once with the same.
fn two_datasets(work: &Workplace) {
    write(
        &work.path("other"),
        "train.jsonl",
        fs::read(work.path("raw/train.jsonl")).unwrap(),
    );
    let dev = fs::read_to_string(work.path("raw/dev.jsonl")).unwrap();
    write(&work.path("other"), "dev.jsonl", dev.replace("bad", "else"));
    write(&work.path("other"), "img/42953.png", "53924");
    write(&work.path("other"), "img/08291.png", "another length");
}

#[test]
fn another_dataset_in_a_used_folder_changes_nothing_unless_it_may() {
    for images in ["link", "copy"] {
        let work = Workplace::new(hateful_memes);
        two_datasets(&work);
        work.prepare("raw", 1, &["--images", images]);
        let before = tree(&work.path("out"));
        let said = work.prepare("other", 2, &["--images", images]);
        assert!(
            said.contains(".png exists already and says something else"),
            "{said}"
        );
        assert!(said.contains("--force"), "{said}");
        assert_eq!(tree(&work.path("out")), before);

        // The first again finds everything in its place.
        let said = work.prepare("raw", 1, &["--images", images]);
        assert!(
            said.contains("0 linked, 0 copied, 3 in their place"),
            "{said}"
        );

        work.prepare("other", 1, &["--images", images, "--force"]);
        assert_eq!(work.read("images/42953.png"), "53924");
        assert_eq!(work.read("images/08291.png"), "another length");
        assert_eq!(
            work.read("val.csv"),
            "text,image_path,labels\nelse,images/08291.png,harmful\n"
        );
        let kept = fs::read_to_string(work.path("raw/img/42953.png")).unwrap();
        assert_eq!(kept, "42953", "the first dataset is as it was");
    }
}

#[test]
fn a_picture_of_somebody_in_the_way_is_left_alone_also_where_no_table_is() {
    let work = Workplace::new(mmhs150k);
    let name = format!("images/{}.jpg", super::A);
    write(&work.path("out"), &name, "holidays");
    let said = work.prepare("raw", 2, &[]);
    assert!(
        said.contains(&format!("{}.jpg exists already", super::A)),
        "{said}"
    );
    assert_eq!(work.read(&name), "holidays");
    assert!(!work.path("out/train.csv").exists());
}
