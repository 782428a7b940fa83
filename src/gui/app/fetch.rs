//! Fetching models, and loading them as soon as they are here.

use super::{App, ModelState};
use crate::{
    gui::{
        command::Command,
        downloading::{Download, DownloadState, DownloadStep, Secret},
        toast::Kind,
    },
    model::{
        ModelSpec,
        hub::{self, size_text},
    },
};

impl App {
    /// Loads a model in place of the present one; what it lacks is fetched first, and the present one stays until then.
    pub(super) fn load_model(&mut self, ctx: &egui::Context, spec: ModelSpec) {
        // Whoever chooses a model wants that one, not the one that is still on its way.
        if let Some(download) = &mut self.download {
            download.loads = false;
        }
        if !self.fetch(ctx, &spec, true) {
            self.load_present(spec);
        }
    }

    /// Starts to fetch what a model lacks; `false` if it lacks nothing, or the network is forbidden.
    fn fetch(&mut self, ctx: &egui::Context, spec: &ModelSpec, loads: bool) -> bool {
        let settings = (self.hub)();
        let wants = hub::missing(spec, &settings.cache);
        if wants.is_empty() || settings.offline.is_some() {
            return false;
        }
        let ctx = ctx.clone();
        let wake = move || ctx.request_repaint();
        let wanted = (spec.clone(), loads);
        self.download = Some(Download::start(wanted, wants, settings, wake));
        true
    }

    pub(super) fn download_step(&mut self, ctx: &egui::Context, step: DownloadStep) {
        match step {
            DownloadStep::Start(_) if self.download.as_ref().is_some_and(Download::is_running) => {
                let text = "Another model is being fetched; wait for it, or stop it first";
                self.toasts.show(Kind::Info, text, None);
            }
            DownloadStep::Start(spec) => {
                if !self.fetch(ctx, &spec, false) {
                    let text = match (self.hub)().offline {
                        Some(variable) => format!("{variable} forbids the network"),
                        None => "It is on this machine already".to_owned(),
                    };
                    self.toasts.show(Kind::Info, text, None);
                }
            }
            DownloadStep::Stop => {
                if let Some(download) = &mut self.download {
                    download.state = DownloadState::Stopped;
                }
            }
            DownloadStep::Dismiss => {
                self.download = None;
                self.views.token.clear();
            }
            DownloadStep::GoOn => self.go_on(ctx),
            DownloadStep::GiveToken(Secret(token)) => match (self.hub)().save_token(&token) {
                Ok(()) => self.go_on(ctx),
                Err(error) => self.toasts.show(Kind::Info, error.to_string(), None),
            },
        }
    }

    fn go_on(&mut self, ctx: &egui::Context) {
        let Some(Download { spec, loads, .. }) = self.download.take() else {
            return;
        };
        // Another program may have fetched it meanwhile.
        if !self.fetch(ctx, &spec, loads) && loads {
            self.load_present(spec);
        }
    }

    /// Takes the download's news.
    pub(super) fn receive_download(&mut self, ctx: &egui::Context) {
        let is_done = self.download.as_mut().is_some_and(Download::poll);
        let Some(download) = self.download.take_if(|_| is_done) else {
            return;
        };
        let text = format!(
            "Fetched {} ({})",
            download.title,
            size_text(download.progress.total_bytes)
        );
        if download.loads {
            self.toasts.show(Kind::Done, text, None);
            self.load_present(download.spec);
        } else {
            let load = Command::LoadModel(download.spec);
            self.toasts.show(Kind::Done, text, Some(load));
        }
        self.dialogs.look_again(ctx);
    }

    /// Starts to load a model that is here.
    fn load_present(&mut self, spec: ModelSpec) {
        self.run = None;
        self.spec = Some(spec.clone());
        let generation = self.worker.load(spec);
        self.model = ModelState::Loading {
            generation,
            step: "Starting".to_owned(),
            fraction: 0.0,
        };
    }

    /// Shows the models on this machine.
    pub(super) fn manage_models(&mut self, ctx: &egui::Context) {
        let hub = (self.hub)();
        self.dialogs.manage_models(ctx, hub, &self.settings);
    }
}
