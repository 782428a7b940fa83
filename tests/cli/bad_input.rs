//! Bad input: the message says what to do, the exit code is 2, and nothing is lost.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::run::{Run, lines, predict, run, test_posts, text, write_dataset};
use crate::{
    common::{copy_folder, fixture},
    images::png_claiming,
};

/// Runs of the program, as a transcript without what differs between machines.
struct Transcript {
    folder: tempfile::TempDir,
    text: String,
}

impl Transcript {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            text: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the program and notes what it said; it must not get anything done.
    fn refuse(&mut self, case: &str, args: &[&str]) {
        let Run {
            code,
            stdout,
            stderr,
        } = run(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{case}: {stderr}");
        let stderr = self.redacted(&stderr);
        writeln!(self.text, "# {case}\n{stderr}").unwrap();
    }

    fn redacted(&self, text: &str) -> String {
        let folder = self.folder.path().canonicalize().unwrap();
        let mut text = text.replace(folder.to_str().unwrap(), "[FOLDER]");
        text = text.replace(self.folder.path().to_str().unwrap(), "[FOLDER]");
        text.replace(fixture("").to_str().unwrap(), "[FIXTURES]/")
            .replace("[FIXTURES]//", "[FIXTURES]/")
    }
}

#[test]
fn datasets() {
    let mut transcript = Transcript::new();
    let model = text(&fixture("paligemma2/base"));
    let empty = transcript.write("empty.csv", "");
    let header = transcript.write("header.csv", "text,image_path,labels\n");
    let columns = transcript.write("columns.csv", "tweet,picture\nhello,a.png\n");
    let image = transcript.write("holiday.mp4", "");
    let folder = transcript.path("no-images");
    fs::create_dir(&folder).unwrap();
    let unlabelled = transcript.write("unlabelled.csv", "text,image_path\nhello,a.png\n");
    for (case, dataset) in [
        ("no such file", transcript.path("gone.csv")),
        ("an empty CSV", empty),
        ("a CSV without rows", header),
        ("a CSV without the columns", columns),
        ("a file of no known format", image),
        ("a folder without images", folder),
        ("nobody names a label", unlabelled),
    ] {
        transcript.refuse(case, &["predict", &text(&dataset), "--model", &model]);
    }
    insta::assert_snapshot!(transcript.text);
}

#[test]
fn models() {
    let mut transcript = Transcript::new();
    let base = fixture("paligemma2/base");
    let no_weights = transcript.path("no-weights");
    fs::create_dir(&no_weights).unwrap();
    for name in ["config.json", "tokenizer.json", "preprocessor_config.json"] {
        fs::copy(base.join(name), no_weights.join(name)).unwrap();
    }
    let truncated = transcript.path("truncated");
    copy_folder(&base, &truncated);
    let shard = truncated.join("model-00002-of-00004.safetensors");
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() / 2]).unwrap();
    let empty = transcript.path("empty");
    fs::create_dir(&empty).unwrap();

    let posts = text(&test_posts());
    for (case, model) in [
        ("a folder without config.json", &empty),
        ("a folder without weights", &no_weights),
        ("a truncated safetensors", &truncated),
        ("no such folder", &transcript.path("gone")),
    ] {
        transcript.refuse(case, &["predict", &posts, "--model", &text(model)]);
    }
    transcript.refuse(
        "no such preset",
        &["predict", &posts, "--model", "palligemma"],
    );
    transcript.refuse(
        "a model on another machine without its scheme",
        &[
            "predict",
            &posts,
            "--model",
            "openai:localhost:8000/v1#name",
        ],
    );
    transcript.refuse(
        "a Hub id that is not here",
        &["predict", &posts, "--model", "google/paligemma2-3b-pt-224"],
    );
    let other = text(&fixture("paligemma2_b/adapter"));
    let args = [
        "predict",
        &posts,
        "--model",
        &text(&base),
        "--adapter",
        &other,
    ];
    transcript.refuse("an adapter for another base", &args);
    let args = [
        "inspect",
        &posts,
        "--index",
        "0",
        "--model",
        &text(&base),
        "--adapter",
        &other,
    ];
    transcript.refuse("an adapter for another base, inspected", &args);
    insta::assert_snapshot!(transcript.text);
}

