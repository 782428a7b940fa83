//! The network: image and prompt in, logits out.

use candle_core::{DType, Device, Tensor};

use super::Config;
use crate::model::{
    ModelError, ModelInput,
    causal_lm::{Backbone, Masks, Position, Prompt, Reach, Traits},
    gemma2::Gemma2,
    image_tokens,
    layers::Linear,
    siglip::VisionTower,
    weights::Weights,
};

/// PaliGemma 2 with its weights.
pub struct PaliGemma2 {
    vision_tower: VisionTower,
    multi_modal_projector: Linear,
    language_model: Gemma2,
    config: Config,
    eos_ids: Vec<u32>,
    device: Device,
    compute: DType,
}

impl PaliGemma2 {
    /// Loads the network; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let projector = weights.pp("multi_modal_projector").pp("linear");
        let (seen, said) = (
            config.vision_config.hidden_size,
            config.text_config.hidden_size,
        );
        Ok(Self {
            vision_tower: VisionTower::load(
                &weights.pp("vision_tower"),
                &config.vision_config,
                compute,
            )?,
            multi_modal_projector: Linear::load_with_bias(&projector, seen, said, compute)?,
            language_model: Gemma2::load(weights, &config.text_config, compute)?,
            config: config.clone(),
            eos_ids: config.eos_ids().to_vec(),
            device: weights.device().clone(),
            compute,
        })
    }

    /// Image features `(batch, patches, hidden)` of the inputs.
    fn image_features(&self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
        let vision = &self.config.vision_config;
        let shape = [1, vision.num_channels, vision.image_size, vision.image_size];
        let mut images = Vec::with_capacity(batch.len());
        for input in batch {
            let pixels = input.pixel_values.as_ref().ok_or(ModelError::NeedsImage)?;
            if pixels.shape != shape || pixels.values.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Input(format!(
                    "pixel values of shape {:?} where the image tower takes {shape:?}",
                    pixels.shape
                )));
            }
            images.push(Tensor::from_slice(&pixels.values, &shape, &Device::Cpu)?);
        }
        let pixel_values = Tensor::cat(&images, 0)?
            .to_device(&self.device)?
            .to_dtype(self.compute)?; // (batch, 3, size, size)
        let seen = self.vision_tower.forward(&pixel_values)?; // (batch, patches, vision hidden)
        Ok(self.multi_modal_projector.forward(&seen)?)
    }
}

impl Backbone for PaliGemma2 {
    /// Positions start at 1.
    fn prompts(&self, batch: &[&ModelInput]) -> Result<Vec<Prompt>, ModelError> {
        let features = self.image_features(batch)?; // (batch, patches, hidden)
        let embed = |ids: &[u32]| self.embed(&Tensor::new(ids, &self.device)?.unsqueeze(0)?);
        let prompts = batch.iter().enumerate().map(|(b, input)| {
            let embeddings = image_tokens::embed(
                &input.input_ids,
                self.config.image_token_index,
                Some(&features.narrow(0, b, 1)?),
                self.config.text_config.vocab_size,
                embed,
            )?;
            Prompt::in_line(embeddings, 1)
        });
        prompts.collect()
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
            vocab_size: self.config.text_config.vocab_size,
            reach: Reach {
                prompt_sees_itself: true,
                sliding_window: self.config.text_config.sliding_window,
            },
            eos_ids: &self.eos_ids,
            device: &self.device,
        }
    }
}
