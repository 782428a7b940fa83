//! The Hub's protocol: what is asked, and what its refusals mean.

use std::{error::Error, io::Read, time::Duration};

use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{Api, ApiBuilder},
};
use ureq::{
    Agent, Body,
    config::RedirectAuthHeaders,
    http::{
        HeaderMap, Response,
        header::{AUTHORIZATION, CONTENT_RANGE, RANGE, RETRY_AFTER},
    },
};

use super::{HubError, HubId, HubSettings, Token, TokenSource, listing::Listing};
use crate::model::proxy;

/// How long the Hub may take to be found and to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may be silent before it counts as cut.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// A list of files is never longer.
const MOST_LISTING_BYTES: u64 = 64 << 20;

/// The most that is shown of what the Hub says.
const MOST_MESSAGE_CHARS: usize = 300;

/// Asks the Hub.
pub struct Client {
    /// Where it is, and who asks.
    pub settings: HubSettings,
    token: Option<Token>,
    api: Api,
    agent: Agent,
}

/// A file on its way.
pub struct Incoming {
    /// Where in the file the bytes begin.
    pub from: u64,
    /// The bytes.
    pub body: Box<dyn Read>,
}

impl Client {
    /// A client for the Hub of these settings. Nothing is asked yet.
    ///
    /// # Errors
    /// A token that cannot stand in a request.
    pub fn new(settings: HubSettings) -> Result<Self, HubError> {
        let token = settings.token();
        if let Some(token) = token.as_ref().filter(|token| !token.is_plain()) {
            return Err(HubError::BadToken {
                token: token.source.clone(),
            });
        }
        let secret = token.as_ref().map(|token| token.secret().to_owned());
        let api = ApiBuilder::from_cache(Cache::new(settings.cache.clone()))
            .with_endpoint(settings.endpoint.clone())
            .with_token(secret)
            .with_progress(false)
            .with_user_agent("overrule", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| HubError::Client(error.to_string()))?;
        let agent = Agent::config_builder()
            .proxy(proxy::of(&settings.endpoint))
            .http_status_as_error(false)
            // The token is for the Hub, not for wherever its files are kept.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_resolve(Some(ANSWER_TIMEOUT))
            .timeout_connect(Some(ANSWER_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            // A compressed answer has other lengths, and cannot be gone on with.
            .accept_encoding("identity")
            .user_agent(concat!("overrule/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self {
            settings,
            token,
            api,
            agent,
        })
    }

    /// What a revision of a repository holds.
    ///
    /// # Errors
    /// See [`HubError`].
    pub fn list(&self, id: &HubId) -> Result<Listing, HubError> {
        let request = self
            .api
            .repo(repo(id, id.revision.as_deref()))
            .info_request();
        let response = request
            .query("blobs", "true")
            .config()
            .proxy(proxy::of(&self.settings.endpoint))
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .build()
            .call()
            .map_err(|error| self.unreachable(&error))?;
        let mut response = self.accepted(response, id, None)?;
        let unusable = |reason: String| HubError::Answer {
            endpoint: self.settings.endpoint.clone(),
            reason,
        };
        let text = response
            .body_mut()
            .with_config()
            .limit(MOST_LISTING_BYTES)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        let listing: Listing = serde_json::from_slice(&text).map_err(|error| {
            unusable(format!("it is not the list of a model’s files ({error})"))
        })?;
        // It becomes the name of a folder.
        if listing.sha.len() != 40 || !listing.sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unusable(format!("“{}” is no commit", listing.sha)));
        }
        Ok(listing)
    }

    /// Opens a file of a commit from a byte on.
    ///
    /// # Errors
    /// See [`HubError`].
    pub fn open(
        &self,
        id: &HubId,
        commit: &str,
        file: &str,
        from: u64,
    ) -> Result<Incoming, HubError> {
        let url = self.api.repo(repo(id, Some(commit))).url(file);
        let mut request = self.agent.get(&url);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let response = request.call().map_err(|error| self.unreachable(&error))?;
        if response.status() == 416 && from > 0 {
            // There is nothing from there on, so what is here is of another file.
            return self.open(id, commit, file, 0);
        }
        let response = self.accepted(response, id, Some(file))?;
        let partial = response.status() == 206;
        let begins: Option<u64> = header(response.headers(), CONTENT_RANGE.as_str())
            .strip_prefix("bytes ")
            .and_then(|range| range.split('-').next()?.parse().ok());
        let from = match (partial, begins) {
            (true, Some(begins)) if begins == from => from,
            (false, _) => 0,
            _ => {
                return Err(HubError::Answer {
                    endpoint: self.settings.endpoint.clone(),
                    reason: format!("it sent another part of {file} than was asked for"),
                });
            }
        };
        Ok(Incoming {
            from,
            body: Box::new(response.into_body().into_reader()),
        })
    }

