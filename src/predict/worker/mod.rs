//! The inference thread: it alone owns the model; the window and the command line talk to it.
//!
//! What is wanted (a model, a job, a focus) lies in one place behind a lock, where a newer wish replaces an older
//! one: a handle never waits, and nothing piles up. What happened comes back over a bounded channel.

mod batch_size;
mod control;
mod inference;
mod outage;
mod prefetch;
mod probing;
mod progress;
mod schedule;

use std::{sync::Arc, thread, time::Duration};

use crossbeam_channel::{Receiver, Sender};

use self::{
    control::Shared,
    inference::{Inference, Reporter},
};
use super::{answering::AnswerOptions, prediction::Prediction, probe::Probe};
use crate::{
    dataset::Dataset,
    model::{self, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelSpec, PromptStyle},
};

pub use self::{outage::Outage, probing::Probing};

/// How many events may wait to be read before the thread waits for its reader.
const EVENTS: usize = 1024;

/// How long closing waits for the present step; a longer one ends on its own, without a reader.
const FAREWELL: Duration = Duration::from_millis(250);

/// Numbers loads and jobs; an event of an older generation is stale.
pub type Generation = u64;

/// How to predict.
#[derive(Clone, PartialEq, Debug)]
pub struct PredictOptions {
    /// Which prompt.
    pub prompt: PromptStyle,
    /// The labels in the prompt, and how answers are found.
    pub answers: AnswerOptions,
    /// How many posts run together. `None`: one on the CPU; on a GPU or another machine as many as pays, which is found out on
    /// the way.
    pub batch_size: Option<usize>,
}

/// Posts to predict.
#[derive(Clone)]
pub struct Job {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The posts (places in the dataset), in the order wanted. One named twice is answered once.
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
    /// Posts whose answer took one pass: the drafts held all of it, or the model is a classifier. `None` where nobody tells,
    /// as of a model on another machine.
    pub in_one_pass: Option<usize>,
    /// Seconds that the model waited for images and prompts to be made ready.
    pub waited_secs: f64,
    /// Posts in the job.
    pub total: usize,
    /// How many posts are answered at once since a larger batch did not fit into the memory.
    pub most_at_once: Option<usize>,
    /// Posts a second, over the last stretch; 0 until it is known.
    pub per_sec: f64,
    /// Seconds left at that rate, once it is known.
    pub remaining_secs: Option<f64>,
    /// Whether the job waits for `resume`.
    pub paused: bool,
}

impl Progress {
    /// The share of answers that took one pass, from 0 to 1; `None` until there is an answer.
    pub fn one_pass_share(&self) -> Option<f64> {
        let answered = self.done.checked_sub(self.failed).filter(|n| *n > 0)?;
        Some(self.in_one_pass? as f64 / answered as f64)
    }
}

/// What the thread reports.
///
/// A load ends in one `Loaded` or `LoadFailed`, unless a newer one replaces it; a job ends in one `Finished`, always.
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
    /// The memory of the GPU was not enough for a single post: the job goes on with the same model on the CPU.
    Moved {
        /// The load this belongs to.
        generation: Generation,
        /// What it is now.
        info: ModelInfo,
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
    /// The job's progress changed. Told at most ten times a second, and at the end.
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
        /// How.
        end: JobEnd,
    },
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobEnd {
    /// With its last post.
    Done,
    /// Before: cancelled, replaced, or without a model to run on.
    Cancelled,
    /// Before: the model is on another machine, which answers nobody any more.
    Outage(Outage),
}

/// A handle to the inference thread. Dropping it cancels the work and ends the thread.
pub struct Worker {
    shared: Arc<Shared>,
    wake: Arc<dyn Fn() + Send + Sync>,
    events: Receiver<Event>,
    /// Closed by dropping it: the thread then stops waiting for the reader of its events.
    stop: Option<Sender<()>>,
    /// Closed by the inference thread when it ends.
    ended: Receiver<()>,
}

impl Worker {
    /// Starts the thread. `wake` is called after every event, from that thread.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn spawn(wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        Self::spawn_with(model::load, wake)
    }

    /// Starts the thread with another way to load a model, such as a toy for tests.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn spawn_with<L, W>(loader: L, wake: W) -> std::io::Result<Self>
    where
        L: Fn(&ModelSpec, &mut dyn FnMut(LoadProgress) -> bool) -> Result<LoadedModel, ModelError>
            + Send
            + 'static,
        W: Fn() + Send + Sync + 'static,
    {
        let (sender, events) = crossbeam_channel::bounded(EVENTS);
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (alive, ended) = crossbeam_channel::bounded(0);
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        // From here on an early return drops this handle, which ends the threads begun so far.
        let worker = Self {
            shared: Arc::new(Shared::default()),
            wake: Arc::clone(&wake),
            events,
            stop: Some(stop),
            ended,
        };
        for number in 1..=prefetch::threads() {
            let shared = Arc::clone(&worker.shared);
            thread::Builder::new()
                .name(format!("overrule-images-{number}"))
                .spawn(move || prefetch::run(&shared))?;
        }
        let reporter = Reporter::new(sender, stopped, wake);
        let inference = Inference::new(Arc::clone(&worker.shared), reporter, loader);
        thread::Builder::new()
            .name("overrule-inference".to_owned())
            .spawn(move || {
                inference.run();
                drop(alive);
            })?;
        Ok(worker)
    }

    /// Drops the present model, cancels its job, and loads another. Returns at once.
    pub fn load(&self, spec: ModelSpec) -> Generation {
        self.shared.want_model(Some(spec))
    }

    /// Drops the model and cancels its job.
    pub fn unload(&self) {
        self.shared.want_model(None);
    }

    /// Starts a job in place of the present one; it waits for a load in progress. It starts unpaused.
    pub fn predict(&self, job: Job) -> Generation {
        self.shared.want_job(job)
    }

    /// The post on screen and the ones that will be shown next, best first: these are answered before the others.
    /// It holds for later jobs, too.
    pub fn focus(&self, posts: &[usize]) {
        self.shared.set_focus(posts);
    }

    /// Makes other forms of a post, and asks the model about them before the next batch of a job. It belongs to the model
    /// that is loaded now: another one ends it. The base is loaded beside the model when it is asked, and put away again.
    pub fn probe(&self, probe: Probe) -> Probing {
        let (probing, tasks) = Probing::begin(probe, &self.wake);
        self.shared.want_probe(tasks);
        probing
    }

    /// Stops after the present batch until `resume`.
    pub fn pause(&self) {
        self.shared.set_paused(true);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.shared.set_paused(false);
    }

    /// Ends the present job, also in the middle of an answer.
    pub fn cancel(&self) {
        self.shared.cancel_job();
    }

    /// What the thread reports, oldest first.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.close();
        self.stop = None;
        // One forward pass on a CPU can take many seconds and cannot be interrupted. It holds nothing
        // that must be closed, so a window that closes does not wait for it.
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}
