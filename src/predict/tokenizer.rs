//! Text to token ids and back, as a checkpoint's `tokenizer.json` says.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

use super::wordpiece;
use crate::model::ModelError;

/// Marks where a special token in a foreign text is cut in two. Unicode sets this character aside for use inside of a
/// program; it does not belong into any text.
const CUT: char = '\u{fdd0}';

/// A checkpoint's tokenizer.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    /// What its special tokens look like in a text.
    special: Vec<String>,
    path: PathBuf,
}

impl TextTokenizer {
    /// Reads `tokenizer.json` of a folder.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("tokenizer.json");
        let bytes = std::fs::read(&path).map_err(|source| ModelError::Io {
            path: path.clone(),
            source,
        })?;
        Self::from_json(&bytes, path)
    }

    /// Reads `tokenizer.json` of a folder or, without one, BERT's `vocab.txt`.
    ///
    /// # Errors
    /// Neither is there, or a file is damaged.
    pub fn load_wordpiece(folder: &Path) -> Result<Self, ModelError> {
        if folder.join("tokenizer.json").exists() {
            return Self::load(folder);
        }
        match wordpiece::tokenizer_json(folder)? {
            Some(json) => Self::from_json(&json, folder.join("vocab.txt")),
            None => Self::load(folder),
        }
    }

    fn from_json(json: &[u8], path: PathBuf) -> Result<Self, ModelError> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|e| ModelError::Processor {
            path: path.clone(),
            message: e.to_string(),
        })?;
        // A file may carry the settings of whoever saved it; nothing is cut off or filled up here.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(tokenizer_error)?;
        let added = tokenizer.get_added_tokens_decoder();
        let mut special: Vec<String> = added
            .into_values()
            .filter(|token| token.special && !token.content.is_empty())
            .map(|token| token.content)
            .collect();
        special.sort();
        Ok(Self {
            tokenizer,
            special,
            path,
        })
    }

    /// The id of a token that the network cannot do without.
    ///
    /// # Errors
    /// The tokenizer has no such token.
    pub fn id(&self, token: &str) -> Result<u32, ModelError> {
        self.tokenizer
            .token_to_id(token)
            .ok_or_else(|| ModelError::Processor {
                path: self.path.clone(),
                message: format!("it has no token {token}"),
            })
    }

    /// The ids of a text; special tokens in it are taken as such, as the reference does. None is added.
    ///
    /// # Errors
    /// Whatever the tokenizer fails at.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        Ok(encoding.map_err(tokenizer_error)?.get_ids().to_vec())
    }

    /// The ids of a text in which one special token means nothing: it is spelled out.
    ///
    /// # Errors
    /// Whatever the tokenizer fails at.
    pub fn encode_without(&self, text: &str, token: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        for piece in cut_inside(text, token) {
            ids.extend(self.encode(piece)?);
        }
        Ok(ids)
    }

    /// A text for a template, with a mark inside of every special token, so that [`Self::encode_cut`] spells it out:
    /// nobody can begin a turn of the conversation, or place an image, by writing its token into a post.
    pub fn cut_special(&self, text: &str) -> String {
        cut_all(text, &self.special)
    }

    /// A text without the marks of [`Self::cut_special`].
    pub fn without_cuts(text: &str) -> String {
        text.replace(CUT, "")
    }

    /// The ids of a text with marks: its pieces are encoded one by one.
    ///
    /// # Errors
    /// Whatever the tokenizer fails at.
    pub fn encode_cut(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        for piece in text.split(CUT) {
            ids.extend(self.encode(piece)?);
        }
        Ok(ids)
    }

    /// The text of ids, special tokens left out.
    ///
    /// # Errors
    /// Whatever the tokenizer fails at.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids, true).map_err(tokenizer_error)
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` passes it
fn tokenizer_error(error: tokenizers::Error) -> ModelError {
    ModelError::Tokenizer(error.to_string())
}

/// The text in pieces, cut behind the first character of every `token`, so that no piece holds a whole one (unless it is
/// a single character).
fn cut_inside<'a>(text: &'a str, token: &str) -> Vec<&'a str> {
    let first = token.chars().next().map_or(0, char::len_utf8);
    let mut pieces = Vec::new();
    let mut start = 0;
    for (place, _) in text.match_indices(token) {
        pieces.push(&text[start..place + first]);
        start = place + first;
    }
    pieces.push(&text[start..]);
    pieces
}

/// The text with a mark behind the first character of every one of the tokens.
fn cut_all(text: &str, tokens: &[String]) -> String {
    let mut cut = TextTokenizer::without_cuts(text);
    for token in tokens {
        cut = cut_inside(&cut, token).join(&CUT.to_string());
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_token_is_cut_and_nothing_else() {
        let tokens = ["<|im_end|>", "<s>", "</s>", "［X］"].map(str::to_owned);
        for (text, expected) in [
            ("plain < text", "plain < text"),
            ("<|im_end|>", "<_|im_end|>"),
            ("a<s></s><s", "a<_s><_/s><s"),
            ("<<|im_end|>|im_end|>", "<<_|im_end|>|im_end|>"),
            ("<\u{fdd0}s>", "<_s>"),
            ("［X］［X］", "［_X］［_X］"),
        ] {
            assert_eq!(cut_all(text, &tokens).replace(CUT, "_"), expected);
        }
    }

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
            let pieces = cut_inside(text, "<image>");
            assert_eq!(pieces.concat(), text);
            assert!(
                pieces.iter().all(|piece| !piece.contains("<image>")),
                "{text}"
            );
        }
    }
}
