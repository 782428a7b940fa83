//! SmolVLM against what transformers and PEFT compute.

use std::{
    fs,
    path::{Path, PathBuf},
};

use overrule::model::{
    Adapter, DeviceChoice, DtypeChoice, ImageSplitting, LoadedModel, ModelSpec, Pixels, TokenTree,
    load,
};

use crate::{
    common::{Expected, copy_folder, fixture, goldens, model_fixtures, read_jsonl},
    parity::*,
    weights::{BaseCopy, Tensors, failure, load_from, read_tensors, write_tensors},
};

/// How far the log-probability of a whole answer may lie from the reference's.
const SCORE_TOLERANCE: f64 = 1e-3;

fn folder() -> PathBuf {
    fixture("smolvlm")
}

fn variant(name: &str) -> Vec<Expected> {
    read_jsonl(&folder().join(format!("expected_{name}.jsonl")))
}

#[test]
fn logits_and_answers_are_those_of_transformers() {
    for folder in model_fixtures("smolvlm") {
        assert_logits_and_answers(&folder);
    }
}

#[test]
fn the_cards_prompt_gets_the_references_logits_and_answers() {
    for folder in model_fixtures("smolvlm") {
        assert_card_prompt(&folder);
    }
}

#[test]
fn the_base_alone_gives_the_bases_answers() {
    for folder in model_fixtures("smolvlm") {
        assert_base_alone(&folder);
    }
}

#[test]
fn four_posts_with_different_numbers_of_tiles_get_the_answers_they_get_alone() {
    for folder in model_fixtures("smolvlm") {
        let tiles: Vec<_> = goldens(&folder).iter().map(|(e, _)| e.tiles).collect();
        assert!(tiles.chunks(4).any(|four| four[0] != four[1]));
        assert_batches(&folder);
    }
}

#[test]
fn drafts_change_no_answer() {
    for folder in model_fixtures("smolvlm") {
        assert_drafts(&folder);
    }
}

#[test]
fn the_probability_of_a_label_is_that_of_all_answers_with_it() {
    for folder in model_fixtures("smolvlm") {
        assert_label_probabilities(&folder, 6);
    }
}

#[test]
fn every_label_set_has_the_references_log_probability() {
    for folder in model_fixtures("smolvlm") {
        assert_scores(&folder, 3, SCORE_TOLERANCE);
    }
}

#[test]
fn sixteen_bit_weights_change_no_answer_that_is_clear() {
    assert_sixteen_bits(&folder());
}

#[test]
fn eight_bit_weights_change_no_answer_that_is_clear() {
    assert_q8_0(&folder());
}

#[test]
fn the_scores_are_those_of_the_reference() {
    assert_metrics(&folder());
}

fn load_with(splitting: ImageSplitting) -> LoadedModel {
    let spec = ModelSpec {
        model: folder().join("base").display().to_string(),
        adapter: adapter_of(&folder()),
        device: DeviceChoice::Cpu,
        dtype: DtypeChoice::F32,
        image_splitting: splitting,
    };
    load(&spec, &mut |_| true).unwrap()
}

#[test]
fn one_tile_for_all_of_the_picture_is_another_run_with_the_references_answers() {
    let mut model = load_with(ImageSplitting::Off);
    assert_eq!(model.info.image_setting.as_deref(), Some("single_tile"));
    assert_rows(&mut model, &variant("single_tile"), "in one tile");
    assert_eq!(load_with(ImageSplitting::Auto).info.image_setting, None);
}

#[test]
fn posts_without_an_image_get_the_references_answers() {
    let mut model = load_with_adapter(&folder());
    assert_rows(&mut model, &variant("text_only"), "without a picture");
}

#[test]
fn posts_without_an_image_run_alone_and_beside_others() {
    assert_without_images(&folder());
}

