//! The network: a prompt in, logits out.

use candle_core::{DType, Device, Tensor};

use super::Config;
use crate::model::{
    ModelError, ModelInput,
    causal_lm::{Backbone, Masks, Position, Prompt, Reach, Traits, check_vocabulary},
    gemma2::Gemma2,
    weights::Weights,
};

/// Gemma 2 with its weights.
pub struct Gemma2Text {
    language_model: Gemma2,
    config: Config,
    device: Device,
}

impl Gemma2Text {
    /// Loads the network; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        Ok(Self {
            language_model: Gemma2::load(weights, &config.decoder, compute)?,
            config: config.clone(),
            device: weights.device().clone(),
        })
    }

    /// Positions start at 0.
    fn prompt(&self, input: &ModelInput) -> Result<Prompt, ModelError> {
        check_vocabulary(&input.input_ids, self.config.decoder.vocab_size)?;
        let input_ids = Tensor::new(input.input_ids.as_slice(), &self.device)?.unsqueeze(0)?;
        Prompt::in_line(self.embed(&input_ids)?, 0)
    }
}

impl Backbone for Gemma2Text {
    fn prompts(&self, batch: &[&ModelInput]) -> Result<Vec<Prompt>, ModelError> {
        batch.iter().map(|input| self.prompt(input)).collect()
    }

    fn embed(&self, input_ids: &Tensor) -> candle_core::Result<Tensor> {
        self.language_model.embed(input_ids)
    }

    fn forward(
        &mut self,
        embeddings: &Tensor,
        positions: &[Position],
        masks: &Masks,
        keep: usize,
    ) -> candle_core::Result<Tensor> {
        self.language_model
            .forward(embeddings, positions, masks, keep)
    }

    fn truncate(&mut self, len: usize) {
        self.language_model.truncate(len);
    }

    fn traits(&self) -> Traits<'_> {
        Traits {
            vocab_size: self.config.decoder.vocab_size,
            reach: Reach {
                prompt_sees_itself: false,
                sliding_window: self.config.decoder.sliding_window,
            },
            eos_ids: self.config.eos_ids(),
            device: &self.device,
        }
    }
}
