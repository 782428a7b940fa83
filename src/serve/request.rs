//! What a client sends, checked and made ready, and what it gets.

use base64::{Engine as _, engine::GeneralPurpose, engine::general_purpose};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Service;
use crate::{
    causes::with_causes,
    image::{self, Rgb},
    model::{ModelError, ModelInput, Processor},
    post::LabelNames,
    predict::prediction::Prediction,
};

/// Base64 with or without what fills it up, as clients write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    general_purpose::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// Why a request gets no labels: a status of HTTP and a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The body that says so.
    pub fn body(&self) -> String {
        serde_json::json!({"error": self.message}).to_string()
    }
}

/// A post as a client sends it.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    image_base64: Option<String>,
}

/// Reads a request's body and makes the model's input of it.
pub(super) fn prepare(
    body: &[u8],
    processor: &dyn Processor,
    service: &Service,
) -> Result<ModelInput, Refusal> {
    let no_post = |why: &dyn std::fmt::Display| {
        Refusal::new(
            400,
            format!("the body is not {{\"text\": …, \"image_base64\": …}} in JSON: {why}"),
        )
    };
    // A list would be taken for the two fields in their order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(no_post(&"it is a list; send one post at a time"));
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| no_post(&error))?;
    let text = body.text.unwrap_or_default();
    let encoded = body
        .image_base64
        .filter(|encoded| !encoded.trim().is_empty());
    if text.trim().is_empty() && encoded.is_none() {
        return Err(Refusal::new(
            400,
            "the post has neither a text nor an image",
        ));
    }
    let picture = encoded
        .filter(|_| processor.sees_images())
        .map(|encoded| picture(&encoded, service.max_pixels))
        .transpose()?;
    let prepared = processor.prepare(
        &text,
        picture.as_ref(),
        service.prompt,
        &service.answers.labels,
    );
    prepared.map_err(|error| match error {
        ModelError::Candle(_) => Refusal::new(500, with_causes(&error)),
        error => Refusal::new(422, with_causes(&error)),
    })
}

/// An image in base64, alone or as a `data:` address.
fn picture(encoded: &str, max_pixels: u64) -> Result<Rgb, Refusal> {
    let encoded = encoded.trim();
    let encoded = match encoded.strip_prefix("data:") {
        Some(address) => address.split_once(',').map_or("", |(_, content)| content),
        None => encoded,
    };
    let bytes = BASE64
        .decode(encoded)
        .map_err(|error| Refusal::new(400, format!("image_base64 is not base64: {error}")))?;
    let unreadable = |fault| Refusal::new(422, format!("image_base64: {}", with_causes(&fault)));
    let (width, height) = image::dimensions(&bytes).map_err(unreadable)?;
    if u64::from(width) * u64::from(height) > max_pixels {
        let message =
            format!("the image has {width} × {height} pixels, and at most {max_pixels} are taken");
        return Err(Refusal::new(413, message));
    }
    image::decode_bytes(&bytes).map_err(unreadable)
}

/// What a client gets for a post.
#[derive(Serialize)]
pub(super) struct Reply<'a> {
    labels: Vec<&'a str>,
    raw_generation: &'a str,
    /// `clean`, `salvaged` or `failed`.
    parse: &'a crate::predict::answer::Parse,
    /// The probability of each label, if computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Map<String, Value>>,
}

impl<'a> Reply<'a> {
    pub fn new(prediction: &'a Prediction, labels: &'a LabelNames) -> Self {
        let scores = prediction.scores.as_ref().map(|scores| {
            let named = labels.iter().zip(scores);
            named
                .map(|(name, score)| (name.to_owned(), score.p.into()))
                .collect()
        });
        Self {
            labels: labels.names_of(prediction.labels),
            raw_generation: &prediction.raw,
            parse: &prediction.parse,
            scores,
        }
    }
}
