//! The bias classifier against what PyTorch computes, and where its files may lie.

use std::{
    fs,
    path::{Path, PathBuf},
};

use overrule::{
    image::decode_file,
    model::{
        Classifier, Engine, LoadedModel, ModelError, ModelInput, ModelSpec, PromptStyle, load,
    },
    post::LabelNames,
    predict::classify,
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::common::{TensorStats, fixture, post_image, read_jsonl};

/// How far a logit may lie from the reference's. The logits reach 50, so this is the rounding of f32.
const LOGIT_TOLERANCE: f32 = 1e-4;

/// A row of the goldens.
#[derive(Deserialize)]
pub struct Row {
    pub index: usize,
    pub image_path: String,
    pub text: String,
    pub true_labels: Vec<String>,
    pub input_ids: Vec<u32>,
    pub padded_to: usize,
    pub pixel_values: TensorStats,
    pub logit: f32,
    pub probability: f64,
    pub labels: Vec<String>,
}

/// Both fixtures, with their goldens.
fn fixtures() -> [(PathBuf, Vec<Row>); 2] {
    ["concat", "align"].map(|fusion| {
        let folder = fixture("bias_classifier").join(fusion);
        let rows = read_jsonl(&folder.join("expected.jsonl"));
        (folder, rows)
    })
}

fn load_from(folder: &Path) -> Result<LoadedModel, ModelError> {
    let spec = ModelSpec {
        model: folder.display().to_string(),
        ..ModelSpec::default()
    };
    load(&spec, &mut |_| true)
}

fn labels() -> LabelNames {
    LabelNames::new(["biased"]).unwrap()
}

fn prepare(model: &LoadedModel, row: &Row) -> ModelInput {
    let image = decode_file(&post_image(&row.image_path)).unwrap();
    let style = PromptStyle::Trained;
    model
        .processor
        .prepare(&row.text, Some(&image), style, &labels())
        .unwrap()
}

fn classifier(model: &mut LoadedModel) -> &mut dyn Classifier {
    match &mut model.engine {
        Engine::Classifier(classifier) => &mut **classifier,
        Engine::Generative(_) | Engine::Remote(_) => panic!("a classifier was expected"),
    }
}

fn logits(model: &mut LoadedModel, inputs: &[&ModelInput]) -> Vec<f32> {
    let (rows, _) = classify::logits(classifier(model), inputs).unwrap();
    rows.into_iter().map(|row| row.unwrap()[0]).collect()
}

fn error_of(folder: &Path) -> String {
    load_from(folder)
        .map(|model| model.info)
        .unwrap_err()
        .to_string()
}

#[test]
fn ids_pixels_logits_and_labels_are_those_of_the_reference() {
    for (folder, rows) in fixtures() {
        let mut model = load_from(&folder).unwrap();
        assert_eq!(model.info.labels, Some(vec!["biased".to_owned()]));
        for row in &rows {
            let what = format!("{} post {}", folder.display(), row.index);
            let input = prepare(&model, row);
            let (ids, filling) = input.input_ids.split_at(row.input_ids.len());
            assert_eq!(ids, row.input_ids, "{what}");
            assert_eq!(input.input_ids.len(), row.padded_to, "{what}");
            assert!(filling.iter().all(|id| *id == 0), "{what}");
            assert_pixels(&input, &row.pixel_values, &what);
            let logit = logits(&mut model, &[&input])[0];
            assert!(
                (logit - row.logit).abs() < LOGIT_TOLERANCE,
                "{what}: {logit} {}",
                row.logit
            );
            let classes = classify::Classes::new(model.info.labels.as_ref().unwrap(), &labels());
            let prediction = classes.prediction(&[logit], Default::default());
            let probability = prediction.scores.unwrap()[0].p;
            assert!((probability - row.probability).abs() < 1e-6, "{what}");
            assert_eq!(labels().names_of(prediction.labels), row.labels, "{what}");
        }
    }
}

fn assert_pixels(input: &ModelInput, expected: &TensorStats, what: &str) {
    let pixels = input.pixel_values.as_ref().unwrap();
    assert_eq!(pixels.shape, expected.shape, "{what}");
    let n = pixels.values.len();
    let strided = (0..16).map(|i| pixels.values[i * n / 16]);
    let first = pixels.values.iter().copied().take(16);
    let expected = expected.first16.iter().chain(&expected.strided16);
    for (got, expected) in first.chain(strided).zip(expected) {
        assert!(
            (f64::from(got) - expected).abs() < 1e-6,
            "{what}: {got} {expected}"
        );
    }
}

#[test]
fn four_posts_together_get_the_logits_they_get_alone() {
    for (folder, rows) in fixtures() {
        let mut model = load_from(&folder).unwrap();
        for four in rows.chunks(4) {
            let inputs: Vec<_> = four.iter().map(|row| prepare(&model, row)).collect();
            let together = logits(&mut model, &inputs.iter().collect::<Vec<_>>());
            for (logit, row) in together.iter().zip(four) {
                assert!(
                    (logit - row.logit).abs() < LOGIT_TOLERANCE,
                    "post {}",
                    row.index
                );
            }
        }
    }
}

#[test]
fn a_post_needs_an_image_and_no_text() {
    let (folder, rows) = fixtures().into_iter().next().unwrap();
    let mut model = load_from(&folder).unwrap();
    let without_image = model
        .processor
        .prepare("text", None, PromptStyle::Trained, &labels());
    assert!(matches!(without_image, Err(ModelError::NeedsImage)));

    let mut silent = prepare(&model, &rows[0]);
    let image = decode_file(&post_image(&rows[0].image_path)).unwrap();
    let style = PromptStyle::Trained;
    let empty = model
        .processor
        .prepare("", Some(&image), style, &labels())
        .unwrap();
    assert_eq!(empty.input_ids[..3], [2, 3, 0]);
    assert!(logits(&mut model, &[&empty])[0].is_finite());

    // A text of thousands of tokens is cut, and ends as every text does.
    let long = "florp ".repeat(3000);
    let long = model
        .processor
        .prepare(&long, Some(&image), style, &labels())
        .unwrap();
    assert_eq!((long.input_ids.len(), long.input_ids[511]), (512, 3));

    silent.pixel_values = None;
    assert!(classifier(&mut model).logits(&[&silent]).is_err());
    let mut foreign = prepare(&model, &rows[0]);
    foreign.input_ids[1] = 1_000_000;
    assert!(classifier(&mut model).logits(&[&foreign]).is_err());
}

/// A copy of a fixture that may be changed.
pub struct Copy(pub TempDir);

impl Copy {
    pub fn new() -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        let from = fixture("bias_classifier/concat");
        for name in ["config.json", "model_weights.pth"] {
            fs::copy(from.join(name), copy.file(name)).unwrap();
        }
        for part in ["text_encoder", "image_encoder"] {
            crate::common::copy_folder(&from.join(part), &copy.file(part));
        }
        copy
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn replace(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.file(file), text.replace(from, to)).unwrap();
    }
}

