//! The scores with their intervals, every label, and the decisions made with and without the model's answer in sight.

use egui::Ui;

use super::{Shows, figure, side_by_side};
use crate::{
    gui::{
        command::Command,
        panels::metrics,
        theme::{self, space},
        widgets,
    },
    metrics::Metrics,
};

/// Draws it.
pub fn show(ui: &mut Ui, shows: &Shows, out: &mut Vec<Command>) {
    // Both halves send commands, one after the other.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    side_by_side(
        ui,
        |ui| {
            if shows.drawn.other.is_some() {
                ui.label(theme::strong("Run A"));
            }
            metrics::scores_ui(ui, shows.bench, &mut left);
            exposure_ui(ui, shows);
        },
        |ui| {
            let height = figure::height(ui, 0.62, 0.0);
            figure::show(ui, &shows.gallery.f1_by_label(), height, &mut right);
        },
    );
    out.append(&mut left);
    out.append(&mut right);
}

/// The model's scores over decisions that saw its answer first, and over those that did not.
fn exposure_ui(ui: &mut Ui, shows: &Shows) {
    let [assisted, blind] = &shows.drawn.by_exposure;
    if assisted.n + blind.n == 0 {
        return;
    }
    ui.add_space(space::S);
    ui.label(theme::strong("By what was in sight when you decided"));
    let line = |ui: &mut Ui, name: &str, scores: &Metrics| {
        let text = match scores.n {
            0 => format!("{name}: no decision yet"),
            n => format!(
                "{name}: micro F1 {:.3}, exact {:.3}, n = {}",
                scores.f1_micro,
                scores.subset_accuracy,
                widgets::posts(n as usize)
            ),
        };
        ui.add(egui::Label::new(text).wrap());
    };
    line(ui, "The model’s answer (assisted)", assisted);
    line(ui, "Only the post (blind)", blind);
    let text =
        "Who sees an answer first tends to agree with it, so assisted scores flatter the model.";
    ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
}
