//! A second reviewer: import that person's session, see how far the two agree, and go through the conflicts.

use std::{path::PathBuf, sync::Arc};

use crossbeam_channel::{Receiver, bounded};
use egui::{Button, Grid, RichText, Ui};
use egui_material_icons::icons;

use super::{Next, Shown, modal};
use crate::{
    causes::with_causes,
    dataset::Dataset,
    gui::{
        command::Command,
        file_dialog::{Choose, FileDialog},
        panels::scores::percent,
        theme::{self, Palette, space},
        widgets::{self, field},
    },
    metrics::{
        self,
        agreement::{self, Comparison},
    },
    review::{queue::Filter, second::SecondReviewer},
};

/// The dialog.
#[derive(Default)]
pub struct SecondDialog {
    path: String,
    browsing: Option<FileDialog>,
    reading: Option<Receiver<Result<SecondReviewer, String>>>,
    failure: Option<String>,
    /// Of which revision of the session the figures are.
    figures: Option<(u64, Comparison, Option<f64>)>,
}

impl SecondDialog {
    /// Reads a session off the frame.
    pub(super) fn import(&mut self, file: PathBuf, dataset: Arc<Dataset>, ctx: &egui::Context) {
        let (sender, reading) = bounded(1);
        let ctx = ctx.clone();
        let task = move || {
            let read = SecondReviewer::read(&file, &dataset).map_err(|error| with_causes(&error));
            // Nobody listens if the dialog was closed meanwhile.
            drop(sender.send(read));
            ctx.request_repaint();
        };
        let started = std::thread::Builder::new()
            .name("overrule-second".to_owned())
            .spawn(task);
        self.failure = started
            .err()
            .map(|error| format!("no thread could be started to read it: {error}"));
        self.reading = Some(reading);
    }

    /// The reviewer that was read.
    pub(super) fn receive(&mut self) -> Option<SecondReviewer> {
        if let Some(chosen) = self.browsing.as_ref().and_then(FileDialog::poll) {
            self.browsing = None;
            if let Some(path) = chosen {
                self.path = path.display().to_string();
            }
        }
        let read = self.reading.as_ref()?.try_recv().ok()?;
        self.reading = None;
        match read {
            Ok(second) => Some(second),
            Err(message) => {
                self.failure = Some(message);
                None
            }
        }
    }

    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Second reviewer", 620.0, |ui| {
            let text = "Open the session of somebody who decided the same posts. It is read, never changed, and stays \
                        beside yours until you close this dataset.";
            ui.add(egui::Label::new(text).wrap());
            self.choose_ui(ui, out);
            if let Some(message) = &self.failure {
                ui.add_space(space::XS);
                widgets::notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, message);
            }
            let Some(bench) = shown.bench else { return };
            let Some(second) = bench.session.second() else {
                return;
            };
            let revision = bench.session.revision();
            if self.figures.as_ref().is_none_or(|(of, ..)| *of != revision) {
                let labels = &bench.session.dataset().labels;
                let compared = agreement::compare(labels, bench.session.both_reviewers());
                let model = metrics::evaluate(labels, bench.session.model_against_second());
                let model = (model.n > 0).then_some(model.f1_micro);
                self.figures = Some((revision, compared, model));
            }
            if let Some((_, compared, model)) = &self.figures {
                let names: Vec<&str> = bench.session.dataset().labels.iter().collect();
                agreement_ui(ui, &second.name, &names, compared, *model);
            }
            ui.add_space(space::S);
            ui.horizontal(|ui| {
                let label = "Show the conflicts";
                if widgets::primary(ui, icons::ICON_COMPARE_ARROWS, label, true).clicked() {
                    out.push(Command::SetFilter(Filter::Conflicts));
                    next = Next::Close;
                }
                if ui.button("Take the second reviewer away").clicked() {
                    out.push(Command::ForgetSecond);
                }
            });
        });
        if closes { Next::Close } else { next }
    }

    fn choose_ui(&mut self, ui: &mut Ui, out: &mut Vec<Command>) {
        widgets::row_from_right(ui, |ui| {
            let ready = !self.path.trim().is_empty() && self.reading.is_none();
            if widgets::primary(ui, icons::ICON_FOLDER_OPEN, "Import", ready).clicked() {
                out.push(Command::ImportSecond(PathBuf::from(self.path.trim())));
            }
            let idle = self.browsing.is_none();
            if ui.add_enabled(idle, Button::new("Choose…")).clicked() {
                let ctx = ui.ctx().clone();
                let dialog = FileDialog::open(Choose::Session, move || ctx.request_repaint());
                self.browsing = Some(dialog);
            }
            let edit = field(&mut self.path).hint_text("A session file: NAME.overrule");
            ui.add(edit)
                .accessible_name("Session of the second reviewer");
        });
    }
}

fn agreement_ui(
    ui: &mut Ui,
    name: &str,
    labels: &[&str],
    compared: &Comparison,
    model: Option<f64>,
) {
    let agreement = &compared.agreement;
    ui.add_space(space::S);
    ui.label(theme::strong(format!("You and {name}")));
    let equal = agreement.equal_share().map_or_else(String::new, percent);
    let text = format!(
        "{} decided by both · all labels alike on {} ({equal})",
        widgets::posts(agreement.n as usize),
        widgets::posts(agreement.equal_sets as usize),
    );
    ui.label(text);
    if let Some(model) = model {
        let text = format!(
            "Held against {name}, your micro F1 is {:.3} and the model’s {model:.3}: as far as two people agree is as far \
             as a model can be told to be right.",
            compared.a.f1_micro
        );
        ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    }
    ui.add_space(space::XS);
    let heads = [
        ("Label", "In class order"),
        ("Alike", "The share of posts on which both say the same"),
        (
            "Kappa",
            "Cohen’s kappa: agreement beyond chance, low where a label is rare",
        ),
        (
            "Alpha",
            "Krippendorff’s alpha for two raters and a nominal value",
        ),
        (
            "AC1",
            "Gwet’s AC1: agreement beyond chance, steady where a label is rare",
        ),
        ("Both", "Posts to which both give the label"),
        ("Only you", "Posts to which only you give it"),
        (
            "Only the other",
            "Posts to which only the second reviewer gives it",
        ),
    ];
    Grid::new("agreement")
        .striped(true)
        .spacing([space::L, space::XS])
        .show(ui, |ui| {
            for (head, tooltip) in heads {
                ui.label(theme::caption(ui, head)).on_hover_text(tooltip);
            }
            ui.end_row();
            for (name, label) in labels.iter().zip(&agreement.per_label) {
                let figure = |value: Option<f64>| {
                    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"))
                };
                ui.label(RichText::new(*name));
                ui.label(label.observed().map_or_else(|| "–".to_owned(), percent));
                for value in [label.kappa(), label.alpha(), label.ac1()] {
                    ui.label(figure(value));
                }
                for count in [label.both, label.only_a, label.only_b] {
                    ui.label(widgets::thousands(count as usize));
                }
                ui.end_row();
            }
        });
}
