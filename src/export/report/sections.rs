//! What a report says, section by section.

use super::{Report, ReportedPost, curves::curves, datasheet::datasheet, document::Document};
use crate::{
    metrics::{
        Metrics, Pair,
        bootstrap::{Interval, Intervals, intervals},
        evaluate,
    },
    post::LabelSet,
    predict::{answer::Parse, prediction::Prediction},
};

/// How many posts a list of numbers has at most.
const LISTED: usize = 30;

/// How many texts are quoted at most, and how much of each.
const QUOTED: usize = 200;
const QUOTED_CHARS: usize = 300;

/// The seed of the intervals: the same report twice has the same figures.
const SEED: u64 = 2026;

pub(super) fn write(report: &Report<'_>, out: &mut Document) {
    let of_post = |post: &ReportedPost| {
        let said = post.prediction.as_ref()?.said();
        Some(said.against(post.truth?))
    };
    let pairs: Vec<Pair> = report.posts.iter().filter_map(of_post).collect();
    let version = crate::VERSION;
    out.paragraph(format!(
        "Made by Overrule {version} on {} (UTC).",
        date(report.made_at_ms)
    ));
    model(report, out);
    data(report, pairs.len(), out);
    if pairs.is_empty() {
        out.paragraph("No post has both a truth and a prediction, so there is nothing to score.");
    } else {
        let labels = &report.dataset.labels;
        let metrics = evaluate(labels, pairs.iter().copied());
        let intervals = intervals(labels, &pairs, SEED, || false);
        scores(&metrics, intervals.as_ref(), out);
        by_exposure(report, out);
        by_label(report, &metrics, intervals.as_ref(), out);
        curves(report, &metrics, intervals.as_ref(), out);
    }
    answers(report, out);
    wrong_posts(report, out);
    datasheet(report, out);
}

fn model(report: &Report<'_>, out: &mut Document) {
    out.heading("Model");
    let Some(run) = report.run else {
        out.paragraph("No model was run.");
        return;
    };
    let none = || match run.is_remote() {
        true => "chosen where the model is served".to_owned(),
        false => "none".to_owned(),
    };
    let of_ours = |known: String| match run.is_imported() {
        true => "not known".to_owned(),
        false => known,
    };
    let images = match run.is_remote() {
        true => "as the service has them",
        false => run.images().unwrap_or("as the checkpoint has them"),
    };
    let rows = [
        ("model", run.model.clone()),
        ("adapter", run.adapter.clone().unwrap_or_else(none)),
        ("revision", run.revision.clone().unwrap_or_else(none)),
        ("prompt", run.prompt.clone()),
        (
            "numbers",
            of_ours(format!("{} on {}", run.dtype, run.device)),
        ),
        ("images", of_ours(images.to_owned())),
        ("labels asked for", run.label_set.join(", ")),
        ("predicted with", format!("Overrule {}", run.version)),
    ];
    out.table(
        ["", "of the run"],
        rows.map(|(name, value)| [name.to_owned(), value]).to_vec(),
    );
}

fn data(report: &Report<'_>, compared: usize, out: &mut Document) {
    out.heading("Data");
    let count = |which: &dyn Fn(&ReportedPost) -> bool| {
        report.posts.iter().filter(|post| which(post)).count()
    };
    let rows = [
        ("posts", report.posts.len()),
        ("with a truth", count(&|post| post.truth.is_some())),
        (
            "with a prediction",
            count(&|post| post.prediction.is_some()),
        ),
        ("compared", compared),
        (
            "with labels that are not in the label set, counted as if nobody had named them",
            report.dataset.n_with_unknown_labels(),
        ),
        (
            "problems of the dataset (missing files, unreadable lines …)",
            report.dataset.problems.len(),
        ),
    ];
    out.table(
        ["", "number"],
        rows.map(|(name, n)| [name.to_owned(), n.to_string()])
            .to_vec(),
    );
    let truth = match &report.reviewed {
        Some(_) => {
            "The truth is the reviewer's decision where there is one, else the dataset's label."
        }
        None => "The truth is the dataset's label.",
    };
    out.paragraph(truth);
}

