//! Exporting: in which format, which posts, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use egui::Ui;
use egui_material_icons::icons;

use super::{
    Next, Shown,
    file_writer::{FileWriter, Writing},
    modal,
};
use crate::{
    export::{Exported, Format, Selection, TrainingSet},
    gui::{
        command::Command,
        theme::{self, space},
        widgets::{self, outlined, posts},
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

/// The dialog.
pub struct ExportDialog {
    file: FileWriter,
    dataset: PathBuf,
    image_root: PathBuf,
    format: Format,
    selection: Selection,
    provenance: bool,
    /// How many posts each selection has in which format.
    counts: (Format, [usize; 3]),
}

impl ExportDialog {
    pub(super) fn new(session: &Session) -> Self {
        let dataset = &session.dataset().path;
        Self {
            file: FileWriter::new(&suggestion(dataset, Format::Csv)),
            dataset: dataset.clone(),
            image_root: session.dataset().image_root.clone(),
            format: Format::Csv,
            selection: Selection::All,
            provenance: false,
            counts: (Format::Csv, counts(session, Format::Csv)),
        }
    }

    pub(super) fn start(
        &mut self,
        session: &Session,
        request: ExportRequest,
        wake: impl Fn() + Send + 'static,
    ) {
        let (now, run) = (session.snapshot(), session.run().cloned());
        let write = move || {
            let (selection, format) = (request.selection, request.format);
            let mut set = TrainingSet::of_snapshot(&now, run.as_ref(), selection, format);
            if request.provenance {
                set = set.with_session_provenance(&now);
            }
            let exported = set.write(&request.path, request.replace)?;
            Ok(told(&exported))
        };
        self.file.start(write, wake);
    }

    /// Whether a file is being written now.
    pub(super) fn is_writing(&self) -> bool {
        self.file.is_writing()
    }

    /// What is still being written when the dialog is put away.
    pub(super) fn leave(self) -> Option<Writing> {
        self.file.leave()
    }

    /// What to tell the user once the file is written.
    pub(super) fn receive(&mut self) -> Option<String> {
        self.file.receive_path();
        self.file.receive()
    }

    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) -> Next {
        let mut next = Next::Stay;
        if self.counts.0 != self.format
            && let Some(bench) = shown.bench
        {
            self.counts = (self.format, counts(&bench.session, self.format));
        }
        let closes = modal(ctx, "Export", 560.0, |ui| {
            ui.add_enabled_ui(!self.file.is_writing(), |ui| {
                self.format_ui(ui);
                outlined(ui, |ui| self.selection_ui(ui));
                self.file.path_ui(ui, self.format.is_folder());
            });
            self.file.state_ui(ui);
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                self.buttons_ui(ui, out);
                if self.file.close_ui(ui) {
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
            if self.file.path() == suggestion(&self.dataset, self.format) {
                self.file.set_path(&suggestion(&self.dataset, format));
            }
            self.format = format;
            self.file.ask_again();
        }
        ui.label(self.format.description());
        if matches!(self.format, Format::LabelStudio | Format::LabelStudioMin) {
            let root = self.image_root.display();
            let text = format!("Label Studio must serve local files from {root}");
            ui.label(theme::caption(ui, text));
        }
    }

    fn selection_ui(&mut self, ui: &mut Ui) {
        let labels = [
            "All posts, your corrections applied",
            "Only posts you confirmed",
            "Only posts whose labels you changed or added",
        ];
        let choices = SELECTIONS.into_iter().zip(labels).zip(self.counts.1);
        for ((selection, label), count) in choices {
            ui.horizontal(|ui| {
                if ui.radio(self.selection == selection, label).clicked() {
                    self.selection = selection;
                    self.file.ask_again();
                }
                ui.label(theme::caption(ui, posts(count)));
            });
        }
        if self.format.takes_provenance() {
            let label = "Add columns that say where each label comes from";
            ui.checkbox(&mut self.provenance, label);
        }
    }

    fn buttons_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        if let Some((path, replace)) = self.file.button_ui(ui) {
            out.push(Command::ExportTo(ExportRequest {
                format: self.format,
                selection: self.selection,
                path,
                replace,
                provenance: self.provenance && self.format.takes_provenance(),
            }));
        }
    }
}

const SELECTIONS: [Selection; 3] = [Selection::All, Selection::Reviewed, Selection::Corrected];

/// How many posts a format takes of each selection.
fn counts(session: &Session, format: Format) -> [usize; 3] {
    SELECTIONS.map(|selection| TrainingSet::count(session, selection, format))
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
    if exported.absolute_paths > 0 {
        let n = posts(exported.absolute_paths);
        text += &format!("; the image paths of {n} were made absolute");
    }
    if exported.pictures_missing > 0 {
        let n = posts(exported.pictures_missing);
        text += &format!("; the pictures of {n} cannot be read and are not in it");
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
