//! Choosing a model and its adapter.

use egui::{Button, ComboBox, TextEdit, Ui};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    gui::{
        command::Command,
        file_dialog::{Choose, FileDialog},
        panels::top_bar::elided,
        settings::{RecentModel, Settings},
        theme::{self, space},
        widgets::{self, icon},
    },
    model::{Adapter, DeviceChoice, DtypeChoice, ModelSpec},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Adapter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AdapterChoice {
    Own,
    Named,
    None,
}

/// The dialog.
pub struct ChooseModel {
    model: String,
    adapter: String,
    choice: AdapterChoice,
    device: DeviceChoice,
    dtype: DtypeChoice,
    has_model: bool,
    recent: Vec<RecentModel>,
    browsing: Option<(Field, FileDialog)>,
}

const DEVICES: [(DeviceChoice, &str); 4] = [
    (DeviceChoice::Auto, "Best device"),
    (DeviceChoice::Cpu, "CPU"),
    (DeviceChoice::Cuda, "NVIDIA GPU"),
    (DeviceChoice::Metal, "Apple GPU"),
];

const DTYPES: [(DtypeChoice, &str); 4] = [
    (DtypeChoice::Auto, "Best format"),
    (DtypeChoice::F32, "f32"),
    (DtypeChoice::Bf16, "bf16"),
    (DtypeChoice::F16, "f16"),
];

impl ChooseModel {
    pub(super) fn new(present: Option<&ModelSpec>, settings: &Settings) -> Self {
        let spec = present.cloned().unwrap_or_default();
        let (choice, adapter) = match spec.adapter {
            Adapter::Default => (AdapterChoice::Own, String::new()),
            Adapter::None => (AdapterChoice::None, String::new()),
            Adapter::Named(adapter) => (AdapterChoice::Named, adapter),
        };
        Self {
            model: spec.model,
            adapter,
            choice,
            device: spec.device,
            dtype: spec.dtype,
            has_model: present.is_some(),
            recent: settings.recent_models.clone(),
            browsing: None,
        }
    }

    pub(super) fn receive(&mut self) {
        let Some((field, dialog)) = &self.browsing else {
            return;
        };
        if let Some(chosen) = dialog.poll() {
            if let Some(path) = chosen {
                let text = path.display().to_string();
                match field {
                    Field::Model => self.model = text,
                    Field::Adapter => self.adapter = text,
                }
            }
            self.browsing = None;
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Choose a model", 580.0, |ui| {
            ui.label("A folder with config.json and safetensors, a Hub id, or a preset’s name.");
            self.path_ui(ui, Field::Model, "Model");
            self.adapter_ui(ui);
            ui.horizontal(|ui| {
                choice(ui, "Device", &mut self.device, &DEVICES);
                choice(ui, "Number format", &mut self.dtype, &DTYPES);
            });
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                let ready = !self.model.trim().is_empty()
                    && (self.choice != AdapterChoice::Named || !self.adapter.trim().is_empty());
                let load = widgets::primary(ui, icons::ICON_DEPLOYED_CODE, "Load model", ready);
                if load.clicked() {
                    out.push(Command::LoadModel(self.spec()));
                    next = Next::Close;
                }
                if self.has_model && ui.button(Command::UnloadModel.label().as_ref()).clicked() {
                    out.push(Command::UnloadModel);
                    next = Next::Close;
                }
            });
            self.recent_ui(ui);
        });
        if closes && matches!(next, Next::Stay) {
            Next::Close
        } else {
            next
        }
    }

    fn path_ui(&mut self, ui: &mut Ui, field: Field, name: &str) {
        let idle = self.browsing.is_none();
        let text = match field {
            Field::Model => &mut self.model,
            Field::Adapter => &mut self.adapter,
        };
        ui.horizontal(|ui| {
            let width = ui.available_width() - 110.0;
            let edit = TextEdit::singleline(text)
                .desired_width(width)
                .hint_text("Folder, org/name, or preset");
            ui.add(edit).accessible_name(name);
            let browse = Button::new("Choose…");
            let response = ui.add_enabled(idle, browse);
            if response
                .accessible_name(format!("Choose the folder: {name}"))
                .clicked()
            {
                let ctx = ui.ctx().clone();
                let dialog = FileDialog::open(Choose::Folder, move || ctx.request_repaint());
                self.browsing = Some((field, dialog));
            }
        });
    }

    fn adapter_ui(&mut self, ui: &mut Ui) {
        ui.label(theme::caption(ui, "Adapter (LoRA), merged while loading"));
        ui.horizontal(|ui| {
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
            self.path_ui(ui, Field::Adapter, "Adapter");
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
            let content = (icon(icons::ICON_HISTORY), text);
            if ui
                .add(Button::new(content).frame_when_inactive(false))
                .clicked()
            {
                taken = Some(recent.clone());
            }
        }
        if let Some(recent) = taken {
            self.choice = match (recent.base_only, &recent.adapter) {
                (true, _) => AdapterChoice::None,
                (false, Some(_)) => AdapterChoice::Named,
                (false, None) => AdapterChoice::Own,
            };
            self.model = recent.model;
            self.adapter = recent.adapter.unwrap_or_default();
        }
    }

    fn spec(&self) -> ModelSpec {
        ModelSpec {
            model: self.model.trim().to_owned(),
            adapter: match self.choice {
                AdapterChoice::Own => Adapter::Default,
                AdapterChoice::None => Adapter::None,
                AdapterChoice::Named => Adapter::Named(self.adapter.trim().to_owned()),
            },
            device: self.device,
            dtype: self.dtype,
        }
    }
}

fn choice<T: PartialEq + Copy>(ui: &mut Ui, name: &str, value: &mut T, choices: &[(T, &str)]) {
    let shown = choices
        .iter()
        .find(|(choice, _)| choice == value)
        .map_or("", |(_, name)| name);
    let response = ComboBox::from_id_salt(name)
        .selected_text(shown)
        .width(150.0)
        .show_ui(ui, |ui| {
            for (choice, label) in choices {
                ui.selectable_value(value, *choice, *label);
            }
        });
    response
        .response
        .accessible_name(format!("{name}: {shown}"));
}
