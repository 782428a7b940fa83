//! The network: images and prompts in, logits out.

use candle_core::{DType, Device, Tensor};

use super::{
    Config,
    rope::{MRope, Positions},
    vision::VisionTower,
};
use crate::model::{
    ModelError, ModelInput, Pixels,
    causal_lm::{Backbone, Masks, Position, Prompt, Reach, Traits},
    decoder::Decoder,
    image_tokens,
    weights::Weights,
};

/// Qwen2-VL with its weights.
pub struct Qwen2Vl {
    visual: VisionTower,
    language_model: Decoder,
    rope: MRope,
    config: Config,
    device: Device,
    compute: DType,
}

impl Qwen2Vl {
    /// Loads the network; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let device = weights.device().clone();
        Ok(Self {
            visual: VisionTower::load(&weights.pp("visual"), &config.vision, compute)?,
            language_model: Decoder::load(weights, &config.text, compute)?,
            rope: MRope::new(config, &device)?,
            config: config.clone(),
            device,
            compute,
        })
    }

    /// Image features `(1, tokens, hidden)`. Each image goes through the tower alone: their grids differ.
    fn image_features(&self, pixels: &Pixels) -> Result<Tensor, ModelError> {
        let merge = self.config.vision.spatial_merge_size;
        let fits = pixels.image_grid.filter(|[times, rows, columns]| {
            let patches = rows
                .checked_mul(*columns)
                .and_then(|n| n.checked_mul(*times));
            let shape = patches.map(|patches| [patches, self.config.vision.patch_values()]);
            shape.is_some_and(|shape| {
                pixels.shape == shape
                    && shape[0] > 0
                    && shape[0].checked_mul(shape[1]) == Some(pixels.values.len())
            }) && rows.is_multiple_of(merge)
                && columns.is_multiple_of(merge)
        });
        let Some(grid) = fits else {
            return Err(ModelError::Input(format!(
                "pixel values of shape {:?} on a grid of {:?}",
                pixels.shape, pixels.image_grid
            )));
        };
        let pixel_values =
            Tensor::from_slice(&pixels.values, pixels.shape.as_slice(), &Device::Cpu)?
                .to_device(&self.device)?
                .to_dtype(self.compute)?; // (patches, values of a patch)
        Ok(self.visual.forward(&pixel_values, grid)?)
    }

    fn prompt(&self, input: &ModelInput) -> Result<Prompt, ModelError> {
        let pixels = input.pixel_values.as_ref();
        let features = pixels
            .map(|pixels| self.image_features(pixels))
            .transpose()?;
        let positions = Positions::of(
            &input.input_ids,
            self.config.image_token_id,
            pixels.and_then(|pixels| pixels.image_grid),
            self.config.vision.spatial_merge_size,
        )?;
        Ok(Prompt {
            embeddings: image_tokens::embed(
                &input.input_ids,
                self.config.image_token_id,
                features.as_ref(),
                self.config.text.vocab_size,
                |ids| self.embed(&Tensor::new(ids, &self.device)?.unsqueeze(0)?),
            )?,
            positions: positions.tokens,
            next: positions.next,
        })
    }
}

impl Backbone for Qwen2Vl {
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
        let (cos, sin) = self
            .rope
            .tables(positions, embeddings.dim(0)?, self.compute)?;
        self.language_model
            .forward(embeddings, (&cos, &sin), masks.full.as_ref(), keep)
    }

    fn truncate(&mut self, len: usize) {
        self.language_model.truncate(len);
    }

    fn traits(&self) -> Traits<'_> {
        Traits {
            vocab_size: self.config.text.vocab_size,
            reach: Reach {
                prompt_sees_itself: false,
                sliding_window: None,
            },
            eos_ids: &self.config.eos_ids,
            device: &self.device,
        }
    }
}