/// The fixture's logit of the first post.
fn assert_same(folder: &Path) {
    let (_, rows) = fixtures().into_iter().next().unwrap();
    let mut model = load_from(folder).unwrap();
    for row in &rows[..3] {
        let input = prepare(&model, row);
        assert_eq!(input.input_ids[..row.input_ids.len()], row.input_ids);
        assert!((logits(&mut model, &[&input])[0] - row.logit).abs() < LOGIT_TOLERANCE);
    }
}

#[test]
fn a_safetensors_file_of_the_same_tensors_gives_the_same_answers() {
    let copy = Copy::new();
    // Read by candle's reader of the format: the two agree on every tensor.
    let tensors = candle_core::pickle::read_all(copy.file("model_weights.pth")).unwrap();
    let tensors = tensors.into_iter().collect();
    candle_core::safetensors::save(&tensors, copy.file("model.safetensors")).unwrap();
    fs::remove_file(copy.file("model_weights.pth")).unwrap();
    assert_same(copy.path());
}

#[test]
fn the_vocabulary_may_be_a_list_of_tokens_also_beside_the_weights() {
    let copy = Copy::new();
    fs::remove_file(copy.file("text_encoder/tokenizer.json")).unwrap();
    assert_same(copy.path());
    fs::rename(copy.file("text_encoder/vocab.txt"), copy.file("vocab.txt")).unwrap();
    assert_same(copy.path());
}

