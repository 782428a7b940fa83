//! The runs of the session: what each model and adapter said, one of them shown, and a second one beside it.

use std::time::{SystemTime, UNIX_EPOCH};

use egui::{Button, Frame, Label, Margin, RichText, Stroke, Ui};
use egui_material_icons::icons;

use super::{
    metrics::short,
    table::{self, Cell, Figure},
};
use crate::{
    gui::{
        bench::Bench,
        command::Command,
        theme::{self, ICON, Palette, space},
        widgets::{self, badge},
    },
    metrics::{
        Metrics,
        agreement::{Agreement, Comparison},
    },
    post::LabelNames,
    predict::prediction::RunInfo,
    review::{queue::Filter, store::RunRecord},
};

/// Draws it.
pub fn show(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let session = &bench.session;
    ui.add_space(space::XS);
    let Some(runs) = session.runs() else {
        ui.label(theme::caption(ui, "Looking for the runs of this session"));
        return;
    };
    if runs.is_empty() {
        let text = "No model has predicted anything in this session yet. Each model, adapter and prompt makes a run of \
                    its own, and two runs can be compared here.";
        ui.label(RichText::new(text).color(Palette::from_ui(ui).weak));
        widgets::button(ui, Command::ChooseModel, true, out);
        return;
    }
    for run in runs {
        run_ui(ui, bench, run, out);
    }
    if session.other_run().is_some() {
        comparison_ui(ui, bench, out);
    } else if runs.len() == 1 {
        let text =
            "Load another model or adapter: it makes a second run, to compare with this one.";
        ui.add(Label::new(theme::caption(ui, text)).wrap());
        widgets::button(ui, Command::ChooseModel, true, out);
    }
}

/// The line above the panels while an earlier run is shown.
pub fn earlier_run(ui: &mut Ui, run: &RunInfo, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.horizontal(|ui| {
        widgets::symbol(ui, icons::ICON_HISTORY, palette.accent, ICON);
        ui.label(theme::strong("An earlier run is shown"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button("Back to the loaded model").clicked() {
                out.push(Command::Predict);
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(Label::new(theme::caption(ui, name(run))).truncate());
            });
        });
    });
}

/// Model and adapter in a few words.
pub(super) fn name(run: &RunInfo) -> String {
    match &run.adapter {
        Some(adapter) => format!("{} + {}", last_part(&run.model), last_part(adapter)),
        None if run.is_imported() => last_part(&run.model).to_owned(),
        None => format!("{}, no adapter", last_part(&run.model)),
    }
}

/// A folder's or repository's own name.
fn last_part(path: &str) -> &str {
    let parts = path.trim_end_matches(['/', '\\']);
    parts.rsplit(['/', '\\']).next().unwrap_or(parts)
}

fn run_ui(ui: &mut Ui, bench: &Bench, run: &RunRecord, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    let session = &bench.session;
    let is_shown = session.run() == Some(&run.info);
    let is_other = session.other_run() == Some(&run.info);
    let edge = if is_shown || is_other {
        palette.accent
    } else {
        palette.line
    };
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(10, 6));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.set_min_width(ui.available_width());
        widgets::row_from_right(ui, |ui| {
            if !is_shown {
                let show = ui
                    .button("Show")
                    .on_hover_text("Show what this run said; its model need not be loaded");
                let show = show.accessible_name(format!("Show {}", name(&run.info)));
                if show.clicked() {
                    out.push(Command::ShowRun(run.info.clone()));
                }
                let (word, command) = match is_other {
                    true => ("End", Command::CompareWith(None)),
                    false => ("Compare", Command::CompareWith(Some(run.info.clone()))),
                };
                let response = ui
                    .add(Button::new(word))
                    .accessible_name(format!("{word} {}", name(&run.info)));
                if widgets::with_tooltip(response, &command).clicked() {
                    out.push(command);
                }
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                match (is_shown, is_other, session.other_run().is_some()) {
                    (true, _, true) => drop(badge(ui, "A", palette.accent)),
                    (true, _, false) => drop(badge(ui, "Shown", palette.accent)),
                    (_, true, _) => drop(badge(ui, "B", palette.accent)),
                    _ => {}
                }
                let title = theme::strong(name(&run.info));
                let response = ui.add(Label::new(title).truncate());
                response.on_hover_text(details(&run.info));
            });
        });
        ui.add(Label::new(theme::caption(ui, run.info.settings())).truncate());
        // What the shown run says arrives faster than the list is made again.
        let counts = session.counts();
        let (predicted, unread, failed) = match is_shown {
            true => (counts.predicted, counts.parse_failed, counts.failed),
            false => (run.predicted, run.unread, run.failed),
        };
        let mut text = widgets::posts(predicted);
        if unread + failed > 0 {
            text.push_str(&format!(" · {unread} unreadable · {failed} failed"));
        }
        text.push_str(&format!(" · begun {}", ago(run.started_at_ms)));
        ui.add(Label::new(theme::caption(ui, text)).truncate());
    });
}

