//! The network: tiles and prompts in, logits out.

use candle_core::{DType, Device, Tensor};

use super::{Config, places};
use crate::model::{
    ModelError, ModelInput, Pixels,
    causal_lm::{Backbone, Masks, Position, Prompt, Reach, Traits},
    decoder::Decoder,
    image_tokens,
    layers::{Linear, RotaryEmbedding},
    siglip::VisionTower,
    weights::Weights,
};

/// How many tiles a GPU sees at once. A CPU is as fast with one by one, and needs less memory.
const TILES_AT_ONCE: usize = 8;

/// SmolVLM with its weights.
pub struct SmolVlm {
    vision_tower: VisionTower,
    /// From `scale_factor²` patches side by side to a token.
    connector: Linear,
    language_model: Decoder,
    rotary: RotaryEmbedding,
    config: Config,
    device: Device,
    compute: DType,
}

impl SmolVlm {
    /// Loads the network; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let device = weights.device().clone();
        let projection = weights.pp("connector").pp("modality_projection").pp("proj");
        let seen = config.vision.hidden_size * config.scale_factor * config.scale_factor;
        let tower = weights.pp("vision_tower");
        Ok(Self {
            vision_tower: VisionTower::load(&tower, &config.vision, compute)?,
            connector: Linear::load(&projection, seen, config.text.hidden_size)?,
            language_model: Decoder::load(weights, &config.text, compute)?,
            rotary: RotaryEmbedding::new(config.text.head_dim(), config.rope_theta, &device)?,
            config: config.clone(),
            device,
            compute,
        })
    }

    /// Image features `(1, tokens, hidden)` of all tiles, one behind the other.
    fn image_features(&self, pixels: &Pixels) -> Result<Tensor, ModelError> {
        let vision = &self.config.vision;
        let refuse = || {
            ModelError::Input(format!(
                "pixel values of shape {:?} where square tiles of whole tokens are taken",
                pixels.shape
            ))
        };
        let &[1, tiles, channels, height, width] = pixels.shape.as_slice() else {
            return Err(refuse());
        };
        let values = [channels, height, width]
            .iter()
            .try_fold(tiles, |product, side| product.checked_mul(*side));
        if values != Some(pixels.values.len())
            || tiles == 0
            || channels != vision.num_channels
            || height != width
            || self.config.tokens_of_a_tile(height).is_none()
        {
            return Err(refuse());
        }
        let patches = height / vision.patch_size;
        let position_ids = places::of_tile((patches, patches), vision.patches_per_side());
        let position_ids = Tensor::new(position_ids, &self.device)?;
        let at_once = if self.device.is_cpu() {
            1
        } else {
            TILES_AT_ONCE
        };
        let mut features = Vec::with_capacity(tiles.div_ceil(at_once));
        for values in pixels.values.chunks(at_once * channels * height * width) {
            let tiles = values.len() / (channels * height * width);
            let shape = (tiles, channels, height, width);
            let pixel_values = Tensor::from_slice(values, shape, &Device::Cpu)?
                .to_device(&self.device)?
                .to_dtype(self.compute)?; // (tiles, 3, side, side)
            let seen = self.vision_tower.forward_at(&pixel_values, &position_ids)?; // (tiles, patches, vision hidden)
            let tokens = self.connector.forward(&self.pixel_shuffle(&seen)?)?; // (tiles, tokens, hidden)
            features.push(tokens.flatten_to(1)?);
        }
        Ok(Tensor::cat(&features, 0)?.unsqueeze(0)?)
    }

    /// Puts the `scale_factor²` patches of a token side by side: `(tiles, patches, size)` → `(tiles, tokens, scale_factor² · size)`.
    fn pixel_shuffle(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (tiles, patches, size) = x.dims3()?;
        let scale = self.config.scale_factor;
        let side = patches.isqrt() / scale;
        x.reshape(&[tiles, side, scale, side, scale, size][..])?
            .permute([0, 1, 3, 2, 4, 5])? // (tiles, side, side, scale, scale, size)
            .reshape((tiles, side * side, scale * scale * size))
    }

    fn prompt(&self, input: &ModelInput) -> Result<Prompt, ModelError> {
        let pixels = input.pixel_values.as_ref();
        let features = pixels
            .map(|pixels| self.image_features(pixels))
            .transpose()?;
        let embeddings = image_tokens::embed(
            &input.input_ids,
            self.config.image_token_id,
            features.as_ref(),
            self.config.text.vocab_size,
            |ids| self.embed(&Tensor::new(ids, &self.device)?.unsqueeze(0)?),
        )?;
        Prompt::in_line(embeddings, 0)
    }
}

impl Backbone for SmolVlm {
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
        let batch = embeddings.dim(0)?;
        let (cos, sin) = self.rotary.of_tokens(positions, batch, self.compute)?;
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
