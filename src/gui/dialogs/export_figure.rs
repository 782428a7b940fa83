//! Exporting a figure: as what, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use egui::Ui;

use super::{
    Next,
    file_writer::{FileWriter, Writing},
    modal,
};
use crate::{
    export::figure::{Figure, FigureFile, Format},
    gui::{
        command::Command,
        theme::{self, space},
        widgets::outlined,
    },
};

/// The dialog.
pub struct FigureDialog {
    figure: Figure,
    format: Format,
    file: FileWriter,
}

impl FigureDialog {
    /// For a figure about a dataset.
    pub(super) fn new(figure: Figure, dataset: &Path) -> Self {
        let format = Format::default();
        Self {
            file: FileWriter::new(&suggestion(dataset, &figure, format)),
            figure,
            format,
        }
    }

    pub(super) fn start(&mut self, file: FigureFile, wake: impl Fn() + Send + 'static) {
        let write = move || {
            file.write()?;
            Ok(format!("Exported the figure to {}", file.path.display()))
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
        if self.file.receive_path() {
            self.take_format();
        }
        self.file.receive()
    }

    /// The format that the path's ending names, if it names one.
    fn take_format(&mut self) {
        self.format = Format::of(self.file.path()).unwrap_or(self.format);
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Export figure", 560.0, |ui| {
            ui.label(theme::strong(&self.figure.title));
            ui.add(egui::Label::new(theme::caption(ui, &self.figure.note)).wrap());
            ui.add_enabled_ui(!self.file.is_writing(), |ui| {
                outlined(ui, |ui| self.format_ui(ui));
                if self.file.path_ui(ui, false) {
                    self.take_format();
                }
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
        for (format, label) in [
            (Format::Svg, "SVG, a picture for papers and the web"),
            (Format::Png, "PNG, a picture of 1440 × 960 pixels"),
            (Format::Csv, "CSV, its numbers"),
        ] {
            if ui.radio(self.format == format, label).clicked() {
                self.format = format;
                let path = self.file.path().with_extension(format.ending());
                self.file.set_path(&path);
            }
        }
    }

    fn buttons_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        if let Some((path, replace)) = self.file.button_ui(ui) {
            out.push(Command::ExportFigureTo(Box::new(FigureFile {
                figure: self.figure.clone(),
                format: self.format,
                path,
                replace,
            })));
        }
    }
}

/// A name beside the dataset: `posts.csv` → `posts-confused-labels.svg`.
fn suggestion(dataset: &Path, figure: &Figure, format: Format) -> PathBuf {
    let stem = dataset.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}.{}", figure.name, format.ending());
    match dataset.parent() {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}
