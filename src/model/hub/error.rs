//! Why something could not be fetched from the Hub, and what to do about it.

use std::{io, path::PathBuf, time::Duration};

use super::{TokenSource, progress::size_text};
use crate::duration::duration_text;

/// Why something could not be fetched from the Hub.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The environment forbids the network.
    #[error(
        "“{id}” is not fetched, since {variable} is set; unset it, or name a folder that holds the model"
    )]
    Offline {
        /// What was asked for.
        id: String,
        /// The variable.
        variable: &'static str,
    },
    /// Neither a preset nor an id.
    #[error("“{name}” is neither a preset’s name nor a Hub id (org/name or org/name@revision)")]
    NoId {
        /// The name as given.
        name: String,
    },
    /// No such repository, or a private one.
    #[error(
        "the Hub ({endpoint}) has no model “{repository}”, or it is private and {}; check the spelling{}",
        whose(token.as_ref(), "is not of an account that may see it"),
        if token.is_none() { format!(", or give a token: {HOW_TO_GIVE_A_TOKEN}") } else { String::new() }
    )]
    NotFound {
        /// The repository.
        repository: String,
        /// Where the Hub is.
        endpoint: String,
        /// Where the token came from that was sent, if one was.
        token: Option<TokenSource>,
    },
    /// No such branch, tag or commit.
    #[error("“{repository}” has no revision “{revision}”; name a branch, a tag or a whole commit")]
    NoRevision {
        /// The repository.
        repository: String,
        /// The revision.
        revision: String,
    },
    /// The file was there a moment ago, or the list is wrong.
    #[error("“{repository}” has no file {file} any more; try again")]
    NoFile {
        /// The repository.
        repository: String,
        /// The file.
        file: String,
    },
    /// Only for those who have accepted its terms.
    #[error("{}", gated(page, token.as_ref(), message))]
    Gated {
        /// The repository.
        repository: String,
        /// The page where its terms are accepted.
        page: String,
        /// Where the token came from that was sent, if one was.
        token: Option<TokenSource>,
        /// What the Hub said, if anything.
        message: String,
    },
    /// A token that the Hub does not know.
    #[error(
        "the Hub does not accept the token from {token}: it is misspelt, expired or was deleted; {HOW_TO_GIVE_A_TOKEN}"
    )]
    BadToken {
        /// Where it came from.
        token: TokenSource,
    },
    /// A text that cannot be a token.
    #[error("this is no token: one is a single word of letters and digits, usually hf_…")]
    NoToken,
    /// The Hub says no for another reason.
    #[error("the Hub refused “{repository}” ({status}){}", said(message))]
    Refused {
        /// The repository.
        repository: String,
        /// The HTTP status.
        status: u16,
        /// What the Hub said, if anything.
        message: String,
    },
    /// Too many requests.
    #[error(
        "the Hub answers no more requests for now{}; try again then, or give a token, which allows more",
        wait.map(|wait| format!(" (for {})", duration_text(wait.as_secs_f64()))).unwrap_or_default()
    )]
    RateLimited {
        /// How long it asked to wait, if it did.
        wait: Option<Duration>,
    },
    /// The Hub has a fault.
    #[error(
        "the Hub ({endpoint}) has a fault of its own ({status}); try again later, what was fetched is kept"
    )]
    Server {
        /// Where the Hub is.
        endpoint: String,
        /// The HTTP status.
        status: u16,
    },
    /// Nobody answers.
    #[error(
        "the Hub ({endpoint}) cannot be reached: {reason}; check the network, what was fetched is kept"
    )]
    Unreachable {
        /// Where the Hub is.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The connection broke, again and again.
    #[error(
        "{file} came to {} of {}, then the connection broke ({reason}); run it again, it goes on from there",
        size_text(*have_bytes), size_text(*size_bytes)
    )]
    Cut {
        /// The file.
        file: String,
        /// How much of it is here.
        have_bytes: u64,
        /// How large it is.
        size_bytes: u64,
        /// How it broke.
        reason: String,
    },
    /// What came is not what was announced.
    #[error(
        "{file} is not what the Hub announced (its checksum is {got}, not {expected}); it was thrown away. Try again; if \
         it happens again, something on the way changes what is fetched"
    )]
    Checksum {
        /// The file.
        file: String,
        /// What the Hub announced.
        expected: String,
        /// What came.
        got: String,
    },
    /// An answer that makes no sense.
    #[error("the Hub ({endpoint}) gave an answer that cannot be used: {reason}; check HF_ENDPOINT")]
    Answer {
        /// Where the Hub is.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A repository without anything that runs.
    #[error(
        "“{repository}” has nothing that Overrule runs: neither an adapter (adapter_config.json with \
         adapter_model.safetensors) nor a model (config.json with safetensors or .pth weights){}",
        if others.is_empty() { String::new() } else { format!("; it has {others}") }
    )]
    NothingToRun {
        /// The repository.
        repository: String,
        /// What it has in their place.
        others: String,
    },
    /// No room.
    #[error(
        "the disk of {} is full: {} more are needed{}; free some space, or set HF_HUB_CACHE to a folder on another disk. \
         What was fetched is kept",
        folder.display(), size_text(*needed_bytes),
        free_bytes.map(|free| format!(" and {} are free", size_text(free))).unwrap_or_default()
    )]
    DiskFull {
        /// The folder of the cache.
        folder: PathBuf,
        /// What is still to be written.
        needed_bytes: u64,
        /// What is free, if that is known.
        free_bytes: Option<u64>,
    },
    /// A file could not be read or written.
    #[error("{} could not be written or read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The client could not be set up.
    #[error("the connection to the Hub could not be set up: {0}")]
    Client(String),
    /// Somebody said stop.
    #[error("stopped; what was fetched is kept, and the next time goes on from there")]
    Cancelled,
}

