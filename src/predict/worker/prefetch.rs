//! The image threads: they decode, resize and tokenise posts before the model wants them.

use std::{
    panic::{self, AssertUnwindSafe},
    thread,
    time::Instant,
};

use super::{
    control::{Chore, Context, Shared, Unprepared},
    schedule::Prepared,
};
use crate::{
    causes::{panic_message, with_causes},
    image,
    model::{ModelInput, Processor},
};

/// How many image threads there are: enough to feed a GPU where there are many cores, one where the
/// model itself needs them.
pub(super) fn threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 4).clamp(1, 4)
}

/// Prepares posts until the handle is dropped.
pub(super) fn run(shared: &Shared) {
    while let Some(chore) = shared.next_chore() {
        match chore {
            Chore::Post(unprepared) => {
                let prepared = prepare(&unprepared);
                shared.store(unprepared.generation, prepared);
            }
            Chore::Probe(task, processor) => {
                if let Some(prepared) = task.prepare(&*processor) {
                    shared.store_probe(prepared);
                }
            }
        }
    }
}

fn prepare(unprepared: &Unprepared) -> Prepared {
    let Unprepared {
        post,
        context,
        processor,
        ..
    } = unprepared;
    let start = Instant::now();
    // A fault in a decoder is the fault of one picture and must not end the thread.
    let input = panic::catch_unwind(AssertUnwindSafe(|| input(*post, context, &**processor)))
        .unwrap_or_else(|fault| {
            let reason = panic_message(&*fault);
            Err(format!("preparing this post failed unexpectedly: {reason}"))
        });
    Prepared {
        post: *post,
        input,
        image_secs: start.elapsed().as_secs_f64(),
    }
}

fn input(post: usize, context: &Context, processor: &dyn Processor) -> Result<ModelInput, String> {
    let Context {
        dataset, options, ..
    } = context;
    let post = dataset
        .posts
        .get(post)
        .ok_or("the dataset has no such post")?;
    let image = dataset
        .image_file(post)
        .filter(|_| processor.sees_images())
        .map(|file| image::decode_file(&file))
        .transpose()
        .map_err(|error| with_causes(&error))?;
    processor
        .prepare(
            &post.text,
            image.as_ref(),
            options.prompt,
            &options.answers.labels,
        )
        .map_err(|error| with_causes(&error))
}
