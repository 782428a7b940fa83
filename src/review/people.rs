//! What two and more people make of the same posts: how far they agree, and how far a model gets measured like a person.

use std::path::PathBuf;

use super::{
    basis::Part,
    second::SecondReviewer,
    session::{Snapshot, said},
};
use crate::metrics::{
    self, Metrics, Pair,
    agreement::{self, Comparison},
    bootstrap::{self, Intervals},
    raters,
};

/// The reviewer and all second reviewers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct People {
    /// The reviewer beside each second one, in their order.
    pub beside: Vec<Beside>,
    /// Krippendorff's alpha over all of them, by label in class order; empty with fewer than three people.
    pub alpha: Vec<Option<f64>>,
}

/// The reviewer beside a second one.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    /// What the second reviewer is called.
    pub name: String,
    /// The session that the second reviewer's decisions were read from.
    pub file: PathBuf,
    /// Where the two agree, on all posts that both decided, as each of them did alone. The first is scored against the
    /// second.
    pub comparison: Comparison,
    /// The model beside the reviewer, both held against the second one.
    pub ceiling: Option<Ceiling>,
}

/// A person's score and the model's, over the same posts and against the same second reviewer. Where people agree no
/// further, a model cannot be told to be better: the human ceiling. Between two people micro and macro F1 are the same
/// whichever of them is held against the other.
#[derive(Clone, PartialEq, Debug)]
pub struct Ceiling {
    /// How many posts: decided by both, and predicted.
    pub n: u64,
    /// The reviewer against the second one.
    pub person: Metrics,
    /// The model against the second one.
    pub model: Metrics,
}

/// How far the scores of a ceiling may be trusted: 95 % intervals, both over the same resamples of the posts.
#[derive(Clone, PartialEq, Debug)]
pub struct CeilingIntervals {
    /// The session that the second reviewer's decisions were read from.
    pub file: PathBuf,
    /// Of the reviewer's scores.
    pub person: Intervals,
    /// Of the model's.
    pub model: Intervals,
}

impl CeilingIntervals {
    /// Those of every second reviewer who has a ceiling; `None` as soon as `is_cancelled` says so. As slow as
    /// [`bootstrap::intervals`], twice for each of them.
    pub fn of(
        now: &Snapshot,
        part: Part,
        seed: u64,
        is_cancelled: impl Fn() -> bool,
    ) -> Option<Vec<Self>> {
        let labels = &now.dataset().labels;
        let mut found = Vec::new();
        for second in now.seconds() {
            let (person, model) = pairs(now, second, part);
            if person.is_empty() {
                continue;
            }
            let of = |pairs: &[Pair]| bootstrap::intervals(labels, pairs, seed, &is_cancelled);
            found.push(Self {
                file: second.file().to_owned(),
                person: of(&person)?,
                model: of(&model)?,
            });
        }
        Some(found)
    }
}

impl People {
    /// Works it out; the ceilings over a part of the posts. Some tens of milliseconds for each person and 150,000
    /// decisions, so never in a frame.
    pub fn of(now: &Snapshot, part: Part) -> Self {
        let n_seconds = now.seconds().len();
        Self {
            beside: now
                .seconds()
                .map(|second| Beside::of(now, second, part))
                .collect(),
            alpha: if n_seconds < 2 {
                Vec::new()
            } else {
                alpha(now)
            },
        }
    }
}

impl Beside {
    fn of(now: &Snapshot, second: &SecondReviewer, part: Part) -> Self {
        let labels = &now.dataset().labels;
        Self {
            name: second.name().to_owned(),
            file: second.file().to_owned(),
            comparison: agreement::compare(labels, now.both_reviewers(second)),
            ceiling: Ceiling::of(now, second, part),
        }
    }
}

impl Ceiling {
    /// `None` if no post was decided by both and predicted.
    fn of(now: &Snapshot, second: &SecondReviewer, part: Part) -> Option<Self> {
        let (person, model) = pairs(now, second, part);
        let labels = &now.dataset().labels;
        (!person.is_empty()).then(|| Self {
            n: person.len() as u64,
            person: metrics::evaluate(labels, person),
            model: metrics::evaluate(labels, model),
        })
    }
}

/// Person and model, each held against a second reviewer, post by post.
fn pairs(now: &Snapshot, second: &SecondReviewer, part: Part) -> (Vec<Pair>, Vec<Pair>) {
    let both = now.places_of_both(second);
    both.filter_map(|(post, mine, theirs)| {
        let model = now.prediction(post).filter(|_| now.is_in(part, post))?;
        Some((said(mine).against(theirs), model.said().against(theirs)))
    })
    .unzip()
}

fn alpha(now: &Snapshot) -> Vec<Option<f64>> {
    let mut table = raters::Table::new(now.dataset().labels.len());
    let mut ratings = Vec::new();
    for post in 0..now.dataset().posts.len() {
        ratings.clear();
        ratings.extend(now.review(post).own_decision());
        ratings.extend(now.seconds().filter_map(|second| second.decision(post)));
        table.add(&ratings);
    }
    table.alpha()
}
