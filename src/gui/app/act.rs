//! Carrying out commands.

use std::path::PathBuf;

use super::{App, ModelState, Work};
use crate::{
    gui::{
        command::Command,
        dialogs::{Dialog, Then, settings::SettingsDialog, tour::Tour},
        key_map::KeyMap,
        panels::labels::Below,
        theme::ThemeChoice,
        toast::Kind,
    },
    review::{
        queue::{Filter, Order},
        session::SaveState,
    },
};

impl App {
    /// Carries out what keys and panels asked for, in order.
    pub(super) fn run_commands(&mut self, ctx: &egui::Context) {
        // A command may send another; the bound keeps a mistake from hanging the frame.
        for _ in 0..8 {
            self.commands.extend(self.dialogs.take_note());
            let commands = std::mem::take(&mut self.commands);
            if commands.is_empty() {
                return;
            }
            ctx.request_repaint();
            for command in commands {
                self.act(ctx, command);
            }
            if let Some(bench) = self.bench_mut() {
                // What is painted next shows the new decisions, so it may not call them saved.
                bench.save = bench.session.save_state();
            }
        }
    }

    fn act(&mut self, ctx: &egui::Context, command: Command) {
        if self.decide(ctx, &command) {
            return;
        }
        match command {
            Command::OpenData => self.dialogs.open_data(&self.settings),
            Command::OpenPath(path) => self.open_path(ctx, path),
            Command::OpenUnpacked { source, table } => {
                if self.launch.dataset.as_ref() == Some(&source) {
                    self.launch.dataset = Some(table.clone());
                }
                self.open_path(ctx, table);
            }
            Command::Export => self.open_export(),
            Command::ExportTo(request) => {
                if let Work::Open(bench) = &self.work {
                    self.dialogs.export(&bench.session, request, ctx);
                }
            }
            Command::ChooseModel => {
                let (present, hub) = (self.spec.as_ref(), self.hub.clone());
                self.dialogs.choose_model(ctx, present, &self.settings, hub);
            }
            Command::LoadModel(spec) => {
                self.dialogs.close();
                self.load_model(ctx, spec);
            }
            Command::UnloadModel => self.unload_model(),
            Command::ManageModels => self.manage_models(ctx),
            Command::DeleteModel(id) => self.dialogs.delete_model(ctx, id),
            Command::Download(step) => self.download_step(ctx, step),
            Command::Pause => self.worker.pause(),
            Command::Resume => self.worker.resume(),
            Command::CancelRun => self.worker.cancel(),
            Command::Predict => self.predict_rest(),
            Command::RetryFailed => self.retry_failed(),
            Command::EditNote => self.edit_note(),
            Command::ShowAnswer => self.turn_below(Below::Answer),
            Command::People(people) => self.people(ctx, people),
            Command::ShowSeen => self.show_seen(),
            Command::ShowProbe => self.show_probe(),
            Command::AskProbe { post, variants } => self.ask_probe(post, variants),
            Command::ShowRuns => self.turn_below(Below::Runs),
            Command::ShowMetrics => {
                self.views.queue.put_in_place(false);
                self.views.workspace.is_open =
                    self.bench().is_some() && !self.views.workspace.is_open;
            }
            Command::ExportFigure(figure) => {
                if let Work::Open(bench) = &self.work {
                    self.dialogs.open_export_figure(*figure, &bench.session);
                }
            }
            Command::ExportFigureTo(file) => self.dialogs.export_figure(*file, ctx),
            Command::SetSample(sample) => {
                if let Some(bench) = self.bench_mut() {
                    bench.figures.sample = sample;
                }
            }
            Command::ShowBelow(below) => self.show_below(below),
            Command::ShowRun(run) => self.show_run(run),
            Command::CompareWith(run) => self.compare_with(run),
            Command::Hide => self.covered = self.bench().is_some(),
            Command::RetrySave => {
                if let Some(bench) = self.bench_mut() {
                    bench.session.retry_save();
                }
            }
            Command::SetFilter(filter) => self.show_queue(Some(filter), None),
            Command::SetOrder(order) => self.show_queue(None, Some(order)),
            Command::ShowQueue if self.views.queue.is_in_place() => self.show_post(),
            Command::ShowQueue => self.bring_queue(),
            Command::Search => {
                self.bring_queue();
                self.views.queue.focus_search();
            }
            Command::ShowProblems => self.views.problems.toggle(),
            Command::SetTruth(truth) => {
                if let Some(bench) = self.bench_mut() {
                    bench.figures.truth = truth;
                }
            }
            Command::ToggleZoom => self.views.post.toggle_zoom(),
            Command::ShowPalette => {
                let can = |command: &Command| self.can(command);
                let palette = Dialog::palette(ctx, self.work.bench(), can);
                self.dialogs.open(palette);
            }
            Command::ShowSettings(section) => self
                .dialogs
                .open(Dialog::Settings(SettingsDialog::new(section))),
            Command::ShowTour => self.show_tour(ctx),
            Command::ShowKeys => self.dialogs.open(Dialog::Keys),
            Command::About => self.dialogs.open(Dialog::About),
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            other => self.change_setting(ctx, &other),
        }
    }

