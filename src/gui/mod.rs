//! The window: the reviewer's face of the library.

use std::path::PathBuf;

use crate::{
    dataset::OpenOptions,
    model::{ModelSpec, PromptStyle},
};

/// What the window begins with.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The dataset to open: a CSV file or a folder. `None` shows the welcome page.
    pub dataset: Option<PathBuf>,
    /// How to open it.
    pub open: OpenOptions,
    /// The model to load. `None` begins without one; it can be chosen in the window.
    pub model: Option<ModelSpec>,
    /// Which prompt to use.
    pub prompt: PromptStyle,
    /// The longest answer, in tokens; 0 takes the default of 64.
    pub max_new_tokens: usize,
    /// How many posts run together; 0 takes the default of 1, which answers the post on screen soonest.
    pub batch_size: usize,
    /// The session file. `None` takes the dataset's own in the platform's data folder.
    pub session: Option<PathBuf>,
    /// The window's size in points. `None` takes the last one.
    pub size: Option<[f32; 2]>,
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// There is no display, or no OpenGL.
pub fn run(launch: Launch) -> anyhow::Result<()> {
    let _ = launch;
    todo!()
}
