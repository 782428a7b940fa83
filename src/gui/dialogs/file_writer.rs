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

/// A file being written; its outcome is what to tell the user.
pub(super) type Writing = Errand<Result<String, ExportError>>;

enum State {
    Asking,
    Writing(Writing),
    /// The file is there already; the user decides.
    Exists(PathBuf),
    Failed(String),
}

/// A file to be written.
pub(super) struct FileWriter {
    path: PathField,
    state: State,
}

impl FileWriter {
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

    /// Begins to write; `write` says what to tell the user. `wake` is called when it is done.
    pub fn start(
        &mut self,
        write: impl FnOnce() -> Result<String, ExportError> + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) {
        self.state = State::Writing(Errand::start("overrule-export", wake, write));
    }

    /// Takes a path from the system's dialog; whether there was one. While a file is written it waits.
    pub fn receive_path(&mut self) -> bool {
        if self.is_writing() {
            return false;
        }
        let received = self.path.receive();
        if received {
            self.ask_again();
        }
        received
    }

    /// Whether it is being written now.
    pub fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }

    /// What is still being written when the dialog is put away: it goes on, and somebody has to tell how it ended.
    pub fn leave(self) -> Option<Writing> {
        match self.state {
            State::Writing(written) => Some(written),
            _ => None,
        }
    }

    /// What to tell the user once the file is written.
    pub fn receive(&mut self) -> Option<String> {
        let State::Writing(written) = &self.state else {
            return None;
        };
        match written.poll()? {
            Ok(Ok(told)) => return Some(told),
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

    /// The button that writes. When it, or Enter behind the name, is pressed: where to, and whether an existing file is replaced.
    pub fn button_ui(&self, ui: &mut Ui) -> Option<(PathBuf, bool)> {
        let replace = matches!(self.state, State::Exists(_));
        let label = if replace { "Replace it" } else { "Export" };
        let path = self.path.path().filter(|_| !self.is_writing());
        let export = widgets::primary(ui, icons::ICON_FILE_DOWNLOAD, label, path.is_some());
        // Nothing is replaced by a key that was meant for the name.
        let wanted = export.clicked() || self.path.entered && !replace;
        Some((path.filter(|_| wanted)?, replace))
    }

    /// The button that puts the dialog away; whether it was pressed.
    pub fn close_ui(&self, ui: &mut Ui) -> bool {
        let label = match self.is_writing() {
            true => "Close; it goes on",
            false => "Cancel",
        };
        ui.button(label).clicked()
    }
}

/// How a file ended that nobody waited for, once it is written; an error says why it is not.
pub(super) fn outcome(written: &Writing) -> Option<Result<String, String>> {
    let told = match written.poll()? {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => Err(with_causes(&error)),
        Err(why) => Err(why),
    };
    Some(told.map_err(|why| format!("The export was not written: {why}")))
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn a_dialog_that_is_put_away_leaves_what_it_writes_and_nothing_else() {
        let idle = FileWriter::new(Path::new("here.csv"));
        assert!(!idle.is_writing() && idle.leave().is_none());

        let file = PathBuf::from("here.csv");
        for (result, told) in [
            (Ok("Exported 5 posts".to_owned()), Ok("Exported 5 posts")),
            (Err(ExportError::Exists(file)), Err("here.csv")),
        ] {
            let (go_on, waits) = bounded(1);
            let (woken, wakes) = bounded(1);
            let mut writer = FileWriter::new(Path::new("here.csv"));
            let write = move || {
                waits.recv().unwrap();
                result
            };
            writer.start(write, move || woken.send(()).unwrap());
            assert!(writer.is_writing() && writer.receive().is_none());
            let written = writer.leave().unwrap();
            assert!(outcome(&written).is_none());
            go_on.send(()).unwrap();
            wakes.recv().unwrap();
            match (outcome(&written).unwrap(), told) {
                (Ok(text), Ok(told)) => assert_eq!(text, told),
                (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                (text, _) => panic!("{text:?}"),
            }
        }
    }
}
