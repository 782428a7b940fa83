//! What a report draws, and what it says of probabilities in a table, for whoever reads Markdown.

use super::{Report, document::Document};
use crate::{
    export::figure::{
        Figure,
        gallery::{Gallery, Shown},
    },
    metrics::{
        Metrics,
        analysis::{Analysis, Judged, LabelAnalysis, analyse},
        bootstrap::Intervals,
    },
};

/// Everything that is drawn: scores by label and confused labels, then, where the model gave probabilities, what they are worth.
pub(super) fn curves(
    report: &Report<'_>,
    metrics: &Metrics,
    intervals: Option<&Intervals>,
    out: &mut Document,
) {
    let judged = report.posts.iter().filter_map(|post| {
        let prediction = post.prediction.as_ref()?;
        Some(Judged {
            post: u32::try_from(post.place).ok()?,
            pair: prediction.said().against(post.truth?),
            scores: prediction.scores.as_deref().unwrap_or_default(),
        })
    });
    let judged: Vec<Judged<'_>> = judged.collect();
    let labels = &report.dataset.labels;
    let analysis = analyse(labels, &judged);
    let gallery = Gallery {
        labels,
        truth: match report.reviewed {
            Some(_) => "decisions, else the dataset's labels",
            None => "the dataset's labels",
        },
        run: Shown {
            name: "",
            metrics,
            intervals,
            analysis: &analysis,
            moments: &[],
        },
        other: None,
    };
    out.figures(&[gallery.f1_by_label(), gallery.confusions()]);
    let is_ranked = |of: &LabelAnalysis| of.ranking.n() > 0;
    if !analysis.labels.iter().any(is_ranked) {
        return;
    }
    out.heading("Probabilities");
    table(report, &analysis, out);
    out.paragraph(
        "Average precision, ROC AUC and the best F1 look at all thresholds; a threshold that was chosen on these posts does better \
         here than on others. The calibration error is the mean distance between probability and share, in ten bins.",
    );
    let mut figures: Vec<Figure> = Vec::new();
    for (label, found) in analysis.labels.iter().enumerate() {
        if found.ranking.positives() > 0 {
            figures.push(gallery.precision_recall(label, None));
        }
        if found.reliability.is_some() {
            figures.push(gallery.reliability(label));
        }
    }
    out.figures(&figures);
}

fn table(report: &Report<'_>, analysis: &Analysis, out: &mut Document) {
    let figure = |known: Option<f64>| known.map_or_else(|| "–".to_owned(), |x| format!("{x:.4}"));
    let rows = report.dataset.labels.iter().zip(&analysis.labels);
    let rows = rows.map(|(label, of)| {
        [
            label.to_owned(),
            of.ranking.n().to_string(),
            of.ranking.positives().to_string(),
            figure(of.average_precision),
            figure(of.roc_auc),
            figure(of.best.as_ref().map(|best| best.class.f1)),
            figure(of.best.as_ref().map(|best| best.threshold)),
            figure(of.reliability.as_ref().map(|of| of.ece)),
            figure(of.reliability.as_ref().map(|of| of.brier)),
        ]
    });
    let header = [
        "label",
        "posts",
        "with it",
        "average precision",
        "ROC AUC",
        "best F1",
        "threshold",
        "calibration",
        "Brier",
    ];
    out.table(header, rows.collect());
}
