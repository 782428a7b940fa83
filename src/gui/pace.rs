//! How often costly work may be done again.

use std::time::{Duration, Instant};

/// How long nothing is typed before what was typed is looked for, in seconds.
pub const TYPING_PAUSE_SECS: f64 = 0.15;

/// The same work is done at most this often.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Keeps repeated work to a twentieth of the time.
#[derive(Default)]
pub struct Pace {
    last: Option<Instant>,
    took: Duration,
}

impl Pace {
    /// How long to wait until the work may be done again.
    pub fn wait(&self) -> Duration {
        let pause = SHORTEST_PAUSE.max(20 * self.took);
        self.last
            .map_or(Duration::ZERO, |last| pause.saturating_sub(last.elapsed()))
    }

    /// Does the work now.
    pub fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = work();
        self.done(begin.elapsed());
        result
    }

    /// The work was done just now, on another thread, in this time.
    pub fn done(&mut self, took: Duration) {
        self.took = took;
        self.last = Some(Instant::now());
    }
}
