//! How many posts the model is asked about at once.

use std::time::Duration;

/// Never more than these: what waits for a whole batch would wait too long.
const MOST: usize = 64;

/// A larger batch must answer so many times as many posts a second to be worth its memory.
const WORTH_IT: f64 = 1.1;

/// The size of the next batch: one that was asked for, or one found by doubling it as long as that pays. Both become
/// smaller for good when memory runs out.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchSize {
    now: usize,
    /// Posts a second of the batches so far, while the size is being looked for.
    best_rate: Option<f64>,
    fits: Option<usize>,
}

impl BatchSize {
    /// As many as somebody asked for.
    pub fn fixed(posts: usize) -> Self {
        Self {
            now: posts.max(1),
            best_rate: None,
            fits: None,
        }
    }

    /// To be found out, beginning with one.
    pub fn unknown() -> Self {
        Self {
            now: 1,
            best_rate: Some(0.0),
            fits: None,
        }
    }

    /// The size of the next batch.
    pub fn now(&self) -> usize {
        self.now
    }

    /// How many fit into the memory, once some did not.
    pub fn fits(&self) -> Option<usize> {
        self.fits
    }

    /// Learns from a batch that was answered.
    pub fn took(&mut self, posts: usize, time: Duration) {
        let Some(best_rate) = self.best_rate.filter(|_| posts == self.now) else {
            return;
        };
        let rate = posts as f64 / time.as_secs_f64().max(1e-9);
        if rate < best_rate * WORTH_IT {
            // The one before was as fast.
            self.now = (self.now / 2).max(1);
            self.best_rate = None;
        } else {
            self.now = (2 * self.now).min(MOST);
            self.best_rate = Some(rate).filter(|_| posts < MOST);
        }
    }

    /// Learns that the memory was not enough for so many.
    pub fn did_not_fit(&mut self, posts: usize) {
        self.now = posts.div_ceil(2);
        self.fits = Some(self.now);
        self.best_rate = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of a machine that needs `secs(posts)` for so many, and has memory for `room`.
    fn sizes(secs: impl Fn(usize) -> f64, room: usize) -> Vec<usize> {
        let mut size = BatchSize::unknown();
        (0..9)
            .map(|_| {
                let posts = size.now();
                if posts > room {
                    size.did_not_fit(posts);
                } else {
                    size.took(posts, Duration::from_secs_f64(secs(posts)));
                }
                posts
            })
            .collect()
    }

    #[test]
    fn a_batch_grows_while_that_pays() {
        let alike = |_: usize| 1.0;
        assert_eq!(sizes(alike, 1000), [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        let by_post = |posts: usize| posts as f64;
        assert_eq!(sizes(by_post, 1000), [1, 2, 1, 1, 1, 1, 1, 1, 1]);
        let eight_at_once = |posts: usize| posts.div_ceil(8) as f64;
        assert_eq!(sizes(eight_at_once, 1000), [1, 2, 4, 8, 16, 8, 8, 8, 8]);
        assert_eq!(sizes(alike, 6), [1, 2, 4, 8, 4, 4, 4, 4, 4]);
    }

    #[test]
    fn the_last_batch_of_a_job_teaches_nothing() {
        let mut size = BatchSize::unknown();
        size.took(1, Duration::from_secs(1));
        size.took(1, Duration::from_secs(1));
        assert_eq!(size.now(), 2);
    }

    #[test]
    fn a_size_asked_for_is_kept_as_long_as_it_fits() {
        let mut size = BatchSize::fixed(6);
        size.took(6, Duration::from_secs(9));
        assert_eq!((size.now(), size.fits()), (6, None));
        size.did_not_fit(6);
        size.took(3, Duration::from_secs(1));
        assert_eq!((size.now(), size.fits()), (3, Some(3)));
    }
}
