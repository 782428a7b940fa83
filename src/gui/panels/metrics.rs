//! Live scores: how well the model does, against which truth, over how many posts.

use egui::{Frame, Margin, RichText, Role, Ui, WidgetInfo};
use egui_material_icons::icons;

use super::{
    ceiling,
    difference::small_notice,
    table::{self, Cell, Figure},
};
use crate::{
    gui::{
        app::ModelState,
        bench::Bench,
        command::Command,
        theme::{self, Palette, space},
        widgets,
    },
    metrics::{
        ClassMetrics, Metrics,
        bootstrap::{Interval, Intervals},
    },
    review::{
        basis::{Basis, Sample},
        queue::{Confusion, Filter},
        session::Truth,
    },
};

/// Two conventions are told apart from this difference on.
const DIFFERENT: f64 = 5e-4;

/// Draws it.
pub fn show(ui: &mut Ui, bench: &Bench, model: &ModelState, out: &mut Vec<Command>) {
    let figures = &bench.figures;
    let Some(metrics) = &figures.metrics else {
        return;
    };
    if metrics.n == 0 {
        let text = match (figures.truth, model) {
            (_, ModelState::None | ModelState::Failed { .. })
                if bench.session.counts().predicted == 0 =>
            {
                "Scores compare a model’s predictions with the truth, and no model is loaded."
            }
            (Truth::Reviewed, _) => "No predicted post is confirmed yet.",
            _ => "Scores appear as the model answers posts whose truth is known.",
        };
        ui.label(RichText::new(text).color(Palette::from_ui(ui).weak));
        if matches!(model, ModelState::None) {
            widgets::button(ui, Command::ChooseModel, true, out);
        }
        ceiling::gold_ui(ui, &bench.session);
        return;
    }
    scores_ui(ui, bench, out);
    ui.add_space(space::S);
    widgets::button(ui, Command::ShowMetrics, true, out);
}

/// The averages, over what they go, and every label.
pub fn scores_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let Some(metrics) = &bench.figures.metrics else {
        return;
    };
    cards_ui(ui, metrics, bench.figures.intervals.as_ref());
    footing_ui(ui, bench, metrics, out);
    classes_ui(ui, bench, metrics, out);
    ceiling::show(ui, bench, out);
}

/// Over what the scores go, and what they hide.
fn footing_ui(ui: &mut Ui, bench: &Bench, metrics: &Metrics, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut text = format!("n = {}", widgets::posts(metrics.n as usize));
    if let Sample::Random(seed) = bench.figures.sample {
        text.push_str(&format!(" · only the random part, seed {seed}"));
    }
    let left_out = bench.figures.left_out.without_truth;
    if left_out > 0 {
        text.push_str(&format!(
            " · {} without truth left out",
            widgets::thousands(left_out)
        ));
    }
    ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    if metrics.parse_failures + metrics.failed > 0 {
        let kinds = [
            (metrics.parse_failures, "unreadable"),
            (metrics.failed, "failed"),
        ];
        let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        let text = format!("Answers that count as no labels: {}", kinds.join(", "));
        small_notice(ui, icons::ICON_WARNING, palette.warn, &text);
    }
    if bench.session.counts().failed > 0 {
        widgets::button(ui, Command::RetryFailed, true, out);
    }
    let differs = |a: f64, b: f64| (a - b).abs() > DIFFERENT;
    if differs(metrics.f1_macro, metrics.f1_macro_zero_division_0)
        || differs(metrics.f1_micro, metrics.f1_micro_zero_division_0)
    {
        let text = format!(
            "scikit-learn, zero_division=0: micro F1 {:.3}, macro F1 {:.3}. Here a label that \
             never occurs and is never predicted counts as 1.",
            metrics.f1_micro_zero_division_0, metrics.f1_macro_zero_division_0
        );
        ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    }
    ui.spacing_mut().item_spacing.y = space::S;
}

/// The choice of the truth that predictions are compared with.
pub fn truth_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let choices = [
        (
            Truth::Combined,
            "Combined",
            "Your decision where there is one, else the dataset’s label",
        ),
        (Truth::Reviewed, "Reviewed", "Only posts that you confirmed"),
        (Truth::Dataset, "Dataset", "Only the dataset’s labels"),
    ];
    if let Some(truth) = widgets::segmented(ui, "Truth", bench.figures.truth, &choices) {
        out.push(Command::SetTruth(truth));
    }
}

