//! What the model said, beside what is true.

use std::sync::Arc;

use super::Session;
use crate::{
    post::PostId,
    predict::prediction::{Prediction, RunInfo},
};

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

/// Which decisions count, by whether the reviewer had seen the model's answer when confirming: suggestions bias people
/// and inflate the model's score.
///
/// It goes with a [`Truth`] into `Snapshot::pairs`, `left_out` and `truth_among`. A post decided blind
/// and revised after the answer was shown has both: [`Blind`](Self::Blind) compares with what was said blind,
/// [`Assisted`](Self::Assisted) with the revision. `ReviewCounts::{blind, revised}` say how many there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exposure {
    /// All decisions, and posts without one.
    #[default]
    Any,
    /// Only posts whose decision in force was made with the answer visible.
    Assisted,
    /// Only posts decided before it was visible; the truth is what was decided then.
    Blind,
}

/// How many posts a comparison leaves out, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// Outside of the part of the dataset asked for.
    pub outside_part: usize,
    /// Without a truth of the kind asked for.
    pub without_truth: usize,
    /// With a truth and no prediction of the present run (yet).
    pub without_prediction: usize,
}

impl Session {
    /// Begins (or goes on with) a run: predictions recorded from now on belong to it. Predictions of the same run from
    /// earlier are shown again as they are read (see [`is_loading`](Self::is_loading)); those of other runs stay in
    /// the file.
    pub fn begin_run(&mut self, run: RunInfo) {
        if self.run.as_ref() == Some(&run) {
            return;
        }
        if let Some(store) = &mut self.store {
            self.loading = Some(store.begin_run(run.clone()));
        }
        // Nothing is compared with itself: where the two change places, the comparison stays.
        let previous = self.run.replace(run);
        if self.other_run() == self.run.as_ref() {
            self.compare_with(previous);
        }
        self.now.forget_predictions();
        self.counts.forget_predictions();
        self.revision += 1;
    }

    /// Whether predictions of an earlier day are still being read. Until they are, [`unpredicted`](super::Snapshot::unpredicted)
    /// lists too many posts.
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// The run whose predictions are shown.
    pub fn run(&self) -> Option<&RunInfo> {
        self.run.as_ref()
    }

    /// Keeps what the model said about a post. Before the first [`begin_run`](Self::begin_run) there is no run it could
    /// belong to, and it is shown without being saved.
    pub fn record_prediction(&mut self, post: usize, prediction: Prediction) {
        let Some(id) = self.now.dataset.posts.get(post).map(|post| post.id) else {
            return;
        };
        let prediction = Arc::new(prediction);
        if let (Some(store), Some(_)) = (&mut self.store, &self.run) {
            store.record(id, post, Arc::clone(&prediction));
        }
        self.set_prediction(post, Some(prediction));
    }

    /// Forgets the failed predictions, so that [`unpredicted`](super::Snapshot::unpredicted) lists their posts again. In the file
    /// they stay until a new answer takes their place.
    pub fn retry_failed(&mut self) {
        for post in self.failed_posts() {
            self.set_prediction(post, None);
        }
    }

    /// Takes predictions of an earlier day. What was said since then stays.
    pub(super) fn take_predictions(&mut self, chunk: Vec<(PostId, Prediction)>) {
        for (id, prediction) in chunk {
            if let Some(post) = self.place(id)
                && self.prediction(post).is_none()
            {
                self.set_prediction(post, Some(Arc::new(prediction)));
            }
        }
    }

    fn set_prediction(&mut self, post: usize, prediction: Option<Arc<Prediction>>) {
        self.change(post, |session| {
            if let Some(place) = session.now.predictions.get_mut(post) {
                *place = prediction;
            }
        });
    }
}
