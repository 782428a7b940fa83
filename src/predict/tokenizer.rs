//! Text to token ids and back, as a checkpoint's `tokenizer.json` says.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

use crate::model::ModelError;

/// A checkpoint's tokenizer.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
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
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| ModelError::Processor {
            path: path.clone(),
            message: e.to_string(),
        })?;
        // A file may carry the settings of whoever saved it; nothing is cut off or filled up here.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(tokenizer_error)?;
        Ok(Self { tokenizer, path })
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

/// The text in pieces, cut inside of every `token` (which begins with an ASCII character), so that no piece holds a whole one.
fn cut_inside<'a>(text: &'a str, token: &str) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (place, _) in text.match_indices(token) {
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
            let pieces = cut_inside(text, "<image>");
            assert_eq!(pieces.concat(), text);
            assert!(
                pieces.iter().all(|piece| !piece.contains("<image>")),
                "{text}"
            );
        }
    }
}