#[test]
fn outputs() {
    let mut transcript = Transcript::new();
    let posts = text(&test_posts());
    let notes = transcript.write("notes.txt", "dear diary");
    let no_folder = transcript.path("gone/out.jsonl");
    for (case, out) in [
        ("a folder that does not exist", no_folder),
        (
            "a folder as the output",
            transcript.folder.path().to_owned(),
        ),
        ("a file of something else", notes.clone()),
    ] {
        let args = predict(Path::new(&posts), &["--out", &text(&out)]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        transcript.refuse(case, &args);
    }
    assert_eq!(fs::read_to_string(notes).unwrap(), "dear diary");
    insta::assert_snapshot!(transcript.text);
}

#[test]
fn sessions_and_predictions() {
    let mut transcript = Transcript::new();
    let posts = text(&test_posts());
    let notes = text(&transcript.write("notes.txt", "dear diary\n"));
    let nothing = text(&transcript.write("nothing.jsonl", ""));
    let gone = text(&transcript.path("gone"));
    let out = text(&transcript.path("train.csv"));
    for (case, args) in [
        (
            "no predictions file",
            vec!["evaluate", &gone, "--data", &posts],
        ),
        (
            "no prediction in it",
            vec!["evaluate", &notes, "--data", &posts],
        ),
        (
            "an empty predictions file",
            vec!["evaluate", &nothing, "--data", &posts],
        ),
        ("no session", vec!["export", &gone, "--out", &out]),
        ("no session in it", vec!["export", &notes, "--out", &out]),
    ] {
        transcript.refuse(case, &args);
    }
    assert!(!Path::new(&out).exists());
    insta::assert_snapshot!(transcript.text);
}

#[test]
fn a_decompression_bomb_is_the_error_of_its_post() {
    let transcript = Transcript::new();
    transcript.write("bomb.png", png_claiming(60_000, 60_000));
    let dataset = write_dataset(
        transcript.folder.path(),
        "text,image_path,labels\nboom,bomb.png,\n",
    );
    let records = lines(&run(predict(&dataset, &[])).expect(1).stdout);
    let error = transcript.redacted(records[0]["error"].as_str().unwrap());
    insta::assert_snapshot!(error);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_the_next_run_goes_on() {
    let told = run(predict(
        &test_posts(),
        &["--limit", "1", "--out", "/dev/full"],
    ))
    .expect(2)
    .stderr;
    assert!(told.contains("free some space"), "{told}");
}

#[test]
fn wrong_arguments_are_refused_with_the_ones_that_exist() {
    let posts = text(&test_posts());
    for (args, named) in [
        (vec!["predict", posts.as_str()], "--model"),
        (
            vec!["predict", &posts, "--model", "demo", "--device", "tpu"],
            "cuda",
        ),
        (
            vec!["predict", &posts, "--model", "demo", "--batch-size", "0"],
            "1..",
        ),
        (
            vec![
                "predict",
                &posts,
                "--model",
                "demo",
                "--adapter",
                "a",
                "--no-adapter",
            ],
            "--adapter",
        ),
        (vec!["evaluate", "out.jsonl"], "--data"),
        (
            vec!["export", "a.overrule", "--out", "b", "--format", "xml"],
            "csv",
        ),
    ] {
        let told = run(&args).expect(2).stderr;
        assert!(told.contains(named), "{args:?}: {told}");
    }
}

#[test]
fn help_and_version_are_data() {
    let help = run(["--help"]).expect(0);
    for word in [
        "review",
        "predict",
        "evaluate",
        "inspect",
        "export",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    let version = run(["--version"]).expect(0);
    assert_eq!(
        version.stdout.trim(),
        format!("overrule {}", overrule::VERSION)
    );
}
