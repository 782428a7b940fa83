//! Opening a dataset and its session, off the frame.

use std::path::PathBuf;

use super::errand::Errand;
use crate::{
    causes::with_causes,
    dataset::{self, OpenError, OpenOptions},
    review::{
        Session,
        queue::{self, Split},
        store,
    },
};

/// What to open.
pub struct Request {
    /// The dataset, or a session file, which stands for its dataset.
    pub path: PathBuf,
    /// How to open it.
    pub options: OpenOptions,
    /// The session file; `None` takes the dataset's own.
    pub session_file: Option<PathBuf>,
    /// Where datasets have their own; `None` is the platform's folder.
    pub data_folder: Option<PathBuf>,
    /// The session that was open until now. It is closed first, off the frame, since that waits for its last write,
    /// and since it may be the very one to be opened again.
    pub previous: Option<Session>,
}

/// A dataset on its way.
pub struct Opening {
    /// What is being opened.
    pub path: PathBuf,
    opened: Errand<Result<Opened, NotOpened>>,
}

/// What was opened.
pub struct Opened {
    /// The dataset with what was done to it.
    pub session: Session,
    /// The columns that part its posts.
    pub splits: Vec<Split>,
}

impl From<Session> for Opened {
    fn from(session: Session) -> Self {
        let splits = queue::splits(session.dataset());
        Self { session, splits }
    }
}

/// Why a dataset was not opened.
pub enum NotOpened {
    /// Its pictures lie inside it; it must be unpacked first.
    Packed(PathBuf),
    /// What happened and what to do.
    Failed(String),
}

impl<E: std::error::Error> From<E> for NotOpened {
    fn from(error: E) -> Self {
        Self::Failed(with_causes(&error))
    }
}

impl Opening {
    /// Starts reading on a thread of its own; `wake` is called when it is done and when the session has news.
    pub fn start(request: Request, wake: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        let path = request.path.clone();
        let news = wake.clone();
        // Where another dataset was asked for meanwhile, this one is closed again.
        let opened = Errand::start("overrule-open", wake, || open(request, news));
        Self { path, opened }
    }

    /// What was opened, or why nothing was, once it is known.
    pub fn poll(&self) -> Option<Result<Opened, NotOpened>> {
        let opened = self.opened.poll()?;
        Some(opened.unwrap_or_else(|why| Err(NotOpened::Failed(why))))
    }
}

fn open(request: Request, wake: impl Fn() + Send + Sync + 'static) -> Result<Opened, NotOpened> {
    drop(request.previous);
    let (path, options, session_file) = if store::is_session(&request.path) {
        let about = store::dataset_of(&request.path)?;
        let recorded = about.open_options();
        let options = OpenOptions {
            labels: request.options.labels.or(recorded.labels),
            image_root: request.options.image_root.or(recorded.image_root),
            ..request.options
        };
        (about.path, options, Some(request.path))
    } else {
        (request.path, request.options, request.session_file)
    };
    let dataset = match dataset::open(&path, &options) {
        Err(OpenError::Packed(_)) => return Err(NotOpened::Packed(path)),
        opened => opened?,
    };
    let file = match session_file {
        Some(file) => file,
        None => Session::default_path(&dataset, request.data_folder)?,
    };
    Ok(Session::open(dataset.into(), &file, wake)?.into())
}
