//! How the writing to disk stands.

use std::time::{Duration, Instant};

use crossbeam_channel::TryRecvError;

use super::Session;
/// How long one [`Session::poll`] may take what the store's threads have read.
const POLL_BUDGET: Duration = Duration::from_millis(4);

/// How much is not on disk yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unsaved {
    /// What the reviewer did: decisions, edits, flags, notes, undoing.
    pub actions: usize,
    /// What the model said.
    pub predictions: usize,
}

impl Unsaved {
    /// Everything is on disk.
    pub const NOTHING: Self = Self {
        actions: 0,
        predictions: 0,
    };
}

/// How the writing to disk stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaveState {
    /// Everything shown is on disk.
    Saved,
    /// Some are on their way to the disk.
    Saving(Unsaved),
    /// Writing failed; everything is kept in memory and tried again on request.
    Failed {
        /// What is not on disk.
        unsaved: Unsaved,
        /// What happened and what to do.
        message: String,
    },
}

impl Session {
    /// Takes what the store's threads report. Never blocks.
    pub fn poll(&mut self) -> SaveState {
        let began = Instant::now();
        self.take_loaded(began);
        self.take_runs(|| began.elapsed() >= POLL_BUDGET);
        if let Some(store) = &mut self.store {
            store.push();
        }
        self.save_state()
    }

    /// How the writing stood at the last [`poll`](Self::poll).
    pub fn save_state(&self) -> SaveState {
        let Some(store) = &self.store else {
            return SaveState::Saved;
        };
        // Asked in this order, a commit in between reads as saved and not as failed.
        let failure = store.failure();
        match (failure, store.unsaved()) {
            (Some(message), unsaved) => SaveState::Failed { unsaved, message },
            (None, Unsaved::NOTHING) => SaveState::Saved,
            (None, unsaved) => SaveState::Saving(unsaved),
        }
    }

    /// The number of the last entry of the history that is on disk; [`Snapshot::recent`](super::Snapshot::recent) names the numbers.
    pub fn saved_seq(&self) -> u64 {
        self.store.as_ref().map_or(0, |store| store.saved_seq())
    }

    /// Tries again to write what could not be written.
    pub fn retry_save(&mut self) {
        if let Some(store) = &mut self.store {
            store.retry();
        }
    }

    /// Writes what is left and closes the file. Blocks until that is done; dropping a session does the same without
    /// telling how it went.
    pub fn close(mut self) -> SaveState {
        if let Some(store) = &mut self.store {
            store.close();
        }
        self.save_state()
    }

    fn take_loaded(&mut self, began: Instant) {
        while let Some(loading) = &self.loading
            && began.elapsed() < POLL_BUDGET
        {
            match loading.try_recv() {
                Ok(Ok(chunk)) => self.take_predictions(chunk),
                Ok(Err(error)) => self.tell_unread("Earlier predictions", &error),
                Err(TryRecvError::Disconnected) => {
                    self.loading = None;
                    self.revision += 1;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }
}
