//! BERT's vocabulary as a list of tokens (`vocab.txt`), for checkpoints without `tokenizer.json`.
//!
//! Reference: transformers' `models/bert/tokenization_bert.py`.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::{
    ModelError,
    files::{read_json_if_present, read_text_if_present},
};

/// The tokens that stand for no text.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The part of `tokenizer_config.json` that changes the tokens. The defaults are transformers'.
#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    do_lower_case: bool,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            do_lower_case: true,
            strip_accents: None,
            tokenize_chinese_chars: true,
        }
    }
}

/// The `tokenizer.json` that a folder's `vocab.txt` and `tokenizer_config.json` amount to; `None` without `vocab.txt`.
///
/// # Errors
/// A file that cannot be read.
pub fn tokenizer_json(folder: &Path) -> Result<Option<Vec<u8>>, ModelError> {
    let Some(text) = read_text_if_present(&folder.join("vocab.txt"))? else {
        return Ok(None);
    };
    let settings: Option<Settings> = read_json_if_present(&folder.join("tokenizer_config.json"))?;
    let settings = settings.unwrap_or_default();
    let vocab: Map<String, Value> = text
        .lines()
        .enumerate()
        .map(|(id, token)| (token.to_owned(), Value::from(id)))
        .collect();
    let special: Vec<Value> = SPECIAL
        .iter()
        .filter_map(|token| Some((vocab.get(*token)?, token)))
        .map(|(id, token)| {
            json!({
                "id": id, "content": token, "special": true,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            })
        })
        .collect();
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": settings.tokenize_chinese_chars,
            "strip_accents": settings.strip_accents,
            "lowercase": settings.do_lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": null,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocab,
        },
    });
    Ok(Some(tokenizer.to_string().into_bytes()))
}
