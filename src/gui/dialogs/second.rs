//! Second reviewers: import their sessions, see how far people agree, and go through the conflicts.

use std::path::{Path, PathBuf};

use egui::{Button, Grid, InputState, Key, Label, Modifiers, RichText, Ui};
use egui_material_icons::icons;

use super::{Next, Shown, modal, path_field::PathField};
use crate::{
    causes::with_causes,
    gui::{
        background::waker,
        bench::Bench,
        command::{Command, People},
        errand::Errand,
        file_dialog::Choose,
        panels::{ceiling, scores::percent},
        settings::MOST_NAME,
        theme::{self, Palette, space},
        widgets::{self, field, icon},
    },
    metrics::agreement::LabelAgreement,
    review::{
        Session,
        people::{Beside, CeilingIntervals},
        queue::Filter,
        second::SecondReviewer,
    },
};

/// The dialog.
#[derive(Default)]
pub struct SecondDialog {
    file: PathField,
    reading: Option<Errand<Result<SecondReviewer, String>>>,
    failure: Option<String>,
    /// The second reviewer whose figures are shown, by the file; else the one who came last.
    chosen: Option<PathBuf>,
    renaming: Option<Renaming>,
}

/// A second reviewer who is being renamed.
struct Renaming {
    /// By the file.
    file: PathBuf,
    /// As typed so far.
    name: String,
    /// Not drawn yet: the first frame gives the field the keyboard.
    is_new: bool,
}

impl SecondDialog {
    /// With the keyboard in the field.
    pub(super) fn new() -> Self {
        Self {
            file: PathField::default().with_focus(),
            ..Self::default()
        }
    }

    /// Reads a session off the frame.
    pub(super) fn import(&mut self, file: PathBuf, session: &Session, ctx: &egui::Context) {
        let (posts, own) = (session.snapshot(), session.file().to_owned());
        let read =
            move || SecondReviewer::read(&file, &own, &posts).map_err(|error| with_causes(&error));
        self.failure = None;
        self.reading = Some(Errand::start("overrule-second", waker(ctx), read));
    }

    /// The reviewer that was read.
    pub(super) fn receive(&mut self) -> Option<SecondReviewer> {
        self.file.receive();
        match Errand::take(&mut self.reading)?.flatten() {
            Ok(second) => {
                self.chosen = Some(second.file().to_owned());
                self.file.text.clear();
                Some(second)
            }
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
        // Esc leaves the name as it was, and the dialog where it is.
        let escape = |input: &mut InputState| input.consume_key(Modifiers::NONE, Key::Escape);
        if self.renaming.is_some() && ctx.input_mut(escape) {
            self.renaming = None;
        }
        let closes = modal(ctx, "Second reviewers", 640.0, |ui| {
            let text = "Open the session of somebody who decided the same posts. It is read, never changed; what it says is \
                        kept in yours until you take it away.";
            ui.add(Label::new(text).wrap());
            self.choose_ui(ui, out);
            if let Some(message) = &self.failure {
                ui.add_space(space::XS);
                widgets::notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, message);
            }
            let Some(bench) = shown.bench else { return };
            if bench.session.seconds().len() == 0 {
                return;
            }
            ui.add_space(space::S);
            self.people_ui(ui, &bench.session, out);
            self.figures_ui(ui, bench);
            ui.add_space(space::S);
            let label = "Show the conflicts";
            if widgets::primary(ui, icons::ICON_COMPARE_ARROWS, label, true).clicked() {
                out.push(Command::SetFilter(Filter::Conflicts));
                next = Next::Close;
            }
        });
        if closes { Next::Close } else { next }
    }

    fn choose_ui(&mut self, ui: &mut Ui, out: &mut Vec<Command>) {
        widgets::row_from_right(ui, |ui| {
            let file = self.file.path().filter(|_| self.reading.is_none());
            let import = widgets::primary(ui, icons::ICON_FOLDER_OPEN, "Import", file.is_some());
            if let Some(file) = file.filter(|_| import.clicked()) {
                out.push(Command::People(People::Import(file)));
            }
            let (name, hint) = (
                "Session of the second reviewer",
                "A session file: NAME.overrule",
            );
            self.file.fill_row(ui, (name, hint), Choose::Session);
        });
    }

