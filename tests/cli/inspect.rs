//! `overrule inspect`: every number against the goldens.

use serde_json::{Value, json};

use super::run::{agree, model_args, run, test_posts, text};
use crate::common::{fixture, goldens};

fn inspect(index: usize, more: &[&str]) -> Vec<String> {
    let mut args = vec!["inspect".to_owned(), text(&test_posts())];
    args.extend(["--index".to_owned(), index.to_string()]);
    args.extend(model_args());
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

#[test]
fn every_number_is_that_of_transformers() {
    let goldens = goldens(&fixture("paligemma2"));
    for (expected, pil) in goldens.iter().step_by(9) {
        let ours = run(inspect(expected.index, &[])).expect(0).json();
        let close = |key: &str, golden: Value, tolerance: f64| {
            let ours = &ours[key];
            assert!(
                agree(ours, &golden, tolerance),
                "post {}: {key}: {ours} {golden}",
                expected.index
            );
        };
        let keys: Vec<&String> = ours.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "prompt",
                "input_ids",
                "pixel_values",
                "first_logits_top10",
                "generated_ids",
                "generated_text",
                "labels",
                "label_set_logprobs",
                "seconds"
            ]
        );
        assert_eq!(ours["prompt"], *expected.trained.prompt);
        assert_eq!(ours["input_ids"], json!(expected.trained.input_ids));
        assert_eq!(ours["generated_ids"], json!(expected.trained.generated_ids));
        assert_eq!(ours["generated_text"], *expected.trained.generated_text);
        assert_eq!(ours["labels"], json!(expected.trained.labels));
        let pixels = &pil.pixel_values;
        let golden = json!({
            "shape": pixels.shape,
            "mean": pixels.mean,
            "std": pixels.std,
            "first16": pixels.first16,
            "strided16": pixels.strided16,
        });
        close("pixel_values", golden, 1e-6);
        close(
            "first_logits_top10",
            json!(pil.trained.first_logits_top10),
            1e-3,
        );
        // The goldens' log-probabilities are of torchvision's pixels, which differ in the last level.
        close(
            "label_set_logprobs",
            json!(expected.label_set_logprobs),
            2e-2,
        );
    }
}

#[test]
fn a_post_that_does_not_exist_is_an_error_before_the_model_loads() {
    let told = run(inspect(40, &["--model-that-is-not-an-option"])).expect(2);
    assert!(told.stderr.contains("--model-that-is-not-an-option"));
    let told = run(inspect(40, &[])).expect(2);
    assert!(told.stderr.contains("has 40 posts"), "{}", told.stderr);
    // As a load says that it has begun.
    let reads = "reading weights";
    assert!(!told.stderr.contains(reads), "{}", told.stderr);
    let loaded = run(inspect(0, &[])).expect(0);
    assert!(loaded.stderr.contains(reads), "{}", loaded.stderr);
}
