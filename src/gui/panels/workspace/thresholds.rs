//! Precision and recall of a label, and what changes when its threshold moves.

use egui::{RichText, Slider, Ui};

use super::{Moved, Shows, WorkspaceView, figure, label_ui, no_scores_ui, side_by_side};
use crate::{
    gui::{
        command::Command,
        panels::table::{self, Cell, Figure},
        theme::{self, Palette, space},
        widgets,
    },
    metrics::{
        ClassMetrics, Counts,
        analysis::LabelAnalysis,
        threshold::{Threshold, move_to},
    },
    review::queue::Filter,
};

/// Draws it.
pub fn show(ui: &mut Ui, shows: &Shows, view: &mut WorkspaceView, out: &mut Vec<Command>) {
    let label = view.label;
    let Some(found) = shows.drawn.run.analysis.labels.get(label) else {
        return;
    };
    let threshold = view.thresholds.get(&label).copied();
    let mut threshold = threshold.unwrap_or(Threshold::HALF);
    let n = found.ranking.n();
    ui.horizontal_wrapped(|ui| {
        label_ui(ui, shows, view);
        if n > 0 {
            slider_ui(ui, found, &mut threshold);
        }
    });
    if n == 0 {
        no_scores_ui(ui);
        return;
    }
    // The choice above may have gone on to another label.
    if view.label != label {
        return;
    }
    view.thresholds.insert(label, threshold);
    change_ui(ui, shows, view, (label, found, threshold), out);
    if found.ranking.positives() == 0 {
        let text = "No compared post has this label, so there is no precision or recall to draw.";
        ui.label(RichText::new(text).color(Palette::from_ui(ui).weak));
        return;
    }
    ui.add_space(space::S);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let gallery = &shows.gallery;
    side_by_side(
        ui,
        |ui| {
            let figure = gallery.precision_recall(label, Some(threshold));
            figure::show(ui, &figure, figure::height(ui, 0.7, 170.0), &mut left);
        },
        |ui| {
            let figure = gallery.thresholds(label, Some(threshold));
            figure::show(ui, &figure, figure::height(ui, 0.7, 170.0), &mut right);
        },
    );
    out.append(&mut left);
    out.append(&mut right);
}

/// The slider, and the thresholds that are worth a jump.
fn slider_ui(ui: &mut Ui, found: &LabelAnalysis, threshold: &mut Threshold) {
    let mut p = threshold.p();
    ui.label("Threshold");
    ui.spacing_mut().slider_width = (ui.available_width() * 0.3).clamp(100.0, 320.0);
    let slider = Slider::new(&mut p, 0.0..=1.0)
        .step_by(0.0001)
        .fixed_decimals(4);
    let response = ui.add(slider).accessible_name("Threshold");
    if response.changed() {
        *threshold = Threshold::new(p);
    }
    if ui.button("0.5").on_hover_text("One half").clicked() {
        *threshold = Threshold::HALF;
    }
    if let Some(best) = &found.best {
        let text = format!("Highest F1: {:.3} at {:.4}", best.class.f1, best.threshold);
        let tooltip = format!(
            "Found on these same posts, so it flatters; check it on others. Were the probabilities calibrated, the \
             best threshold would be half of the best F1: {:.4} (Lipton and others 2014).",
            best.class.f1 / 2.0
        );
        if ui.button(text).on_hover_text(tooltip).clicked() {
            // Rounded down, so that the post which sets it stays in.
            *threshold = Threshold::at_most(best.threshold);
        }
    }
}

/// The label's figures before and after, and the posts that change.
fn change_ui(
    ui: &mut Ui,
    shows: &Shows,
    view: &mut WorkspaceView,
    (label, found, threshold): (usize, &LabelAnalysis, Threshold),
    out: &mut Vec<Command>,
) {
    let of = (shows.drawn.revision, label, threshold);
    let moved = match view.moved.take().filter(|moved| moved.of == of) {
        Some(moved) => moved,
        None => {
            let (before, after, flips) = move_to(&found.ranking, threshold);
            Moved {
                of,
                before,
                after,
                flips,
            }
        }
    };
    let flips = moved.flips;
    ui.horizontal_wrapped(|ui| {
        let basis = shows.drawn.basis;
        for (added, verb, right, wrong) in [
            (true, "get it", flips.rightly_added, flips.wrongly_added),
            (
                false,
                "lose it",
                flips.rightly_dropped,
                flips.wrongly_dropped,
            ),
        ] {
            let posts = widgets::posts((right + wrong) as usize);
            let text = format!("{posts} {verb}: {right} rightly, {wrong} wrongly");
            let button = ui.add_enabled(right + wrong > 0, egui::Button::new(&text));
            let tooltip = "Against the answers as given; click to see exactly these posts";
            if button.on_hover_text(tooltip).clicked() {
                out.push(Command::SetFilter(Filter::Flipped {
                    label,
                    threshold,
                    added: Some(added),
                    basis,
                }));
            }
        }
    });
    ui.scope(|ui| {
        ui.set_max_width(560.0);
        let names = ["The answers as given", "With this threshold"];
        let [before, after] = names.map(|name| shows.of_first(name));
        let rows = [
            (before.as_str(), row(moved.before)),
            (after.as_str(), row(moved.after)),
        ];
        table::show(ui, "threshold", ("", ""), &columns(), &rows, out);
    });
    let text = "Nothing is changed by this: it shows what would be, over posts whose probabilities are known.";
    ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    view.moved = Some(moved);
}

fn columns() -> [Figure; 6] {
    let figure = |name, tooltip| Figure::new(name, 64.0, tooltip);
    [
        figure("TP", "True positives: the label is given and true"),
        figure("FP", "False positives: given, not true"),
        figure("FN", "False negatives: true, not given"),
        figure("Precision", "TP / (TP + FP)"),
        figure("Recall", "TP / (TP + FN)"),
        figure("F1", "The harmonic mean of precision and recall"),
    ]
}

fn row(counts: Counts) -> Vec<Cell> {
    let class = ClassMetrics::from(&counts);
    let count = |n: u64| Cell::new(widgets::thousands(n as usize));
    let share = |value: f64| Cell::new(format!("{value:.3}"));
    vec![
        count(class.tp),
        count(class.fp),
        count(class.fn_),
        share(class.precision),
        share(class.recall),
        share(class.f1),
    ]
}
