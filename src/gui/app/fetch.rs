//! Fetching models, and loading them as soon as they are here.

use super::{App, ModelState};
use crate::{
    gui::{
        background::waker,
        command::Command,
        downloading::{Download, DownloadState, DownloadStep, Secret},
        errand::Errand,
        toast::Kind,
    },
    model::{
        ModelSpec,
        hub::{self, Want, size_text},
    },
};

/// A model whose files are looked for.
pub(super) struct Lookup {
    spec: ModelSpec,
    purpose: Purpose,
    lacking: Errand<Vec<Want>>,
}

/// What a model is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be loaded.
    Load,
    /// To be here.
    Have,
    /// To go on with a download, which another program may have ended meanwhile.
    GoOn { loads: bool },
}

impl Purpose {
    fn loads(self) -> bool {
        matches!(self, Self::Load | Self::GoOn { loads: true })
    }
}

impl App {
    /// Loads a model in place of the present one; what it lacks is fetched first, and the present one stays until then.
    pub(super) fn load_model(&mut self, ctx: &egui::Context, spec: ModelSpec) {
        if let Some(download) = &mut self.download
            && download.spec == spec
        {
            download.loads = true;
            if download.is_running() {
                return;
            }
        }
        self.look_for(ctx, spec, Purpose::Load);
    }

    /// Looks for what a model lacks, off the frame.
    fn look_for(&mut self, ctx: &egui::Context, spec: ModelSpec, purpose: Purpose) {
        let (wanted, cache) = (spec.clone(), self.hub.cache.clone());
        let look = move || hub::missing(&wanted, &cache);
        self.looking = Some(Lookup {
            spec,
            purpose,
            lacking: Errand::start("overrule-lookup", waker(ctx), look),
        });
    }

    /// Fetches what a model was found to lack, or takes the model as it is.
    fn receive_lookup(&mut self, ctx: &egui::Context) {
        let Some(found) = self.looking.as_ref().and_then(|look| look.lacking.poll()) else {
            return;
        };
        let Some(Lookup { spec, purpose, .. }) = self.looking.take() else {
            return;
        };
        // Loading tells what is missing where nobody could look.
        let wants = found.unwrap_or_default();
        let is_complete = wants.is_empty();
        if !is_complete && self.is_fetching() {
            return self.tell_fetching();
        }
        // Whoever chooses a model wants that one, not another one that is still on its way.
        if let Some(download) = &mut self.download
            && purpose == Purpose::Load
        {
            download.loads &= download.spec == spec;
        }
        if !is_complete && self.hub.offline.is_none() {
            let wanted = (spec, purpose.loads());
            let download = Download::start(wanted, wants, self.hub.clone(), waker(ctx));
            self.download = Some(download);
            return;
        }
        if let Purpose::GoOn { .. } = purpose {
            self.download = None;
        }
        match self.hub.offline {
            _ if purpose.loads() => self.load_present(spec),
            Some(variable) if !is_complete => {
                let text = format!("{variable} forbids the network");
                self.toasts.show(Kind::Info, text, None);
            }
            _ => {
                let text = "It is on this machine already";
                self.toasts.show(Kind::Info, text, None);
            }
        }
    }

    pub(super) fn download_step(&mut self, ctx: &egui::Context, step: DownloadStep) {
        match step {
            DownloadStep::Start(_) if self.is_fetching() => self.tell_fetching(),
            DownloadStep::Start(spec) => self.look_for(ctx, spec, Purpose::Have),
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
            DownloadStep::GiveToken(Secret(token)) => {
                let hub = self.hub.clone();
                let keep = move || hub.save_token(&token).map_err(|error| error.to_string());
                self.keeping_token = Some(Errand::start("overrule-token", waker(ctx), keep));
            }
        }
    }

    fn is_fetching(&self) -> bool {
        self.download.as_ref().is_some_and(Download::is_running)
    }

    /// Says that one model is fetched at a time.
    fn tell_fetching(&mut self) {
        let text = "Another model is being fetched; wait for it, or stop it first";
        self.toasts.show(Kind::Info, text, None);
    }

    fn go_on(&mut self, ctx: &egui::Context) {
        if let Some(Download { spec, loads, .. }) = &self.download {
            let (spec, loads) = (spec.clone(), *loads);
            self.look_for(ctx, spec, Purpose::GoOn { loads });
        }
    }

    /// Takes the news of what is looked for and fetched.
    pub(super) fn receive_models(&mut self, ctx: &egui::Context) {
        match Errand::take(&mut self.keeping_token).map(Result::flatten) {
            Some(Ok(())) => self.go_on(ctx),
            Some(Err(why)) => self.toasts.show(Kind::Info, why, None),
            None => {}
        }
        self.receive_lookup(ctx);
        self.receive_download(ctx);
    }

    /// Takes the download's news.
    fn receive_download(&mut self, ctx: &egui::Context) {
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
        self.dialogs
            .manage_models(ctx, self.hub.clone(), &self.settings);
    }
}
