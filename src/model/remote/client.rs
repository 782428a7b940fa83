//! Asking an endpoint: time limits, tries, and what it says when it refuses.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use ureq::{Agent, Body, Timeout, http::Response};

use super::{Endpoint, Protocol, RemoteAnswer, RemoteError, User, error::hint, openai, sagemaker};
use crate::model::proxy;

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
            .proxy(proxy::of(&endpoint.url))
            .http_status_as_error(false)
            .timeout_resolve(Some(REACH_TIMEOUT))
            .timeout_connect(Some(REACH_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            // A post that is sent on comes as a question without a post.
            .max_redirects(0)
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
        mut request: Value,
        max_new_tokens: usize,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<RemoteAnswer, RemoteError> {
        match self.endpoint.protocol {
            Protocol::SageMaker => {
                sagemaker::answer(&self.post("/invocations", &request, cancelled)?)
            }
            Protocol::OpenAi => {
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
        let request = self.agent.get(&url).config();
        let request = request.timeout_global(Some(REACH_TIMEOUT)).build();
        let request = self.authorised(request);
        self.read(&url, request.call(), REACH_TIMEOUT)
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
            let failed = match self.read(&url, request.send(&body), ANSWER_TIMEOUT) {
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
                request.header("Authorization", format!("Basic {}", basic(user)))
            }
            (None, Some(key)) if self.endpoint.protocol == Protocol::OpenAi => {
                request.header("Authorization", format!("Bearer {key}"))
            }
            _ => request,
        }
    }

    /// What a server says without the key and the password that it may repeat: it is shown and written down.
    fn without_secrets(&self, said: &str) -> String {
        let user = self.endpoint.user.as_ref().map(|User(user)| user.as_str());
        let password = user
            .and_then(|user| user.split_once(':'))
            .map(|(_, password)| password);
        let sent = user.map(basic);
        let secrets = [self.key.as_deref(), user, password, sent.as_deref()];
        blotted(said, secrets.into_iter().flatten())
    }

    fn read(
        &self,
        url: &str,
        response: Result<Response<Body>, ureq::Error>,
        time_limit: Duration,
    ) -> Result<Value, Failed> {
        let unreachable = |error: ureq::Error| {
            let url = match proxy::named(url) {
                Some(proxy) => format!("{url} (through the proxy {proxy})"),
                None => url.to_owned(),
            };
            let (error, may_pass) = match error {
                // What is asked again waits behind itself.
                ureq::Error::Timeout(Timeout::Global) => {
                    let secs = time_limit.as_secs();
                    (RemoteError::Slow { url, secs }, false)
                }
                // As a service that falls over in the middle has it.
                ureq::Error::Io(error) if is_cut(error.kind()) => (RemoteError::Cut { url }, true),
                ureq::Error::BodyExceedsLimit(bytes) => {
                    let reason = format!("it is longer than {} MiB", bytes >> 20);
                    (RemoteError::Answer { reason }, false)
                }
                error => {
                    let reason = match error {
                        ureq::Error::Io(error) => error.to_string(),
                        error => error.to_string(),
                    };
                    (RemoteError::Unreachable { url, reason }, true)
                }
            };
            Failed {
                error,
                may_pass,
                retry_after: None,
            }
        };
        let mut response = response.map_err(unreachable)?;
        let status = response.status().as_u16();
        if let (300..400, Some(place)) = (status, response.headers().get("location")) {
            return Err(Failed {
                error: RemoteError::HasMoved {
                    url: url.to_owned(),
                    to: String::from_utf8_lossy(place.as_bytes()).into_owned(),
                },
                may_pass: false,
                retry_after: None,
            });
        }
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
                    message: message(&self.without_secrets(&body)),
                    hint: hint(status, &self.endpoint),
                },
                may_pass: matches!(status, 408 | 429 | 500..),
                retry_after: retry_after.map(Duration::from_secs),
            });
        }
        if body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|_| Failed {
            error: RemoteError::NotJson {
                url: url.to_owned(),
                found: found(&self.without_secrets(&body)),
            },
            may_pass: false,
            retry_after: None,
        })
    }
}

