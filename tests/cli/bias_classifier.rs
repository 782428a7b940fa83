//! The bias classifier on the command line: its weights are read in a child process.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::models::cache_with;
use super::run::{ended, lines, overrule, run, text};
use crate::{
    bias_classifier::{Copy, HOSTILE, Row},
    common::{fixture, post_image, read_jsonl},
};

fn rows() -> Vec<Row> {
    read_jsonl(&fixture("bias_classifier/concat/expected.jsonl"))
}

/// The goldens' posts with a column of labels.
fn dataset(folder: &Path, column: &str, cell: impl Fn(&Row) -> String) -> String {
    let path = folder.join("posts.csv");
    let mut csv = csv::Writer::from_path(&path).unwrap();
    csv.write_record(["text", "image_path", column]).unwrap();
    for row in rows() {
        let image = post_image(&row.image_path).display().to_string();
        csv.write_record([&row.text, &image, &cell(&row)]).unwrap();
    }
    csv.flush().unwrap();
    text(&path)
}

fn model() -> String {
    text(&fixture("bias_classifier/concat"))
}

#[test]
fn predictions_carry_probabilities_and_the_scores_are_the_references() {
    let folder = tempfile::tempdir().unwrap();
    for (column, label, cell) in [
        (
            "label",
            "harmful",
            (|row| (!row.true_labels.is_empty() as u8).to_string()) as fn(&Row) -> String,
        ),
        ("labels", "biased", |row| row.true_labels.join(",")),
    ] {
        let data = dataset(folder.path(), column, cell);
        let out = text(&folder.path().join(format!("{column}.jsonl")));
        let args = [
            "predict",
            &data,
            "--model",
            &model(),
            "--out",
            &out,
            "--batch-size",
            "4",
        ];
        let told = run(args).expect(0).stderr;
        assert_eq!(
            told.contains("“biased” stands for the dataset's one label “harmful”"),
            label == "harmful",
            "{told}"
        );
        let records = lines(&fs::read_to_string(&out).unwrap());
        for (record, row) in records.iter().zip(rows()) {
            let names: Vec<&str> = row.labels.iter().map(|_| label).collect();
            assert_eq!(record["labels"], json!(names));
            let p = record["scores"][label]["p"].as_f64().unwrap();
            assert!((p - row.probability).abs() < 1e-6);
            assert!(
                record["raw"]
                    .as_str()
                    .unwrap()
                    .starts_with(r#"{"biased": "#)
            );
            assert_eq!(
                (&record["parse"], &record["n_tokens"]),
                (&json!("clean"), &json!(0))
            );
        }
        let metrics = run(["evaluate", &out, "--data", &data, "--json"])
            .expect(0)
            .json();
        let path = fixture("bias_classifier/concat/metrics.json");
        let expected: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for key in [
            "n",
            "f1_micro",
            "f1_macro",
            "subset_accuracy",
            "hamming_loss",
        ] {
            assert!(
                (metrics[key].as_f64().unwrap() - expected[key].as_f64().unwrap()).abs() < 1e-6
            );
        }
        for key in ["tp", "fp", "fn", "tn"] {
            assert_eq!(
                metrics["per_class"][label][key],
                expected["per_class"]["biased"][key]
            );
        }
    }
}

#[test]
fn a_post_without_an_image_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let image = post_image(&rows()[0].image_path).display().to_string();
    let data = folder.path().join("posts.csv");
    fs::write(
        &data,
        format!("text,image_path,label\nno picture,,0\n,{image},1\n"),
    )
    .unwrap();
    let told = run(["predict", &text(&data), "--model", &model()]).expect(1);
    let records = lines(&told.stdout);
    assert!(
        records[0]["error"]
            .as_str()
            .unwrap()
            .contains("has no image")
    );
    assert_eq!(records[1]["error"], Value::Null);
}

#[test]
fn inspect_shows_the_logit_and_both_answers_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path(), "labels", |row| row.true_labels.join(","));
    for row in rows().iter().step_by(13) {
        let index = row.index.to_string();
        let ours = run(["inspect", &data, "--index", &index, "--model", &model()])
            .expect(0)
            .json();
        assert_eq!(ours["prompt"], *row.text);
        assert_eq!(ours["input_ids"].as_array().unwrap().len(), row.padded_to);
        assert_eq!(ours["pixel_values"]["shape"], json!([1, 3, 64, 64]));
        assert_eq!(ours["labels"], json!(row.labels));
        let logit = ours["first_logits_top10"][0][1].as_f64().unwrap();
        assert!((logit - f64::from(row.logit)).abs() < 1e-4);
        let logprobs = &ours["label_set_logprobs"];
        let sum = ["[]", r#"["biased"]"#].map(|set| logprobs[set].as_f64().unwrap().exp());
        assert!((sum[1] - row.probability).abs() < 1e-6 && (sum[0] + sum[1] - 1.0).abs() < 1e-9);
    }
}

#[test]
fn inspect_gives_no_labels_where_the_model_knows_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path(), "labels", |_| String::new());
    let asked = ["inspect", &data, "--index", "0", "--model", &model()];
    let ours = run([asked.as_slice(), &["--labels", "racist,sexist"]].concat());
    assert_eq!(ours.expect(0).json()["labels"], Value::Null);
}

#[test]
fn nothing_in_a_hostile_file_runs_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path(), "labels", |_| String::new());
    let marker = folder.path().join("it ran");
    for (name, reason) in HOSTILE {
        let copy = Copy::new();
        let file = fixture("bias_classifier/hostile").join(format!("{name}.pth"));
        fs::copy(file, copy.file("model_weights.pth")).unwrap();
        let mut command = overrule(["predict", &data, "--model", &text(copy.path())]);
        let told = ended(command.env("OVERRULE_MARKER", &marker).output().unwrap()).expect(2);
        assert!(told.stderr.contains(reason), "{name}: {}", told.stderr);
        assert!(!marker.exists(), "{name} ran");
    }
}

#[test]
fn the_published_layout_runs_from_a_cache_of_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("hub");
    let data = dataset(folder.path(), "labels", |row| row.true_labels.join(","));
    // As published: encoders by name, only the classifier's own weights; the vocabulary under BERT's newer name.
    let copy = Copy::new();
    copy.replace(
        "config.json",
        r#"": "text_encoder""#,
        r#"": "bert-base-uncased""#,
    );
    copy.replace(
        "config.json",
        r#"": "image_encoder""#,
        r#"": "someone/resnet""#,
    );
    let repository = "maximuspowers/multimodal-bias-classifier";
    let encoders = ["text_encoder", "image_encoder"].map(|part| {
        let moved = folder.path().join(part);
        fs::rename(copy.file(part), &moved).unwrap();
        moved
    });
    cache_with(
        &cache,
        &[
            (repository, copy.path()),
            ("google-bert/bert-base-uncased", &encoders[0]),
            ("someone/resnet", &encoders[1]),
        ],
    );
    for name in [repository, "bias-classifier"] {
        let mut command = overrule(["predict", &data, "--limit", "3", "--model", name]);
        let told = ended(command.env("HF_HUB_CACHE", &cache).output().unwrap()).expect(0);
        for (record, row) in lines(&told.stdout).iter().zip(rows()) {
            assert_eq!(record["labels"], json!(row.labels));
            assert_eq!(record["run"]["revision"], "c0ffee");
        }
    }
}
