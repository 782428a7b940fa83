//! From prepared posts to predictions: one model, and what was learned of its answers on the way.

use std::{sync::Arc, time::Instant};

use super::{
    asking::ask,
    classify::{self, Classes},
    decode::{self, Decoding, Generated},
    drafts::Drafts,
    label_scores::{AnswerTrie, Expansion, label_scores},
    prediction::{Prediction, Score, Seconds},
};
use crate::{
    model::{Engine, LoadedModel, ModelError, ModelInput},
    post::LabelNames,
};

/// How answers are found. The text is the same in every way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DecodeMode {
    /// Likely answers ride along with the prompt and are verified.
    #[default]
    Draft,
    /// One pass a token.
    Plain,
}

/// How to answer.
#[derive(Clone, PartialEq, Debug)]
pub struct AnswerOptions {
    /// The labels, in class order.
    pub labels: LabelNames,
    /// The longest answer, in tokens.
    pub max_new_tokens: usize,
    /// How answers are found.
    pub decode: DecodeMode,
    /// Whether each label gets a probability.
    pub scores: bool,
}

/// What a model gave for one post.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered {
    /// What it says.
    pub prediction: Prediction,
    /// Whether the answer took one pass: the drafts held all of it, or the model is a classifier.
    /// `None` where nobody tells.
    pub in_one_pass: Option<bool>,
}

/// Answers batches on one model.
pub struct Answering<'a> {
    model: &'a mut LoadedModel,
    options: &'a AnswerOptions,
    drafts: Drafts,
    trie: Option<AnswerTrie>,
}

impl<'a> Answering<'a> {
    /// Begins with what can be known of the answers before any was seen.
    ///
    /// A tokenizer that cannot write the labels costs speed and probabilities, and no answer.
    pub fn new(model: &'a mut LoadedModel, options: &'a AnswerOptions) -> Self {
        let (mut drafts, mut trie) = (Drafts::none(), None);
        if matches!(model.engine, Engine::Generative(_)) {
            if options.decode == DecodeMode::Draft {
                drafts = Drafts::new(&*model.processor, &options.labels).unwrap_or_default();
            }
            if options.scores && !options.labels.is_empty() {
                trie = AnswerTrie::new(Arc::clone(&model.processor), &options.labels).ok();
            }
        }
        Self {
            model,
            options,
            drafts,
            trie,
        }
    }

    /// The model, for something else meanwhile.
    pub fn model(&mut self) -> &mut LoadedModel {
        self.model
    }

    /// The predictions of a batch, one a post; their image seconds are left at 0. `cancelled` is asked before every pass.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`], and what the network reports for the batch as a whole.
    pub fn answer(
        &mut self,
        batch: &[&ModelInput],
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<Result<Answered, ModelError>>, ModelError> {
        let names = self.model.info.labels.as_deref().unwrap_or_default();
        match &mut self.model.engine {
            Engine::Generative(_) => self.generate(batch, cancelled),
            Engine::Classifier(classifier) => {
                let classes = Classes::new(names, &self.options.labels);
                let (rows, secs) = classify::logits(&mut **classifier, batch)?;
                let seconds = Seconds {
                    prefill: secs / batch.len().max(1) as f64,
                    ..Seconds::default()
                };
                let answered = |logits: Vec<f32>| Answered {
                    prediction: classes.prediction(&logits, seconds),
                    in_one_pass: Some(true),
                };
                Ok(rows.into_iter().map(|row| row.map(answered)).collect())
            }
            Engine::Remote(engine) => ask(engine, batch, self.options, cancelled),
        }
    }

    fn generate(
        &mut self,
        batch: &[&ModelInput],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Result<Answered, ModelError>>, ModelError> {
        let Some(network) = self.model.engine.network() else {
            return Ok(Vec::new());
        };
        let decoding = Decoding {
            max_new_tokens: self.options.max_new_tokens,
            drafts: &self.drafts,
            keep_first_logits: false,
            keep_passes: self.trie.is_some(),
        };
        let decoded = decode::decode(network, batch, &decoding, cancelled)?;
        let started = Instant::now();
        let scores = match &mut self.trie {
            Some(trie) => label_scores(
                network,
                &decoded.passes,
                trie,
                self.options.labels.len(),
                Expansion::default(),
                cancelled,
            )?,
            None => vec![None; batch.len()],
        };
        let scoring = started.elapsed().as_secs_f64();
        let posts = batch.len().max(1) as f64;
        let seconds = Seconds {
            prefill: decoded.seconds.prefill / posts,
            decode: (decoded.seconds.decode + scoring) / posts,
            ..Seconds::default()
        };
        let answers = decoded.answers.into_iter().zip(scores);
        let answers = answers.map(|(generated, scores)| {
            let generated = generated?;
            if generated.ended && self.options.decode == DecodeMode::Draft {
                self.drafts.learn(&generated.ids);
            }
            self.answered(&generated, scores, seconds)
        });
        Ok(answers.collect())
    }

    fn answered(
        &self,
        generated: &Generated,
        scores: Option<Vec<Score>>,
        seconds: Seconds,
    ) -> Result<Answered, ModelError> {
        let raw = self.model.processor.decode(&generated.ids)?;
        let parsed = self.model.processor.parse(&raw, &self.options.labels);
        Ok(Answered {
            prediction: Prediction {
                labels: parsed.labels,
                raw,
                parse: parsed.parse,
                unknown_labels: parsed.unknown,
                scores,
                answer_logprob: Some(generated.logprob),
                margin: Some(generated.margin),
                n_tokens: generated.ids.len(),
                seconds,
                error: None,
            },
            in_one_pass: Some(generated.passes == 1),
        })
    }
}
