//! The guideline of the open dataset, read off the frame.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, bounded};

use crate::review::policy::Policy;

/// The guideline, once it is read.
#[derive(Default)]
pub struct Guideline {
    policy: Option<Policy>,
    reading: Option<Receiver<Option<Policy>>>,
}

impl Guideline {
    /// Starts to look for the one beside a dataset. `wake` is called when it is known.
    pub fn look(dataset: PathBuf, wake: impl Fn() + Send + 'static) -> Self {
        let (sender, reading) = bounded(1);
        let task = move || {
            // Nobody listens if another dataset was opened meanwhile.
            drop(sender.send(Policy::beside(&dataset)));
            wake();
        };
        // Without a thread there is no guideline, and everything else goes on.
        let started = std::thread::Builder::new()
            .name("overrule-guideline".to_owned())
            .spawn(task);
        Self {
            policy: None,
            reading: started.is_ok().then_some(reading),
        }
    }

    /// Takes what was read.
    pub fn receive(&mut self) {
        if let Some(policy) = self.reading.as_ref().and_then(|r| r.try_recv().ok()) {
            self.policy = policy;
            self.reading = None;
        }
    }

    /// The guideline, if there is one.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }
}
