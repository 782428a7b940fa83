//! Posts that a model on another machine is asked about.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{RecvTimeoutError, bounded};
use serde_json::Value;

use super::{
    answer::{self, Parse, ParsedAnswer},
    answering::{AnswerOptions, Answered},
    prediction::{Prediction, Score, Seconds},
};
use crate::model::{
    ModelError, ModelInput,
    remote::{RemoteEngine, RemoteError},
};

/// How often it is looked whether the answers are still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// The answers to all posts of the batch, which are asked about at once. Requests that nobody waits for any more end by
/// themselves, and keep nobody.
///
/// # Errors
/// [`ModelError::Cancelled`].
pub(super) fn ask(
    engine: &Arc<RemoteEngine>,
    batch: &[&ModelInput],
    options: &AnswerOptions,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Result<Answered, ModelError>>, ModelError> {
    let (told, answers) = bounded(batch.len());
    let unwanted = Arc::new(AtomicBool::new(false));
    for (place, input) in batch.iter().enumerate() {
        let (engine, unwanted, told) = (Arc::clone(engine), Arc::clone(&unwanted), told.clone());
        let (request, options) = (input.request.clone(), options.clone());
        let asking = thread::Builder::new().name(format!("overrule-ask-{}", place + 1));
        // One that does not start tells nothing, as one that falls over.
        let started = asking.spawn(move || {
            let answer = one(&engine, request, &options, &|| {
                unwanted.load(Ordering::Relaxed)
            });
            // Nobody may listen any more.
            drop(told.send((place, answer)));
        });
        drop(started);
    }
    drop(told);
    let mut answered: Vec<Option<_>> = batch.iter().map(|_| None).collect();
    loop {
        match answers.recv_timeout(LOOK) {
            Ok((place, answer)) => {
                if let Some(slot) = answered.get_mut(place) {
                    *slot = Some(answer);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if cancelled() => {
                unwanted.store(true, Ordering::Relaxed);
                return Err(ModelError::Cancelled);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    let fell_over = || {
        let reason = "asking failed unexpectedly".to_owned();
        Err(RemoteError::Answer { reason }.into())
    };
    Ok(answered
        .into_iter()
        .map(|answer| answer.unwrap_or_else(fell_over))
        .collect())
}

fn one(
    engine: &RemoteEngine,
    request: Option<Value>,
    options: &AnswerOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Answered, ModelError> {
    let request = request.ok_or(RemoteError::NoTokens)?;
    let begin = Instant::now();
    let answer = engine.answer(request, options.max_new_tokens, cancelled)?;
    let mut parsed = answer::parse(&answer.raw, &options.labels);
    // Some families write no JSON; the service that runs them has read what they wrote.
    if parsed.parse == Parse::Failed
        && let Some((names, parse)) = answer.read
    {
        let names = names.iter().map(String::as_str);
        let (labels, unknown) = options.labels.resolve(names);
        parsed = ParsedAnswer {
            labels,
            parse,
            unknown,
        };
    }
    let score = |name: &str| {
        let p = answer.scores.as_ref()?.get(name)?.as_f64()?;
        Some(Score { p, lo: p, hi: p })
    };
    Ok(Answered {
        prediction: Prediction {
            labels: parsed.labels,
            parse: parsed.parse,
            unknown_labels: parsed.unknown,
            // Only where all labels have one.
            scores: options.labels.iter().map(score).collect(),
            raw: answer.raw,
            answer_logprob: answer.logprob,
            margin: answer.margin,
            n_tokens: answer.n_tokens,
            seconds: Seconds {
                prefill: begin.elapsed().as_secs_f64(),
                ..Seconds::default()
            },
            error: None,
        },
        in_one_pass: None,
    })
}
