//! Dialogs, one at a time in front of everything. One file each.

mod about;
mod choose_model;
pub mod export;
mod export_figure;
mod file_writer;
mod gold;
mod keys;
mod models;
mod needs;
mod note;
mod open_data;
mod palette;
mod path_field;
pub mod probe;
mod second;
pub mod seen;
pub mod settings;
mod tiles;
pub mod tour;
mod unpack;
mod unsaved;

use std::path::{Path, PathBuf};

use egui::{Align, Frame, Id, Layout, Margin, Modal, ScrollArea, Ui, vec2};
use egui_material_icons::icons;

use self::{
    choose_model::ChooseModel,
    export::{ExportDialog, ExportRequest},
    export_figure::FigureDialog,
    file_writer::{Writing, outcome},
    gold::GoldDialog,
    models::Models,
    note::NoteEditor,
    open_data::OpenData,
    palette::CommandPalette,
    probe::ProbeDialog,
    second::SecondDialog,
    seen::SeenDialog,
    settings::SettingsDialog,
    tour::Tour,
    unpack::UnpackDialog,
};
use super::{
    background::waker, bench::Bench, command::Command, focus, scroll, settings::Settings, theme,
    toast::Kind, widgets::icon,
};
use crate::{
    export::figure::{Figure, FigureFile},
    model::{ModelSpec, hub::HubSettings},
    predict::worker::Probing,
    review::{
        Session,
        gold::{GoldRequest, KeptGold},
        second::SecondReviewer,
        session::Unsaved,
    },
};

/// A dialog and what was entered into it.
pub enum Dialog {
    /// Choose a dataset.
    OpenData(OpenData),
    /// Choose a model.
    ChooseModel(Box<ChooseModel>),
    /// The models on this machine.
    Models(Models),
    /// Export.
    Export(ExportDialog),
    /// Export a figure.
    Figure(FigureDialog),
    /// Edit the note of a post.
    Note(NoteEditor),
    /// Every command.
    Palette(CommandPalette),
    /// Second reviewers.
    Second(SecondDialog),
    /// Posts whose labels are known.
    Gold(GoldDialog),
    /// What the model saw of a post.
    Seen(SeenDialog),
    /// Other forms of a post.
    Probe(Box<ProbeDialog>),
    /// The settings.
    Settings(SettingsDialog),
    /// A tour of the window.
    Tour(Tour),
    /// Every key.
    Keys,
    /// What this program is.
    About,
    /// Unpack a file with pictures in it.
    Unpack(UnpackDialog),
    /// Something is not on disk and would be lost.
    Unsaved {
        /// How much it is.
        unsaved: Unsaved,
        /// Why it could not be written.
        message: String,
        /// What was about to happen.
        then: Then,
    },
}

impl Dialog {
    /// The editor of a post's note.
    pub fn note(post: usize, text: String) -> Self {
        Self::Note(NoteEditor::new(post, text))
    }

    /// The command palette, of the commands that `can` be carried out now.
    pub fn palette(
        ctx: &egui::Context,
        bench: Option<&Bench>,
        can: impl Fn(&Command) -> bool,
    ) -> Self {
        Self::Palette(CommandPalette::new(ctx, bench, can))
    }
}

/// What goes on although something is not saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Then {
    /// Another dataset is opened.
    Open(PathBuf),
    /// The window closes.
    Close,
}

/// What a dialog wants after a frame.
enum Next {
    Stay,
    Close,
    GoOn(Then),
}

/// What dialogs show of the window behind them.
pub struct Shown<'a> {
    /// What is remembered.
    pub settings: &'a Settings,
    /// The open dataset.
    pub bench: Option<&'a Bench>,
    /// Where small pictures are kept between runs, if anywhere.
    pub thumbnails: Option<&'a Path>,
}

