//! Models on other machines, for those who outgrow one: an endpoint that speaks the chat protocol of OpenAI (vLLM and others
//! do, with a LoRA served under its own name), or the SageMaker container that `overrule serve` is, too.
//!
//! Such a model is named like any other: `openai:http://host:8000/v1#served-name`, `sagemaker:http://host:8080`. Posts leave
//! this machine for the one named, and for no other.

mod client;
mod error;
mod openai;
mod sagemaker;

use std::{fmt, path::PathBuf, sync::Arc};

use serde_json::Value;

pub use self::{
    client::RemoteEngine,
    error::{Blame, RemoteError},
};
use super::{
    Engine, Family, LoadedModel, ModelError, ModelInfo, ModelInput, Processor, PromptStyle,
};
use crate::{image::Rgb, post::LabelNames, predict::answer::Parse};

/// The family of all of them.
pub(super) const FAMILY: Family = Family("remote");

/// What stands for the number format of a model whose own nobody tells.
pub(crate) const DTYPE: &str = "remote";

/// How an endpoint is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    /// `POST {url}/chat/completions` (<https://platform.openai.com/docs/api-reference/chat>).
    OpenAi,
    /// `POST {url}/invocations` with `{"text", "image_base64"}`.
    SageMaker,
}

/// Where a model answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    protocol: Protocol,
    /// Without a slash at its end, and without user and password.
    url: String,
    /// Which of the models there; `None` is the only one.
    model: Option<String>,
    user: Option<User>,
}

/// The user and the password of an address (`user:password`). They are sent to the endpoint and stand in no record, no message
/// and no settings.
#[derive(Clone, PartialEq, Eq)]
struct User(String);

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User(…)")
    }
}

/// A model's name as it may be shown and kept: an address in it loses its user and password.
pub fn shown_name(name: &str) -> String {
    match Endpoint::of_name(name).and_then(|endpoint| endpoint.user) {
        Some(User(user)) => name.replacen(&format!("//{user}@"), "//", 1),
        None => name.to_owned(),
    }
}

impl Endpoint {
    /// The endpoint that a model's name means, if it means one.
    pub fn of_name(name: &str) -> Option<Self> {
        let (protocol, rest) = match name.split_once(':')? {
            ("openai", rest) => (Protocol::OpenAi, rest),
            ("sagemaker", rest) => (Protocol::SageMaker, rest),
            _ => return None,
        };
        if !rest.starts_with("http://") && !rest.starts_with("https://") {
            return None;
        }
        let (url, model) = match rest.split_once('#') {
            Some((url, model)) => (
                url,
                Some(model.to_owned()).filter(|model| !model.is_empty()),
            ),
            None => (rest, None),
        };
        let (scheme, address) = url.split_once("://")?;
        let (user, address) = match user_end(address) {
            Some(end) => (
                address.get(..end).map(|user| User(user.to_owned())),
                address.get(end + 1..).unwrap_or_default(),
            ),
            None => (None, address),
        };
        let url = format!("{scheme}://{address}");
        Some(Self {
            protocol,
            url: url.trim_end_matches('/').to_owned(),
            model,
            user,
        })
    }

    /// The machine's name and port, as records call the device.
    pub fn host(&self) -> &str {
        let behind = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest);
        behind.split('/').next().unwrap_or(behind)
    }
}

/// Where the @ stands that ends the user and the password of an address without its scheme. A password may hold a slash that
/// nobody has written as %2F, which would end the host: then what stands for a port is no number.
fn user_end(address: &str) -> Option<usize> {
    let authority = address.split('/').next().unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = match authority.rsplit_once(':') {
        Some((host, port)) => is_port(port) || host.starts_with('['),
        None => true,
    };
    if is_host || authority.contains('@') {
        authority.rfind('@')
    } else {
        address.rfind('@')
    }
}

/// Connects to an endpoint: asks whether it is there, and which models it has.
///
/// # Errors
/// An endpoint that cannot be reached or has no such model.
pub(super) fn load(name: &str, endpoint: &Endpoint) -> Result<LoadedModel, ModelError> {
    let (engine, model) = RemoteEngine::connect(endpoint.clone())?;
    let name = shown_name(name);
    let shown = match (&model, &endpoint.model) {
        (Some(model), None) => format!("{name}#{model}"),
        _ => name,
    };
    Ok(LoadedModel {
        info: ModelInfo {
            name: shown,
            family: FAMILY,
            folder: PathBuf::new(),
            revision: None,
            adapter: None,
            labels: None,
            dtype: DTYPE.to_owned(),
            device: endpoint.host().to_owned(),
            parameters: 0,
            image_setting: None,
            is_demo: false,
            is_classifier: false,
        },
        processor: Arc::new(RemoteProcessor {
            protocol: endpoint.protocol,
            model,
        }),
        engine: Engine::Remote(Arc::new(engine)),
    })
}