    fn change_setting(&mut self, ctx: &egui::Context, command: &Command) {
        match command {
            Command::ToggleBlur => self.settings.blur = !self.settings.blur,
            Command::ToggleGrey => self.settings.grey = !self.settings.grey,
            Command::DismissBanner if self.offers_tour() => self.settings.tour_declined = true,
            Command::DismissBanner => self.settings.banner_dismissed = true,
            Command::DeleteThumbnails => {
                if let Some(kept) = &self.thumbnails {
                    self.dialogs.delete_thumbnails(ctx, kept.folder());
                }
            }
            Command::SetTheme(theme) => self.set_theme(ctx, *theme),
            Command::ChangeSettings(settings) => {
                if self.settings.keys != settings.keys {
                    KeyMap::new(&settings.keys).install(ctx);
                }
                self.settings = (**settings).clone();
                ctx.set_theme(self.settings.theme);
                ctx.set_zoom_factor(self.settings.zoom);
                if let Some(kept) = &self.thumbnails {
                    kept.turn(self.settings.keep_thumbnails);
                }
                self.put_topics_away();
                self.introduce_reviewer();
            }
            // Everything else is carried out by the open dataset, and there is none.
            _ => {}
        }
    }

    fn set_theme(&mut self, ctx: &egui::Context, theme: ThemeChoice) {
        self.settings.theme = theme;
        ctx.set_theme(theme);
    }

    /// Shows the post, whatever stands in its place.
    pub(super) fn show_post(&mut self) {
        self.views.workspace.is_open = false;
        self.views.queue.put_in_place(false);
    }

    /// Shows the queue, in place of the post or of figures where there is no room beside them.
    pub(super) fn bring_queue(&mut self) {
        if self.views.queue.put_in_place(true) {
            self.views.workspace.is_open = false;
        }
    }

    /// Changes the queue, and shows its posts rather than figures.
    fn show_queue(&mut self, filter: Option<Filter>, order: Option<Order>) {
        self.views.workspace.is_open = false;
        // A figure's posts are all that it counted, and not those of them with some text.
        let is_of_figure = filter.is_some_and(Filter::is_of_figure);
        if is_of_figure {
            self.views.queue.clear_search();
        }
        self.set_queue(filter, order, is_of_figure.then_some(""));
    }

    /// Changes the queue; `None` leaves a part as it is.
    pub(super) fn set_queue(
        &mut self,
        filter: Option<Filter>,
        order: Option<Order>,
        search: Option<&str>,
    ) {
        let Some(bench) = self.bench_mut() else {
            return;
        };
        let before = bench.session.cursor();
        let search = search.map_or_else(|| bench.search.clone(), str::to_owned);
        bench.set_queue(
            filter.unwrap_or(bench.filter),
            order.unwrap_or(bench.order),
            &search,
        );
        if bench.session.cursor() != before {
            self.views.post.leave();
        }
        self.views.queue.scroll_to_cursor();
        self.focus_worker();
    }

    fn open_path(&mut self, ctx: &egui::Context, path: PathBuf) {
        // A relative path means the same place whatever happens later.
        let path = std::path::absolute(&path).unwrap_or(path);
        self.end_note(ctx);
        match self.bench().map(|bench| bench.save.clone()) {
            Some(SaveState::Failed { unsaved, message }) => self.dialogs.open(Dialog::Unsaved {
                unsaved,
                message,
                then: Then::Open(path),
            }),
            // Whether it can be written is known in a moment. Predictions can be made again.
            Some(SaveState::Saving(unsaved)) if unsaved.actions > 0 => {
                self.toasts.show(Kind::Info, "Saving, then opening", None);
                self.opens_next = Some(path);
            }
            _ => {
                self.dialogs.close();
                self.open(ctx, path);
            }
        }
    }

