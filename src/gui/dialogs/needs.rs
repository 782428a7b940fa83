//! What a model needs before it can be loaded: what must be fetched, and memory.

use egui::Ui;
use egui_material_icons::icons;

use crate::{
    gui::{errand::Errand, theme::Palette, widgets::notice},
    model::{
        MemoryFit, ModelSpec,
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
        if let Some(fit) = self.memory.filter(|fit| !fit.fits) {
            notice(ui, icons::ICON_WARNING, palette.warn, &does_not_fit(fit));
        }
        !self.lacking.is_empty() && hub.offline.is_none()
    }

    fn look(&mut self, ctx: &egui::Context, spec: &ModelSpec, hub: &HubSettings) {
        if self.spec.as_ref() != Some(spec) {
            self.spec = Some(spec.clone());
            let (spec, cache, ctx) = (spec.clone(), hub.cache.clone(), ctx.clone());
            let work = move || {
                let fit = |weights| MemoryFit::new(spec.device, spec.dtype, weights);
                (hub::missing(&spec, &cache), parameters(&spec).and_then(fit))
            };
            let wake = move || ctx.request_repaint();
            self.looking = Some(Errand::start("overrule-needs", wake, work));
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
        Some(smaller) => format!("choose {smaller} as the number format: it fits"),
        None => "close other programs, or choose a smaller model".to_owned(),
    };
    format!(
        "The weights need about {} as {}{free}; {what}",
        size_text(fit.needed_bytes),
        fit.dtype
    )
}
