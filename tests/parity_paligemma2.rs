//! PaliGemma 2 against what transformers and PEFT compute, for every fixture model that is there.

use std::fs;

use overrule::model::{Adapter, DtypeChoice};

use crate::{
    common::{fixture, goldens, model_fixtures},
    parity::*,
};

/// How far the log-probability of a whole answer may lie from the reference's, whose goldens were made with
/// torchvision's pixels.
const SCORE_TOLERANCE: f64 = 5e-3;

#[test]
fn logits_and_answers_are_those_of_transformers() {
    for folder in model_fixtures("paligemma2") {
        assert_logits_and_answers(&folder);
    }
}

#[test]
fn the_cards_prompt_gets_the_references_logits_and_answers() {
    for folder in model_fixtures("paligemma2") {
        assert_card_prompt(&folder);
    }
}

#[test]
fn the_base_alone_gives_the_bases_answers() {
    for folder in model_fixtures("paligemma2")
        .iter()
        .filter(|folder| folder.join("adapter").is_dir())
    {
        assert_base_alone(folder);
    }
}

#[test]
fn four_left_padded_posts_get_the_answers_they_get_alone() {
    for folder in model_fixtures("paligemma2") {
        assert_batches(&folder);
    }
}

#[test]
fn the_published_names_of_tensors_give_the_same_numbers_to_the_bit() {
    let new = fixture("paligemma2");
    let old = new.join("hub_layout");
    // The processor's files lie beside the new names only.
    let folder = tempfile::tempdir().unwrap();
    for from in [new.join("base"), old.join("base")] {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.starts_with("model-0") && name != "model.safetensors.index.json" {
                fs::copy(&path, folder.path().join(name)).unwrap();
            }
        }
    }
    let old_adapter = Adapter::Named(old.join("adapter").display().to_string());
    let mut old_model = load_folder(folder.path(), old_adapter, DtypeChoice::F32);
    let mut new_model = load_with_adapter(&new);
    assert_eq!(old_model.info.parameters, new_model.info.parameters);
    for (e, _) in goldens(&new).into_iter().take(8) {
        let input = trained(&new_model, &e);
        assert_eq!(
            answer_one(&mut old_model, &input, 64),
            answer_one(&mut new_model, &input, 64)
        );
    }
}

#[test]
fn drafts_change_no_answer() {
    for folder in model_fixtures("paligemma2") {
        assert_drafts(&folder);
    }
}

#[test]
fn the_probability_of_a_label_is_that_of_all_answers_with_it() {
    for folder in model_fixtures("paligemma2") {
        assert_label_probabilities(&folder, 6);
    }
}

#[test]
fn every_label_set_has_the_references_log_probability() {
    for folder in model_fixtures("paligemma2") {
        assert_scores(&folder, 3, SCORE_TOLERANCE);
    }
}

#[test]
fn sixteen_bit_weights_change_no_answer_that_is_clear() {
    assert_sixteen_bits(&fixture("paligemma2"));
}

#[test]
fn q8_0_weights_change_no_answer_that_is_clear() {
    assert_q8_0(&fixture("paligemma2"));
}