/// The dialog on screen, if any, and what those before it have left.
#[derive(Default)]
pub struct Dialogs {
    dialog: Option<Dialog>,
    /// What keeps the text of a note whose editor was put away.
    note: Option<Command>,
    /// Files that are written on, although their dialog was put away.
    written: Vec<Writing>,
}

impl Dialogs {
    /// Whether a dialog is on screen.
    pub fn is_open(&self) -> bool {
        self.dialog.is_some()
    }

    /// Whether the dialog on screen is the question what to do about something that is not saved.
    pub fn asks_before_loss(&self) -> bool {
        matches!(self.dialog, Some(Dialog::Unsaved { .. }))
    }

    /// Shows a dialog in place of the present one.
    pub fn open(&mut self, dialog: Dialog) {
        self.close();
        self.dialog = Some(dialog);
    }

    /// Puts the dialog away. What was entered or begun in it is not lost.
    pub fn close(&mut self) {
        match self.dialog.take() {
            Some(Dialog::Note(editor)) => self.note = editor.kept(),
            Some(Dialog::Export(dialog)) => self.written.extend(dialog.leave()),
            Some(Dialog::Figure(dialog)) => self.written.extend(dialog.leave()),
            _ => {}
        }
    }

    /// Whether a file is being written. The dialog that began it is put away: it would have nobody left to tell.
    pub fn leave_writing(&mut self) -> bool {
        let writes = match &self.dialog {
            Some(Dialog::Export(dialog)) => dialog.is_writing(),
            Some(Dialog::Figure(dialog)) => dialog.is_writing(),
            _ => false,
        };
        if writes {
            self.close();
        }
        !self.written.is_empty()
    }

    /// What keeps the note whose editor was put away, once.
    pub fn take_note(&mut self) -> Option<Command> {
        self.note.take()
    }

    /// The same, also of the note that is being written: its editor is put away.
    pub fn end_note(&mut self) -> Option<Command> {
        if let Some(Dialog::Note(_)) = self.dialog {
            self.close();
        }
        self.take_note()
    }

    /// Shows the dialog that chooses a dataset.
    pub fn open_data(&mut self, settings: &Settings) {
        self.open(Dialog::OpenData(OpenData::new(settings)));
    }

    /// Offers to unpack a file whose pictures lie inside it.
    pub fn unpack(&mut self, source: PathBuf) {
        self.open(Dialog::Unpack(UnpackDialog::new(source)));
    }

    /// Shows the dialog that chooses a model.
    pub fn choose_model(
        &mut self,
        ctx: &egui::Context,
        present: Option<&ModelSpec>,
        settings: &Settings,
        hub: HubSettings,
    ) {
        let dialog = ChooseModel::new(ctx, present, settings, hub);
        self.open(Dialog::ChooseModel(Box::new(dialog)));
    }

    /// Shows the models on this machine.
    pub fn manage_models(&mut self, ctx: &egui::Context, hub: HubSettings, settings: &Settings) {
        self.open(Dialog::Models(Models::new(ctx, hub, settings)));
    }

    /// Deletes a model of the Hub's cache, off the frame.
    pub fn delete_model(&mut self, ctx: &egui::Context, id: String) {
        if let Some(Dialog::Models(dialog)) = &mut self.dialog {
            dialog.delete(ctx, id);
        }
    }

    /// Deletes the small pictures that are kept between runs, off the frame.
    pub fn delete_thumbnails(&mut self, ctx: &egui::Context, folder: &Path) {
        if let Some(Dialog::Settings(dialog)) = &mut self.dialog {
            dialog.delete_thumbnails(ctx, folder);
        }
    }

    /// Looks again at what is on this machine, if that is on screen.
    pub fn look_again(&mut self, ctx: &egui::Context) {
        match &mut self.dialog {
            Some(Dialog::Models(dialog)) => dialog.look(ctx),
            Some(Dialog::ChooseModel(dialog)) => dialog.look(ctx),
            _ => {}
        }
    }

