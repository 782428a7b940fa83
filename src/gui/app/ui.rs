//! The part of a frame that draws.

use egui::{CentralPanel, Event, Frame, Key, Margin, Panel, Role, ViewportCommand};

use super::{App, ModelState, Press, Work};
use crate::{
    gui::{
        command::Command,
        dialogs::{
            Dialog, Shown, Then,
            tour::{self, Place},
        },
        keys,
        panels::{
            self,
            labels::LabelsPanel,
            queue::{QueuePanel, ROOM_BESIDE},
            top_bar::TopBar,
        },
        theme::Palette,
        toast::Kind,
    },
    image::kept::KeptThumbnails,
    review::session::SaveState,
};

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.receive(ctx);
        self.close_when_saved(ctx);
        self.save_settings(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.focus.begin_frame(&ctx, self.dialogs.is_open());
        self.take_input(&ctx);
        self.run_commands(&ctx);
        self.panels_ui(ui);
        self.overlays_ui(&ctx);
        self.focus.end_frame(&ctx, self.dialogs.is_open());
        self.run_commands(&ctx);
        self.textures.end_frame();
        self.note_shown(&ctx);
        self.end_cover(&ctx);
        self.mind_the_reviewer(&ctx);
        self.settings.zoom = ctx.zoom_factor().clamp(0.75, 2.0);
        if self.settings.zoom != ctx.zoom_factor() {
            ctx.set_zoom_factor(self.settings.zoom);
        }
        // In points at a zoom of 1, as the next window is asked for.
        self.settings.window = (ctx.content_rect().size() * ctx.zoom_factor()).into();
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        if let Some(file) = &self.settings_file
            && self.settings != self.settings_saved
        {
            // The window is gone; there is nobody left to tell.
            drop(self.settings.save(file));
        }
    }
}

impl App {
    /// Keys and dropped files. Keys start commands only while nobody types and no dialog or menu is open.
    fn take_input(&mut self, ctx: &egui::Context) {
        if self.covered {
            self.look_for_press(ctx);
            return;
        }
        let dropped = ctx.input(|i| i.raw.dropped_files.first().map(|f| f.path().to_path_buf()));
        if let Some(path) = dropped {
            self.commands.push(Command::OpenPath(path));
        }
        if ctx.text_edit_focused() || self.dialogs.is_open() || egui::Popup::is_any_open(ctx) {
            return;
        }
        let has_session = self.bench().is_some();
        let has_post = self.has_post();
        let keys = keys::take_keys(ctx, |key| has_post || !key.needs_the_post());
        self.commands.extend(
            keys.into_iter()
                .filter(|key| has_session || !key.needs_session()),
        );
    }

    /// Any key or click takes the cover away, and does nothing else: no event goes on to what is hidden.
    fn look_for_press(&mut self, ctx: &egui::Context) {
        let events = ctx.input_mut(|i| std::mem::take(&mut i.events));
        let mut pressed = events.iter().filter_map(|event| match event {
            Event::Key {
                key,
                pressed: true,
                repeat: false,
                ..
            } => Some(Press::Key(*key)),
            Event::PointerButton { pressed: true, .. } => Some(Press::Pointer),
            _ => None,
        });
        self.uncovering = pressed.next_back().or(self.uncovering);
    }

    /// Takes the cover away once the press that asked for it is over: Space held down would show the picture, and a button
    /// let go would press what lies under it. Other keys do not count: that one was let go is not always told, as where Shift
    /// went up first and its key has another name by then.
    fn end_cover(&mut self, ctx: &egui::Context) {
        let is_over = |press| {
            ctx.input(|i| {
                let is_held = match press {
                    Press::Key(key) => i.keys_down.contains(&key),
                    Press::Pointer => false,
                };
                !is_held && !i.keys_down.contains(&Key::Space) && !i.pointer.any_down()
            })
        };
        if self.uncovering.is_some_and(is_over) {
            self.covered = false;
            self.uncovering = None;
            ctx.request_repaint();
        }
    }

    fn panels_ui(&mut self, ui: &mut egui::Ui) {
        if self.covered {
            ui.disable();
        }
        let palette = Palette::from_ui(ui);
        let bar = Frame::new()
            .fill(palette.surface)
            .inner_margin(Margin::symmetric(12, 6));
        Panel::top("top_bar")
            .frame(bar)
            .exact_size(48.0)
            .resizable(false)
            .show(ui, |ui| {
                let bar = TopBar {
                    bench: self.work.bench(),
                    is_demo: self.is_demo(),
                    model: &self.model,
                    run: self.run.as_ref(),
                    settings: &self.settings,
                };
                bar.show(ui, &mut self.commands);
            });
        self.banners_ui(ui, bar.fill(palette.raised));
        let status = Frame::new()
            .fill(palette.surface)
            .inner_margin(Margin::symmetric(12, 0));
        Panel::bottom("status_bar")
            .frame(status)
            .exact_size(28.0)
            .resizable(false)
            .show(ui, |ui| {
                let bench = self.work.bench();
                panels::status_bar::show(ui, bench, &self.sitting, &mut self.commands);
            });
        match &self.work {
            Work::Open(_) if self.covered => {
                ui.set_opacity(1.0);
                cover_ui(ui);
            }
            Work::Open(_) => self.bench_ui(ui),
            work => {
                let frame = Frame::new()
                    .fill(palette.ground)
                    .inner_margin(Margin::same(16));
                CentralPanel::no_frame().frame(frame).show(ui, |ui| {
                    let demo = self.demo.as_deref();
                    panels::welcome::show(ui, work, &self.settings, demo, &mut self.commands);
                });
            }
        }
    }

