//! What every generative family is held to: transformers and PEFT compute the same, for every fixture model that is there.
//!
//! `parity_FAMILY.rs` runs these checks on the family's models.

use std::{fs, path::Path, sync::Arc};

use overrule::{
    metrics::{self, Pair},
    model::{
        Adapter, DeviceChoice, DtypeChoice, LoadedModel, ModelInput, ModelSpec, Network,
        PromptStyle, load,
    },
    post::{LabelNames, LabelSet},
    predict::{
        answer::parse,
        decode::{Decoding, Generated, decode},
        drafts::Drafts,
        label_scores::{AnswerTrie, Expansion, label_scores},
        score::score,
    },
};
use serde_json::Value;

use crate::{
    common::{Expected, goldens},
    processors::{STYLES, prepare},
};

/// How far a logit or log-probability may lie from the reference's.
const TOLERANCE: f64 = 1e-3;

/// A model of the fixtures, on the CPU.
pub fn load_folder(base: &Path, adapter: Adapter, dtype: DtypeChoice) -> LoadedModel {
    let spec = ModelSpec {
        model: base.display().to_string(),
        adapter,
        device: DeviceChoice::Cpu,
        dtype,
        ..ModelSpec::default()
    };
    load(&spec, &mut |_| true).unwrap_or_else(|e| panic!("{}: {e}", base.display()))
}

/// The adapter beside a fixture's base, if there is one.
pub fn adapter_of(model: &Path) -> Adapter {
    let adapter = model.join("adapter");
    if adapter.is_dir() {
        Adapter::Named(adapter.display().to_string())
    } else {
        Adapter::None
    }
}

/// A fixture model in f32, with its adapter.
pub fn load_with_adapter(model: &Path) -> LoadedModel {
    load_folder(&model.join("base"), adapter_of(model), DtypeChoice::F32)
}

/// The labels of every fixture model.
pub fn labels() -> LabelNames {
    LabelNames::new(["racist", "sexist", "homophobe", "religion", "otherhate"]).unwrap()
}

/// A post of the goldens, made ready for the network.
fn input(model: &LoadedModel, e: &Expected, style: PromptStyle) -> ModelInput {
    prepare(&*model.processor, e, style)
}

/// The same with the prompt that adapters are trained with.
pub fn trained(model: &LoadedModel, e: &Expected) -> ModelInput {
    input(model, e, PromptStyle::Trained)
}

/// The network of a generative model.
pub fn network(model: &mut LoadedModel) -> &mut dyn Network {
    model.engine.network().expect("a generative model")
}

/// Answers of at most `max` tokens, one pass a token.
pub fn answer(model: &mut LoadedModel, inputs: &[&ModelInput], max: usize) -> Vec<Generated> {
    answer_with(model, inputs, max, &Drafts::none())
}

/// Answers of at most `max` tokens, with these drafts.
fn answer_with(
    model: &mut LoadedModel,
    inputs: &[&ModelInput],
    max: usize,
    drafts: &Drafts,
) -> Vec<Generated> {
    let decoding = Decoding {
        max_new_tokens: max,
        drafts,
        keep_first_logits: true,
        keep_passes: false,
    };
    let decoded = decode(network(model), inputs, &decoding, &|| false).unwrap();
    decoded.answers.into_iter().map(|g| g.unwrap()).collect()
}

/// The answer of one post alone.
pub fn answer_one(model: &mut LoadedModel, input: &ModelInput, max: usize) -> Generated {
    answer(model, &[input], max).remove(0)
}

