//! The model's thread: what has arrived together is answered together.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::{
    Served, Service,
    request::{Refusal, Reply},
};
use crate::{
    causes::with_causes,
    model::{LoadedModel, ModelError, ModelInput},
    post::LabelNames,
    predict::{
        answering::{Answered, Answering},
        loading::is_out_of_memory,
    },
};

/// A post that waits for its answer.
pub(super) struct Job {
    pub input: ModelInput,
    pub reply: Sender<Result<String, Refusal>>,
}

/// Answers jobs on one model.
pub(super) struct Inference<'a> {
    answering: Answering<'a>,
    labels: &'a LabelNames,
    batch_size: usize,
    /// What was done so far.
    pub served: Served,
}

/// What came of waiting for a post.
pub(super) enum Next {
    /// Posts were answered.
    Answered,
    /// None came in time.
    Nothing,
    /// There will be none any more.
    Ended,
}

impl<'a> Inference<'a> {
    pub fn new(model: &'a mut LoadedModel, service: &'a Service) -> Self {
        Self {
            answering: Answering::new(model, &service.answers),
            labels: &service.answers.labels,
            batch_size: service.batch_size.max(1),
            served: Served::default(),
        }
    }

    /// Waits for a job, and answers it with those that have arrived meanwhile.
    pub fn answer_next(&mut self, waiting: &Receiver<Job>, patience: Duration) -> Next {
        let first = match waiting.recv_timeout(patience) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => return Next::Nothing,
            Err(RecvTimeoutError::Disconnected) => return Next::Ended,
        };
        let others = waiting.try_iter().take(self.batch_size - 1);
        let batch: Vec<Job> = std::iter::once(first).chain(others).collect();
        self.served.posts += batch.len();
        self.served.batches += 1;
        self.answer(&batch);
        Next::Answered
    }

    /// Answers a batch. One that fails as a whole is tried in halves, down to each post alone; what the memory has no room for is
    /// not tried again.
    fn answer(&mut self, batch: &[Job]) {
        let inputs: Vec<&ModelInput> = batch.iter().map(|job| &job.input).collect();
        // A prefill forgets whatever a panic may have left half done in the network.
        let running = AssertUnwindSafe(|| self.answering.answer(&inputs, &|| false));
        let answers = match panic::catch_unwind(running) {
            Ok(Ok(answers)) => answers,
            failed if batch.len() > 1 => {
                if let Ok(Err(error)) = failed
                    && is_out_of_memory(&with_causes(&error))
                {
                    self.batch_size = self.batch_size.min(batch.len().div_ceil(2));
                }
                let (left, right) = batch.split_at(batch.len() / 2);
                self.answer(left);
                return self.answer(right);
            }
            Ok(Err(error)) => vec![Err(error)],
            Err(_) => return tell(batch, &Refusal::new(500, "the model failed unexpectedly")),
        };
        for (job, answer) in batch.iter().zip(answers) {
            // A client that has gone needs no answer.
            drop(job.reply.send(self.reply(answer)));
        }
    }

    fn reply(&self, answer: Result<Answered, ModelError>) -> Result<String, Refusal> {
        let answered = answer.map_err(|error| Refusal::new(500, with_causes(&error)))?;
        let reply = Reply::new(&answered.prediction, self.labels);
        serde_json::to_string(&reply).map_err(|error| Refusal::new(500, error.to_string()))
    }
}

fn tell(batch: &[Job], refusal: &Refusal) {
    for job in batch {
        drop(job.reply.send(Err(refusal.clone())));
    }
}
