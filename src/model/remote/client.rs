//! Asking an endpoint: time limits, tries, and what its refusals mean.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use super::{Endpoint, Protocol, RemoteAnswer, User, openai, sagemaker};

/// The key of an endpoint that asks for one, as OpenAI's own tools take it.
const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// How long an endpoint may take to be reached.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take; a post may wait there for others.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);

/// The pauses before a request is sent again that failed for a while.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// The longest pause that an endpoint may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often a pause looks whether the answer is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// A reply is never longer.
const MOST_REPLY_BYTES: u64 = 16 << 20;

/// The most that is shown of what an endpoint says.
const MOST_MESSAGE_CHARS: usize = 300;

/// Why an endpoint gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// Nobody answers there, or not in time.
    #[error("{url} cannot be reached: {reason}; check the address, and that the service runs")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// A refusal.
    #[error("{url} answered {status}: {message}{}", hint(*status))]
    Refused {
        /// What was asked.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// What the endpoint says.
        message: String,
    },
    /// A reply in another form than the protocol's.
    #[error("the endpoint’s answer cannot be used: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// Several models where one has to be chosen, or not the one named.
    #[error("{url} has {}; name one of them behind a # ({url}#NAME)", list(models))]
    WhichModel {
        /// What was asked.
        url: String,
        /// What it has.
        models: Vec<String>,
    },
    /// A picture that could not be written down.
    #[error("the picture could not be sent: {0}")]
    Picture(String),
    /// Tokens of a model that is elsewhere.
    #[error("the tokens of a model on another machine are not known here")]
    NoTokens,
    /// Nobody waits for the answer any more.
    #[error("cancelled")]
    Cancelled,
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => "; give the key in the environment variable OPENAI_API_KEY",
        404 => "; check the address and the model’s name",
        _ => "",
    }
}

fn list(models: &[String]) -> String {
    match models {
        [] => "no model".to_owned(),
        models => format!("the models {}", models.join(", ")),
    }
}

/// Asks one endpoint, from any thread.
pub struct RemoteEngine {
    endpoint: Endpoint,
    agent: Agent,
    key: Option<String>,
    /// Whether the endpoint refused to tell probabilities of tokens.
    without_logprobs: AtomicBool,
}

