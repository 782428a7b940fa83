//! Small pictures that are kept between runs: whether, how much of the disk they take, and a way to be rid of them.

use std::path::Path;

use egui::Ui;
use egui_material_icons::icons;

use super::{Shown, note, row};
use crate::{
    gui::{
        background::waker,
        command::Command,
        errand::Errand,
        settings::Settings,
        theme::Palette,
        widgets::{self, notice, outlined},
    },
    image::kept,
    model::hub::size_text,
};

/// What is known of them.
#[derive(Default)]
pub(super) struct ThumbnailsView {
    looking: Option<Errand<u64>>,
    deleting: Option<Errand<Result<u64, String>>>,
    /// The room that they take, in bytes, once it is known.
    bytes: Option<u64>,
    failure: Option<String>,
}

impl ThumbnailsView {
    /// Deletes them, off the frame.
    pub(super) fn delete(&mut self, ctx: &egui::Context, folder: &Path) {
        let folder = folder.to_owned();
        let work = move || {
            kept::delete_all(&folder).map_err(|error| {
                format!(
                    "not every thumbnail could be deleted ({error}); delete {} yourself",
                    folder.display()
                )
            })
        };
        self.failure = None;
        self.deleting = Some(Errand::start("overrule-delete", waker(ctx), work));
    }

    /// Takes what was found out. Returns what to tell the user.
    pub(super) fn receive(&mut self) -> Option<String> {
        match Errand::take(&mut self.looking) {
            Some(Ok(bytes)) => self.bytes = Some(bytes),
            Some(Err(message)) => self.failure = Some(message),
            None => {}
        }
        let deleted = Errand::take(&mut self.deleting)?.flatten();
        self.bytes = None;
        match deleted {
            Ok(bytes) => Some(format!("{} of thumbnails deleted", size_text(bytes))),
            Err(message) => {
                self.failure = Some(message);
                None
            }
        }
    }

    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        settings: &mut Settings,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) {
        let Some(folder) = shown.thumbnails else {
            return;
        };
        if self.bytes.is_none() && self.looking.is_none() && self.failure.is_none() {
            let folder = folder.to_owned();
            let look = move || kept::bytes_in(&folder);
            self.looking = Some(Errand::start("overrule-inventory", waker(ui.ctx()), look));
        }
        row(ui, "Thumbnails", |ui| {
            outlined(ui, |ui| {
                let text = "Keep small pictures on this disk between runs";
                ui.checkbox(&mut settings.keep_thumbnails, text);
            });
        });
        row(ui, "", |ui| {
            let bytes = self.bytes.unwrap_or(0);
            let idle = bytes > 0 && self.deleting.is_none();
            widgets::button(ui, Command::DeleteThumbnails, idle, out);
            let text = match self.bytes {
                None => "Looking how much there is".to_owned(),
                Some(bytes) => format!(
                    "{} kept, {} at most",
                    size_text(bytes),
                    size_text(kept::LIMIT_BYTES)
                ),
            };
            ui.label(text)
                .on_hover_text(format!("In {}", folder.display()));
        });
        note(
            ui,
            "Kept as they are, not blurred, in a folder that only you can read. A large dataset is quicker to look through again.",
        );
        if let Some(message) = &self.failure {
            notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, message);
        }
    }
}
