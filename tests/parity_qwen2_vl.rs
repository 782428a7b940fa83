//! Qwen2-VL against what transformers and PEFT compute.

use std::{fs, path::PathBuf};

use overrule::{
    image::decode_file,
    model::{Adapter, DtypeChoice, LoadedModel, PromptStyle, TokenTree},
    predict::answer::parse,
};
use tempfile::TempDir;

use crate::{
    common::{fixture, goldens, model_fixtures, post_image},
    parity::*,
    weights::{Tensors, copy_folder, read_tensors, write_tensors},
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
    let text = fs::read_to_string(folder().join("metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = &metrics["base_plus_adapter"]["per_class"];
    let mut model = load_with_adapter(&folder());
    let labels = labels();
    let mut counts = vec![[0; 3]; labels.len()];
    for (e, _) in goldens(&folder()) {
        let input = trained(&model, &e);
        let generated = answer_one(&mut model, &input, 64);
        let text = model.processor.decode(&generated.ids).unwrap();
        let answer = parse(&text, &labels).labels;
        let (truth, _) = labels.resolve(e.true_labels.iter().map(String::as_str));
        for (i, counts) in counts.iter_mut().enumerate() {
            match (truth.contains(i), answer.contains(i)) {
                (true, true) => counts[0] += 1,
                (false, true) => counts[1] += 1,
                (true, false) => counts[2] += 1,
                (false, false) => {}
            }
        }
    }
    for (name, counts) in labels.iter().zip(counts) {
        let wanted = ["tp", "fp", "fn"].map(|key| expected[name][key].as_u64().unwrap());
        assert_eq!(counts, wanted, "{name}");
    }
}

/// A copy of the fixture's base, with its weights to be renamed and its small files to be changed.
struct Copy {
    folder: TempDir,
    tensors: Tensors,
}

impl Copy {
    fn new() -> Self {
        let base = folder().join("base");
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&base, copy.path());
        Self {
            folder: copy,
            tensors: read_tensors(&base),
        }
    }

    fn rename(&mut self, rename: impl Fn(&str) -> String) {
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors
            .into_iter()
            .map(|(name, tensor)| (rename(&name), tensor))
            .collect();
    }

    fn load(&self, adapter: Adapter) -> LoadedModel {
        write_tensors(&self.tensors, &self.folder.path().join("model.safetensors"));
        load_folder(self.folder.path(), adapter, DtypeChoice::F32)
    }
}

fn assert_same(mut other: LoadedModel) {
    let mut model = load_with_adapter(&folder());
    assert_eq!(other.info.parameters, model.info.parameters);
    for (e, _) in goldens(&folder()).into_iter().take(6) {
        let input = trained(&model, &e);
        assert_eq!(trained(&other, &e), input);
        assert_eq!(
            answer_one(&mut other, &input, 64),
            answer_one(&mut model, &input, 64)
        );
    }
}

#[test]
fn the_published_layout_gives_the_same_numbers_to_the_bit() {
    let published = folder().join("hub_layout");
    let copy = Copy::new();
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
    assert_same(copy.load(adapter));
}

#[test]
fn the_newest_names_of_tensors_and_a_head_of_its_own_give_the_same_numbers() {
    let mut copy = Copy::new();
    copy.rename(|name| match name.strip_prefix("model.") {
        Some(text) => format!("model.language_model.{text}"),
        None => format!("model.{name}"),
    });
    assert_same(copy.load(adapter_of(&folder())));

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
    let mut model = load_with_adapter(&folder());
    let (e, _) = goldens(&folder()).remove(0);
    let image = decode_file(&post_image(&e.image_path)).unwrap();
    let processor = model.processor.clone();
    let prepare = |text: &str, with_image: bool| {
        let image = with_image.then_some(&image);
        let style = PromptStyle::Trained;
        processor.prepare(text, image, style, &labels()).unwrap()
    };
    let inputs = [
        prepare("florp and zibber", false),
        prepare(&e.text, true),
        prepare("", false),
    ];
    assert!(inputs[0].pixel_values.is_none());
    let inputs: Vec<_> = inputs.iter().collect();
    let together = answer(&mut model, &inputs, 16);
    for (input, together) in inputs.iter().zip(&together) {
        let alone = answer_one(&mut model, input, 16);
        assert_eq!(alone.ids, together.ids);
        assert!((alone.logprob - together.logprob).abs() < 1e-3);
    }
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
