//! `overrule export`: the training data of a review.

use std::{fs, path::Path};

use overrule::{
    dataset::{self, OpenOptions},
    review::Action,
};

use super::run::{run, text, write_dataset};
use crate::reviewing::Watched;

const POSTS: &str = "\
text,image_path,labels
one,a.png,racist
two,b.png,
three,c.png,?
four,d.png,sexist
";

/// A review of four posts: one confirmed as it was, one corrected, one decided that had no label, one untouched.
fn review(folder: &Path) -> String {
    let dataset = write_dataset(folder, POSTS);
    let dataset = dataset::open(&dataset, &OpenOptions::default()).unwrap();
    let file = folder.join("review.overrule");
    let mut opened = Watched::open(dataset, &file);
    for (post, labels) in [(0, vec![0]), (1, vec![1, 0])] {
        let labels = labels.into_iter().collect();
        opened.session.apply(
            post,
            Action::Confirm {
                labels,
                assisted: false,
            },
        );
    }
    opened.wait_until_saved();
    opened.close();
    text(&file)
}

#[test]
fn the_posts_asked_for_are_exported_with_corrections_applied() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let out = folder.path().join("train.csv");
    for (selection, expected, left_out) in [
        (
            "all",
            "one,a.png,racist\ntwo,b.png,\"racist,sexist\"\nfour,d.png,sexist\n",
            true,
        ),
        (
            "reviewed",
            "one,a.png,racist\ntwo,b.png,\"racist,sexist\"\n",
            true,
        ),
        ("corrected", "two,b.png,\"racist,sexist\"\n", true),
    ] {
        let args = [
            "export",
            &session,
            "--format",
            "csv",
            "--out",
            &text(&out),
            "--select",
            selection,
            "--force",
        ];
        let ended = run(args).expect(0);
        let csv = fs::read_to_string(&out).unwrap();
        assert_eq!(
            csv,
            format!("text,image_path,labels\n{expected}"),
            "{selection}"
        );
        assert_eq!(
            ended.stderr.contains("1 without a label"),
            left_out,
            "{}",
            ended.stderr
        );
    }
    let reopened = dataset::open(&out, &OpenOptions::default()).unwrap();
    assert_eq!(reopened.posts.len(), 1);
    assert!(
        reopened
            .problems
            .iter()
            .all(|problem| problem.message.contains("b.png"))
    );
}

#[test]
fn provenance_comes_in_columns_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let out = folder.path().join("train.csv");
    run(["export", &session, "--out", &text(&out), "--provenance"]).expect(0);
    let csv = fs::read_to_string(&out).unwrap();
    assert!(csv.starts_with("text,image_path,labels,"), "{csv}");
    assert!(csv.contains("reviewer") && csv.contains("dataset"), "{csv}");
}

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let out = folder.path().join("mine.csv");
    fs::write(&out, "precious").unwrap();
    let args = ["export", &session, "--out", &text(&out)];
    let told = run(args).expect(2).stderr;
    assert!(told.contains("--force"), "{told}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "precious");
    run([&args[..], &["--force"]].concat()).expect(0);
    assert!(fs::read_to_string(&out).unwrap().starts_with("text,"));
}

#[test]
fn a_dataset_that_was_moved_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let (old, new) = (
        folder.path().join("posts.csv"),
        folder.path().join("moved.csv"),
    );
    fs::rename(old, &new).unwrap();
    let out = text(&folder.path().join("train.csv"));
    let told = run(["export", &session, "--out", &out]).expect(2).stderr;
    assert!(told.contains("--data"), "{told}");
    run(["export", &session, "--out", &out, "--data", &text(&new)]).expect(0);
}
