//! PaliGemma 2 against what transformers and PEFT compute, for every fixture model that is there.

use std::{fs, path::Path};

use overrule::{
    image::decode_file,
    model::{
        Adapter, DeviceChoice, DtypeChoice, LoadedModel, ModelInput, ModelSpec, PromptStyle, load,
    },
    post::LabelNames,
    predict::{
        answer::parse,
        decode::{Generated, greedy, score},
    },
};

use crate::common::{Expected, fixture, goldens, model_fixtures, post_image};

/// How far a logit or log-probability may lie from the reference's.
const TOLERANCE: f64 = 1e-3;

/// The same for the log-probabilities of whole answers, whose goldens were made with torchvision's pixels.
const SCORE_TOLERANCE: f64 = 5e-3;

fn load_folder(base: &Path, adapter: Adapter, dtype: DtypeChoice) -> LoadedModel {
    let spec = ModelSpec {
        model: base.display().to_string(),
        adapter,
        device: DeviceChoice::Cpu,
        dtype,
    };
    load(&spec, &mut |_| true).unwrap_or_else(|e| panic!("{}: {e}", base.display()))
}

fn adapter_of(model: &Path) -> Adapter {
    let adapter = model.join("adapter");
    if adapter.is_dir() {
        Adapter::Named(adapter.display().to_string())
    } else {
        Adapter::None
    }
}

fn load_with_adapter(model: &Path) -> LoadedModel {
    load_folder(&model.join("base"), adapter_of(model), DtypeChoice::F32)
}

fn labels() -> LabelNames {
    LabelNames::new(["racist", "sexist", "homophobe", "religion", "otherhate"]).unwrap()
}

/// A post of the goldens, made ready for the network.
fn input(model: &LoadedModel, e: &Expected, style: PromptStyle) -> ModelInput {
    let image = decode_file(&post_image(&e.image_path)).unwrap();
    model
        .processor
        .prepare(&e.text, Some(&image), style, &labels())
        .unwrap()
}

fn trained(model: &LoadedModel, e: &Expected) -> ModelInput {
    input(model, e, PromptStyle::Trained)
}

/// Answers of at most `max` tokens.
fn answer(model: &mut LoadedModel, inputs: &[&ModelInput], max: usize) -> Vec<Generated> {
    let (generated, _) = greedy(&mut *model.network, inputs, max, true, &|| false).unwrap();
    generated.into_iter().map(|g| g.unwrap()).collect()
}

/// The answer of one post alone.
pub fn answer_one(model: &mut LoadedModel, input: &ModelInput, max: usize) -> Generated {
    answer(model, &[input], max).remove(0)
}

/// How many tokens the reference was given: a golden that does not end was cut.
fn max_tokens(golden: &[u32]) -> usize {
    const EOS: u32 = 1;
    if golden.last() == Some(&EOS) {
        64
    } else {
        golden.len()
    }
}

/// The ten highest logits stand in the reference's order and within the tolerance. Neighbours that the reference
/// itself has closer than the tolerance may change places.
pub fn assert_top10(generated: &Generated, expected: &[(u32, f64)], what: &str) {
    let logits = generated.first_logits.as_ref().unwrap();
    for (id, logit) in expected {
        let got = f64::from(logits[*id as usize]);
        assert!(
            (got - logit).abs() < TOLERANCE,
            "{what}: logit of {id} is {got}, expected {logit}"
        );
    }
    for pair in expected.windows(2) {
        let (first, second) = (logits[pair[0].0 as usize], logits[pair[1].0 as usize]);
        let tie = pair[0].1 - pair[1].1 < TOLERANCE;
        assert!(
            first > second || tie,
            "{what}: {pair:?} stand in another order"
        );
    }
    let last = expected.last().unwrap();
    let above = logits
        .iter()
        .filter(|l| f64::from(**l) > last.1 + TOLERANCE)
        .count();
    assert!(
        above < expected.len(),
        "{what}: {above} logits stand above the tenth"
    );
}

#[test]
fn logits_and_answers_are_those_of_transformers() {
    for folder in model_fixtures() {
        let mut model = load_with_adapter(&folder);
        for (e, pil) in goldens(&folder) {
            let what = format!("{} post {}", folder.display(), e.index);
            let expected = &pil.trained;
            let input = trained(&model, &e);
            let generated = answer_one(&mut model, &input, max_tokens(&expected.generated_ids));
            assert_top10(&generated, &expected.first_logits_top10, &what);
            assert_eq!(generated.ids, expected.generated_ids, "{what}");
            let text = model.processor.decode(&generated.ids).unwrap();
            if e.trained.generated_ids == expected.generated_ids {
                assert_eq!(text, e.trained.generated_text, "{what}");
            }
            if let Some(names) = &e.trained.labels {
                let parsed = parse(&text, &labels());
                assert_eq!(labels().names_of(parsed.labels), *names, "{what}");
            }
        }
    }
}

