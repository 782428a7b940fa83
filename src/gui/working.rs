//! The labels in front of the reviewer, and since when they stand there.
//!
//! Answers arrive while somebody decides: the model takes the post on screen first. A key acts on what stood on screen when
//! it was pressed, never on a post that nobody can have seen yet or a suggestion that nobody can have read.

use crate::{
    post::LabelSet,
    review::{Session, session::Truth},
};

/// How long a suggestion must have stood on screen before a key takes it for read.
const TO_READ_SECS: f64 = 0.4;

/// How long a post must have stood on screen before something is decided about it. A key pressed sooner was meant for the post
/// before: nobody sees and presses in less.
const TO_SEE_SECS: f64 = 0.1;

/// Where the labels in front of the reviewer come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Being edited.
    Draft,
    /// Confirmed.
    Decision,
    /// Taken from the model as a beginning.
    Model,
    /// Taken from the dataset as a beginning.
    Dataset,
    /// Nothing is chosen yet.
    Nothing,
}

/// The labels in front of the reviewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Working {
    /// The chosen labels; `None` if nothing is chosen, which is not the same as no label.
    pub labels: Option<LabelSet>,
    /// Where they come from.
    pub source: Source,
}

impl Working {
    /// What a session has for a post. Where the model's answer is hidden, nothing is chosen beforehand.
    pub fn of(session: &Session, post: usize) -> Self {
        let review = session.review(post);
        let suggested = |labels: Option<LabelSet>| labels.filter(|_| !session.hides_answer(post));
        let candidates = [
            (review.draft, Source::Draft),
            (review.decision, Source::Decision),
            (suggested(session.answer(post)), Source::Model),
            (
                suggested(session.truth(post, Truth::Dataset)),
                Source::Dataset,
            ),
        ];
        let found = candidates.into_iter().find(|(labels, _)| labels.is_some());
        let (labels, source) = found.unwrap_or((None, Source::Nothing));
        Self { labels, source }
    }

    /// Whether the labels are the reviewer's own, and not a suggestion.
    pub fn is_own(&self) -> bool {
        matches!(self.source, Source::Draft | Source::Decision)
    }
}

/// What stands on screen about a post.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnScreen {
    post: usize,
    /// The labels that were read.
    working: Working,
    /// The labels that stand there now.
    painted: Working,
    /// Whether they were painted when all that an earlier day said had been read in.
    is_settled: bool,
    /// The model's answer that was read, if there was one.
    answer: Option<LabelSet>,
    /// Since when the post stands there, in seconds of the window's clock: since the frame behind the one that painted it,
    /// which may have taken long.
    since: Option<f64>,
    /// Since when something newer stands there, likewise.
    newer_since: Option<f64>,
}

impl OnScreen {
    /// What stands there after a frame at `now`, `before` being what stood there earlier.
    pub fn after_frame(before: Option<Self>, session: &Session, post: usize, now: f64) -> Self {
        let painted = Self::labels(before, session, post);
        let is_settled = !session.is_loading();
        let shown = Self {
            post,
            working: painted,
            painted,
            is_settled,
            answer: session.shown_answer(post),
            since: None,
            newer_since: None,
        };
        match before.filter(|before| before.post == post) {
            Some(before) if before.is_read(now) || !before.differs(&shown) => Self {
                since: before.since,
                ..shown
            },
            Some(before) => Self {
                painted,
                is_settled,
                newer_since: before.newer_since.or(Some(now)),
                ..before
            },
            None => shown,
        }
    }

    /// The labels to show for a post. A suggestion of the model does not take the place of the dataset's labels while they
    /// are being looked at, unless it is one of an earlier day that is only now read in.
    pub fn labels(shown: Option<Self>, session: &Session, post: usize) -> Working {
        let found = Working::of(session, post);
        match shown.filter(|shown| shown.post == post) {
            Some(shown)
                if shown.is_settled
                    && shown.painted.source == Source::Dataset
                    && found.source == Source::Model
                    && found.labels != shown.painted.labels =>
            {
                shown.painted
            }
            _ => found,
        }
    }

    /// The labels that a key pressed at `now` is about.
    pub fn labels_read(shown: Option<Self>, session: &Session, post: usize, now: f64) -> Working {
        let found = Self::labels(shown, session, post);
        match shown.filter(|shown| shown.post == post && !shown.is_read(now)) {
            Some(shown) if !found.is_own() && !shown.working.is_own() => shown.working,
            _ => found,
        }
    }

    /// The model's answer, if it has stood on screen long enough to be read.
    pub fn answer_read(
        shown: Option<Self>,
        session: &Session,
        post: usize,
        now: f64,
    ) -> Option<LabelSet> {
        let answer = session.shown_answer(post);
        match shown.filter(|shown| shown.post == post && !shown.is_read(now)) {
            Some(shown) if shown.answer != answer => None,
            _ => answer,
        }
    }

    /// A frame begins at `now`: what the one before has painted is there.
    pub fn begin_frame(&mut self, now: f64) {
        self.since.get_or_insert(now);
    }

    /// Whether no frame has begun since the one that painted the post.
    pub fn is_new(&self) -> bool {
        self.since.is_none()
    }

    /// Whether the post has stood on screen long enough to be seen.
    pub fn is_seen(&self, post: usize, now: f64) -> bool {
        let since = self.since.filter(|_| self.post == post);
        since.is_some_and(|since| now - since >= TO_SEE_SECS)
    }

    fn is_read(&self, now: f64) -> bool {
        self.newer_since
            .is_some_and(|since| now - since >= TO_READ_SECS)
    }

    /// Whether a suggestion or an answer came that was not there before.
    fn differs(&self, shown: &Self) -> bool {
        let is_suggested = !shown.working.is_own() && !self.working.is_own();
        (is_suggested && shown.working.labels != self.working.labels)
            || (shown.answer.is_some() && shown.answer != self.answer)
    }
}
