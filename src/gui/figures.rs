//! The scores and what is drawn about them: worked out on threads of their own, no more often than keeps the machine quiet.

use std::{path::Path, time::Duration};

use super::background::{Background, Due, Wake};
use crate::{
    metrics::{
        self, Metrics, Pair,
        agreement::{self, Comparison},
        analysis::{self, Analysis, Judged},
        bootstrap::{self, Intervals},
        history::{self, Moment},
    },
    review::{
        Session,
        basis::{Basis, Part, Sample},
        people::{CeilingIntervals, People},
        queue::Order,
        session::{Exposure, LeftOut, Snapshot, Truth},
        suspects,
    },
};

/// Any number will do, as long as it stays the same: figures that dance tell nothing.
const SEED: u64 = 1;

const THREAD: &str = "overrule-figures";

/// What figures are asked to go over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Wanted {
    truth: Truth,
    sample: Sample,
}

/// What scores are asked to go over, and beside which shuffle the reviewed posts are held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Asked {
    wanted: Wanted,
    seed: u32,
}

/// The scores, as of a revision of the session.
pub struct Figures {
    /// The scores; `None` until they were worked out.
    pub metrics: Option<Metrics>,
    /// Their 95 % intervals, which come a little later; none until they are of as many posts.
    pub intervals: Option<Intervals>,
    /// What they compare with.
    pub truth: Truth,
    /// Which posts they are asked to go over.
    pub sample: Sample,
    /// What the comparison with the truth leaves out.
    pub left_out: LeftOut,
    /// The shown run beside the other one, if there is one.
    pub comparison: Option<Comparison>,
    /// The reviewer and second ones.
    pub people: People,
    /// The 95 % intervals of their ceilings, which come a little later as well.
    pub ceilings: Vec<CeilingIntervals>,
    /// How fair a sample the reviewed posts are.
    pub fairness: Fairness,
    /// What is drawn, while somebody looks at it; then it stays as it was.
    pub drawn: Option<Drawn>,
    /// Whether somebody looks at what is drawn.
    pub is_drawing: bool,
    basis: Basis,
    scores: Background<Asked, Scores>,
    /// Over how many posts, and what came of it.
    bootstrap: Background<Wanted, Option<(u64, Intervals)>>,
    bootstrapped: Option<(u64, Intervals)>,
    ceiling_bootstrap: Background<Wanted, Option<Vec<CeilingIntervals>>>,
    drawing: Background<Wanted, Drawn>,
    wake: Wake,
}

/// How fair a sample the reviewed posts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fairness {
    /// Posts with a confirmed decision.
    pub reviewed: usize,
    /// Those among them that stand at the front of the shuffle.
    pub at_random: usize,
    /// The seed of that shuffle.
    pub seed: u32,
}

/// What is drawn.
pub struct Drawn {
    /// Which of these there were before: it changes with every one.
    pub revision: u64,
    /// What it goes over.
    pub basis: Basis,
    /// The shown run.
    pub run: DrawnRun,
    /// The run beside it, if there is one.
    pub other: Option<DrawnRun>,
    /// The scores over decisions that were made with the model's answer in sight, and over those made without.
    pub by_exposure: [Metrics; 2],
    /// Posts whose labels in the dataset are likely wrong.
    pub n_suspects: usize,
}

/// What is drawn about a run.
pub struct DrawnRun {
    /// The scores.
    pub metrics: Metrics,
    /// The curves.
    pub analysis: Analysis,
    /// The scores as the review went on.
    pub moments: Vec<Moment>,
}

struct Scores {
    basis: Basis,
    metrics: Metrics,
    comparison: Option<Comparison>,
    left_out: LeftOut,
    people: People,
    fairness: Fairness,
}

