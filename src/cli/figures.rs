//! `overrule evaluate --figures`: every figure as SVG, PNG and CSV in a folder.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};

use super::joined::{Joined, Source};
use crate::{
    export::figure::{
        FigureFile, Format,
        gallery::{Gallery, Shown},
    },
    metrics::{
        self, Metrics, Pair,
        analysis::{self, Analysis, Judged},
        bootstrap::{self, Intervals},
        history::{self, Moment},
    },
    predict::prediction::Prediction,
};

/// As in the window, so that both tell the same intervals.
const SEED: u64 = 1;

/// What is drawn about one file of predictions.
struct Run {
    metrics: Metrics,
    intervals: Option<Intervals>,
    analysis: Analysis,
    moments: Vec<Moment>,
}

/// Writes the figures about one file of predictions, or about two on the posts that both predicted. Returns what to say.
pub(super) fn write(
    folder: &Path,
    force: bool,
    source: &Source,
    joined: &[&Joined],
) -> anyhow::Result<String> {
    let runs: Vec<Run> = joined.iter().map(|of| run(source, of, joined)).collect();
    let Some(first) = runs.first() else {
        bail!("there is nothing to draw");
    };
    if first.metrics.n == 0 {
        bail!("no post has both a truth and a prediction, so there is nothing to draw");
    }
    let shown = |run: &'static str, of| Shown {
        name: run,
        ..shown(of)
    };
    let gallery = Gallery {
        labels: &source.dataset().labels,
        truth: source.sentence(),
        run: shown("A", first),
        other: runs.get(1).map(|run| shown("B", run)),
    };
    let figures = gallery.all();
    let files: Vec<FigureFile> = figures
        .iter()
        .flat_map(|figure| Format::ALL.map(|format| (figure, format)))
        .map(|(figure, format)| FigureFile {
            path: folder.join(format!("{}.{}", figure.name, format.ending())),
            figure: figure.clone(),
            format,
            replace: force,
        })
        .collect();
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} could not be made", folder.display()))?;
    // Before anything is written: half of a set of figures helps nobody.
    if !force && let Some(file) = files.iter().find(|file| file.path.exists()) {
        bail!(
            "{} exists already; choose another folder, or replace its figures with --force",
            file.path.display()
        );
    }
    for file in &files {
        file.write()?;
    }
    Ok(format!(
        "{} figures, each as SVG, PNG and CSV, in {}",
        figures.len(),
        folder.display()
    ))
}

fn shown(run: &Run) -> Shown<'_> {
    Shown {
        name: "",
        metrics: &run.metrics,
        intervals: run.intervals.as_ref(),
        analysis: &run.analysis,
        moments: &run.moments,
    }
}

/// One file on the posts that all of them predicted.
fn run(source: &Source, of: &Joined, all: &[&Joined]) -> Run {
    let dataset = source.dataset();
    let prediction = |place: usize| -> Option<(usize, Prediction)> {
        let in_all = all
            .iter()
            .all(|joined| joined.by_place.contains_key(&place));
        let record = of.by_place.get(&place).filter(|_| in_all)?;
        Some((place, record.prediction(&dataset.labels)))
    };
    let predictions: Vec<(usize, Prediction)> =
        (0..dataset.posts.len()).filter_map(prediction).collect();
    let judged: Vec<Judged> = predictions
        .iter()
        .filter_map(|(place, prediction)| {
            Some(Judged {
                post: u32::try_from(*place).ok()?,
                pair: prediction.said().against(source.truth(*place)?),
                scores: prediction.scores.as_deref().unwrap_or_default(),
            })
        })
        .collect();
    let pairs: Vec<Pair> = judged.iter().map(|judged| judged.pair).collect();
    let decided: Vec<Pair> = match source {
        Source::Dataset(_) => Vec::new(),
        Source::Session(session) => {
            let place = |post: u32| {
                judged
                    .binary_search_by_key(&post, |judged| judged.post)
                    .ok()
            };
            let posts = session.decided().into_iter().filter_map(place);
            posts
                .filter_map(|place| pairs.get(place).copied())
                .collect()
        }
    };
    Run {
        metrics: metrics::evaluate(&dataset.labels, pairs.iter().copied()),
        intervals: bootstrap::intervals(&dataset.labels, &pairs, SEED, || false),
        analysis: analysis::analyse(&dataset.labels, &judged),
        moments: history::over_time(&dataset.labels, &decided),
    }
}