impl RemoteEngine {
    /// Connects, and tells which model answers, where the protocol has a name for it.
    pub(super) fn connect(endpoint: Endpoint) -> Result<(Self, Option<String>), RemoteError> {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(REACH_TIMEOUT))
            .timeout_connect(Some(REACH_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("overrule/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let key = std::env::var(KEY_VARIABLE).ok();
        let engine = Self {
            agent,
            key: key
                .map(|key| key.trim().to_owned())
                .filter(|key| !key.is_empty()),
            endpoint,
            without_logprobs: AtomicBool::new(false),
        };
        let model = match engine.endpoint.protocol {
            Protocol::OpenAi => Some(engine.choose_model()?),
            Protocol::SageMaker => {
                engine.get("/ping")?;
                None
            }
        };
        Ok((engine, model))
    }

    /// The model that was named, or the only one there.
    fn choose_model(&self) -> Result<String, RemoteError> {
        let models = openai::models(&self.get("/models")?);
        match (&self.endpoint.model, models.as_slice()) {
            (Some(wanted), models) if models.contains(wanted) => Ok(wanted.clone()),
            (None, [only]) => Ok(only.clone()),
            _ => Err(RemoteError::WhichModel {
                url: self.endpoint.url.clone(),
                models,
            }),
        }
    }

    /// The answer to a request that the model's processor has made.
    ///
    /// # Errors
    /// What the endpoint refuses, and what it could not do in several tries.
    pub fn answer(
        &self,
        request: &Value,
        max_new_tokens: usize,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<RemoteAnswer, RemoteError> {
        match self.endpoint.protocol {
            Protocol::SageMaker => {
                sagemaker::answer(&self.post("/invocations", request, cancelled)?)
            }
            Protocol::OpenAi => {
                let mut request = request.clone();
                request["max_tokens"] = max_new_tokens.into();
                if self.without_logprobs.load(Ordering::Relaxed) {
                    forget_logprobs(&mut request);
                }
                let reply = match self.post("/chat/completions", &request, cancelled) {
                    // Not every server tells them.
                    Err(RemoteError::Refused {
                        status: 400 | 422,
                        message,
                        ..
                    }) if message.contains("logprobs") && request.get("logprobs").is_some() => {
                        self.without_logprobs.store(true, Ordering::Relaxed);
                        forget_logprobs(&mut request);
                        self.post("/chat/completions", &request, cancelled)?
                    }
                    reply => reply?,
                };
                openai::answer(&reply)
            }
        }
    }

    fn get(&self, path: &str) -> Result<Value, RemoteError> {
        let url = format!("{}{path}", self.endpoint.url);
        let request = self.authorised(self.agent.get(&url));
        self.read(&url, request.call())
            .map_err(|failed| failed.error)
    }

    fn post(
        &self,
        path: &str,
        body: &Value,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Value, RemoteError> {
        let url = format!("{}{path}", self.endpoint.url);
        let body = body.to_string();
        let mut pauses = PAUSES.into_iter();
        loop {
            if cancelled() {
                return Err(RemoteError::Cancelled);
            }
            let request = self.authorised(self.agent.post(&url));
            let request = request.header("Content-Type", "application/json");
            let failed = match self.read(&url, request.send(&body)) {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let (Some(pause), true) = (pauses.next(), failed.may_pass) else {
                return Err(failed.error);
            };
            wait(
                failed.retry_after.unwrap_or(pause).min(LONGEST_PAUSE),
                cancelled,
            );
        }
    }

    fn authorised<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match (&self.endpoint.user, &self.key) {
            // What the address itself says, as <https://www.rfc-editor.org/rfc/rfc7617> has it.
            (Some(User(user)), _) => {
                let colon = if user.contains(':') { "" } else { ":" };
                let user = BASE64_STANDARD.encode(format!("{user}{colon}"));
                request.header("Authorization", format!("Basic {user}"))
            }
            (None, Some(key)) if self.endpoint.protocol == Protocol::OpenAi => {
                request.header("Authorization", format!("Bearer {key}"))
            }
            _ => request,
        }
    }

    fn read(
        &self,
        url: &str,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<Value, Failed> {
        let unreachable = |error: ureq::Error| Failed {
            error: RemoteError::Unreachable {
                url: url.to_owned(),
                reason: error.to_string(),
            },
            may_pass: true,
            retry_after: None,
        };
        let mut response = response.map_err(unreachable)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = response
            .body_mut()
            .with_config()
            .limit(MOST_REPLY_BYTES)
            .read_to_string();
        let body = body.map_err(unreachable)?;
        if !(200..300).contains(&status) {
            return Err(Failed {
                error: RemoteError::Refused {
                    url: url.to_owned(),
                    status,
                    message: message(&body),
                },
                may_pass: matches!(status, 408 | 429 | 500..),
                retry_after: retry_after.map(Duration::from_secs),
            });
        }
        if body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|error| Failed {
            error: RemoteError::Answer {
                reason: format!("it is not JSON ({error})"),
            },
            may_pass: false,
            retry_after: None,
        })
    }
}

/// A request that came to nothing.
struct Failed {
    error: RemoteError,
    /// Whether it may go better a little later.
    may_pass: bool,
    /// When the endpoint asks to come again.
    retry_after: Option<Duration>,
}

fn forget_logprobs(request: &mut Value) {
    if let Some(fields) = request.as_object_mut() {
        fields.remove("logprobs");
        fields.remove("top_logprobs");
    }
}

/// What a refusal says: the message of its JSON, else its beginning.
fn message(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let of_json = json.as_ref().and_then(|json| {
        let error = json.get("error")?;
        error.get("message").unwrap_or(error).as_str()
    });
    let text = of_json.unwrap_or(body).trim();
    text.chars().take(MOST_MESSAGE_CHARS).collect()
}

/// Waits, but not for a time when nobody wants the answer any more.
fn wait(pause: Duration, cancelled: &dyn Fn() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < pause && !cancelled() {
        // What the endpoint asks for is time.
        let _ = crossbeam_channel::after(LOOK.min(pause)).recv();
    }
}
