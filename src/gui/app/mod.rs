//! The application: what the window holds, and the fixed order in which a frame happens.
//!
//! Each frame receives what other threads have sent (for a few milliseconds at most), carries out the commands of keys,
//! draws the panels, carries out the commands they sent, and asks for another frame only if something is left to show.

mod act;
mod care;
mod decide;
mod fetch;
mod logic;
mod people;
mod probe;
mod run;
mod ui;

pub(in crate::gui) use self::run::{progress_details, progress_text};

use std::{path::PathBuf, sync::Arc, time::Instant};

use super::{
    Launch,
    background::waker,
    bench::Bench,
    command::Command,
    dialogs::Dialogs,
    downloading::Download,
    errand::Errand,
    focus::FocusKeeper,
    guideline::Guideline,
    key_map::KeyMap,
    key_queue::KeyQueue,
    missing::MissingImages,
    opening::{Opening, Request},
    panels::{
        labels::Below, policy::PolicyView, post::PostView, problems::ProblemsView,
        queue::QueueView, workspace::WorkspaceView,
    },
    settings::Settings,
    sitting::Sitting,
    texture::TextureCache,
    theme,
    toast::Toasts,
};
use crate::{
    dataset::OpenOptions,
    image::kept::{self, KeptThumbnails},
    model::{ModelInfo, ModelSpec, hub::HubSettings},
    predict::worker::{Generation, Outage, Progress, Worker},
    resources,
};

/// The dataset, from none to open.
pub enum Work {
    /// Nothing is open.
    None,
    /// A dataset is being read.
    Opening(Opening),
    /// It could not be opened.
    Failed {
        /// What was to be opened.
        path: PathBuf,
        /// What happened and what to do.
        message: String,
    },
    /// A dataset is open.
    Open(Box<Bench>),
}

/// The model, from none to ready.
pub enum ModelState {
    /// None was chosen.
    None,
    /// It is being loaded.
    Loading {
        /// Which load this is; news of others is stale.
        generation: Generation,
        /// What is being done.
        step: String,
        /// From 0 to 1.
        fraction: f32,
    },
    /// It is ready.
    Ready(ModelInfo),
    /// It could not be loaded.
    Failed {
        /// What happened and what to do.
        message: String,
    },
}

/// The prediction run.
pub struct Run {
    /// Which job this is; news of others is stale.
    pub generation: Generation,
    /// How many posts had a prediction when it began.
    pub before: usize,
    /// How it stands.
    pub progress: Progress,
    /// Whether it has ended.
    pub ended: bool,
    /// Why it ended before its last post, where nobody wanted that.
    pub outage: Option<Outage>,
}

/// The parts that tests replace.
pub struct Parts {
    /// Loads models and predicts.
    pub worker: Worker,
    /// Where settings are kept; `None` keeps none.
    pub settings_file: Option<PathBuf>,
    /// Where small pictures are kept between runs; `None` keeps none.
    pub thumbnails: Option<PathBuf>,
    /// Where sessions are kept that have no place of their own; `None` is the platform's folder.
    pub data_folder: Option<PathBuf>,
    /// What the environment says about the Hub.
    pub hub: HubSettings,
}

/// The small states of the panels.
#[derive(Default)]
struct Views {
    queue: QueueView,
    post: PostView,
    problems: ProblemsView,
    workspace: WorkspaceView,
    /// A token that is being typed.
    token: String,
    policy: PolicyView,
    /// What the lower right shows.
    below: Below,
}

/// What takes the cover away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Press {
    Key(egui::Key),
    Pointer,
}

/// The window's application.
pub struct App {
    launch: Launch,
    settings: Settings,
    settings_file: Option<PathBuf>,
    data_folder: Option<PathBuf>,
    settings_saved: Settings,
    settings_saved_at: Instant,
    worker: Worker,
    textures: TextureCache,
    /// Small pictures kept between runs, where there is a place for them.
    thumbnails: Option<Arc<KeptThumbnails>>,
    work: Work,
    /// How what is open was opened.
    opened_with: OpenOptions,
    model: ModelState,
    /// The model asked for, to try again or to start a dialog from.
    spec: Option<ModelSpec>,
    hub: HubSettings,
    /// What models lack, on its way to be known.
    looking: Option<fetch::Lookup>,
    /// A token on its way to where the Hub's own tools keep it.
    keeping_token: Option<Errand<Result<(), String>>>,
    /// The model on its way from the Hub, until it is here or put away.
    download: Option<Download>,
    run: Option<Run>,
    /// Whether a run begins as soon as the predictions of an earlier day were read.
    run_is_due: bool,
    /// The look for missing images of the open dataset.
    missing: Option<MissingImages>,
    views: Views,
    dialogs: Dialogs,
    /// Where the demo dataset lies, if it is installed.
    demo: Option<PathBuf>,
    toasts: Toasts,
    commands: Vec<Command>,
    /// What the reviewer has seen since the window was opened.
    sitting: Sitting,
    /// What the labels of the open dataset mean.
    guideline: Guideline,
    /// Whether everything is hidden until a key is pressed.
    covered: bool,
    /// What was pressed since. What is hidden comes back when it is let go.
    uncovering: Option<Press>,
    /// The device that the loaded model was loaded on, if its memory was not enough and the model went on with the CPU.
    began_on: Option<String>,
    /// The dataset that is opened as soon as what was done to the present one is saved.
    opens_next: Option<PathBuf>,
    /// Where the keyboard goes when a dialog or a menu is gone.
    focus: FocusKeeper,
    /// Whether the window closes as soon as everything is saved.
    closing: bool,
}