    /// Shows the export dialog.
    pub fn open_export(&mut self, session: &Session) {
        self.open(Dialog::Export(ExportDialog::new(session)));
    }

    /// Starts to write, off the frame.
    pub fn export(&mut self, session: &Session, request: ExportRequest, ctx: &egui::Context) {
        if let Some(Dialog::Export(dialog)) = &mut self.dialog {
            dialog.start(session, request, waker(ctx));
        }
    }

    /// Shows the dialog that exports a figure.
    pub fn open_export_figure(&mut self, figure: Figure, session: &Session) {
        let dialog = FigureDialog::new(figure, &session.dataset().path);
        self.open(Dialog::Figure(dialog));
    }

    /// Starts to write a figure, off the frame.
    pub fn export_figure(&mut self, file: FigureFile, ctx: &egui::Context) {
        if let Some(Dialog::Figure(dialog)) = &mut self.dialog {
            dialog.start(file, waker(ctx));
        }
    }

    /// Shows the dialog about a second reviewer.
    pub fn open_second(&mut self) {
        self.open(Dialog::Second(SecondDialog::new()));
    }

    /// Reads a second reviewer's session, off the frame.
    pub fn import_second(&mut self, file: PathBuf, session: &Session, ctx: &egui::Context) {
        if let Some(Dialog::Second(dialog)) = &mut self.dialog {
            dialog.import(file, session, ctx);
        }
    }

    /// The second reviewer that was read.
    pub fn take_second(&mut self) -> Option<SecondReviewer> {
        match &mut self.dialog {
            Some(Dialog::Second(dialog)) => dialog.receive(),
            _ => None,
        }
    }

    /// Shows the dialog about gold posts.
    pub fn open_gold(&mut self, bench: &Bench) {
        self.open(Dialog::Gold(GoldDialog::new(bench)));
    }

    /// Draws gold posts, off the frame.
    pub fn draw_gold(&mut self, request: GoldRequest, session: &Session, ctx: &egui::Context) {
        if let Some(Dialog::Gold(dialog)) = &mut self.dialog {
            dialog.draw(request, session, ctx);
        }
    }

    /// The gold posts that were drawn.
    pub fn take_gold(&mut self) -> Option<KeptGold> {
        match &mut self.dialog {
            Some(Dialog::Gold(dialog)) => dialog.receive(),
            _ => None,
        }
    }

    /// Hands the answers that the probe dialog asked for to it.
    pub fn ask_probe(&mut self, probing: Probing) {
        if let Some(Dialog::Probe(dialog)) = &mut self.dialog {
            dialog.ask(probing);
        }
    }

    /// Takes what dialogs have found out on their own threads. Returns what to tell the user.
    pub fn receive(&mut self, ctx: &egui::Context) -> Vec<(Kind, String)> {
        let mut told = Vec::new();
        self.written.retain(|written| {
            let outcome = outcome(written);
            let is_written_on = outcome.is_none();
            told.extend(outcome.map(|outcome| match outcome {
                Ok(text) => (Kind::Done, text),
                Err(text) => (Kind::Error, text),
            }));
            is_written_on
        });
        let done = self.receive_open(ctx);
        told.extend(done.map(|text| (Kind::Done, text)));
        told
    }

    /// Takes what the dialog on screen has found out.
    fn receive_open(&mut self, ctx: &egui::Context) -> Option<String> {
        match &mut self.dialog {
            Some(Dialog::OpenData(dialog)) => dialog.receive(),
            Some(Dialog::Unpack(dialog)) => dialog.receive(),
            Some(Dialog::Seen(dialog)) => dialog.receive(),
            Some(Dialog::Probe(dialog)) => dialog.receive(ctx),
            Some(Dialog::ChooseModel(dialog)) => dialog.receive(),
            Some(Dialog::Models(dialog)) => dialog.receive(ctx),
            Some(Dialog::Settings(dialog)) => return dialog.receive(),
            Some(Dialog::Export(dialog)) => {
                if let Some(done) = dialog.receive() {
                    self.dialog = None;
                    return Some(done);
                }
            }
            Some(Dialog::Figure(dialog)) => {
                if let Some(done) = dialog.receive() {
                    self.dialog = None;
                    return Some(done);
                }
            }
            _ => {}
        }
        None
    }

