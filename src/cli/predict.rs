//! `overrule predict`: the labels of every post, as JSON Lines, appended as they arrive.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail};
use crossbeam_channel::{Receiver, select};

use super::{
    Outcome,
    common::{DataArgs, ModelArgs, RunArgs},
    download::fetch_missing,
    output::{Output, is_stdout},
    progress::{Reporter, posts},
};
use crate::{
    dataset::Dataset,
    duration::duration_text,
    model::{LabelNote, ModelInfo, ModelSpec},
    predict::{
        prediction::{Prediction, Record, RunInfo},
        worker::{Event, Job, JobEnd, PredictOptions, Progress, Worker},
    },
};

/// How many failed posts are told one by one; all of them are in the file.
const FAILURES_TOLD: usize = 20;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A CSV, JSON or Parquet file, a folder of images, or another tool's export
    dataset: PathBuf,
    /// The model: a folder, a Hub id, a preset's name, or one on another machine (openai:URL#NAME, sagemaker:URL)
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The file to append to, one JSON object a line; posts that it holds of the same run are skipped. `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Only the first N posts of the dataset
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    model_args: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.run.set_threads()?;
    // What can be wrong is tried before the model loads, which takes a while.
    let dataset = args.data.open(&args.dataset)?;
    let (output, earlier) = Output::open(&args.out)?;

    let spec = args.model_args.spec(&args.model);
    // Ctrl-C may end this at once: the next time goes on from there.
    fetch_missing(&spec)?;

    let interrupts = super::interrupts::catch()?;
    let mut reporter = Reporter::new();
    let worker = Worker::spawn(|| {}).context("the inference thread could not be started")?;
    let Some(model) = load(&worker, spec, &interrupts, &mut reporter)? else {
        return Ok(Outcome::Interrupted);
    };
    let dataset = Arc::new(
        args.data
            .with_model_labels(dataset, model.labels.as_ref())?,
    );
    if let Some(labels) = LabelNote::new(&model, &dataset.labels) {
        reporter.note(&labels.to_string());
    }
    let longest = args.run.max_new_tokens;
    let run = RunInfo::new(&model, args.run.prompt, &dataset.labels, longest);

    // A classifier gives them anyway, and a service may give none.
    let with_scores = !args.run.no_scores && !model.is_classifier && !model.is_remote();
    let limit = args.limit.unwrap_or(usize::MAX);
    let places = 0..dataset.posts.len().min(limit);
    let wanted = places.len();
    let posts: Vec<usize> = places
        .zip(&dataset.posts)
        .filter(|(_, post)| !earlier.holds(&run, post.id, with_scores))
        .map(|(place, _)| place)
        .collect();
    let skipped = wanted - posts.len();
    let writer = Writer::new(output, &dataset, run, posts.clone());
    worker.predict(Job {
        dataset: Arc::clone(&dataset),
        posts,
        options: PredictOptions {
            prompt: args.run.prompt,
            answers: args.run.answers(&dataset.labels),
            batch_size: args.run.batch_size,
        },
    });
    let start = Instant::now();
    let (tally, progress, end) = collect(&worker, &interrupts, writer, &mut reporter)?;
    reporter.clear();
    let outcome = match end {
        JobEnd::Cancelled => Outcome::Interrupted,
        _ if tally.failed > 0 => Outcome::SomePostsFailed,
        _ => Outcome::Done,
    };
    let secs = start.elapsed().as_secs_f64();
    super::note(&summary(&tally, skipped, outcome, secs, &args.out));
    let told = [
        cut_off(tally.cut_off, longest),
        how_it_went(&progress, secs),
    ];
    told.iter().flatten().for_each(|text| super::note(text));
    if let JobEnd::Outage(outage) = end {
        bail!("predicting stopped: {outage}; run the same command again to go on");
    }
    Ok(outcome)
}

/// Loads the model; `None` after Ctrl-C.
fn load(
    worker: &Worker,
    spec: ModelSpec,
    interrupts: &Receiver<()>,
    reporter: &mut Reporter,
) -> anyhow::Result<Option<ModelInfo>> {
    worker.load(spec);
    loop {
        select! {
            recv(interrupts) -> _ => return Ok(None),
            recv(worker.events()) -> event => match event.context("the inference thread ended unexpectedly")? {
                Event::Loading { step, fraction, .. } => reporter.loading(&step, fraction),
                Event::Loaded { info, .. } => return Ok(Some(info)),
                Event::LoadFailed { message, .. } => bail!(message),
                Event::Predicted { .. }
                | Event::Progress { .. }
                | Event::Finished { .. }
                | Event::Moved { .. } => {}
            }
        }
    }
}

/// Writes what the worker finds out until it is done, or until Ctrl-C.
fn collect(
    worker: &Worker,
    interrupts: &Receiver<()>,
    mut writer: Writer,
    reporter: &mut Reporter,
) -> anyhow::Result<(Tally, Progress, JobEnd)> {
    let mut last = Progress::default();
    let end = loop {
        select! {
            recv(interrupts) -> _ => break JobEnd::Cancelled,
            recv(worker.events()) -> event => match event.context("the inference thread ended unexpectedly")? {
                Event::Predicted { post, prediction, .. } => {
                    if let Some(line) = writer.take(post, *prediction)? {
                        reporter.note(&line);
                    }
                }
                Event::Progress { progress, .. } => {
                    last = progress;
                    reporter.predicting(progress);
                }
                Event::Finished { end, .. } => break end,
                Event::Moved { info, .. } => {
                    // What follows is said by another device, whose last digits differ.
                    writer.run.device = info.device;
                    reporter.note("the GPU's memory is not enough for one post; going on with the CPU");
                }
                Event::Loading { .. } | Event::Loaded { .. } | Event::LoadFailed { .. } => {}
            }
        }
    };
    Ok((writer.finish()?, last, end))
}

/// How many answers could not be read because they did not end; nothing to say of none.
fn cut_off(n: usize, longest: usize) -> Option<String> {
    let text = "could not be read, since the answer did not end within";
    (n > 0).then(|| {
        let posts = posts(n);
        format!("{posts} {text} {longest} tokens; --max-new-tokens allows longer ones")
    })
}

/// How many answers took one pass, and how long the model waited for images; nothing to say of no posts.
fn how_it_went(progress: &Progress, secs: f64) -> Option<String> {
    progress
        .done
        .checked_sub(progress.failed)
        .filter(|n| *n > 0)?;
    let waited = 100.0 * (progress.waited_secs / secs.max(1e-9)).min(1.0);
    let mut text = format!("the model waited for images {waited:.0} % of the time");
    if let Some(share) = progress.one_pass_share() {
        text = format!(
            "{:.0} % of the answers took one pass; {text}",
            100.0 * share
        );
    }
    if let Some(most) = progress.most_at_once {
        text += &format!("; the memory took batches of {most} only");
    }
    Some(text)
}

fn summary(tally: &Tally, skipped: usize, outcome: Outcome, secs: f64, out: &Path) -> String {
    let mut text = match outcome {
        Outcome::Interrupted => "Interrupted: ".to_owned(),
        Outcome::Done | Outcome::SomePostsFailed => String::new(),
    };
    text += &format!("{} in {}", posts(tally.written), duration_text(secs));
    if tally.failed > 0 {
        text += &format!(", {} of them failed", tally.failed);
    }
    if skipped > 0 {
        text += &format!("; {skipped} were there already");
    }
    if !is_stdout(out) {
        text += &format!("; predictions are in {}", out.display());
    }
    text
}

/// What was written.
struct Tally {
    written: usize,
    failed: usize,
    /// Answers that could not be read and did not end by themselves.
    cut_off: usize,
}

/// Writes records in the order of the dataset, although batches answer posts of like length together.
struct Writer<'a> {
    output: Output,
    dataset: &'a Dataset,
    run: RunInfo,
    /// The posts not written yet, last first.
    expected: Vec<usize>,
    /// Answers that came before their turn: at most a few batches.
    early: BTreeMap<usize, Record>,
    tally: Tally,
}

impl<'a> Writer<'a> {
    fn new(output: Output, dataset: &'a Dataset, run: RunInfo, mut posts: Vec<usize>) -> Self {
        posts.reverse();
        Self {
            output,
            dataset,
            run,
            expected: posts,
            early: BTreeMap::new(),
            tally: Tally {
                written: 0,
                failed: 0,
                cut_off: 0,
            },
        }
    }

    /// Takes an answer, writes what is due, and says if the post failed.
    fn take(&mut self, post: usize, prediction: Prediction) -> anyhow::Result<Option<String>> {
        let mut told = None;
        if let Some(error) = &prediction.error {
            self.tally.failed += 1;
            told = match self.tally.failed {
                ..=FAILURES_TOLD => Some(format!("post {post}: {error}")),
                n if n == FAILURES_TOLD + 1 => {
                    Some("more posts fail; all errors are in the output".to_owned())
                }
                _ => None,
            };
        }
        self.tally.cut_off += usize::from(self.run.was_cut_off(&prediction));
        let Some(of_post) = self.dataset.posts.get(post) else {
            bail!("the dataset has no post {post}");
        };
        let (labels, run) = (&self.dataset.labels, self.run.clone());
        let record = Record::new(post, of_post, labels, prediction, run);
        self.early.insert(post, record);
        while let Some(next) = self.expected.last()
            && let Some(record) = self.early.remove(next)
        {
            self.expected.pop();
            self.write(&record)?;
        }
        Ok(told)
    }

    fn write(&mut self, record: &Record) -> anyhow::Result<()> {
        self.output.append(record).with_context(not_written)?;
        self.tally.written += 1;
        Ok(())
    }

    /// Writes what is left, out of turn, and brings everything to the disk.
    fn finish(mut self) -> anyhow::Result<Tally> {
        for record in std::mem::take(&mut self.early).values() {
            self.write(record)?;
        }
        self.output.finish().with_context(not_written)?;
        Ok(self.tally)
    }
}

fn not_written() -> &'static str {
    "the predictions could not be written; free some space, then run the same command again to go on"
}
