//! Unpacking a file with pictures in it: where to, how far, and which of its tables to open.

use std::path::{Path, PathBuf};

use egui::ProgressBar;
use egui_material_icons::icons;

use super::{Next, modal, path_field::PathField};
use crate::{
    gui::{
        background::waker,
        command::Command,
        file_dialog::Choose,
        theme::{self, Palette, space},
        unpacking::Unpacking,
        widgets::{self, entry, notice, posts, thousands},
    },
    prepare::Prepared,
};

/// The dialog.
pub struct UnpackDialog {
    source: PathBuf,
    out: PathField,
    state: State,
}

enum State {
    Asking,
    Running(Unpacking),
    Stopped,
    Failed(String),
    Done(Prepared),
}

impl UnpackDialog {
    pub(super) fn new(source: PathBuf) -> Self {
        Self {
            out: PathField::new(&suggestion(&source)),
            source,
            state: State::Asking,
        }
    }

    /// Takes what the thread and the system's dialog have found out.
    pub(super) fn receive(&mut self) {
        self.out.receive();
        if let State::Running(unpacking) = &mut self.state
            && let Some(result) = unpacking.poll()
        {
            self.state = match result {
                Ok(made) => State::Done(made),
                Err(message) => State::Failed(message),
            };
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        // With one table there is nothing to choose.
        if let State::Done(made) = &self.state
            && let [(table, _)] = made.tables.as_slice()
            && made.faults.is_empty()
            && made.kept.is_empty()
        {
            out.push(self.open(table.clone()));
            return Next::Close;
        }
        let mut chosen = None;
        let mut cancelled = false;
        let name = self
            .source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let closes = modal(ctx, &format!("Unpack {name}"), 560.0, |ui| {
            if let State::Done(made) = &self.state {
                chosen = done_ui(ui, made);
                return;
            }
            ui.label(
                "Its pictures lie inside it. They are written to a folder once, with a table for each split beside them; \
                 nothing in the file itself changes. Parquet files, and zip archives of MMHS150K and Hateful Memes, can be \
                 unpacked here.",
            );
            self.folder_ui(ui);
            cancelled = self.state_ui(ui);
        });
        if let Some(table) = chosen {
            out.push(self.open(table));
            return Next::Close;
        }
        if closes && matches!(self.state, State::Running(_)) {
            // A click beside the dialog must not lose sight of what was written.
            self.state = State::Stopped;
            Next::Stay
        } else if closes || cancelled {
            Next::Close
        } else {
            Next::Stay
        }
    }

    fn open(&self, table: PathBuf) -> Command {
        Command::OpenUnpacked {
            source: self.source.clone(),
            table,
        }
    }

    fn folder_ui(&mut self, ui: &mut egui::Ui) {
        let is_running = matches!(self.state, State::Running(_));
        ui.add_space(space::XS);
        ui.add_enabled_ui(!is_running, |ui| {
            let name = "Folder to unpack into";
            self.out.ui(ui, (name, ""), Choose::Folder);
        });
    }

    /// How it stands, and the buttons; whether it was given up.
    fn state_ui(&mut self, ui: &mut egui::Ui) -> bool {
        let palette = Palette::from_ui(ui);
        let mut cancelled = false;
        match &self.state {
            State::Running(unpacking) => {
                let (done, total) = unpacking.progress.map_or((0, 0), |p| (p.done, p.total));
                let text = match total {
                    0 => "Reading".to_owned(),
                    _ => format!("{} of {}", thousands(done), posts(total)),
                };
                let bar = ProgressBar::new(done as f32 / total.max(1) as f32).text(text);
                ui.add(bar);
                if ui.button("Stop").clicked() {
                    self.state = State::Stopped;
                }
                return false;
            }
            State::Stopped => {
                ui.label(theme::caption(
                    ui,
                    "Stopped. What was written stays, and unpacking again goes on from there.",
                ));
            }
            State::Failed(message) => {
                notice(ui, icons::ICON_ERROR, palette.bad, message);
            }
            State::Asking | State::Done(_) => {}
        }
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            let out = self.out.path();
            let unpack = widgets::primary(ui, icons::ICON_UNARCHIVE, "Unpack", out.is_some());
            if let Some(out) = out.filter(|_| unpack.clicked()) {
                self.start(ui.ctx(), out);
            }
            cancelled = ui.button("Cancel").clicked();
        });
        cancelled
    }

    fn start(&mut self, ctx: &egui::Context, out: PathBuf) {
        let unpacking = Unpacking::start(self.source.clone(), out, waker(ctx));
        self.state = State::Running(unpacking);
    }
}

/// What was made, to choose from.
fn done_ui(ui: &mut egui::Ui, made: &Prepared) -> Option<PathBuf> {
    let mut chosen = None;
    ui.label("Unpacked. Open one of its tables:");
    for (table, n) in &made.tables {
        let name = table.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("{name} · {}", posts(*n));
        if entry(ui, icons::ICON_TABLE_ROWS, &text).clicked() {
            chosen = Some(table.clone());
        }
    }
    for table in &made.kept {
        let name = table.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("{name} was there already, from something else, and stays as it is");
        notice(ui, icons::ICON_INFO, Palette::from_ui(ui).weak, &text);
    }
    if !made.faults.is_empty() {
        let text = format!(
            "{} entries were left out or changed; left_out.csv says why",
            thousands(made.faults.len())
        );
        notice(ui, icons::ICON_WARNING, Palette::from_ui(ui).warn, &text);
    }
    chosen
}

/// A folder beside the file: `train.parquet` → `train-unpacked`.
fn suggestion(source: &Path) -> PathBuf {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-unpacked");
    source
        .parent()
        .map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name))
}
