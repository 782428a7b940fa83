//! Exporting: in which format, which posts, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use egui::{Button, Ui};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    causes::with_causes,
    export::{ExportError, Exported, Format, Selection, TrainingSet},
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
    /// In which format.
    pub format: Format,
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
    dataset: PathBuf,
    image_root: PathBuf,
    format: Format,
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
            path: suggestion(dataset, Format::Csv).display().to_string(),
            dataset: dataset.clone(),
            image_root: session.dataset().image_root.clone(),
            format: Format::Csv,
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
        let mut set = TrainingSet::for_format(session, request.selection, request.format);
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
                return Some(told(&exported));
            }
            Err(ExportError::Exists(path)) => self.state = State::Exists(path),
            Err(error) => self.state = State::Failed(with_causes(&error)),
        }
        None
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Export", 560.0, |ui| {
            self.format_ui(ui);
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

    fn format_ui(&mut self, ui: &mut Ui) {
        let choices = Format::ALL.map(|format| (format, format.title(), format.description()));
        let name = ("Format", icons::ICON_DESCRIPTION);
        if let Some(format) = widgets::choice(ui, name, 240.0, self.format, &choices) {
            // A name that the user has typed stays.
            if Path::new(&self.path) == suggestion(&self.dataset, self.format) {
                self.path = suggestion(&self.dataset, format).display().to_string();
            }
            self.format = format;
            self.state = State::Asking;
        }
        ui.label(self.format.description());
        if matches!(self.format, Format::LabelStudio | Format::LabelStudioMin) {
            let root = self.image_root.display();
            let text = format!("Label Studio must serve local files from {root}");
            ui.label(theme::caption(ui, text));
        }
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
        if self.format.takes_provenance() {
            let label = "Add columns that say where each label comes from";
            ui.checkbox(&mut self.provenance, label);
        }
    }

    fn path_ui(&mut self, ui: &mut Ui) {
        widgets::row_from_right(ui, |ui| {
            let choose = ui.add_enabled(self.browsing.is_none(), Button::new("Choose…"));
            if choose.clicked() {
                let (ctx, path) = (ui.ctx().clone(), PathBuf::from(self.path.trim()));
                let wake = move || ctx.request_repaint();
                let choose = if self.format.is_folder() {
                    Choose::Folder
                } else {
                    Choose::Save(path)
                };
                self.browsing = Some(FileDialog::open(choose, wake));
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
                format: self.format,
                selection: self.selection,
                path: PathBuf::from(path),
                replace,
                provenance: self.provenance && self.format.takes_provenance(),
            }));
        }
    }
}

/// What was written and what was not, as a sentence.
fn told(exported: &Exported) -> String {
    let mut text = format!(
        "Exported {} to {}",
        posts(exported.posts),
        exported.path.display()
    );
    for (n, why) in [
        (exported.without_truth, "nobody has labelled"),
        (exported.without_image, "without an image that exists"),
    ] {
        if n > 0 {
            text += &format!("; {} {why} left out", posts(n));
        }
    }
    text
}

/// A name beside the dataset: `posts.csv` → `posts-reviewed.csv`, `posts-label-studio.json`.
fn suggestion(dataset: &Path, format: Format) -> PathBuf {
    let stem = dataset.file_stem().unwrap_or_default().to_string_lossy();
    let kind = match format {
        Format::Csv | Format::JsonLines => "reviewed",
        other => other.name(),
    };
    let name = match format.extension() {
        Some(extension) => format!("{stem}-{kind}.{extension}"),
        None => format!("{stem}-{kind}"),
    };
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
        for (dataset, format, name) in [
            ("/data/posts.csv", Format::Csv, "/data/posts-reviewed.csv"),
            ("/data/folder", Format::Csv, "/data/folder-reviewed.csv"),
            (
                "/data/posts.csv",
                Format::Argilla,
                "/data/posts-argilla.json",
            ),
            (
                "/data/posts.csv",
                Format::ImageFolder,
                "/data/posts-imagefolder",
            ),
        ] {
            assert_eq!(suggestion(Path::new(dataset), format), Path::new(name));
        }
    }
}
