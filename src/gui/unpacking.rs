//! Unpacking a dataset whose pictures lie inside a file, off the frame.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use crate::{
    causes::with_causes,
    prepare::{self, Images, LabelsBy, Options, Prepared, Progress},
};

/// A dataset being unpacked. Dropping it stops the work; what was written is whole, and a second run goes on from there.
pub struct Unpacking {
    /// How far it has come; nothing before the first news.
    pub progress: Option<Progress>,
    news: Receiver<Progress>,
    result: Receiver<Result<Prepared, String>>,
    /// Nothing is ever sent: the thread notices that it is gone.
    _go_on: Sender<()>,
}

impl Unpacking {
    /// Starts to unpack `source` into the folder `out`; `wake` is called when there is news.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        source: PathBuf,
        out: PathBuf,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, news) = bounded(1);
        let unseen = news.clone();
        let (done, result) = bounded(1);
        let (go_on, stop) = bounded::<()>(0);
        let task = move || {
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
                    wake();
                }
                stop.try_recv() == Err(TryRecvError::Empty)
            });
            // Nobody listens if it was stopped.
            drop(done.send(made.map_err(|error| with_causes(&error))));
            wake();
        };
        std::thread::Builder::new()
            .name("overrule-unpack".to_owned())
            .spawn(task)?;
        Ok(Self {
            progress: None,
            news,
            result,
            _go_on: go_on,
        })
    }

    /// Takes the news; what was made, or why nothing, once that is known.
    pub fn poll(&mut self) -> Option<Result<Prepared, String>> {
        self.progress = self.news.try_iter().last().or(self.progress);
        match self.result.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(
                "unpacking stopped unexpectedly; this is a fault of Overrule".to_owned(),
            )),
        }
    }
}