    /// Lines below the top bar, each only while there is something to say.
    fn banners_ui(&mut self, ui: &mut egui::Ui, frame: Frame) {
        let is_demo = self.is_demo();
        let (shows_demo, offers_tour) = (self.shows_demo(), self.offers_tour());
        let is_earlier_run = self.is_earlier_run();
        let out = &mut self.commands;
        if shows_demo {
            let taken = self.settings.tour_taken;
            line(ui, "demo_banner", frame, |ui| {
                panels::banners::demo(ui, is_demo, taken, out);
            });
        }
        if offers_tour {
            line(ui, "tour_offer", frame, |ui| panels::banners::tour(ui, out));
        }
        if let Some(download) = &self.download {
            let token = &mut self.views.token;
            line(ui, "download", frame, |ui| {
                panels::download::show(ui, download, token, out);
            });
        }
        if let ModelState::Failed { message } = &self.model {
            let spec = self.spec.as_ref();
            line(ui, "model_failed", frame, |ui| {
                panels::banners::model_failed(ui, message, spec, out);
            });
        }
        if let Some(outage) = self.run.as_ref().and_then(|run| run.outage.as_ref()) {
            line(ui, "outage", frame, |ui| {
                panels::banners::outage(ui, outage, out);
            });
        }
        if is_earlier_run && let Some(run) = self.work.bench().and_then(|bench| bench.session.run())
        {
            line(ui, "earlier_run", frame, |ui| {
                panels::runs::earlier_run(ui, run, out);
            });
        }
    }

    fn bench_ui(&mut self, ui: &mut egui::Ui) {
        let Work::Open(bench) = &self.work else {
            return;
        };
        let palette = Palette::from_ui(ui);
        let side = Frame::new().fill(palette.surface);
        let out = &mut self.commands;
        let mut search = None;

        let width = ui.available_width();
        let has_room = width >= ROOM_BESIDE;
        self.views.queue.note_room(has_room);
        let in_place = self.views.queue.is_in_place();
        if has_room || in_place {
            let panel = QueuePanel {
                bench,
                textures: &mut self.textures,
                blur: self.settings.blur,
                cover_text: self.settings.care.cover_text,
            };
            let view = &mut self.views.queue;
            let queue = if has_room {
                Panel::left("queue")
                    .frame(side)
                    .default_size(self.settings.queue_width)
                    .size_range(220.0..=420.0)
                    .show(ui, |ui| search = panel.show(ui, view, out))
            } else {
                CentralPanel::no_frame().frame(side).show(ui, |ui| {
                    back_ui(ui, out);
                    search = panel.show(ui, view, out);
                })
            };
            tour::mark(ui, Place::Queue, queue.response.rect);
            if has_room {
                self.settings.queue_width = queue.response.rect.width();
            }
        }
        if in_place {
            if let Some(search) = search {
                self.set_queue(None, None, Some(&search));
            }
            return;
        }

        if self.views.workspace.is_open {
            let frame = Frame::new().fill(palette.surface);
            let view = &mut self.views.workspace;
            CentralPanel::no_frame().frame(frame).show(ui, |ui| {
                panels::workspace::show(ui, bench, &self.model, view, out);
            });
            if let Some(search) = search {
                self.set_queue(None, None, Some(&search));
            }
            return;
        }

        let labels = Panel::right("labels")
            .frame(side)
            .default_size(self.settings.labels_width)
            .size_range(320.0..=(0.55 * width).clamp(320.0, 560.0))
            .show(ui, |ui| {
                let panel = LabelsPanel {
                    bench,
                    model: &self.model,
                    run: self.run.as_ref(),
                    policy: self.guideline.policy(),
                    tells_gold: self.settings.gold_at_once,
                };
                panel.show(ui, self.views.below, &mut self.views.policy, out);
            });
        if has_room {
            self.settings.labels_width = labels.response.rect.width();
        }

        if !panels::recent::is_empty(bench) {
            let frame = Frame::new()
                .fill(palette.surface)
                .inner_margin(Margin::symmetric(12, 0));
            Panel::bottom("recent")
                .frame(frame)
                .exact_size(28.0)
                .resizable(false)
                .show(ui, |ui| panels::recent::show(ui, bench, out));
        }

        CentralPanel::no_frame()
            .frame(Frame::new().fill(palette.ground))
            .show(ui, |ui| {
                tour::mark(ui, Place::Post, ui.max_rect());
                let textures = &mut self.textures;
                panels::post::show(
                    ui,
                    bench,
                    textures,
                    &self.settings,
                    &mut self.views.post,
                    out,
                );
            });
        if let Some(search) = search {
            self.set_queue(None, None, Some(&search));
        }
    }