/// Makes requests of posts.
struct RemoteProcessor {
    protocol: Protocol,
    model: Option<String>,
}

impl Processor for RemoteProcessor {
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let (prompt, request) = match self.protocol {
            Protocol::OpenAi => {
                openai::request(self.model.as_deref(), text, image, prompt, labels)?
            }
            Protocol::SageMaker => sagemaker::request(text, image)?,
        };
        Ok(ModelInput {
            prompt,
            input_ids: Vec::new(),
            pixel_values: None,
            request: Some(request),
        })
    }

    fn decode(&self, _ids: &[u32]) -> Result<String, ModelError> {
        Err(RemoteError::NoTokens.into())
    }

    fn answer_ids(&self, _answer: &str) -> Result<Vec<u32>, ModelError> {
        Err(RemoteError::NoTokens.into())
    }
}

/// What an endpoint said of a post.
#[derive(Clone, PartialEq, Debug)]
pub struct RemoteAnswer {
    /// The answer, verbatim.
    pub raw: String,
    /// The natural log of the answer's probability, where the endpoint tells.
    pub logprob: Option<f64>,
    /// The smallest gap to the second-best token, in natural-log units, where the endpoint tells.
    pub margin: Option<f64>,
    /// How many tokens it has, where the endpoint tells.
    pub n_tokens: usize,
    /// The probability of labels by name, where the endpoint tells.
    pub scores: Option<serde_json::Map<String, Value>>,
    /// The labels that the endpoint read in the answer, and how, where it tells and could: it knows the form that its model
    /// writes.
    pub read: Option<(Vec<String>, Parse)>,
}

/// A picture as a file: PNG, so that nothing of it is lost.
fn png_base64(image: &Rgb) -> Result<String, ModelError> {
    use ::image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(
            &image.data,
            image.width,
            image.height,
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| RemoteError::Picture(error.to_string()))?;
    Ok(BASE64_STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_protocol_and_an_address_is_an_endpoint() {
        for (name, expected) in [
            (
                "openai:http://gpu:8000/v1#mmhs",
                Some(("http://gpu:8000/v1", Some("mmhs"), "gpu:8000")),
            ),
            (
                "openai:https://user:secret@gpu/v1/",
                Some(("https://gpu/v1", None, "gpu")),
            ),
            (
                "sagemaker:http://a@b:c@h:1/x@y#m",
                Some(("http://h:1/x@y", Some("m"), "h:1")),
            ),
            (
                "sagemaker:http://127.0.0.1:8080",
                Some(("http://127.0.0.1:8080", None, "127.0.0.1:8080")),
            ),
            ("sagemaker:http://h#", Some(("http://h", None, "h"))),
            ("openai:gpu", None),
            ("org/name", None),
            ("C:\\models\\base", None),
            ("ftp:http://h", None),
        ] {
            let endpoint = Endpoint::of_name(name);
            let got = endpoint
                .as_ref()
                .map(|e| (e.url.as_str(), e.model.as_deref(), e.host()));
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn a_password_is_in_nothing_that_is_shown() {
        for (name, shown) in [
            (
                "openai:https://me:secret@gpu/v1#m",
                "openai:https://gpu/v1#m",
            ),
            (
                "sagemaker:http://me:secret@h/x@y/",
                "sagemaker:http://h/x@y/",
            ),
            (
                "openai:http://me:sec/secret@h:8000/v1#m",
                "openai:http://h:8000/v1#m",
            ),
            ("openai:http://[::1]:80/x@y", "openai:http://[::1]:80/x@y"),
            ("sagemaker:http://h/x@y", "sagemaker:http://h/x@y"),
            ("org/name@main", "org/name@main"),
        ] {
            assert_eq!(shown_name(name), shown);
            let endpoint = format!("{:?}", Endpoint::of_name(name));
            assert!(!endpoint.contains("secret"), "{endpoint}");
        }
    }
}
