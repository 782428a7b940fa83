//! What a model needs before it can be loaded: what must be fetched, and memory.

use egui::Ui;
use egui_material_icons::icons;

use crate::{
    gui::{
        background::waker,
        errand::Errand,
        theme::Palette,
        widgets::{self, notice},
    },
    model::{
        DtypeChoice, MemoryFit, ModelSpec,
        hub::{self, HubSettings, Want, size_text},
        parameters, preset,
    },
};

/// What the model that is being named needs; worked out off the frame when the name changes, as its files must be read.
#[derive(Default)]
pub(super) struct Needs {
    spec: Option<ModelSpec>,
    looking: Option<Errand<(Vec<Want>, Option<MemoryFit>)>>,
    lacking: Vec<Want>,
    memory: Option<MemoryFit>,
    /// The model that waits for a yes, since it does not fit.
    asked: Option<ModelSpec>,
}

/// What the user wants of a model that does not fit.
pub(super) enum Answer {
    /// To load it in this format.
    Load(DtypeChoice),
    /// To choose another one.
    Back,
}

impl Needs {
    /// Says what must be fetched and what does not fit. Returns whether something will be fetched.
    pub(super) fn ui(&mut self, ui: &mut Ui, spec: &ModelSpec, hub: &HubSettings) -> bool {
        self.look(ui.ctx(), spec, hub);
        let palette = Palette::from_ui(ui);
        if !self.lacking.is_empty() {
            let text = self.lacking_text(spec, hub);
            notice(ui, icons::ICON_CLOUD_DOWNLOAD, palette.weak, &text);
        }
        if let Some(fit) = self.too_large() {
            notice(ui, icons::ICON_WARNING, palette.warn, &does_not_fit(fit));
        }
        !self.lacking.is_empty() && hub.offline.is_none()
    }

    /// Whether it is still being worked out.
    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Asks before a model is loaded that does not fit. Returns whether it was asked just now.
    pub(super) fn asks(&mut self, spec: &ModelSpec) -> bool {
        let asks = self.too_large().is_some();
        self.asked = asks.then(|| spec.clone());
        asks
    }

    /// Whether an answer is waited for. Another model is another question.
    pub(super) fn is_asked(&self, spec: &ModelSpec) -> bool {
        self.asked.as_ref() == Some(spec) && self.too_large().is_some()
    }

    /// The question. `has_model` says whether a model is loaded, which goes first.
    pub(super) fn question_ui(
        &mut self,
        ui: &mut Ui,
        spec: &ModelSpec,
        has_model: bool,
    ) -> Option<Answer> {
        let fit = self.too_large()?;
        let text = if has_model {
            "It will hardly load like this. The present model is put away first, and its memory comes free."
        } else {
            "It will hardly load like this."
        };
        notice(ui, icons::ICON_HELP, Palette::from_ui(ui).warn, text);
        let mut answer = None;
        ui.horizontal(|ui| {
            if let Some(dtype) = fit.smaller {
                let label = format!("Load as {}", dtype.name());
                if widgets::primary(ui, icons::ICON_DEPLOYED_CODE, &label, true).clicked() {
                    answer = Some(Answer::Load(dtype));
                }
            }
            if ui
                .button(format!("Try {} all the same", fit.dtype))
                .clicked()
            {
                answer = Some(Answer::Load(spec.dtype));
            }
            if ui.button("Back").clicked() {
                answer = Some(Answer::Back);
            }
        });
        if answer.is_some() {
            self.asked = None;
        }
        answer
    }

    /// What the memory lacks, if it lacks something.
    fn too_large(&self) -> Option<MemoryFit> {
        self.memory.filter(|fit| !fit.fits)
    }

    fn look(&mut self, ctx: &egui::Context, spec: &ModelSpec, hub: &HubSettings) {
        if self.spec.as_ref() != Some(spec) {
            self.spec = Some(spec.clone());
            self.memory = None;
            self.lacking.clear();
            let (spec, cache) = (spec.clone(), hub.cache.clone());
            let work = move || {
                let fit = |weights| MemoryFit::new(spec.device, spec.dtype, weights);
                (hub::missing(&spec, &cache), parameters(&spec).and_then(fit))
            };
            self.looking = Some(Errand::start("overrule-needs", waker(ctx), work));
        }
        if let Some(found) = Errand::take(&mut self.looking) {
            (self.lacking, self.memory) = found.unwrap_or_default();
        }
    }

    fn lacking_text(&self, spec: &ModelSpec, hub: &HubSettings) -> String {
        let names: Vec<&str> = self
            .lacking
            .iter()
            .map(|want| want.id.repository.as_str())
            .collect();
        let names = names.join(" and ");
        if let Some(variable) = hub.offline {
            return format!("{names} is not on this machine, and {variable} forbids the network");
        }
        let mut text = format!("Not on this machine yet: {names}. ");
        match preset(&spec.model).map(|preset| preset.needs) {
            Some(needs) => {
                let size = size_text(needs.download_mb * 1_000_000);
                text += &format!("Up to {size} are fetched from {}", hub.endpoint);
                if needs.gated {
                    text += "; its terms must be accepted there";
                }
            }
            None => text += &format!("It is looked for at {}", hub.endpoint),
        }
        text
    }
}

fn does_not_fit(fit: MemoryFit) -> String {
    let free = fit.free_bytes.map_or(String::new(), |free| {
        format!(", and {} of memory are free", size_text(free))
    });
    let what = match fit.smaller {
        Some(smaller) => format!("choose {} as the number format: it fits", smaller.name()),
        None => "close other programs, or choose a smaller model".to_owned(),
    };
    format!(
        "The weights need about {} as {}{free}; {what}",
        size_text(fit.needed_bytes),
        fit.dtype
    )
}
