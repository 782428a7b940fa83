//! Qwen2-VL against what transformers and PEFT compute.

use std::{fs, path::PathBuf};

use overrule::model::{Adapter, TokenTree};

use crate::{
    common::{fixture, goldens, model_fixtures},
    parity::*,
    weights::BaseCopy,
};

/// How far the log-probability of a whole answer may lie from the reference's.
const SCORE_TOLERANCE: f64 = 1e-3;

fn folder() -> PathBuf {
    fixture("qwen2_vl")
}

#[test]
fn logits_and_answers_are_those_of_transformers() {
    for folder in model_fixtures("qwen2_vl") {
        assert_logits_and_answers(&folder);
    }
}

#[test]
fn the_cards_prompt_gets_the_references_logits_and_answers() {
    for folder in model_fixtures("qwen2_vl") {
        assert_card_prompt(&folder);
    }
}

#[test]
fn the_base_alone_gives_the_bases_answers() {
    for folder in model_fixtures("qwen2_vl") {
        assert_base_alone(&folder);
    }
}

#[test]
fn four_posts_with_images_of_different_sizes_get_the_answers_they_get_alone() {
    for folder in model_fixtures("qwen2_vl") {
        let grids: Vec<_> = goldens(&folder)
            .iter()
            .map(|(e, _)| e.image_grid_thw)
            .collect();
        assert!(grids.chunks(4).any(|four| four[0] != four[1]));
        assert_batches(&folder);
    }
}

#[test]
fn drafts_change_no_answer() {
    for folder in model_fixtures("qwen2_vl") {
        assert_drafts(&folder);
    }
}

#[test]
fn the_probability_of_a_label_is_that_of_all_answers_with_it() {
    for folder in model_fixtures("qwen2_vl") {
        assert_label_probabilities(&folder, 6);
    }
}

#[test]
fn every_label_set_has_the_references_log_probability() {
    for folder in model_fixtures("qwen2_vl") {
        assert_scores(&folder, 3, SCORE_TOLERANCE);
    }
}

#[test]
fn sixteen_bit_weights_change_no_answer_that_is_clear() {
    assert_sixteen_bits(&folder());
}

#[test]
fn q8_0_weights_change_no_answer_that_is_clear() {
    assert_q8_0(&folder());
}

#[test]
fn the_scores_are_those_of_the_reference() {
    assert_metrics(&folder());
}

#[test]
fn the_published_layout_gives_the_same_numbers_to_the_bit() {
    let published = folder().join("hub_layout");
    let copy = BaseCopy::of(&folder().join("base"));
    fs::copy(
        published.join("base/config.json"),
        copy.folder.path().join("config.json"),
    )
    .unwrap();
    // As published: the template in a JSON file, the range of pixels under its old names.
    let path = copy.folder.path().join("chat_template.jinja");
    let template = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    fs::remove_file(copy.folder.path().join("processor_config.json")).unwrap();
    let template = serde_json::json!({ "chat_template": template });
    let settings = serde_json::json!({
        "min_pixels": 3136, "max_pixels": 15680, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor",
    });
    for (name, content) in [
        ("chat_template.json", template),
        ("preprocessor_config.json", settings),
    ] {
        fs::write(copy.folder.path().join(name), content.to_string()).unwrap();
    }
    let adapter = Adapter::Named(published.join("adapter").display().to_string());
    assert_same(&folder(), copy.load(adapter));
}

#[test]
fn the_newest_names_of_tensors_and_a_head_of_its_own_give_the_same_numbers() {
    let mut copy = BaseCopy::of(&folder().join("base"));
    copy.rename(|name| match name.strip_prefix("model.") {
        Some(text) => format!("model.language_model.{text}"),
        None => format!("model.{name}"),
    });
    assert_same(&folder(), copy.load(adapter_of(&folder())));

    let embedding = copy.tensors["model.language_model.embed_tokens.weight"].clone();
    copy.tensors.insert("lm_head.weight".to_owned(), embedding);
    let path = copy.folder.path().join("config.json");
    let config = fs::read_to_string(&path).unwrap();
    let untied = config.replace(
        "\"tie_word_embeddings\": true",
        "\"tie_word_embeddings\": false",
    );
    fs::write(path, untied).unwrap();
    let mut untied = copy.load(adapter_of(&folder()));
    let mut model = load_with_adapter(&folder());
    let (e, _) = goldens(&folder()).remove(0);
    let input = trained(&model, &e);
    assert_eq!(
        answer_one(&mut untied, &input, 64),
        answer_one(&mut model, &input, 64)
    );
}

#[test]
fn posts_without_an_image_run_alone_and_beside_others() {
    assert_without_images(&folder());
}

#[test]
fn a_grid_that_does_not_fit_its_pixels_or_its_tokens_is_refused() {
    let mut model = load_with_adapter(&folder());
    let (e, _) = goldens(&folder()).remove(0);
    let good = trained(&model, &e);
    let [t, h, w] = good.pixel_values.as_ref().unwrap().image_grid.unwrap();
    let network = network(&mut model);
    let (none, huge) = (TokenTree::default(), usize::MAX / 2);
    for grid in [
        None,
        Some([t, h + 2, w]),
        Some([0, 0, 0]),
        Some([huge, huge, huge]),
        Some([t, 1, h * w]),
    ] {
        let mut bad = good.clone();
        bad.pixel_values.as_mut().unwrap().image_grid = grid;
        assert!(network.prefill(&[&bad], &none).is_err(), "{grid:?}");
    }
    let mut bad = good.clone();
    bad.pixel_values = None;
    assert!(network.prefill(&[&bad], &none).is_err());
    let mut bad = good.clone();
    bad.input_ids.push(u32::MAX);
    assert!(network.prefill(&[&bad], &none).is_err());
    assert!(network.prefill(&[&good], &none).is_ok());
    let beyond = TokenTree::chain(&[u32::MAX]);
    assert!(network.prefill(&[&good], &beyond).is_err());
    assert!(network.extend(&[beyond]).is_err());
    assert!(network.extend(&[]).is_err());
}