/// Everything that makes a run, a line each.
fn details(run: &RunInfo) -> String {
    format!(
        "{}\nRevision: {}\nAdapter: {}\nImages: {}\nLabels: {}\nOverrule {}",
        run.model,
        run.revision.as_deref().unwrap_or("unknown"),
        run.adapter.as_deref().unwrap_or("none"),
        run.image_setting.as_deref().unwrap_or("as the model’s"),
        run.label_set.join(", "),
        run.version
    )
}

/// A moment as people tell it: “just now”, “5 min ago”, “3 days ago”.
fn ago(at_ms: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let secs = (now.as_millis() as i64).saturating_sub(at_ms).max(0) / 1000;
    let days = secs / 86_400;
    match secs {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", secs / 60),
        3600..86_400 => format!("{} h ago", secs / 3600),
        _ if days == 1 => "yesterday".to_owned(),
        _ => format!("{days} days ago"),
    }
}

fn comparison_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.add_space(space::S);
    let loading = bench.session.is_other_loading();
    let (Some(found), false) = (&bench.figures.comparison, loading) else {
        ui.label(theme::caption(ui, "Reading run B"));
        return;
    };
    if found.predicted == 0 {
        let text = "No post was predicted by both runs.";
        ui.label(RichText::new(text).color(palette.weak));
        return;
    }
    agreement_ui(ui, bench, found, out);
    ui.add_space(space::S);
    scores_ui(ui, bench, found, out);
}

fn agreement_ui(ui: &mut Ui, bench: &Bench, found: &Comparison, out: &mut Vec<Command>) {
    let agreement = &found.agreement;
    ui.label(theme::strong("Where A and B agree"));
    let mut text = format!("n = {}", widgets::posts(agreement.n as usize));
    if let Some(share) = agreement.equal_share() {
        text.push_str(&format!(
            " · equal label sets: {} ({:.1} %)",
            widgets::thousands(agreement.equal_sets as usize),
            100.0 * share
        ));
    }
    if found.unread > 0 {
        text.push_str(&format!(
            " · {} without two readable answers left out",
            widgets::thousands(found.unread as usize)
        ));
    }
    ui.add(Label::new(theme::caption(ui, text)).wrap());
    let word = match found.differing {
        0 => "A and B differ nowhere".to_owned(),
        1 => "Show the post that differs".to_owned(),
        n => format!(
            "Show the {} posts that differ",
            widgets::thousands(n as usize)
        ),
    };
    let button = Button::new((widgets::icon(icons::ICON_FILTER_LIST), word.as_str()));
    let response = ui.add_enabled(found.differing > 0, button);
    if response.accessible_name(word.as_str()).clicked() {
        out.push(Command::SetFilter(Filter::RunsDiffer(
            bench.figures.basis().part,
        )));
    }
    let columns = [
        Figure::new("Both", 38.0, "Posts to which both give the label"),
        Figure::new("A", 34.0, "Posts to which only A gives the label"),
        Figure::new("B", 34.0, "Posts to which only B gives the label"),
        Figure::new("None", 40.0, "Posts to which neither gives the label"),
        Figure::new(
            "Same",
            42.0,
            "The share of posts on which both say the same",
        ),
        Figure::new(
            "κ",
            34.0,
            "Cohen’s kappa: agreement beyond chance, 1 at most; – where chance alone explains it all",
        ),
    ];
    let labels = &bench.session.dataset().labels;
    let rows = agreement_rows(labels, agreement);
    table::show(
        ui,
        "agreement",
        ("Label", "In class order"),
        &columns,
        &rows,
        out,
    );
}

