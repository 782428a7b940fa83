//! From a post to token ids and pixels, and from generated ids back to text.
//!
//! Reference: transformers' `models/paligemma/processing_paligemma.py`.

use std::path::Path;

use super::Config;
use crate::{
    image::Rgb,
    model::{ModelError, ModelInput, Pixels, Processor, PromptStyle},
    post::LabelNames,
    predict::{image_processor::ImageProcessor, prompt, tokenizer::TextTokenizer},
};

/// PaliGemma's prompt, tokenizer and image settings.
pub struct PaliGemmaProcessor {
    tokenizer: TextTokenizer,
    images: ImageProcessor,
    image_id: u32,
    image_seq_length: usize,
    bos_id: u32,
    eos_id: u32,
}

impl PaliGemmaProcessor {
    /// Reads `config.json`, `tokenizer.json` and the image settings of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, a setting that is not supported, or files that contradict each other.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let config = Config::load(folder)?;
        let tokenizer = TextTokenizer::load(folder)?;
        let images = ImageProcessor::load(folder)?;
        let vision = &config.vision_config;
        let patches = (vision.image_size / vision.patch_size.max(1)).saturating_pow(2);
        let image_seq_length = images.seq_length().unwrap_or(patches);
        if image_seq_length != patches {
            return Err(ModelError::Processor {
                path: folder.join("config.json"),
                message: format!(
                    "its vision tower makes {patches} features of an image, and the image settings beside it \
                     ask for {image_seq_length}"
                ),
            });
        }
        let bos_id = tokenizer.id("<bos>")?;
        let eos_id = config.eos_ids().first().copied().unwrap_or(1);
        Ok(Self {
            tokenizer,
            images,
            image_id: config.image_token_index,
            image_seq_length,
            bos_id,
            eos_id,
        })
    }
}

impl Processor for PaliGemmaProcessor {
    /// The image tokens, `<bos>`, the text and a final newline.
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let image = image.ok_or(ModelError::NeedsImage)?;
        let prompt = prompt::paligemma(prompt, labels, text);
        let behind_image = prompt.strip_prefix(prompt::IMAGE).unwrap_or(&prompt);
        let mut input_ids = vec![self.image_id; self.image_seq_length];
        input_ids.push(self.bos_id);
        // A picture's token in a text would call for a picture of its own (the reference refuses such a text).
        let text = format!("{behind_image}\n");
        input_ids.extend(self.tokenizer.encode_without(&text, prompt::IMAGE)?);
        let pixel_values = Some(self.images.pixel_values(image));
        Ok(ModelInput {
            prompt,
            input_ids,
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
        let mut ids = self.tokenizer.encode_without(answer, prompt::IMAGE)?;
        ids.push(self.eos_id);
        Ok(ids)
    }
}
