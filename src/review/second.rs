//! A second reviewer: what somebody else decided about the same posts, read from that person's session.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use imbl::Vector;

use super::{
    decision::Review,
    store::{self, StoreError},
};
use crate::{
    dataset::Dataset,
    post::{LabelSet, PostId},
};

/// What a second reviewer decided, a place for each post of the dataset.
#[derive(Clone, Debug)]
pub struct SecondReviewer {
    /// The name, or that of the file where none is known.
    pub name: String,
    /// The session file.
    pub file: PathBuf,
    pub(super) decisions: Vector<Option<LabelSet>>,
}

impl SecondReviewer {
    /// Reads a session, also while a window has it open. Nothing in it is changed. Takes as long as opening it does.
    ///
    /// # Errors
    /// There is no such file, or it is no session, of a newer version, damaged, or about none of these posts.
    pub fn read(file: &Path, dataset: &Dataset) -> Result<Self, StoreError> {
        let file = store::canonical(file)?;
        let (entries, name) = store::read_history(&file, &dataset.labels)?;
        let last: HashMap<PostId, &Review> = entries
            .iter()
            .map(|entry| (entry.post, &entry.after))
            .collect();
        let own = |post: &crate::post::Post| last.get(&post.id)?.own_decision();
        let decisions: Vector<_> = dataset.posts.iter().map(own).collect();
        if decisions.iter().all(Option::is_none) {
            return Err(StoreError::NothingInCommon(file));
        }
        let of_file = || {
            file.file_stem()
                .map(|name| name.to_string_lossy().into_owned())
        };
        Ok(Self {
            name: name
                .or_else(of_file)
                .unwrap_or_else(|| "the other".to_owned()),
            file,
            decisions,
        })
    }

    /// What was decided about a post.
    pub fn decision(&self, post: usize) -> Option<LabelSet> {
        self.decisions.get(post).copied().flatten()
    }
}
