//! Second reviewers beside the first.

use std::{path::Path, sync::Arc};

use super::{Session, Snapshot};
use crate::{
    metrics::agreement::{Both, Said},
    post::LabelSet,
    review::second::SecondReviewer,
};

impl Session {
    /// Puts a second reviewer beside this one, in place of what was read from the same file before, whose name stays. It is
    /// kept in the session file.
    pub fn add_second(&mut self, second: SecondReviewer) -> Arc<SecondReviewer> {
        let before = self.now.seconds.iter().find(|s| s.file() == second.file());
        let second = Arc::new(match before {
            Some(before) => second.named(before.name()),
            None => second,
        });
        if let Some(store) = &mut self.store {
            store.keep_second(second.kept.clone());
        }
        let seconds = &mut self.now.seconds;
        match seconds.iter().position(|s| s.file() == second.file()) {
            Some(place) => {
                seconds.set(place, second.clone());
            }
            None => seconds.push_back(second.clone()),
        }
        self.revision += 1;
        second
    }

    /// Calls the second reviewer who was read from a file something else, here and in the session file. A blank name changes
    /// nothing.
    pub fn rename_second(&mut self, file: &Path, name: &str) {
        let name = name.trim();
        let seconds = &mut self.now.seconds;
        let Some(place) = seconds.iter().position(|second| second.file() == file) else {
            return;
        };
        let renamed = seconds.get(place).map(|second| second.named(name));
        let Some(renamed) = renamed.filter(|_| !name.is_empty()) else {
            return;
        };
        seconds.set(place, Arc::new(renamed));
        if let Some(store) = &mut self.store {
            store.rename_second(file.into(), name.into());
        }
        self.revision += 1;
    }

    /// Takes the second reviewer away that was read from a file, here and in the session file; what was settled
    /// meanwhile stays.
    pub fn remove_second(&mut self, file: &Path) {
        if let Some(store) = &mut self.store {
            store.forget_second(file.into());
        }
        self.now.seconds.retain(|second| second.file() != file);
        self.revision += 1;
    }
}

impl Snapshot {
    /// The second reviewers, in the order in which they came.
    pub fn seconds(&self) -> impl ExactSizeIterator<Item = &SecondReviewer> {
        self.seconds.iter().map(|second| &**second)
    }

    /// Whether this reviewer and a second one decided a post, differ, and nobody has settled it.
    pub fn is_conflict(&self, post: usize) -> bool {
        let review = self.review(post);
        let Some(mine) = review.decision.filter(|_| review.alone.is_none()) else {
            return false;
        };
        self.seconds()
            .filter_map(|second| second.decision(post))
            .any(|theirs| theirs != mine)
    }

    /// The posts that both reviewers decided, as each of them did alone; the second one's decision stands for the truth
    /// as well, so that [`compare`](crate::metrics::agreement::compare) also scores the first one against it.
    pub fn both_reviewers(&self, second: &SecondReviewer) -> impl Iterator<Item = Both> {
        self.places_of_both(second).map(|(_, mine, theirs)| Both {
            a: said(mine),
            b: said(theirs),
            truth: Some(theirs),
        })
    }

    /// The posts that both reviewers decided (places in the dataset), with what each of them said alone.
    pub fn places_of_both(
        &self,
        second: &SecondReviewer,
    ) -> impl Iterator<Item = (usize, LabelSet, LabelSet)> {
        let posts = 0..self.dataset().posts.len();
        posts.filter_map(move |post| {
            let mine = self.review(post).own_decision()?;
            Some((post, mine, second.decision(post)?))
        })
    }
}

/// What a person says, in the words of a comparison of runs.
pub(in crate::review) fn said(labels: LabelSet) -> Said {
    Said {
        labels,
        ..Said::default()
    }
}
