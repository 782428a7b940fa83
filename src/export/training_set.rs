//! What is exported: posts and the labels in force, as a snapshot.

use std::sync::Arc;

use super::{Format, Selection, said::Said};
use crate::{
    dataset::Dataset,
    post::{LabelSet, Post},
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo},
    },
    review::{
        Session,
        session::{Snapshot, Truth},
    },
};

/// Posts and the labels in force, taken from a session at one moment. It can be written on any thread.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    dataset: Arc<Dataset>,
    selection: Selection,
    rows: Vec<Row>,
    without_truth: usize,
    has_provenance: bool,
    format: Format,
    run: Option<RunInfo>,
}

/// One exported post.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its place in the dataset.
    pub post: usize,
    /// `None`: nobody has said, which not every format can tell.
    pub labels: Option<LabelSet>,
    pub provenance: Option<Provenance>,
    pub prediction: Option<Arc<Prediction>>,
}

/// Who said what the labels are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The reviewer decided.
    Reviewer,
    /// The dataset says so, and nobody has decided.
    Dataset,
}

impl Source {
    /// The word in the CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Dataset => "dataset",
        }
    }
}

/// Where a row's labels come from, and what else is known about the post.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// Who said what the labels are.
    pub source: Source,
    /// Who decided, if a reviewer did and has a name.
    pub reviewer: Option<String>,
    /// What the model named, if there is an answer that could be read.
    pub model_labels: Option<LabelSet>,
    /// Whether the model's answer was visible when the reviewer decided.
    pub assisted: bool,
    /// Whether the reviewer marked the post.
    pub flagged: bool,
    /// The reviewer's note.
    pub note: String,
}

/// The labels with which a post belongs to a selection, if it does.
fn taken(
    selection: Selection,
    decision: Option<LabelSet>,
    truth: Option<LabelSet>,
) -> Option<LabelSet> {
    match selection {
        Selection::All => decision.or(truth),
        Selection::Reviewed => decision,
        Selection::Corrected => decision.filter(|_| decision != truth),
    }
}

impl TrainingSet {
    /// The posts of a selection, `decisions` naming each post's confirmed labels (by its place in the dataset).
    pub fn new(
        dataset: Arc<Dataset>,
        selection: Selection,
        decisions: impl Fn(usize) -> Option<LabelSet>,
    ) -> Self {
        let mut rows = Vec::new();
        let mut without_truth = 0;
        for (place, post) in dataset.posts.iter().enumerate() {
            let decision = decisions(place);
            match taken(selection, decision, post.truth) {
                labels @ Some(_) => rows.push(Row {
                    post: place,
                    labels,
                    provenance: None,
                    prediction: None,
                }),
                None => without_truth += usize::from(decision.or(post.truth).is_none()),
            }
        }
        Self {
            dataset,
            selection,
            rows,
            without_truth,
            has_provenance: false,
            format: Format::Csv,
            run: None,
        }
    }

    /// The posts of a selection as a session has them now.
    pub fn of_session(now: &Snapshot, selection: Selection) -> Self {
        Self::new(Arc::clone(now.dataset()), selection, |post| {
            now.truth(post, Truth::Reviewed)
        })
    }

    /// What a format takes of a session as it is now: a selection of its posts, with what the model of the run on show
    /// said, where the format has room for it.
    pub fn for_format(session: &Session, selection: Selection, format: Format) -> Self {
        Self::of_snapshot(session, session.run(), selection, format)
    }

    /// The same of a snapshot, for a thread of its own, and the run on show when it was taken.
    pub fn of_snapshot(
        now: &Snapshot,
        run: Option<&RunInfo>,
        selection: Selection,
        format: Format,
    ) -> Self {
        let mut set = Self::of_session(now, selection);
        set.format = format;
        if format.takes_unlabelled() && selection == Selection::All {
            set.add_unlabelled();
        }
        if format.takes_predictions() {
            set.run = run.cloned();
            for row in &mut set.rows {
                row.prediction = now.shared_prediction(row.post);
            }
        }
        if format == Format::Spreadsheet {
            set = set.with_session_provenance(now);
        }
        if format == Format::Records {
            set.rows.retain(|row| row.prediction.is_some());
        }
        set
    }

    /// How many posts a format takes of a selection, without making the set. Some milliseconds for 150,000.
    pub fn count(now: &Snapshot, selection: Selection, format: Format) -> usize {
        let is_predicted = |post: usize| now.prediction(post).is_some();
        let all = selection == Selection::All && format.takes_unlabelled();
        let posts = now.dataset().posts.iter().enumerate();
        posts
            .filter(|(place, post)| {
                let decision = now.truth(*place, Truth::Reviewed);
                let has_labels = taken(selection, decision, post.truth).is_some();
                (all || has_labels) && (format != Format::Records || is_predicted(*place))
            })
            .count()
    }

    /// Adds the posts without labels, in their places.
    fn add_unlabelled(&mut self) {
        let mut labelled = std::mem::take(&mut self.rows).into_iter().peekable();
        for post in 0..self.dataset.posts.len() {
            let row = labelled.next_if(|row| row.post == post);
            self.rows.push(row.unwrap_or(Row {
                post,
                labels: None,
                provenance: None,
                prediction: None,
            }));
        }
        self.without_truth = 0;
    }

    /// The same with the columns that say where each row's labels come from.
    #[must_use]
    pub fn with_provenance(mut self, of: impl Fn(usize) -> Provenance) -> Self {
        self.has_provenance = true;
        for row in &mut self.rows {
            row.provenance = Some(of(row.post));
        }
        self
    }

    /// The same with the columns that say where each row's labels come from, as a session has them.
    #[must_use]
    pub fn with_session_provenance(self, now: &Snapshot) -> Self {
        self.with_provenance(|post| {
            let review = now.review(post);
            let decided = now.truth(post, Truth::Reviewed).is_some();
            let answer = |p: &Prediction| (p.parse != Parse::Failed).then_some(p.labels);
            Provenance {
                source: if decided {
                    Source::Reviewer
                } else {
                    Source::Dataset
                },
                reviewer: review.by.as_deref().map(str::to_owned),
                model_labels: now.prediction(post).and_then(answer),
                assisted: decided && review.assisted,
                flagged: review.flagged,
                note: review.note.clone(),
            }
        })
    }

    /// How many posts are in it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no post is in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    pub(super) fn selection(&self) -> Selection {
        self.selection
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn without_truth(&self) -> usize {
        self.without_truth
    }

    /// The run whose predictions stand in the rows.
    pub(super) fn run(&self) -> Option<&RunInfo> {
        self.run.as_ref()
    }

    /// The names of a row's labels, in class order; `None` if nobody has said.
    pub(super) fn names(&self, row: &Row) -> Option<Vec<&str>> {
        Some(self.dataset.labels.names_of(row.labels?))
    }

    /// What the model said about a row, if its answer could be read.
    pub(super) fn said(&self, row: &Row) -> Option<Said> {
        let run = self.run.as_ref()?;
        Some(Said::new(self.answer(row)?, run, &self.dataset.labels))
    }

    /// The model's answer to a row, if it could be read.
    pub(super) fn answer<'a>(&self, row: &'a Row) -> Option<&'a Prediction> {
        let prediction = row.prediction.as_deref();
        prediction.filter(|p| p.parse != Parse::Failed)
    }

    pub(super) fn has_provenance(&self) -> bool {
        self.has_provenance
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Post, &Row)> {
        self.rows
            .iter()
            .filter_map(|row| Some((self.dataset.posts.get(row.post)?, row)))
    }
}
