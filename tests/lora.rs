//! Adapters: what is merged, and what an adapter that does not fit is told. Never is one merged by halves.

use std::{fs, path::PathBuf};

use half::f16;
use overrule::model::{Adapter, DtypeChoice, LoadedModel, ModelError};
use safetensors::Dtype;
use tempfile::TempDir;

use crate::{
    common::{copy_folder, fixture, goldens},
    parity::{answer, trained},
    weights::{Tensors, failure, load_from, read_tensors, write_tensors},
};

const Q: &str = "base_model.model.model.language_model.layers.0.self_attn.q_proj";

/// A copy of the fixture's adapter, to be changed.
struct Copy {
    folder: TempDir,
    tensors: Tensors,
}

impl Copy {
    fn new() -> Self {
        let adapter = fixture("paligemma2").join("adapter");
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&adapter, folder.path());
        Self {
            folder,
            tensors: read_tensors(&adapter),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let path = self.path("adapter_config.json");
        let mut config = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut config);
        fs::write(path, config.to_string()).unwrap();
    }

    fn load(&self) -> Result<LoadedModel, ModelError> {
        write_tensors(&self.tensors, &self.path("adapter_model.safetensors"));
        self.load_as_is()
    }

    fn load_as_is(&self) -> Result<LoadedModel, ModelError> {
        let adapter = Adapter::Named(self.folder.path().display().to_string());
        load_from(
            &fixture("paligemma2").join("base"),
            adapter,
            DtypeChoice::F32,
        )
    }
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_and_the_tensor_named() {
    type Change = fn(&mut Tensors);
    let table: [(&str, Change, &[&str]); 9] = [
        (
            "a module that the base does not have",
            |t| {
                for half in ["A", "B"] {
                    let tensor = t[&format!("{Q}.lora_{half}.weight")].clone();
                    let name = Q.replace("layers.0", "layers.7");
                    t.insert(format!("{name}.lora_{half}.weight"), tensor);
                }
            },
            &["layers.7.self_attn.q_proj", "no module", "2 tensors"],
        ),
        (
            "a wrong inner size",
            |t| {
                let a = t.get_mut(&format!("{Q}.lora_A.weight")).unwrap();
                *a = (Dtype::F32, vec![4, 32], vec![0; 512]);
            },
            &["q_proj.lora_A", "[4, 32]", "(r, 64)", "another base"],
        ),
        (
            "a wrong outer size",
            |t| {
                let b = t.get_mut(&format!("{Q}.lora_B.weight")).unwrap();
                *b = (Dtype::F32, vec![32, 4], vec![0; 512]);
            },
            &["q_proj.lora_B", "[32, 4]", "(96, 4)"],
        ),
        (
            "half a pair",
            |t| {
                t.remove(&format!("{Q}.lora_B.weight")).unwrap();
            },
            &["q_proj.lora_A", "q_proj.lora_B", "incomplete"],
        ),
        (
            "a target without tensors",
            |t| {
                t.retain(|name, _| {
                    !name.contains("vision_tower.encoder.layers.1.self_attn.v_proj")
                });
            },
            &[
                "vision_tower.encoder.layers.1.self_attn.v_proj",
                "target_modules",
            ],
        ),
        (
            "a module that is no target",
            |t| {
                for half in ["A", "B"] {
                    let tensor = t[&format!("{Q}.lora_{half}.weight")].clone();
                    let name = Q.replace("q_proj", "nice_proj");
                    t.insert(format!("{name}.lora_{half}.weight"), tensor);
                }
            },
            &["nice_proj", "target_modules"],
        ),
        (
            "a value that is no number",
            |t| {
                let a = t.get_mut(&format!("{Q}.lora_A.weight")).unwrap();
                a.2[..4].copy_from_slice(&f32::NAN.to_le_bytes());
            },
            &["q_proj.lora_A", "finite"],
        ),
        (
            "a vector of DoRA",
            |t| {
                let vector = (Dtype::F32, vec![96], vec![0; 384]);
                t.insert(format!("{Q}.lora_magnitude_vector"), vector);
            },
            &["lora_magnitude_vector", "DoRA"],
        ),
        (
            "the same module under two names",
            |t| {
                let tensor = t[&format!("{Q}.lora_A.weight")].clone();
                let old = Q.replace("model.language_model.", "language_model.model.");
                t.insert(format!("{old}.lora_A.weight"), tensor);
            },
            &[
                "two tensors",
                "language_model.model.layers.0.self_attn.q_proj.lora_A",
            ],
        ),
    ];
    for (what, change, words) in table {
        let mut copy = Copy::new();
        change(&mut copy.tensors);
        let message = failure(copy.load());
        for word in words {
            assert!(message.contains(word), "{what}: {message}");
        }
    }
}

