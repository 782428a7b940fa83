//! `overrule evaluate`: how good predictions are, as a table or as JSON.

use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::{Value, json};

use super::{
    Outcome,
    against::Against,
    common::DataArgs,
    figures,
    joined::{Joined, Source, join},
    progress::posts,
    table,
};
use crate::{
    dataset::Dataset,
    metrics::{self, ClassMetrics, Metrics, Pair},
    post::LabelSet,
    predict::{
        prediction::{Record, RunInfo},
        record_file::read_records,
    },
    review::session::Exposure,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The file that `overrule predict` wrote
    #[arg(value_name = "FILE.jsonl")]
    predictions: PathBuf,
    /// The dataset with the truth
    #[arg(
        long = "data",
        value_name = "DATASET",
        required_unless_present = "session"
    )]
    dataset: Option<PathBuf>,
    /// A review's session file: its decisions are the truth where there are any, else the dataset's labels
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// Which run of the file, from 1 [default: the last]
    #[arg(long, value_name = "N")]
    run: Option<usize>,
    /// Compare with a second file of predictions: where the two agree, and the scores of both on the posts that both predicted
    #[arg(long, value_name = "FILE.jsonl")]
    against: Option<PathBuf>,
    /// Which run of the second file, from 1 [default: the last]
    #[arg(long, value_name = "N", requires = "against")]
    against_run: Option<usize>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write every figure into this folder, as SVG, PNG, and CSV of its numbers
    #[arg(long, value_name = "FOLDER")]
    figures: Option<PathBuf>,
    /// Replace figures that exist
    #[arg(long, requires = "figures")]
    force: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (records, run) = records_of_run(&args.predictions, args.run)?;
    let (session, dataset) = (args.session.as_deref(), args.dataset.as_deref());
    let source = Source::open(session, dataset, &args.data, &run)?;
    let dataset = source.dataset();
    let joined = join(dataset, &records)?;
    let draw = |joined: &[&Joined]| match &args.figures {
        Some(folder) => figures::write(folder, args.force, &source, joined).map(Some),
        None => Ok(None),
    };
    let (value, text, drawn) = match &args.against {
        None => {
            let comparison = compare(&source, &joined, &run);
            let drawn = draw(&[&joined])?;
            (comparison.to_json(), comparison.to_text(), drawn)
        }
        Some(file) => {
            let (records, other) = records_of_run(file, args.against_run)?;
            let others = join(dataset, &records)?;
            let against = Against::new(&source, [&joined, &others], [&run, &other]);
            let drawn = draw(&[&joined, &others])?;
            (against.to_json(), against.to_text(), drawn)
        }
    };
    if let Some(drawn) = drawn {
        super::note(&drawn);
    }
    if args.json {
        super::print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else {
        super::print(&text)?;
    }
    Ok(Outcome::Done)
}

/// The records of one run of a file: the last, or the one asked for.
pub(super) fn records_of_run(
    path: &Path,
    wanted: Option<usize>,
) -> anyhow::Result<(Vec<Record>, RunInfo)> {
    let found = read_records(path)?;
    for problem in &found.problems {
        super::note(&format!("{}: {}", path.display(), problem.message));
    }
    let mut runs: Vec<RunInfo> = Vec::new();
    for record in &found.records {
        if !runs.contains(&record.run) {
            runs.push(record.run.clone());
        }
    }
    let chosen = match (wanted, found.records.last()) {
        (_, None) => bail!("{} holds no prediction", path.display()),
        (None, Some(last)) => last.run.clone(),
        (Some(number), _) => match number.checked_sub(1).and_then(|place| runs.get(place)) {
            Some(run) => run.clone(),
            None => bail!(
                "{} holds {} runs, and --run counts from 1",
                path.display(),
                runs.len()
            ),
        },
    };
    if runs.len() > 1 {
        super::note(&format!(
            "{} holds {} runs; choose one with --run:",
            path.display(),
            runs.len()
        ));
        for (number, run) in (1..).zip(&runs) {
            let mark = if *run == chosen { " (this one)" } else { "" };
            super::note(&format!("  {number}: {}{mark}", describe(run)));
        }
    }
    let records = found
        .records
        .into_iter()
        .filter(|record| record.run == chosen);
    Ok((records.collect(), chosen))
}

pub(super) fn describe(run: &RunInfo) -> String {
    let adapter = match &run.adapter {
        Some(adapter) => format!(" + {adapter}"),
        None if run.is_imported() || run.is_remote() => String::new(),
        None => " without adapter".to_owned(),
    };
    format!("{}{adapter}, {}", run.model, run.settings())
}

/// The figures and all that must be said beside them.
struct Comparison<'a> {
    metrics: Metrics,
    /// Over what a reviewer decided, apart for what was in sight; nothing if nobody did. Who sees an answer first tends to agree
    /// with it.
    by_exposure: Vec<(&'static str, Metrics)>,
    source: &'a Source,
    run: &'a RunInfo,
    unlabelled: usize,
    /// Posts whose dataset's labels are not all in the label set.
    unknown_labels: usize,
    missing: usize,
    by_place_only: usize,
    unmatched: usize,
}

/// What was in sight, as JSON calls it.
const EXPOSURES: [(&str, Exposure); 2] =
    [("blind", Exposure::Blind), ("assisted", Exposure::Assisted)];

