//! Exporting: in which format, which posts, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use egui::Ui;
use egui_material_icons::icons;

use super::{Next, file_writer::FileWriter, modal};
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
    file: FileWriter<Exported>,
    dataset: PathBuf,
    image_root: PathBuf,
    format: Format,
    selection: Selection,
    provenance: bool,
    counts: [usize; 3],
}

impl ExportDialog {
    pub(super) fn new(session: &Session) -> Self {
        let posts = session.dataset().posts.iter().enumerate();
        let changed = posts.filter(|(place, post)| {
            let decision = session.review(*place).decision;
            decision.is_some() && decision != post.truth
        });
        let changed = changed.count();
        let dataset = &session.dataset().path;
        Self {
            file: FileWriter::new(&suggestion(dataset, Format::Csv)),
            dataset: dataset.clone(),
            image_root: session.dataset().image_root.clone(),
            format: Format::Csv,
            selection: Selection::All,
            provenance: false,
            counts: [
                session.dataset().posts.len(),
                session.counts().reviewed,
                changed,
            ],
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
        let write = move || set.write(&request.path, request.replace);
        self.file.start(write, wake);
    }

    /// What to tell the user once the file is written.
    pub(super) fn receive(&mut self) -> Option<String> {
        self.file.receive_path();
        self.file.receive().map(|exported| told(&exported))
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Export", 560.0, |ui| {
            self.format_ui(ui);
            outlined(ui, |ui| self.selection_ui(ui));
            self.file.path_ui(ui, self.format.is_folder());
            self.file.state_ui(ui);
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
        let [all, reviewed, corrected] = self.counts;
        for (selection, label, count) in [
            (Selection::All, "All posts, your corrections applied", all),
            (Selection::Reviewed, "Only posts you confirmed", reviewed),
            (
                Selection::Corrected,
                "Only posts whose labels you changed or added",
                corrected,
            ),
        ] {
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
