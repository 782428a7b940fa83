//! What the inference thread does: load, run batches, report.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender, select_biased};

use super::{
    Event, Generation,
    control::{Context, Shared, Step, Task},
    probing,
    progress::Meter,
    schedule::{Next, Runnable},
};
use crate::{
    causes::with_causes,
    model::{LoadProgress, LoadedModel, ModelError, ModelSpec},
    predict::{
        answering::{Answered, Answering},
        prediction::{Prediction, Seconds},
    },
};

/// Sends events and wakes their reader.
pub(super) struct Reporter {
    events: Sender<Event>,
    /// Disconnected when the handle is dropped, also if someone kept a clone of the receiver.
    stopped: Receiver<()>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Reporter {
    pub fn new(
        events: Sender<Event>,
        stopped: Receiver<()>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            events,
            stopped,
            wake,
        }
    }

    /// Waits for room, but never for a reader that is gone.
    fn send(&self, event: Event) {
        let sent = select_biased! {
            send(self.events, event) -> sent => sent.is_ok(),
            recv(self.stopped) -> _ => false,
        };
        if sent {
            (self.wake)();
        }
    }
}

/// The inference thread.
pub(super) struct Inference<L> {
    shared: Arc<Shared>,
    reporter: Reporter,
    loader: L,
    model: Option<LoadedModel>,
}

impl<L> Inference<L>
where
    L: Fn(&ModelSpec, &mut dyn FnMut(LoadProgress) -> bool) -> Result<LoadedModel, ModelError>,
{
    pub fn new(shared: Arc<Shared>, reporter: Reporter, loader: L) -> Self {
        Self {
            shared,
            reporter,
            loader,
            model: None,
        }
    }

    /// Works until the handle is dropped.
    pub fn run(mut self) {
        loop {
            match self.shared.next_task() {
                Task::Load(generation, spec) => self.load(generation, &spec),
                Task::Unload => self.model = None,
                Task::Run(generation, context) => self.run_job(generation, &context),
                Task::Ended(generation) => self.reporter.send(Event::Finished {
                    generation,
                    cancelled: true,
                }),
                Task::Probe(prepared) => self.answer_probe(prepared),
                Task::Close => return,
            }
        }
    }

    fn load(&mut self, generation: Generation, spec: &ModelSpec) {
        // First make room for the new one.
        self.model = None;
        let mut progress = |progress: LoadProgress| {
            let wanted = self.shared.wants_model(generation);
            if wanted {
                self.reporter.send(Event::Loading {
                    generation,
                    step: progress.step,
                    fraction: progress.fraction,
                });
            }
            wanted
        };
        let loading = AssertUnwindSafe(|| (self.loader)(spec, &mut progress));
        let loaded = match panic::catch_unwind(loading) {
            Ok(result) => result.map_err(|error| with_causes(&error)),
            Err(fault) => Err(format!(
                "loading “{}” failed unexpectedly: {}",
                spec.model,
                panic_message(&*fault)
            )),
        };
        match loaded {
            Ok(model) => {
                let info = model.info.clone();
                let processor = Arc::clone(&model.processor);
                self.model = Some(model);
                if self.shared.model_is_ready(generation, processor) {
                    self.reporter.send(Event::Loaded { generation, info });
                }
            }
            Err(message) if self.shared.wants_model(generation) => {
                self.reporter.send(Event::LoadFailed {
                    generation,
                    message,
                });
            }
            // A newer wish interrupted it.
            Err(_) => {}
        }
    }

    /// Answers one form of a post while no job runs.
    fn answer_probe(&mut self, prepared: probing::Prepared) {
        if let Some(model) = &mut self.model {
            let options = prepared.probe().answers.clone();
            prepared.answer(&mut Answering::new(model, &options));
        }
    }

    fn run_job(&mut self, generation: Generation, context: &Context) {
        let Some(model) = &mut self.model else {
            // `next_task` gives a job only with a model.
            return self.shared.cancel_job();
        };
        let answering = Answering::new(model, &context.options.answers);
        let mut run = Run {
            shared: &self.shared,
            reporter: &self.reporter,
            answering,
            generation,
            meter: Meter::new(context.total, Instant::now()),
            most_at_once: None,
        };
        run.report_progress(false);
        loop {
            let asked = Instant::now();
            let step = self.shared.next_step(generation);
            run.meter.waited(asked.elapsed());
            match step {
                Step::Stale => return,
                Step::Paused => run.pause(),
                Step::Probe(prepared) => prepared.answer(&mut run.answering),
                Step::Next(Next::NotYet) => {}
                Step::Next(Next::Batch(batch)) => run.answer(&batch),
                Step::Next(Next::Failed {
                    post,
                    message,
                    image_secs,
                }) => {
                    run.tell_failed(post, message, image_secs);
                    run.mark();
                }
                Step::Next(Next::Done) => {
                    run.report_progress(false);
                    return self.reporter.send(Event::Finished {
                        generation,
                        cancelled: false,
                    });
                }
            }
        }
    }
}

