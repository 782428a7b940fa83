//! What stands in the window while no dataset is open: a welcome, a wait, or what went wrong.

use std::path::Path;

use egui::{Align2, Id, LayerId, Order, Ui};
use egui_material_icons::icons;

use super::top_bar::elided;
use crate::gui::{
    app::Work,
    command::Command,
    settings::Settings,
    theme::{self, Palette, space},
    widgets::{self, empty_state, entry},
};

/// Draws it.
pub fn show(
    ui: &mut Ui,
    work: &Work,
    settings: &Settings,
    demo: Option<&Path>,
    out: &mut Vec<Command>,
) {
    match work {
        Work::Opening(opening) => {
            let text = format!("Reading {}", opening.path.display());
            empty_state(ui, icons::ICON_HOURGLASS_EMPTY, "Opening", &text, |_| {});
        }
        Work::Failed { path, message } => {
            let title = format!("{} could not be opened", path.display());
            empty_state(ui, icons::ICON_ERROR, &title, message, |ui| {
                widgets::primary_button(ui, Command::OpenData, true, out);
                if ui.button("Try again").clicked() {
                    out.push(Command::OpenPath(path.clone()));
                }
                demo_ui(ui, demo, out);
            });
        }
        Work::None | Work::Open(_) => {
            let text = "Open a CSV file with the columns text, image_path and labels, or a folder of \
                        images. You can also drop it on this window.";
            empty_state(
                ui,
                icons::ICON_RULE,
                "Check what a model said",
                text,
                |ui| {
                    widgets::primary_button(ui, Command::OpenData, true, out);
                    demo_ui(ui, demo, out);
                    recent_ui(ui, settings, out);
                },
            );
        }
    }
}

/// Ways on for someone who has no dataset at hand.
fn demo_ui(ui: &mut Ui, demo: Option<&Path>, out: &mut Vec<Command>) {
    if let Some(demo) = demo {
        if ui.button("Open the demo").clicked() {
            out.push(Command::OpenPath(demo.to_path_buf()));
        }
        widgets::button(ui, Command::ShowTour, true, out);
    } else {
        let text = "The demo is not installed with this copy of Overrule.";
        ui.label(theme::caption(ui, text));
    }
}

fn recent_ui(ui: &mut Ui, settings: &Settings, out: &mut Vec<Command>) {
    if settings.recent_datasets.is_empty() {
        return;
    }
    ui.add_space(space::L);
    ui.label(theme::caption(ui, "Opened before"));
    for path in settings.recent_datasets.iter().take(5) {
        let text = elided(&path.display().to_string(), 60);
        if entry(ui, icons::ICON_HISTORY, &text).clicked() {
            out.push(Command::OpenPath(path.clone()));
        }
    }
}

/// Says, while a file hangs over the window, what dropping it will do.
pub fn drop_hint(ctx: &egui::Context) {
    if ctx.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let palette = Palette::of(ctx.theme());
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop_hint")));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, palette.ground.gamma_multiply(0.9));
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        "Drop to open this dataset",
        egui::FontId::new(theme::HEADING, theme::strong_family()),
        palette.text,
    );
}
