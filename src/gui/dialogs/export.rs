//! Exporting the training CSV: which posts, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use egui::{Button, Ui};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    causes::with_causes,
    export::{ExportError, Exported, Selection, TrainingSet},
    gui::{
        command::Command,
        file_dialog::{Choose, FileDialog},
        theme::{self, Palette, space},
        widgets::{self, field, notice, outlined, posts},
    },
    review::Session,
};

/// What to export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportRequest {
    /// Which posts.
    pub selection: Selection,
    /// The file.
    pub path: PathBuf,
    /// Whether an existing file is replaced.
    pub replace: bool,
    /// Whether the columns that say where labels come from are added.
    pub provenance: bool,
}

enum State {
    Asking,
    Writing(Receiver<Result<Exported, ExportError>>),
    /// The file is there already; the user decides.
    Exists(PathBuf),
    Failed(String),
}

/// The dialog.
pub struct ExportDialog {
    path: String,
    selection: Selection,
    provenance: bool,
    counts: [usize; 3],
    state: State,
    browsing: Option<FileDialog>,
}

impl ExportDialog {
    pub(super) fn new(session: &Session) -> Self {
        let counts = session.counts();
        let dataset = &session.dataset().path;
        Self {
            path: suggestion(dataset).display().to_string(),
            selection: Selection::All,
            provenance: false,
            counts: [
                session.dataset().posts.len(),
                counts.reviewed,
                counts.corrected,
            ],
            state: State::Asking,
            browsing: None,
        }
    }

    pub(super) fn start(
        &mut self,
        session: &Session,
        request: ExportRequest,
        wake: impl Fn() + Send + 'static,
    ) {
        let mut set = TrainingSet::of_session(session, request.selection);
        if request.provenance {
            set = set.with_session_provenance(session);
        }
        let (sender, written) = bounded(1);
        let task = move || {
            // Nobody listens if the dialog was closed meanwhile; the file is whole either way.
            drop(sender.send(set.write(&request.path, request.replace)));
            wake();
        };
        self.state = match std::thread::Builder::new()
            .name("overrule-export".to_owned())
            .spawn(task)
        {
            Ok(_) => State::Writing(written),
            Err(error) => State::Failed(format!("no thread could be started to write it: {error}")),
        };
    }

    /// What to tell the user once the file is written.
    pub(super) fn receive(&mut self) -> Option<String> {
        if let Some(chosen) = self.browsing.as_ref().and_then(FileDialog::poll) {
            self.browsing = None;
            if let Some(path) = chosen {
                self.path = path.display().to_string();
            }
        }
        let State::Writing(written) = &self.state else {
            return None;
        };
        let result = match written.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                self.state = State::Failed("writing stopped unexpectedly".to_owned());
                return None;
            }
        };
        match result {
            Ok(exported) => {
                let name = exported.path.display();
                return Some(format!("Exported {} to {name}", posts(exported.posts)));
            }
            Err(ExportError::Exists(path)) => self.state = State::Exists(path),
            Err(error) => self.state = State::Failed(with_causes(&error)),
        }
        None
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Export", 560.0, |ui| {
            let text =
                "A training CSV with text, image_path and labels, and class_names.txt beside it.";
            ui.label(text);
            outlined(ui, |ui| self.selection_ui(ui));
            self.path_ui(ui);
            self.state_ui(ui);
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                self.buttons_ui(ui, out);
                if ui.button("Cancel").clicked() {
                    next = Next::Close;
                }
            });
        });
        if closes { Next::Close } else { next }
    }

    fn selection_ui(&mut self, ui: &mut Ui) {
        let [all, reviewed, corrected] = self.counts;
        for (selection, label, count) in [
            (Selection::All, "All posts, your corrections applied", all),
            (Selection::Reviewed, "Only posts you confirmed", reviewed),
            (
                Selection::Corrected,
                "Only posts whose label you changed",
                corrected,
            ),
        ] {
            ui.horizontal(|ui| {
                if ui.radio(self.selection == selection, label).clicked() {
                    self.selection = selection;
                    self.state = State::Asking;
                }
                ui.label(theme::caption(ui, posts(count)));
            });
        }
        let label = "Add columns that say where each label comes from";
        ui.checkbox(&mut self.provenance, label);
    }

    fn path_ui(&mut self, ui: &mut Ui) {
        widgets::row_from_right(ui, |ui| {
            let choose = ui.add_enabled(self.browsing.is_none(), Button::new("Choose…"));
            if choose.clicked() {
                let (ctx, path) = (ui.ctx().clone(), PathBuf::from(self.path.trim()));
                let wake = move || ctx.request_repaint();
                self.browsing = Some(FileDialog::open(Choose::Save(path), wake));
            }
            let response = ui.add(field(&mut self.path));
            if response.accessible_name("File to write").changed() {
                self.state = State::Asking;
            }
        });
    }

    fn state_ui(&self, ui: &mut Ui) {
        let palette = Palette::from_ui(ui);
        match &self.state {
            State::Asking => {}
            State::Writing(_) => {
                ui.label(theme::caption(ui, "Writing…"));
            }
            State::Exists(path) => {
                let text = format!("{} exists already. Replace it?", path.display());
                notice(ui, icons::ICON_WARNING, palette.warn, &text);
            }
            State::Failed(message) => {
                notice(ui, icons::ICON_ERROR, palette.bad, message);
            }
        }
    }

    fn buttons_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let path = self.path.trim();
        let idle = !matches!(self.state, State::Writing(_));
        let replace = matches!(self.state, State::Exists(_));
        let label = if replace { "Replace it" } else { "Export" };
        let ready = idle && !path.is_empty();
        if widgets::primary(ui, icons::ICON_FILE_DOWNLOAD, label, ready).clicked() {
            out.push(Command::ExportTo(ExportRequest {
                selection: self.selection,
                path: PathBuf::from(path),
                replace,
                provenance: self.provenance,
            }));
        }
    }
}

/// A name beside the dataset: `posts.csv` → `posts-reviewed.csv`.
fn suggestion(dataset: &Path) -> PathBuf {
    let stem = dataset.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-reviewed.csv");
    match dataset.parent() {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_name_is_beside_the_dataset() {
        for (dataset, name) in [
            ("/data/posts.csv", "/data/posts-reviewed.csv"),
            ("/data/folder", "/data/folder-reviewed.csv"),
        ] {
            assert_eq!(suggestion(Path::new(dataset)), Path::new(name));
        }
    }
}