#[test]
fn the_cards_prompt_gets_the_references_logits_and_answers() {
    for folder in model_fixtures() {
        let mut model = load_with_adapter(&folder);
        for (e, pil) in goldens(&folder) {
            let Some(expected) = &pil.card else { continue };
            let what = format!("{} post {}, the card's prompt", folder.display(), e.index);
            let input = input(&model, &e, PromptStyle::Card);
            let generated = answer_one(&mut model, &input, max_tokens(&expected.generated_ids));
            assert_top10(&generated, &expected.first_logits_top10, &what);
            assert_eq!(generated.ids, expected.generated_ids, "{what}");
        }
    }
}

#[test]
fn the_base_alone_gives_the_bases_answers() {
    for folder in model_fixtures()
        .iter()
        .filter(|folder| folder.join("adapter").is_dir())
    {
        let mut model = load_folder(&folder.join("base"), Adapter::None, DtypeChoice::F32);
        assert_eq!(model.info.adapter, None);
        for (e, pil) in goldens(folder) {
            let what = format!("{} post {}, the base alone", folder.display(), e.index);
            let input = trained(&model, &e);
            let expected = &e.trained.base.base_generated_ids;
            let generated = answer_one(&mut model, &input, max_tokens(expected));
            if !pil.trained.base.first_logits_top10_base.is_empty() {
                assert_top10(&generated, &pil.trained.base.first_logits_top10_base, &what);
            }
            assert_eq!(generated.ids, *expected, "{what}");
        }
    }
}

#[test]
fn four_left_padded_posts_get_the_answers_they_get_alone() {
    for folder in model_fixtures() {
        let mut model = load_with_adapter(&folder);
        for four in goldens(&folder).chunks(4) {
            let inputs: Vec<ModelInput> = four.iter().map(|(e, _)| trained(&model, e)).collect();
            let inputs: Vec<&ModelInput> = inputs.iter().collect();
            let longest = four
                .iter()
                .map(|(_, pil)| max_tokens(&pil.trained.generated_ids))
                .max();
            let together = answer(&mut model, &inputs, longest.unwrap());
            for ((generated, (e, pil)), input) in together.iter().zip(four).zip(&inputs) {
                let what = format!("{} post {} in a batch", folder.display(), e.index);
                assert_top10(generated, &pil.trained.first_logits_top10, &what);
                assert_eq!(generated.ids, pil.trained.generated_ids, "{what}");
                let alone = answer_one(&mut model, input, longest.unwrap());
                assert_eq!(generated.ids, alone.ids, "{what}");
                assert!(
                    (alone.logprob - generated.logprob).abs() < TOLERANCE,
                    "{what}"
                );
                assert!(
                    (alone.margin - generated.margin).abs() < TOLERANCE,
                    "{what}"
                );
            }
        }
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
fn every_label_set_has_the_references_log_probability() {
    for folder in model_fixtures() {
        let mut model = load_with_adapter(&folder);
        for (e, _) in goldens(&folder).into_iter().take(3) {
            let input = trained(&model, &e);
            let candidates: Vec<Vec<u32>> = e
                .label_set_logprobs
                .keys()
                .map(|text| model.processor.answer_ids(text).unwrap())
                .collect();
            let scores = score(&mut *model.network, &input, &candidates).unwrap();
            for ((text, expected), got) in e.label_set_logprobs.iter().zip(scores) {
                let what = format!("{} post {}", folder.display(), e.index);
                assert!(
                    (got - expected).abs() < SCORE_TOLERANCE,
                    "{what}: {text} has {got}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn sixteen_bit_weights_change_no_answer_that_is_clear() {
    let folder = fixture("paligemma2");
    for dtype in [DtypeChoice::Bf16, DtypeChoice::F16] {
        let mut model = load_folder(&folder.join("base"), adapter_of(&folder), dtype);
        let mut clear = 0;
        for (e, _) in goldens(&folder) {
            let input = trained(&model, &e);
            let generated = answer_one(&mut model, &input, 64);
            if generated.margin > 0.5 {
                clear += 1;
                assert_eq!(
                    generated.ids, e.trained.generated_ids,
                    "{dtype:?} post {}",
                    e.index
                );
            }
        }
        assert!(clear > 30, "{dtype:?}: {clear} answers are clear");
    }
}