/// What to do without a token.
const HOW_TO_GIVE_A_TOKEN: &str = "make one at https://huggingface.co/settings/tokens and set HF_TOKEN, \
    log in with `hf auth login`, or enter it in Overrule’s window";

impl HubError {
    /// How long to wait before the same request is made again for the `tries`-th time (from 1); `None` if that is of no use.
    pub(super) fn pause(&self, tries: u32) -> Option<Duration> {
        /// So often the same thing is tried.
        const MOST_TRIES: u32 = 5;
        /// Whoever is to wait for longer is told so, and need not sit in front of it.
        const LONGEST_PAUSE: Duration = Duration::from_secs(300);
        if tries > MOST_TRIES {
            return None;
        }
        let growing = Duration::from_secs(1 << tries.saturating_sub(1).min(6));
        match self {
            Self::RateLimited { wait: Some(wait) } => (*wait <= LONGEST_PAUSE).then_some(*wait),
            Self::RateLimited { wait: None }
            | Self::Server { .. }
            | Self::Unreachable { .. }
            | Self::Cut { .. } => Some(growing),
            _ => None,
        }
    }
}

impl HubError {
    /// What to show while the same is tried again after a pause.
    pub(super) fn note(&self, pause: Duration) -> String {
        let what = match self {
            Self::RateLimited { .. } => "The Hub asks to wait",
            Self::Server { .. } => "The Hub has a fault",
            Self::Cut { .. } => "The connection broke",
            _ => "The Hub does not answer",
        };
        match pause.as_secs() {
            0 => format!("{what}; trying again"),
            secs => format!("{what}; trying again in {}", duration_text(secs as f64)),
        }
    }
}

fn whose(token: Option<&TokenSource>, what: &str) -> String {
    match token {
        Some(source) => format!("the token from {source} {what}"),
        None => "no token was given".to_owned(),
    }
}

fn gated(page: &str, token: Option<&TokenSource>, message: &str) -> String {
    let next = match token {
        None => format!("and give the token of that account: {HOW_TO_GIVE_A_TOKEN}"),
        Some(source) => format!(
            "with the account of the token from {source}. If that is done already, its owner has yet to answer, or the token \
             lacks the permission to read public gated repositories"
        ),
    };
    format!(
        "{page} is given only to those who have accepted its terms. Accept them on that page, {next}{}",
        said(message)
    )
}

fn said(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(". The Hub says: {message}"),
    }
}
