//! The container's contract: `{"text", "image_base64"}` → `{"labels", "raw_generation"}`. The prompt is the container's own.

use serde_json::{Value, json};

use super::{RemoteAnswer, RemoteError, png_base64};
use crate::{image::Rgb, model::ModelError};

/// The prompt to look at, and the request.
pub(super) fn request(text: &str, image: Option<&Rgb>) -> Result<(String, Value), ModelError> {
    let mut request = json!({"text": text});
    let mut shown = text.to_owned();
    if let Some(image) = image {
        request["image_base64"] = png_base64(image)?.into();
        shown += " [image]";
    }
    Ok((shown, request))
}

/// What a reply says. One without `raw_generation` is taken by its labels.
pub(super) fn answer(reply: &Value) -> Result<RemoteAnswer, RemoteError> {
    let raw = match (reply["raw_generation"].as_str(), &reply["labels"]) {
        (Some(raw), _) => raw.to_owned(),
        (None, labels @ Value::Array(_)) => labels.to_string(),
        _ => {
            return Err(RemoteError::Answer {
                reason: "it has neither raw_generation nor labels".to_owned(),
            });
        }
    };
    Ok(RemoteAnswer {
        raw,
        logprob: None,
        margin: None,
        n_tokens: 0,
        scores: reply["scores"].as_object().cloned(),
    })
}