fn cards_ui(ui: &mut Ui, metrics: &Metrics, intervals: Option<&Intervals>) {
    let cards = [
        (
            "Micro F1",
            metrics.f1_micro,
            intervals.map(|i| i.f1_micro),
            "F1 over all post–label pairs together",
        ),
        (
            "Macro F1",
            metrics.f1_macro,
            intervals.map(|i| i.f1_macro),
            "The mean of the labels’ F1",
        ),
        (
            "Exact",
            metrics.subset_accuracy,
            intervals.map(|i| i.subset_accuracy),
            "Subset accuracy: posts whose whole label set is right",
        ),
        (
            "Hamming",
            metrics.hamming_loss,
            intervals.map(|i| i.hamming_loss),
            "Hamming loss: the share of wrong post–label pairs",
        ),
    ];
    let width = (ui.available_width() - 3.0 * 6.0) / 4.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (name, value, interval, tooltip) in cards {
            card_ui(ui, width, (name, value), interval, tooltip);
        }
    });
}

fn card_ui(
    ui: &mut Ui,
    width: f32,
    (name, value): (&str, f64),
    interval: Option<Interval>,
    tooltip: &str,
) {
    let palette = Palette::from_ui(ui);
    let frame = Frame::new()
        .fill(palette.raised)
        .corner_radius(6)
        .inner_margin(Margin::symmetric(8, 6));
    let range = interval.map(ceiling::range);
    let response = frame
        .show(ui, |ui| {
            ui.set_width(width - 16.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 14.0;
            ui.vertical(|ui| {
                ui.label(theme::caption(ui, name));
                ui.label(theme::strong(format!("{value:.3}")).size(16.0));
                // A place is kept, so that nothing moves when the interval comes.
                let range = range.as_deref().unwrap_or("…");
                ui.label(theme::caption(ui, range));
            });
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{name} {value:.3}")));
    let tooltip = match range {
        Some(range) => format!(
            "{tooltip}\n95 % interval: {range} (bootstrap). Other posts of the same kind would give a figure in it \
             in 95 of 100 cases, if these were drawn at random."
        ),
        None => tooltip.to_owned(),
    };
    response.on_hover_text(tooltip);
}

fn classes_ui(ui: &mut Ui, bench: &Bench, metrics: &Metrics, out: &mut Vec<Command>) {
    let columns = [
        Figure::new(
            "TP",
            32.0,
            "True positives: predicted and true; click to see them",
        ),
        Figure::new(
            "FP",
            32.0,
            "False positives: predicted, not true; click to see them",
        ),
        Figure::new(
            "FN",
            32.0,
            "False negatives: true, not predicted; click to see them",
        ),
        Figure::new("P", 32.0, "Precision: TP / (TP + FP)"),
        Figure::new("R", 32.0, "Recall: TP / (TP + FN)"),
        Figure::new("F1", 32.0, "The harmonic mean of precision and recall"),
        Figure::new("n", 32.0, "Support: posts that have the label"),
    ];
    let labels = &bench.session.dataset().labels;
    let intervals = bench.figures.intervals.as_ref();
    let rows: Vec<(&str, Vec<Cell>)> = labels
        .iter()
        .zip(&metrics.per_class)
        .enumerate()
        .map(|(label, (name, class))| {
            let interval = intervals.and_then(|i| i.per_class_f1.get(label).copied());
            let cells = cells(label, name, class, bench.figures.basis(), interval);
            (name, cells)
        })
        .collect();
    table::show(
        ui,
        "classes",
        ("Label", "In class order"),
        &columns,
        &rows,
        out,
    );
}

fn cells(
    label: usize,
    name: &str,
    class: &ClassMetrics,
    basis: Basis,
    interval: Option<Interval>,
) -> Vec<Cell> {
    let posts = |cell: Confusion, n: u64| {
        let figure = Cell::new(widgets::thousands(n as usize));
        if n == 0 {
            return figure;
        }
        let filter = Filter::Confusion { label, cell, basis };
        let name = format!("Show the {} of {name}", cell.name());
        figure.with_click(Command::SetFilter(filter), name)
    };
    let f1 = Cell::new(short(class.f1));
    let f1 = match interval {
        Some(interval) => f1.with_tooltip(format!("95 % interval: {}", ceiling::range(interval))),
        None => f1,
    };
    vec![
        posts(Confusion::TruePositive, class.tp),
        posts(Confusion::FalsePositive, class.fp),
        posts(Confusion::FalseNegative, class.fn_),
        Cell::new(short(class.precision)),
        Cell::new(short(class.recall)),
        f1,
        Cell::new(widgets::thousands(class.support as usize)),
    ]
}

/// “.83” reads as fast as “0.83” and leaves room.
pub fn short(value: f64) -> String {
    let text = format!("{:.2}", value.abs());
    let digits = text.strip_prefix('0').unwrap_or(&text);
    let sign = if value < 0.0 && digits != ".00" {
        "−"
    } else {
        ""
    };
    format!("{sign}{digits}")
}
