//! Live scores: how well the model does, against which truth, over how many posts.

use egui::{Align, Frame, Layout, Margin, RichText, Role, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};
use egui_material_icons::icons;

use super::difference::small_notice;
use crate::{
    gui::{
        app::ModelState,
        bench::Bench,
        command::Command,
        theme::{self, Palette, SMALL, space},
        widgets,
    },
    metrics::{ClassMetrics, Metrics},
    post::LabelNames,
    review::session::Truth,
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
        return;
    }
    cards_ui(ui, metrics);
    footing_ui(ui, bench, metrics);
    classes_ui(ui, &bench.session.dataset().labels, metrics);
}

/// Over what the scores go, and what they hide.
fn footing_ui(ui: &mut Ui, bench: &Bench, metrics: &Metrics) {
    let palette = Palette::from_ui(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut text = format!("n = {}", widgets::posts(metrics.n as usize));
    let left_out = bench.figures.left_out.without_truth;
    if left_out > 0 {
        text.push_str(&format!(
            " · {} without truth left out",
            widgets::thousands(left_out)
        ));
    }
    ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    if metrics.parse_failures + metrics.failed > 0 {
        let text = format!(
            "{} unreadable and {} failed answers count as no labels",
            metrics.parse_failures, metrics.failed
        );
        small_notice(ui, icons::ICON_WARNING, palette.warn, &text);
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

fn cards_ui(ui: &mut Ui, metrics: &Metrics) {
    let cards = [
        (
            "Micro F1",
            metrics.f1_micro,
            "F1 over all post–label pairs together",
        ),
        ("Macro F1", metrics.f1_macro, "The mean of the labels’ F1"),
        (
            "Exact",
            metrics.subset_accuracy,
            "Subset accuracy: posts whose whole label set is right",
        ),
        (
            "Hamming",
            metrics.hamming_loss,
            "Hamming loss: the share of wrong post–label pairs",
        ),
    ];
    let width = (ui.available_width() - 3.0 * 6.0) / 4.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (name, value, tooltip) in cards {
            card_ui(ui, width, name, value, tooltip);
        }
    });
}

fn card_ui(ui: &mut Ui, width: f32, name: &str, value: f64, tooltip: &str) {
    let palette = Palette::from_ui(ui);
    let frame = Frame::new()
        .fill(palette.raised)
        .corner_radius(6)
        .inner_margin(Margin::symmetric(8, 6));
    let response = frame
        .show(ui, |ui| {
            ui.set_width(width - 16.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 14.0;
            ui.vertical(|ui| {
                ui.label(theme::caption(ui, name));
                ui.label(theme::strong(format!("{value:.3}")).size(16.0));
            });
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{name} {value:.3}")));
    response.on_hover_text(tooltip);
}

fn classes_ui(ui: &mut Ui, labels: &LabelNames, metrics: &Metrics) {
    ui.spacing_mut().item_spacing = vec2(2.0, 0.0);
    let figures = ["TP", "FP", "FN", "P", "R", "F1", "n"];
    let tooltips = [
        "True positives: predicted and true",
        "False positives: predicted, not true",
        "False negatives: true, not predicted",
        "Precision: TP / (TP + FP)",
        "Recall: TP / (TP + FN)",
        "The harmonic mean of precision and recall",
        "Support: posts that have the label",
    ];
    let mut table = TableBuilder::new(ui)
        .id_salt("classes")
        .striped(false)
        .vscroll(false)
        .cell_layout(Layout::right_to_left(Align::Center))
        .column(Column::remainder().at_least(64.0).clip(true));
    for name in figures {
        let width = if matches!(name, "P" | "R" | "F1") {
            34.0
        } else {
            30.0
        };
        table = table.column(Column::exact(width));
    }
    let head = |ui: &mut Ui, text: &str, tooltip: &str| {
        ui.label(theme::caption(ui, text)).on_hover_text(tooltip);
    };
    table
        .header(20.0, |mut row| {
            row.col(|ui| {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    head(ui, "Label", "In class order");
                });
            });
            for (name, tooltip) in figures.iter().zip(tooltips) {
                row.col(|ui| head(ui, name, tooltip));
            }
        })
        .body(|body| {
            body.rows(22.0, metrics.per_class.len(), |mut row| {
                let index = row.index();
                let (Some(name), Some(class)) = (labels.get(index), metrics.per_class.get(index))
                else {
                    return;
                };
                row.col(|ui| {
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = RichText::new(name).size(12.5);
                        ui.add(egui::Label::new(text).truncate());
                    });
                });
                for value in cells(class) {
                    row.col(|ui| {
                        ui.label(RichText::new(value).size(SMALL + 0.5));
                    });
                }
            });
        });
}

fn cells(class: &ClassMetrics) -> [String; 7] {
    let score = |value: f64| {
        let text = format!("{value:.2}");
        // “.83” reads as fast and leaves room for the name.
        text.strip_prefix('0').map_or(text.clone(), str::to_owned)
    };
    [
        widgets::thousands(class.tp as usize),
        widgets::thousands(class.fp as usize),
        widgets::thousands(class.fn_ as usize),
        score(class.precision),
        score(class.recall),
        score(class.f1),
        widgets::thousands(class.support as usize),
    ]
}