    /// Keeps the note that is being written: its post is about to be put away.
    pub(super) fn end_note(&mut self, ctx: &egui::Context) {
        let Some(note) = self.dialogs.end_note() else {
            return;
        };
        self.decide(ctx, &note);
        if let Some(bench) = self.bench_mut() {
            bench.save = bench.session.save_state();
        }
    }

    /// Opens what waits for the present dataset to be saved, or asks what to do if that failed.
    pub(super) fn open_next(&mut self, ctx: &egui::Context) {
        let saving = self.bench().is_some_and(
            |bench| matches!(bench.save, SaveState::Saving(unsaved) if unsaved.actions > 0),
        );
        if !saving && let Some(path) = self.opens_next.take() {
            self.open_path(ctx, path);
        }
    }

    /// Whether a command would do anything as things are.
    fn can(&self, command: &Command) -> bool {
        let run = self.run.as_ref().filter(|run| !run.ended);
        match command {
            Command::Pause => run.is_some_and(|run| !run.progress.paused),
            Command::Resume => run.is_some_and(|run| run.progress.paused),
            Command::CancelRun => run.is_some(),
            Command::UnloadModel => {
                let is_on_its_way = self.looking.is_some() || self.download.is_some();
                is_on_its_way || !matches!(self.model, ModelState::None)
            }
            Command::ShowQueue => self.bench().is_some() && self.views.queue.lacks_room(),
            command => {
                (self.bench().is_some() || !command.needs_session())
                    && (self.has_post() || !command.needs_the_post())
            }
        }
    }

    /// Predicts what has no prediction yet, or says why nothing is predicted.
    fn predict_rest(&mut self) {
        let was_earlier = self.is_earlier_run();
        self.start_run();
        let Work::Open(bench) = &self.work else {
            return;
        };
        let (text, next) = match &self.model {
            ModelState::Loading { .. } => ("Predicting begins when the model is loaded", None),
            ModelState::None | ModelState::Failed { .. } => {
                ("Load a model first", Some(Command::ChooseModel))
            }
            _ if bench.session.dataset().labels.is_empty() => {
                ("There are no labels that a model could give", None)
            }
            _ if self.run.is_some() || self.run_is_due || was_earlier => return,
            _ if bench.session.counts().failed > 0 => {
                let text = "The model was asked about every post, and some have failed";
                (text, Some(Command::RetryFailed))
            }
            _ => ("Every post has a prediction", None),
        };
        self.toasts.show(Kind::Info, text, next);
    }

    fn unload_model(&mut self) {
        self.dialogs.close();
        self.looking = None;
        // What is on its way is kept and not loaded any more.
        if let Some(download) = &mut self.download {
            download.loads = false;
        }
        self.worker.unload();
        self.model = ModelState::None;
        self.spec = None;
        self.run = None;
    }

    fn open_export(&mut self) {
        match &self.work {
            Work::Open(bench) => self.dialogs.open_export(&bench.session),
            _ => self
                .toasts
                .show(Kind::Info, "Open a dataset first", Some(Command::OpenData)),
        }
    }

    /// Whether the line of the demo, with its three ways on, is on screen.
    pub(super) fn shows_demo(&self) -> bool {
        let has_demo_model = matches!(&self.model, ModelState::Ready(info) if info.is_demo);
        (has_demo_model || self.is_demo()) && !self.settings.banner_dismissed
    }

    /// Whether somebody who began with data of their own is offered the tour: until it is taken or declined.
    pub(super) fn offers_tour(&self) -> bool {
        let settings = &self.settings;
        let was_offered =
            settings.tour_taken || settings.tour_declined || settings.banner_dismissed;
        !was_offered && matches!(self.work, Work::Open(_)) && !self.shows_demo()
    }

    /// Shows the tour; where nothing is open, the demo is what it goes through.
    fn show_tour(&mut self, ctx: &egui::Context) {
        let demo = match &self.work {
            Work::None | Work::Failed { .. } => self.demo.clone(),
            Work::Opening(_) | Work::Open(_) => None,
        };
        if let Some(demo) = demo {
            self.open_path(ctx, demo);
        }
        self.settings.tour_taken = true;
        self.show_post();
        self.dialogs.open(Dialog::Tour(Tour::default()));
    }

    fn edit_note(&mut self) {
        if let Work::Open(bench) = &self.work
            && let Some(post) = bench.cursor()
        {
            let text = bench.session.review(post).note.clone();
            self.dialogs.open(Dialog::note(post, text));
        }
    }
}
