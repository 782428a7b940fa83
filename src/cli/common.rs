//! Arguments that several subcommands share, and what they stand for.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::progress::Reporter;
use crate::{
    dataset::{self, Dataset, LabelSource, OpenOptions},
    export::ExportError,
    model::{
        self, Adapter, DeviceChoice, DtypeChoice, ImageSplitting, LoadedModel, ModelSpec,
        PromptStyle,
    },
    post::{LabelNames, Problem, ProblemKind},
    predict::{
        answering::{AnswerOptions, DecodeMode},
        loading,
        prediction::{DEFAULT_MAX_NEW_TOKENS, RunInfo},
    },
    review::{Session, store},
};

/// How to open a dataset.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// The label set in class order, instead of class_names.txt
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub labels: Option<Vec<String>>,
    /// What relative image paths start from, instead of the dataset's folder
    #[arg(long, value_name = "FOLDER")]
    pub image_root: Option<PathBuf>,
}

impl DataArgs {
    /// The options of [`dataset::open`]; `model_labels` count if neither the user nor the dataset names any.
    pub fn options(&self, model_labels: Option<Vec<String>>) -> OpenOptions {
        OpenOptions {
            labels: self.labels.clone(),
            image_root: self.image_root.clone(),
            model_labels,
        }
    }

    /// Opens a dataset whose label set the model may have to name.
    pub fn open(&self, path: &Path) -> anyhow::Result<Dataset> {
        Ok(dataset::open(path, &self.options(None))?)
    }

    /// Opens the dataset that a run is about, whose labels name the classes if it names none itself, and tells what is wrong
    /// with it.
    pub fn open_for(&self, path: &Path, run: &RunInfo) -> anyhow::Result<Dataset> {
        let dataset = dataset::open(path, &self.options(Some(run.label_set.clone())))?;
        note_problems(&dataset);
        Ok(dataset)
    }

    /// Opens it again with the model's labels, if it names none itself, and tells what is wrong with it.
    pub fn with_model_labels(
        &self,
        dataset: Dataset,
        model_labels: Option<&Vec<String>>,
    ) -> anyhow::Result<Dataset> {
        let dataset = match (dataset.label_source, model_labels) {
            (LabelSource::Seen, Some(labels)) => {
                dataset::open(&dataset.path, &self.options(Some(labels.clone())))?
            }
            _ => dataset,
        };
        if dataset.labels.is_empty() {
            bail!(
                "neither {} nor the model names any label; name them with --labels a,b,c or in class_names.txt",
                dataset.path.display()
            );
        }
        note_problems(&dataset);
        Ok(dataset)
    }
}

/// Tells what is wrong with a dataset, a line for each kind of fault: figures look the same whether or not its labels exist.
fn note_problems(dataset: &Dataset) {
    let mut by_kind: BTreeMap<ProblemKind, Vec<&Problem>> = BTreeMap::new();
    for problem in &dataset.problems {
        by_kind.entry(problem.kind).or_default().push(problem);
    }
    for (kind, problems) in by_kind {
        let Some(first) = problems.first() else {
            continue;
        };
        let kind = kind.name().to_lowercase();
        let count = match problems.len() {
            1 => kind,
            n => format!("{kind}, {n} times; the first"),
        };
        let place = match first.line.map(|line| format!("line {line}")) {
            Some(line) if !first.message.contains(&line) => format!("{line}: "),
            _ => String::new(),
        };
        let (name, message) = (&dataset.name, &first.message);
        super::note(&format!("{name}: {count}: {place}{message}"));
    }
}

/// Opens a review for reading, with the dataset it is about or the one named instead, and tells what is wrong with that.
pub(super) fn open_session(
    file: &Path,
    dataset: Option<&Path>,
    data: &DataArgs,
) -> anyhow::Result<Session> {
    let about = store::dataset_of(file)?;
    let path = dataset.unwrap_or(&about.path);
    let mut options = data.options(None);
    let recorded = about.open_options();
    options.labels = options.labels.or(recorded.labels);
    if dataset.is_none() {
        options.image_root = options.image_root.or(recorded.image_root);
    }
    let dataset = dataset::open(path, &options).with_context(|| {
        format!(
            "the dataset of {} could not be opened; name it with --data if it was moved",
            file.display()
        )
    })?;
    note_problems(&dataset);
    Ok(Session::open_read_only(Arc::new(dataset), file)?)
}