#[test]
fn an_option_that_changes_the_arithmetic_is_refused_by_its_key() {
    let table = [
        ("peft_type", serde_json::json!("IA3")),
        ("use_dora", serde_json::json!(true)),
        ("fan_in_fan_out", serde_json::json!(true)),
        ("modules_to_save", serde_json::json!(["lm_head"])),
        ("bias", serde_json::json!("lora_only")),
        ("lora_bias", serde_json::json!(true)),
        ("layer_replication", serde_json::json!([[0, 2]])),
        ("trainable_token_indices", serde_json::json!([5])),
        ("target_parameters", serde_json::json!(["experts.weight"])),
        ("use_qalora", serde_json::json!(true)),
        ("alora_invocation_tokens", serde_json::json!([1, 2])),
        ("init_lora_weights", serde_json::json!("pissa_niter_4")),
        ("init_lora_weights", serde_json::json!("OLoRA")),
        ("alpha_pattern", serde_json::json!({"(unclosed": 8})),
    ];
    for (key, value) in table {
        let copy = Copy::new();
        copy.config(|config| config[key] = value.clone());
        let message = failure(copy.load());
        assert!(message.contains(key), "{key} = {value}: {message}");
        assert!(
            message.contains("adapter_config.json"),
            "{key} = {value}: {message}"
        );
    }
    for harmless in ["gaussian", "eva", "orthogonal"] {
        let copy = Copy::new();
        copy.config(|config| config["init_lora_weights"] = harmless.into());
        assert!(copy.load().is_ok(), "{harmless}");
    }
}

#[test]
fn a_folder_that_is_no_adapter_is_told_what_it_lacks() {
    let copy = Copy::new();
    fs::remove_file(copy.path("adapter_config.json")).unwrap();
    assert!(failure(copy.load()).contains("adapter_config.json"));

    let copy = Copy::new();
    fs::remove_file(copy.path("adapter_model.safetensors")).unwrap();
    assert!(failure(copy.load_as_is()).contains("adapter_model.safetensors"));

    let copy = Copy::new();
    let bytes = fs::read(copy.path("adapter_model.safetensors")).unwrap();
    fs::write(
        copy.path("adapter_model.safetensors"),
        &bytes[..bytes.len() / 2],
    )
    .unwrap();
    let message = failure(copy.load_as_is());
    assert!(
        message.contains("adapter_model.safetensors") && message.contains("damaged"),
        "{message}"
    );
}

#[test]
fn an_adapter_may_be_named_as_the_model_and_brings_its_base() {
    // The trainer wrote `paligemma2/base`, which is relative to a folder above the adapter.
    let adapter = fixture("paligemma2").join("adapter");
    let model = load_from(&adapter, Adapter::Default, DtypeChoice::F32).unwrap();
    assert_eq!(model.info.name, "paligemma2/base");
    assert_eq!(model.info.adapter.as_deref(), Some("adapter"));
    assert!(model.info.folder.ends_with("paligemma2/base"));

    let base = load_from(&adapter, Adapter::None, DtypeChoice::F32).unwrap();
    assert_eq!(base.info.adapter, None);

    let copy = Copy::new();
    copy.config(|config| config["base_model_name_or_path"] = "some-org/not-in-the-cache".into());
    let message = failure(load_from(
        copy.folder.path(),
        Adapter::Default,
        DtypeChoice::F32,
    ));
    assert!(
        message.contains("overrule models download some-org/not-in-the-cache"),
        "{message}"
    );
    copy.config(|config| config["base_model_name_or_path"] = serde_json::Value::Null);
    let message = failure(load_from(
        copy.folder.path(),
        Adapter::Default,
        DtypeChoice::F32,
    ));
    assert!(message.contains("--adapter"), "{message}");
}

#[test]
fn the_labels_come_from_the_adapters_label_map() {
    let copy = Copy::new();
    let names = r#"{"class_names": ["b", "a"]}"#;
    fs::write(copy.path("label_map.json"), names).unwrap();
    assert_eq!(
        copy.load().unwrap().info.labels,
        Some(vec!["b".to_owned(), "a".to_owned()])
    );
    fs::remove_file(copy.path("label_map.json")).unwrap();
    assert_eq!(copy.load().unwrap().info.labels, None);
    fs::write(copy.path("label_map.json"), "[]").unwrap();
    assert!(failure(copy.load()).contains("label_map.json"));
}

#[test]
fn half_precision_adapters_and_fractional_alphas_are_read() {
    let post = &goldens(&fixture("paligemma2"))[0].0;
    // What the model computes where all values are those of 16 bits, and those of B changed by a factor.
    let logits = |dtype, alpha: f64, factor: f32| -> Vec<f32> {
        let mut copy = Copy::new();
        copy.config(|config| config["lora_alpha"] = alpha.into());
        for (name, (kept_as, _, bytes)) in &mut copy.tensors {
            let factor = if name.contains("lora_B") { factor } else { 1.0 };
            let values = bytes
                .chunks_exact(4)
                .map(|b| f16::from_f32(f32::from_le_bytes(b.try_into().unwrap())));
            *bytes = match dtype {
                Dtype::F16 => values.flat_map(f16::to_le_bytes).collect(),
                _ => values
                    .flat_map(|value| (value.to_f32() * factor).to_le_bytes())
                    .collect(),
            };
            *kept_as = dtype;
        }
        let mut model = copy.load().unwrap();
        let input = trained(&model, post);
        let answer = answer(&mut model, &[&input], 1).remove(0);
        answer.first_logits.unwrap()
    };
    assert_eq!(logits(Dtype::F16, 32.0, 1.0), logits(Dtype::F32, 32.0, 1.0));

    let exact = logits(Dtype::F32, 31.5, 1.0);
    let distance = |other: &[f32]| {
        let pairs = exact.iter().zip(other);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let same = distance(&logits(Dtype::F32, 32.0, 31.5 / 32.0));
    let whole = distance(&logits(Dtype::F32, 31.0, 1.0));
    assert!(same < whole / 100.0, "{same} {whole}");
}