impl Figures {
    /// None yet. `wake` is called when some are there.
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            metrics: None,
            intervals: None,
            truth: Truth::default(),
            sample: Sample::default(),
            left_out: LeftOut::default(),
            comparison: None,
            people: People::default(),
            ceilings: Vec::new(),
            fairness: Fairness::default(),
            drawn: None,
            is_drawing: false,
            basis: Basis::default(),
            scores: Background::new(THREAD),
            bootstrap: Background::new(THREAD),
            bootstrapped: None,
            ceiling_bootstrap: Background::new(THREAD),
            drawing: Background::new(THREAD),
            wake,
        }
    }

    /// What the scores on screen go over: a click on a figure opens these posts.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The seed in force: that of the figures, else that of the queue's `order`.
    pub fn seed(&self, order: Order) -> u32 {
        match (self.sample, order) {
            (Sample::Random(seed), _) | (Sample::All, Order::Random(seed)) => seed,
            _ => 1,
        }
    }

    /// Takes what is there and starts to work out what changed. Returns how long to wait for the rest.
    pub(super) fn refresh(&mut self, session: &Session, order: Order) -> Option<Duration> {
        self.receive();
        let wanted = Wanted {
            truth: self.truth,
            sample: self.sample,
        };
        let of = (session.revision(), wanted);
        let seed = self.seed(order);
        let asked = (session.revision(), Asked { wanted, seed });
        let mut wait = None;
        match self.scores.due(&asked) {
            Due::Now => {
                let now = session.snapshot();
                self.scores
                    .start(asked, &self.wake, move |_| Scores::of(&now, asked.1));
            }
            Due::In(pause) => wait = Some(pause),
            Due::Never => {}
        }
        if self.is_drawing {
            match self.drawing.due(&of) {
                Due::Now => {
                    let now = session.snapshot();
                    self.drawing
                        .start(of, &self.wake, move |_| Drawn::of(&now, wanted, of.0));
                }
                Due::In(pause) => wait = sooner(wait, pause),
                Due::Never => {}
            }
        }
        // Intervals follow the scores.
        if self.scores.of() != Some(&asked) {
            return wait;
        }
        match self.bootstrap.due(&of) {
            Due::Now => {
                if self.bootstrap.of().is_none_or(|(_, of)| *of != wanted) {
                    self.intervals = None;
                    self.bootstrapped = None;
                }
                let now = session.snapshot();
                self.bootstrap.start(of, &self.wake, move |is_cancelled| {
                    let basis = wanted.basis(&now);
                    let pairs: Vec<Pair> = now.pairs(basis, Exposure::Any).collect();
                    let labels = &now.dataset().labels;
                    let intervals = bootstrap::intervals(labels, &pairs, SEED, is_cancelled);
                    intervals.map(|intervals| (pairs.len() as u64, intervals))
                });
            }
            Due::In(pause) => wait = sooner(wait, pause),
            Due::Never => {}
        }
        if session.seconds().len() == 0 {
            self.ceilings.clear();
            return wait;
        }
        match self.ceiling_bootstrap.due(&of) {
            Due::Now => {
                let before = self.ceiling_bootstrap.of();
                if before.is_none_or(|(_, of)| *of != wanted) {
                    self.ceilings.clear();
                }
                let now = session.snapshot();
                self.ceiling_bootstrap
                    .start(of, &self.wake, move |is_cancelled| {
                        let part = wanted.basis(&now).part;
                        CeilingIntervals::of(&now, part, SEED, is_cancelled)
                    });
            }
            Due::In(pause) => wait = sooner(wait, pause),
            Due::Never => {}
        }
        wait
    }

    /// The intervals of the ceiling of the second reviewer who was read from a file.
    pub fn ceiling_intervals(&self, file: &Path) -> Option<&CeilingIntervals> {
        self.ceilings.iter().find(|ceiling| ceiling.file == file)
    }

    fn receive(&mut self) {
        if let Some(scores) = self.scores.receive() {
            self.basis = scores.basis;
            self.metrics = Some(scores.metrics);
            self.comparison = scores.comparison;
            self.left_out = scores.left_out;
            self.people = scores.people;
            self.fairness = scores.fairness;
        }
        if let Some(intervals) = self.bootstrap.receive() {
            self.bootstrapped = intervals;
        }
        let n = self.metrics.as_ref().map(|metrics| metrics.n);
        let of_now = self.bootstrapped.as_ref().filter(|(of, _)| Some(*of) == n);
        let of_now = of_now.map(|(_, intervals)| intervals);
        if self.intervals.as_ref() != of_now {
            self.intervals = of_now.cloned();
        }
        if let Some(Some(ceilings)) = self.ceiling_bootstrap.receive() {
            self.ceilings = ceilings;
        }
        if let Some(drawn) = self.drawing.receive() {
            self.drawn = Some(drawn);
        }
    }
}

