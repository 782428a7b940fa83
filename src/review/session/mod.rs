//! A review session in memory: the dataset, what the model said, what the reviewer decided — three records
//! that never overwrite each other.
//!
//! Everything answers from memory; the [store](super::store) keeps up on its own thread.

mod blind;
mod compare;
mod counts;
mod gold;
mod history;
mod open;
mod predictions;
mod problems;
mod save;
mod second;
mod snapshot;

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use counts::ReviewCounts;
pub use predictions::{Exposure, LeftOut, Truth};
pub use save::{SaveState, Unsaved};
pub(super) use second::said;
pub use snapshot::Snapshot;

use super::{
    blind::BlindMode,
    decision::Entry,
    store::{LoadedChunks, Store},
};
use crate::{post::Problem, predict::prediction::RunInfo};
use compare::Runs;
use history::History;
use problems::Problems;

/// A dataset under review. What is known of its posts is read through the [`Snapshot`] of now.
pub struct Session {
    now: Snapshot,
    file: PathBuf,
    /// `None` if the session was opened for reading.
    store: Option<Store>,
    history: History,
    /// The entries of the step that is being made of several.
    step: Option<Vec<Arc<Entry>>>,
    /// What the person in front of it is called.
    reviewer: Option<Arc<str>>,
    run: Option<RunInfo>,
    /// Predictions of an earlier day that are still being read.
    loading: Option<LoadedChunks>,
    /// The runs of the file, and the one to compare with.
    runs: Runs,
    problems: Problems,
    counts: ReviewCounts,
    orphans: usize,
    blind: BlindMode,
    /// By place in the dataset: whether the reviewer has seen what the model says.
    seen: Vec<bool>,
    cursor: usize,
    revision: u64,
    gold_revision: u64,
}

impl Deref for Session {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.now
    }
}

impl Session {
    /// What is known of every post now, to work on while the session goes on.
    pub fn snapshot(&self) -> Snapshot {
        self.now.clone()
    }

    /// The session file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many posts were worked on that the dataset no longer has. Their decisions stay in the file and come back
    /// with the posts.
    pub fn orphans(&self) -> usize {
        self.orphans
    }

    /// How the work stands: how many posts are reviewed, skipped, flagged and so on.
    pub fn counts(&self) -> ReviewCounts {
        self.counts
    }

    /// The post to show; kept across restarts.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Moves to a post. A place past the end is the last one.
    pub fn set_cursor(&mut self, post: usize) {
        let post = post.min(self.now.dataset.posts.len().saturating_sub(1));
        if post == self.cursor {
            return;
        }
        self.cursor = post;
        if let (Some(store), Some(post)) = (&mut self.store, self.now.dataset.posts.get(post)) {
            store.set_cursor(post.id);
        }
    }

    /// What the person in front of it is called, if that is known.
    pub fn reviewer(&self) -> Option<&str> {
        self.reviewer.as_deref()
    }

    /// Says who decides from now on; it is written with each decision. Those made so far keep their names.
    pub fn set_reviewer(&mut self, name: Option<&str>) {
        self.reviewer = name.map(str::trim).filter(|n| !n.is_empty()).map(Arc::from);
    }

    /// Grows with every change, so that caches know when to work again. Moving the cursor is none.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Changes what is known of a post and keeps the counts and the revision in step.
    fn change(&mut self, post: usize, change: impl FnOnce(&mut Self)) {
        let before = self.facts(post);
        change(self);
        let after = self.facts(post);
        self.counts.replace(before, after);
        self.revision += 1;
    }

    /// All problems of a post's own, in the order found.
    pub fn problems(&self, post: usize) -> Vec<&Problem> {
        self.problems.of(&self.now.dataset, post)
    }

    /// One of all problems, by its place among them: those of the dataset, then those found since.
    pub fn problem(&self, place: usize) -> Option<&Problem> {
        self.problems.at(&self.now.dataset, place)
    }

    /// How many problems there are.
    pub fn n_problems(&self) -> usize {
        self.problems.n()
    }

    /// Adds a problem found later, such as an image that cannot be decoded. Told once a post and kind.
    pub fn add_problem(&mut self, problem: Problem) {
        let post = problem.post;
        if self.problems.add(problem) {
            self.now.troubled.extend(post);
            self.revision += 1;
        }
    }
}
