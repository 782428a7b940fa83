//! The part of a frame that runs also while the window is hidden: what other threads have sent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{App, ModelState, Run, Work};
use crate::{
    gui::{
        background::waker, bench::Bench, command::Command, missing::MissingImages,
        opening::NotOpened, settings::RecentModel, toast::Kind, widgets::posts,
    },
    model::ModelInfo,
    post::Problem,
    predict::worker::{Event, JobEnd, Progress},
    review::queue::Filter,
};

/// How long a frame may take in news; the rest waits for the next one.
const NEWS_BUDGET: Duration = Duration::from_millis(4);

/// How long changed settings may wait to be written.
const SETTINGS_PAUSE: Duration = Duration::from_secs(2);

impl App {
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        self.receive_opening(ctx);
        self.receive_models(ctx);
        self.receive_predictions(ctx);
        let (care, limit_bytes) = (self.settings.pictures(), self.settings.texture_mib << 20);
        self.textures.begin_frame(ctx, care, limit_bytes);
        self.receive_broken_pictures();
        self.receive_missing_images(ctx);
        let is_drawing = self.views.workspace.is_open;
        if let Some(bench) = self.bench_mut() {
            bench.begin_frame(ctx.input(|i| i.time));
            bench.figures.is_drawing = is_drawing;
            let (was_on_its_way, before) = (bench.is_queue_on_its_way(), bench.session.cursor());
            if let Some(pause) = bench.refresh() {
                ctx.request_repaint_after(pause);
            }
            if bench.session.cursor() != before || was_on_its_way && !bench.is_queue_on_its_way() {
                self.queue_has_come(before);
            }
        }
        self.open_next(ctx);
        if self.run_is_due
            && self
                .bench()
                .is_some_and(|bench| !bench.session.is_loading())
        {
            self.start_run();
        }
        self.receive_dialogs(ctx);
    }

    /// A queue that was on its way is there. Its first post may be another one than was on screen `before`.
    fn queue_has_come(&mut self, before: usize) {
        let cursor = self.bench().map(|bench| bench.session.cursor());
        if cursor == Some(before) {
            self.views.queue.scroll_to_cursor();
            self.focus_worker();
        } else {
            self.moved();
        }
    }

    fn receive_opening(&mut self, ctx: &egui::Context) {
        let Work::Opening(opening) = &self.work else {
            return;
        };
        let Some(result) = opening.poll() else { return };
        match result {
            Ok(mut opened) => {
                let session = &mut opened.session;
                let path = session.dataset().path.clone();
                self.textures.set_dataset(Some(session.dataset().clone()));
                self.settings.remember_dataset(&path);
                let look = MissingImages::look(session.dataset().clone(), waker(ctx));
                self.missing = Some(look);
                // Before anything of it is on screen.
                session.put_topics_away(self.settings.topics_put_away(&session.dataset().labels));
                self.work = Work::Open(Box::new(Bench::new(opened, Arc::new(waker(ctx)))));
                self.views.queue.scroll_to_cursor();
                self.prepare_for_reviewer(ctx);
                self.tell_return();
                self.run_or_take_labels();
                ctx.request_repaint();
            }
            Err(NotOpened::Packed(path)) => {
                self.work = Work::None;
                self.dialogs.unpack(path);
            }
            Err(NotOpened::Failed(message)) => {
                let path = opening.path.clone();
                self.work = Work::Failed { path, message };
            }
        }
    }

    /// Says where an earlier day's work stands, and what of it has lost its posts.
    fn tell_return(&mut self) {
        let Some(bench) = self.bench() else { return };
        let (counts, orphans) = (bench.session.counts(), bench.session.orphans());
        let all = bench.session.dataset().posts.len();
        if orphans > 0 {
            let text = format!(
                "{} reviewed earlier are no longer in this dataset; their decisions are kept in the session file",
                posts(orphans)
            );
            self.toasts.show(Kind::Info, text, None);
        } else if counts.reviewed > 0 {
            let text = format!("Going on: {} of {} reviewed", counts.reviewed, posts(all));
            self.toasts.show(Kind::Info, text, None);
        }
    }

    fn receive_predictions(&mut self, ctx: &egui::Context) {
        let begin = Instant::now();
        while let Ok(event) = self.worker.events().try_recv() {
            self.receive_event(event);
            if begin.elapsed() > NEWS_BUDGET {
                ctx.request_repaint();
                break;
            }
        }
    }

    fn receive_event(&mut self, event: Event) {
        match event {
            Event::Loading {
                generation,
                step,
                fraction,
            } => {
                if self.is_loading(generation) {
                    self.model = ModelState::Loading {
                        generation,
                        step,
                        fraction,
                    };
                }
            }
            Event::Loaded { generation, info } => {
                if self.is_loading(generation) {
                    self.model_is_ready(info);
                }
            }
            Event::LoadFailed {
                generation,
                message,
            } => {
                if self.is_loading(generation) {
                    self.model = ModelState::Failed { message };
                }
            }
            // Of the model that is ready: another one’s load would have begun since.
            Event::Moved { info, .. } => {
                if let ModelState::Ready(model) = &mut self.model {
                    let began_on = std::mem::replace(&mut model.device, info.device);
                    self.began_on.get_or_insert(began_on);
                    let text = "The GPU’s memory is not enough for one post; the model goes on with the CPU";
                    self.toasts.show(Kind::Info, text.to_owned(), None);
                }
            }
            Event::Predicted {
                generation,
                post,
                prediction,
            } => {
                if self.is_running(generation)
                    && let Some(bench) = self.bench_mut()
                {
                    bench.session.record_prediction(post, *prediction);
                }
            }
            Event::Progress {
                generation,
                progress,
            } => {
                if let Some(run) = self.run_of(generation) {
                    run.progress = progress;
                }
            }
            Event::Finished { generation, end } => {
                if let Some(run) = self.run_of(generation) {
                    run.ended = true;
                    let progress = run.progress;
                    match end {
                        JobEnd::Done => self.tell_end(progress),
                        JobEnd::Cancelled => {}
                        JobEnd::Outage(outage) => run.outage = Some(outage),
                    }
                    if let Some(bench) = self.bench_mut() {
                        bench.session.look_for_runs();
                    }
                }
            }
        }
    }

    fn tell_end(&mut self, progress: Progress) {
        if progress.total == 0 {
            return;
        }
        if progress.failed == 0 {
            let mut text = format!("Predicted {}", posts(progress.done));
            if let Some(share) = progress.one_pass_share() {
                text += &format!("; {:.0} % of the answers took one pass", 100.0 * share);
            }
            self.toasts.show(Kind::Done, text, None);
            return;
        }
        let text = format!(
            "Predicted {}; {} could not be answered",
            posts(progress.done - progress.failed),
            posts(progress.failed)
        );
        let show = Command::SetFilter(Filter::Problems);
        self.toasts.show(Kind::Info, text, Some(show));
    }

    fn is_loading(&self, wanted: u64) -> bool {
        matches!(self.model, ModelState::Loading { generation, .. } if generation == wanted)
    }

    fn is_running(&self, wanted: u64) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.generation == wanted)
    }

    fn run_of(&mut self, wanted: u64) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| run.generation == wanted)
    }

    fn model_is_ready(&mut self, info: ModelInfo) {
        if let Some(spec) = &self.spec
            && !info.is_demo
        {
            self.settings.remember_model(RecentModel::from(spec));
        }
        self.model = ModelState::Ready(info);
        self.began_on = None;
        self.run_or_take_labels();
    }

    /// Starts to predict. A dataset that names no label is opened again first, with the model's labels.
    fn run_or_take_labels(&mut self) {
        let (Some(bench), ModelState::Ready(info)) = (self.bench(), &self.model) else {
            return self.start_run();
        };
        let dataset = bench.session.dataset();
        let names = info.labels.as_ref().filter(|labels| !labels.is_empty());
        let has_asked = names.is_none() || self.opened_with.model_labels.as_ref() == names;
        if dataset.labels.is_empty() && !has_asked {
            let again = Command::OpenPath(dataset.path.clone());
            self.commands.push(again);
        } else {
            self.start_run();
        }
    }

    fn receive_broken_pictures(&mut self) {
        let failures = self.textures.take_failures();
        let Some(bench) = self.bench_mut() else {
            return;
        };
        for (post, kind, message) in failures {
            let line = bench
                .session
                .dataset()
                .posts
                .get(post)
                .map(|post| u64::from(post.line));
            bench.session.add_problem(Problem {
                kind,
                post: Some(post),
                line: line.filter(|line| *line > 0),
                column: None,
                message: message.to_string(),
            });
        }
    }

    fn receive_missing_images(&mut self, ctx: &egui::Context) {
        let (Work::Open(bench), Some(missing)) = (&mut self.work, &self.missing) else {
            return;
        };
        if let Some(problems) = missing.take() {
            for problem in problems {
                bench.session.add_problem(problem);
            }
            ctx.request_repaint(); // there may be more
        }
    }

    /// Keeps the settings on disk up to date, off the frame and now and then.
    pub(super) fn save_settings(&mut self, ctx: &egui::Context) {
        if self.settings == self.settings_saved {
            return;
        }
        let since = self.settings_saved_at.elapsed();
        if since < SETTINGS_PAUSE {
            ctx.request_repaint_after(SETTINGS_PAUSE - since);
            return;
        }
        self.settings_saved_at = Instant::now();
        self.settings_saved = self.settings.clone();
        let Some(file) = self.settings_file.clone() else {
            return;
        };
        let settings = self.settings.clone();
        // Settings that cannot be kept are no reason to disturb a reviewer.
        let task = move || drop(settings.save(&file));
        drop(
            std::thread::Builder::new()
                .name("overrule-settings".to_owned())
                .spawn(task),
        );
    }
}
