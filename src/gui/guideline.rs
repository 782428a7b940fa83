//! The guideline of the open dataset, read off the frame.

use std::path::PathBuf;

use super::errand::Errand;
use crate::review::policy::Policy;

/// The guideline, once it is read.
#[derive(Default)]
pub struct Guideline {
    policy: Option<Policy>,
    reading: Option<Errand<Option<Policy>>>,
}

impl Guideline {
    /// Starts to look for the one beside a dataset. `wake` is called when it is known.
    pub fn look(dataset: PathBuf, wake: impl Fn() + Send + 'static) -> Self {
        let work = move || Policy::beside(&dataset);
        Self {
            policy: None,
            reading: Some(Errand::start("overrule-guideline", wake, work)),
        }
    }

    /// Takes what was read. Where it could not be read there is no guideline, and everything else goes on.
    pub fn receive(&mut self) {
        if let Some(read) = Errand::take(&mut self.reading) {
            self.policy = read.unwrap_or_default();
        }
    }

    /// The guideline, if there is one.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }
}
