//! A reviewer's work on one post.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::post::{LabelSet, PostId};

/// How a reviewer left a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The labels are decided: this is the truth now.
    Confirmed,
    /// Put aside without a decision.
    Skipped,
    /// For someone else to decide.
    Escalated,
}

/// Where the review of one post stands. The default is a post nobody has touched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Review {
    /// The confirmed labels; kept while a later draft is open.
    pub decision: Option<LabelSet>,
    /// Labels being edited and not yet confirmed.
    pub draft: Option<LabelSet>,
    /// How the reviewer left the post.
    pub outcome: Option<Outcome>,
    /// Marked for a second look.
    pub flagged: bool,
    /// The reviewer's note.
    pub note: String,
    /// Whether the model's answer was visible when the labels were confirmed.
    pub assisted: bool,
    /// What was confirmed before the model's answer was visible. It stays when the decision is revised afterwards, so
    /// that both are kept; without a revision it equals `decision`.
    pub blind: Option<LabelSet>,
    /// What this reviewer had decided alone, once a conflict with a second reviewer was settled. Until then it is `None`,
    /// and the decision is the reviewer's own.
    pub alone: Option<LabelSet>,
    /// Who made the decision in force, as that person was called then; `None` without a decision or a name.
    pub by: Option<Arc<str>>,
}

/// What a reviewer does to a post. Every one is appended to the session file and can be undone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Edit the labels without confirming.
    Draft(LabelSet),
    /// Confirm labels as the truth.
    Confirm {
        /// The labels.
        labels: LabelSet,
        /// Whether the model's answer was visible.
        assisted: bool,
    },
    /// Put aside.
    Skip,
    /// Leave to someone else.
    Escalate,
    /// Set or clear the flag.
    Flag(bool),
    /// Replace the note.
    Note(String),
    /// Forget decision, draft and outcome (flag and note stay).
    Clear,
    /// Settle a conflict with a second reviewer: these labels are the truth, whoever was right.
    Settle(LabelSet),
    /// See the model's answer before deciding, in blind mode. It changes nothing else and is not undone.
    Reveal,
}

impl Review {
    /// A post nobody has touched.
    pub const UNTOUCHED: Self = Self {
        decision: None,
        draft: None,
        outcome: None,
        flagged: false,
        note: String::new(),
        assisted: false,
        blind: None,
        alone: None,
        by: None,
    };

    /// The state after an action. Who did it is not known here.
    ///
    /// Confirming ends the draft. A draft leaves an earlier decision in force until the next confirmation, and one
    /// that equals the decision is none. Skipping and escalating leave the post without a decision. Confirming the
    /// same labels once more changes nothing: a decision made blind stays one when the answer has been seen.
    #[must_use]
    pub fn after(&self, action: Action) -> Self {
        let mut next = self.clone();
        match action {
            Action::Draft(labels) => {
                next.draft = (self.decision != Some(labels)).then_some(labels);
            }
            Action::Confirm { labels, .. } if self.is_confirmed_as(labels) => next.draft = None,
            Action::Confirm { labels, assisted } => {
                next.decision = Some(labels);
                next.draft = None;
                next.outcome = Some(Outcome::Confirmed);
                next.assisted = assisted;
                if !assisted {
                    next.blind = Some(labels);
                }
            }
            Action::Settle(labels) => {
                next.alone = next.alone.or(next.decision);
                next.decision = Some(labels);
                next.draft = None;
                next.outcome = Some(Outcome::Confirmed);
            }
            Action::Skip => next.put_aside(Some(Outcome::Skipped)),
            Action::Escalate => next.put_aside(Some(Outcome::Escalated)),
            Action::Flag(flagged) => next.flagged = flagged,
            Action::Note(note) => next.note = note,
            Action::Clear => next.put_aside(None),
            Action::Reveal => {}
        }
        next
    }

    /// The same with the one who decided: `who`, where the decision is a new one, else whoever it was before.
    #[must_use]
    pub(super) fn decided_by(mut self, before: &Self, who: Option<&Arc<str>>) -> Self {
        fn decided(review: &Review) -> impl PartialEq {
            (
                review.decision,
                review.outcome,
                review.assisted,
                review.blind,
                review.alone,
            )
        }
        self.by = match self.decision {
            None => None,
            Some(_) if decided(&self) == decided(before) => before.by.clone(),
            Some(_) => who.cloned(),
        };
        self
    }

    /// Whether the decision was revised after the model's answer had been seen.
    pub fn is_revised(&self) -> bool {
        // What settled a conflict later is another matter.
        let own = self.own_decision();
        own.is_some() && self.blind.is_some() && own != self.blind
    }

    /// What this reviewer decided before a conflict was settled: what agreement between reviewers is worked out from.
    pub fn own_decision(&self) -> Option<LabelSet> {
        self.alone.or(self.decision)
    }

    fn is_confirmed_as(&self, labels: LabelSet) -> bool {
        self.decision == Some(labels) && self.outcome == Some(Outcome::Confirmed)
    }

    fn put_aside(&mut self, outcome: Option<Outcome>) {
        self.decision = None;
        self.draft = None;
        self.outcome = outcome;
        self.assisted = false;
        self.blind = None;
        self.alone = None;
        self.by = None;
    }
}

/// An [`Action`] without what it carries, for lists and for the session file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ActionKind {
    /// [`Action::Draft`].
    Draft,
    /// [`Action::Confirm`].
    Confirm,
    /// [`Action::Skip`].
    Skip,
    /// [`Action::Escalate`].
    Escalate,
    /// [`Action::Flag`].
    Flag,
    /// [`Action::Note`].
    Note,
    /// [`Action::Clear`].
    Clear,
    /// [`Action::Settle`].
    Settle,
    /// [`Action::Reveal`].
    Reveal,
}

impl ActionKind {
    /// Whether the model's answer is seen from then on, whatever is taken back later.
    pub(super) fn shows_answer(self) -> bool {
        matches!(self, Self::Confirm | Self::Settle | Self::Reveal)
    }

    /// Whether it says what the truth is.
    pub(super) fn decides(self) -> bool {
        matches!(self, Self::Confirm | Self::Settle)
    }
}

impl Action {
    /// Which action it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Draft(_) => ActionKind::Draft,
            Self::Confirm { .. } => ActionKind::Confirm,
            Self::Skip => ActionKind::Skip,
            Self::Escalate => ActionKind::Escalate,
            Self::Flag(_) => ActionKind::Flag,
            Self::Note(_) => ActionKind::Note,
            Self::Clear => ActionKind::Clear,
            Self::Settle(_) => ActionKind::Settle,
            Self::Reveal => ActionKind::Reveal,
        }
    }
}

/// What an [`Entry`] of the history is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The reviewer did something.
    Do(ActionKind),
    /// The entry of this number was taken back.
    Undo(u64),
    /// The entry of this number was done again after it had been taken back.
    Redo(u64),
}

/// One row of the history. Entries are appended and never change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// The post.
    pub post: PostId,
    /// What was done.
    pub change: Change,
    /// The post before.
    pub before: Review,
    /// The post after.
    pub after: Review,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The number of the first entry of those made at once over several posts; one undo takes all of them back.
    pub batch: Option<u64>,
    /// Who did it, as that person was called then.
    pub reviewer: Option<Arc<str>>,
}
