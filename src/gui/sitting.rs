//! How many posts a reviewer has seen in one sitting, and when a break would be due.

use std::collections::HashSet;

use crate::post::PostId;

/// So long without a key or a click counts as a break, in seconds.
const BREAK_SECS: f64 = 5.0 * 60.0;

/// What a reviewer has seen since the window was opened. Times are egui's, in seconds.
#[derive(Default)]
pub struct Sitting {
    seen: HashSet<PostId>,
    /// The stretch of work without a break.
    stretch: Option<Stretch>,
}

struct Stretch {
    began: f64,
    /// What was seen in it.
    seen: HashSet<PostId>,
    last_active: f64,
    /// When a break was proposed last, or the stretch began.
    reminded: f64,
}

impl Sitting {
    /// The reviewer looks at a post and does something.
    pub fn look_at(&mut self, post: PostId, now: f64) {
        self.seen.insert(post);
        match &mut self.stretch {
            Some(stretch) if now - stretch.last_active < BREAK_SECS => {
                stretch.last_active = now;
                stretch.seen.insert(post);
            }
            stretch => {
                *stretch = Some(Stretch {
                    began: now,
                    seen: HashSet::from([post]),
                    last_active: now,
                    reminded: now,
                });
            }
        }
    }

    /// How many posts were seen, of all datasets, each counted once.
    pub fn n_seen(&self) -> usize {
        self.seen.len()
    }

    /// How many of them were seen since the last break.
    pub fn n_seen_since_break(&self) -> usize {
        self.stretch
            .as_ref()
            .map_or(0, |stretch| stretch.seen.len())
    }

    /// How long the reviewer has worked without a break, in seconds.
    pub fn lasted_secs(&self, now: f64) -> f64 {
        self.stretch
            .as_ref()
            .map_or(0.0, |stretch| now - stretch.began)
    }

    /// Whether to propose a break now: after every so many minutes of work; never with 0. Asking takes it.
    pub fn take_reminder(&mut self, now: f64, every_minutes: u32) -> bool {
        let Some(stretch) = &mut self.stretch else {
            return false;
        };
        // Who is away has a break already.
        let works = now - stretch.last_active < BREAK_SECS;
        let due = every_minutes > 0 && now - stretch.reminded >= 60.0 * f64::from(every_minutes);
        let due = due && works;
        if due {
            stretch.reminded = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_is_proposed_after_work_and_not_after_a_break() {
        let mut sitting = Sitting::default();
        let post = |number: u32| PostId::new(&format!("post {number}"), "", 0);
        assert!(!sitting.take_reminder(1e6, 60));
        let work = |sitting: &mut Sitting, minutes: std::ops::Range<u32>| {
            let mut reminders = Vec::new();
            for minute in minutes {
                let now = f64::from(minute) * 60.0;
                sitting.look_at(post(minute % 7), now);
                if sitting.take_reminder(now, 30) {
                    reminders.push(minute);
                }
            }
            reminders
        };
        assert_eq!(work(&mut sitting, 0..70), [30, 60]);
        // Ten minutes away begin a new stretch.
        assert!(work(&mut sitting, 80..84).is_empty());
        assert_eq!((sitting.n_seen_since_break(), sitting.n_seen()), (4, 7));
        assert_eq!(work(&mut sitting, 84..120), [110]);
        assert_eq!(sitting.n_seen(), 7);
        assert_eq!(sitting.lasted_secs(119.0 * 60.0), 39.0 * 60.0);
        assert!(!sitting.take_reminder(122.0 * 60.0, 0));
        assert!(sitting.take_reminder(122.0 * 60.0, 10));
        // A window that a run keeps awake proposes nothing to an empty chair.
        assert!(!sitting.take_reminder(160.0 * 60.0, 10));
    }
}
