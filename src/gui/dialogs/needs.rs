//! What a model needs before it can be loaded: what must be fetched, and memory.

use egui::Ui;
use egui_material_icons::icons;

use crate::{
    gui::{theme::Palette, widgets::notice},
    model::{
        MemoryFit, ModelSpec,
        hub::{self, HubSettings, Want, size_text},
        parameters, preset,
    },
};

/// What the model that is being named needs; worked out when the name changes.
#[derive(Default)]
pub(super) struct Needs {
    spec: Option<ModelSpec>,
    lacking: Vec<Want>,
    memory: Option<MemoryFit>,
}

impl Needs {
    /// Says what must be fetched and what does not fit. Returns whether something will be fetched.
    pub(super) fn ui(&mut self, ui: &mut Ui, spec: &ModelSpec, hub: &HubSettings) -> bool {
        if self.spec.as_ref() != Some(spec) {
            *self = Self {
                lacking: hub::missing(spec, &hub.cache),
                memory: parameters(spec)
                    .and_then(|weights| MemoryFit::new(spec.device, spec.dtype, weights)),
                spec: Some(spec.clone()),
            };
        }
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
