//! Second reviewers: what somebody else decided about the same posts, read from that person's session and kept in this one.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use imbl::Vector;

use super::{
    decision::Review,
    session::Snapshot,
    store::{self, StoreError},
};
use crate::post::{LabelSet, PostId};

/// What somebody else decided, as session files have it: posts by id, also those that the dataset lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    /// What that person is called.
    pub name: Arc<str>,
    /// The session that it was read from.
    pub file: Arc<Path>,
    /// What was decided about each post.
    pub decisions: Arc<[(PostId, LabelSet)]>,
}

/// What a second reviewer decided, a place for each post of the dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecondReviewer {
    pub(super) kept: Kept,
    decisions: Vector<Option<LabelSet>>,
    n_decisions: usize,
}

impl SecondReviewer {
    /// Reads a session, also while a window has it open. Nothing in it is changed. Takes as long as opening it does.
    ///
    /// # Errors
    /// There is no such file, or it is no session, of a newer version, damaged, the reviewer's own, or about none of these posts.
    pub fn read(file: &Path, own: &Path, posts: &Snapshot) -> Result<Self, StoreError> {
        let file = store::canonical(file)?;
        if file == own {
            return Err(StoreError::OwnSession(file));
        }
        let (entries, name) = store::read_history(&file, &posts.dataset().labels)?;
        let last: HashMap<PostId, &Review> = entries
            .iter()
            .map(|entry| (entry.post, &entry.after))
            .collect();
        let decided = last
            .into_iter()
            .filter_map(|(post, review)| Some((post, review.own_decision()?)));
        let mut decisions: Vec<(PostId, LabelSet)> = decided.collect();
        decisions.sort_unstable_by_key(|(post, _)| *post);
        let name = name.unwrap_or_else(|| name_of(&file));
        let second = Self::of(
            Kept {
                name: name.into(),
                file: file.as_path().into(),
                decisions: decisions.into(),
            },
            posts,
        );
        if second.n_decisions == 0 {
            return Err(StoreError::NothingInCommon(file));
        }
        Ok(second)
    }

    /// Puts what a file keeps in the places of the dataset's posts.
    pub(super) fn of(kept: Kept, posts: &Snapshot) -> Self {
        let mut decisions: Vec<Option<LabelSet>> = vec![None; posts.dataset().posts.len()];
        let mut n_decisions = 0;
        for (post, labels) in kept.decisions.iter() {
            let place = posts
                .place(*post)
                .and_then(|place| decisions.get_mut(place));
            if let Some(place) = place {
                *place = Some(*labels);
                n_decisions += 1;
            }
        }
        Self {
            kept,
            decisions: decisions.into_iter().collect(),
            n_decisions,
        }
    }

    /// What that person is called: the name in that session, or that of the file where none is known, until this session
    /// gave another one.
    pub fn name(&self) -> &str {
        &self.kept.name
    }

    /// The same decisions under another name.
    pub(super) fn named(&self, name: &str) -> Self {
        let mut renamed = self.clone();
        renamed.kept.name = name.into();
        renamed
    }

    /// The session that it was read from.
    pub fn file(&self) -> &Path {
        &self.kept.file
    }

    /// How many posts of the dataset that person decided.
    pub fn n_decisions(&self) -> usize {
        self.n_decisions
    }

    /// What was decided about a post.
    pub fn decision(&self, post: usize) -> Option<LabelSet> {
        self.decisions.get(post).copied().flatten()
    }
}

/// A name for whoever made a session that tells none.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(PathBuf::from);
    stem.map_or_else(|| "the other".to_owned(), |stem| stem.display().to_string())
}
