//! Predictions that a dataset's own file carries are runs of the session: shown, counted and compared without any model.

use std::{fs, sync::Arc};

use overrule::{
    dataset::{OpenOptions, open},
    review::{
        Session,
        session::{Exposure, Truth},
    },
};

use crate::common::PATIENCE;

/// A session over one file.
struct Work {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Work {
    fn new(name: &'static str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        Self { folder, name }
    }

    /// Opens the session and waits until everything in it was read.
    fn open(&self) -> Session {
        let dataset = open(&self.folder.path().join(self.name), &OpenOptions::default()).unwrap();
        let (wake, woken) = crossbeam_channel::bounded(64);
        let file = self.folder.path().join("x.overrule");
        let mut session = Session::open(Arc::new(dataset), &file, move || {
            // A full channel has been told already.
            let _ = wake.try_send(());
        })
        .unwrap();
        session.look_for_runs();
        while session.is_loading() || session.runs().is_none() {
            woken.recv_timeout(PATIENCE).expect("news");
            session.poll();
        }
        session
    }
}

/// What the shown run says about each post: labels and the answer's probability.
fn said(session: &Session) -> Vec<String> {
    let labels = &session.dataset().labels;
    let of = |post: usize| {
        session.prediction(post).map_or_else(
            || "-".to_owned(),
            |said| {
                let p = said.answer_logprob.map(|p| format!(" {:.2}", p.exp()));
                format!(
                    "[{}]{}",
                    labels.names_of(said.labels).join(","),
                    p.unwrap_or_default()
                )
            },
        )
    };
    (0..session.dataset().posts.len()).map(of).collect()
}

#[test]
fn every_format_that_carries_predictions_gives_a_run_of_its_model() {
    for (name, text, model, expected) in [
        (
            "posts.jsonl",
            "{\"text\": \"a\", \"labels\": [\"x\"], \"prediction\": {\"labels\": [\"y\"], \"model\": \"m\", \"scores\": {\"x\": 0.1, \"y\": 0.7}}}\n\
             {\"text\": \"b\", \"labels\": [\"y\"]}\n",
            "m",
            vec!["[y]", "-"],
        ),
        (
            "tasks.json",
            r#"[{"data": {"text": "a"}, "predictions": [{"model_version": "v1", "score": 0.5, "result": [{"type": "choices", "value": {"choices": ["y"]}}]}]},
                {"data": {"text": "b"}, "predictions": [{"model_version": "v1", "score": 0.25, "result": []}]}]"#,
            "v1",
            vec!["[y] 0.50", "[] 0.25"],
        ),
        (
            "records.json",
            r#"[{"fields": {"text": "a"}, "responses": {"l": [{"value": ["x"], "status": "submitted"}]}, "suggestions": {"l": {"value": ["x"], "score": [0.5], "agent": "ag"}}}]"#,
            "ag",
            vec!["[x] 0.50"],
        ),
        (
            "predictions.json",
            r#"{"classes": ["y", "x"], "labels": {"a": [{"label": "x", "confidence": 0.5}], "b": {"label": 0, "confidence": 0.75}, "c": []}}"#,
            "FiftyOne predictions",
            vec!["[x] 0.50", "[y] 0.75", "[]"],
        ),
    ] {
        let work = Work::new(name, text);
        let session = work.open();
        assert_eq!(
            session.run().map(|run| run.model.as_str()),
            Some(model),
            "{name}"
        );
        assert_eq!(said(&session), expected, "{name}");
        drop(session);
        // Another day they are there, and there is still one run.
        let session = work.open();
        assert_eq!(said(&session), expected, "{name}");
        assert_eq!(session.runs().map(<[_]>::len), Some(1), "{name}");
    }
}

#[test]
fn imported_predictions_are_measured_against_the_files_own_labels_and_two_models_are_compared() {
    let work = Work::new(
        "tasks.json",
        r#"[{"data": {"text": "a"}, "annotations": [{"result": [{"type": "choices", "value": {"choices": ["x"]}}]}],
             "predictions": [{"model_version": "v1", "result": [{"type": "choices", "value": {"choices": ["x"]}}]},
                             {"model_version": "v2", "result": []}]},
            {"data": {"text": "b"}, "annotations": [{"result": []}],
             "predictions": [{"model_version": "v1", "result": [{"type": "choices", "value": {"choices": ["x"]}}]}]}]"#,
    );
    let mut session = work.open();
    let pairs = session.pairs(Truth::Dataset, Exposure::Any).count();
    assert_eq!(pairs, 2);
    let models: Vec<(String, usize)> = session
        .runs()
        .unwrap()
        .iter()
        .map(|run| (run.info.model.clone(), run.predicted))
        .collect();
    assert!(
        models.contains(&("v1".to_owned(), 2)) && models.contains(&("v2".to_owned(), 1)),
        "{models:?}"
    );
    // A run that somebody chose stays chosen.
    let second = session
        .runs()
        .unwrap()
        .iter()
        .find(|run| run.info.model == "v2")
        .unwrap();
    let second = second.info.clone();
    session.begin_run(second.clone());
    drop(session);
    assert_eq!(work.open().run(), Some(&second));
}

