//! Which key starts what: press one to change it, conflicts are told, and everything can be set back.

use egui::{Button, Event, Key, RichText, Ui};

use crate::gui::{
    command::Command,
    key_map::{self, Binding, KeyMap},
    keys::Group,
    settings::Settings,
    theme::{self, Palette, space},
    widgets,
};

/// Which command waits for its key.
#[derive(Default)]
pub(super) struct KeysView {
    waits: Option<String>,
    /// Whether the key that was pressed is one that no command takes.
    refused: bool,
}

impl KeysView {
    /// Leaves the key that was to be changed as it is.
    pub(super) fn wait_no_more(&mut self) {
        self.waits = None;
    }

    /// Takes the key that is waited for, Esc too: then it does not close the dialog.
    pub(super) fn take_key(
        &mut self,
        ctx: &egui::Context,
        settings: &Settings,
        out: &mut Vec<Command>,
    ) {
        let Some(command) = self.waits.clone() else {
            return;
        };
        let mut taken = None;
        ctx.input_mut(|input| {
            input.events.retain(|event| match event {
                Event::Key {
                    key,
                    pressed: true,
                    modifiers,
                    ..
                } if taken.is_none() => {
                    taken = Some((*key, *modifiers));
                    false
                }
                Event::Text(_) => false,
                _ => true,
            });
        });
        let Some((key, modifiers)) = taken else {
            return;
        };
        self.refused = key == key_map::LOOK;
        if self.refused {
            return;
        }
        self.waits = None;
        let mut settings = settings.clone();
        match key {
            Key::Escape => return,
            Key::Backspace | Key::Delete => settings.keys.insert(command, String::new()),
            key => {
                let shortcut = key_map::pressed(key, modifiers);
                settings
                    .keys
                    .insert(command, key_map::to_settings(shortcut))
            }
        };
        out.push(Command::ChangeSettings(Box::new(settings)));
    }

    pub(super) fn show(&mut self, ui: &mut Ui, settings: &mut Settings) {
        let map = KeyMap::of(ui.ctx());
        ui.horizontal(|ui| {
            let changed = !settings.keys.is_empty();
            if ui
                .add_enabled(changed, Button::new("Set all keys back"))
                .clicked()
            {
                settings.keys.clear();
                self.waits = None;
            }
            if self.refused && self.waits.is_some() {
                let text = RichText::new("Space shows what is covered: press another key.");
                let warn = Palette::from_ui(ui).warn;
                ui.label(text.size(theme::SMALL).color(warn));
            } else {
                let text =
                    "Click a key, then press the new one. Backspace takes it away, Esc keeps it.";
                ui.label(theme::caption(ui, text));
            }
        });
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = 24.0;
        for group in Group::ALL {
            ui.add_space(space::XS);
            ui.label(theme::strong(group.label()));
            // The nine labels come last: few want other keys for them.
            let is_digit = |binding: &&Binding| matches!(binding.command, Command::Toggle(_));
            let of_group = || map.bindings().iter().filter(|b| b.group == group);
            let sorted = of_group()
                .filter(|b| !is_digit(b))
                .chain(of_group().filter(is_digit));
            for binding in sorted {
                self.binding_ui(ui, binding, &map, settings);
            }
        }
    }

    fn binding_ui(
        &mut self,
        ui: &mut Ui,
        binding: &Binding,
        map: &KeyMap,
        settings: &mut Settings,
    ) {
        let palette = Palette::from_ui(ui);
        let (command, name) = (&binding.command, binding.command.key_name());
        let label = command.label();
        ui.horizontal(|ui| {
            ui.allocate_ui(egui::vec2(190.0, 24.0), |ui| {
                ui.set_min_width(190.0);
                ui.label(label.as_ref());
            });
            let waits = self.waits.as_ref() == Some(&name);
            let key = binding
                .shortcut
                .map(|shortcut| key_map::written(ui.ctx(), shortcut));
            let text = match (&key, waits) {
                (_, true) => "Press a key…",
                (Some(key), _) => key,
                (None, _) => "none",
            };
            let text = RichText::new(text).font(widgets::key_font());
            let button = Button::new(text)
                .min_size(egui::vec2(96.0, 24.0))
                .selected(waits);
            let response = ui.add_enabled(command.is_rebindable(), button);
            let key = key.as_deref().unwrap_or("none");
            if response
                .accessible_name(format!("Key of {label}: {key}"))
                .clicked()
            {
                self.waits = (!waits).then(|| name.clone());
                self.refused = false;
            }
            if settings.keys.contains_key(&name) {
                let back = ui.small_button("Set back");
                if back
                    .accessible_name(format!("Set the key of {label} back"))
                    .clicked()
                {
                    settings.keys.remove(&name);
                }
            }
            let conflicts = map.conflicts(binding);
            if !conflicts.is_empty() {
                let names: Vec<_> = conflicts.iter().map(|other| other.label()).collect();
                let text = format!("also {}", names.join(", "));
                ui.label(RichText::new(text).size(theme::SMALL).color(palette.warn));
            }
        });
    }
}
