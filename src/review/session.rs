//! A review session in memory: the dataset, what the model said, what the reviewer decided — three records
//! that never overwrite each other.

use std::{path::Path, sync::Arc};

use super::{
    decision::{Action, Review},
    store::StoreError,
};
use crate::{
    dataset::Dataset,
    post::{LabelSet, Problem},
    predict::prediction::{Prediction, RunInfo},
};

/// How the writing to disk stands.
#[derive(Clone, PartialEq, Debug)]
pub enum SaveState {
    /// Everything shown is on disk.
    Saved,
    /// This many actions are on their way to the disk.
    Saving(usize),
    /// Writing failed; the actions are kept in memory and tried again on request.
    Failed {
        /// How many actions are not on disk.
        unsaved: usize,
        /// What happened and what to do.
        message: String,
    },
}

/// Which truth metrics compare with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Truth {
    /// The reviewer's decision where there is one, else the dataset's label.
    #[default]
    Combined,
    /// Only posts with a confirmed decision.
    Reviewed,
    /// Only the dataset's labels.
    Dataset,
}

/// A dataset under review.
pub struct Session {
    dataset: Arc<Dataset>,
}

impl Session {
    /// Where the session of a dataset lives if the user names no file: the platform's data folder, named after the
    /// dataset and a hash of its path.
    pub fn default_path(dataset: &Dataset) -> Result<std::path::PathBuf, StoreError> {
        let _ = dataset;
        todo!()
    }

    /// Opens (or begins) the session file and replays it: decisions, undo history, cursor, the predictions of the last run.
    /// `wake` is called from the store's thread when there is something for [`poll`](Self::poll).
    pub fn open(
        dataset: Arc<Dataset>,
        file: &Path,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let _ = (dataset, file, wake);
        todo!()
    }

    /// The dataset.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The session file.
    pub fn file(&self) -> &Path {
        todo!()
    }

    /// The review of a post.
    pub fn review(&self, post: usize) -> &Review {
        let _ = post;
        todo!()
    }

    /// Does an action: in memory at once, on its way to the disk at once.
    pub fn apply(&mut self, post: usize, action: Action) {
        let _ = (post, action);
        todo!()
    }

    /// Takes the last action back (also one of an earlier run of the program). The post it was about, to go to.
    pub fn undo(&mut self) -> Option<usize> {
        todo!()
    }

    /// Does the last undone action again.
    pub fn redo(&mut self) -> Option<usize> {
        todo!()
    }

    /// Whether `undo` would do something.
    pub fn can_undo(&self) -> bool {
        todo!()
    }

    /// Whether `redo` would do something.
    pub fn can_redo(&self) -> bool {
        todo!()
    }

    /// Takes what the store's thread reports. Never blocks.
    pub fn poll(&mut self) -> SaveState {
        todo!()
    }

    /// Tries again to write what could not be written.
    pub fn retry_save(&mut self) {
        todo!()
    }

    /// The post to show; kept across restarts.
    pub fn cursor(&self) -> usize {
        todo!()
    }

    /// Moves to a post.
    pub fn set_cursor(&mut self, post: usize) {
        let _ = post;
        todo!()
    }

    /// Begins (or goes on with) a run: predictions recorded from now on belong to it. Predictions of the same run from
    /// earlier are shown again; those of other runs stay in the file.
    pub fn begin_run(&mut self, run: RunInfo) {
        let _ = run;
        todo!()
    }

    /// The run whose predictions are shown.
    pub fn run(&self) -> Option<&RunInfo> {
        todo!()
    }

    /// Keeps what the model said about a post.
    pub fn record_prediction(&mut self, post: usize, prediction: Prediction) {
        let _ = (post, prediction);
        todo!()
    }

    /// What the model of the present run said about a post.
    pub fn prediction(&self, post: usize) -> Option<&Prediction> {
        let _ = post;
        todo!()
    }

    /// The posts without a prediction of the present run, in dataset order.
    pub fn unpredicted(&self) -> Vec<usize> {
        todo!()
    }

    /// Adds a problem found later, such as an image that cannot be decoded. Told once a post and kind.
    pub fn add_problem(&mut self, problem: Problem) {
        let _ = problem;
        todo!()
    }

    /// The problems of a post, those of the dataset included.
    pub fn problems(&self, post: usize) -> Vec<&Problem> {
        let _ = post;
        todo!()
    }

    /// All problems: those of the dataset, then those found since.
    pub fn all_problems(&self) -> Vec<&Problem> {
        todo!()
    }

    /// The truth in force about a post.
    pub fn truth(&self, post: usize, which: Truth) -> Option<LabelSet> {
        let _ = (post, which);
        todo!()
    }

    /// Grows with every change, so that caches know when to work again.
    pub fn revision(&self) -> u64 {
        todo!()
    }
}