#[test]
fn the_records_of_predict_come_back_as_the_run_that_made_them() {
    let run = r#"{"model": "tiny", "revision": null, "adapter": "lora", "prompt": "trained", "dtype": "f32", "device": "cpu", "label_set": ["x"], "version": "0"}"#;
    let line = |id: u128, text: &str, labels: &str, error: &str| {
        format!(
            "{{\"id\": \"{:032x}\", \"index\": 0, \"text\": \"{text}\", \"image_path\": \"\", \"labels\": {labels}, \"raw\": \"r {text}\", \
             \"parse\": \"clean\", \"unknown_labels\": [], \"scores\": null, \"answer_logprob\": -0.5, \"margin\": null, \"n_tokens\": 3, \
             \"seconds\": {{\"image\": 0, \"vision\": 0, \"prefill\": 0, \"decode\": 0}}, \"error\": {error}, \"run\": {run}}}\n",
            id
        )
    };
    let text = line(7, "a", "[\"x\"]", "null") + &line(8, "b", "[]", "\"no image\"");
    let session = Work::new("predictions.jsonl", &text).open();
    let shown = session.run().unwrap();
    assert_eq!(
        (shown.model.as_str(), shown.adapter.as_deref()),
        ("tiny", Some("lora"))
    );
    assert_eq!(session.prediction(0).unwrap().raw, "r a");
    assert_eq!(
        session.prediction(1).unwrap().error.as_deref(),
        Some("no image")
    );
    assert!(
        session
            .dataset()
            .posts
            .iter()
            .all(|post| post.truth.is_none())
    );
}

#[test]
fn records_bring_the_label_set_of_their_run_and_a_post_that_was_asked_again_is_one() {
    let run = |model: &str, label_set: &str| {
        format!(
            r#"{{"model": "{model}", "revision": null, "adapter": null, "prompt": "trained", "dtype": "f32", "device": "cpu", "label_set": {label_set}, "version": "0"}}"#
        )
    };
    let line = |id: u32, text: &str, labels: &str, error: &str, run: &str| {
        format!(
            "{{\"id\": \"{id:032x}\", \"index\": 0, \"text\": \"{text}\", \"image_path\": \"\", \"labels\": {labels}, \"raw\": \"r\", \
             \"parse\": \"clean\", \"unknown_labels\": [], \"scores\": null, \"answer_logprob\": null, \"margin\": null, \"n_tokens\": 3, \
             \"seconds\": {{\"image\": 0, \"vision\": 0, \"prefill\": 0, \"decode\": 0}}, \"error\": {error}, \"run\": {run}}}\n",
        )
    };
    let tiny = run("tiny", r#"["racist", "sexist", "otherhate"]"#);
    let other = run("other", r#"["otherhate", "spam"]"#);
    let text = [
        line(1, "a", "[\"otherhate\"]", "null", &tiny),
        line(2, "b", "[]", "\"no image\"", &tiny),
        line(3, "c", "[]", "null", &tiny),
        line(2, "b", "[\"racist\"]", "null", &tiny),
        line(1, "a", "[\"spam\"]", "null", &other),
    ]
    .concat();
    let work = Work::new("predictions.jsonl", &text);
    let dataset = open(&work.folder.path().join(work.name), &OpenOptions::default()).unwrap();
    let names: Vec<&str> = dataset.labels.iter().collect();
    assert_eq!(names, ["racist", "sexist", "otherhate", "spam"]);
    let texts: Vec<&str> = dataset.posts.iter().map(|post| &*post.text).collect();
    assert_eq!(texts, ["a", "b", "c"]);
    let cells: Vec<&str> = dataset.posts.iter().map(|post| &*post.extra[0]).collect();
    assert_eq!(
        cells,
        [
            "otherhate (tiny); spam (other)",
            "racist (tiny)",
            "none (tiny)"
        ]
    );
    let answers = |run: usize| -> Vec<(usize, Vec<&str>)> {
        let answers = dataset.imported[run].answers.iter();
        answers
            .map(|(post, said)| (*post, dataset.labels.names_of(said.labels)))
            .collect()
    };
    assert_eq!(dataset.imported.len(), 2);
    assert_eq!(
        answers(0),
        [(0, vec!["otherhate"]), (1, vec!["racist"]), (2, vec![])]
    );
    assert_eq!(answers(1), [(0, vec!["spam"])]);
    assert!(dataset.imported[0].answers[1].1.error.is_none());
}
