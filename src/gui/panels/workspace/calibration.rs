//! Whether the probabilities of a label mean what they say.

use egui::Ui;

use super::{Shows, WorkspaceView, figure, label_ui, no_scores_ui, side_by_side};
use crate::{
    gui::{
        command::Command,
        panels::table::{self, Cell, Figure},
        theme, widgets,
    },
    metrics::calibration::Reliability,
};

/// Draws it.
pub fn show(ui: &mut Ui, shows: &Shows, view: &mut WorkspaceView, out: &mut Vec<Command>) {
    label_ui(ui, shows, view);
    let found = shows.drawn.run.analysis.labels.get(view.label);
    let Some(reliability) = found.and_then(|found| found.reliability.as_ref()) else {
        no_scores_ui(ui);
        return;
    };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let label = view.label;
    side_by_side(
        ui,
        |ui| {
            let figure = shows.gallery.reliability(label);
            figure::show(ui, &figure, figure::height(ui, 0.8, 40.0), &mut left);
        },
        |ui| bins_ui(ui, shows, reliability, &mut right),
    );
    out.append(&mut left);
    out.append(&mut right);
}

fn bins_ui(ui: &mut Ui, shows: &Shows, reliability: &Reliability, out: &mut Vec<Command>) {
    let ece = format!("Expected calibration error {:.3}", reliability.ece);
    ui.label(theme::strong(shows.of_first(&ece)));
    let text = "The mean distance between what a bin says and what is so, each bin counted by its posts. With few \
                posts it looks worse than it is. Above the dotted line the model is too modest, below it too sure.";
    ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    let columns = [
        Figure::new("Posts", 52.0, "How many posts are in the bin"),
        Figure::new("Mean p", 56.0, "The mean of their probabilities"),
        Figure::new("Has it", 52.0, "The share of them that has the label"),
        Figure::new("95 %", 92.0, "The interval of that share (Wilson)"),
    ];
    let names: Vec<String> = reliability
        .bins
        .iter()
        .map(|bin| format!("{:.1}–{:.1}", bin.lo, bin.hi))
        .collect();
    let rows: Vec<(&str, Vec<Cell>)> = names
        .iter()
        .zip(&reliability.bins)
        .map(|(name, bin)| {
            let cells = vec![
                Cell::new(widgets::thousands(bin.n as usize)),
                Cell::new(format!("{:.3}", bin.mean_p)),
                Cell::new(format!("{:.3}", bin.share)),
                Cell::new(format!("{:.2}–{:.2}", bin.share_95.lo, bin.share_95.hi)),
            ];
            (name.as_str(), cells)
        })
        .collect();
    table::show(
        ui,
        "bins",
        ("Probability", "An edge belongs to the bin below it"),
        &columns,
        &rows,
        out,
    );
}
