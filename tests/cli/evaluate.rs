//! `overrule evaluate`: the goldens' metrics, runs, and what is left out.

use std::{fs, path::Path};

use overrule::{
    dataset::{self, OpenOptions},
    post::{LabelNames, LabelSet},
    predict::{
        answer::Parse,
        prediction::{Prediction, Record, RunInfo, Score, Seconds},
        record_file::write_record,
    },
    review::Action,
};
use serde_json::{Value, json};

use super::run::{agree, predict, run, test_posts, text, write_dataset};
use crate::{
    common::{Expected, fixture, read_jsonl},
    reviewing::Watched,
};

fn golden_metrics() -> Value {
    let bytes = fs::read(fixture("paligemma2/metrics.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Checks every figure that a golden has against ours.
fn assert_like_the_golden(ours: &Value, golden: &Value) {
    for (key, golden) in golden.as_object().unwrap() {
        let ours = ours.get(key).unwrap_or_else(|| panic!("no {key}"));
        match golden.as_object() {
            Some(_) => assert_like_the_golden(ours, golden),
            None => assert!(agree(ours, golden, 1e-6), "{key}: {ours} {golden}"),
        }
    }
}

fn evaluate(predictions: &Path, more: &[&str]) -> Vec<String> {
    let mut args = vec![
        "evaluate".to_owned(),
        text(predictions),
        "--data".to_owned(),
    ];
    args.push(text(&test_posts()));
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

/// A run that no model made.
fn run_info(model: &str, labels: &LabelNames) -> RunInfo {
    RunInfo {
        model: model.to_owned(),
        revision: None,
        adapter: None,
        prompt: "trained".to_owned(),
        dtype: "f32".to_owned(),
        device: "cpu".to_owned(),
        image_setting: None,
        max_new_tokens: None,
        label_set: labels.iter().map(str::to_owned).collect(),
        version: "0".to_owned(),
    }
}

fn says(labels: LabelSet) -> Prediction {
    Prediction {
        labels,
        raw: "…".to_owned(),
        parse: Parse::Clean,
        ..Prediction::failed("", Seconds::default())
    }
}

/// A predictions file on the test posts; `answer` gives what is said of the post at a place.
fn write_predictions(path: &Path, answer: impl Fn(usize) -> Option<Prediction>) {
    write_predictions_of(&test_posts(), path, answer);
}

/// The same on other posts.
fn write_predictions_of(data: &Path, path: &Path, answer: impl Fn(usize) -> Option<Prediction>) {
    let dataset = dataset::open(data, &OpenOptions::default()).unwrap();
    let mut bytes = Vec::new();
    for (place, post) in dataset.posts.iter().enumerate() {
        if let Some(mut prediction) = answer(place) {
            prediction.error = prediction.error.filter(|error| !error.is_empty());
            let run = run_info("made up", &dataset.labels);
            let record = Record::new(place, post, &dataset.labels, prediction, run);
            write_record(&mut bytes, &record).unwrap();
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_metrics_are_those_of_the_original_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    run(predict(&test_posts(), &["--out", &text(&out)])).expect(0);
    let ours = run(evaluate(&out, &["--json"])).expect(0).json();
    assert_like_the_golden(&ours, &golden_metrics()["base_plus_adapter"]);
    assert_eq!(ours["n"], 40);
    assert_eq!(
        (&ours["truth"], &ours["parse_failures"]),
        (&json!("dataset"), &json!(0))
    );
}

#[test]
fn imperfect_answers_get_the_figures_that_scikit_learn_gives() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("base.jsonl");
    let expected: Vec<Expected> = read_jsonl(&fixture("paligemma2/expected.jsonl"));
    let labels = LabelNames::new(
        fs::read_to_string(fixture("posts/class_names.txt"))
            .unwrap()
            .lines(),
    )
    .unwrap();
    write_predictions(&out, |place| {
        let base = expected[place].trained.base.base_labels.as_ref().unwrap();
        Some(says(labels.resolve(base.iter().map(String::as_str)).0))
    });
    let ours = run(evaluate(&out, &["--json"])).expect(0).json();
    assert_like_the_golden(&ours, &golden_metrics()["base"]);
    assert!(ours["f1_micro"].as_f64().unwrap() < 0.5);
}

#[test]
fn what_is_left_out_or_counted_as_empty_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    write_predictions(&out, |place| match place {
        0 => None,
        1 => Some(Prediction::failed("no picture", Seconds::default())),
        2 => Some(Prediction {
            parse: Parse::Failed,
            ..says(LabelSet::EMPTY)
        }),
        _ => Some(says(LabelSet::EMPTY)),
    });
    let json = run(evaluate(&out, &["--json"])).expect(0).json();
    assert_eq!(json["n"], 39);
    assert_eq!(json["without_prediction"], 1);
    assert_eq!(json["failed"], 1);
    assert_eq!(json["parse_failures"], 1);
    insta::assert_snapshot!(run(evaluate(&out, &[])).expect(0).stdout);
}

#[test]
fn the_last_run_counts_unless_another_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    for prompt in ["card", "trained"] {
        let more = ["--limit", "2", "--prompt", prompt, "--out", &text(&out)];
        run(predict(&test_posts(), &more)).expect(0);
    }
    for (more, prompt) in [
        (vec!["--json"], "trained"),
        (vec!["--json", "--run", "1"], "card"),
    ] {
        let ended = run(evaluate(&out, &more)).expect(0);
        assert_eq!(ended.json()["run"]["prompt"], prompt);
        assert!(ended.stderr.contains("holds 2 runs"), "{}", ended.stderr);
    }
    run(evaluate(&out, &["--run", "3"])).expect(2);
}

#[test]
fn decisions_of_a_review_are_the_truth_where_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let (out, session) = (
        folder.path().join("out.jsonl"),
        folder.path().join("review.overrule"),
    );
    let dataset = dataset::open(&test_posts(), &OpenOptions::default()).unwrap();
    let truth: Vec<LabelSet> = dataset
        .posts
        .iter()
        .map(|post| post.truth.unwrap())
        .collect();
    write_predictions(&out, |place| Some(says(truth[place])));
    let mut opened = Watched::open(dataset, &session);
    for (post, labels, assisted) in [(0, truth[0].toggled(0), false), (1, truth[1], true)] {
        opened
            .session
            .apply(post, Action::Confirm { labels, assisted });
    }
    opened.wait_until_saved();
    opened.close();

    let args = ["evaluate", &text(&out), "--session", &text(&session)];
    let json = run([args.as_slice(), &["--json"]].concat())
        .expect(0)
        .json();
    assert_eq!(
        (&json["truth"], &json["n"]),
        (&json!("combined"), &json!(40))
    );
    assert!(agree(&json["subset_accuracy"], &json!(39.0 / 40.0), 1e-12));
    // Who sees an answer first tends to agree with it.
    for (seen, right) in [("blind", 0.0), ("assisted", 1.0)] {
        let decided = &json["decided"][seen];
        assert_eq!(decided["n"], 1);
        assert!(
            agree(&decided["subset_accuracy"], &json!(right), 1e-12),
            "{decided}"
        );
    }
    let told = run(args).expect(0).stdout;
    assert!(
        told.contains("blind") && told.contains("assisted"),
        "{told}"
    );
}

#[test]
fn posts_without_a_text_are_known_by_their_picture_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    let data = write_dataset(
        folder.path(),
        "image_path,labels\na.png,racist\nb.png,sexist\nc.png,\n",
    );
    write_predictions_of(&data, &out, |place| {
        let labels = [
            LabelSet::from_bits(1),
            LabelSet::from_bits(2),
            LabelSet::from_bits(4),
        ];
        Some(says(labels[place]))
    });
    let args = ["evaluate", &text(&out), "--data", &text(&data), "--json"];
    // A picture that is called otherwise now stands first, and takes nobody's place.
    fs::write(
        &data,
        "image_path,labels\nA.png,\na.png,racist\nb.png,sexist\n",
    )
    .unwrap();
    let json = run(args).expect(0).json();
    assert_eq!(
        (&json["n"], &json["predictions_of_other_posts"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(json["subset_accuracy"], json!(1.0));
    // Other pictures are other posts, and moved ones are the same.
    fs::write(
        &data,
        "image_path,labels\nx.png,\ny.png,racist\nz.png,sexist\n",
    )
    .unwrap();
    let told = run(args).expect(2).stderr;
    assert!(told.contains("made from another dataset"), "{told}");
    fs::write(
        &data,
        "image_path,labels\nd/a.png,racist\nd/b.png,sexist\nd/c.png,\n",
    )
    .unwrap();
    let json = run(args).expect(0).json();
    assert_eq!(
        (&json["n"], &json["predictions_of_other_posts"]),
        (&json!(3), &json!(0))
    );
}

#[test]
fn labels_that_do_not_exist_are_told_wherever_a_dataset_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (out, report) = (
        folder.path().join("out.jsonl"),
        folder.path().join("report.md"),
    );
    let data = write_dataset(
        folder.path(),
        "text,labels\none,Racist\ntwo,\"Sexist,racist\"\nthree,\n",
    );
    write_predictions_of(&data, &out, |_| Some(says(LabelSet::EMPTY)));
    let (out, data) = (text(&out), text(&data));
    let evaluated = run(["evaluate", &out, "--data", &data]).expect(0);
    assert!(
        evaluated
            .stdout
            .contains("2 posts with labels that are not in the label set"),
        "{}",
        evaluated.stdout
    );
    let json = run(["evaluate", &out, "--data", &data, "--json"]).expect(0);
    assert_eq!(json.json()["unknown_labels"], 2);
    assert_eq!(json.json()["dataset_problems"], 2);
    let reported = run(["report", &out, "--data", &data, "--out", &text(&report)]).expect(0);
    let predicted = run(predict(Path::new(&data), &["--limit", "1"]));
    for told in [
        evaluated.stderr,
        json.stderr,
        reported.stderr,
        predicted.stderr,
    ] {
        assert!(
            told.contains("posts.csv: unknown label, 2 times; the first: line 2: “Racist” is not"),
            "{told}"
        );
    }
    let report = fs::read_to_string(report).unwrap();
    assert!(
        report.contains("labels that are not in the label set"),
        "{report}"
    );
}

#[test]
fn predictions_of_another_dataset_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    write_predictions(&out, |_| Some(says(LabelSet::EMPTY)));
    let other = text(&write_dataset(
        folder.path(),
        "text,image_path,labels\nhello,a.png,racist\n",
    ));
    let told = run(["evaluate", &text(&out), "--data", &other])
        .expect(2)
        .stderr;
    assert!(told.contains("made from another dataset"), "{told}");
}

#[test]
fn two_files_are_compared_on_the_posts_that_both_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
    let first = LabelSet::from_bits(1);
    write_predictions(&a, |place| (place != 0).then(|| says(LabelSet::EMPTY)));
    write_predictions(&b, |place| match place {
        1 => Some(Prediction::failed("no picture", Seconds::default())),
        2..=5 => Some(says(first)),
        _ => Some(says(LabelSet::EMPTY)),
    });
    let against = ["--against", &text(&b)];
    let json = run(evaluate(&a, &[against.as_slice(), &["--json"]].concat()))
        .expect(0)
        .json();
    let agreement = &json["agreement"];
    assert_eq!(agreement["predicted_by_both"], 39);
    assert_eq!(
        (&agreement["n"], &agreement["unread_left_out"]),
        (&json!(38), &json!(1))
    );
    assert_eq!(agreement["equal_label_sets"], 34);
    let label = json["agreement"]["per_label"].as_object().unwrap();
    let racist = label.values().next().unwrap();
    assert_eq!(
        (&racist["only_b"], &racist["kappa"]),
        (&json!(4), &json!(0.0))
    );
    for side in ["a", "b"] {
        assert_eq!(json[side]["n"], 39);
        assert_eq!(json[side]["run"]["model"], "made up");
    }
    assert_eq!(json["b"]["failed"], 1);
    insta::assert_snapshot!(run(evaluate(&a, &against)).expect(0).stdout);
    // A run of the second file that is not there.
    run(evaluate(
        &a,
        &["--against", &text(&b), "--against-run", "2"],
    ))
    .expect(2);
}

#[test]
fn every_figure_is_written_once_and_replaced_only_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let predictions = folder.path().join("made.jsonl");
    write_predictions(&predictions, |place| {
        let scores = |p: f64| {
            let score = Score { p, lo: p, hi: p };
            Some(vec![score; 5])
        };
        let mut said = says(LabelSet::from_bits(place as u64 % 4));
        said.scores = scores(place as f64 / 40.0);
        Some(said)
    });
    let figures = text(&folder.path().join("new").join("figures"));
    let done = run(evaluate(&predictions, &["--figures", &figures])).expect(0);
    assert!(
        done.stdout.contains("micro F1"),
        "the scores are printed as ever"
    );
    assert!(
        done.stderr.contains("figures, each as SVG, PNG and CSV"),
        "{}",
        done.stderr
    );
    for name in [
        "f1-by-label",
        "confused-labels",
        "precision-recall-1-racist",
        "reliability-1-racist",
    ] {
        for ending in ["svg", "png", "csv"] {
            let file = Path::new(&figures).join(format!("{name}.{ending}"));
            assert!(file.metadata().unwrap().len() > 100, "{}", file.display());
        }
    }
    let again = run(evaluate(&predictions, &["--figures", &figures])).expect(2);
    assert!(
        again.stderr.contains("replace its figures with --force"),
        "{}",
        again.stderr
    );
    let other = text(&predictions);
    let two = ["--figures", &figures, "--force", "--against", &other];
    run(evaluate(&predictions, &two)).expect(0);
    let csv = fs::read_to_string(Path::new(&figures).join("f1-by-label.csv")).unwrap();
    assert!(
        csv.contains("A: F1,racist") && csv.contains("B: F1,racist"),
        "{csv}"
    );
}
