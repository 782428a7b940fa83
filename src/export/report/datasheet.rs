//! The datasheet of the corrections: who decided, when, how many, how often others and the model agree.

use super::{Decider, Report, ReportedPost, Reviewed, document::Document, sections::date};
use crate::predict::answer::Parse;

/// How the corrections came about, for whoever trains on them.
pub(super) fn datasheet(report: &Report<'_>, out: &mut Document) {
    let Some(reviewed) = &report.reviewed else {
        return;
    };
    out.heading("Datasheet of the corrections");
    let counts = reviewed.counts;
    let decided: Vec<&ReportedPost> = report
        .posts
        .iter()
        .filter(|post| post.decision.is_some())
        .collect();
    let label = |post: &ReportedPost| report.dataset.posts.get(post.place).and_then(|p| p.truth);
    let newly = decided.iter().filter(|post| label(post).is_none()).count();
    let rows = [
        ("confirmed by the reviewer", counts.reviewed),
        ("of these, other than the dataset's label", counts.corrected),
        ("of these, without a label in the dataset", newly),
        ("of these, other than the model's answer", counts.overruled),
        (
            "decided before the model's answer was visible",
            counts.blind,
        ),
        ("of these, revised when it was", counts.revised),
        ("put aside", counts.skipped),
        ("left to someone else", counts.escalated),
        ("flagged", counts.flagged),
        ("with a note", counts.noted),
    ];
    out.table(
        ["", "posts"],
        rows.map(|(name, n)| [name.to_owned(), n.to_string()])
            .to_vec(),
    );
    if let Some((first, last)) = reviewed.period_ms {
        out.paragraph(format!(
            "First decision in force {}, last {} (UTC).",
            date(first),
            date(last)
        ));
    }
    people(reviewed, out);
    agreement(&decided, out);
}

/// Who decided how many posts when, and how far second reviewers agree.
fn people(reviewed: &Reviewed, out: &mut Document) {
    let mut by: Vec<&Decider> = reviewed.by.iter().collect();
    by.sort_by(|a, b| b.decided.cmp(&a.decided).then(a.name.cmp(&b.name)));
    if !by.is_empty() {
        let rows = by.iter().map(|decider| {
            [
                decider.name.clone().unwrap_or_else(|| "no name".to_owned()),
                decider.decided.to_string(),
                date(decider.first_ms),
                date(decider.last_ms),
            ]
        });
        out.table(
            [
                "reviewer",
                "decisions in force",
                "first (UTC)",
                "last (UTC)",
            ],
            rows.collect(),
        );
        out.paragraph("Names are those that reviewers gave themselves.");
    }
    if !reviewed.seconds.is_empty() {
        let rows = reviewed.seconds.iter().map(|second| {
            let share = match second.both {
                0 => "–".to_owned(),
                n => format!("{:.1} %", 100.0 * second.equal as f64 / n as f64),
            };
            [
                second.name.clone(),
                second.both.to_string(),
                second.equal.to_string(),
                share,
            ]
        });
        out.table(
            [
                "second reviewer",
                "decided by both",
                "all labels alike",
                "share",
            ],
            rows.collect(),
        );
        out.paragraph("Each as decided alone, before any conflict was settled.");
    }
    if !reviewed.gold.is_empty() {
        let rows = reviewed.gold.iter().map(|(name, proportion)| {
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            let interval = proportion.interval();
            [
                name.clone().unwrap_or_else(|| "no name".to_owned()),
                proportion.n.to_string(),
                proportion.hits.to_string(),
                proportion.share().map_or_else(String::new, percent),
                interval.map_or_else(String::new, |i| {
                    format!("{} – {}", percent(i.lo), percent(i.hi))
                }),
            ]
        });
        out.table(
            [
                "reviewer",
                "gold posts",
                "all labels alike",
                "share",
                "95 % interval",
            ],
            rows.collect(),
        );
        out.paragraph("First decisions about posts whose labels were known beforehand. Interval: Wilson's score.");
    }
}

/// How often reviewer and model agree, apart for decisions made with the answer in sight: suggestions bias people.
fn agreement(decided: &[&ReportedPost], out: &mut Document) {
    let answer = |post: &ReportedPost| {
        let said = post.prediction.as_ref()?;
        (said.error.is_none() && said.parse != Parse::Failed).then_some(said.labels)
    };
    let row = |name: &str, assisted: bool| {
        let of_kind = decided
            .iter()
            .filter(|post| post.assisted.is_some() == assisted);
        let both: Vec<bool> = of_kind
            .filter_map(|post| Some(answer(post)? == post.decision?))
            .collect();
        let equal = both.iter().filter(|equal| **equal).count();
        let share = if both.is_empty() {
            "–".to_owned()
        } else {
            format!("{:.1} %", 100.0 * equal as f64 / both.len() as f64)
        };
        [
            name.to_owned(),
            both.len().to_string(),
            equal.to_string(),
            share,
        ]
    };
    out.table(
        ["decided", "with a readable answer", "equal to it", "share"],
        vec![
            row("with the model's answer visible", true),
            row("without it", false),
        ],
    );
}
