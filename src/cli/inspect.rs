//! `overrule inspect`: what the model sees and says of one post, in numbers to compare with other implementations.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Outcome,
    common::{DataArgs, ModelArgs, RunArgs, load_model},
    download::fetch_missing,
};
use crate::{
    image,
    model::{Classifier, Engine, ModelInput, Network, Pixels, Processor},
    post::{LabelNames, LabelSet},
    predict::{
        answer::Parse,
        classify::{self, Classes},
        decode::{self, Decoding},
        drafts::Drafts,
        prediction::Seconds,
        score,
    },
};

/// Up to so many labels every label set is scored: 64 sets.
const MOST_LABELS_SCORED: usize = 6;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A CSV, JSON or Parquet file, a folder of images, or another tool's export
    dataset: PathBuf,
    /// The post's place in the dataset, from 0
    #[arg(long, value_name = "N")]
    index: usize,
    /// The model: a folder, a Hub id or a preset's name; it runs on this machine
    #[arg(long, value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    model_args: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// One post in numbers, as DESIGN's command line names them.
#[derive(Serialize)]
struct Inspection {
    prompt: String,
    input_ids: Vec<u32>,
    pixel_values: Option<PixelStats>,
    first_logits_top10: Vec<(usize, f32)>,
    generated_ids: Vec<u32>,
    generated_text: String,
    /// `null` if the answer could not be parsed, or there is none about these labels.
    labels: Option<Vec<String>>,
    /// The natural log of the probability of each label set's JSON text and the end of sequence;
    /// `null` with more than six labels.
    label_set_logprobs: Option<Map<String, Value>>,
    seconds: Option<InspectionSeconds>,
}

/// What a generative model needed.
#[derive(Serialize)]
struct InspectionSeconds {
    /// The prompt and its drafts.
    prefill: f64,
    /// The further tokens of the answer.
    decode: f64,
    /// All label sets; `null` where they were not scored.
    label_sets: Option<f64>,
}

/// Enough of a tensor to recognise it.
#[derive(Serialize)]
struct PixelStats {
    shape: Vec<usize>,
    mean: f64,
    /// The population's standard deviation.
    std: f64,
    first16: Vec<f32>,
    /// The elements `i · n / 16` of the flattened tensor.
    strided16: Vec<f32>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.run.set_threads()?;
    let dataset = args.data.open(&args.dataset)?;
    let Some(post) = dataset.posts.get(args.index).cloned() else {
        bail!(
            "{} has {} posts, and --index counts from 0",
            dataset.path.display(),
            dataset.posts.len()
        );
    };
    let image_file = dataset.image_file(&post);
    let spec = args.model_args.spec(&args.model);
    fetch_missing(&spec)?;
    let mut model = load_model(&spec)?;
    let picture = image_file
        .filter(|_| model.processor.sees_images())
        .map(|file| image::decode_file(&file))
        .transpose()?;
    let labels = args
        .data
        .with_model_labels(dataset, model.info.labels.as_ref())?
        .labels;
    let input = model
        .processor
        .prepare(&post.text, picture.as_ref(), args.run.prompt, &labels)?;
    let inspection = match &mut model.engine {
        Engine::Generative(network) => {
            let processor = &*model.processor;
            inspect(
                &mut **network,
                processor,
                input,
                &labels,
                args.run.max_new_tokens,
            )?
        }
        Engine::Remote(_) => {
            bail!("inspect looks into a model that runs here; this one answers on another machine")
        }
        Engine::Classifier(classifier) => {
            let names = model.info.labels.as_deref().unwrap_or_default();
            let classes = Classes::new(names, &labels);
            inspect_classifier(&mut **classifier, &classes, input, &labels)?
        }
    };
    super::print(&format!("{}\n", serde_json::to_string(&inspection)?))?;
    Ok(Outcome::Done)
}

fn inspect(
    network: &mut dyn Network,
    processor: &dyn Processor,
    input: ModelInput,
    labels: &LabelNames,
    max_new_tokens: usize,
) -> anyhow::Result<Inspection> {
    let decoding = Decoding {
        max_new_tokens,
        drafts: &Drafts::none(),
        keep_first_logits: true,
        keep_passes: false,
    };
    let decoded = decode::decode(network, &[&input], &decoding, &|| false)?;
    let generated = decoded
        .answers
        .into_iter()
        .next()
        .context("the model gave no answer")??;
    let generated_text = processor.decode(&generated.ids)?;
    let parsed = processor.parse(&generated_text, labels);
    let begun = Instant::now();
    let label_set_logprobs = label_set_logprobs(network, processor, &input, labels)?;
    let seconds = InspectionSeconds {
        prefill: decoded.seconds.prefill,
        decode: decoded.seconds.decode,
        label_sets: label_set_logprobs
            .is_some()
            .then(|| begun.elapsed().as_secs_f64()),
    };
    Ok(Inspection {
        first_logits_top10: top10(&generated.first_logits.unwrap_or_default()),
        generated_ids: generated.ids,
        generated_text,
        labels: names_of(labels, parsed.parse, parsed.labels),
        label_set_logprobs,
        seconds: Some(seconds),
        prompt: input.prompt,
        input_ids: input.input_ids,
        pixel_values: input.pixel_values.as_ref().map(stats),
    })
}