/// Which model to run, and where.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// The adapter: a folder or a Hub id [default: the preset's own]
    #[arg(long, value_name = "ADAPTER", conflicts_with = "no_adapter")]
    pub adapter: Option<String>,
    /// Run the base without an adapter
    #[arg(long)]
    pub no_adapter: bool,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = devices())]
    pub device: DeviceChoice,
    /// The number format of the weights. q8_0 is the smallest and, on the CPU, the fastest
    #[arg(long, value_name = "DTYPE", default_value = "auto", value_parser = dtypes())]
    pub dtype: DtypeChoice,
    /// How models that see images in tiles cut them up: as the checkpoint does, or not at all (faster; small print is lost)
    #[arg(long, value_name = "SPLITTING", default_value = "auto", value_parser = splittings())]
    pub image_splitting: ImageSplitting,
}

impl ModelArgs {
    /// What to load; `model` is a folder, a Hub id or a preset's name.
    pub fn spec(&self, model: &str) -> ModelSpec {
        ModelSpec {
            model: model.to_owned(),
            adapter: match &self.adapter {
                Some(adapter) => Adapter::Named(adapter.clone()),
                None if self.no_adapter => Adapter::None,
                None => Adapter::Default,
            },
            device: self.device,
            dtype: self.dtype,
            image_splitting: self.image_splitting,
        }
    }
}

/// Loads a model, with progress on standard error.
pub(super) fn load_model(spec: &ModelSpec) -> anyhow::Result<LoadedModel> {
    let mut reporter = Reporter::new();
    let loaded = loading::load(&model::load, spec, &mut |progress| {
        reporter.loading(&progress.step, progress.fraction);
        true
    });
    loaded.map_err(anyhow::Error::msg)
}

/// What to tell of a file that could not be written.
pub(super) fn unwritten(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Exists(path) => anyhow::anyhow!(
            "{} exists already; choose another name, or replace it with --force",
            path.display()
        ),
        error => error.into(),
    }
}

/// How to run a model.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Running")]
pub(super) struct RunArgs {
    /// The prompt the adapters were trained with, or that of their model cards
    #[arg(long, value_name = "PROMPT", default_value = "trained", value_parser = prompts())]
    pub prompt: PromptStyle,
    /// The longest answer, in tokens
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_NEW_TOKENS, value_parser = at_least_one())]
    pub max_new_tokens: usize,
    /// Likely answers ride along with the prompt and are verified, or one pass a token: the answers are the same
    #[arg(long, value_name = "HOW", default_value = "draft", value_parser = decode_modes())]
    pub decode: DecodeMode,
    /// Give the labels no probabilities, which can save a pass where the model is unsure
    #[arg(long)]
    pub no_scores: bool,
    /// How many posts run together [default: 1 on the CPU; on a GPU as many as pays, found out on the way]
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub batch_size: Option<usize>,
    /// How many CPU threads compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub threads: Option<usize>,
}

impl RunArgs {
    /// How to answer, with these labels.
    pub fn answers(&self, labels: &LabelNames) -> AnswerOptions {
        AnswerOptions {
            labels: labels.clone(),
            max_new_tokens: self.max_new_tokens,
            decode: self.decode,
            scores: !self.no_scores,
        }
    }

    /// Sets the number of CPU threads. Call it before anything computes.
    pub fn set_threads(&self) -> anyhow::Result<()> {
        match self.threads {
            None => Ok(()),
            Some(threads) => rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .with_context(|| format!("{threads} threads could not be started")),
        }
    }
}

fn devices() -> impl TypedValueParser<Value = DeviceChoice> {
    PossibleValuesParser::new(["auto", "cpu", "cuda", "metal"]).map(|name| match name.as_str() {
        "cpu" => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda,
        "metal" => DeviceChoice::Metal,
        _ => DeviceChoice::Auto,
    })
}

fn dtypes() -> impl TypedValueParser<Value = DtypeChoice> {
    PossibleValuesParser::new(["auto", "f32", "bf16", "f16", "q8_0"]).map(|name| {
        match name.as_str() {
            "f32" => DtypeChoice::F32,
            "bf16" => DtypeChoice::Bf16,
            "f16" => DtypeChoice::F16,
            "q8_0" => DtypeChoice::Q8_0,
            _ => DtypeChoice::Auto,
        }
    })
}

fn splittings() -> impl TypedValueParser<Value = ImageSplitting> {
    PossibleValuesParser::new(["auto", "off"]).map(|name| match name.as_str() {
        "off" => ImageSplitting::Off,
        _ => ImageSplitting::Auto,
    })
}

fn prompts() -> impl TypedValueParser<Value = PromptStyle> {
    PossibleValuesParser::new(["trained", "card"]).map(|name| match name.as_str() {
        "card" => PromptStyle::Card,
        _ => PromptStyle::Trained,
    })
}

fn decode_modes() -> impl TypedValueParser<Value = DecodeMode> {
    PossibleValuesParser::new(["draft", "plain"]).map(|name| match name.as_str() {
        "plain" => DecodeMode::Plain,
        _ => DecodeMode::Draft,
    })
}

fn at_least_one() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32)
        .range(1..)
        .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}