    /// Draws the dialog.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) -> Option<Then> {
        let dialog = self.dialog.as_mut()?;
        let next = match dialog {
            Dialog::OpenData(dialog) => dialog.show(ctx, out),
            Dialog::ChooseModel(dialog) => dialog.show(ctx, out),
            Dialog::Models(dialog) => dialog.show(ctx, out),
            Dialog::Export(dialog) => dialog.show(ctx, shown, out),
            Dialog::Figure(dialog) => dialog.show(ctx, out),
            Dialog::Note(dialog) => dialog.show(ctx),
            Dialog::Palette(dialog) => dialog.show(ctx, out),
            Dialog::Unpack(dialog) => dialog.show(ctx, out),
            Dialog::Second(dialog) => dialog.show(ctx, shown, out),
            Dialog::Gold(dialog) => dialog.show(ctx, shown, out),
            Dialog::Seen(dialog) => dialog.show(ctx),
            Dialog::Probe(dialog) => dialog.show(ctx, out),
            Dialog::Settings(dialog) => dialog.show(ctx, shown, out),
            Dialog::Tour(tour) => tour.show(ctx),
            Dialog::Keys => keys::show(ctx, shown.settings.care.uncover),
            Dialog::About => about::show(ctx),
            Dialog::Unsaved {
                unsaved,
                message,
                then,
            } => unsaved::show(ctx, *unsaved, message, then, out),
        };
        match next {
            Next::Stay => None,
            Next::Close => {
                self.close();
                None
            }
            Next::GoOn(then) => {
                self.close();
                Some(then)
            }
        }
    }
}

/// What stands around a dialog's content in its window, in points: title, margins, a little of what is behind.
const AROUND: f32 = 120.0;

/// The frame of every dialog: a title, a way out, and the content, which scrolls where the window is too low for it. Returns
/// whether it should close.
fn modal(ctx: &egui::Context, title: &str, width: f32, content: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::window(&ctx.style_of(ctx.theme())).inner_margin(Margin::same(20));
    let mut dismissed = false;
    let id = Id::unique(("dialog", title));
    let is_high = ctx.data(|data| data.get_temp::<bool>(id)).unwrap_or(false);
    let room = ctx.content_rect().size() - vec2(80.0, 80.0);
    let response = Modal::new(id)
        .area(Modal::default_area(id).default_size(room))
        .frame(frame)
        .show(ctx, |ui| {
            ui.set_width(width.min(ui.ctx().content_rect().width() - 80.0));
            ui.horizontal(|ui| {
                ui.label(theme::strong(title).size(theme::HEADING));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let close =
                        egui::Button::new(icon(icons::ICON_CLOSE)).frame_when_inactive(false);
                    dismissed = ui
                        .add(close)
                        .accessible_name(format!("Close {title}"))
                        .clicked();
                });
            });
            ui.add_space(theme::space::XS);
            let room = ui.ctx().content_rect().height() - AROUND;
            // Only what is too high scrolls: elsewhere a list in the content gives way to what comes, and nothing moves.
            let height = if is_high {
                let area = ScrollArea::vertical().id_salt("dialog").max_height(room);
                let area = area.min_scrolled_height(room).auto_shrink([false, true]);
                let shown = area.show(ui, |ui| {
                    content(ui);
                    scroll::by_keys(ui);
                    focus::follow(ui);
                });
                shown.content_size.y
            } else {
                let top = ui.cursor().top();
                content(ui);
                ui.min_rect().bottom() - top
            };
            ui.data_mut(|data| data.insert_temp(id, height > room));
        });
    response.should_close() || dismissed
}