/// How many tokens the reference was given: a golden that does not end was cut.
fn max_tokens(model: &mut LoadedModel, golden: &[u32]) -> usize {
    match golden.last() {
        Some(last) if network(model).eos_ids().contains(last) => 64,
        _ => golden.len(),
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

/// Logits, ids, text and labels of the trained prompt.
pub fn assert_logits_and_answers(folder: &Path) {
    let mut model = load_with_adapter(folder);
    for (e, pil) in goldens(folder) {
        let what = format!("{} post {}", folder.display(), e.index);
        let expected = &pil.trained;
        let input = trained(&model, &e);
        let most = max_tokens(&mut model, &expected.generated_ids);
        let generated = answer_one(&mut model, &input, most);
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

/// The same of the card's prompt, as far as the goldens have it.
pub fn assert_card_prompt(folder: &Path) {
    let mut model = load_with_adapter(folder);
    for (e, pil) in goldens(folder) {
        let Some(expected) = &pil.card else { continue };
        let what = format!("{} post {}, the card's prompt", folder.display(), e.index);
        let input = input(&model, &e, PromptStyle::Card);
        let most = max_tokens(&mut model, &expected.generated_ids);
        let generated = answer_one(&mut model, &input, most);
        assert_top10(&generated, &expected.first_logits_top10, &what);
        assert_eq!(generated.ids, expected.generated_ids, "{what}");
    }
}

/// The base without its adapter.
pub fn assert_base_alone(folder: &Path) {
    let mut model = load_folder(&folder.join("base"), Adapter::None, DtypeChoice::F32);
    assert_eq!(model.info.adapter, None);
    for (e, pil) in goldens(folder) {
        let what = format!("{} post {}, the base alone", folder.display(), e.index);
        let input = trained(&model, &e);
        let expected = &e.trained.base.base_generated_ids;
        let most = max_tokens(&mut model, expected);
        let generated = answer_one(&mut model, &input, most);
        if !pil.trained.base.first_logits_top10_base.is_empty() {
            assert_top10(&generated, &pil.trained.base.first_logits_top10_base, &what);
        }
        assert_eq!(generated.ids, *expected, "{what}");
    }
}

/// Batches of four, padded on the left, against the goldens and the same posts alone.
pub fn assert_batches(folder: &Path) {
    let mut model = load_with_adapter(folder);
    for four in goldens(folder).chunks(4) {
        let inputs: Vec<ModelInput> = four.iter().map(|(e, _)| trained(&model, e)).collect();
        let inputs: Vec<&ModelInput> = inputs.iter().collect();
        let longest = four
            .iter()
            .map(|(_, pil)| max_tokens(&mut model, &pil.trained.generated_ids))
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

/// Drafts change no answer: those of every label set, those of other posts, and such as no model says.
pub fn assert_drafts(folder: &Path) {
    let mut model = load_with_adapter(folder);
    let known = Drafts::new(&*model.processor, &labels()).unwrap();
    let mut odd = Drafts::none();
    let goldens = goldens(folder);
    for (_, pil) in &goldens {
        let mut ids = pil.trained.generated_ids.clone();
        ids.reverse();
        odd.learn(&ids);
        // Right up to a place, then wrong; and right, but going on behind its end.
        ids.reverse();
        odd.learn(&[&ids[..ids.len() / 2], &[3, 4, 5]].concat());
        odd.learn(&[&ids[..], &[3, 4]].concat());
    }
    let mut in_one_pass = 0;
    for four in goldens.chunks(4) {
        let inputs: Vec<ModelInput> = four.iter().map(|(e, _)| trained(&model, e)).collect();
        let inputs: Vec<&ModelInput> = inputs.iter().collect();
        let mut learned = known.clone();
        for _ in 0..20 {
            four.iter()
                .for_each(|(_, pil)| learned.learn(&pil.trained.generated_ids));
        }
        for max in [64, 3] {
            let plain = answer(&mut model, &inputs, max);
            for (name, drafts) in [("known", &known), ("learned", &learned), ("odd", &odd)] {
                let drafted = answer_with(&mut model, &inputs, max, drafts);
                for ((plain, drafted), (e, _)) in plain.iter().zip(&drafted).zip(four) {
                    let what = format!("{} post {}, {name} drafts", folder.display(), e.index);
                    assert_eq!(drafted.ids, plain.ids, "{what}");
                    assert_eq!(drafted.ended, plain.ended, "{what}");
                    let differences = [
                        drafted.logprob - plain.logprob,
                        drafted.margin - plain.margin,
                    ];
                    assert!(differences.iter().all(|d| d.abs() < TOLERANCE), "{what}");
                    assert!(drafted.passes <= plain.passes, "{what}");
                    in_one_pass += usize::from(name == "learned" && drafted.passes == 1);
                }
            }
        }
    }
    assert!(
        in_one_pass >= goldens.len(),
        "{in_one_pass} of {}",
        2 * goldens.len()
    );
}

/// Each label's probability is that of all label sets with it, summed up, and its interval holds it.
pub fn assert_label_probabilities(folder: &Path, posts: usize) {
    let mut model = load_with_adapter(folder);
    let labels = labels();
    let sets: Vec<LabelSet> = (0..32).map(LabelSet::from_bits).collect();
    let texts = sets
        .iter()
        .map(|set| model.processor.answer_text(&labels, *set));
    let ids = texts.map(|text| model.processor.answer_ids(&text).unwrap());
    let candidates: Vec<Vec<u32>> = ids.collect();
    let goldens = goldens(folder);
    let posts: Vec<ModelInput> = goldens
        .iter()
        .take(posts)
        .map(|(e, _)| trained(&model, e))
        .collect();
    let mut trie = AnswerTrie::new(Arc::clone(&model.processor), &labels).unwrap();
    for (drafts, unexpanded) in [
        (Drafts::none(), 1e-5),
        (Drafts::new(&*model.processor, &labels).unwrap(), 1e-5),
        (Drafts::none(), 0.01),
    ] {
        for two in posts.chunks(2) {
            let inputs: Vec<&ModelInput> = two.iter().collect();
            let decoding = Decoding {
                max_new_tokens: 64,
                drafts: &drafts,
                keep_first_logits: false,
                keep_passes: false,
            };
            let network = network(&mut model);
            let passes = decode(network, &inputs, &decoding, &|| false)
                .unwrap()
                .passes;
            let expansion = Expansion {
                unexpanded,
                passes: 40,
            };
            let found = label_scores(
                network,
                &passes,
                &mut trie,
                labels.len(),
                expansion,
                &|| false,
            );
            for (input, scores) in inputs.iter().zip(found.unwrap()) {
                let weights: Vec<f64> = score(network, input, &candidates)
                    .unwrap()
                    .into_iter()
                    .map(f64::exp)
                    .collect();
                let all: f64 = weights.iter().sum();
                for (label, score) in scores.unwrap().iter().enumerate() {
                    let with = sets
                        .iter()
                        .zip(&weights)
                        .filter(|(set, _)| set.contains(label));
                    let p = with.map(|(_, weight)| weight).sum::<f64>() / all;
                    assert!(
                        score.lo - 1e-6 <= p && p <= score.hi + 1e-6,
                        "{score:?} and {p}"
                    );
                    assert!(score.hi - score.lo <= unexpanded + 1e-9, "{score:?}");
                    if unexpanded < 1e-3 {
                        assert!((score.p - p).abs() < TOLERANCE, "{score:?} and {p}");
                    }
                }
            }
        }
    }
}

/// Log-probabilities of every label set, for the first `posts` posts.
pub fn assert_scores(folder: &Path, posts: usize, tolerance: f64) {
    let mut model = load_with_adapter(folder);
    for (e, pil) in goldens(folder).into_iter().take(posts) {
        let input = trained(&model, &e);
        // Through PIL where the goldens have it: what resampling differs by shows in an answer's probability.
        let expected = match &pil.label_set_logprobs {
            through_pil if through_pil.is_empty() => &e.label_set_logprobs,
            through_pil => through_pil,
        };
        let candidates: Vec<Vec<u32>> = expected
            .keys()
            .map(|text| model.processor.answer_ids(text).unwrap())
            .collect();
        let scores = score(network(&mut model), &input, &candidates).unwrap();
        for ((text, expected), got) in expected.iter().zip(scores) {
            let what = format!("{} post {}", folder.display(), e.index);
            assert!(
                (got - expected).abs() < tolerance,
                "{what}: {text} has {got}, expected {expected}"
            );
        }
    }
}

/// Half-size weights give every answer that is clear.
pub fn assert_sixteen_bits(folder: &Path) {
    for dtype in [DtypeChoice::Bf16, DtypeChoice::F16] {
        assert_clear_answers(folder, dtype);
    }
}

/// Weights and inputs in blocks of 8 bits give every answer that is clear.
pub fn assert_q8_0(folder: &Path) {
    let model = assert_clear_answers(folder, DtypeChoice::Q8_0);
    assert_eq!(model.info.dtype, "q8_0");
}

/// The answers whose margin is more than what rounding may cost are the reference's.
fn assert_clear_answers(folder: &Path, dtype: DtypeChoice) -> LoadedModel {
    let mut model = load_folder(&folder.join("base"), adapter_of(folder), dtype);
    let mut clear = 0;
    for (e, _) in goldens(folder) {
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
    model
}

/// Ids, first logits, text and probabilities of these rows, whose pictures went through PIL.
pub fn assert_rows(model: &mut LoadedModel, rows: &[Expected], what: &str) {
    for e in rows {
        for (style, golden) in STYLES.into_iter().zip([Some(&e.trained), e.card.as_ref()]) {
            let what = format!("{what}, post {}, {style:?}", e.index);
            let golden = golden.unwrap();
            let input = input(model, e, style);
            assert_eq!(input.input_ids, golden.input_ids, "{what}");
            let most = max_tokens(model, &golden.generated_ids);
            let generated = answer_one(model, &input, most);
            assert_top10(&generated, &golden.first_logits_top10, &what);
            assert_eq!(generated.ids, golden.generated_ids, "{what}");
        }
        let input = trained(model, e);
        for (answer, expected) in &e.label_set_logprobs {
            let ids = model.processor.answer_ids(answer).unwrap();
            let got = score(network(model), &input, &[ids]).unwrap()[0];
            let near = (got - expected).abs() < TOLERANCE;
            assert!(near, "{what}, post {}: {answer} has {got}", e.index);
        }
    }
}

/// The figures over all posts, with the adapter.
pub fn assert_metrics(folder: &Path) {
    let text = fs::read_to_string(folder.join("metrics.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let expected = &expected["base_plus_adapter"];
    let mut model = load_with_adapter(folder);
    let labels = labels();
    let pairs = goldens(folder).into_iter().map(|(e, _)| {
        let input = trained(&model, &e);
        let generated = answer_one(&mut model, &input, 64);
        let text = model.processor.decode(&generated.ids).unwrap();
        let (truth, _) = labels.resolve(e.true_labels.iter().map(String::as_str));
        Pair {
            truth,
            predicted: parse(&text, &labels).labels,
            parse_failed: false,
            failed: false,
        }
    });
    let found = metrics::evaluate(&labels, pairs.collect::<Vec<_>>());
    let found = metrics::to_json(&found, &labels, 0);
    for figure in ["f1_micro", "f1_macro", "subset_accuracy", "hamming_loss"] {
        let (got, wanted) = (found[figure].as_f64(), expected[figure].as_f64());
        assert!((got.unwrap() - wanted.unwrap()).abs() < 1e-6, "{figure}");
    }
    for name in labels.iter() {
        for count in ["tp", "fp", "fn"] {
            let (got, wanted) = (&found["per_class"][name], &expected["per_class"][name]);
            assert_eq!(got[count], wanted[count], "{count} of {name}");
        }
    }
}

/// Posts without an image get the same answers alone and beside one with an image.
pub fn assert_without_images(folder: &Path) {
    let mut model = load_with_adapter(folder);
    let (e, _) = goldens(folder).remove(0);
    let prepare = |text: &str| {
        let style = PromptStyle::Trained;
        let input = model.processor.prepare(text, None, style, &labels());
        input.unwrap()
    };
    let inputs = [
        prepare("florp and zibber"),
        trained(&model, &e),
        prepare(""),
    ];
    assert!(inputs[0].pixel_values.is_none());
    let inputs: Vec<_> = inputs.iter().collect();
    let together = answer(&mut model, &inputs, 16);
    for (input, together) in inputs.iter().zip(&together) {
        let alone = answer_one(&mut model, input, 16);
        assert_eq!(alone.ids, together.ids);
        assert!((alone.logprob - together.logprob).abs() < TOLERANCE);
    }
}

/// Another copy of a fixture model, under other names, gives the same inputs and the same numbers to the bit.
pub fn assert_same(folder: &Path, mut other: LoadedModel) {
    let mut model = load_with_adapter(folder);
    assert_eq!(other.info.parameters, model.info.parameters);
    for (e, _) in goldens(folder).into_iter().take(6) {
        let input = trained(&model, &e);
        assert_eq!(trained(&other, &e), input);
        assert_eq!(
            answer_one(&mut other, &input, 64),
            answer_one(&mut model, &input, 64)
        );
    }
}
