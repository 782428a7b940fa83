//! The window: the reviewer's face of the library.
//!
//! [`app`] holds everything and fixes the order of a frame; [`panels`] and [`dialogs`] draw, one file each, and send
//! [`command`]s; [`mod@bench`] is the open dataset as the window works with it; [`texture`] keeps pictures ready;
//! [`theme`] is the one place for colours and sizes; `fonts` and `bidi` make every script readable.

pub mod app;
mod background;
pub mod bench;
mod bidi;
pub mod command;
pub mod dialogs;
pub mod downloading;
mod errand;
pub mod figures;
mod file_dialog;
mod focus;
mod fonts;
pub mod guideline;
pub mod key_map;
mod key_queue;
pub mod keys;
mod missing;
mod opening;
mod pace;
pub mod panels;
mod picture;
mod scroll;
pub mod settings;
pub mod sitting;
pub mod texture;
pub mod theme;
pub mod toast;
mod unpacking;
pub mod widgets;
pub mod working;

use std::{path::PathBuf, sync::Arc};

use self::{app::App, settings::Settings};
use crate::{
    dataset::OpenOptions,
    model::{ModelSpec, PromptStyle},
    predict::{answering::DecodeMode, prediction::DEFAULT_MAX_NEW_TOKENS},
};

/// What the window begins with.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The dataset to open: a file or a folder. `None` shows the welcome page.
    pub dataset: Option<PathBuf>,
    /// How to open it.
    pub open: OpenOptions,
    /// The model to load. `None` begins without one; it can be chosen in the window.
    pub model: Option<ModelSpec>,
    /// Which prompt to use.
    pub prompt: PromptStyle,
    /// The longest answer, in tokens; 0 takes the default.
    pub max_new_tokens: usize,
    /// How answers are found.
    pub decode: DecodeMode,
    /// Whether labels get no probabilities.
    pub no_scores: bool,
    /// How many posts run together; 0 takes the default of 1, which answers the post on screen soonest.
    pub batch_size: Option<usize>,
    /// The session file. `None` takes the dataset's own in the platform's data folder.
    pub session: Option<PathBuf>,
    /// The window's size in points. `None` takes the last one.
    pub size: Option<[f32; 2]>,
}

impl Launch {
    /// How many tokens an answer may have.
    fn longest_answer(&self) -> usize {
        match self.max_new_tokens {
            0 => DEFAULT_MAX_NEW_TOKENS,
            given => given,
        }
    }
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// There is no display, or no OpenGL.
pub fn run(launch: Launch) -> anyhow::Result<()> {
    let settings = Settings::load(Settings::file().as_deref());
    let size = launch.size.unwrap_or(settings.window);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Overrule")
        .with_app_id("overrule")
        .with_inner_size(size)
        .with_min_inner_size([960.0, 620.0])
        .with_drag_and_drop(true)
        .with_icon(icon());
    let options = eframe::NativeOptions {
        viewport,
        // Ours does not end the program where there are no fonts.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "Overrule",
        options,
        Box::new(|cc| {
            cc.egui_ctx
                .add_font_provider(Arc::new(fonts::System::default()));
            Ok(Box::new(App::new(cc, launch)?))
        }),
    )
    .map_err(|error| anyhow::anyhow!("the window could not be opened: {error}"))
}

/// The picture of the window in the desktop's lists; none if it cannot be read, which nobody needs to be told.
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")).unwrap_or_default()
}
