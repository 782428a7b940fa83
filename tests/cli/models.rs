//! `overrule models`, and every way to name a model.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use super::run::{Run, ended, lines, overrule, test_posts, text};
use crate::common::{copy_folder, fixture};

/// A cache of the Hub with these repositories; each holds a copy of a folder.
pub fn cache_with(folder: &Path, repositories: &[(&str, &Path)]) {
    for (id, from) in repositories {
        let repository = folder.join(format!("models--{}", id.replace('/', "--")));
        fs::create_dir_all(repository.join("refs")).unwrap();
        fs::write(repository.join("refs/main"), "c0ffee").unwrap();
        copy_folder(from, &repository.join("snapshots/c0ffee"));
    }
}

fn with_cache(cache: &Path, args: &[&str]) -> Command {
    let mut command = overrule(args);
    command
        .env("HF_HUB_CACHE", cache)
        .env("OVERRULE_CONFIG_DIR", cache);
    command
}

fn run(cache: &Path, args: &[&str]) -> Run {
    ended(with_cache(cache, args).output().unwrap())
}

#[test]
fn presets_are_listed_with_their_needs_and_what_is_missing() {
    let cache = tempfile::tempdir().unwrap();
    let base = fixture("qwen2_vl/base");
    cache_with(
        cache.path(),
        &[
            ("Qwen/Qwen2-VL-2B-Instruct", &base),
            ("someone/another-qwen", &base),
            ("someone/a-lora", &fixture("qwen2_vl/adapter")),
            ("someone/a-readme", &fixture("edge_images")),
        ],
    );
    let half = cache.path().join("models--someone--half-a-model/blobs");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("c0ffee.incomplete"), [0; 1200]).unwrap();
    fs::write(
        cache.path().join("settings.json"),
        r#"{"recent_models": [{"model": "/my/base", "adapter": "/my/adapter"}]}"#,
    )
    .unwrap();
    let listed = run(cache.path(), &["models", "--json"]).expect(0).json();
    let presets = listed["presets"].as_array().unwrap();
    let names: Vec<&str> = presets
        .iter()
        .map(|preset| preset["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names[..3],
        ["demo", "qwen2-vl-2b-mmhs150k", "paligemma2-3b-mmhs150k"]
    );
    assert_eq!(
        (&presets[0]["here"], &presets[0]["download_bytes"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(
        presets[1]["missing"],
        json!(["Amirhossein75/qwen2-vl-2b-mmhs150k-lora"])
    );
    assert_eq!(
        (&presets[1]["gated"], &presets[2]["gated"]),
        (&json!(false), &json!(true))
    );
    let cached = listed["cached"].as_array().unwrap();
    let of = |key: &str| {
        cached
            .iter()
            .map(|found| found[key].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(of("name"), ["someone/a-lora", "someone/another-qwen"]);
    assert_eq!(of("family"), [Value::Null, json!("Qwen2-VL")]);
    let sizes = listed["repositories"].as_array().unwrap();
    assert_eq!(sizes.len(), 5);
    assert_eq!(
        sizes[4],
        json!({"name": "someone/half-a-model", "bytes": 1200, "incomplete_bytes": 1200})
    );
    assert_eq!(listed["used_before"][0]["adapter"], "/my/adapter");

    let table = run(cache.path(), &["models"]).expect(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    let column = lines[0].find("licence").unwrap();
    for (line, preset) in lines[1..].iter().zip(presets) {
        let licence = preset["licence"].as_str().unwrap();
        assert!(
            line.is_char_boundary(column) && line[column..].starts_with(licence),
            "{line}"
        );
    }
    for part in [
        "needs Amirhossein75/qwen2-vl-2b-mmhs150k-lora",
        "someone/another-qwen  2 MB   Qwen2-VL",
        "someone/half-a-model  1 kB   not whole yet: overrule models download someone/half-a-model",
        "/my/base with /my/adapter",
    ] {
        assert!(table.contains(part), "{table}");
    }
}

#[test]
fn a_folder_an_id_and_a_presets_name_are_all_models() {
    let cache = tempfile::tempdir().unwrap();
    let (base, adapter) = (fixture("paligemma2/base"), fixture("paligemma2/adapter"));
    let (base_id, adapter_id) = (
        "google/paligemma2-3b-pt-224",
        "Amirhossein75/paligemma2-3b-mmhs150k-lora",
    );
    cache_with(cache.path(), &[(base_id, &base), (adapter_id, &adapter)]);
    let (base, adapter, data) = (text(&base), text(&adapter), text(&test_posts()));
    let mut answers = Vec::new();
    for (model, adapter) in [
        (base.as_str(), Some(adapter.as_str())),
        (base_id, Some(adapter_id)),
        ("google/paligemma2-3b-pt-224@c0ffee", Some(adapter.as_str())),
        ("paligemma2-3b-mmhs150k", None),
    ] {
        let mut args = vec!["predict", &data, "--limit", "2", "--model", model];
        args.extend(adapter.iter().flat_map(|adapter| ["--adapter", adapter]));
        let told = run(cache.path(), &args).expect(0);
        let records = lines(&told.stdout);
        answers.push(
            records
                .iter()
                .map(|record| record["labels"].clone())
                .collect::<Vec<_>>(),
        );
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let told = run(cache.path(), &["predict", &data, "--model", "smolvlm-256m"]).expect(2);
    assert!(
        told.stderr
            .contains("overrule models download HuggingFaceTB/SmolVLM-256M-Instruct` after unsetting HF_HUB_OFFLINE"),
        "{}",
        told.stderr
    );
}