/// A classifier generates nothing: its logits stand in the order of its labels, and its answer is their probabilities.
fn inspect_classifier(
    classifier: &mut dyn Classifier,
    classes: &Classes,
    input: ModelInput,
    labels: &LabelNames,
) -> anyhow::Result<Inspection> {
    let (rows, _) = classify::logits(classifier, &[&input])?;
    let logits = rows
        .into_iter()
        .next()
        .context("the model gave no answer")??;
    let prediction = classes.prediction(&logits, Seconds::default());
    let names = LabelNames::new(classes.names_in(labels))?;
    let label_set_logprobs = (names.len() <= MOST_LABELS_SCORED).then(|| {
        let sets = subsets(names.len()).into_iter();
        let entry = |set| {
            (
                names.json_list(set),
                Value::from(Classes::logprob(&logits, set)),
            )
        };
        sets.map(entry).collect()
    });
    Ok(Inspection {
        first_logits_top10: top10(&logits),
        generated_ids: Vec::new(),
        labels: names_of(labels, prediction.parse, prediction.labels),
        generated_text: prediction.raw,
        label_set_logprobs,
        seconds: None,
        prompt: input.prompt,
        input_ids: input.input_ids,
        pixel_values: input.pixel_values.as_ref().map(stats),
    })
}

/// The labels of an answer, if it could be read.
fn names_of(labels: &LabelNames, parse: Parse, set: LabelSet) -> Option<Vec<String>> {
    let names = labels.names_of(set).into_iter().map(str::to_owned);
    (parse != Parse::Failed).then(|| names.collect())
}

fn top10(logits: &[f32]) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = logits.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(10);
    ranked
}

fn label_set_logprobs(
    network: &mut dyn Network,
    processor: &dyn Processor,
    input: &ModelInput,
    labels: &LabelNames,
) -> anyhow::Result<Option<Map<String, Value>>> {
    if labels.len() > MOST_LABELS_SCORED {
        return Ok(None);
    }
    let texts: Vec<String> = subsets(labels.len())
        .into_iter()
        .map(|set| processor.answer_text(labels, set))
        .collect();
    let candidates = texts
        .iter()
        .map(|text| processor.answer_ids(text))
        .collect::<Result<Vec<_>, _>>()?;
    let logprobs = score::score(network, input, &candidates)?;
    let logprobs = texts
        .into_iter()
        .zip(logprobs.into_iter().map(Value::from))
        .collect();
    Ok(Some(logprobs))
}

/// All sets of the first `n` labels: small ones first, then in class order.
fn subsets(n: usize) -> Vec<LabelSet> {
    let mut sets: Vec<LabelSet> = (0..1u64 << n).map(LabelSet::from_bits).collect();
    sets.sort_by_cached_key(|set| (set.len(), set.iter().collect::<Vec<_>>()));
    sets
}

fn stats(pixels: &Pixels) -> PixelStats {
    let values = &pixels.values;
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let deviation = |v: &f32| (f64::from(*v) - mean).powi(2);
    let strided = (0..16).filter_map(|i| values.get(i * values.len() / 16));
    PixelStats {
        shape: pixels.shape.clone(),
        mean,
        std: (values.iter().map(deviation).sum::<f64>() / n).sqrt(),
        first16: values.iter().copied().take(16).collect(),
        strided16: strided.copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_are_listed_small_ones_first_in_class_order() {
        let labels = LabelNames::new(["a", "b", "c"]).unwrap();
        let texts: Vec<String> = subsets(3)
            .iter()
            .map(|set| labels.json_list(*set))
            .collect();
        assert_eq!(
            texts,
            [
                "[]",
                r#"["a"]"#,
                r#"["b"]"#,
                r#"["c"]"#,
                r#"["a", "b"]"#,
                r#"["a", "c"]"#,
                r#"["b", "c"]"#,
                r#"["a", "b", "c"]"#
            ]
        );
    }

    #[test]
    fn a_tensor_is_told_by_its_moments_and_sixteen_elements() {
        let pixels = Pixels {
            values: (0..32u8).map(f32::from).collect(),
            shape: vec![1, 2, 16],
            image_grid: None,
        };
        let stats = stats(&pixels);
        assert_eq!(stats.mean, 15.5);
        assert!((stats.std - (1023.0f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(stats.first16.last(), Some(&15.0));
        assert_eq!(
            stats.strided16,
            (0..16u8).map(|i| f32::from(2 * i)).collect::<Vec<_>>()
        );
    }
}
