//! The scores: worked out on a thread of their own, no more often than keeps the machine quiet.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::pace::Pace;
use crate::{
    metrics::{
        self, Metrics, Pair,
        agreement::{self, Both, Comparison},
        bootstrap::{self, Intervals},
    },
    review::{
        Session,
        session::{Exposure, LeftOut, Truth},
    },
};

/// Any number will do, as long as it stays the same: figures that dance tell nothing.
const SEED: u64 = 1;

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
    scores: Part<Scores>,
    bootstrap: Part<Option<Intervals>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// A revision of the session and a kind of truth.
type Of = (u64, Truth);

struct Scores {
    metrics: Metrics,
    comparison: Option<Comparison>,
    left_out: LeftOut,
}

impl Figures {
    /// None yet. `wake` is called when some are there.
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            metrics: None,
            intervals: None,
            truth: Truth::default(),
            left_out: LeftOut::default(),
            comparison: None,
            scores: Part::default(),
            bootstrap: Part::default(),
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
        let pairs = || session.pairs(truth, Exposure::Any).collect::<Vec<Pair>>();
        let scores = match self.scores.due(wanted) {
            Due::Now => {
                let (labels, pairs) = (session.dataset().labels.clone(), pairs());
                let left_out = session.left_out(truth, Exposure::Any);
                let both: Option<Vec<Both>> =
                    session.other_run().map(|_| session.both(truth).collect());
                self.scores.start(wanted, &self.wake, move |_| Scores {
                    metrics: metrics::evaluate(&labels, pairs),
                    comparison: both.map(|both| agreement::compare(&labels, both)),
                    left_out,
                });
                None
            }
            Due::In(pause) => Some(pause),
            Due::Never => None,
        };
        // Intervals follow the scores.
        if self.scores.of != Some(wanted) {
            return scores;
        }
        match self.bootstrap.due(wanted) {
            Due::Now => {
                let (labels, pairs) = (session.dataset().labels.clone(), pairs());
                if self.bootstrap.of.is_none_or(|(_, of)| of != truth) {
                    self.intervals = None;
                }
                self.bootstrap
                    .start(wanted, &self.wake, move |is_cancelled| {
                        bootstrap::intervals(&labels, &pairs, SEED, is_cancelled)
                    });
                scores
            }
            Due::In(pause) => Some(scores.map_or(pause, |wait| wait.min(pause))),
            Due::Never => scores,
        }
    }
}

/// Something worked out on a thread of its own, now and then.
struct Part<T> {
    /// What the last result is of.
    of: Option<Of>,
    pace: Pace,
    work: Option<Work<T>>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self {
            of: None,
            pace: Pace::default(),
            work: None,
        }
    }
}

/// A result on its way.
struct Work<T> {
    of: Of,
    result: Receiver<(T, Duration)>,
    cancelled: Arc<AtomicBool>,
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// When to start.
enum Due {
    Now,
    In(Duration),
    Never,
}

impl<T: Send + 'static> Part<T> {
    fn receive(&mut self) -> Option<T> {
        let work = self.work.as_ref()?;
        let received = work.result.try_recv();
        let of = work.of;
        match received {
            Ok((result, took)) => {
                self.of = Some(of);
                self.pace.done(took);
                self.work = None;
                Some(result)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.work = None;
                None
            }
        }
    }

    fn due(&self, wanted: Of) -> Due {
        let other_truth = |of: Of| of.1 != wanted.1;
        match (&self.work, self.of) {
            // What is on its way is waited for, unless it is about another truth.
            (Some(work), _) if !other_truth(work.of) => Due::Never,
            (Some(_), _) | (None, None) => Due::Now,
            (None, Some(of)) if of == wanted => Due::Never,
            (None, Some(of)) if other_truth(of) => Due::Now,
            (None, Some(_)) => match self.pace.wait() {
                Duration::ZERO => Due::Now,
                pause => Due::In(pause),
            },
        }
    }

    /// Starts the work. Without a thread there is no result now; the next change tries again.
    fn start(
        &mut self,
        of: Of,
        wake: &Arc<dyn Fn() + Send + Sync>,
        work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) {
        let (sender, result) = bounded(1);
        let cancelled = Arc::new(AtomicBool::new(false));
        let (flag, wake) = (Arc::clone(&cancelled), Arc::clone(wake));
        let task = move || {
            let begin = Instant::now();
            let done = work(&|| flag.load(Ordering::Relaxed));
            // Nobody waits for what was cancelled.
            let _ = sender.send((done, begin.elapsed()));
            wake();
        };
        let started = std::thread::Builder::new()
            .name("overrule-figures".to_owned())
            .spawn(task);
        self.work = started.is_ok().then_some(Work {
            of,
            result,
            cancelled,
        });
    }
}
