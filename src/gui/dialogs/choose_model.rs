//! Choosing a model and its adapter.

use egui::{Align, Layout, ScrollArea, Ui};
use egui_material_icons::icons;

use super::{
    Next, modal,
    needs::{Answer, Needs},
    path_field::PathField,
    tiles::Tiles,
};
use crate::{
    gui::{
        background::waker,
        command::Command,
        errand::Errand,
        file_dialog::Choose,
        focus,
        panels::top_bar::elided,
        settings::{RecentModel, Settings},
        theme::{self, Palette, space},
        widgets::{self, choice, entry},
    },
    model::{
        Adapter, DeviceChoice, DtypeChoice, ImageSplitting, Inventory, ModelSpec, OwnedPreset,
        hub::HubSettings,
        remote::{Endpoint, shown_name},
    },
};

/// What can stand for a model or an adapter.
const HINT: &str = "Folder, org/name, or preset";

/// What can be typed besides.
const ELSEWHERE: &str =
    "On another machine: openai:http://host:8000/v1#name, or sagemaker:http://host:8080.";

#[derive(Clone, Copy, PartialEq, Eq)]
enum AdapterChoice {
    Own,
    Named,
    None,
}

/// The dialog.
pub struct ChooseModel {
    model: PathField,
    /// The present model's name as it was given. What stands in the field has no password in it.
    given: String,
    adapter: PathField,
    choice: AdapterChoice,
    device: DeviceChoice,
    dtype: DtypeChoice,
    image_splitting: ImageSplitting,
    tiles: Tiles,
    has_model: bool,
    recent: Vec<RecentModel>,
    presets: Vec<OwnedPreset>,
    looking: Option<Errand<Vec<OwnedPreset>>>,
    hub: HubSettings,
    needs: Needs,
    /// The model that is loaded as soon as it is known what it needs.
    wanted: Option<ModelSpec>,
}

const DEVICES: [(DeviceChoice, &str, &str); 4] = [
    (
        DeviceChoice::Auto,
        "Best device",
        "The GPU if there is one that works, else the CPU",
    ),
    (DeviceChoice::Cpu, "CPU", "Works everywhere"),
    (
        DeviceChoice::Cuda,
        "NVIDIA GPU",
        "Where Overrule was built with CUDA",
    ),
    (
        DeviceChoice::Metal,
        "Apple GPU",
        "Where Overrule was built with Metal",
    ),
];

const DTYPES: [(DtypeChoice, &str, &str); 5] = [
    (
        DtypeChoice::Auto,
        "Best format",
        "f32 on the CPU if it fits into memory, else bf16; bf16 on a GPU",
    ),
    (DtypeChoice::F32, "f32", "Exact, and the largest"),
    (DtypeChoice::Bf16, "bf16", "Half the memory"),
    (DtypeChoice::F16, "f16", "Half the memory"),
    (
        DtypeChoice::Q8_0,
        "q8_0",
        "A quarter of the memory and the fastest on the CPU; answers near a tie may change",
    ),
];

impl ChooseModel {
    pub(super) fn new(
        ctx: &egui::Context,
        present: Option<&ModelSpec>,
        settings: &Settings,
        hub: HubSettings,
    ) -> Self {
        let spec = present.cloned().unwrap_or_default();
        let (choice, adapter) = match spec.adapter {
            Adapter::Default => (AdapterChoice::Own, String::new()),
            Adapter::None => (AdapterChoice::None, String::new()),
            Adapter::Named(adapter) => (AdapterChoice::Named, adapter),
        };
        let mut dialog = Self {
            model: PathField::new(shown_name(&spec.model).as_ref()).with_focus(),
            given: spec.model,
            adapter: PathField::new(adapter.as_ref()),
            choice,
            device: spec.device,
            dtype: spec.dtype,
            image_splitting: spec.image_splitting,
            tiles: Tiles::default(),
            has_model: present.is_some(),
            recent: settings.recent_models.clone(),
            presets: Inventory::presets_elsewhere(),
            looking: None,
            hub,
            needs: Needs::default(),
            wanted: None,
        };
        dialog.look(ctx);
        dialog
    }

    /// Looks at what is here, off the frame.
    pub(super) fn look(&mut self, ctx: &egui::Context) {
        let cache = self.hub.cache.clone();
        let look = move || Inventory::presets_in(&cache);
        self.looking = Some(Errand::start("overrule-presets", waker(ctx), look));
        self.needs = Needs::default();
    }

