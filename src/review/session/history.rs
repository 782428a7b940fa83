//! Doing, undoing and doing again.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::Session;
use crate::{
    post::PostId,
    review::{
        decision::{Action, ActionKind, Change, Entry, Review},
        store::now_ms,
    },
};

/// What can be taken back and done again. It comes out the same whether entries are made now or replayed.
#[derive(Default)]
pub(super) struct History {
    /// In force, oldest first.
    done: Vec<Arc<Entry>>,
    /// Taken back, the last one last.
    undone: Vec<Arc<Entry>>,
    last_seq: u64,
}

impl History {
    /// Takes an entry in.
    pub(super) fn record(&mut self, entry: &Arc<Entry>) {
        self.last_seq = entry.seq;
        match entry.change {
            // What was seen cannot be unseen.
            Change::Do(ActionKind::Reveal) => {}
            Change::Do(_) => {
                self.done.push(Arc::clone(entry));
                self.undone.clear();
            }
            Change::Undo(seq) => shift(&mut self.done, &mut self.undone, seq),
            Change::Redo(seq) => shift(&mut self.undone, &mut self.done, seq),
        }
    }
}

/// Moves the entry of a number, usually the last one, from one stack to the other.
fn shift(from: &mut Vec<Arc<Entry>>, to: &mut Vec<Arc<Entry>>, seq: u64) {
    if let Some(place) = from.iter().rposition(|entry| entry.seq == seq) {
        to.push(from.remove(place));
    }
}

impl Session {
    /// Does an action: in memory at once, on its way to the disk at once. One that changes nothing leaves no trace.
    pub fn apply(&mut self, post: usize, action: Action) {
        self.apply_in(post, action, None);
    }

    /// Does an action to each of several posts; one undo takes all of it back. How many posts it changed.
    pub fn apply_all(&mut self, actions: impl IntoIterator<Item = (usize, Action)>) -> usize {
        let batch = Some(self.history.last_seq + 1);
        let mut changed = 0;
        for (post, action) in actions {
            changed += usize::from(self.apply_in(post, action, batch));
        }
        changed
    }

    fn apply_in(&mut self, post: usize, action: Action, batch: Option<u64>) -> bool {
        let (Some(id), Some(_)) = (
            self.now.dataset.posts.get(post).map(|post| post.id),
            &self.store,
        ) else {
            return false;
        };
        let kind = action.kind();
        let before = self.review(post).clone();
        let after = before.after(action);
        if before == after && kind != ActionKind::Reveal {
            return false;
        }
        self.enter(Entry {
            seq: self.history.last_seq + 1,
            post: id,
            change: Change::Do(kind),
            before,
            after,
            at_ms: now_ms(),
            batch,
        });
        true
    }

    /// Takes the last action back (also one of an earlier run of the program), and all that was done with it at once.
    /// The post it was about, to go to.
    pub fn undo(&mut self) -> Option<usize> {
        let mut post = None;
        for entry in self.last_batch(&self.history.done) {
            post = self.reverse(&entry, Change::Undo(entry.seq));
        }
        post
    }

    /// Does the last undone action again, and all that was taken back with it. The post it was about, to go to.
    pub fn redo(&mut self) -> Option<usize> {
        let mut post = None;
        for entry in self.last_batch(&self.history.undone) {
            post = self.reverse(&entry, Change::Redo(entry.seq));
        }
        post
    }

    /// How many posts the next undo is about.
    pub fn undo_size(&self) -> usize {
        self.last_batch(&self.history.done).len()
    }

    /// How many posts the next redo is about.
    pub fn redo_size(&self) -> usize {
        self.last_batch(&self.history.undone).len()
    }

    /// Whether `undo` would do something.
    pub fn can_undo(&self) -> bool {
        self.last(&self.history.done).is_some()
    }

    /// Whether `redo` would do something.
    pub fn can_redo(&self) -> bool {
        self.last(&self.history.undone).is_some()
    }

    /// The last actions in force and the places of their posts, newest first.
    pub fn recent(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let newest_first = self.history.done.iter().rev();
        newest_first.filter_map(|entry| Some((self.place(entry.post)?, &**entry)))
    }

    /// The posts with a confirmed decision (places in the dataset), in the order in which they were last confirmed.
    pub fn decided(&self) -> Vec<u32> {
        let confirmed = |entry: &&Arc<Entry>| entry.change == Change::Do(ActionKind::Confirm);
        let mut seen = HashSet::new();
        let newest_first = self.history.done.iter().rev().filter(confirmed);
        let mut posts: Vec<u32> = newest_first
            .filter_map(|entry| self.place(entry.post))
            .filter(|post| self.review(*post).decision.is_some() && seen.insert(*post))
            .filter_map(|post| u32::try_from(post).ok())
            .collect();
        posts.reverse();
        posts
    }

    /// The last entry whose post is there; the dataset may have lost some. None if nothing may be changed.
    fn last<'a>(&self, entries: &'a [Arc<Entry>]) -> Option<&'a Arc<Entry>> {
        self.store.as_ref()?;
        let there = |entry: &&Arc<Entry>| self.place(entry.post).is_some();
        entries.iter().rev().find(there)
    }

    /// The last entry and those made at once with it, the latest first.
    fn last_batch(&self, entries: &[Arc<Entry>]) -> Vec<Arc<Entry>> {
        let Some(last) = self.last(entries) else {
            return Vec::new();
        };
        let Some(batch) = last.batch else {
            return vec![Arc::clone(last)];
        };
        let there = |entry: &&Arc<Entry>| self.place(entry.post).is_some();
        let same = |entry: &&Arc<Entry>| entry.batch == Some(batch);
        let from_end = entries.iter().rev().filter(there);
        from_end.take_while(same).map(Arc::clone).collect()
    }

    fn reverse(&mut self, entry: &Entry, change: Change) -> Option<usize> {
        let post = self.place(entry.post)?;
        let after = match change {
            Change::Undo(_) => entry.before.clone(),
            Change::Do(_) | Change::Redo(_) => entry.after.clone(),
        };
        self.enter(Entry {
            seq: self.history.last_seq + 1,
            post: entry.post,
            change,
            before: self.review(post).clone(),
            after,
            at_ms: now_ms(),
            batch: None,
        });
        Some(post)
    }

    /// Takes a new entry in and sends it to the disk.
    fn enter(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        if let Some(store) = &mut self.store {
            store.append(Arc::clone(&entry));
        }
        self.replay(&entry);
    }

    /// Takes an entry in, as it is made or as it is read.
    pub(super) fn replay(&mut self, entry: &Arc<Entry>) {
        self.history.record(entry);
        if let Some(place) = self.place(entry.post) {
            self.change(place, |session| {
                if let Some(review) = session.now.reviews.get_mut(place) {
                    review.clone_from(&entry.after);
                }
            });
            self.note_entry(place, entry);
        }
    }

    /// How many posts of a history the dataset does not have, those left untouched in the end not counted.
    pub(super) fn orphans_of(&self, entries: &[Entry]) -> usize {
        let lost = entries
            .iter()
            .filter(|entry| self.place(entry.post).is_none());
        let last: HashMap<PostId, &Review> = lost.map(|entry| (entry.post, &entry.after)).collect();
        last.values()
            .filter(|review| ***review != Review::UNTOUCHED)
            .count()
    }
}
