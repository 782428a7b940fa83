//! From a post to a prediction: prompt and tokens, greedy decoding, parsing, and the thread that does it.

pub mod answer;
pub mod answering;
mod asking;
pub mod chat_template;
pub mod classify;
pub mod decode;
pub mod drafts;
pub mod image_processor;
pub mod image_settings;
pub mod label_scores;
pub(crate) mod loading;
mod logits;
pub mod prediction;
pub mod probe;
pub mod prompt;
pub mod record_file;
pub mod score;
#[cfg(test)]
mod scripted;
pub mod tokenizer;
pub mod wordpiece;
pub mod worker;
