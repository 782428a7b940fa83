//! What is exported: posts and the labels in force, as a snapshot.

use std::{fs, io::Write as _, path::Path, sync::Arc};

use super::{
    ExportError, Exported, Selection,
    atomic::{self, folder_of},
    csv,
    paths::ImagePaths,
};
use crate::{
    dataset::Dataset,
    post::{LabelSet, Post},
    predict::{answer::Parse, prediction::Prediction},
    review::{Session, session::Truth},
};

/// Posts and the labels in force, taken from a session at one moment. It can be written on any thread.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    dataset: Arc<Dataset>,
    selection: Selection,
    rows: Vec<Row>,
    without_truth: usize,
    has_provenance: bool,
}

/// One exported post.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its place in the dataset.
    pub post: usize,
    pub labels: LabelSet,
    pub provenance: Option<Provenance>,
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
    /// What the model named, if there is an answer that could be read.
    pub model_labels: Option<LabelSet>,
    /// Whether the model's answer was visible when the reviewer decided.
    pub assisted: bool,
    /// Whether the reviewer marked the post.
    pub flagged: bool,
    /// The reviewer's note.
    pub note: String,
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
            let labels = match selection {
                Selection::All => decision.or(post.truth),
                Selection::Reviewed => decision,
                Selection::Corrected => decision.filter(|_| decision != post.truth),
            };
            match labels {
                Some(labels) => rows.push(Row {
                    post: place,
                    labels,
                    provenance: None,
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
        }
    }

    /// The posts of a selection as a session has them now.
    pub fn of_session(session: &Session, selection: Selection) -> Self {
        Self::new(Arc::clone(session.dataset()), selection, |post| {
            session.truth(post, Truth::Reviewed)
        })
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
    pub fn with_session_provenance(self, session: &Session) -> Self {
        self.with_provenance(|post| {
            let review = session.review(post);
            let decided = session.truth(post, Truth::Reviewed).is_some();
            let answer = |p: &Prediction| (p.parse != Parse::Failed).then_some(p.labels);
            Provenance {
                source: if decided {
                    Source::Reviewer
                } else {
                    Source::Dataset
                },
                model_labels: session.prediction(post).and_then(answer),
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

    /// Writes the training CSV and `class_names.txt` beside it, each whole or not at all. Files that exist are
    /// replaced only if `replace` says so; a `class_names.txt` that says the same already is left alone.
    ///
    /// # Errors
    /// See [`ExportError`]; nothing was changed then.
    pub fn write(&self, path: &Path, replace: bool) -> Result<Exported, ExportError> {
        if self.is_empty() {
            return Err(ExportError::NoPosts(self.selection));
        }
        if path
            .canonicalize()
            .is_ok_and(|p| Some(p) == self.dataset.path.canonicalize().ok())
        {
            return Err(ExportError::IsTheDataset(path.to_owned()));
        }
        let folder = folder_of(path);
        let mut paths = ImagePaths::new(&self.dataset.image_root, folder);
        let csv = csv::to_bytes(self, &mut paths)?;
        let names = csv::class_names(&self.dataset.labels)?;
        let names_path = folder.join("class_names.txt");
        let names_stand = names.is_empty() || fs::read(&names_path).is_ok_and(|n| n == names);

        // Both are on the disk before either takes its name: a full disk is noticed here.
        let names = (!names_stand)
            .then(|| atomic::stage(&names_path, replace, |file| file.write_all(&names)))
            .transpose()?;
        let csv = atomic::stage(path, replace, |file| file.write_all(&csv))?.commit(replace)?;
        if let Some(Err(error)) = names.map(|names| names.commit(replace)) {
            csv.undo();
            return Err(error);
        }
        Ok(Exported {
            path: path.to_owned(),
            posts: self.rows.len(),
            without_truth: self.without_truth,
            absolute_paths: paths.made_absolute,
        })
    }

    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
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
