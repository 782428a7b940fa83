//! A path, to type or to choose in the desktop's own dialog.

use std::path::{Path, PathBuf};

use egui::{Button, Key, Ui};

use crate::gui::{
    background::waker,
    file_dialog::{Choose, FileDialog},
    widgets::{self, field},
};

/// The field and its button.
#[derive(Default)]
pub(super) struct PathField {
    /// As it stands.
    pub text: String,
    /// Whether Enter was pressed in it just now.
    pub entered: bool,
    wants_focus: bool,
    browsing: Option<FileDialog>,
}

impl PathField {
    /// Begins with a path.
    pub fn new(path: &Path) -> Self {
        Self {
            text: path.display().to_string(),
            ..Self::default()
        }
    }

    /// Takes the keyboard when it is drawn for the first time.
    #[must_use]
    pub fn with_focus(mut self) -> Self {
        self.wants_focus = true;
        self
    }

    /// The path, unless nothing stands there.
    pub fn path(&self) -> Option<PathBuf> {
        let text = self.text.trim();
        (!text.is_empty()).then(|| text.into())
    }

    /// Takes what the desktop's dialog gave; whether that was a path.
    pub fn receive(&mut self) -> bool {
        let chosen = FileDialog::take(&mut self.browsing);
        if let Some(path) = &chosen {
            self.text = path.display().to_string();
        }
        chosen.is_some()
    }

    /// Draws both in a row of their own. Returns whether something was typed.
    pub fn ui(&mut self, ui: &mut Ui, (name, hint): (&str, &str), choose: Choose) -> bool {
        widgets::row_from_right(ui, |ui| self.fill_row(ui, (name, hint), choose))
    }

    /// Draws both where a row from the right has room left.
    pub fn fill_row(&mut self, ui: &mut Ui, (name, hint): (&str, &str), choose: Choose) -> bool {
        let button = ui.add_enabled(self.browsing.is_none(), Button::new("Choose…"));
        if button.accessible_name(format!("Choose: {name}")).clicked() {
            self.browsing = Some(FileDialog::open(choose, waker(ui.ctx())));
        }
        let edit = field(&mut self.text).hint_text(hint);
        let response = ui.add(edit).accessible_name(name);
        if std::mem::take(&mut self.wants_focus) {
            response.request_focus();
        }
        self.entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        response.changed()
    }
}
