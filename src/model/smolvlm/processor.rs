//! From a post to token ids and tiles, and from generated ids back to text.
//!
//! Reference: transformers' `models/idefics3/processing_idefics3.py`.

use std::path::Path;

use serde::Deserialize;

use super::{
    Config,
    image_processor::{ImageProcessor, Tiles},
};
use crate::{
    image::Rgb,
    model::{
        ImageSplitting, ModelError, ModelInput, Pixels, Processor, PromptStyle,
        files::read_json_if_present,
    },
    post::LabelNames,
    predict::{
        chat_template::{ChatTemplate, Part},
        prompt::{self, ImagePlace},
        tokenizer::TextTokenizer,
    },
};

/// What stands around every tile's tokens.
const AROUND: &str = "<fake_token_around_image>";

/// What stands before the tokens of the tile that shows all of the image.
const WHOLE: &str = "<global-img>";

/// The turn of the assistant begins with one space.
const BEFORE_ANSWER: &str = " ";

/// SmolVLM's chat template, tokenizer and image settings.
pub struct SmolVlmProcessor {
    chat_template: ChatTemplate,
    tokenizer: TextTokenizer,
    images: ImageProcessor,
    tokens_of_a_tile: usize,
    eos_id: u32,
}

#[derive(Deserialize)]
struct ProcessorConfig {
    image_seq_len: Option<usize>,
}

impl SmolVlmProcessor {
    /// Reads `config.json`, the chat template, `tokenizer.json` and the image settings of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, a setting that is not supported, or files that contradict each other.
    pub fn load(folder: &Path, splitting: ImageSplitting) -> Result<Self, ModelError> {
        let config = Config::load(folder)?;
        let tokenizer = TextTokenizer::load(folder)?;
        let images = ImageProcessor::load(folder, splitting)?;
        let contradiction = |message: String| ModelError::Processor {
            path: folder.join("config.json"),
            message,
        };
        let image_id = tokenizer.id(prompt::IMAGE)?;
        if image_id != config.image_token_id {
            return Err(contradiction(format!(
                "its image_token_id is {}, and {} is the token {image_id} of tokenizer.json",
                config.image_token_id,
                prompt::IMAGE
            )));
        }
        let tile = images.tile_side();
        let tokens = config.tokens_of_a_tile(tile).ok_or_else(|| {
            contradiction(format!(
                "the image settings make tiles of {tile} pixels, and its patches of {} do not make whole tokens of them",
                config.vision.patch_size
            ))
        })?;
        let said: Option<ProcessorConfig> =
            read_json_if_present(&folder.join("processor_config.json"))?;
        match said.and_then(|said| said.image_seq_len) {
            Some(said) if said != tokens => {
                return Err(contradiction(format!(
                    "its vision tower makes {tokens} features of a tile, and processor_config.json asks for {said}"
                )));
            }
            _ => {}
        }
        Ok(Self {
            chat_template: ChatTemplate::load(folder)?,
            tokenizer,
            images,
            tokens_of_a_tile: tokens,
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
        let image = has_image.then_some(ImagePlace::First);
        let mut messages = prompt::conversation(style, labels, text, image);
        for message in &mut messages {
            if message.content.is_empty() {
                // The published template looks at a turn's first part.
                message.content.push(Part::Text(String::new()));
            }
        }
        self.chat_template.render_cut(messages, &self.tokenizer)
    }

    /// What the image's one token stands for.
    fn image_text(&self, tiles: &Tiles) -> String {
        let tokens = prompt::IMAGE.repeat(self.tokens_of_a_tile);
        let mut text = String::new();
        for row in 1..=tiles.rows {
            for column in 1..=tiles.columns {
                text.push_str(&format!("{AROUND}<row_{row}_col_{column}>{tokens}"));
            }
            text.push('\n');
        }
        if tiles.rows > 0 {
            text.push('\n');
        }
        text + &format!("{AROUND}{WHOLE}{tokens}{AROUND}")
    }
}

impl Processor for SmolVlmProcessor {
    /// The chat template's text, its one image token replaced by the tokens of all tiles. A post without an image leaves the
    /// image out.
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let marked = self.prompt(text, image.is_some(), prompt, labels)?;
        let tiles = image.map(|image| self.images.tiles(image));
        let places = marked.matches(prompt::IMAGE).count();
        if places != usize::from(tiles.is_some()) {
            return Err(ModelError::Input(format!(
                "the chat template makes {places} places for {} image",
                usize::from(tiles.is_some())
            )));
        }
        let expanded = match &tiles {
            Some(tiles) => marked.replace(prompt::IMAGE, &self.image_text(tiles)),
            None => marked.clone(),
        };
        Ok(ModelInput {
            prompt: TextTokenizer::without_cuts(&marked),
            input_ids: self.tokenizer.encode_cut(&expanded)?,
            pixel_values: tiles.map(|tiles| tiles.pixels),
            request: None,
        })
    }

    fn image_setting(&self) -> Option<&'static str> {
        self.images.is_single_by_choice().then_some("single_tile")
    }

    fn pictures(&self, pixels: &Pixels) -> Vec<Rgb> {
        self.images.pictures(pixels)
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids)
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        let answer = format!("{BEFORE_ANSWER}{answer}");
        let mut ids = self
            .tokenizer
            .encode_cut(&self.tokenizer.cut_special(&answer))?;
        ids.push(self.eos_id);
        Ok(ids)
    }
}
