//! Why an endpoint gave no answer, and whether the post or the endpoint is to blame.

use super::{Endpoint, Protocol};

/// The most models that a message names.
const MOST_NAMED: usize = 12;

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
    /// It was reached, and the connection ended before the answer.
    #[error(
        "{url} ended the connection before its answer was whole; look whether the service fell over"
    )]
    Cut {
        /// What was asked.
        url: String,
    },
    /// It was reached, and its answer did not come in time.
    #[error(
        "{url} did not answer within {secs} s; it may have too much to do: ask about fewer posts at once (--batch-size), and try the failed ones again"
    )]
    Slow {
        /// What was asked.
        url: String,
        /// How long it was waited for.
        secs: u64,
    },
    /// It sends its callers elsewhere.
    #[error("{url} has moved to {to}; name the address that it has now")]
    HasMoved {
        /// What was asked.
        url: String,
        /// Where it is.
        to: String,
    },
    /// A refusal.
    #[error("{url} answered {status}{}{hint}", behind_colon(message))]
    Refused {
        /// What was asked.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// What the endpoint says.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// A reply in another form than the protocol's.
    #[error("the endpoint’s answer cannot be used: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// An adapter of its own, which nobody there would hear of.
    #[error(
        "the adapter of a served model is chosen where it is served, by the name behind the #; leave out --adapter {adapter}"
    )]
    Adapter {
        /// The one that was named.
        adapter: String,
    },
    /// Several models where one has to be chosen, or not the one named.
    #[error("{url} has {}", list(models, url))]
    WhichModel {
        /// What was asked.
        url: String,
        /// What it has.
        models: Vec<String>,
    },
    /// Something else than the protocol's JSON, which a wrong address brings about.
    #[error(
        "{url} sent {found} and not JSON; check the address (of OpenAI’s protocol, most end in /v1)"
    )]
    NotJson {
        /// What was asked.
        url: String,
        /// What came, in words.
        found: String,
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

/// What a request that came to nothing says about the requests for other posts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// Nothing: it is about this post.
    Post,
    /// Not much alone: a post can bring it about, and so can an endpoint that has fallen over.
    Either,
    /// The endpoint answers nobody now.
    Endpoint,
    /// The endpoint answers nobody before the key, the address or the model’s name is another one.
    Setup,
}

impl RemoteError {
    /// Whether other posts would fare alike.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unreachable { .. } | Self::NotJson { .. } => Blame::Endpoint,
            Self::HasMoved { .. } => Blame::Setup,
            Self::Cut { .. } | Self::Slow { .. } => Blame::Either,
            Self::Refused { status, .. } => match status {
                401 | 402 | 404 | 405 | 407 | 410 => Blame::Setup,
                429 | 503 => Blame::Endpoint,
                // Some services refuse with 403 what their own filter finds in a post.
                403 | 408 | 500.. => Blame::Either,
                _ => Blame::Post,
            },
            Self::Answer { .. }
            | Self::Adapter { .. }
            | Self::WhichModel { .. }
            | Self::Picture(_)
            | Self::NoTokens
            | Self::Cancelled => Blame::Post,
        }
    }
}

fn behind_colon(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

/// What helps where an endpoint refuses with this status.
pub(super) fn hint(status: u16, endpoint: &Endpoint) -> &'static str {
    match status {
        401 | 403 if endpoint.user.is_some() => {
            "; check the user and the password in the address (a / or @ in them is written %2F or %40)"
        }
        401 | 403 if endpoint.protocol == Protocol::SageMaker => {
            "; give user and password in the address (sagemaker:http://user:password@host)"
        }
        401 | 403 => "; give the key in the environment variable OPENAI_API_KEY",
        413 => {
            "; the post is larger than the service takes: raise its limit (--max-body of overrule serve), or make the picture smaller"
        }
        404 | 405 => {
            "; check the address (of OpenAI’s protocol, most end in /v1) and the model’s name"
        }
        _ => "",
    }
}

fn list(models: &[String], url: &str) -> String {
    if models.is_empty() {
        return "no model; load one there first".to_owned();
    }
    let named = models.iter().take(MOST_NAMED).map(String::as_str);
    let more = match models.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.collect::<Vec<_>>().join(", ");
    format!("the models {named}{more}; name one of them behind a # ({url}#NAME)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_models_are_not_all_named() {
        let models: Vec<String> = (0..14).map(|n| format!("m{n}")).collect();
        let told = list(&models, "http://h/v1");
        assert!(told.contains("m10, m11 and 2 more; name one"), "{told}");
        assert!(told.ends_with("(http://h/v1#NAME)"), "{told}");
    }
}
