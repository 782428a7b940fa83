//! What the inference thread does: load, run batches, report.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender, select_biased};

use super::{
    Event, Generation, JobEnd, Outage, Progress,
    batch_size::BatchSize,
    control::{Context, Shared, Step, Task},
    outage::Silence,
    probing,
    progress::Meter,
    schedule::{Next, Runnable},
};
use crate::{
    causes::{panic_message, with_causes},
    model::{LoadProgress, LoadedModel, ModelError, ModelSpec},
    predict::{
        answering::{Answered, Answering},
        loading::{self, Load, is_out_of_memory},
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
    /// Dropped before the reporter: who hears that the thread has ended may count on the model's memory.
    model: Option<LoadedModel>,
    shared: Arc<Shared>,
    reporter: Reporter,
    loader: L,
    /// Which load gave the model.
    loaded: Option<(Generation, ModelSpec)>,
}

impl<L> Inference<L>
where
    L: Fn(&ModelSpec, &mut dyn FnMut(LoadProgress) -> bool) -> Result<LoadedModel, ModelError>,
{
    pub fn new(shared: Arc<Shared>, reporter: Reporter, loader: L) -> Self {
        Self {
            model: None,
            shared,
            reporter,
            loader,
            loaded: None,
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
                    end: JobEnd::Cancelled,
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
        let loaded = loading::load(&self.loader, spec, &mut progress);
        match loaded {
            Ok(model) => {
                let info = model.info.clone();
                let processor = Arc::clone(&model.processor);
                self.model = Some(model);
                self.loaded = Some((generation, spec.clone()));
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
            prepared.answer(model, &self.loader);
        }
    }

    fn run_job(&mut self, generation: Generation, context: &Context) {
        let Some(model) = &mut self.model else {
            // `next_task` gives a job only with a model.
            return self.shared.cancel_job();
        };
        let is_remote = model.info.is_remote();
        let on_gpu = !is_remote && !is_cpu(&model.info.device);
        let batch_size = match context.options.batch_size {
            Some(posts) => BatchSize::fixed(posts),
            None if on_gpu || is_remote => BatchSize::unknown(),
            None => BatchSize::fixed(1),
        };
        let mut run = Run {
            shared: &self.shared,
            reporter: &self.reporter,
            loader: &self.loader,
            generation,
            meter: Meter::new(context.total, Instant::now()),
            batch_size,
            may_move: on_gpu,
            silence: Silence::default(),
            unanswered: Vec::new(),
        };
        run.report_progress(false);
        let answers = &context.options.answers;
        while run.go_on(&mut Answering::new(model, answers)) == Ended::WithoutRoom {
            run.may_move = false;
            let cancelled = || !run.shared.wants_job(generation);
            let Some((of, spec)) = &self.loaded else {
                continue;
            };
            if let Some(moved) = loading::on_cpu(&self.loader, spec, &model.info, &cancelled) {
                *model = moved;
                if self
                    .shared
                    .model_is_ready(*of, Arc::clone(&model.processor))
                {
                    self.reporter.send(Event::Moved {
                        generation: *of,
                        info: model.info.clone(),
                    });
                }
            }
        }
    }
}

fn is_cpu(device: &str) -> bool {
    device.starts_with("cpu")
}

/// What keeps a batch from being answered to its end.
enum Obstacle {
    /// The memory is not enough for a single post.
    NoRoom,
    /// The model is on another machine, which answers nobody any more.
    Outage(Outage),
}

/// Why a job stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    /// It has ended, and that was told where it must be.
    Told,
    /// The memory is not enough for the first of [`Run::unanswered`].
    WithoutRoom,
}

/// One job.
struct Run<'a> {
    shared: &'a Shared,
    reporter: &'a Reporter,
    loader: &'a Load<'a>,
    generation: Generation,
    meter: Meter,
    batch_size: BatchSize,
    /// Whether there is another device to go to when the memory is not enough for a single post.
    may_move: bool,
    /// For how long a model on another machine has answered nobody.
    silence: Silence,
    /// What is left of the present batch.
    unanswered: Vec<Runnable>,
}

impl Run<'_> {
    /// Works until the job ends, or needs another device.
    fn go_on(&mut self, answering: &mut Answering) -> Ended {
        loop {
            match self.answer(answering) {
                Ok(()) => {}
                Err(Obstacle::NoRoom) => return Ended::WithoutRoom,
                Err(Obstacle::Outage(outage)) => {
                    self.give_up(outage);
                    return Ended::Told;
                }
            }
            let asked = Instant::now();
            let step = self
                .shared
                .next_step(self.generation, self.batch_size.now());
            self.meter.waited(asked.elapsed());
            match step {
                Step::Stale => return Ended::Told,
                Step::Paused => self.pause(),
                Step::Probe(prepared) => prepared.answer(answering.model(), self.loader),
                Step::Next(Next::NotYet) => {}
                Step::Next(Next::Batch(batch)) => self.unanswered = batch,
                Step::Next(Next::Failed {
                    post,
                    message,
                    image_secs,
                }) => {
                    self.tell_failed(post, message, image_secs);
                    self.mark();
                }
                Step::Next(Next::Done) => {
                    self.tell_end(JobEnd::Done);
                    return Ended::Told;
                }
            }
        }
    }

    /// Answers what is left of the batch, as many posts at once as the memory has been seen to take, and tells what came of
    /// each. What fails as a whole is tried in halves, down to each post alone.
    fn answer(&mut self, answering: &mut Answering) -> Result<(), Obstacle> {
        // Smaller after a failure whose reason is not known, for this batch alone.
        let mut at_once = usize::MAX;
        while !self.unanswered.is_empty() {
            let n = self
                .unanswered
                .len()
                .min(at_once)
                .min(self.batch_size.now());
            let begun = Instant::now();
            let outcome = self.run_batch(answering, n);
            if !self.shared.wants_job(self.generation) {
                // Nothing more is wanted of this job.
                self.unanswered.clear();
                return Ok(());
            }
            match outcome {
                Ok(answers) => {
                    // A refusal takes no time, whatever the size.
                    if answers.iter().any(Result::is_ok) {
                        self.batch_size.took(n, begun.elapsed());
                    }
                    at_once = at_once.saturating_mul(2);
                    let outage = self.silence.learn(&answers);
                    let batch: Vec<Runnable> = self.unanswered.drain(..n).collect();
                    for (runnable, answer) in batch.iter().zip(answers) {
                        self.tell_answer(runnable, answer);
                    }
                    if let Some(outage) = outage {
                        return Err(Obstacle::Outage(outage));
                    }
                }
                Err(message) if n > 1 => {
                    at_once = n.div_ceil(2);
                    if is_out_of_memory(&message) {
                        self.batch_size.did_not_fit(n);
                    }
                    continue;
                }
                Err(message) if self.may_move && is_out_of_memory(&message) => {
                    return Err(Obstacle::NoRoom);
                }
                Err(message) => {
                    let runnable = self.unanswered.remove(0);
                    self.tell_failed(runnable.post, message, runnable.image_secs);
                }
            }
            self.mark();
        }
        Ok(())
    }

    /// The answers of the first `n` posts left, unless they were interrupted or failed as a whole.
    fn run_batch(
        &self,
        answering: &mut Answering,
        n: usize,
    ) -> Result<Vec<Result<Answered, ModelError>>, String> {
        let batch = self.unanswered.iter().take(n);
        let inputs: Vec<_> = batch.map(|runnable| &runnable.input).collect();
        let (shared, generation) = (self.shared, self.generation);
        let cancelled = || !shared.wants_job(generation);
        // A prefill forgets whatever a panic may have left half done in the network.
        let running = AssertUnwindSafe(|| answering.answer(&inputs, &cancelled));
        let answers = panic::catch_unwind(running)
            .map_err(|fault| format!("the model failed unexpectedly: {}", panic_message(&*fault)))?
            .map_err(|error| with_causes(&error))?;
        if answers.len() != n {
            return Err(format!(
                "the model gave {} answers to {n} posts",
                answers.len()
            ));
        }
        Ok(answers)
    }

    /// Ends the job early: what it has not asked about yet stays without an answer.
    fn give_up(&mut self, outage: Outage) {
        self.unanswered.clear();
        if self.shared.give_up(self.generation) {
            let left = self.meter.left();
            self.tell_end(JobEnd::Outage(Outage { left, ..outage }));
        }
    }

    fn tell_end(&self, end: JobEnd) {
        self.report_progress(false);
        self.reporter.send(Event::Finished {
            generation: self.generation,
            end,
        });
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
            progress: Progress {
                most_at_once: self.batch_size.fits(),
                ..self.meter.progress(paused)
            },
        });
    }
}
