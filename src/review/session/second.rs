//! A second reviewer beside the first.

use super::{Session, Snapshot};
use crate::{
    metrics::{
        Pair,
        agreement::{Both, Said},
    },
    post::LabelSet,
    review::second::SecondReviewer,
};

impl Session {
    /// Puts a second reviewer beside this one, or takes the one there is away. It holds until the session is closed; what
    /// is settled meanwhile stays.
    pub fn set_second(&mut self, second: Option<SecondReviewer>) {
        self.now.second = second;
        self.revision += 1;
    }
}

impl Snapshot {
    /// The second reviewer.
    pub fn second(&self) -> Option<&SecondReviewer> {
        self.second.as_ref()
    }

    /// What the second reviewer decided about a post.
    pub fn second_decision(&self, post: usize) -> Option<LabelSet> {
        self.second.as_ref()?.decision(post)
    }

    /// Whether both reviewers decided a post, differ, and nobody has settled it.
    pub fn is_conflict(&self, post: usize) -> bool {
        let review = self.review(post);
        match (review.decision, self.second_decision(post)) {
            (Some(mine), Some(theirs)) => mine != theirs && review.alone.is_none(),
            _ => false,
        }
    }

    /// The posts that both reviewers decided, as each of them did alone; the second one's decision stands for the truth
    /// as well, so that [`compare`](crate::metrics::agreement::compare) also scores the first one against it.
    pub fn both_reviewers(&self) -> impl Iterator<Item = Both> {
        let said = |labels| Said {
            labels,
            ..Said::default()
        };
        (0..self.dataset().posts.len()).filter_map(move |post| {
            let mine = self.review(post).own_decision()?;
            let theirs = self.second_decision(post)?;
            Some(Both {
                a: said(mine),
                b: said(theirs),
                truth: Some(theirs),
            })
        })
    }

    /// The model against the second reviewer, on the posts that both reviewers decided and the model predicted: what the
    /// first reviewer's own score against the second is to be held beside.
    pub fn model_against_second(&self) -> impl Iterator<Item = Pair> {
        (0..self.dataset().posts.len()).filter_map(move |post| {
            self.review(post).own_decision()?;
            let theirs = self.second_decision(post)?;
            Some(self.prediction(post)?.said().against(theirs))
        })
    }
}
