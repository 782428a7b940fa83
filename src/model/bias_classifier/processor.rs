//! From a post to token ids and pixels.
//!
//! Reference: `BertTokenizer(text, padding="max_length", truncation=True)`, and torchvision's `Resize`, `ToTensor` and
//! `Normalize` on a PIL image.

use std::path::Path;

use super::{config::Config, encoders};
use crate::{
    image::{Rgb, resize::Filter},
    model::{ModelError, ModelInput, Pixels, Processor, PromptStyle},
    post::LabelNames,
    predict::{image_processor::ImageProcessor, tokenizer::TextTokenizer},
};

/// ImageNet's mean and standard deviation of each channel.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// The id of `[PAD]`, which fills a text up. Every BERT vocabulary begins with it.
const PAD_ID: u32 = 0;

/// A text's tokens without what fills it up. A text ends with `[SEP]`, so nothing of it is lost.
pub fn without_filling(input_ids: &[u32]) -> &[u32] {
    let end = input_ids.iter().rposition(|id| *id != PAD_ID);
    input_ids
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}

/// The classifier's tokenizer and image settings.
pub struct BiasProcessor {
    tokenizer: TextTokenizer,
    images: ImageProcessor,
    max_length: usize,
    cls_id: u32,
    sep_id: u32,
}

impl BiasProcessor {
    /// Reads `config.json` of a model's folder and the text encoder's vocabulary.
    ///
    /// # Errors
    /// A file that is nowhere or damaged, or a setting that is not supported.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let config = Config::load(folder)?;
        let vocabulary = encoders::vocabulary(folder, &config.text_encoder_id_or_path)?;
        let tokenizer = TextTokenizer::load_wordpiece(&vocabulary)?;
        if tokenizer.id("[PAD]")? != PAD_ID {
            return Err(ModelError::Processor {
                path: vocabulary,
                message: format!("its token [PAD] has not the id {PAD_ID}"),
            });
        }
        // ToTensor divides in f32, then Normalize subtracts and divides.
        let samples = [0, 1, 2].map(|channel| {
            std::array::from_fn(|sample| (sample as f32 / 255.0 - MEAN[channel]) / STD[channel])
        });
        Ok(Self {
            images: ImageProcessor::square(config.image_size, Filter::Bilinear, samples),
            max_length: config.max_length,
            cls_id: tokenizer.id("[CLS]")?,
            sep_id: tokenizer.id("[SEP]")?,
            tokenizer,
        })
    }
}

impl Processor for BiasProcessor {
    /// `[CLS]`, the text as far as there is room, `[SEP]`, filled up with `[PAD]`. There is no prompt: the labels are the
    /// network's own. A post without image is refused, as the network fuses both; one without text is not.
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        _: PromptStyle,
        _: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let image = image.ok_or(ModelError::NeedsImage)?;
        let mut input_ids = vec![self.cls_id];
        input_ids.extend(self.tokenizer.encode(text)?);
        input_ids.truncate(self.max_length - 1);
        input_ids.push(self.sep_id);
        input_ids.resize(self.max_length, PAD_ID);
        Ok(ModelInput {
            prompt: text.to_owned(),
            input_ids,
            pixel_values: Some(self.images.pixel_values(image)),
            request: None,
        })
    }

    fn pictures(&self, pixels: &Pixels) -> Vec<Rgb> {
        self.images.picture(pixels).into_iter().collect()
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids)
    }

    fn answer_ids(&self, _: &str) -> Result<Vec<u32>, ModelError> {
        Err(ModelError::Input(
            "a classifier writes no answer".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_filling_at_the_end_is_left_out() {
        for (ids, expected) in [
            (&[2, 5, 3, 0, 0][..], &[2, 5, 3][..]),
            (&[2, 0, 3], &[2, 0, 3]),
            (&[0, 0], &[]),
            (&[], &[]),
        ] {
            assert_eq!(without_filling(ids), expected);
        }
    }
}
