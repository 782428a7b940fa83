//! Looking for images that do not exist, off the frame, as soon as a dataset is open.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use crate::{
    dataset::{Dataset, find_missing_images},
    post::Problem,
};

/// How many posts are looked at together: enough for the folders to be listed once and not file by file.
const POSTS_A_LOOK: usize = 50_000;

/// How many problems are handed over at a time, so that taking them costs a frame nothing.
const PROBLEMS_A_FRAME: usize = 500;

/// A look for missing images. Dropping it ends the look.
pub struct MissingImages {
    found: Receiver<Vec<Problem>>,
}

impl MissingImages {
    /// Starts looking on a thread of its own; `wake` is called for what it finds. Without a thread nothing is found
    /// here; a missing image is then told when its post is shown or predicted.
    pub fn look(dataset: Arc<Dataset>, wake: impl Fn() + Send + 'static) -> Self {
        let (sender, found) = bounded(4);
        let task = move || {
            for first in (0..dataset.posts.len()).step_by(POSTS_A_LOOK) {
                let problems = find_missing_images(&dataset, first..first + POSTS_A_LOOK);
                for some in problems.chunks(PROBLEMS_A_FRAME) {
                    if sender.send(some.to_vec()).is_err() {
                        return; // another dataset is open by now
                    }
                    wake();
                }
            }
        };
        drop(
            std::thread::Builder::new()
                .name("overrule-missing".to_owned())
                .spawn(task),
        );
        Self { found }
    }

    /// Some of what was found, a frame's worth.
    pub fn take(&self) -> Option<Vec<Problem>> {
        self.found.try_recv().ok()
    }
}
