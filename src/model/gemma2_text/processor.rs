//! From a post's text to token ids, and from generated ids back to text.

use std::path::Path;

use super::{answer, config::END_OF_TURN};
use crate::{
    image::Rgb,
    model::{ModelError, ModelInput, Processor, PromptStyle},
    post::{LabelNames, LabelSet},
    predict::{answer::ParsedAnswer, prompt, tokenizer::TextTokenizer},
};

/// Gemma's tokenizer and the prompt of the Korean adapter.
pub struct Gemma2Processor {
    tokenizer: TextTokenizer,
    bos_id: u32,
    end_of_turn_id: u32,
}

impl Gemma2Processor {
    /// Reads `tokenizer.json` of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let tokenizer = TextTokenizer::load(folder)?;
        Ok(Self {
            bos_id: tokenizer.id("<bos>")?,
            end_of_turn_id: tokenizer.id(END_OF_TURN)?,
            tokenizer,
        })
    }
}

impl Processor for Gemma2Processor {
    /// `<bos>` and the one turn. The model was trained with this prompt alone, so the card's style gives it, too; labels and
    /// image have no place in it.
    fn prepare(
        &self,
        text: &str,
        _: Option<&Rgb>,
        _: PromptStyle,
        _: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let marked = prompt::gemma2(&self.tokenizer.cut_special(text));
        let mut input_ids = vec![self.bos_id];
        input_ids.extend(self.tokenizer.encode_cut(&marked)?);
        Ok(ModelInput {
            prompt: TextTokenizer::without_cuts(&marked),
            input_ids,
            pixel_values: None,
            request: None,
        })
    }

    fn sees_images(&self) -> bool {
        false
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids)
    }

    fn parse(&self, raw: &str, labels: &LabelNames) -> ParsedAnswer {
        answer::parse(raw, labels)
    }

    fn answer_text(&self, labels: &LabelNames, set: LabelSet) -> String {
        answer::text(labels, set)
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = self
            .tokenizer
            .encode_cut(&self.tokenizer.cut_special(answer))?;
        ids.push(self.end_of_turn_id);
        Ok(ids)
    }
}