    /// The response, if it is the one hoped for.
    fn accepted(
        &self,
        response: Response<Body>,
        id: &HubId,
        file: Option<&str>,
    ) -> Result<Response<Body>, HubError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers();
        let code = header(headers, "x-error-code");
        let message = plain(header(headers, "x-error-message"), self.token.as_ref());
        let repository = id.repository.clone();
        let endpoint = self.settings.endpoint.clone();
        let token = self.token_source();
        Err(match (status.as_u16(), code) {
            (401 | 403, "GatedRepo") => HubError::Gated {
                page: format!("{endpoint}/{repository}"),
                repository,
                token,
                message,
            },
            (_, "RevisionNotFound") => HubError::NoRevision {
                repository,
                revision: id.revision.clone().unwrap_or_else(|| "main".to_owned()),
            },
            (_, "EntryNotFound") => HubError::NoFile {
                repository,
                file: file.unwrap_or("list").to_owned(),
            },
            // With a token that it does not know, the Hub says so in the message only.
            (401, "") if message.contains("Invalid") && token.is_some() => match token {
                Some(token) => HubError::BadToken { token },
                None => HubError::NoToken,
            },
            (401 | 404, _) => HubError::NotFound {
                repository,
                endpoint,
                token,
            },
            (429, _) => HubError::RateLimited {
                wait: wait_of(headers),
            },
            // A link to the storage that is out of date; the next try gets a new one.
            (403, "") if file.is_some() => HubError::Server {
                endpoint,
                status: status.as_u16(),
            },
            (500.., _) => HubError::Server {
                endpoint,
                status: status.as_u16(),
            },
            _ => HubError::Refused {
                repository,
                status: status.as_u16(),
                message,
            },
        })
    }

    /// Where the token came from that is sent.
    fn token_source(&self) -> Option<TokenSource> {
        self.token.as_ref().map(|token| token.source.clone())
    }

    fn unreachable(&self, error: &ureq::Error) -> HubError {
        let mut reason = error.to_string();
        if let Some(cause) = error.source() {
            reason = format!("{reason}: {cause}");
        }
        let endpoint = &self.settings.endpoint;
        let endpoint = match proxy::named(endpoint) {
            Some(proxy) => format!("{endpoint}, through the proxy {proxy}"),
            None => endpoint.clone(),
        };
        HubError::Unreachable { endpoint, reason }
    }
}

/// A repository as hf-hub names it.
pub fn repo(id: &HubId, revision: Option<&str>) -> Repo {
    Repo::with_revision(
        id.repository.clone(),
        RepoType::Model,
        revision.unwrap_or("main").to_owned(),
    )
}

/// How long a server asks to wait: in `Retry-After`, or as the Hub says it, in the `t` of `RateLimit` (`"api";r=0;t=55`,
/// <https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html>).
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let after = header(headers, RETRY_AFTER.as_str()).trim();
    let limit = header(headers, "ratelimit").split([';', ',']);
    let mut resets = limit.filter_map(|part| part.trim().strip_prefix("t="));
    let secs = after.parse().ok().or_else(|| resets.next()?.parse().ok())?;
    Some(Duration::from_secs(secs))
}

/// A header's text; empty if there is none.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A message of the Hub's that can be shown: one line, not long, and without the token, which a server may repeat.
fn plain(message: &str, token: Option<&Token>) -> String {
    let message = token.map_or_else(
        || message.to_owned(),
        // Before it is cut, which would leave a part of it.
        |token| message.replace(token.secret(), "…"),
    );
    message
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_MESSAGE_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_repeats_the_token_shows_no_part_of_it() {
        let token =
            HubSettings::read(|key| (key == "HF_TOKEN").then(|| "hf_secret".to_owned())).token();
        for before in [0, MOST_MESSAGE_CHARS - 4] {
            let message = format!("{}hf_secret is no token", "x".repeat(before));
            let shown = plain(&message, token.as_ref());
            assert!(shown.contains("x…") || shown.starts_with('…'), "{shown}");
            assert!(!shown.contains("hf"), "{shown}");
        }
    }

    #[test]
    fn a_server_says_in_two_ways_how_long_to_wait() {
        for (name, value, secs) in [
            ("retry-after", "7", Some(7)),
            ("ratelimit", "\"api\";r=0;t=55", Some(55)),
            ("ratelimit", "\"api\";r=0", None),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(wait_of(&headers), secs.map(Duration::from_secs), "{value}");
        }
        assert_eq!(wait_of(&HeaderMap::new()), None);
    }
}
