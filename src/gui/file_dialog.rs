//! The desktop's own file dialogs, off the frame. Where there is none (no portal, no desktop), nothing is chosen, as if the
//! user had cancelled; so every place that opens one also has a field for the path.

use std::{
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use rfd::{AsyncFileDialog, FileHandle};

use super::errand::Errand;

/// What to choose.
#[derive(Clone, Debug)]
pub enum Choose {
    /// A file of posts.
    DatasetFile,
    /// A session file.
    Session,
    /// A file of posts with labels, or a session.
    Labelled,
    /// A folder.
    Folder,
    /// A file to write, with a name to begin with.
    Save(PathBuf),
}

/// A dialog on screen.
pub struct FileDialog {
    chosen: Errand<Option<PathBuf>>,
}

impl FileDialog {
    /// Opens a dialog. Must be called on the thread of the window; it does not wait.
    pub fn open(choose: Choose, wake: impl Fn() + Send + 'static) -> Self {
        let dialog = AsyncFileDialog::new();
        let chosen = match choose {
            Choose::DatasetFile => {
                let dialog = dialog.set_title("Open data").add_filter(
                    "CSV, TSV, JSON, JSON Lines, Parquet, zip",
                    &[
                        "csv", "tsv", "txt", "json", "jsonl", "ndjson", "parquet", "zip",
                    ],
                );
                wait_for(dialog.pick_file(), wake)
            }
            Choose::Session => {
                let dialog = dialog
                    .set_title("Open a session")
                    .add_filter("Session", &["overrule"]);
                wait_for(dialog.pick_file(), wake)
            }
            Choose::Labelled => {
                let dialog = dialog.set_title("Known labels").add_filter(
                    "CSV, TSV, JSON, JSON Lines, session",
                    &["csv", "tsv", "txt", "json", "jsonl", "ndjson", "overrule"],
                );
                wait_for(dialog.pick_file(), wake)
            }
            Choose::Folder => {
                let dialog = dialog.set_title("Choose a folder");
                wait_for(dialog.pick_folder(), wake)
            }
            Choose::Save(path) => {
                let mut dialog = dialog.set_title("Export");
                if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
                    dialog = dialog.add_filter(extension.to_uppercase(), &[extension]);
                }
                if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
                    dialog = dialog.set_directory(folder);
                }
                if let Some(name) = path.file_name() {
                    dialog = dialog.set_file_name(name.to_string_lossy());
                }
                wait_for(dialog.save_file(), wake)
            }
        };
        Self { chosen }
    }

    /// `Some` once the dialog was closed: with the path, or `None` if nothing was chosen.
    pub fn poll(&self) -> Option<Option<PathBuf>> {
        // Without a thread nothing can be chosen, as if the user had cancelled.
        Some(self.chosen.poll()?.unwrap_or_default())
    }

    /// The path chosen in the dialog on screen, if there is one; a dialog that was closed is forgotten.
    pub fn take(on_screen: &mut Option<Self>) -> Option<PathBuf> {
        let chosen = on_screen.as_ref()?.poll()?;
        *on_screen = None;
        chosen
    }
}

fn wait_for(
    dialog: impl Future<Output = Option<FileHandle>> + Send + 'static,
    wake: impl FnOnce() + Send + 'static,
) -> Errand<Option<PathBuf>> {
    Errand::start("overrule-file-dialog", wake, || {
        block_on(dialog).map(|handle| handle.path().to_path_buf())
    })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
