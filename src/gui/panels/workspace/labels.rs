//! Labels two by two, and labels of the dataset that are likely wrong.

use egui::Ui;

use super::{Shows, WorkspaceView, figure, side_by_side};
use crate::{
    gui::{command::Command, theme::space, widgets},
    review::queue::{Filter, Order},
};

/// Draws it.
pub fn show(ui: &mut Ui, shows: &Shows, view: &mut WorkspaceView, out: &mut Vec<Command>) {
    suspects_ui(ui, shows, out);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let by_model = &mut view.by_model;
    side_by_side(
        ui,
        |ui| confused_ui(ui, shows, &mut left),
        |ui| together_ui(ui, shows, by_model, &mut right),
    );
    out.append(&mut left);
    out.append(&mut right);
}

fn suspects_ui(ui: &mut Ui, shows: &Shows, out: &mut Vec<Command>) {
    let n = shows.drawn.n_suspects;
    ui.horizontal_wrapped(|ui| {
        let text = match n {
            0 => "No label of the dataset looks wrong by the model’s probabilities.".to_owned(),
            1 => "1 post has a label in the dataset that is likely wrong.".to_owned(),
            n => format!(
                "{} posts have labels in the dataset that are likely wrong.",
                widgets::thousands(n)
            ),
        };
        ui.label(text).on_hover_text(
            "Confident learning (Northcutt and others 2021), each label on its own: the model is surer of the \
             opposite than it is on average where the dataset agrees. A model trained on these posts has learned \
             their errors, too.",
        );
        if n > 0 && ui.button("Show them first").clicked() {
            out.push(Command::SetFilter(Filter::All));
            out.push(Command::SetOrder(Order::Suspects));
        }
    });
    ui.add_space(space::XS);
}

/// Which posts differ from the truth, by what was missed and what was given.
fn confused_ui(ui: &mut Ui, shows: &Shows, out: &mut Vec<Command>) {
    let labels = &shows.bench.session.dataset().labels;
    let basis = shows.drawn.basis;
    let place = |at: usize| (at < labels.len()).then_some(at);
    let figure = shows.gallery.confusions();
    let n = |row, column| shows.drawn.run.analysis.confusions.get(row, column);
    let height = figure::height(ui, 0.8, 80.0);
    figure::show_grid(ui, &figure, height, out, |row, column| {
        let filter = Filter::Confused {
            missed: place(row),
            added: place(column),
            basis,
        };
        let label = |at: usize| labels.get(at).unwrap_or("nothing");
        let posts = widgets::posts(n(row, column) as usize);
        let name = format!("{posts}: {} missed, {} given", label(row), label(column));
        Some((Command::SetFilter(filter), name))
    });
}

fn together_ui(ui: &mut Ui, shows: &Shows, by_model: &mut bool, out: &mut Vec<Command>) {
    let labels = &shows.bench.session.dataset().labels;
    let basis = shows.drawn.basis;
    let choices = [
        (false, "In the truth", "Labels together in the truth"),
        (
            true,
            "In the answers",
            "Labels together in the model’s answers",
        ),
    ];
    let figure = shows.gallery.together(*by_model);
    let analysis = &shows.drawn.run.analysis;
    let counts = match *by_model {
        true => &analysis.together_in_answers,
        false => &analysis.together_in_truth,
    };
    let shown = *by_model;
    let height = figure::height(ui, 0.8, 80.0);
    figure::show_grid(ui, &figure, height, out, |row, column| {
        let filter = Filter::Together {
            labels: (row, column),
            by_model: shown,
            basis,
        };
        let label = |at: usize| labels.get(at).unwrap_or_default();
        let posts = widgets::posts(counts.get(row, column) as usize);
        let whose = if shown {
            "in the answers"
        } else {
            "in the truth"
        };
        let name = match row == column {
            true => format!("{posts} with {} {whose}", label(row)),
            false => format!("{posts} with {} and {} {whose}", label(row), label(column)),
        };
        Some((Command::SetFilter(filter), name))
    });
    // Below, so that both tables begin side by side.
    if let Some(chosen) = widgets::segmented(ui, "Together", *by_model, &choices) {
        *by_model = chosen;
    }
}
