//! The model that ships with Overrule: found by its name, and as good as its card says.

use std::{fs, path::Path};

use overrule::{
    image::decode_file,
    metrics::{Pair, evaluate},
    model::{Adapter, DeviceChoice, LoadedModel, ModelSpec, PromptStyle, load},
    post::LabelNames,
    predict::answer::{Parse, parse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    common::{fixture, read_jsonl},
    parity::{answer_one, assert_top10},
};

/// What transformers makes of a post of `data/demo`.
#[derive(Deserialize)]
struct Row {
    image_path: String,
    text: String,
    true_labels: Option<Vec<String>>,
    first_logits_top10: Vec<(u32, f64)>,
    generated_ids: Vec<u32>,
    generated_text: String,
    base_generated_ids: Vec<u32>,
}

fn load_demo(adapter: Adapter) -> LoadedModel {
    let spec = ModelSpec {
        model: "demo".to_owned(),
        adapter,
        device: DeviceChoice::Cpu,
        ..ModelSpec::default()
    };
    load(&spec, &mut |_| true).unwrap()
}

#[test]
fn the_demo_model_gives_the_references_answers_and_the_scores_on_its_card() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows: Vec<Row> = read_jsonl(&fixture("demo_expected.jsonl"));
    let mut model = load_demo(Adapter::Default);
    assert!(model.info.is_demo);
    assert!(model.info.adapter.is_some());
    let labels = LabelNames::new(model.info.labels.clone().unwrap()).unwrap();
    let mut base = load_demo(Adapter::None);
    assert_eq!(base.info.adapter, None);

    let mut pairs = Vec::new();
    for row in &rows {
        let image = decode_file(&root.join("data/demo").join(&row.image_path)).unwrap();
        let style = PromptStyle::Trained;
        let input = model
            .processor
            .prepare(&row.text, Some(&image), style, &labels)
            .unwrap();
        let generated = answer_one(&mut model, &input, 64);
        assert_top10(&generated, &row.first_logits_top10, &row.image_path);
        assert_eq!(generated.ids, row.generated_ids, "{}", row.image_path);
        let text = model.processor.decode(&generated.ids).unwrap();
        assert_eq!(text, row.generated_text, "{}", row.image_path);
        let alone = answer_one(&mut base, &input, 64);
        assert_eq!(
            alone.ids, row.base_generated_ids,
            "{} without the adapter",
            row.image_path
        );

        if let Some(truth) = &row.true_labels {
            let parsed = parse(&text, &labels);
            pairs.push(Pair {
                truth: labels.resolve(truth.iter().map(String::as_str)).0,
                predicted: parsed.labels,
                parse_failed: parsed.parse == Parse::Failed,
                failed: false,
            });
        }
    }

    let card = fs::read_to_string(root.join("assets/demo-model/metrics.json")).unwrap();
    let card: Value = serde_json::from_str(&card).unwrap();
    let metrics = evaluate(&labels, pairs);
    for (name, found) in [
        ("f1_micro", metrics.f1_micro),
        ("f1_macro", metrics.f1_macro),
        ("subset_accuracy", metrics.subset_accuracy),
        ("hamming_loss", metrics.hamming_loss),
    ] {
        let expected = card["base_plus_adapter"][name].as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-6,
            "{name} is {found}, the card says {expected}"
        );
    }
}
