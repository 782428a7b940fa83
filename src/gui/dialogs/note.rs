//! The note of a post. However it is closed, short of Cancel, the text is kept.

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

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
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
            return Next::Close;
        }
        if !save && !closes {
            return Next::Stay;
        }
        if self.text.trim() != self.before.trim() {
            out.push(Command::SaveNote {
                post: self.post,
                text: self.text.clone(),
            });
        }
        Next::Close
    }
}