fn blotted<'a>(said: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let secrets = secrets.filter(|secret| !secret.is_empty());
    secrets.fold(said.to_owned(), |said, secret| said.replace(secret, "…"))
}

/// A user of an address as HTTP sends it.
fn basic(user: &str) -> String {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |part| percent_decode_str(part).collect::<Vec<u8>>();
    BASE64_STANDARD.encode([decoded(name), decoded(password)].join(&b':'))
}

/// A request that came to nothing.
struct Failed {
    error: RemoteError,
    /// Whether it may go better a little later.
    may_pass: bool,
    /// When the endpoint asks to come again.
    retry_after: Option<Duration>,
}

fn is_cut(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        kind,
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
    )
}

fn forget_logprobs(request: &mut Value) {
    if let Some(fields) = request.as_object_mut() {
        fields.remove("logprobs");
        fields.remove("top_logprobs");
    }
}

/// What a refusal says: the message of its JSON in the places where servers put it, else its beginning.
fn message(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let of_json = json.as_ref().and_then(|json| {
        let places = ["/error/message", "/error", "/message", "/detail"];
        let mut said = places.iter().filter_map(|place| json.pointer(place));
        said.find_map(Value::as_str)
    });
    match (of_json, page_title(body)) {
        (None, Some(title)) => title,
        (said, _) => beginning(said.unwrap_or(body)),
    }
}

/// What came in place of JSON.
fn found(body: &str) -> String {
    match page_title(body) {
        Some(title) if title.is_empty() => "a web page".to_owned(),
        Some(title) => format!("a web page ({title})"),
        None => format!("“{}”", beginning(body)),
    }
}

/// The title of a web page, empty if it has none; `None` if it is no page.
fn page_title(body: &str) -> Option<String> {
    let body = body.trim_start();
    let begins = |tag: &str| {
        let start = body.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
    };
    if !begins("<html") && !begins("<!doctype html") {
        return None;
    }
    let title = body.split_once("<title>").map(|(_, title)| title);
    let title = title.and_then(|title| Some(title.split_once('<')?.0));
    Some(beginning(title.unwrap_or_default()))
}

fn beginning(text: &str) -> String {
    text.trim().chars().take(MOST_MESSAGE_CHARS).collect()
}

/// Waits, but not for a time when nobody wants the answer any more.
fn wait(pause: Duration, cancelled: &dyn Fn() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < pause && !cancelled() {
        // What the endpoint asks for is time.
        let _ = crossbeam_channel::after(LOOK.min(pause)).recv();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_a_server_repeats_is_blotted_out() {
        let said = "no: Bearer sk-1 of anna:pw";
        let secrets = ["sk-1", "", "anna:pw", "pw"];
        assert_eq!(blotted(said, secrets.into_iter()), "no: Bearer … of …");
        assert_eq!(basic("anna:p%40w"), "YW5uYTpwQHc=");
    }

    #[test]
    fn what_a_server_says_is_found_in_every_usual_form() {
        for (body, expected) in [
            (r#"{"error": {"message": "no key", "code": 1}}"#, "no key"),
            (r#"{"error": "no key"}"#, "no key"),
            (
                r#"{"object": "error", "message": "no such model"}"#,
                "no such model",
            ),
            (r#"{"detail": "Not Found"}"#, "Not Found"),
            (r#"{"detail": [1]}"#, r#"{"detail": [1]}"#),
            (
                "<HTML><head><title> 502 Bad Gateway </title>",
                "502 Bad Gateway",
            ),
            ("<!DOCTYPE html><p>hello", ""),
            (" Internal Server Error\n", "Internal Server Error"),
            ("é<", "é<"),
            ("", ""),
        ] {
            assert_eq!(message(body), expected, "{body}");
        }
        assert_eq!(
            found("<html><title>Welcome</title>"),
            "a web page (Welcome)"
        );
        assert_eq!(found("<html>"), "a web page");
        assert_eq!(found("hello"), "“hello”");
    }
}
