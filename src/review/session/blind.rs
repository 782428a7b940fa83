//! What of the model's answer the reviewer may see, and what was seen.

use super::Session;
use crate::{
    post::{LabelSet, PostId},
    predict::prediction::Prediction,
    review::{
        blind::BlindMode,
        decision::{Action, ActionKind, Change, Entry},
    },
};

impl Session {
    /// The session's choice.
    pub fn blind_mode(&self) -> BlindMode {
        self.blind
    }

    /// Changes the choice; it is kept in the session file. Decisions made so far stay what they are.
    pub fn set_blind_mode(&mut self, mode: BlindMode) {
        if self.blind == mode {
            return;
        }
        self.blind = mode;
        self.revision += 1;
        if let Some(store) = &mut self.store {
            store.set_blind_mode(mode);
        }
    }

    /// Whether blind mode holds for a post, decided or not.
    pub fn is_blind(&self, post: usize) -> bool {
        let post = self.dataset().posts.get(post);
        post.is_some_and(|post| self.blind.holds_for(post.id))
    }

    /// Whether the model's answer must not be shown: blind mode holds for the post, and nobody has decided or asked to
    /// see the answer yet. Taking a decision back does not make anyone forget what they saw.
    pub fn hides_answer(&self, post: usize) -> bool {
        self.is_blind(post) && !self.has_seen(post)
    }

    /// Leaves posts with these labels out of the queues, as far as nobody has worked on them.
    pub fn put_topics_away(&mut self, topics: LabelSet) {
        if self.now.topics != topics {
            self.now.topics = topics;
            self.revision += 1;
        }
    }

    /// Whether the dataset's label must not be shown.
    pub fn hides_dataset(&self, post: usize) -> bool {
        self.blind.hides_dataset && self.hides_answer(post)
    }

    /// Whether the reviewer has seen what the model says, as far as is known.
    pub fn has_seen(&self, post: usize) -> bool {
        self.seen.get(post).copied().unwrap_or(false)
    }

    /// What the model said about a post, as far as it may be shown.
    pub fn shown_prediction(&self, post: usize) -> Option<&Prediction> {
        self.prediction(post).filter(|_| !self.hides_answer(post))
    }

    /// The labels that the model named, as far as they may be shown.
    pub fn shown_answer(&self, post: usize) -> Option<LabelSet> {
        self.answer(post).filter(|_| !self.hides_answer(post))
    }

    /// Shows the model's answer before the reviewer has decided; it is recorded, and a decision is assisted from now on.
    pub fn reveal(&mut self, post: usize) {
        if self.hides_answer(post) {
            self.apply(post, Action::Reveal);
        }
    }

    /// Takes note that the answer stands on screen, in the file, too: blind mode may be chosen on another day.
    pub fn note_seen(&mut self, post: usize) {
        if self.has_seen(post) || self.prediction(post).is_none() || self.hides_answer(post) {
            return;
        }
        self.mark_seen(post);
        let id = self.dataset().posts.get(post).map(|post| post.id);
        if let (Some(store), Some(id)) = (&mut self.store, id) {
            store.note_seen(id, self.history.last_seq());
        }
    }

    /// What an entry tells of it: a decision shows the answer, taking it back does not hide it.
    pub(super) fn note_entry(&mut self, post: usize, entry: &Entry) {
        // A post that gold opened again looks like those that were never decided.
        if entry.change == Change::Do(ActionKind::Clear) {
            if let Some(seen) = self.seen.get_mut(post) {
                *seen = false;
            }
            return;
        }
        let decided = entry.after.decision.is_some() || entry.before.decision.is_some();
        if decided || matches!(entry.change, Change::Do(kind) if kind.shows_answer()) {
            self.mark_seen(post);
        }
    }

    /// Takes note of what an earlier day has seen; the dataset may have lost the post.
    pub(super) fn mark_seen_of(&mut self, post: PostId) {
        if let Some(post) = self.place(post) {
            self.mark_seen(post);
        }
    }

    fn mark_seen(&mut self, post: usize) {
        if let Some(seen) = self.seen.get_mut(post) {
            *seen = true;
        }
    }
}
