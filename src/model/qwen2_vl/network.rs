//! The network: images and prompts in, logits out, with the state of a batch in between.

use candle_core::{DType, Device, Tensor};

use super::{
    Config,
    rope::{MRope, Positions},
    vision::VisionTower,
};
use crate::model::{
    ModelError, ModelInput, Network, Pixels, decoder::Decoder, image_tokens,
    layers::attention_mask, weights::Weights,
};

/// The id that fills the left of shorter prompts; it is masked, so any id would do.
const PAD_ID: u32 = 0;

/// Qwen2-VL with its weights.
pub struct Qwen2Vl {
    visual: VisionTower,
    language_model: Decoder,
    rope: MRope,
    config: Config,
    device: Device,
    compute: DType,
    batch: Batch,
}

/// The sequences in the cache.
#[derive(Default)]
struct Batch {
    /// How many places of each sequence's left are padding.
    padding: Vec<usize>,
    /// The position of each sequence's first generated token.
    next: Vec<u32>,
    /// The places of the prompts, padding included.
    prompt_len: usize,
    /// How many tokens follow the prompt.
    generated: usize,
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
            batch: Batch::default(),
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

    /// Text embeddings with the image features in the places of the image tokens: `(1, padding + len, hidden)`.
    fn embed(&self, input: &ModelInput, padding: usize) -> Result<Tensor, ModelError> {
        let image_id = self.config.image_token_id;
        image_tokens::check_vocabulary(&input.input_ids, image_id, self.config.text.vocab_size)?;
        let text = |ids: Vec<u32>| -> Result<Tensor, ModelError> {
            let ids = Tensor::new(ids, &self.device)?.unsqueeze(0)?;
            Ok(self.language_model.embed(&ids)?)
        };
        let features = match &input.pixel_values {
            Some(pixels) => Some(self.image_features(pixels)?),
            None => None,
        };
        let tokens = match &features {
            Some(features) => features.dim(1)?,
            None => 0,
        };
        let image = image_tokens::run(&input.input_ids, image_id, tokens)?;
        let mut before = vec![PAD_ID; padding];
        before.extend(input.input_ids.iter().take(image.start));
        let behind: Vec<u32> = input.input_ids.iter().skip(image.end).copied().collect();
        let mut parts = Vec::with_capacity(3);
        if !before.is_empty() {
            parts.push(text(before)?);
        }
        parts.extend(features);
        if !behind.is_empty() {
            parts.push(text(behind)?);
        }
        Ok(Tensor::cat(&parts, 1)?)
    }

    fn positions(&self, input: &ModelInput) -> Result<Positions, ModelError> {
        let grid = input.pixel_values.as_ref().and_then(|p| p.image_grid);
        Positions::of(
            &input.input_ids,
            self.config.image_token_id,
            grid,
            self.config.vision.spatial_merge_size,
        )
    }
}

impl Network for Qwen2Vl {
    fn prefill(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
        self.language_model.clear();
        self.batch = Batch::default();
        let lengths = batch.iter().map(|input| input.input_ids.len());
        let longest = lengths.clone().max().unwrap_or(0);
        if longest == 0 {
            return Err(ModelError::Input("a batch without tokens".to_owned()));
        }
        let padding: Vec<usize> = lengths.map(|len| longest - len).collect();

        let mut embeddings = Vec::with_capacity(batch.len());
        let mut positions = Vec::with_capacity(batch.len() * longest);
        let mut next = Vec::with_capacity(batch.len());
        for (input, padding) in batch.iter().zip(&padding) {
            embeddings.push(self.embed(input, *padding)?);
            let of_tokens = self.positions(input)?;
            // What the padding gets is never seen.
            positions.extend(std::iter::repeat_n([0; 3], *padding));
            positions.extend(of_tokens.tokens);
            next.push(of_tokens.next);
        }
        let embeddings = Tensor::cat(&embeddings, 0)?; // (batch, longest, hidden)
        let (cos, sin) = self.rope.tables(&positions, batch.len(), self.compute)?;
        // A token sees itself and what stands before it, but not the padding; padding sees itself, as it must see something.
        let shape = (batch.len(), longest, longest);
        let mask = attention_mask(shape, &self.device, |b, q, k| {
            k == q || (k < q && padding.get(b).is_some_and(|padding| k >= *padding))
        })?;
        let logits = self
            .language_model
            .forward(&embeddings, (&cos, &sin), mask.as_ref(), 1)?; // (batch, 1, vocab)
        self.batch = Batch {
            padding,
            next,
            prompt_len: longest,
            generated: 0,
        };
        Ok(logits.squeeze(1)?)
    }

    fn decode(&mut self, tokens: &[u32]) -> Result<Tensor, ModelError> {
        let vocabulary = self.config.text.vocab_size;
        let batch = &self.batch;
        if tokens.len() != batch.padding.len() || tokens.iter().any(|t| *t as usize >= vocabulary) {
            return Err(ModelError::Input(format!(
                "the tokens {tokens:?} for {} sequences and a vocabulary of {vocabulary}",
                batch.padding.len()
            )));
        }
        let ids = Tensor::from_slice(tokens, (tokens.len(), 1), &self.device)?;
        let embeddings = self.language_model.embed(&ids)?; // (batch, 1, hidden)
        let generated = batch.generated as u32;
        let positions: Vec<_> = batch
            .next
            .iter()
            .map(|next| [next + generated; 3])
            .collect();
        let (cos, sin) = self.rope.tables(&positions, tokens.len(), self.compute)?;
        let shape = (tokens.len(), 1, batch.prompt_len + batch.generated + 1);
        let mask = attention_mask(shape, &self.device, |b, _, k| {
            batch.padding.get(b).is_some_and(|padding| k >= *padding)
        })?;
        let logits = self
            .language_model
            .forward(&embeddings, (&cos, &sin), mask.as_ref(), 1)?; // (batch, 1, vocab)
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
        &self.config.eos_ids
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
