//! The scores: worked out on a thread of their own, no more often than keeps the machine quiet.

use std::time::Duration;

use super::background::{Background, Due, Wake};
use crate::{
    metrics::{
        self, Metrics, Pair,
        agreement::{self, Comparison},
        bootstrap::{self, Intervals},
    },
    review::{
        Session,
        session::{Exposure, LeftOut, Snapshot, Truth},
    },
};

/// Any number will do, as long as it stays the same: figures that dance tell nothing.
const SEED: u64 = 1;

const THREAD: &str = "overrule-figures";

/// The scores, as of a revision of the session.
pub struct Figures {
    /// The scores; `None` until they were worked out.
    pub metrics: Option<Metrics>,
    /// Their 95 % intervals, which come a little later and may be of a state a little earlier.
    pub intervals: Option<Intervals>,
    /// What they compare with.
    pub truth: Truth,
    /// What the comparison with the truth leaves out.
    pub left_out: LeftOut,
    /// The shown run beside the other one, if there is one.
    pub comparison: Option<Comparison>,
    scores: Background<Truth, Scores>,
    bootstrap: Background<Truth, Option<Intervals>>,
    wake: Wake,
}

struct Scores {
    metrics: Metrics,
    comparison: Option<Comparison>,
    left_out: LeftOut,
}

impl Figures {
    /// None yet. `wake` is called when some are there.
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            metrics: None,
            intervals: None,
            truth: Truth::default(),
            left_out: LeftOut::default(),
            comparison: None,
            scores: Background::new(THREAD),
            bootstrap: Background::new(THREAD),
            wake,
        }
    }

    /// Takes what is there and starts to work out what changed. Returns how long to wait for the rest.
    pub(super) fn refresh(&mut self, session: &Session) -> Option<Duration> {
        if let Some(scores) = self.scores.receive() {
            self.metrics = Some(scores.metrics);
            self.comparison = scores.comparison;
            self.left_out = scores.left_out;
        }
        if let Some(intervals) = self.bootstrap.receive() {
            self.intervals = intervals;
        }
        let wanted = (session.revision(), self.truth);
        let truth = self.truth;
        let scores = match self.scores.due(&wanted) {
            Due::Now => {
                let now = session.snapshot();
                self.scores
                    .start(wanted, &self.wake, move |_| Scores::of(&now, truth));
                None
            }
            Due::In(pause) => Some(pause),
            Due::Never => None,
        };
        // Intervals follow the scores.
        if self.scores.of() != Some(&wanted) {
            return scores;
        }
        match self.bootstrap.due(&wanted) {
            Due::Now => {
                if self.bootstrap.of().is_none_or(|(_, of)| *of != truth) {
                    self.intervals = None;
                }
                let now = session.snapshot();
                self.bootstrap
                    .start(wanted, &self.wake, move |is_cancelled| {
                        let pairs: Vec<Pair> = now.pairs(truth, Exposure::Any).collect();
                        bootstrap::intervals(&now.dataset().labels, &pairs, SEED, is_cancelled)
                    });
                scores
            }
            Due::In(pause) => Some(scores.map_or(pause, |wait| wait.min(pause))),
            Due::Never => scores,
        }
    }
}

impl Scores {
    fn of(now: &Snapshot, truth: Truth) -> Self {
        let labels = &now.dataset().labels;
        Self {
            metrics: metrics::evaluate(labels, now.pairs(truth, Exposure::Any)),
            comparison: now
                .has_other_run()
                .then(|| agreement::compare(labels, now.both(truth))),
            left_out: now.left_out(truth, Exposure::Any),
        }
    }
}
