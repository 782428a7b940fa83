//! What is known of every post at one moment: the dataset, what the model said, what the reviewer decided.

use std::{collections::HashMap, sync::Arc};

use imbl::{OrdSet, Vector};

use super::{
    counts::Facts,
    predictions::{Exposure, LeftOut, Truth},
};
use crate::{
    dataset::Dataset,
    metrics::{Pair, agreement::Both, analysis::Judged},
    post::{LabelSet, PostId},
    predict::{answer::Parse, prediction::Prediction},
    review::{
        basis::{Basis, Part},
        decision::{Entry, Outcome, Review},
        gold::Gold,
        second::SecondReviewer,
    },
};

/// What one run said, a place for each post of the dataset.
type Predictions = Vector<Option<Arc<Prediction>>>;

/// What is known of every post at one moment.
///
/// A copy takes microseconds however many posts there are, since copies share what they have in common. So what takes
/// longer than a frame is worked out from a copy on another thread, while the session goes on.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) dataset: Arc<Dataset>,
    /// Where each post is in the dataset.
    pub(super) places: Arc<HashMap<PostId, u32>>,
    /// What was done and is in force, oldest first.
    pub(super) done: Vector<Arc<Entry>>,
    pub(super) reviews: Vector<Review>,
    pub(super) predictions: Predictions,
    /// What the run said that the shown one is compared with, if there is one.
    pub(super) other: Option<Predictions>,
    /// What other people decided.
    pub(super) seconds: Vector<Arc<SecondReviewer>>,
    /// Posts whose labels are known, to see how well the reviewer does.
    pub(super) gold: Option<Gold>,
    /// Labels whose posts the reviewer does not want to meet.
    pub(super) topics: LabelSet,
    /// The posts that have a problem.
    pub(super) troubled: OrdSet<usize>,
}

impl Snapshot {
    /// A dataset that no model and no reviewer has seen.
    pub(super) fn untouched(dataset: Arc<Dataset>) -> Self {
        let n_posts = dataset.posts.len();
        let places = (0u32..).zip(&dataset.posts);
        Self {
            places: Arc::new(places.map(|(place, post)| (post.id, place)).collect()),
            done: Vector::new(),
            reviews: std::iter::repeat_n(Review::UNTOUCHED, n_posts).collect(),
            predictions: std::iter::repeat_n(None, n_posts).collect(),
            other: None,
            seconds: Vector::new(),
            gold: None,
            topics: LabelSet::EMPTY,
            troubled: dataset.problems.iter().filter_map(|p| p.post).collect(),
            dataset,
        }
    }

    /// The dataset.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The place of a post in the dataset.
    pub(in crate::review) fn place(&self, post: PostId) -> Option<usize> {
        self.places.get(&post).map(|place| *place as usize)
    }

    /// The review of a post.
    pub fn review(&self, post: usize) -> &Review {
        static UNTOUCHED: Review = Review::UNTOUCHED;
        self.reviews.get(post).unwrap_or(&UNTOUCHED)
    }

    /// The truth in force about a post.
    pub fn truth(&self, post: usize, which: Truth) -> Option<LabelSet> {
        let decision = self.review(post).decision;
        let label = self.dataset.posts.get(post).and_then(|post| post.truth);
        match which {
            Truth::Combined => decision.or(label),
            Truth::Reviewed => decision,
            Truth::Dataset => label,
        }
    }

    /// Labels whose posts the reviewer does not want to meet.
    pub fn topics_put_away(&self) -> LabelSet {
        self.topics
    }

    /// Whether a post is left out of the queues: the model or the dataset gives it a label that was put away, and the
    /// reviewer has not worked on it.
    pub fn is_put_away(&self, post: usize) -> bool {
        if self.topics.is_empty() {
            return false;
        }
        let review = self.review(post);
        let touched = review.outcome.is_some() || review.draft.is_some();
        let named = [self.answer(post), self.truth(post, Truth::Dataset)];
        let meets = |labels: LabelSet| labels.bits() & self.topics.bits() != 0;
        !touched && named.into_iter().flatten().any(meets)
    }

