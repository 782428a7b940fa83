//! Forms of a post between the posts of a job: made ready on the image threads, answered before the next batch.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Weak},
};

use crossbeam_channel::{Receiver, Sender};

use crate::{
    causes::{panic_message, with_causes},
    image,
    model::{LoadedModel, ModelInput, ModelSpec, Processor},
    predict::{
        answering::Answering,
        loading::{self, Load},
        probe::{self, Found, Probe, Seen},
    },
};

/// What comes of a [`Probe`]. Dropping it ends the work.
pub struct Probing {
    findings: Receiver<(usize, Found)>,
    _alive: Arc<()>,
}

impl Probing {
    /// A probe's forms as tasks, and the end that hears of them.
    pub(super) fn begin(probe: Probe, wake: &Arc<dyn Fn() + Send + Sync>) -> (Self, Vec<Task>) {
        let alive = Arc::new(());
        // Each form is told of twice at most: what the model gets, and what it says.
        let (findings, received) = crossbeam_channel::bounded(2 * probe.variants.len().max(1));
        let probe = Arc::new(probe);
        let tasks = (0..probe.variants.len()).map(|variant| Task {
            probe: Arc::clone(&probe),
            variant,
            findings: Some(findings.clone()),
            wake: Arc::clone(wake),
            alive: Arc::downgrade(&alive),
        });
        let tasks = tasks.collect();
        let probing = Self {
            findings: received,
            _alive: alive,
        };
        (probing, tasks)
    }

    /// What was found out since the last call: the form's number, and what. `None` when nothing more will come.
    pub fn take(&self) -> Option<Vec<(usize, Found)>> {
        let found: Vec<_> = self.findings.try_iter().collect();
        let ended = found.is_empty()
            && matches!(
                self.findings.try_recv(),
                Err(crossbeam_channel::TryRecvError::Disconnected)
            );
        (!ended).then_some(found)
    }
}

/// One form of a post.
pub(super) struct Task {
    probe: Arc<Probe>,
    variant: usize,
    /// Until the end.
    findings: Option<Sender<(usize, Found)>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    alive: Weak<()>,
}

/// A form that the network can take.
pub(super) struct Prepared {
    task: Task,
    input: ModelInput,
}

impl Task {
    /// Makes it ready and tells what the model gets of it. `None` if nobody asks the model, or there is nothing to ask.
    pub fn prepare(self, processor: &dyn Processor) -> Option<Prepared> {
        if self.is_unwanted() {
            return None;
        }
        let prepared = panic::catch_unwind(AssertUnwindSafe(|| {
            let input = self.input(processor)?;
            let seen = Seen::new(&input, processor);
            Ok((input, seen))
        }))
        .unwrap_or_else(|fault| {
            let reason = panic_message(&*fault);
            Err(format!("preparing this form failed unexpectedly: {reason}"))
        });
        match prepared {
            Ok((input, seen)) => {
                self.tell(Found::Seen(seen));
                self.probe.ask.then_some(Prepared { task: self, input })
            }
            Err(message) => {
                self.tell(Found::Failed(message));
                None
            }
        }
    }

    fn input(&self, processor: &dyn Processor) -> Result<ModelInput, String> {
        let Probe {
            dataset, answers, ..
        } = &*self.probe;
        let post = dataset.posts.get(self.probe.post);
        let variant = self.probe.variants.get(self.variant);
        let (Some(post), Some(variant)) = (post, variant) else {
            return Err("the dataset has no such post".to_owned());
        };
        let picture = dataset
            .image_file(post)
            .filter(|_| processor.sees_images())
            .map(|file| image::decode_file(&file))
            .transpose()
            .map_err(|error| with_causes(&error))?;
        let picture = probe::changed(picture, variant.picture);
        processor
            .prepare(
                &variant.text,
                picture.as_ref(),
                variant.prompt,
                &answers.labels,
            )
            .map_err(|error| with_causes(&error))
    }

    /// The base, if this form is for it.
    fn base(&self) -> Option<&ModelSpec> {
        let variant = self.probe.variants.get(self.variant)?;
        self.probe.base.as_ref().filter(|_| variant.asks_base)
    }

    fn ask(&self, input: &ModelInput, answering: &mut Answering<'_>) -> Found {
        let cancelled = || self.is_unwanted();
        let running = AssertUnwindSafe(|| answering.answer(&[input], &cancelled));
        match panic::catch_unwind(running) {
            Ok(Ok(answers)) => match answers.into_iter().next() {
                Some(Ok(answered)) => Found::Said(Box::new(answered.prediction)),
                Some(Err(error)) => Found::Failed(with_causes(&error)),
                None => Found::Failed("the model gave no answer".to_owned()),
            },
            Ok(Err(error)) => Found::Failed(with_causes(&error)),
            Err(fault) => Found::Failed(format!(
                "the model failed unexpectedly: {}",
                panic_message(&*fault)
            )),
        }
    }

    fn is_unwanted(&self) -> bool {
        self.alive.strong_count() == 0
    }

    fn tell(&self, found: Found) {
        if let Some(findings) = &self.findings {
            // Nobody listens once the handle is dropped.
            drop(findings.try_send((self.variant, found)));
            (self.wake)();
        }
    }
}

impl Drop for Task {
    /// Whoever waits hears that nothing more comes.
    fn drop(&mut self) {
        self.findings = None;
        (self.wake)();
    }
}

impl Prepared {
    /// Asks the model, or the base that is loaded for this form alone, with the probe's own options and drafts.
    pub fn answer(self, model: &mut LoadedModel, loader: &Load<'_>) {
        let Self { task, input } = self;
        if task.is_unwanted() {
            return;
        }
        let options = &task.probe.answers;
        let found = match task.base() {
            None => task.ask(&input, &mut Answering::new(model, options)),
            Some(spec) => match loading::load(loader, spec, &mut |_| !task.is_unwanted()) {
                Ok(mut base) => task.ask(&input, &mut Answering::new(&mut base, options)),
                Err(message) => Found::Failed(format!(
                    "the base cannot be loaded beside the model: {message}"
                )),
            },
        };
        task.tell(found);
    }
}
