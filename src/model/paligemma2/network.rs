//! The network: image and prompt in, logits out, with the state of a batch in between.

use candle_core::{DType, Device, Tensor};

use super::Config;
use crate::model::{
    ModelError, ModelInput, Network,
    gemma2::{Gemma2, Masks},
    image_tokens,
    layers::{Linear, attention_mask},
    siglip::VisionTower,
    weights::Weights,
};

/// The id that fills the left of shorter prompts; it is masked, so any id would do.
const PAD_ID: u32 = 0;

/// PaliGemma 2 with its weights.
pub struct PaliGemma2 {
    vision_tower: VisionTower,
    multi_modal_projector: Linear,
    language_model: Gemma2,
    config: Config,
    eos_ids: Vec<u32>,
    device: Device,
    compute: DType,
    batch: Batch,
}

/// The sequences in the cache.
#[derive(Default)]
struct Batch {
    /// How many places of each sequence's left are padding.
    padding: Vec<usize>,
    /// The places of the prompts, padding included.
    prompt_len: usize,
    /// How many tokens follow the prompt.
    generated: usize,
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
            batch: Batch::default(),
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

    /// Text embeddings with the image features in the places of the image tokens: `(1, len, hidden)`.
    fn embed(
        &self,
        input: &ModelInput,
        features: &Tensor,
        padding: usize,
    ) -> Result<Tensor, ModelError> {
        let image_id = self.config.image_token_index;
        let vocabulary = self.config.text_config.vocab_size;
        image_tokens::check_vocabulary(&input.input_ids, image_id, vocabulary)?;
        let image = image_tokens::run(&input.input_ids, image_id, features.dim(0)?)?;
        let text = |ids: &mut dyn Iterator<Item = u32>| -> Result<Tensor, ModelError> {
            let ids: Vec<u32> = ids.collect();
            let ids = Tensor::new(ids, &self.device)?.unsqueeze(0)?;
            Ok(self.language_model.embed(&ids)?)
        };
        let ids = || input.input_ids.iter().copied();
        let before = std::iter::repeat_n(PAD_ID, padding).chain(ids().take(image.start));
        let mut parts = Vec::with_capacity(3);
        if padding + image.start > 0 {
            parts.push(text(&mut { before })?);
        }
        parts.push(features.unsqueeze(0)?); // (1, patches, hidden)
        if input.input_ids.len() > image.end {
            parts.push(text(&mut ids().skip(image.end))?);
        }
        Ok(Tensor::cat(&parts, 1)?)
    }

    /// What the token `generated` places behind the prompt sees: of the prompt everything in full layers, and in
    /// sliding ones what the window still covers.
    fn decode_masks(&self) -> Result<Masks, ModelError> {
        let batch = &self.batch;
        let query = batch.prompt_len + batch.generated;
        let shape = (batch.padding.len(), 1, query + 1);
        let real = |b: usize, k: usize| batch.padding.get(b).is_some_and(|padding| k >= *padding);
        let window = self.config.text_config.sliding_window.unwrap_or(usize::MAX);
        Ok(Masks {
            full: attention_mask(shape, &self.device, |b, _, k| real(b, k))?,
            sliding: attention_mask(shape, &self.device, |b, _, k| {
                real(b, k) && query - k < window
            })?,
        })
    }
}

impl Network for PaliGemma2 {
    fn prefill(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
        self.language_model.clear();
        self.batch = Batch::default();
        let longest = batch
            .iter()
            .map(|input| input.input_ids.len())
            .max()
            .unwrap_or(0);
        if longest == 0 {
            return Err(ModelError::Input("a batch without tokens".to_owned()));
        }
        let padding: Vec<usize> = batch
            .iter()
            .map(|input| longest - input.input_ids.len())
            .collect();

        let features = self.image_features(batch)?; // (batch, patches, hidden)
        let mut embeddings = Vec::with_capacity(batch.len());
        for (i, (input, padding)) in batch.iter().zip(&padding).enumerate() {
            embeddings.push(self.embed(input, &features.get(i)?, *padding)?);
        }
        let embeddings = Tensor::cat(&embeddings, 0)?; // (batch, longest, hidden)

        // Positions start at 1 where the padding ends; what the padding gets is never seen.
        let positions: Vec<u32> = padding
            .iter()
            .flat_map(|padding| {
                (0..longest).map(move |i| (i + 1).saturating_sub(*padding).max(1) as u32)
            })
            .collect();
        let positions = Tensor::from_vec(positions, (batch.len(), longest), &self.device)?;
        // One row for all queries: every token of the prompt sees every other one, but not the padding.
        let mask = attention_mask((batch.len(), 1, longest), &self.device, |b, _, k| {
            padding.get(b).is_some_and(|padding| k >= *padding)
        })?;
        let masks = Masks {
            full: mask.clone(),
            sliding: mask,
        };
        let logits = self
            .language_model
            .forward(&embeddings, &positions, &masks, 1)?; // (batch, 1, vocab)
        self.batch = Batch {
            padding,
            prompt_len: longest,
            generated: 0,
        };
        Ok(logits.squeeze(1)?)
    }

    fn decode(&mut self, tokens: &[u32]) -> Result<Tensor, ModelError> {
        let vocabulary = self.config.text_config.vocab_size;
        if tokens.len() != self.batch.padding.len()
            || tokens.iter().any(|t| *t as usize >= vocabulary)
        {
            return Err(ModelError::Input(format!(
                "the tokens {tokens:?} for {} sequences and a vocabulary of {vocabulary}",
                self.batch.padding.len()
            )));
        }
        let ids = Tensor::from_slice(tokens, (tokens.len(), 1), &self.device)?;
        let embeddings = self.language_model.embed(&ids)?; // (batch, 1, hidden)
        let place = self.batch.prompt_len + self.batch.generated;
        let positions: Vec<u32> = self
            .batch
            .padding
            .iter()
            .map(|padding| (place - padding + 1) as u32)
            .collect();
        let positions = Tensor::from_vec(positions, (tokens.len(), 1), &self.device)?;
        let masks = self.decode_masks()?;
        let logits = self
            .language_model
            .forward(&embeddings, &positions, &masks, 1)?; // (batch, 1, vocab)
        self.batch.generated += 1;
        Ok(logits.squeeze(1)?)
    }

    fn truncate(&mut self, generated: usize) -> Result<(), ModelError> {
        if generated > self.batch.generated {
            return Err(ModelError::Input(format!(
                "going back to {generated} generated tokens, where there are {}",
                self.batch.generated
            )));
        }
        self.batch.generated = generated;
        self.language_model
            .truncate(self.batch.prompt_len + generated);
        Ok(())
    }

    fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