    /// Whether a post has a problem.
    pub fn has_problem(&self, post: usize) -> bool {
        self.troubled.contains(&post)
    }

    /// Forgets what the shown run said.
    pub(super) fn forget_predictions(&mut self) {
        self.predictions = self.unpredicted_posts();
    }

    /// A place for each post, with nothing in it.
    pub(super) fn unpredicted_posts(&self) -> Predictions {
        std::iter::repeat_n(None, self.dataset.posts.len()).collect()
    }

    /// What the model of the present run said about a post.
    pub fn prediction(&self, post: usize) -> Option<&Prediction> {
        self.predictions.get(post)?.as_deref()
    }

    /// The same, to keep beyond the next change.
    pub fn shared_prediction(&self, post: usize) -> Option<Arc<Prediction>> {
        self.predictions.get(post)?.clone()
    }

    /// The labels that the model named, if its answer could be read.
    pub fn answer(&self, post: usize) -> Option<LabelSet> {
        self.prediction(post)
            .filter(|said| said.error.is_none() && said.parse != Parse::Failed)
            .map(|said| said.labels)
    }

    /// The posts without a prediction of the present run, in dataset order.
    pub fn unpredicted(&self) -> Vec<usize> {
        let posts = self.predictions.iter().enumerate();
        posts
            .filter(|(_, prediction)| prediction.is_none())
            .map(|(post, _)| post)
            .collect()
    }

    /// The posts that the present run could not answer, in dataset order.
    pub fn failed_posts(&self) -> Vec<usize> {
        let failed = |prediction: &Prediction| prediction.error.is_some();
        (0..self.predictions.len())
            .filter(|post| self.prediction(*post).is_some_and(failed))
            .collect()
    }

    /// What metrics compare: every post with a truth and a prediction.
    pub fn pairs(&self, basis: impl Into<Basis>, exposure: Exposure) -> impl Iterator<Item = Pair> {
        let basis = basis.into();
        (0..self.dataset.posts.len()).filter_map(move |post| {
            let truth = self.truth_among(post, basis, exposure)?;
            Some(self.prediction(post)?.said().against(truth))
        })
    }

