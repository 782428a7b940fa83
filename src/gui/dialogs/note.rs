//! The note of a post. However it is put away, short of Cancel, the text is kept.

use egui::{Key, Modifiers, TextEdit};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::gui::{command::Command, theme, widgets};

/// The editor.
pub struct NoteEditor {
    post: usize,
    text: String,
    before: String,
    focused: bool,
}

impl NoteEditor {
    pub(super) fn new(post: usize, text: String) -> Self {
        Self {
            post,
            before: text.clone(),
            text,
            focused: false,
        }
    }

    /// What keeps the text, once the editor is put away, if it is another one than before.
    pub(super) fn kept(self) -> Option<Command> {
        let is_changed = self.text.trim() != self.before.trim();
        is_changed.then_some(Command::SaveNote {
            post: self.post,
            text: self.text,
        })
    }

    pub(super) fn show(&mut self, ctx: &egui::Context) -> Next {
        let done = ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Enter));
        let (mut save, mut cancel) = (done, false);
        let title = format!("Note on post {}", widgets::thousands(self.post + 1));
        let closes = modal(ctx, &title, 460.0, |ui| {
            let edit = TextEdit::multiline(&mut self.text)
                .desired_rows(5)
                .desired_width(f32::INFINITY)
                .hint_text("What should the next reader know?");
            let response = ui.add(edit).accessible_name("Note");
            if !std::mem::replace(&mut self.focused, true) {
                response.request_focus();
            }
            ui.horizontal(|ui| {
                save |= widgets::primary(ui, icons::ICON_CHECK, "Save note", true).clicked();
                cancel = ui.button("Cancel").clicked();
                ui.label(theme::caption(ui, "Ctrl+Enter saves"));
            });
        });
        if cancel {
            self.text.clone_from(&self.before);
        }
        match save || cancel || closes {
            true => Next::Close,
            false => Next::Stay,
        }
    }
}