fn sooner(wait: Option<Duration>, pause: Duration) -> Option<Duration> {
    Some(wait.map_or(pause, |wait| wait.min(pause)))
}

impl Wanted {
    fn basis(self, now: &Snapshot) -> Basis {
        Basis {
            truth: self.truth,
            part: Part::of(self.sample, now),
        }
    }
}

impl Fairness {
    fn of(now: &Snapshot, seed: u32) -> Self {
        let part = Part::of(Sample::Random(seed), now);
        let posts = now.dataset().posts.iter().enumerate();
        let mut found = Self {
            seed,
            ..Self::default()
        };
        for (place, post) in posts {
            if now.review(place).decision.is_some() {
                found.reviewed += 1;
                found.at_random += usize::from(part.holds(post.id));
            }
        }
        found
    }
}

impl Scores {
    fn of(now: &Snapshot, Asked { wanted, seed }: Asked) -> Self {
        let labels = &now.dataset().labels;
        let basis = wanted.basis(now);
        Self {
            basis,
            metrics: metrics::evaluate(labels, now.pairs(basis, Exposure::Any)),
            comparison: now
                .has_other_run()
                .then(|| agreement::compare(labels, now.both(basis))),
            left_out: now.left_out(basis, Exposure::Any),
            people: People::of(now, basis.part),
            fairness: Fairness::of(now, seed),
        }
    }
}

impl Drawn {
    fn of(now: &Snapshot, wanted: Wanted, revision: u64) -> Self {
        let decided = now.decided();
        let basis = wanted.basis(now);
        let labels = &now.dataset().labels;
        // Two runs are told apart only by posts that both predicted.
        let in_both = |post: &u32| {
            !now.has_other_run()
                || (now.prediction(*post as usize).is_some()
                    && now.other_prediction(*post as usize).is_some())
        };
        let run = |of_other: bool| {
            let judged: Vec<Judged> = now
                .judged(basis, of_other)
                .filter(|judged| in_both(&judged.post))
                .collect();
            let decided: Vec<Pair> = decided
                .iter()
                .filter(|post| in_both(post))
                .filter_map(|post| now.judged_post(*post, basis, of_other))
                .map(|judged| judged.pair)
                .collect();
            DrawnRun {
                metrics: metrics::evaluate(labels, judged.iter().map(|judged| judged.pair)),
                analysis: analysis::analyse(labels, &judged),
                moments: history::over_time(labels, &decided),
            }
        };
        let exposed = |exposure| metrics::evaluate(labels, now.pairs(basis, exposure));
        let is_suspect = |quality: &Option<metrics::label_errors::Quality>| {
            quality.as_ref().is_some_and(|q| !q.suspects.is_empty())
        };
        Self {
            revision,
            basis,
            run: run(false),
            other: now.has_other_run().then(|| run(true)),
            by_exposure: [Exposure::Assisted, Exposure::Blind].map(exposed),
            n_suspects: suspects::qualities(now)
                .iter()
                .filter(|q| is_suspect(q))
                .count(),
        }
    }
}
