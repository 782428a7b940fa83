//! What is wanted of the threads: the one place that the handle writes and the threads read.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    Generation, Job, PredictOptions, probing,
    schedule::{Next, Prepared, Schedule},
};
use crate::{
    dataset::Dataset,
    model::{ModelSpec, Processor},
};

/// What the inference thread does next when it is idle.
pub(super) enum Task {
    /// Drop the model and load this one.
    Load(Generation, ModelSpec),
    /// Drop the model.
    Unload,
    /// Run this job.
    Run(Generation, Arc<Context>),
    /// Answer one form of a post.
    Probe(probing::Prepared),
    /// Tell that a job ended before its last post.
    Ended(Generation),
    /// End.
    Close,
}

/// What the inference thread does next while it runs a job.
pub(super) enum Step {
    /// Something of the schedule.
    Next(Next),
    /// One form of a post, before the next batch.
    Probe(Box<probing::Prepared>),
    /// Wait for `resume`.
    Paused,
    /// The job is not wanted any more.
    Stale,
}

/// What all posts of a job share.
pub(super) struct Context {
    pub dataset: Arc<Dataset>,
    pub options: PredictOptions,
    pub total: usize,
}

/// A post to prepare.
pub(super) struct Unprepared {
    pub generation: Generation,
    pub post: usize,
    pub context: Arc<Context>,
    pub processor: Arc<dyn Processor>,
}

/// What an image thread does next.
pub(super) enum Chore {
    /// A post of the job.
    Post(Unprepared),
    /// One form of a post.
    Probe(probing::Task, Arc<dyn Processor>),
}

/// The state that the handle, the inference thread and the image threads share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    last_generation: Generation,
    /// The model wanted and not begun yet: `Some(None)` wants none.
    model_wish: Option<Option<ModelSpec>>,
    /// The last wish about the model; a load of an older one gives up.
    model_generation: Generation,
    /// Half of the loaded model, while it is wanted.
    processor: Option<Arc<dyn Processor>>,
    job: Option<ActiveJob>,
    /// Jobs that ended before their last post and were not reported yet.
    ended: Vec<Generation>,
    /// Forms of posts to make ready.
    unprepared_probes: VecDeque<probing::Task>,
    /// Forms of posts to ask the model about.
    probes: VecDeque<probing::Prepared>,
    focus: Vec<usize>,
    paused: bool,
    closed: bool,
}

struct ActiveJob {
    generation: Generation,
    context: Arc<Context>,
    schedule: Schedule,
}

/// The handle's side: nothing here waits for the threads.
impl Shared {
    pub fn want_model(&self, spec: Option<ModelSpec>) -> Generation {
        let (generation, unanswered) = self.change(|state| {
            state.end_job();
            state.processor = None;
            state.model_wish = Some(spec);
            state.model_generation = state.next_generation();
            let unprepared = std::mem::take(&mut state.unprepared_probes);
            let probes = std::mem::take(&mut state.probes);
            (state.model_generation, (unprepared, probes))
        });
        // That tells whoever waits that nothing more comes, without the lock.
        drop(unanswered);
        generation
    }

    pub fn want_job(&self, job: Job) -> Generation {
        let len = job.dataset.posts.len();
        let mut schedule = Schedule::new(job.posts, len, job.options.batch_size.unwrap_or(1));
        let context = Arc::new(Context {
            dataset: job.dataset,
            options: job.options,
            total: schedule.total(),
        });
        self.change(|state| {
            state.end_job();
            state.paused = false;
            schedule.set_focus(&state.focus);
            let generation = state.next_generation();
            state.job = Some(ActiveJob {
                generation,
                context,
                schedule,
            });
            generation
        })
    }

    pub fn want_probe(&self, tasks: Vec<probing::Task>) {
        self.change(|state| state.unprepared_probes.extend(tasks));
    }

    pub fn set_focus(&self, posts: &[usize]) {
        self.change(|state| {
            state.focus = posts.to_vec();
            if let Some(job) = &mut state.job {
                job.schedule.set_focus(posts);
            }
        });
    }

    pub fn set_paused(&self, paused: bool) {
        self.change(|state| state.paused = paused);
    }

    pub fn cancel_job(&self) {
        self.change(State::end_job);
    }

    pub fn close(&self) {
        self.change(|state| state.closed = true);
    }
}

