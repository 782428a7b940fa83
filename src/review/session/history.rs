//! Doing, undoing and doing again.

use std::{collections::HashMap, sync::Arc};

use imbl::Vector;

use super::{Session, Snapshot};
use crate::{
    post::PostId,
    review::{
        decision::{Action, ActionKind, Change, Entry, Review},
        store::now_ms,
    },
};

/// What can be done again; what can be taken back is `Snapshot::done`. Both come out the same whether entries are made
/// now or replayed.
#[derive(Default)]
pub(super) struct History {
    /// Taken back, the last one last.
    undone: Vector<Arc<Entry>>,
    last_seq: u64,
}

impl History {
    /// The number of the last entry.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Takes an entry in.
    pub(super) fn record(&mut self, done: &mut Vector<Arc<Entry>>, entry: &Arc<Entry>) {
        self.last_seq = entry.seq;
        match entry.change {
            // What was seen cannot be unseen.
            Change::Do(ActionKind::Reveal) => {}
            Change::Do(_) => {
                done.push_back(Arc::clone(entry));
                self.undone.clear();
            }
            Change::Undo(seq) => {
                if take_back_clearing(done, entry, seq) {
                    self.undone.retain(|undone| undone.post != entry.post);
                } else {
                    shift(done, &mut self.undone, seq);
                }
            }
            Change::Redo(seq) => shift(&mut self.undone, done, seq),
        }
    }
}

/// Forgets the clearing of this number that an entry takes back, if it is one that opened a post for gold, and what was done
/// to its post since: the decision is given back, and nothing of this is done again or taken back for itself. Whether it is
/// one.
fn take_back_clearing(done: &mut Vector<Arc<Entry>>, taking_back: &Entry, seq: u64) -> bool {
    let mut of_post = Vec::new(); // the last place first
    for (place, entry) in done.iter().enumerate().rev() {
        if entry.post == taking_back.post {
            of_post.push(place);
        }
        if entry.seq != seq {
            continue;
        }
        let opened = entry.change == Change::Do(ActionKind::Clear) && entry.batch.is_some();
        if opened {
            of_post
                .into_iter()
                .for_each(|place| drop(done.remove(place)));
        }
        return opened;
    }
    false
}

/// Moves the entry of a number, usually the last one, from one stack to the other.
fn shift(from: &mut Vector<Arc<Entry>>, to: &mut Vector<Arc<Entry>>, seq: u64) {
    if let Some(place) = from.iter().rposition(|entry| entry.seq == seq) {
        to.push_back(from.remove(place));
    }
}

impl Snapshot {
    /// The last actions in force and the places of their posts, newest first.
    pub fn recent(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let newest_first = self.done.iter().rev();
        newest_first.filter_map(|entry| Some((self.place(entry.post)?, &**entry)))
    }

    /// The decisions in force and the places of their posts, newest first: each post once, as it was decided last. Some
    /// tens of milliseconds for 150,000 decisions.
    pub fn decisions(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let mut seen = vec![false; self.dataset.posts.len()];
        let mut is_first = move |post: usize| {
            let seen = seen.get_mut(post);
            seen.is_some_and(|seen| !std::mem::replace(seen, true))
        };
        let decides = |entry: &Entry| matches!(entry.change, Change::Do(kind) if kind.decides());
        let in_force = self.recent().filter(move |(_, entry)| decides(entry));
        in_force
            .filter(|(post, _)| self.review(*post).decision.is_some())
            .filter(move |(post, _)| is_first(*post))
    }

    /// The posts with a confirmed decision (places in the dataset), in the order in which they were last decided.
    pub fn decided(&self) -> Vec<u32> {
        let newest_first = self.decisions();
        let mut posts: Vec<u32> = newest_first
            .filter_map(|(post, _)| u32::try_from(post).ok())
            .collect();
        posts.reverse();
        posts
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
        self.at_once(|session| {
            let apply = |(post, action)| session.apply_in(post, action, batch);
            actions
                .into_iter()
                .map(apply)
                .filter(|changed| *changed)
                .count()
        })
    }

