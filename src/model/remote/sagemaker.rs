//! The container's contract: `{"text", "image_base64"}` → `{"labels", "raw_generation"}`. The prompt is the container's own.

use serde_json::{Value, json};

use super::{RemoteAnswer, RemoteError, png_base64};
use crate::{image::Rgb, model::ModelError, predict::answer::Parse};

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
        read: read(reply),
    })
}

/// The labels that the container itself read in the answer, and how. One that does not tell how, and gives no labels, may have
/// been unable to.
fn read(reply: &Value) -> Option<(Vec<String>, Parse)> {
    let names = reply["labels"].as_array()?.iter();
    let names: Vec<String> = names
        .map(|name| name.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let parse = match &reply["parse"] {
        Value::Null if names.is_empty() => return None,
        Value::Null => Parse::Clean,
        said => serde_json::from_value(said.clone()).ok()?,
    };
    (parse != Parse::Failed).then_some((names, parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_container_read_counts_only_if_it_could_read_the_answer() {
        for (reply, expected) in [
            (
                json!({"labels": ["Men"], "parse": "clean"}),
                Some((vec!["Men"], Parse::Clean)),
            ),
            (
                json!({"labels": [], "parse": "salvaged"}),
                Some((vec![], Parse::Salvaged)),
            ),
            (
                json!({"labels": ["Men"]}),
                Some((vec!["Men"], Parse::Clean)),
            ),
            (json!({"labels": [], "parse": "failed"}), None),
            (json!({"labels": []}), None),
            (json!({"labels": ["Men"], "parse": "what"}), None),
            (json!({"labels": [1]}), None),
            (json!({}), None),
        ] {
            let expected = expected.map(|(names, parse)| {
                let names = names.into_iter().map(str::to_owned).collect();
                (names, parse)
            });
            assert_eq!(read(&reply), expected, "{reply}");
        }
    }
}