    fn overlays_ui(&mut self, ctx: &egui::Context) {
        if let Work::Open(bench) = &self.work
            && !self.covered
        {
            self.views
                .problems
                .show(ctx, &bench.session, &mut self.commands);
        }
        // A dialog may quote the post, too; the question before something is lost does not, and waits for an answer.
        if self.covered && !self.dialogs.asks_before_loss() {
            return;
        }
        let shown = Shown {
            settings: &self.settings,
            bench: self.work.bench(),
            thumbnails: self.thumbnails.as_deref().map(KeptThumbnails::folder),
        };
        let then = self.dialogs.show(ctx, &shown, &mut self.commands);
        match then {
            Some(Then::Open(path)) => self.open(ctx, path),
            Some(Then::Close) => {
                self.closing = true;
                self.give_up_saving();
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            None => {}
        }
        if self.covered {
            return;
        }
        panels::welcome::drop_hint(ctx);
        let last_seq = self.bench().map_or(0, |bench| bench.session.last_seq());
        self.toasts.forget_undo(last_seq);
        self.toasts.ui(ctx, &mut self.commands);
    }

    /// Remembers what of the post was on screen, and that the model's answer was in sight.
    fn note_shown(&mut self, ctx: &egui::Context) {
        if let Work::Open(bench) = &mut self.work
            && !self.covered
            && !self.views.workspace.is_open
            && !self.views.queue.is_in_place()
            && let Some(post) = bench.cursor()
        {
            bench.session.note_seen(post);
            if bench.note_shown() {
                ctx.request_repaint();
            }
        }
    }

    /// Takes what dialogs have found out on their own threads.
    pub(super) fn receive_dialogs(&mut self, ctx: &egui::Context) {
        if let Some(second) = self.dialogs.take_second() {
            self.add_second(second);
        }
        if let Some(gold) = self.dialogs.take_gold() {
            self.take_gold(gold);
        }
        for (kind, text) in self.dialogs.receive(ctx) {
            // Somebody must be there to read why.
            self.closing &= kind != Kind::Error;
            self.toasts.show(kind, text, None);
        }
    }

    /// Holds the window open until everything shown is on disk, or the user says otherwise.
    fn close_when_saved(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|i| i.viewport().close_requested());
        if !asked && !self.closing {
            return;
        }
        if asked {
            self.end_note(ctx);
        }
        // Threads end with the window.
        if self.dialogs.leave_writing() {
            self.closing = true;
            if asked {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.toasts
                    .show(Kind::Info, "Exporting, then closing", None);
            }
            return;
        }
        let save = self.bench().map(|bench| &bench.save);
        match save.unwrap_or(&SaveState::Saved) {
            SaveState::Saved => {
                if !asked {
                    ctx.send_viewport_cmd(ViewportCommand::Close);
                }
            }
            SaveState::Saving(_) => {
                self.closing = true;
                if asked {
                    ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                    self.toasts.show(Kind::Info, "Saving, then closing", None);
                }
            }
            SaveState::Failed { unsaved, message } => {
                let (unsaved, message) = (*unsaved, message.clone());
                self.closing = false;
                if asked {
                    ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                    self.dialogs.open(Dialog::Unsaved {
                        unsaved,
                        message,
                        then: Then::Close,
                    });
                }
            }
        }
    }

    /// Puts the dataset away although not everything is on disk; only the user can say so.
    fn give_up_saving(&mut self) {
        self.work = Work::None;
    }
}

impl Work {
    pub(super) fn bench(&self) -> Option<&crate::gui::bench::Bench> {
        match self {
            Self::Open(bench) => Some(bench),
            _ => None,
        }
    }
}

/// A line across the window.
fn line(ui: &mut egui::Ui, id: &'static str, frame: Frame, content: impl FnOnce(&mut egui::Ui)) {
    let panel = Panel::top(id).frame(frame).resizable(false);
    panel.show(ui, content);
}

/// The way back from what stands in the post's place.
fn back_ui(ui: &mut egui::Ui, out: &mut Vec<Command>) {
    let frame = Frame::new().inner_margin(Margin {
        left: 12,
        top: 8,
        ..Margin::ZERO
    });
    frame.show(ui, |ui| {
        if ui.button("Back to the post").clicked() {
            out.push(Command::ShowQueue);
        }
    });
}

/// What stands in place of everything while it is hidden.
fn cover_ui(ui: &mut egui::Ui) {
    let palette = Palette::from_ui(ui);
    CentralPanel::no_frame()
        .frame(Frame::new().fill(palette.ground))
        .show(ui, |ui| {
            crate::gui::widgets::empty_state(
                ui,
                egui_material_icons::icons::ICON_VISIBILITY_OFF,
                "Everything is hidden",
                "Press any key to go on.",
                |_| {},
            );
            let response = ui.response();
            response.widget_info(|| {
                egui::WidgetInfo::labeled(Role::Pane, true, "Everything is hidden; press any key")
            });
        });
}
