//! Choosing a dataset: a path, the desktop's dialog, one opened before, or the demo.

use std::path::PathBuf;

use egui::{Button, Key};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    gui::{
        background::waker,
        command::Command,
        file_dialog::{Choose, FileDialog},
        panels::top_bar::elided,
        settings::Settings,
        theme::{self, space},
        widgets::{self, entry, field},
    },
    resources,
};

/// The dialog.
pub struct OpenData {
    path: String,
    recent: Vec<PathBuf>,
    demo: Option<PathBuf>,
    browsing: Option<FileDialog>,
    /// What the desktop's dialog gave: opened in the next frame.
    picked: Option<PathBuf>,
    focused: bool,
}

impl OpenData {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            path: String::new(),
            recent: settings.recent_datasets.clone(),
            demo: resources::demo_dataset().ok(),
            browsing: None,
            picked: None,
            focused: false,
        }
    }

    pub(super) fn receive(&mut self) {
        if let Some(path) = FileDialog::take(&mut self.browsing) {
            self.picked = Some(path);
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut chosen = self.picked.take();
        let closes = modal(ctx, "Open data", 560.0, |ui| {
            ui.label("A CSV, JSON or Parquet file of posts, a folder of images, MMHS150K or Hateful Memes as published, or a file of Label Studio, \
                 Argilla, FiftyOne, doccano or Prodigy.",
            );
            let edit = field(&mut self.path).hint_text("Path of a file or folder");
            let response = ui.add(edit).accessible_name("Path of the dataset");
            if !std::mem::replace(&mut self.focused, true) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.horizontal(|ui| {
                let ready = !self.path.trim().is_empty();
                let open = widgets::primary(ui, icons::ICON_FOLDER_OPEN, "Open", ready).clicked();
                if ready && (open || entered) {
                    chosen = Some(PathBuf::from(self.path.trim()));
                }
                for (label, choose) in [
                    ("Choose a file…", Choose::DatasetFile),
                    ("Choose a folder…", Choose::Folder),
                ] {
                    if ui
                        .add_enabled(self.browsing.is_none(), Button::new(label))
                        .clicked()
                    {
                        self.browsing = Some(FileDialog::open(choose, waker(ui.ctx())));
                    }
                }
            });
            ui.add_space(space::S);
            if !self.recent.is_empty() {
                ui.label(theme::caption(ui, "Opened before"));
            }
            for path in &self.recent {
                let text = elided(&path.display().to_string(), 64);
                if entry(ui, icons::ICON_HISTORY, &text).clicked() {
                    chosen = Some(path.clone());
                }
            }
            if let Some(demo) = &self.demo {
                let text = "The demo: drawn pictures to try with";
                if entry(ui, icons::ICON_SCIENCE, text).clicked() {
                    chosen = Some(demo.clone());
                }
            }
        });
        if let Some(path) = chosen {
            out.push(Command::OpenPath(path));
            return Next::Close;
        }
        if closes { Next::Close } else { Next::Stay }
    }
}