    pub(super) fn receive(&mut self) {
        if let Some(Ok(presets)) = Errand::take(&mut self.looking) {
            self.presets = presets;
        }
        self.model.receive();
        self.adapter.receive();
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Choose a model", 580.0, |ui| {
            ui.label("A folder with config.json and weights, a Hub id, or a preset’s name.");
            ui.label(theme::caption(ui, ELSEWHERE));
            self.model.ui(ui, ("Model", HINT), Choose::Folder);
            let endpoint = Endpoint::of_name(self.model.text.trim());
            // What runs there, and how, is chosen there.
            ui.add_enabled_ui(endpoint.is_none(), |ui| self.how_ui(ui));
            if let Some(endpoint) = endpoint {
                let text = format!(
                    "Posts leave this machine: they are sent to {}.",
                    endpoint.host()
                );
                let palette = Palette::from_ui(ui);
                widgets::notice(ui, icons::ICON_CLOUD_UPLOAD, palette.warn, &text);
            }
            ui.add_space(space::XS);
            if self.load_ui(ui, out) {
                next = Next::Close;
            }
            self.recent_ui(ui);
            self.presets_ui(ui);
        });
        if closes && matches!(next, Next::Stay) {
            Next::Close
        } else {
            next
        }
    }

    /// How a model is loaded on this machine.
    fn how_ui(&mut self, ui: &mut Ui) {
        widgets::outlined(ui, |ui| self.adapter_ui(ui));
        ui.horizontal(|ui| {
            let device = ("Device", icons::ICON_MEMORY);
            if let Some(device) = choice(ui, device, 150.0, self.device, &DEVICES) {
                self.device = device;
            }
            let dtype = ("Number format", icons::ICON_DATA_ARRAY);
            if let Some(dtype) = choice(ui, dtype, 150.0, self.dtype, &DTYPES) {
                self.dtype = dtype;
            }
        });
        self.tiles
            .ui(ui, &self.model.text, &mut self.image_splitting);
    }

    /// What the model needs, and the buttons. Returns whether one of them was pressed that ends the dialog.
    fn load_ui(&mut self, ui: &mut Ui, out: &mut Vec<Command>) -> bool {
        let mut spec = self.spec();
        let lacks = self.needs.ui(ui, &spec, &self.hub);
        if self.needs.is_asked(&spec) {
            let Some(Answer::Load(dtype)) = self.needs.question_ui(ui, &spec, self.has_model)
            else {
                return false;
            };
            spec.dtype = dtype;
            out.push(Command::LoadModel(spec));
            return true;
        }
        let mut ends = false;
        ui.horizontal(|ui| {
            let ready =
                self.model.path().is_some() && spec.adapter != Adapter::Named(String::new());
            let load = if lacks {
                widgets::primary(ui, icons::ICON_CLOUD_DOWNLOAD, "Fetch and load", ready)
            } else {
                widgets::primary(ui, icons::ICON_DEPLOYED_CODE, "Load model", ready)
            };
            if load.clicked() || ready && self.model.entered {
                self.wanted = Some(spec.clone());
            }
            // What it needs must be known first; a name that was changed meanwhile is another wish.
            if self.wanted.as_ref() == Some(&spec) && !self.needs.is_looking() {
                self.wanted = None;
                if !self.needs.asks(&spec) {
                    out.push(Command::LoadModel(spec));
                    ends = true;
                }
            }
            if self.has_model && ui.button(Command::UnloadModel.label().as_ref()).clicked() {
                out.push(Command::UnloadModel);
                ends = true;
            }
        });
        ends
    }

    fn adapter_ui(&mut self, ui: &mut Ui) {
        ui.label(theme::caption(ui, "Adapter (LoRA), merged while loading"));
        ui.horizontal_wrapped(|ui| {
            for (choice, label) in [
                (AdapterChoice::Own, "The model’s own, if it has one"),
                (AdapterChoice::Named, "This one"),
                (AdapterChoice::None, "None: the base answers"),
            ] {
                if ui.radio(self.choice == choice, label).clicked() {
                    self.choice = choice;
                }
            }
        });
        if self.choice == AdapterChoice::Named {
            self.adapter.ui(ui, ("Adapter", HINT), Choose::Folder);
        }
    }

    /// The models with short names, what they need, and whether they are on this machine.
    fn presets_ui(&mut self, ui: &mut Ui) {
        ui.add_space(space::S);
        ui.label(theme::caption(
            ui,
            "By name: download, memory in f32, licence",
        ));
        let mut taken = None;
        // What stands above takes as much again on a small screen.
        let height = (ui.ctx().content_rect().height() - 520.0).max(140.0);
        // As wide as the dialog: the bar lies over what is behind it, and there shall be nothing.
        let area = ScrollArea::vertical().auto_shrink([false, true]);
        area.max_height(height).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - space::M);
            ui.spacing_mut().item_spacing.y = 0.0;
            for owned in &self.presets {
                let preset = owned.preset;
                let symbol = if owned.is_here() {
                    icons::ICON_DEPLOYED_CODE
                } else {
                    icons::ICON_CLOUD_DOWNLOAD
                };
                widgets::row_from_right(ui, |ui| {
                    ui.label(theme::caption(ui, facts(owned)));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let entry = entry(ui, symbol, preset.title);
                        if entry.on_hover_text(details(owned)).clicked() {
                            taken = Some(preset.name);
                        }
                    });
                });
            }
            focus::follow(ui);
        });
        if let Some(name) = taken {
            self.choice = AdapterChoice::Own;
            self.model.text = name.to_owned();
            self.adapter.text.clear();
        }
    }

    fn recent_ui(&mut self, ui: &mut Ui) {
        if self.recent.is_empty() {
            return;
        }
        ui.add_space(space::S);
        ui.label(theme::caption(ui, "Used before"));
        let mut taken = None;
        for recent in &self.recent {
            let mut text = elided(&recent.model, 44);
            if let Some(adapter) = &recent.adapter {
                text.push_str(&format!(" + {}", elided(adapter, 24)));
            }
            if entry(ui, icons::ICON_HISTORY, &text).clicked() {
                taken = Some(recent.clone());
            }
        }
        if let Some(recent) = taken {
            self.choice = match (recent.base_only, &recent.adapter) {
                (true, _) => AdapterChoice::None,
                (false, Some(_)) => AdapterChoice::Named,
                (false, None) => AdapterChoice::Own,
            };
            self.model.text = recent.model;
            self.adapter.text = recent.adapter.unwrap_or_default();
        }
    }

    fn spec(&self) -> ModelSpec {
        let typed = self.model.text.trim();
        let is_given = typed == shown_name(&self.given);
        ModelSpec {
            model: if is_given { &self.given } else { typed }.to_owned(),
            adapter: match self.choice {
                // It is chosen there.
                _ if Endpoint::of_name(typed).is_some() => Adapter::Default,
                AdapterChoice::Own => Adapter::Default,
                AdapterChoice::None => Adapter::None,
                AdapterChoice::Named => Adapter::Named(self.adapter.text.trim().to_owned()),
            },
            device: self.device,
            dtype: self.dtype,
            image_splitting: self.image_splitting,
        }
    }
}

/// What a preset needs, in a few words.
pub(super) fn facts(owned: &OwnedPreset) -> String {
    let needs = &owned.preset.needs;
    let gigabytes = |mb: u64| format!("{:.1} GB", mb as f64 / 1000.0);
    let (download, memory) = (gigabytes(needs.download_mb), gigabytes(needs.memory_mb()));
    let mut facts = match needs.download_mb {
        0 => needs.licence.to_owned(),
        _ => format!("{download} · {memory} · {}", needs.licence),
    };
    if needs.gated {
        facts.push_str(" · gated");
    }
    facts
}

/// Where a preset comes from, and how to get what is missing of it.
fn details(owned: &OwnedPreset) -> String {
    let mut text = owned.preset.name.to_owned();
    for repository in owned.preset.repositories() {
        text.push_str(&format!("\n{repository}"));
    }
    if owned.is_here() {
        text.push_str("\nOn this machine.");
    } else {
        text.push_str(&format!(
            "\nNot on this machine yet: {}",
            owned.missing.join(", ")
        ));
    }
    if owned.preset.needs.gated {
        text.push_str("\nAccept its terms on the Hub first; a token is asked for.");
    }
    text
}
