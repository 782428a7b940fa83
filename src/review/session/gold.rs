//! Gold posts in a session.

use super::{Session, Snapshot};
use crate::review::{
    decision::{Action, ActionKind, Change, Entry, Review},
    gold::{Gold, KeptGold},
};

impl Session {
    /// Mixes gold posts into the queue, in place of those there were. Posts that this reviewer had decided are open again
    /// until they are decided once more; one undo takes that back.
    pub fn take_gold(&mut self, mut gold: KeptGold) {
        self.drop_gold();
        if gold.note.is_own {
            let posts: Vec<usize> = gold
                .posts
                .iter()
                .filter_map(|g| self.place(g.post))
                .collect();
            self.apply_all(posts.into_iter().map(|post| (post, Action::Clear)));
        }
        gold.note.since_seq = self.history.last_seq();
        if let Some(store) = &mut self.store {
            store.keep_gold(Some(gold.clone()));
        }
        self.now.gold = Some(Gold::new(gold, &self.now));
        self.gold_changed();
    }

    /// Takes the gold posts out of the queue. What was decided about them stays; posts that this reviewer had decided
    /// before and not again are as they were.
    pub fn remove_gold(&mut self) {
        self.drop_gold();
        if let Some(store) = &mut self.store {
            store.keep_gold(None);
        }
        self.gold_changed();
    }

    /// Grows when other posts are mixed in, or none.
    pub fn gold_revision(&self) -> u64 {
        self.gold_revision
    }

    fn gold_changed(&mut self) {
        self.revision += 1;
        self.gold_revision += 1;
    }

    fn drop_gold(&mut self) {
        let Some(gold) = self.now.gold.take() else {
            return;
        };
        if !gold.kept.note.is_own {
            return;
        }
        let since = gold.kept.note.since_seq;
        // Those that were not decided since the clearing that made them open.
        let is_open = |session: &Self, post: usize| {
            let review = session.review(post);
            gold.holds(post) && review.decision.is_none() && review.outcome.is_none()
        };
        let cleared = |(post, entry): (usize, &Entry)| {
            let is_clearing = entry.change == Change::Do(ActionKind::Clear) && entry.seq <= since;
            (is_clearing && is_open(self, post)).then(|| (post, entry.clone()))
        };
        let cleared: Vec<(usize, Entry)> = self.recent().filter_map(cleared).collect();
        self.at_once(|session| {
            for (post, entry) in cleared {
                if is_open(session, post) {
                    // A flag or a note made since stays.
                    let now = session.review(post);
                    let after = Review {
                        flagged: now.flagged,
                        note: now.note.clone(),
                        ..entry.before.clone()
                    };
                    session.travel_to(after, &entry, Change::Undo(entry.seq));
                }
            }
        });
    }
}

impl Snapshot {
    /// The gold posts, if some are mixed in.
    pub fn gold(&self) -> Option<&Gold> {
        self.gold.as_ref()
    }

    /// Takes note of what an entry answers to a gold post.
    pub(super) fn note_gold(&mut self, post: usize, entry: &Entry) {
        if let Some(gold) = &mut self.gold
            && entry.seq > gold.kept.note.since_seq
            && matches!(entry.change, Change::Do(kind) if kind.decides())
            && let Some(labels) = entry.after.decision
        {
            gold.answer(post, labels, entry.reviewer.as_ref());
        }
    }
}
