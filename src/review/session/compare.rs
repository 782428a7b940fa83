//! The runs of a session, and a second run beside the one that is shown.

use std::sync::Arc;

use crossbeam_channel::TryRecvError;

use super::Session;
use crate::{
    metrics::agreement::Said,
    post::PostId,
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo},
    },
    review::store::{ListedRuns, LoadedChunks, RunRecord, StoreError},
};

/// What is known of the runs.
#[derive(Default)]
pub(super) struct Runs {
    known: Option<Vec<RunRecord>>,
    listing: Option<ListedRuns>,
    other: Option<OtherRun>,
}

/// The run that the shown one is compared with.
struct OtherRun {
    info: RunInfo,
    /// Until all of it is read.
    loading: Option<LoadedChunks>,
}

impl Prediction {
    /// What metrics and comparisons take of it.
    pub fn said(&self) -> Said {
        Said {
            labels: self.labels,
            parse_failed: self.parse == Parse::Failed && self.error.is_none(),
            failed: self.error.is_some(),
        }
    }
}

impl Session {
    /// Asks for the list of runs, which comes with a later [`poll`](Self::poll). What the store was given before is counted.
    pub fn look_for_runs(&mut self) {
        if let Some(store) = &mut self.store {
            self.runs.listing = Some(store.list_runs());
        }
    }

    /// The runs of the session, the latest first; `None` until a list that was [asked for](Self::look_for_runs) has come.
    pub fn runs(&self) -> Option<&[RunRecord]> {
        self.runs.known.as_deref()
    }

    /// Takes a second run to compare the shown one with, or none. What it said is read in the background and comes with
    /// later calls of [`poll`](Self::poll).
    pub fn compare_with(&mut self, run: Option<RunInfo>) {
        self.runs.other = match (run, &mut self.store) {
            (Some(info), Some(store)) => Some(OtherRun {
                loading: Some(store.read_run(info.clone())),
                info,
            }),
            _ => None,
        };
        self.now.other = self
            .runs
            .other
            .is_some()
            .then(|| self.now.unpredicted_posts());
        self.revision += 1;
    }

    /// The run that the shown one is compared with.
    pub fn other_run(&self) -> Option<&RunInfo> {
        self.runs.other.as_ref().map(|other| &other.info)
    }

    /// Whether some of what the other run said is still being read.
    pub fn is_other_loading(&self) -> bool {
        let other = self.runs.other.as_ref();
        other.is_some_and(|other| other.loading.is_some())
    }

    /// Takes what the store's threads have read about runs, until the time is up.
    pub(super) fn take_runs(&mut self, time_is_up: impl Fn() -> bool) {
        if let Some(listed) = &self.runs.listing {
            match listed.try_recv() {
                Ok(Ok(runs)) => self.runs.known = Some(runs),
                Ok(Err(error)) => self.tell_unread("The runs of this session", &error),
                Err(TryRecvError::Disconnected) => self.runs.listing = None,
                Err(TryRecvError::Empty) => {}
            }
        }
        while let Some(loading) = self.runs.other.as_ref().and_then(|o| o.loading.as_ref())
            && !time_is_up()
        {
            match loading.try_recv() {
                Ok(Ok(chunk)) => self.take_other(chunk),
                Ok(Err(error)) => self.tell_unread("The other run", &error),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    if let Some(other) = &mut self.runs.other {
                        other.loading = None;
                    }
                    self.revision += 1;
                }
            }
        }
    }

    fn take_other(&mut self, chunk: Vec<(PostId, Prediction)>) {
        for (id, prediction) in chunk {
            let place = self.place(id);
            if let (Some(other), Some(place)) = (&mut self.now.other, place)
                && let Some(slot) = other.get_mut(place)
            {
                *slot = Some(Arc::new(prediction));
            }
        }
        self.revision += 1;
    }

    pub(super) fn tell_unread(&mut self, what: &str, error: &StoreError) {
        self.add_problem(crate::post::Problem {
            kind: crate::post::ProblemKind::Unreadable,
            post: None,
            line: None,
            column: None,
            message: format!("{what} cannot be shown: {error}"),
        });
    }
}