fn compare<'a>(source: &'a Source, joined: &Joined, run: &'a RunInfo) -> Comparison<'a> {
    let dataset = source.dataset();
    let (mut unlabelled, mut missing) = (0, 0);
    let mut pairs = Vec::with_capacity(joined.by_place.len());
    for place in 0..dataset.posts.len() {
        match (source.truth(place), joined.by_place.get(&place)) {
            (None, _) => unlabelled += 1,
            (Some(_), None) => missing += 1,
            (Some(truth), Some(record)) => pairs.push(pair(truth, record, dataset)),
        }
    }
    let decided = |exposure| {
        let of_post = |(place, record): (&usize, &&Record)| {
            Some(pair(source.decided(*place, exposure)?, record, dataset))
        };
        metrics::evaluate(&dataset.labels, joined.by_place.iter().filter_map(of_post))
    };
    let by_exposure = EXPOSURES.map(|(name, exposure)| (name, decided(exposure)));
    Comparison {
        metrics: metrics::evaluate(&dataset.labels, pairs),
        by_exposure: by_exposure.into_iter().filter(|(_, m)| m.n > 0).collect(),
        source,
        run,
        unlabelled,
        unknown_labels: dataset.n_with_unknown_labels(),
        missing,
        by_place_only: joined.by_place_only,
        unmatched: joined.unmatched,
    }
}

fn pair(truth: LabelSet, record: &Record, dataset: &Dataset) -> Pair {
    record.prediction(&dataset.labels).said().against(truth)
}

impl Comparison<'_> {
    fn to_json(&self) -> Value {
        let labels = &self.source.dataset().labels;
        let mut value = metrics::to_json(&self.metrics, labels, self.unlabelled as u64);
        if let Some(object) = value.as_object_mut() {
            object.insert("without_prediction".to_owned(), json!(self.missing));
            object.insert(
                "predictions_of_other_posts".to_owned(),
                json!(self.unmatched),
            );
            object.insert("unknown_labels".to_owned(), json!(self.unknown_labels));
            let problems = self.source.dataset().problems.len();
            object.insert("dataset_problems".to_owned(), json!(problems));
            let decided = self.by_exposure.iter();
            let decided: serde_json::Map<String, Value> = decided
                .map(|(name, m)| ((*name).to_owned(), metrics::to_json(m, labels, 0)))
                .collect();
            object.insert("decided".to_owned(), decided.into());
            object.insert("truth".to_owned(), json!(self.source.name()));
            object.insert("run".to_owned(), json!(self.run));
        }
        value
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}\n", describe(self.run));
        text += &format!(
            "{} compared with {}\n",
            posts(self.metrics.n),
            self.source.sentence()
        );
        for (count, what) in [
            (self.unlabelled, "without truth, left out"),
            (self.missing, "without a prediction, left out"),
            (
                self.unmatched,
                "predicted and not in this dataset, left out",
            ),
            (
                self.unknown_labels,
                "with labels that are not in the label set, which are counted as if nobody had named them",
            ),
            (
                self.by_place_only,
                "found by place and text, since their image path changed",
            ),
        ] {
            if count > 0 {
                text += &format!("{} {what}\n", posts(count));
            }
        }
        if self.metrics.n == 0 {
            return text;
        }
        text.push('\n');
        text += &table::render(&self.averages());
        text.push('\n');
        text += &table::render(&self.per_class());
        if !self.by_exposure.is_empty() {
            text += "\nOnly posts that a reviewer decided, without the model's answer in sight (blind) or with it (assisted), \
                     which makes people agree:\n";
            text += &table::render(&self.exposures());
        }
        text
    }

    fn exposures(&self) -> Vec<Vec<String>> {
        let header = ["decided", "n", "micro F1", "macro F1", "subset accuracy"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.by_exposure.iter().map(|(name, m)| {
            let scores = [m.f1_micro, m.f1_macro, m.subset_accuracy].map(figure);
            let mut row = vec![(*name).to_owned(), m.n.to_string()];
            row.extend(scores);
            row
        }));
        rows
    }

    fn averages(&self) -> Vec<Vec<String>> {
        let m = &self.metrics;
        let plain = |name: &str, value: f64| vec![name.to_owned(), figure(value)];
        let f1 = |name: &str, value: f64, zero_division_0: f64| {
            let mut row = plain(name, value);
            if figure(value) != figure(zero_division_0) {
                row.push(format!(
                    "(scikit-learn, zero_division=0: {})",
                    figure(zero_division_0)
                ));
            }
            row
        };
        let count = |name: &str, value: u64| vec![name.to_owned(), value.to_string()];
        let mut rows = vec![
            f1("micro F1", m.f1_micro, m.f1_micro_zero_division_0),
            f1("macro F1", m.f1_macro, m.f1_macro_zero_division_0),
            plain("subset accuracy", m.subset_accuracy),
            plain("Hamming loss", m.hamming_loss),
            count(
                "answers that could not be parsed (counted as empty)",
                m.parse_failures,
            ),
        ];
        if m.failed > 0 {
            rows.push(count(
                "posts without an answer (counted as empty)",
                m.failed,
            ));
        }
        rows
    }

    fn per_class(&self) -> Vec<Vec<String>> {
        let header = [
            "label",
            "precision",
            "recall",
            "F1",
            "support",
            "TP",
            "FP",
            "FN",
            "TN",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let classes = self
            .source
            .dataset()
            .labels
            .iter()
            .zip(&self.metrics.per_class);
        rows.extend(classes.map(|(label, class)| class_row(label, class)));
        rows
    }
}

fn class_row(label: &str, class: &ClassMetrics) -> Vec<String> {
    let mut row = vec![
        label.to_owned(),
        figure(class.precision),
        figure(class.recall),
        figure(class.f1),
    ];
    let counts = [class.support, class.tp, class.fp, class.fn_, class.tn];
    row.extend(counts.map(|count| count.to_string()));
    row
}

pub(super) fn figure(value: f64) -> String {
    format!("{value:.4}")
}