    /// Makes the entries of one step, which reach the disk together or not at all.
    pub(super) fn at_once<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> T {
        self.step = Some(Vec::new());
        let outcome = step(self);
        let entries = self.step.take().unwrap_or_default();
        if let Some(store) = &mut self.store
            && !entries.is_empty()
        {
            store.append(entries);
        }
        outcome
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
        let reviewer = self.reviewer.clone();
        let after = before.after(action).decided_by(&before, reviewer.as_ref());
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
            reviewer,
        });
        true
    }

    /// Takes the last action back (also one of an earlier run of the program), and all that was done with it at once.
    /// The post it was about, to go to.
    pub fn undo(&mut self) -> Option<usize> {
        let entries = self.last_batch(&self.now.done);
        self.at_once(|session| {
            let reverse = |entry: Arc<Entry>| session.reverse(&entry, Change::Undo(entry.seq));
            entries.into_iter().filter_map(reverse).last()
        })
    }

    /// Does the last undone action again, and all that was taken back with it. The post it was about, to go to.
    pub fn redo(&mut self) -> Option<usize> {
        let entries = self.last_batch(&self.history.undone);
        self.at_once(|session| {
            let reverse = |entry: Arc<Entry>| session.reverse(&entry, Change::Redo(entry.seq));
            entries.into_iter().filter_map(reverse).last()
        })
    }

    /// The number of the last entry of the history; every action, undo and redo makes another one.
    pub fn last_seq(&self) -> u64 {
        self.history.last_seq
    }

    /// How many posts the next undo is about.
    pub fn undo_size(&self) -> usize {
        self.last_batch(&self.now.done).len()
    }

    /// How many posts the next redo is about.
    pub fn redo_size(&self) -> usize {
        self.last_batch(&self.history.undone).len()
    }

    /// Whether `undo` would do something.
    pub fn can_undo(&self) -> bool {
        self.last(&self.now.done).is_some()
    }

    /// Whether `redo` would do something.
    pub fn can_redo(&self) -> bool {
        self.last(&self.history.undone).is_some()
    }

    /// The last entry whose post is there; the dataset may have lost some. None if nothing may be changed.
    fn last<'a>(&self, entries: &'a Vector<Arc<Entry>>) -> Option<&'a Arc<Entry>> {
        self.store.as_ref()?;
        let there = |entry: &&Arc<Entry>| self.place(entry.post).is_some();
        entries.iter().rev().find(there)
    }

    /// The last entry and those made at once with it, the latest first.
    fn last_batch(&self, entries: &Vector<Arc<Entry>>) -> Vec<Arc<Entry>> {
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
        let after = match change {
            Change::Undo(_) => entry.before.clone(),
            Change::Do(_) | Change::Redo(_) => entry.after.clone(),
        };
        self.travel_to(after, entry, change)
    }

    /// Makes `after` of the post of an entry that is taken back or done again.
    pub(super) fn travel_to(
        &mut self,
        after: Review,
        entry: &Entry,
        change: Change,
    ) -> Option<usize> {
        let post = self.place(entry.post)?;
        self.enter(Entry {
            seq: self.history.last_seq + 1,
            post: entry.post,
            change,
            before: self.review(post).clone(),
            after,
            at_ms: now_ms(),
            batch: None,
            reviewer: self.reviewer.clone(),
        });
        Some(post)
    }

    /// Takes a new entry in and sends it to the disk.
    fn enter(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        match (&mut self.step, &mut self.store) {
            (Some(step), _) => step.push(Arc::clone(&entry)),
            (None, Some(store)) => store.append(vec![Arc::clone(&entry)]),
            (None, None) => {}
        }
        self.replay(&entry);
    }

    /// Takes an entry in, as it is made or as it is read.
    pub(super) fn replay(&mut self, entry: &Arc<Entry>) {
        self.history.record(&mut self.now.done, entry);
        if let Some(place) = self.place(entry.post) {
            self.change(place, |session| {
                if let Some(review) = session.now.reviews.get_mut(place) {
                    review.clone_from(&entry.after);
                }
            });
            self.note_entry(place, entry);
            self.now.note_gold(place, entry);
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
