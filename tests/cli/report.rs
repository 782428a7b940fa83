//! `overrule report`: one file that says how good a run is, and nothing harmful unless asked.

use std::{fs, path::Path};

use overrule::{
    dataset::{self, OpenOptions},
    predict::{
        answer::Parse,
        prediction::{Prediction, Seconds},
    },
    review::Action,
};

use super::run::{predict, run, test_posts, text, write_dataset};
use crate::reviewing::{self, Watched, set};

const POSTS: &str =
    "text,image_path,labels\none <b>,a.png,racist\ntwo,b.png,\nthree,c.png,?\nfour,d.png,sexist\n";

/// A review with a run: post 1 is right, post 2 is corrected to what the model said, 3 is decided otherwise, 4 is not readable.
fn review(folder: &Path) -> String {
    let dataset = write_dataset(folder, POSTS);
    let dataset = dataset::open(&dataset, &OpenOptions::default()).unwrap();
    let file = folder.join("review.overrule");
    let mut opened = Watched::open(dataset, &file);
    opened.session.set_reviewer(Some("Ana"));
    opened.session.begin_run(reviewing::run("tiny"));
    for (post, labels, parse) in [
        (0, vec![0], Parse::Clean),
        (1, vec![1], Parse::Salvaged),
        (2, vec![0], Parse::Clean),
        (3, vec![], Parse::Failed),
    ] {
        let said = Prediction {
            labels: set(&labels),
            parse,
            error: None,
            ..Prediction::failed("", Seconds::default())
        };
        opened.session.record_prediction(post, said);
    }
    for (post, labels, assisted) in [(1, vec![1], true), (2, vec![], false)] {
        opened.session.apply(
            post,
            Action::Confirm {
                labels: set(&labels),
                assisted,
            },
        );
    }
    opened.wait_until_saved();
    opened.close();
    text(&file)
}

/// The report without what differs from run to run.
fn stable(report: &str) -> String {
    let is_time = |line: &&str| {
        let words = ["(UTC)", "predicted with", "| Ana |"];
        words.iter().any(|word| line.contains(word))
    };
    report
        .lines()
        .filter(|line| !is_time(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_review_becomes_a_report_without_its_texts() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let out = text(&folder.path().join("report.md"));
    run(["report", &session, "--out", &out]).expect(0);
    let report = fs::read_to_string(&out).unwrap();
    insta::assert_snapshot!(stable(&report));
    // Who, how many, when.
    assert!(report.contains("| Ana | 2 | 20"), "{report}");
    for quoted in ["one", "three", "four"] {
        assert!(!report.contains(&format!("| {quoted}")), "{quoted}");
    }
    let again = run(["report", &session, "--out", &out]).expect(2).stderr;
    assert!(again.contains("--force"), "{again}");

    let page = text(&folder.path().join("report.html"));
    run(["report", &session, "--out", &page, "--with-content"]).expect(0);
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with("<!doctype html>") && !page.contains("http"),
        "{page}"
    );
    assert_eq!(
        page.matches("<svg").count(),
        2,
        "F1 by label, confused labels"
    );
    assert!(
        page.contains("<td>three</td><td>none</td><td>racist</td>"),
        "{page}"
    );
}

#[test]
fn predictions_become_a_report_with_their_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let session = review(folder.path());
    let records = text(&folder.path().join("predictions.jsonl"));
    run(["export", &session, "--format", "records", "--out", &records]).expect(0);
    let out = text(&folder.path().join("report.md"));
    let refused = run(["report", &records, "--out", &out]).expect(2).stderr;
    assert!(refused.contains("--data"), "{refused}");
    let data = text(&folder.path().join("posts.csv"));
    run(["report", &records, "--data", &data, "--out", &out]).expect(0);
    let report = fs::read_to_string(&out).unwrap();
    assert!(
        report.contains("The truth is the dataset's label."),
        "{report}"
    );
    assert!(!report.contains("Datasheet"), "{report}");
}

#[test]
fn probabilities_are_a_table_and_curves() {
    let folder = tempfile::tempdir().unwrap();
    let records = text(&folder.path().join("predictions.jsonl"));
    let posts = test_posts();
    run(predict(&posts, &["--out", &records, "--limit", "8"])).expect(0);
    let report_to = |name: &str| {
        let out = folder.path().join(name);
        run([
            "report",
            &records,
            "--data",
            &text(&posts),
            "--out",
            &text(&out),
        ])
        .expect(0);
        fs::read_to_string(out).unwrap()
    };
    let markdown = report_to("report.md");
    assert!(markdown.contains("## Probabilities"), "{markdown}");
    assert!(markdown.contains("| average precision |"), "{markdown}");
    let page = report_to("report.html");
    assert!(page.matches("<svg").count() > 2, "{page}");
    assert!(
        page.contains("Precision") && !page.contains("http"),
        "{page}"
    );
}