impl App {
    /// The application with the real inference thread and the user's settings.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn new(cc: &eframe::CreationContext<'_>, launch: Launch) -> anyhow::Result<Self> {
        let worker = Worker::spawn(waker(&cc.egui_ctx))?;
        Self::with_parts(
            cc,
            launch,
            Parts {
                worker,
                settings_file: Settings::file(),
                thumbnails: kept::folder(),
                data_folder: None,
                hub: HubSettings::from_environment(),
            },
        )
    }

    /// The application with parts of the caller's choice.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn with_parts(
        cc: &eframe::CreationContext<'_>,
        mut launch: Launch,
        parts: Parts,
    ) -> anyhow::Result<Self> {
        // A relative path means the same place whatever happens later.
        launch.dataset = launch
            .dataset
            .map(|path| std::path::absolute(&path).unwrap_or(path));
        let ctx = &cc.egui_ctx;
        let settings = Settings::load(parts.settings_file.as_deref());
        theme::install(ctx);
        ctx.set_theme(settings.theme);
        ctx.set_zoom_factor(settings.zoom);
        KeyMap::new(&settings.keys).install(ctx);
        ctx.add_plugin(KeyQueue::default());
        let thumbnails = match parts.thumbnails {
            Some(folder) => {
                let kept = KeptThumbnails::start(folder, kept::LIMIT_BYTES)?;
                kept.turn(settings.keep_thumbnails);
                Some(Arc::new(kept))
            }
            None => None,
        };
        let mut app = Self {
            settings_saved: settings.clone(),
            settings_saved_at: Instant::now(),
            settings_file: parts.settings_file,
            data_folder: parts.data_folder,
            worker: parts.worker,
            textures: TextureCache::new(
                settings.texture_mib << 20,
                thumbnails.as_ref(),
                waker(ctx),
            )?,
            thumbnails,
            work: Work::None,
            opened_with: OpenOptions::default(),
            model: ModelState::None,
            spec: launch.model.clone(),
            hub: parts.hub,
            looking: None,
            keeping_token: None,
            download: None,
            run: None,
            run_is_due: false,
            missing: None,
            views: Views::default(),
            dialogs: Dialogs::default(),
            demo: resources::demo_dataset().ok(),
            toasts: Toasts::default(),
            commands: Vec::new(),
            sitting: Sitting::default(),
            guideline: Guideline::default(),
            covered: false,
            uncovering: None,
            began_on: None,
            opens_next: None,
            focus: FocusKeeper::default(),
            closing: false,
            settings,
            launch,
        };
        if let Some(path) = app.launch.dataset.clone() {
            app.open(ctx, path);
        }
        if let Some(spec) = app.launch.model.clone() {
            app.load_model(ctx, spec);
        }
        Ok(app)
    }

    /// The open dataset.
    pub fn bench(&self) -> Option<&Bench> {
        match &self.work {
            Work::Open(bench) => Some(bench),
            _ => None,
        }
    }

    /// Whether the post is on screen, and neither figures nor the queue in its place.
    fn has_post(&self) -> bool {
        !self.views.workspace.is_open && !self.views.queue.is_in_place()
    }

    fn bench_mut(&mut self) -> Option<&mut Bench> {
        match &mut self.work {
            Work::Open(bench) => Some(bench),
            _ => None,
        }
    }

    /// Whether the open dataset is the demo.
    fn is_demo(&self) -> bool {
        let open = self.bench().map(|bench| &bench.session.dataset().path);
        open.is_some() && open == self.demo.as_ref()
    }

    /// Starts to open a dataset; what is open is put away.
    fn open(&mut self, ctx: &egui::Context, path: PathBuf) {
        self.opens_next = None;
        // Read twice at once it would find its own session file taken.
        if matches!(&self.work, Work::Opening(opening) if opening.path == path) {
            return;
        }
        self.worker.cancel();
        self.run = None;
        self.run_is_due = false;
        self.textures.set_dataset(None);
        self.views = Views::default();
        let previous = match std::mem::replace(&mut self.work, Work::None) {
            Work::Open(bench) => Some(bench.session),
            _ => None,
        };
        // The dataset of the command line has its options and its session file, one that is opened again keeps its own.
        let is_given = self.launch.dataset.as_ref() == Some(&path);
        let again = previous.as_ref().filter(|open| open.dataset().path == path);
        let session_file = match again {
            Some(open) => Some(open.file().to_owned()),
            None => self.launch.session.clone().filter(|_| is_given),
        };
        let mut options = match (again, is_given) {
            (Some(_), _) => std::mem::take(&mut self.opened_with),
            (None, true) => self.launch.open.clone(),
            (None, false) => OpenOptions::default(),
        };
        if let ModelState::Ready(info) = &self.model {
            options.model_labels = info.labels.clone();
        }
        self.opened_with = options.clone();
        let request = Request {
            path,
            options,
            session_file,
            data_folder: self.data_folder.clone(),
            previous,
        };
        self.work = Work::Opening(Opening::start(request, waker(ctx)));
    }
}
