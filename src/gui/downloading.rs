//! Fetching a model from the Hub, off the frame.

use std::{fmt, path::PathBuf, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};

use super::errand::Errand;
use crate::{
    causes::with_causes,
    model::{
        ModelSpec,
        hub::{self, DownloadProgress, HubError, HubSettings, TokenSource, Want, Watch},
    },
};

/// What can be done about a download.
#[derive(Clone, PartialEq, Debug)]
pub enum DownloadStep {
    /// Fetch what a model lacks, without loading it.
    Start(ModelSpec),
    /// Stop; what came is kept.
    Stop,
    /// Go on, or try again.
    GoOn,
    /// Put away what is left of it on screen.
    Dismiss,
    /// Keep this token where the Hub's own tools keep it, and try again.
    GiveToken(Secret),
}

/// A text that is not to be seen.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A model on its way from the Hub.
pub struct Download {
    /// The model.
    pub spec: ModelSpec,
    /// Whether it is loaded as soon as it is here.
    pub loads: bool,
    /// What is fetched, for people.
    pub title: String,
    /// Where the Hub is.
    pub endpoint: String,
    /// Where its tools keep the token.
    pub token_file: PathBuf,
    /// How far it has come.
    pub progress: DownloadProgress,
    /// Whether it goes on.
    pub state: DownloadState,
}

/// Whether a download goes on.
pub enum DownloadState {
    /// It does.
    Running(Task),
    /// The user stopped it.
    Stopped,
    /// It could not go on.
    Failed(Failure),
}

/// Why a download could not go on.
#[derive(Debug)]
pub struct Failure {
    /// What happened and what to do.
    pub message: String,
    /// The page where terms are accepted, if that is what is missing.
    pub page: Option<String>,
    /// Whether another token may help, and can be given here.
    pub asks_for_token: bool,
}

/// The thread that fetches. Dropping it cancels its work.
pub struct Task {
    progress: Receiver<DownloadProgress>,
    fetched: Errand<Result<(), Failure>>,
    /// Nothing is ever sent: the thread notices that it is gone.
    _go_on: Sender<()>,
}

impl Download {
    /// Starts to fetch; `wake` is called when there is news.
    pub fn start(
        (spec, loads): (ModelSpec, bool),
        wants: Vec<Want>,
        settings: HubSettings,
        wake: impl Fn() + Clone + Send + 'static,
    ) -> Self {
        let names: Vec<&str> = wants
            .iter()
            .map(|want| want.id.repository.as_str())
            .collect();
        Self {
            spec,
            loads,
            title: names.join(" and "),
            endpoint: settings.endpoint.clone(),
            token_file: settings.token_file.clone(),
            progress: DownloadProgress::default(),
            state: DownloadState::Running(Task::start(wants, settings, wake)),
        }
    }

    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        matches!(self.state, DownloadState::Running(_))
    }

    /// Takes the news. Returns `true` once everything is here.
    pub fn poll(&mut self) -> bool {
        let DownloadState::Running(task) = &self.state else {
            return false;
        };
        if let Some(progress) = task.progress.try_iter().last() {
            self.progress = progress;
        }
        match task.fetched.poll() {
            Some(Ok(Ok(()))) => return true,
            Some(Ok(Err(failure))) => self.state = DownloadState::Failed(failure),
            Some(Err(why)) => self.state = DownloadState::Failed(Failure::fault(why)),
            None => {}
        }
        false
    }
}

impl Task {
    fn start(
        wants: Vec<Want>,
        settings: HubSettings,
        wake: impl Fn() + Clone + Send + 'static,
    ) -> Self {
        let (sender, progress) = bounded(1);
        let unseen = progress.clone();
        let (go_on, stop) = bounded(0);
        let tell = wake.clone();
        let fetch = move || {
            let mut reporter = Reporter {
                progress: sender,
                unseen,
                stop,
                wake: tell,
            };
            let fetched = hub::download(&settings, wants, &mut reporter);
            fetched.map(|_| ()).map_err(|error| Failure::from(&error))
        };
        Self {
            progress,
            fetched: Errand::start("overrule-download", wake, fetch),
            _go_on: go_on,
        }
    }
}

/// Tells the window, and notices when nobody wants the download any more.
struct Reporter<W> {
    progress: Sender<DownloadProgress>,
    /// The other end: what the window has not looked at gives way to what is newer.
    unseen: Receiver<DownloadProgress>,
    stop: Receiver<()>,
    wake: W,
}

impl<W: Fn()> Watch for Reporter<W> {
    fn progress(&mut self, progress: &DownloadProgress) -> bool {
        drop(self.unseen.try_recv());
        drop(self.progress.try_send(progress.clone()));
        (self.wake)();
        self.stop.try_recv() == Err(TryRecvError::Empty)
    }

    fn wait(&mut self, pause: Duration) -> bool {
        self.stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
    }
}

impl Failure {
    /// Nothing that the Hub said.
    fn fault(message: String) -> Self {
        Self {
            message,
            page: None,
            asks_for_token: false,
        }
    }
}

impl From<&HubError> for Failure {
    fn from(error: &HubError) -> Self {
        let (page, token) = match error {
            HubError::Gated { page, token, .. } => (Some(page.clone()), Some(token.clone())),
            HubError::BadToken { token } => (None, Some(Some(token.clone()))),
            _ => (None, None),
        };
        let message = match error {
            // A command line's advice is of no use here.
            HubError::Gated {
                repository,
                token: None,
                ..
            } => format!(
                "{repository} is given only to those who have accepted its terms. Accept them on its page, then enter \
                 a token of that account here; tokens are made at https://huggingface.co/settings/tokens"
            ),
            error => with_causes(error),
        };
        Self {
            message,
            page,
            // A variable of the environment comes before the file, and only who set it can change it.
            asks_for_token: matches!(token, Some(None | Some(TokenSource::File(_)))),
        }
    }
}