fn agreement_rows<'a>(labels: &'a LabelNames, agreement: &Agreement) -> Vec<(&'a str, Vec<Cell>)> {
    let rows = labels.iter().zip(&agreement.per_label);
    rows.map(|(name, label)| {
        let mut cells: Vec<Cell> = [label.both, label.only_a, label.only_b, label.neither]
            .map(|n| Cell::new(widgets::thousands(n as usize)))
            .into();
        let share = label
            .observed()
            .map(|share| format!("{:.0} %", 100.0 * share));
        cells.push(Cell::new(share.unwrap_or_default()));
        cells.push(Cell::new(label.kappa().map_or("–".to_owned(), short)));
        (name, cells)
    })
    .collect()
}

fn scores_ui(ui: &mut Ui, bench: &Bench, found: &Comparison, out: &mut Vec<Command>) {
    ui.label(theme::strong("Scores of A and B"));
    let n = found.a.n as usize;
    if n == 0 {
        let text = "No post that both predicted has a truth of this kind yet.";
        ui.add(Label::new(theme::caption(ui, text)).wrap());
        return;
    }
    let text = format!(
        "n = {}: predicted by both, with a truth. Unreadable and failed answers count as no labels: {} of A, {} of B.",
        widgets::posts(n),
        found.a.parse_failures + found.a.failed,
        found.b.parse_failures + found.b.failed
    );
    ui.add(Label::new(theme::caption(ui, text)).wrap());
    let columns = [
        Figure::new("A", 46.0, "The shown run"),
        Figure::new("B", 46.0, "The run beside it"),
        Figure::new("B − A", 50.0, "What B has more"),
        Figure::new("n", 44.0, "Posts, or those that have the label"),
    ];
    let labels = &bench.session.dataset().labels;
    let rows = score_rows(labels, &found.a, &found.b);
    table::show(
        ui,
        "two_scores",
        ("Score", "Averages, then F1 by label"),
        &columns,
        &rows,
        out,
    );
}

fn score_rows<'a>(labels: &'a LabelNames, a: &Metrics, b: &Metrics) -> Vec<(&'a str, Vec<Cell>)> {
    let row = |a: f64, b: f64, n: u64| {
        vec![
            Cell::new(format!("{a:.3}")),
            Cell::new(format!("{b:.3}")),
            Cell::new(signed(b - a)),
            Cell::new(widgets::thousands(n as usize)),
        ]
    };
    let averages = [
        ("Micro F1", a.f1_micro, b.f1_micro),
        ("Macro F1", a.f1_macro, b.f1_macro),
        ("Exact", a.subset_accuracy, b.subset_accuracy),
        ("Hamming", a.hamming_loss, b.hamming_loss),
    ];
    let mut rows: Vec<(&str, Vec<Cell>)> = averages
        .map(|(name, of_a, of_b)| (name, row(of_a, of_b, a.n)))
        .into();
    for ((name, a), b) in labels.iter().zip(&a.per_class).zip(&b.per_class) {
        let mut cells = row(a.f1, b.f1, a.support);
        for (cell, class) in cells.iter_mut().zip([a, b]) {
            let (p, r) = (short(class.precision), short(class.recall));
            cell.tooltip = Some(format!("F1 of {name}: precision {p}, recall {r}"));
        }
        rows.push((name, cells));
    }
    rows
}

/// With its sign, and none where it reads as nothing.
fn signed(difference: f64) -> String {
    let text = format!("{:.3}", difference.abs());
    match (text.as_str(), difference < 0.0) {
        ("0.000", _) => "0".to_owned(),
        (_, true) => format!("−{text}"),
        (_, false) => format!("+{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_names_read_as_people_write_them() {
        for (difference, text) in [
            (0.0, "0"),
            (0.0004, "0"),
            (-0.0001, "0"),
            (0.125, "+0.125"),
            (-0.5, "−0.500"),
        ] {
            assert_eq!(signed(difference), text);
        }
        for (path, name) in [
            ("google/paligemma2", "paligemma2"),
            ("/models/demo-model/", "demo-model"),
            ("C:\\models\\demo", "demo"),
            ("demo", "demo"),
            ("", ""),
        ] {
            assert_eq!(last_part(path), name);
        }
    }
}
