//! A reviewer's work on one post.

use serde::{Deserialize, Serialize};

use crate::post::LabelSet;

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
}
