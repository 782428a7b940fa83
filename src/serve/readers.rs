//! The threads that read requests: as many as were asked for, beside those that a client holds up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{ServeError, http::Front};

/// More clients than this that do not go on sending are an attack or a broken network.
const MOST_HELD_UP: usize = 512;

/// Since when readers wait for their clients.
#[derive(Default)]
pub(super) struct Waits(Mutex<Vec<Instant>>);

impl Waits {
    /// Does something that takes as long as a client wants.
    pub fn during<T>(&self, wait: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        self.change(|waits| waits.push(since));
        let result = wait();
        self.change(|waits| {
            let place = waits.iter().position(|wait| *wait == since);
            place.map(|place| waits.swap_remove(place));
        });
        result
    }

    /// How many have waited for at least this long.
    fn longer_than(&self, patience: Duration) -> usize {
        self.change(|waits| waits.iter().filter(|w| w.elapsed() >= patience).count())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Instant>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The threads.
pub(super) struct Readers {
    front: Arc<Front>,
    started: usize,
    /// How many are to have nothing but work.
    n: usize,
}

impl Readers {
    pub fn start(front: Front, n: usize) -> Result<Self, ServeError> {
        let mut readers = Self {
            front: Arc::new(front),
            started: 0,
            n,
        };
        readers.grow_to(n)?;
        Ok(readers)
    }

    /// Gives each reader whose client keeps it waiting two deputies, so that such clients hold up nobody else: the next ones of their
    /// kind may be many.
    pub fn replace_held_up(&mut self, patience: Duration) -> Result<(), ServeError> {
        let held_up = self.front.waits.longer_than(patience);
        if held_up > MOST_HELD_UP {
            return Err(ServeError::HeldUp(held_up));
        }
        self.grow_to(self.n + 2 * held_up)
    }

    fn grow_to(&mut self, n: usize) -> Result<(), ServeError> {
        while self.started < n {
            let front = Arc::clone(&self.front);
            let name = format!("overrule-http-{}", self.started + 1);
            // It ends when it is told to; nobody waits for one that a client holds up.
            thread::Builder::new()
                .name(name)
                .spawn(move || front.serve())?;
            self.started += 1;
        }
        Ok(())
    }

    /// Tells all to end after what they are at; the inference ends with the last of them.
    pub fn end(self) {
        for _ in 0..self.started {
            self.front.server.unblock();
        }
    }
}