#[test]
fn the_published_layout_and_model_type_give_the_same_numbers_to_the_bit() {
    let published = folder().join("hub_layout");
    let copy = BaseCopy::of(&folder().join("base"));
    let into = |name: &str| copy.folder.path().join(name);
    fs::copy(published.join("base/config.json"), into("config.json")).unwrap();
    // As published: image settings in a file of their own, the template in the tokenizer's.
    fs::write(into("processor_config.json"), r#"{"image_seq_len": 4}"#).unwrap();
    let template = fs::read_to_string(into("chat_template.jinja")).unwrap();
    fs::remove_file(into("chat_template.jinja")).unwrap();
    let config = serde_json::json!({ "chat_template": template }).to_string();
    fs::write(into("tokenizer_config.json"), config).unwrap();
    let adapter = Adapter::Named(published.join("adapter").display().to_string());
    let model = copy.load(adapter);
    assert_eq!(model.info.family.0, "smolvlm");
    assert_same(&folder(), model);
}

#[test]
fn the_newest_names_of_tensors_give_the_same_numbers() {
    let mut copy = BaseCopy::of(&folder().join("base"));
    copy.rename(|name| {
        name.replace("model.text_model.", "model.language_model.")
            .replace("model.vision_model.", "model.vision_tower.")
    });
    assert_same(&folder(), copy.load(adapter_of(&folder())));
}

/// The error of loading an adapter with some of its tensors taken away or put in.
fn refusal(change: impl FnOnce(&mut Tensors)) -> String {
    let adapter = folder().join("adapter");
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&adapter, copy.path());
    let mut tensors = read_tensors(&adapter);
    change(&mut tensors);
    write_tensors(&tensors, &copy.path().join("adapter_model.safetensors"));
    let adapter = Adapter::Named(copy.path().display().to_string());
    let base: &Path = &folder().join("base");
    failure(load_from(base, adapter, DtypeChoice::F32))
}

#[test]
fn an_adapter_is_merged_whole_into_both_towers_or_refused() {
    const VISION: &str = "base_model.model.model.vision_model.encoder.layers.1.self_attn.v_proj";
    let missing = refusal(|tensors| tensors.retain(|name, _| !name.starts_with(VISION)));
    assert!(
        missing.contains("vision_tower.encoder.layers.1.self_attn.v_proj"),
        "{missing}"
    );
    let leftover = refusal(|tensors| {
        for half in ["A", "B"] {
            let tensor = tensors[&format!("{VISION}.lora_{half}.weight")].clone();
            let name = VISION.replace("layers.1", "layers.5");
            tensors.insert(format!("{name}.lora_{half}.weight"), tensor);
        }
    });
    assert!(leftover.contains("layers.5.self_attn.v_proj"), "{leftover}");
}

#[test]
fn tiles_that_do_not_fit_the_tower_or_the_tokens_are_refused() {
    let mut model = load_with_adapter(&folder());
    let (e, _) = goldens(&folder()).remove(0);
    let good = trained(&model, &e);
    let pixels = good.pixel_values.clone().unwrap();
    let shaped = |shape: &[usize]| Pixels {
        shape: shape.to_vec(),
        ..pixels.clone()
    };
    let huge = usize::MAX / 2;
    let mut bad: Vec<_> = [
        shaped(&[]),
        shaped(&[10, 3, 66, 66]),
        shaped(&[1, 10, 3, 33, 132]),
        shaped(&[1, 9, 3, 66, 66]),
        shaped(&[1, 0, 3, 66, 66]),
        shaped(&[2, 5, 3, 66, 66]),
        shaped(&[1, huge, huge, huge, huge]),
        Pixels {
            values: pixels.values[..9 * 3 * 66 * 66].to_vec(),
            ..shaped(&[1, 9, 3, 66, 66])
        },
    ]
    .into_iter()
    .map(|pixels| {
        let mut input = good.clone();
        input.pixel_values = Some(pixels);
        input
    })
    .collect();
    let mut without = good.clone();
    without.pixel_values = None;
    bad.push(without);
    let network = network(&mut model);
    let none = TokenTree::default();
    for input in &bad {
        let shape = input.pixel_values.as_ref().map(|pixels| &pixels.shape);
        assert!(network.prefill(&[input], &none).is_err(), "{shape:?}");
    }
    assert!(network.prefill(&[&good], &none).is_ok());
}
