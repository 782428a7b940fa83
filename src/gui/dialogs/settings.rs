//! The settings. Every change holds at once; there is nothing to confirm.

mod blind;
mod care;
mod keys;
mod reviewer;
mod thumbnails;

use std::path::Path;

use egui::{ScrollArea, Slider, Ui};

use self::{keys::KeysView, thumbnails::ThumbnailsView};
use super::{Next, Shown, modal};
use crate::gui::{
    command::Command,
    focus,
    settings::Settings,
    theme::{self, ThemeChoice, space},
    widgets::{outlined, segmented},
};

/// A page of the settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Section {
    /// Covered pictures and texts, breaks, topics.
    #[default]
    Care,
    /// Deciding before the model's answer is seen.
    Blind,
    /// The reviewer's name.
    Reviewer,
    /// Theme, size, memory, probabilities, thumbnails.
    Window,
    /// Which key starts what.
    Keys,
}

const SECTIONS: [(Section, &str, &str); 5] = [
    (
        Section::Care,
        "Looking",
        "Blur, grey, covered texts, breaks, topics",
    ),
    (
        Section::Blind,
        "Blind review",
        "Decide before you see the model’s answer",
    ),
    (
        Section::Reviewer,
        "Reviewer",
        "Your name, and other people who decide the same posts",
    ),
    (
        Section::Window,
        "Window and model",
        "Theme, size, memory, probabilities, thumbnails",
    ),
    (Section::Keys, "Keys", "Which key starts what"),
];

/// The dialog.
pub struct SettingsDialog {
    section: Section,
    keys: KeysView,
    thumbnails: ThumbnailsView,
}

impl SettingsDialog {
    /// Begins with a page.
    pub fn new(section: Section) -> Self {
        Self {
            section,
            keys: KeysView::default(),
            thumbnails: ThumbnailsView::default(),
        }
    }

    /// Deletes the thumbnails, off the frame.
    pub(super) fn delete_thumbnails(&mut self, ctx: &egui::Context, folder: &Path) {
        self.thumbnails.delete(ctx, folder);
    }

    /// Takes what was found out off the frame. Returns what to tell the user.
    pub(super) fn receive(&mut self) -> Option<String> {
        self.thumbnails.receive()
    }

    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) -> Next {
        match self.section {
            Section::Keys => self.keys.take_key(ctx, shown.settings, out),
            // What is typed on another page is not meant for a command.
            _ => self.keys.wait_no_more(),
        }
        let closes = modal(ctx, "Settings", 620.0, |ui| {
            if let Some(chosen) = segmented(ui, "Settings", self.section, &SECTIONS) {
                self.section = chosen;
            }
            ui.add_space(space::S);
            let mut settings = shown.settings.clone();
            // Of one height, so that nothing jumps between the pages.
            let room = (ui.ctx().content_rect().height() - 190.0).min(420.0);
            ScrollArea::vertical()
                .id_salt(self.section as u8)
                .max_height(room)
                .min_scrolled_height(room)
                .auto_shrink(false)
                .show(ui, |ui| {
                    match self.section {
                        Section::Care => care::show(ui, &mut settings, shown),
                        Section::Blind => blind::show(ui, shown, out),
                        Section::Reviewer => reviewer::show(ui, &mut settings, shown, out),
                        Section::Window => {
                            window_ui(ui, &mut settings);
                            self.thumbnails.show(ui, &mut settings, shown, out);
                        }
                        Section::Keys => self.keys.show(ui, &mut settings),
                    }
                    focus::follow(ui);
                });
            if settings != *shown.settings {
                out.push(Command::ChangeSettings(Box::new(settings)));
            }
        });
        if closes { Next::Close } else { Next::Stay }
    }
}

fn window_ui(ui: &mut Ui, settings: &mut Settings) {
    let themes = [
        (ThemeChoice::System, "System", "As the desktop has it"),
        (ThemeChoice::Light, "Light", "Dark text on light ground"),
        (ThemeChoice::Dark, "Dark", "Light text on dark ground"),
    ];
    row(ui, "Theme", |ui| {
        if let Some(theme) = segmented(ui, "Theme", settings.theme, &themes) {
            settings.theme = theme;
        }
    });
    row(ui, "Size", |ui| {
        let percent = (settings.zoom * 100.0).round() as u32;
        let sizes = [75, 90, 100, 110, 125, 150, 175, 200].map(|size| (size, format!("{size} %")));
        let choices: Vec<(u32, &str, &str)> = sizes
            .iter()
            .map(|(size, text)| (*size, text.as_str(), "Size of everything; Ctrl and + or −"))
            .collect();
        if let Some(chosen) = segmented(ui, "Size", percent, &choices) {
            settings.zoom = chosen as f32 / 100.0;
        }
    });
    row(ui, "Picture memory", |ui| {
        let slider = Slider::new(&mut settings.texture_mib, 32..=4096)
            .logarithmic(true)
            .suffix(" MiB");
        ui.add(slider).accessible_name("Picture memory");
    });
    row(ui, "Probabilities", |ui| {
        outlined(ui, |ui| {
            let text = "Work out a probability for each label";
            ui.checkbox(&mut settings.scores, text);
        });
    });
    note(
        ui,
        "Without probabilities a post takes less time. It holds from the next run on.",
    );
}

/// A setting: its name at the left, how it is set behind it.
fn row(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.allocate_ui(egui::vec2(116.0, theme::ROW_HEIGHT), |ui| {
            ui.set_min_width(116.0);
            ui.label(name);
        });
        content(ui);
    });
}

/// More about the setting above, under what sets it.
fn note(ui: &mut Ui, text: &str) {
    ui.horizontal(|ui| {
        ui.add_space(116.0 + space::S);
        ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    });
}