    /// Who is kept: one of them chosen, each to be renamed or taken away.
    fn people_ui(&mut self, ui: &mut Ui, session: &Session, out: &mut Vec<Command>) {
        let chosen = self.chosen(session).map(|second| second.file().to_owned());
        for second in session.seconds() {
            let (name, file) = (second.name(), second.file());
            widgets::row_from_right(ui, |ui| {
                let remove = Button::new(icon(icons::ICON_DELETE)).frame_when_inactive(false);
                let remove = ui.add(remove).accessible_name(format!("Take {name} away"));
                let command = Command::People(People::Forget(file.to_owned()));
                if widgets::with_tooltip(remove, &command).clicked() {
                    out.push(command);
                }
                if self.renaming.as_ref().is_some_and(|of| of.file == file) {
                    self.name_ui(ui, out);
                    return;
                }
                let rename = Button::new(icon(icons::ICON_EDIT)).frame_when_inactive(false);
                let rename = ui.add(rename).accessible_name(format!("Rename {name}"));
                let tooltip = "Call this person something else, in this session alone";
                if rename.on_hover_text(tooltip).clicked() {
                    self.renaming = Some(Renaming {
                        file: file.to_owned(),
                        name: name.to_owned(),
                        is_new: true,
                    });
                }
                let n = widgets::posts(second.n_decisions());
                let file_name = file
                    .file_name()
                    .unwrap_or(file.as_os_str())
                    .to_string_lossy();
                let text = theme::caption(ui, format!("{n} decided · {file_name}"));
                let tooltip = format!("Read from {}", file.display());
                ui.add(Label::new(text).truncate()).on_hover_text(tooltip);
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let is_chosen = chosen.as_deref() == Some(file);
                    if ui
                        .selectable_label(is_chosen, theme::strong(name))
                        .clicked()
                    {
                        self.chosen = Some(file.to_owned());
                    }
                });
            });
        }
    }

    /// The name as it is typed, and a way to take it.
    fn name_ui(&mut self, ui: &mut Ui, out: &mut Vec<Command>) {
        let Some(renaming) = &mut self.renaming else {
            return;
        };
        let ready = !renaming.name.trim().is_empty();
        let taken = ui.add_enabled(ready, Button::new("Rename")).clicked();
        let edit = field(&mut renaming.name).char_limit(MOST_NAME);
        let edit = ui.add(edit).accessible_name("Name of the second reviewer");
        if std::mem::take(&mut renaming.is_new) {
            edit.request_focus();
        }
        let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if ready && (taken || entered) {
            let (file, name) = (renaming.file.clone(), renaming.name.clone());
            out.push(Command::People(People::Rename { file, name }));
            self.renaming = None;
        }
    }

    /// The second reviewer whose figures are shown.
    fn chosen<'a>(&self, session: &'a Session) -> Option<&'a SecondReviewer> {
        let chosen = self.chosen.as_deref();
        let is_chosen = |second: &&SecondReviewer| Some(second.file()) == chosen;
        session
            .seconds()
            .find(is_chosen)
            .or_else(|| session.seconds().last())
    }

    fn figures_ui(&self, ui: &mut Ui, bench: &Bench) {
        let Some(file) = self.chosen(&bench.session).map(SecondReviewer::file) else {
            return;
        };
        let people = &bench.figures.people;
        let of_file = |beside: &&Beside| beside.file == Path::new(file);
        ui.add_space(space::S);
        match people.beside.iter().find(of_file) {
            Some(beside) => {
                let labels: Vec<&str> = bench.session.dataset().labels.iter().collect();
                let intervals = bench.figures.ceiling_intervals(file);
                agreement_ui(ui, beside, intervals, &labels, &people.alpha);
            }
            None => {
                ui.label(theme::caption(ui, "Working out how far you agree…"));
            }
        }
    }
}

fn agreement_ui(
    ui: &mut Ui,
    beside: &Beside,
    intervals: Option<&CeilingIntervals>,
    labels: &[&str],
    alpha: &[Option<f64>],
) {
    let (name, agreement) = (&beside.name, &beside.comparison.agreement);
    ui.label(theme::strong(format!("You and {name}")));
    let equal = agreement.equal_share().map_or_else(String::new, percent);
    let text = format!(
        "{} decided by both · all labels alike on {} ({equal})",
        widgets::posts(agreement.n as usize),
        widgets::posts(agreement.equal_sets as usize),
    );
    ui.label(text);
    if let Some(scores) = &beside.ceiling {
        let intervals = intervals.map_or_else(String::new, |intervals| {
            let [person, model] =
                [&intervals.person, &intervals.model].map(|of| ceiling::range(of.f1_micro));
            format!(" (95 % intervals {person} and {model})")
        });
        let text = format!(
            "Held against {name} on {}, your micro F1 is {:.3} and the model’s {:.3}{intervals}: as far as two people agree is \
             as far as a model can be told to be right.",
            widgets::posts(scores.n as usize),
            scores.person.f1_micro,
            scores.model.f1_micro,
        );
        ui.add(Label::new(theme::caption(ui, text)).wrap());
    }
    ui.add_space(space::XS);
    Grid::new("agreement")
        .striped(true)
        .spacing([space::L, space::XS])
        .show(ui, |ui| {
            let everybody = (!alpha.is_empty()).then_some((
                "All",
                "Krippendorff’s alpha over you and all second reviewers",
            ));
            for (head, tooltip) in HEADS.into_iter().chain(everybody) {
                ui.label(theme::caption(ui, head)).on_hover_text(tooltip);
            }
            ui.end_row();
            let rows = labels.iter().zip(&agreement.per_label).enumerate();
            for (index, (name, label)) in rows {
                label_ui(ui, name, label);
                if let Some(alpha) = alpha.get(index) {
                    ui.label(figure(*alpha));
                }
                ui.end_row();
            }
        });
}

/// The columns of the table, and what they mean.
const HEADS: [(&str, &str); 8] = [
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

fn label_ui(ui: &mut Ui, name: &str, label: &LabelAgreement) {
    ui.label(RichText::new(name));
    ui.label(label.observed().map_or_else(|| "–".to_owned(), percent));
    for value in [label.kappa(), label.alpha(), label.ac1()] {
        ui.label(figure(value));
    }
    for count in [label.both, label.only_a, label.only_b] {
        ui.label(widgets::thousands(count as usize));
    }
}

fn figure(value: Option<f64>) -> String {
    let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    // A hair below nothing is nothing.
    match text.as_str() {
        "-0.00" => "0.00".to_owned(),
        _ => text.replace('-', "−"),
    }
}