/// Whether a device had not enough memory, as the drivers of GPUs put it.
fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase().replace('_', " ");
    message.contains("out of memory") || message.contains("alloc failed")
}

/// One job on the present model.
struct Run<'a> {
    shared: &'a Shared,
    reporter: &'a Reporter,
    answering: Answering<'a>,
    generation: Generation,
    meter: Meter,
    /// How many posts fit into the memory, once a batch did not.
    most_at_once: Option<usize>,
}

impl Run<'_> {
    /// Runs batches of posts, as many at once as the memory has been seen to take.
    fn answer(&mut self, posts: &[Runnable]) {
        let mut rest = posts;
        while !rest.is_empty() {
            let most = self.most_at_once.unwrap_or(usize::MAX);
            let (batch, later) = rest.split_at(rest.len().min(most));
            self.answer_batch(batch);
            rest = later;
        }
    }

    /// Runs a batch and tells what came of each post. If the batch fails as a whole, its halves get their chance, down to
    /// each post alone.
    fn answer_batch(&mut self, batch: &[Runnable]) {
        match self.run_batch(batch) {
            Ok(answers) => {
                for (runnable, answer) in batch.iter().zip(answers) {
                    self.tell_answer(runnable, answer);
                }
            }
            // Nothing more is wanted of this job.
            Err(_) if !self.shared.wants_job(self.generation) => return,
            Err(message) => match batch {
                [runnable] => {
                    self.tell_failed(runnable.post, message, runnable.image_secs);
                }
                _ => {
                    let half = batch.len().div_ceil(2);
                    if is_out_of_memory(&message) {
                        self.most_at_once = Some(half);
                        self.meter.limit_to(half);
                    }
                    return batch.chunks(half).for_each(|part| self.answer(part));
                }
            },
        }
        self.mark();
    }

    /// The answers of a batch, one a post, unless it was interrupted or failed as a whole.
    fn run_batch(
        &mut self,
        batch: &[Runnable],
    ) -> Result<Vec<Result<Answered, ModelError>>, String> {
        let inputs: Vec<_> = batch.iter().map(|runnable| &runnable.input).collect();
        let answering = &mut self.answering;
        let cancelled = || !self.shared.wants_job(self.generation);
        // A prefill forgets whatever a panic may have left half done in the network.
        let running = AssertUnwindSafe(|| answering.answer(&inputs, &cancelled));
        let answers = panic::catch_unwind(running)
            .map_err(|fault| format!("the model failed unexpectedly: {}", panic_message(&*fault)))?
            .map_err(|error| with_causes(&error))?;
        if cancelled() {
            return Err("cancelled".to_owned());
        }
        if answers.len() != batch.len() {
            return Err(format!(
                "the model gave {} answers to {} posts",
                answers.len(),
                batch.len()
            ));
        }
        Ok(answers)
    }

    fn tell_answer(&mut self, runnable: &Runnable, answer: Result<Answered, ModelError>) {
        match answer {
            Ok(mut answered) => {
                answered.prediction.seconds.image = runnable.image_secs;
                self.meter.count_in_one_pass(answered.in_one_pass);
                self.tell(runnable.post, answered.prediction);
            }
            Err(error) => {
                self.tell_failed(runnable.post, with_causes(&error), runnable.image_secs);
            }
        }
    }

    fn tell_failed(&mut self, post: usize, message: String, image_secs: f64) {
        let seconds = Seconds {
            image: image_secs,
            ..Seconds::default()
        };
        self.tell(post, Prediction::failed(message, seconds));
    }

    fn tell(&mut self, post: usize, prediction: Prediction) {
        self.meter.count(prediction.error.is_some());
        self.reporter.send(Event::Predicted {
            generation: self.generation,
            post,
            prediction: Box::new(prediction),
        });
    }

    /// Notes that posts were answered, and says so if it was not said just now.
    fn mark(&mut self) {
        let now = Instant::now();
        self.meter.mark(now);
        if self.meter.due(now) {
            self.report_progress(false);
        }
    }

    fn pause(&mut self) {
        self.report_progress(true);
        self.shared.wait_while_paused(self.generation);
        self.meter.restart(Instant::now());
        if self.shared.wants_job(self.generation) {
            self.report_progress(false);
        }
    }

    fn report_progress(&self, paused: bool) {
        self.reporter.send(Event::Progress {
            generation: self.generation,
            progress: self.meter.progress(paused),
        });
    }
}

/// What a panic said.
pub(super) fn panic_message(fault: &(dyn Any + Send)) -> &str {
    fault
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| fault.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}