    /// What [`pairs`](Self::pairs) compares, with the probabilities; of the other run if asked for.
    pub fn judged(&self, basis: Basis, of_other: bool) -> impl Iterator<Item = Judged<'_>> {
        (0_u32..)
            .zip(&self.dataset.posts)
            .filter_map(move |(post, _)| self.judged_post(post, basis, of_other))
    }

    /// The same of one post.
    pub fn judged_post(&self, post: u32, basis: Basis, of_other: bool) -> Option<Judged<'_>> {
        let place = post as usize;
        let truth = self.truth_among(place, basis, Exposure::Any)?;
        let prediction = match of_other {
            true => self.other_prediction(place)?,
            false => self.prediction(place)?,
        };
        Some(Judged {
            post,
            pair: prediction.said().against(truth),
            scores: prediction.scores.as_deref().unwrap_or_default(),
        })
    }

    /// What [`pairs`](Self::pairs) leaves out.
    pub fn left_out(&self, basis: impl Into<Basis>, exposure: Exposure) -> LeftOut {
        let basis = basis.into();
        let mut left_out = LeftOut::default();
        for post in 0..self.dataset.posts.len() {
            if !self.is_in(basis.part, post) {
                left_out.outside_part += 1;
            } else if self.truth_among(post, basis, exposure).is_none() {
                left_out.without_truth += 1;
            } else if self.prediction(post).is_none() {
                left_out.without_prediction += 1;
            }
        }
        left_out
    }

    /// Whether figures go over a post. A fair sample of the posts that nobody put away has none that somebody did.
    pub fn is_in(&self, part: Part, post: usize) -> bool {
        let known = self.dataset.posts.get(post);
        known.is_some_and(|known| part.holds(known.id))
            && (part == Part::All || !self.is_put_away(post))
    }

    /// The truth about a post among the decisions of an exposure; `None` where that leaves the post out. With
    /// [`Truth::Dataset`] the dataset's label is the truth, and the exposure chooses the posts.
    pub fn truth_among(
        &self,
        post: usize,
        basis: impl Into<Basis>,
        exposure: Exposure,
    ) -> Option<LabelSet> {
        let Basis { truth: which, part } = basis.into();
        if !self.is_in(part, post) {
            return None;
        }
        let review = self.review(post);
        let decision = match exposure {
            Exposure::Any => return self.truth(post, which),
            Exposure::Assisted => review.decision.filter(|_| review.assisted),
            Exposure::Blind => review.decision.and(review.blind),
        };
        match which {
            Truth::Combined | Truth::Reviewed => decision,
            Truth::Dataset => decision.and(self.truth(post, which)),
        }
    }

    /// Whether there is a run that the shown one is compared with.
    pub fn has_other_run(&self) -> bool {
        self.other.is_some()
    }

    /// What the other run said about a post.
    pub fn other_prediction(&self, post: usize) -> Option<&Prediction> {
        self.other.as_ref()?.get(post)?.as_deref()
    }

    /// The labels that the other run named, if its answer could be read.
    pub fn other_answer(&self, post: usize) -> Option<LabelSet> {
        self.other_prediction(post)?.said().answer()
    }

    /// Whether both runs predicted a post and differ: other labels, or only one readable answer.
    pub fn runs_differ(&self, post: usize) -> bool {
        match (self.prediction(post), self.other_prediction(post)) {
            (Some(a), Some(b)) => a.said().answer() != b.said().answer(),
            _ => false,
        }
    }

    /// The posts that both runs predicted, for [`compare`](crate::metrics::agreement::compare).
    pub fn both(&self, basis: impl Into<Basis>) -> impl Iterator<Item = Both> {
        let basis = basis.into();
        let posts = (0..self.dataset.posts.len()).filter(move |post| self.is_in(basis.part, *post));
        posts.filter_map(move |post| {
            Some(Both {
                a: self.prediction(post)?.said(),
                b: self.other_prediction(post)?.said(),
                truth: self.truth(post, basis.truth),
            })
        })
    }

    /// Whether the reviewer's decision differs from what the model said. An answer that cannot be read says nothing.
    pub fn is_overruled(&self, post: usize) -> bool {
        match (self.review(post).decision, self.answer(post)) {
            (Some(decision), Some(answer)) => decision != answer,
            _ => false,
        }
    }

    /// Whether the reviewer's decision differs from the dataset's label.
    pub fn is_corrected(&self, post: usize) -> bool {
        let label = self.dataset.posts.get(post).and_then(|post| post.truth);
        match (self.review(post).decision, label) {
            (Some(decision), Some(label)) => decision != label,
            _ => false,
        }
    }

    pub(super) fn facts(&self, post: usize) -> Facts {
        let review = self.review(post);
        let prediction = self.prediction(post);
        let failed = prediction.is_some_and(|p| p.error.is_some());
        let unread = prediction.is_some_and(|p| p.parse == Parse::Failed);
        Facts {
            reviewed: review.decision.is_some().into(),
            blind: review.decision.and(review.blind).is_some().into(),
            revised: review.is_revised().into(),
            skipped: (review.outcome == Some(Outcome::Skipped)).into(),
            escalated: (review.outcome == Some(Outcome::Escalated)).into(),
            flagged: review.flagged.into(),
            drafts: review.draft.is_some().into(),
            noted: (!review.note.is_empty()).into(),
            overruled: self.is_overruled(post).into(),
            corrected: self.is_corrected(post).into(),
            predicted: prediction.is_some().into(),
            parse_failed: (unread && !failed).into(),
            failed: failed.into(),
        }
    }
}
