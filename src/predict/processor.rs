//! From a post to token ids and pixels, and from generated ids back to text.
//!
//! Reference: transformers' `models/paligemma/processing_paligemma.py`.

use std::path::Path;

use tokenizers::Tokenizer;

use super::{image_processor::ImageProcessor, prompt};
use crate::{
    image::Rgb,
    model::{ModelError, ModelInput, Processor, PromptStyle, paligemma2},
    post::LabelNames,
};

/// PaliGemma's prompt, tokenizer and image settings.
pub struct PaliGemmaProcessor {
    tokenizer: Tokenizer,
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
        let config = paligemma2::Config::load(folder)?;
        let tokenizer = load_tokenizer(folder)?;
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
        let bos_id = tokenizer
            .token_to_id("<bos>")
            .ok_or_else(|| ModelError::Processor {
                path: folder.join("tokenizer.json"),
                message: "it has no token <bos>".to_owned(),
            })?;
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

    /// The ids of a text. Other special tokens in it are taken as such, as the reference does; the image token is
    /// spelled out instead, since each one would call for a picture of its own (the reference refuses such a text).
    fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        for piece in without_image_token(text) {
            let encoding = self.tokenizer.encode_fast(piece, false);
            ids.extend_from_slice(encoding.map_err(tokenizer_error)?.get_ids());
        }
        Ok(ids)
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
        input_ids.extend(self.encode(&format!("{behind_image}\n"))?);
        let pixel_values = Some(self.images.pixel_values(image));
        Ok(ModelInput {
            prompt,
            input_ids,
            pixel_values,
        })
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids, true).map_err(tokenizer_error)
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = self.encode(answer)?;
        ids.push(self.eos_id);
        Ok(ids)
    }
}

fn load_tokenizer(folder: &Path) -> Result<Tokenizer, ModelError> {
    let path = folder.join("tokenizer.json");
    let bytes = std::fs::read(&path).map_err(|source| ModelError::Io {
        path: path.clone(),
        source,
    })?;
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| ModelError::Processor {
        path,
        message: e.to_string(),
    })?;
    // A file may carry the settings of whoever saved it; nothing is cut off or filled up here.
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(tokenizer_error)?;
    Ok(tokenizer)
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` passes it
fn tokenizer_error(error: tokenizers::Error) -> ModelError {
    ModelError::Tokenizer(error.to_string())
}

/// The text in pieces, cut inside of every image token, so that no piece holds a whole one.
fn without_image_token(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (place, _) in text.match_indices(prompt::IMAGE) {
        pieces.push(&text[start..=place]);
        start = place + 1;
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_piece_holds_an_image_token_and_nothing_is_lost() {
        for text in [
            "",
            "plain",
            "<image>",
            "a <image><image> b",
            "<<image>image>",
            "<image",
            "ü<image>ü",
        ] {
            let pieces = without_image_token(text);
            assert_eq!(pieces.concat(), text);
            assert!(
                pieces.iter().all(|piece| !piece.contains("<image>")),
                "{text}"
            );
        }
    }
}
