//! From a post to token ids and pixels, and from generated ids back to text.
//!
//! Reference: transformers' `models/qwen2_vl/processing_qwen2_vl.py`.

use std::path::Path;

use super::{Config, image_processor::ImageProcessor};
use crate::{
    image::Rgb,
    model::{ModelError, ModelInput, PixelRange, Pixels, Processor, PromptStyle},
    post::LabelNames,
    predict::{
        chat_template::ChatTemplate,
        prompt::{self, ImagePlace},
        tokenizer::TextTokenizer,
    },
};

/// Qwen2-VL's chat template, tokenizer and image settings.
pub struct Qwen2VlProcessor {
    chat_template: ChatTemplate,
    tokenizer: TextTokenizer,
    images: ImageProcessor,
    image_id: u32,
    /// Width and height of a token, in patches.
    merge_size: usize,
    eos_id: u32,
}

impl Qwen2VlProcessor {
    /// Reads `config.json`, the chat template, `tokenizer.json` and the image settings of a checkpoint's folder; `pixels`
    /// takes the place of the checkpoint's own range of pixels.
    ///
    /// # Errors
    /// A file that is missing or damaged, a setting that is not supported, or files that contradict each other.
    pub fn load(folder: &Path, pixels: Option<PixelRange>) -> Result<Self, ModelError> {
        let config = Config::load(folder)?;
        Ok(Self {
            chat_template: ChatTemplate::load(folder)?,
            tokenizer: TextTokenizer::load(folder)?,
            images: ImageProcessor::load(folder, &config.vision, pixels)?,
            image_id: config.image_token_id,
            merge_size: config.vision.spatial_merge_size,
            eos_id: config.eos_ids.first().copied().unwrap_or_default(),
        })
    }

    /// The conversation's text, with a mark inside of every special token that the post or a label spells.
    fn prompt(
        &self,
        text: &str,
        has_image: bool,
        style: PromptStyle,
        labels: &LabelNames,
    ) -> Result<String, ModelError> {
        let image = has_image.then_some(ImagePlace::Last);
        let messages = prompt::conversation(style, labels, text, image);
        self.chat_template.render_cut(messages, &self.tokenizer)
    }
}

impl Processor for Qwen2VlProcessor {
    /// The chat template's text, its one image token repeated for each token of the image. A post without an image
    /// leaves the image out.
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let marked = self.prompt(text, image.is_some(), prompt, labels)?;
        let pixel_values = image
            .map(|image| self.images.pixel_values(image))
            .transpose()?;
        let grid = pixel_values.as_ref().and_then(|pixels| pixels.image_grid);
        let image_tokens = grid.map_or(0, |[times, rows, columns]| {
            times * (rows / self.merge_size) * (columns / self.merge_size)
        });
        let ids = self.tokenizer.encode_cut(&marked)?;
        let places = ids.iter().filter(|id| **id == self.image_id).count();
        if places != usize::from(image.is_some()) {
            return Err(ModelError::Input(format!(
                "the chat template makes {places} places for {} image",
                usize::from(image.is_some())
            )));
        }
        let repeated = |id: u32| if id == self.image_id { image_tokens } else { 1 };
        Ok(ModelInput {
            prompt: TextTokenizer::without_cuts(&marked),
            input_ids: ids
                .into_iter()
                .flat_map(|id| std::iter::repeat_n(id, repeated(id)))
                .collect(),
            pixel_values,
            request: None,
        })
    }

    fn pictures(&self, pixels: &Pixels) -> Vec<Rgb> {
        self.images.picture(pixels).into_iter().collect()
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids)
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = self
            .tokenizer
            .encode_cut(&self.tokenizer.cut_special(answer))?;
        ids.push(self.eos_id);
        Ok(ids)
    }
}
