//! What every dialog that writes a file does: where to, written off the frame, and never over an existing file without
//! asking.

use std::path::{Path, PathBuf};

use egui::Ui;
use egui_material_icons::icons;

use super::path_field::PathField;
use crate::{
    causes::with_causes,
    export::ExportError,
    gui::{
        errand::Errand,
        file_dialog::Choose,
        theme::{self, Palette},
        widgets::{self, notice},
    },
};

enum State<T> {
    Asking,
    Writing(Errand<Result<T, ExportError>>),
    /// The file is there already; the user decides.
    Exists(PathBuf),
    Failed(String),
}

/// A file to be written; `T` tells what was.
pub(super) struct FileWriter<T> {
    path: PathField,
    state: State<T>,
}

impl<T: Send + 'static> FileWriter<T> {
    /// Suggests a path.
    pub fn new(path: &Path) -> Self {
        Self {
            path: PathField::new(path),
            state: State::Asking,
        }
    }

    /// The path as it stands.
    pub fn path(&self) -> &Path {
        Path::new(self.path.text.trim())
    }

    /// Takes another path. What was asked about the one before is forgotten.
    pub fn set_path(&mut self, path: &Path) {
        self.path.text = path.display().to_string();
        self.ask_again();
    }

    /// Forgets an answer: the file or what goes into it is another one now.
    pub fn ask_again(&mut self) {
        self.state = State::Asking;
    }

    /// Begins to write. `wake` is called when it is done.
    pub fn start(
        &mut self,
        write: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) {
        // The file is whole even if the dialog is closed meanwhile.
        self.state = State::Writing(Errand::start("overrule-export", wake, write));
    }

    /// Takes a path from the system's dialog; whether there was one.
    pub fn receive_path(&mut self) -> bool {
        let received = self.path.receive();
        if received {
            self.ask_again();
        }
        received
    }

    /// What was written, once, when it is.
    pub fn receive(&mut self) -> Option<T> {
        let State::Writing(written) = &self.state else {
            return None;
        };
        match written.poll()? {
            Ok(Ok(written)) => return Some(written),
            Ok(Err(ExportError::Exists(path))) => self.state = State::Exists(path),
            Ok(Err(error)) => self.state = State::Failed(with_causes(&error)),
            Err(why) => self.state = State::Failed(why),
        }
        None
    }

    /// The path, to type or to choose (a folder if `is_folder`); whether something was typed.
    pub fn path_ui(&mut self, ui: &mut Ui, is_folder: bool) -> bool {
        let choose = if is_folder {
            Choose::Folder
        } else {
            Choose::Save(self.path().to_owned())
        };
        let typed = self.path.ui(ui, ("File to write", ""), choose);
        if typed {
            self.ask_again();
        }
        typed
    }

    /// How it stands.
    pub fn state_ui(&self, ui: &mut Ui) {
        let palette = Palette::from_ui(ui);
        match &self.state {
            State::Asking => {}
            State::Writing(_) => {
                ui.label(theme::caption(ui, "Writing…"));
            }
            State::Exists(path) => {
                let text = format!("{} exists already. Replace it?", path.display());
                notice(ui, icons::ICON_WARNING, palette.warn, &text);
            }
            State::Failed(message) => {
                notice(ui, icons::ICON_ERROR, palette.bad, message);
            }
        }
    }

    /// The button that writes. When it is pressed: where to, and whether an existing file is replaced.
    pub fn button_ui(&self, ui: &mut Ui) -> Option<(PathBuf, bool)> {
        let idle = !matches!(self.state, State::Writing(_));
        let replace = matches!(self.state, State::Exists(_));
        let label = if replace { "Replace it" } else { "Export" };
        let path = self.path.path().filter(|_| idle);
        let export = widgets::primary(ui, icons::ICON_FILE_DOWNLOAD, label, path.is_some());
        Some((path.filter(|_| export.clicked())?, replace))
    }
}
