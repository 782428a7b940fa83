//! Unpacking a dataset whose pictures lie inside a file, off the frame.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::errand::Errand;
use crate::{
    causes::with_causes,
    prepare::{self, Images, LabelsBy, Options, Prepared, Progress},
};

/// A dataset being unpacked. Dropping it stops the work; what was written is whole, and a second run goes on from there.
pub struct Unpacking {
    /// How far it has come; nothing before the first news.
    pub progress: Option<Progress>,
    news: Receiver<Progress>,
    made: Errand<Result<Prepared, String>>,
    /// Nothing is ever sent: the thread notices that it is gone.
    _go_on: Sender<()>,
}

impl Unpacking {
    /// Starts to unpack `source` into the folder `out`; `wake` is called when there is news.
    pub fn start(source: PathBuf, out: PathBuf, wake: impl Fn() + Clone + Send + 'static) -> Self {
        let (sender, news) = bounded(1);
        let unseen = news.clone();
        let (go_on, stop) = bounded::<()>(0);
        let has_news = wake.clone();
        let unpack = move || {
            let options = Options {
                out,
                images: Images::Link,
                labels_by: LabelsBy::Union,
                image_text: false,
                replace: false,
            };
            let mut told = None;
            let made = prepare::prepare(&source, &options, &mut |progress: Progress| {
                // A post takes far less than a frame: whole percents are enough.
                let percent = 100 * progress.done / progress.total.max(1);
                if told.replace(percent) != Some(percent) {
                    // What the window has not looked at gives way to what is newer.
                    let _ = unseen.try_recv();
                    let _ = sender.try_send(progress);
                    has_news();
                }
                stop.try_recv() == Err(TryRecvError::Empty)
            });
            made.map_err(|error| with_causes(&error))
        };
        Self {
            progress: None,
            news,
            made: Errand::start("overrule-unpack", wake, unpack),
            _go_on: go_on,
        }
    }

    /// Takes the news; what was made, or why nothing, once that is known.
    pub fn poll(&mut self) -> Option<Result<Prepared, String>> {
        self.progress = self.news.try_iter().last().or(self.progress);
        self.made.poll().map(Result::flatten)
    }
}
