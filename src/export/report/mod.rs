//! A report of a model's run: scores with intervals, a table by label, curves, what could not be read, the posts it got wrong by
//! number, and a datasheet of the corrections. Texts of posts stand in it only on request.

mod curves;
mod datasheet;
mod document;
mod sections;

use std::{collections::BTreeMap, io::Write as _, path::Path};

use document::Document;
pub use document::Markup;

use super::{ExportError, atomic};
use crate::{
    dataset::Dataset,
    metrics::proportion::Proportion,
    post::LabelSet,
    predict::prediction::{Prediction, RunInfo},
    review::{Session, second::SecondReviewer, session::ReviewCounts},
};

/// A post as a report needs it.
#[derive(Clone, Debug)]
pub struct ReportedPost {
    /// Its place in the dataset.
    pub place: usize,
    /// What it is compared with.
    pub truth: Option<LabelSet>,
    /// What the model said.
    pub prediction: Option<Prediction>,
    /// The reviewer's confirmed labels.
    pub decision: Option<LabelSet>,
    /// The same, if the model's answer was visible then.
    pub assisted: Option<LabelSet>,
    /// What was decided before it was visible, revised since or not.
    pub blind: Option<LabelSet>,
}

/// How the review stands that the truth comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reviewed {
    /// The counts of its posts.
    pub counts: ReviewCounts,
    /// When the first and the last action in force were done, in milliseconds since 1970 (UTC).
    pub period_ms: Option<(i64, i64)>,
    /// Who made the decisions in force.
    pub by: Vec<Decider>,
    /// Other people whose decisions the session keeps.
    pub seconds: Vec<SecondOpinion>,
    /// How often each reviewer's first answer was that of gold posts.
    pub gold: Vec<(Option<String>, Proportion)>,
}

/// Somebody who made decisions in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decider {
    /// The name that was written with them, if any.
    pub name: Option<String>,
    /// How many posts.
    pub decided: usize,
    /// When the first of them was decided, in milliseconds since 1970 (UTC).
    pub first_ms: i64,
    /// When the last of them was decided.
    pub last_ms: i64,
}

/// A second reviewer beside the reviewer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecondOpinion {
    /// What that person is called.
    pub name: String,
    /// Posts that both decided.
    pub both: usize,
    /// Those on which both said the same, each alone.
    pub equal: usize,
}

impl Reviewed {
    /// How a session stands.
    pub fn of(session: &Session) -> Self {
        let times = || session.recent().map(|(_, entry)| entry.at_ms);
        let mut by: BTreeMap<Option<&str>, Decider> = BTreeMap::new();
        for (post, entry) in session.decisions() {
            let name = session.review(post).by.as_deref();
            let at_ms = entry.at_ms;
            let decider = by.entry(name).or_insert_with(|| Decider {
                name: name.map(str::to_owned),
                decided: 0,
                first_ms: at_ms,
                last_ms: at_ms,
            });
            decider.decided += 1;
            decider.first_ms = decider.first_ms.min(at_ms);
            decider.last_ms = decider.last_ms.max(at_ms);
        }
        let opinion = |second: &SecondReviewer| {
            let both = || session.places_of_both(second);
            SecondOpinion {
                name: second.name().to_owned(),
                both: both().count(),
                equal: both().filter(|(_, mine, theirs)| mine == theirs).count(),
            }
        };
        Self {
            counts: session.counts(),
            period_ms: times().min().zip(times().max()),
            by: by.into_values().collect(),
            seconds: session.seconds().map(opinion).collect(),
            gold: session.gold().map_or_else(Vec::new, |gold| {
                let tally = gold.tally().iter();
                tally
                    .map(|(name, of)| (name.as_deref().map(str::to_owned), *of))
                    .collect()
            }),
        }
    }
}

/// All that a report is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The run, if there is one.
    pub run: Option<&'a RunInfo>,
    /// Every post.
    pub posts: Vec<ReportedPost>,
    /// The review, if the truth comes from one.
    pub reviewed: Option<Reviewed>,
    /// Whether the texts of wrongly labelled posts are quoted.
    pub with_content: bool,
    /// When it is made, in milliseconds since 1970 (UTC).
    pub made_at_ms: i64,
}

impl Report<'_> {
    /// The report as one file that needs no other.
    pub fn to_text(&self, markup: Markup) -> String {
        let mut document = Document::new(format!("Evaluation of {}", self.dataset.name));
        sections::write(self, &mut document);
        document.render(markup)
    }

    /// Writes it, whole or not at all: HTML if the name ends so, else Markdown.
    ///
    /// # Errors
    /// See [`ExportError`]; nothing was changed then.
    pub fn write(&self, path: &Path, replace: bool) -> Result<(), ExportError> {
        let is_html = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("htm"));
        let text = self.to_text(if is_html {
            Markup::Html
        } else {
            Markup::Markdown
        });
        atomic::stage(path, replace, |file| file.write_all(text.as_bytes()))?.commit(replace)?;
        Ok(())
    }
}