/// The inference thread's side.
impl Shared {
    /// Waits for something to do.
    pub fn next_task(&self) -> Task {
        self.wait_for(|state| {
            if state.closed {
                return Some(Task::Close);
            }
            if !state.ended.is_empty() {
                return Some(Task::Ended(state.ended.remove(0)));
            }
            if let Some(wish) = state.model_wish.take() {
                return Some(match wish {
                    Some(spec) => Task::Load(state.model_generation, spec),
                    None => Task::Unload,
                });
            }
            if let Some(prepared) = state.probes.pop_front() {
                return Some(Task::Probe(prepared));
            }
            let job = state.job.as_ref()?;
            if state.processor.is_some() {
                return Some(Task::Run(job.generation, Arc::clone(&job.context)));
            }
            // The load it waited for has failed, or there was none.
            let generation = job.generation;
            state.job = None;
            Some(Task::Ended(generation))
        })
    }

    /// Whether a load is still wanted.
    pub fn wants_model(&self, generation: Generation) -> bool {
        let state = self.lock();
        !state.closed && state.model_generation == generation
    }

    /// Lets the image threads begin, unless the model is not wanted any more.
    pub fn model_is_ready(&self, generation: Generation, processor: Arc<dyn Processor>) -> bool {
        self.change(|state| {
            let wanted = !state.closed && state.model_generation == generation;
            if wanted {
                state.processor = Some(processor);
            }
            wanted
        })
    }

    /// Whether a job is still wanted.
    pub fn wants_job(&self, generation: Generation) -> bool {
        self.lock().runs(generation)
    }

    /// Ends a job that cannot go on. Whether it was wanted until now; the end of another one is told already.
    pub fn give_up(&self, generation: Generation) -> bool {
        self.change(|state| {
            let runs = state.runs(generation);
            if runs {
                state.job = None;
            }
            runs
        })
    }

    /// Waits until the job can go on, with a batch of so many posts. The end of the job is taken note of here.
    pub fn next_step(&self, generation: Generation, batch_size: usize) -> Step {
        // A larger batch has a larger window: the image threads must hear of it before anyone waits for them.
        self.change(|state| {
            if let Some(job) = &mut state.job {
                job.schedule.set_batch_size(batch_size);
            }
        });
        let step = self.wait_for(|state| {
            if !state.runs(generation) {
                return Some(Step::Stale);
            }
            if let Some(prepared) = state.probes.pop_front() {
                return Some(Step::Probe(Box::new(prepared)));
            }
            let paused = state.paused;
            let job = state.job.as_mut()?;
            if paused && !job.schedule.is_done() {
                return Some(Step::Paused);
            }
            match job.schedule.next() {
                Next::NotYet => None,
                Next::Done => {
                    state.job = None;
                    Some(Step::Next(Next::Done))
                }
                next => Some(Step::Next(next)),
            }
        });
        // What was taken makes room for the image threads.
        self.changed.notify_all();
        step
    }

    /// Waits for `resume`, or for anything that ends the job.
    pub fn wait_while_paused(&self, generation: Generation) {
        self.wait_for(|state| {
            let goes_on = !state.paused || !state.probes.is_empty();
            (goes_on || !state.runs(generation)).then_some(())
        });
    }
}

/// The image threads' side.
impl Shared {
    /// Waits for something to prepare; `None` at the end.
    pub fn next_chore(&self) -> Option<Chore> {
        self.wait_for(|state| {
            if state.closed {
                return Some(None);
            }
            let processor = Arc::clone(state.processor.as_ref()?);
            if let Some(task) = state.unprepared_probes.pop_front() {
                return Some(Some(Chore::Probe(task, processor)));
            }
            let job = state.job.as_mut()?;
            let post = job.schedule.take_unprepared()?;
            Some(Some(Chore::Post(Unprepared {
                generation: job.generation,
                post,
                context: Arc::clone(&job.context),
                processor,
            })))
        })
    }

    /// Takes a form of a post that is ready to be answered.
    pub fn store_probe(&self, prepared: probing::Prepared) {
        self.change(|state| state.probes.push_back(prepared));
    }

    /// Takes what was prepared, unless its job is gone.
    pub fn store(&self, generation: Generation, prepared: Prepared) {
        self.change(|state| {
            if let Some(job) = &mut state.job
                && job.generation == generation
            {
                job.schedule.store(prepared);
            }
        });
    }
}

impl Shared {
    /// A thread that panicked while it held the lock left nothing half done: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    fn wait_for<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.lock();
        loop {
            if let Some(result) = ready(&mut state) {
                return result;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn next_generation(&mut self) -> Generation {
        self.last_generation += 1;
        self.last_generation
    }

    fn end_job(&mut self) {
        if let Some(job) = self.job.take() {
            self.ended.push(job.generation);
        }
    }

    fn runs(&self, generation: Generation) -> bool {
        let current = self.job.as_ref().map(|job| job.generation);
        !self.closed && current == Some(generation)
    }
}
