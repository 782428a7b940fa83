//! How the work stands, kept up to date with every change.

use super::Session;
use crate::{predict::answer::Parse, review::decision::Outcome};

/// How many posts are in which state. A post may be in several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReviewCounts {
    /// With a confirmed decision.
    pub reviewed: usize,
    /// Put aside.
    pub skipped: usize,
    /// Left to someone else.
    pub escalated: usize,
    /// Marked for a second look.
    pub flagged: usize,
    /// With labels edited and not confirmed.
    pub drafts: usize,
    /// With a note.
    pub noted: usize,
    /// Whose decision differs from what the model of the present run said.
    pub overruled: usize,
    /// Whose decision differs from the dataset's label.
    pub corrected: usize,
    /// With an answer of the present run, failed ones included.
    pub predicted: usize,
    /// Whose answer could not be parsed.
    pub parse_failed: usize,
    /// That could not be answered at all.
    pub failed: usize,
}

/// The same for one post: each field is 0 or 1.
type Facts = ReviewCounts;

impl ReviewCounts {
    /// Takes one post's facts out and puts the new ones in.
    pub(super) fn replace(&mut self, before: Facts, after: Facts) {
        self.each(before, |sum, fact| *sum = sum.saturating_sub(fact));
        self.each(after, |sum, fact| *sum += fact);
    }

    fn each(&mut self, facts: Facts, mut with: impl FnMut(&mut usize, usize)) {
        let Self {
            reviewed,
            skipped,
            escalated,
            flagged,
            drafts,
            noted,
            overruled,
            corrected,
            predicted,
            parse_failed,
            failed,
        } = self;
        with(reviewed, facts.reviewed);
        with(skipped, facts.skipped);
        with(escalated, facts.escalated);
        with(flagged, facts.flagged);
        with(drafts, facts.drafts);
        with(noted, facts.noted);
        with(overruled, facts.overruled);
        with(corrected, facts.corrected);
        with(predicted, facts.predicted);
        with(parse_failed, facts.parse_failed);
        with(failed, facts.failed);
    }
}

impl Session {
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