fn scores(metrics: &Metrics, intervals: Option<&Intervals>, out: &mut Document) {
    out.heading("Scores");
    let row = |name: &str, value: f64, interval: Option<Interval>| {
        [name.to_owned(), figure(value), range(interval)]
    };
    let of = |of: fn(&Intervals) -> Interval| intervals.map(of);
    out.table(
        ["", "score", "95 % interval"],
        vec![
            row("micro F1", metrics.f1_micro, of(|i| i.f1_micro)),
            row("macro F1", metrics.f1_macro, of(|i| i.f1_macro)),
            row(
                "subset accuracy",
                metrics.subset_accuracy,
                of(|i| i.subset_accuracy),
            ),
            row("Hamming loss", metrics.hamming_loss, of(|i| i.hamming_loss)),
            row(
                "micro F1, scikit-learn with zero_division=0",
                metrics.f1_micro_zero_division_0,
                None,
            ),
            row(
                "macro F1, scikit-learn with zero_division=0",
                metrics.f1_macro_zero_division_0,
                None,
            ),
        ],
    );
    out.paragraph(format!(
        "Over {} posts. A label that never occurs and is never predicted has F1 = 1, as in the original evaluation. Intervals: \
         percentile bootstrap over posts, {} draws. Answers that could not be read count as empty.",
        metrics.n,
        crate::metrics::bootstrap::RESAMPLES
    ));
}

/// The model against what was decided without its answer in sight, and with it: who sees an answer first tends to agree with it.
fn by_exposure(report: &Report<'_>, out: &mut Document) {
    let row = |name: &str, decided: fn(&ReportedPost) -> Option<LabelSet>| {
        let pairs = report.posts.iter().filter_map(|post| {
            let said = post.prediction.as_ref()?.said();
            Some(said.against(decided(post)?))
        });
        let metrics = evaluate(&report.dataset.labels, pairs);
        let scores = [metrics.f1_micro, metrics.f1_macro, metrics.subset_accuracy];
        let [micro, macro_, subset] = match metrics.n {
            0 => scores.map(|_| "–".to_owned()),
            _ => scores.map(figure),
        };
        [
            name.to_owned(),
            metrics.n.to_string(),
            micro,
            macro_,
            subset,
        ]
    };
    let rows = vec![
        row("without the model's answer in sight", |post| post.blind),
        row("with it (who sees it tends to agree)", |post| post.assisted),
    ];
    if report.posts.iter().any(|post| post.decision.is_some()) {
        out.table(
            [
                "decided by the reviewer",
                "posts",
                "micro F1",
                "macro F1",
                "subset accuracy",
            ],
            rows,
        );
    }
}

fn by_label(
    report: &Report<'_>,
    metrics: &Metrics,
    intervals: Option<&Intervals>,
    out: &mut Document,
) {
    out.heading("By label");
    let classes = report
        .dataset
        .labels
        .iter()
        .zip(&metrics.per_class)
        .enumerate();
    let rows = classes.map(|(i, (label, class))| {
        let interval = intervals.and_then(|all| all.per_class_f1.get(i).copied());
        [
            label.to_owned(),
            figure(class.precision),
            figure(class.recall),
            figure(class.f1),
            range(interval),
            class.support.to_string(),
            class.tp.to_string(),
            class.fp.to_string(),
            class.fn_.to_string(),
            class.tn.to_string(),
        ]
    });
    let header = [
        "label",
        "precision",
        "recall",
        "F1",
        "95 % interval",
        "support",
        "TP",
        "FP",
        "FN",
        "TN",
    ];
    out.table(header, rows.collect());
}

