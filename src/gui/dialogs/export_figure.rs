//! Exporting a figure: as what, where to, and never over an existing file without asking.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use egui::{Button, Ui};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    causes::with_causes,
    export::{
        ExportError,
        figure::{Figure, FigureFile, Format},
    },
    gui::{
        command::Command,
        file_dialog::{Choose, FileDialog},
        theme::{self, Palette, space},
        widgets::{self, field, notice, outlined},
    },
};

enum State {
    Asking,
    Writing(Receiver<Result<(), ExportError>>),
    /// The file is there already; the user decides.
    Exists(PathBuf),
    Failed(String),
}

/// The dialog.
pub struct FigureDialog {
    figure: Figure,
    format: Format,
    path: String,
    state: State,
    browsing: Option<FileDialog>,
}

impl FigureDialog {
    /// For a figure about a dataset.
    pub(super) fn new(figure: Figure, dataset: &Path) -> Self {
        let format = Format::default();
        Self {
            path: suggestion(dataset, &figure, format).display().to_string(),
            figure,
            format,
            state: State::Asking,
            browsing: None,
        }
    }

    pub(super) fn start(&mut self, file: FigureFile, wake: impl Fn() + Send + 'static) {
        let (sender, written) = bounded(1);
        let task = move || {
            // Nobody listens if the dialog was closed meanwhile; the file is whole either way.
            drop(sender.send(file.write()));
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
                self.format = Format::of(&path).unwrap_or(self.format);
                self.state = State::Asking;
            }
        }
        let State::Writing(written) = &self.state else {
            return None;
        };
        match written.try_recv() {
            Ok(Ok(())) => return Some(format!("Exported the figure to {}", self.path.trim())),
            Ok(Err(ExportError::Exists(path))) => self.state = State::Exists(path),
            Ok(Err(error)) => self.state = State::Failed(with_causes(&error)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.state = State::Failed("writing stopped unexpectedly".to_owned());
            }
        }
        None
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Export figure", 560.0, |ui| {
            ui.label(theme::strong(&self.figure.title));
            ui.add(egui::Label::new(theme::caption(ui, &self.figure.note)).wrap());
            outlined(ui, |ui| self.format_ui(ui));
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
        for (format, label) in [
            (Format::Svg, "SVG, a picture for papers and the web"),
            (Format::Png, "PNG, a picture of 1440 × 960 pixels"),
            (Format::Csv, "CSV, its numbers"),
        ] {
            if ui.radio(self.format == format, label).clicked() {
                self.format = format;
                let path = Path::new(self.path.trim()).with_extension(format.ending());
                self.path = path.display().to_string();
                self.state = State::Asking;
            }
        }
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
                let known = Format::of(Path::new(self.path.trim()));
                self.format = known.unwrap_or(self.format);
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
            out.push(Command::ExportFigureTo(Box::new(FigureFile {
                figure: self.figure.clone(),
                format: self.format,
                path: PathBuf::from(path),
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
