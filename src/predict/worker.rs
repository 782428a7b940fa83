//! The inference thread: it alone owns the model; the window and the command line talk to it.

use std::{path::PathBuf, sync::Arc};

use crossbeam_channel::Receiver;

use super::prediction::Prediction;
use crate::{
    dataset::Dataset,
    model::{ModelInfo, ModelSpec, PromptStyle},
    post::LabelNames,
};

/// Numbers the jobs; an event of an older generation is stale.
pub type Generation = u64;

/// How to predict.
#[derive(Clone, PartialEq, Debug)]
pub struct PredictOptions {
    /// Which prompt.
    pub prompt: PromptStyle,
    /// The labels in the prompt, in class order.
    pub labels: LabelNames,
    /// The longest answer, in tokens.
    pub max_new_tokens: usize,
    /// How many posts run together.
    pub batch_size: usize,
}

/// Posts to predict.
#[derive(Clone)]
pub struct Job {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The posts (places in the dataset), in the order wanted.
    pub posts: Vec<usize>,
    /// How.
    pub options: PredictOptions,
}

/// How a job stands.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Progress {
    /// Posts answered, failed ones included.
    pub done: usize,
    /// Posts that could not be answered.
    pub failed: usize,
    /// Posts in the job.
    pub total: usize,
    /// Posts a second, over the last stretch.
    pub per_sec: f64,
    /// Seconds left at that rate, once it is known.
    pub remaining_secs: Option<f64>,
    /// Whether the job waits for `resume`.
    pub paused: bool,
}

/// What the thread reports.
#[derive(Clone, Debug)]
pub enum Event {
    /// Loading goes on.
    Loading {
        /// The load this belongs to.
        generation: Generation,
        /// What is being done.
        step: String,
        /// From 0 to 1.
        fraction: f32,
    },
    /// The model is ready.
    Loaded {
        /// The load this belongs to.
        generation: Generation,
        /// What it is.
        info: ModelInfo,
    },
    /// The model could not be loaded; there is none now.
    LoadFailed {
        /// The load this belongs to.
        generation: Generation,
        /// What happened and what to do.
        message: String,
    },
    /// A post was answered, or failed (`prediction.error`).
    Predicted {
        /// The job this belongs to.
        generation: Generation,
        /// The post's place in the dataset.
        post: usize,
        /// What the model said.
        prediction: Box<Prediction>,
    },
    /// The job's progress changed.
    Progress {
        /// The job this belongs to.
        generation: Generation,
        /// How it stands.
        progress: Progress,
    },
    /// The job ended.
    Finished {
        /// The job this belongs to.
        generation: Generation,
        /// Whether it was cancelled before its end.
        cancelled: bool,
    },
}

/// A handle to the inference thread. Dropping it cancels the work and ends the thread.
pub struct Worker {
    events: Receiver<Event>,
}

impl Worker {
    /// Starts the thread. `wake` is called after every event, from that thread.
    pub fn spawn(wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let _ = wake;
        todo!()
    }

    /// Drops the present model, cancels its job, and loads another. Returns at once.
    pub fn load(&self, spec: ModelSpec) -> Generation {
        let _ = spec;
        todo!()
    }

    /// Drops the model and cancels its job.
    pub fn unload(&self) {
        todo!()
    }

    /// Starts a job in place of the present one; it waits for a load in progress.
    pub fn predict(&self, job: Job) -> Generation {
        let _ = job;
        todo!()
    }

    /// The post on screen and the ones that will be shown next, best first: these are answered before the others.
    pub fn focus(&self, posts: &[usize]) {
        let _ = posts;
        todo!()
    }

    /// Stops after the present batch until `resume`.
    pub fn pause(&self) {
        todo!()
    }

    /// Goes on.
    pub fn resume(&self) {
        todo!()
    }

    /// Ends the present job.
    pub fn cancel(&self) {
        todo!()
    }

    /// What the thread reports, oldest first.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

/// Where an image of a post is, for a worker's log and messages.
pub(crate) fn _image_of(dataset: &Dataset, post: usize) -> Option<PathBuf> {
    dataset.posts.get(post).and_then(|p| dataset.image_file(p))
}