fn answers(report: &Report<'_>, out: &mut Document) {
    let said: Vec<&Prediction> = report
        .posts
        .iter()
        .filter_map(|post| post.prediction.as_ref())
        .collect();
    if said.is_empty() {
        return;
    }
    out.heading("Answers");
    let count =
        |which: &dyn Fn(&&&Prediction) -> bool| said.iter().filter(which).count().to_string();
    let parsed = |parse: Parse| count(&|p: &&&Prediction| p.error.is_none() && p.parse == parse);
    let rows = vec![
        ["read as they are".to_owned(), parsed(Parse::Clean)],
        ["read in part".to_owned(), parsed(Parse::Salvaged)],
        [
            "not readable (counted as empty)".to_owned(),
            parsed(Parse::Failed),
        ],
        [
            "no answer, such as a broken image (counted as empty)".to_owned(),
            count(&|p| p.error.is_some()),
        ],
        [
            "with labels that do not exist".to_owned(),
            count(&|p| !p.unknown_labels.is_empty()),
        ],
    ];
    out.table(["", "posts"], rows);
}

/// The posts that the model got wrong: by number, and with their texts only on request.
fn wrong_posts(report: &Report<'_>, out: &mut Document) {
    let wrong: Vec<(&ReportedPost, LabelSet, LabelSet)> = report
        .posts
        .iter()
        .filter_map(|post| Some((post, post.truth?, post.prediction.as_ref()?.labels)))
        .filter(|(_, truth, said)| truth != said)
        .collect();
    if wrong.is_empty() {
        return;
    }
    out.heading("Posts that differ");
    let labels = &report.dataset.labels;
    let numbers = |which: &dyn Fn(LabelSet, LabelSet) -> bool| {
        let mut found = wrong.iter().filter(|(_, truth, said)| which(*truth, *said));
        let first: Vec<String> = found
            .by_ref()
            .take(LISTED)
            .map(|(post, ..)| (post.place + 1).to_string())
            .collect();
        let more = found.count();
        if more > 0 {
            format!("{} and {more} more", first.join(", "))
        } else {
            first.join(", ")
        }
    };
    let rows = labels.iter().enumerate().map(|(i, name)| {
        [
            name.to_owned(),
            numbers(&|truth, said| said.contains(i) && !truth.contains(i)),
            numbers(&|truth, said| truth.contains(i) && !said.contains(i)),
        ]
    });
    out.table(
        ["label", "predicted, not true", "true, not predicted"],
        rows.collect(),
    );
    out.paragraph(
        "Numbers are the posts' places in the dataset, from 1, as the window shows them.",
    );
    if !report.with_content {
        out.paragraph("Texts and pictures are left out on purpose.");
        return;
    }
    let names = |set: LabelSet| labels.words(set);
    let quoted = wrong.iter().take(QUOTED).filter_map(|(post, truth, said)| {
        let text = &report.dataset.posts.get(post.place)?.text;
        let cut: String = text.chars().take(QUOTED_CHARS).collect();
        let cut = match cut.len() {
            0 => "(no text)".to_owned(),
            n if n < text.len() => cut + "…",
            _ => cut,
        };
        Some([
            (post.place + 1).to_string(),
            cut,
            names(*truth),
            names(*said),
        ])
    });
    out.table(["post", "text", "truth", "model"], quoted.collect());
}

fn figure(value: f64) -> String {
    format!("{value:.4}")
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "–".to_owned(), |i| format!("{:.4} – {:.4}", i.lo, i.hi))
}

/// `2026-11-21 15:04`, in UTC (Howard Hinnant's civil_from_days).
pub(super) fn date(at_ms: i64) -> String {
    let minutes = at_ms.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        minute / 60,
        minute % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, expected) in [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (1_795_273_440, "2026-11-21 15:04"),
            (-60, "1969-12-31 23:59"),
        ] {
            assert_eq!(date(secs * 1000), expected);
        }
    }
}
