//! A report of a model's run: scores with intervals, a table by label, what could not be read, the posts it got wrong by
//! number, and a datasheet of the corrections. Texts of posts stand in it only on request.

mod document;
mod sections;

use std::{io::Write as _, path::Path};

use document::Document;
pub use document::Markup;

use super::{ExportError, atomic};
use crate::{
    dataset::Dataset,
    post::LabelSet,
    predict::prediction::{Prediction, RunInfo},
    review::session::ReviewCounts,
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
    /// Whether the model's answer was visible then.
    pub assisted: bool,
}

/// How the review stands that the truth comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reviewed {
    /// The counts of its posts.
    pub counts: ReviewCounts,
    /// When the first and the last action in force were done, in milliseconds since 1970 (UTC).
    pub period_ms: Option<(i64, i64)>,
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