#[test]
fn encoders_are_found_beside_the_weights_whatever_the_configuration_calls_them() {
    let copy = Copy::new();
    copy.replace(
        "config.json",
        r#"": "text_encoder""#,
        r#"": "bert-base-uncased""#,
    );
    copy.replace(
        "config.json",
        r#"": "image_encoder""#,
        r#"": "/of/the/trainer/resnet""#,
    );
    assert_same(copy.path());
    copy.replace(
        "config.json",
        "{",
        r#"{"model_type": "multimodal-bias-classifier","#,
    );
    assert_same(copy.path());
}

#[test]
fn what_is_missing_is_named_with_the_places_that_were_looked_at() {
    let copy = Copy::new();
    copy.replace(
        "config.json",
        r#"": "text_encoder""#,
        r#"": "someone/bert""#,
    );
    for name in ["tokenizer.json", "vocab.txt"] {
        fs::remove_file(copy.file("text_encoder").join(name)).unwrap();
    }
    let told = error_of(copy.path());
    let beside = copy.file("text_encoder").display().to_string();
    for part in [
        "vocabulary",
        "someone/bert",
        "text_encoder_id_or_path",
        &beside,
        "hf download someone/bert",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let copy = Copy::new();
    fs::remove_file(copy.file("image_encoder/config.json")).unwrap();
    let told = error_of(copy.path());
    assert!(
        told.contains("config.json") && told.contains("image_encoder"),
        "{told}"
    );
    let copy = Copy::new();
    fs::remove_file(copy.file("model_weights.pth")).unwrap();
    let told = error_of(copy.path());
    assert!(told.contains("model_weights.pth"), "{told}");
}

#[test]
fn settings_that_are_not_computed_are_refused_by_name() {
    for (file, from, to, named) in [
        (
            "config.json",
            r#""num_classes": 1"#,
            r#""num_classes": 3"#,
            "num_classes",
        ),
        (
            "config.json",
            r#""image_size": 64"#,
            r#""image_size": 0"#,
            "image_size",
        ),
        ("config.json", r#""concat""#, r#""attention""#, "attention"),
        (
            "config.json",
            r#""projection_dim": 40"#,
            r#""projection_dim": 41"#,
            "text_projection.0",
        ),
        (
            "image_encoder/config.json",
            r#""basic""#,
            r#""bottleneck""#,
            "layer_type",
        ),
        ("text_encoder/config.json", r#""gelu""#, r#""silu""#, "silu"),
        (
            "text_encoder/config.json",
            r#""num_hidden_layers": 2"#,
            r#""num_hidden_layers": 1"#,
            "encoder.layer.1",
        ),
        (
            "text_encoder/config.json",
            r#""num_hidden_layers": 2"#,
            r#""num_hidden_layers": 3"#,
            "encoder.layer.2",
        ),
        (
            "text_encoder/config.json",
            r#""num_attention_heads": 4"#,
            r#""num_attention_heads": 0"#,
            "num_attention_heads",
        ),
    ] {
        let copy = Copy::new();
        copy.replace(file, from, to);
        let told = error_of(copy.path());
        assert!(told.contains(named), "{to}: {told}");
    }
}

#[test]
fn a_folder_that_names_no_family_is_told_so() {
    let copy = Copy::new();
    fs::write(copy.file("config.json"), r#"{"hidden_size": 4}"#).unwrap();
    let told = error_of(copy.path());
    assert!(
        told.contains("model_type") && told.contains("bias classifier"),
        "{told}"
    );
}

/// Files that must be refused, and a word of the reason.
pub const HOSTILE: [(&str, &str); 10] = [
    ("runs_a_command", "posix.system"),
    ("builds_an_object", "_io.StringIO"),
    ("holds_a_number", "“epoch” in it is a number"),
    ("holds_a_dictionary", "“state_dict” in it is a dictionary"),
    ("transposed", "not stored row by row"),
    ("before_1_6", "before version 1.6"),
    ("cut_off", "cut off"),
    ("a_picture", "no file of PyTorch"),
    ("huge_shape", "[2000000000]"),
    ("compressed", "compressed"),
];

#[test]
fn a_file_that_holds_more_than_tensors_is_refused_by_its_reason() {
    for (name, reason) in HOSTILE {
        let copy = Copy::new();
        let file = fixture("bias_classifier/hostile").join(format!("{name}.pth"));
        fs::copy(file, copy.file("model_weights.pth")).unwrap();
        let told = error_of(copy.path());
        assert!(
            told.contains(reason) && told.contains("model_weights.pth"),
            "{name}: {told}"
        );
    }
}
