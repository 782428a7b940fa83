//! Which key starts which command now: the defaults, with what the user chose in their place.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Id, Key, KeyboardShortcut, ModifierNames, Modifiers};

use super::{command::Command, keys::Group};

/// The key that shows what is covered. No command takes it: confirming would show the next post, unasked.
pub const LOOK: Key = Key::Space;

/// Every command that a key may start, with its key.
#[derive(Clone, Default)]
pub struct KeyMap {
    bindings: Arc<Vec<Binding>>,
}

/// A command and its key.
pub struct Binding {
    /// The group of the key overlay.
    pub group: Group,
    /// The command.
    pub command: Command,
    /// Its key, if it has one.
    pub shortcut: Option<KeyboardShortcut>,
}

impl KeyMap {
    /// The defaults, and what the settings have in their place.
    pub fn new(chosen: &BTreeMap<String, String>) -> Self {
        let binding = |(group, command): (Group, Command)| {
            let chosen = chosen.get(&command.key_name());
            let chosen = chosen.filter(|_| command.is_rebindable());
            let chosen = chosen.map(|text| parse(text));
            let is_free =
                |key: &Option<KeyboardShortcut>| key.is_none_or(|k| k.logical_key != LOOK);
            Binding {
                shortcut: chosen
                    .filter(is_free)
                    .unwrap_or_else(|| command.default_shortcut()),
                group,
                command,
            }
        };
        Self {
            bindings: Arc::new(Command::with_keys().into_iter().map(binding).collect()),
        }
    }

    /// Makes it the one that [`of`](Self::of) gives.
    pub fn install(self, ctx: &egui::Context) {
        ctx.data_mut(|data| data.insert_temp(Id::unique("key_map"), self));
    }

    /// The one in force; the defaults before any was installed.
    pub fn of(ctx: &egui::Context) -> Self {
        let known = ctx.data(|data| data.get_temp::<Self>(Id::unique("key_map")));
        known.unwrap_or_else(|| Self::new(&BTreeMap::new()))
    }

    /// All of it, in the order of the key overlay.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The key of a command.
    pub fn shortcut(&self, command: &Command) -> Option<KeyboardShortcut> {
        let name = command.key_name();
        let binding = self.bindings.iter().find(|b| b.command.key_name() == name);
        binding.map_or_else(|| command.default_shortcut(), |binding| binding.shortcut)
    }

    /// Whether the labels have the keys 1 to 9.
    pub fn keeps_digits(&self) -> bool {
        let is_toggle = |binding: &&Binding| matches!(binding.command, Command::Toggle(_));
        let mut toggles = self.bindings.iter().filter(is_toggle);
        toggles.all(|toggle| toggle.shortcut == toggle.command.default_shortcut())
    }

    /// The commands that share a key with this one; the first of them in the order of the overlay is started.
    pub fn conflicts(&self, of: &Binding) -> Vec<&Command> {
        let others = self.bindings.iter().filter(|other| {
            other.shortcut.is_some()
                && other.shortcut == of.shortcut
                && other.command.key_name() != of.command.key_name()
        });
        others.map(|other| &other.command).collect()
    }

    /// The command that a key starts, of those that are `allowed` now. Among keys that contain one another (`Ctrl+Shift+Z`, `Ctrl+Z`) it is the longest.
    pub fn command(
        &self,
        key: Key,
        mut modifiers: Modifiers,
        allowed: impl Fn(&Command) -> bool,
    ) -> Option<Command> {
        // “?” needs Shift on most keyboards.
        if key == Key::Questionmark {
            modifiers.shift = false;
        }
        let pressed = |binding: &&Binding| {
            binding.shortcut.is_some_and(|shortcut| {
                shortcut.logical_key == key && modifiers.matches_logically(shortcut.modifiers)
            })
        };
        // Of equals, `min_by_key` takes the first.
        let fewer = |binding: &&Binding| {
            let modifiers = binding.shortcut.map(|shortcut| shortcut.modifiers);
            modifiers.map_or(4, |m| {
                4 - [m.command, m.shift, m.alt].iter().filter(|m| **m).count()
            })
        };
        let allowed = self.bindings.iter().filter(|b| allowed(&b.command));
        let found = allowed.filter(pressed).min_by_key(fewer);
        found.map(|binding| binding.command.clone())
    }
}

/// A key as people write it on this system.
pub fn written(ctx: &egui::Context, shortcut: KeyboardShortcut) -> String {
    let key = match shortcut.logical_key {
        Key::ArrowLeft => "←",
        Key::ArrowRight => "→",
        Key::ArrowUp => "↑",
        Key::ArrowDown => "↓",
        Key::Escape => "Esc",
        Key::Questionmark => "?",
        Key::Comma => ",",
        key => key.name(),
    };
    let modifiers = ctx.format_modifiers(shortcut.modifiers);
    match modifiers.as_str() {
        "" => key.to_owned(),
        modifiers if modifiers.ends_with('+') => format!("{modifiers}{key}"),
        modifiers => format!("{modifiers}+{key}"),
    }
}

/// A key as the settings file has it, the same on every system: `Ctrl+Shift+Z`.
pub fn to_settings(shortcut: KeyboardShortcut) -> String {
    let names = ModifierNames::NAMES;
    let modifiers = names.format(&shortcut.modifiers, false);
    match modifiers.as_str() {
        "" => shortcut.logical_key.name().to_owned(),
        modifiers => format!("{modifiers}+{}", shortcut.logical_key.name()),
    }
}

/// The key of a text from the settings file; none if it is empty or names no key.
fn parse(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut rest = text;
    while let Some((modifier, behind)) = rest.split_once('+')
        && !behind.is_empty()
    {
        modifiers |= match modifier {
            "Ctrl" | "Cmd" => Modifiers::COMMAND,
            "Shift" => Modifiers::SHIFT,
            "Alt" => Modifiers::ALT,
            _ => return None,
        };
        rest = behind;
    }
    let key = Key::from_name(rest)?;
    Some(KeyboardShortcut::new(modifiers, key))
}

/// A pressed key as a shortcut: Ctrl stands for the command key of every system.
pub fn pressed(key: Key, modifiers: Modifiers) -> KeyboardShortcut {
    let mut logical = Modifiers::NONE;
    if modifiers.command || modifiers.ctrl {
        logical |= Modifiers::COMMAND;
    }
    if modifiers.shift && key != Key::Questionmark {
        logical |= Modifiers::SHIFT;
    }
    if modifiers.alt {
        logical |= Modifiers::ALT;
    }
    KeyboardShortcut::new(logical, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_survives_the_settings_file() {
        for (_, command) in Command::with_keys() {
            let shortcut = command.default_shortcut().unwrap();
            assert_eq!(parse(&to_settings(shortcut)), Some(shortcut), "{command:?}");
        }
        for text in ["", "Hyper+A", "Nonsense", "Ctrl+"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_chosen_key_takes_the_place_of_the_default_and_conflicts_are_found() {
        let chosen = [
            ("Skip", "K"),
            ("Flag", "Ctrl+Shift+E"),
            ("EditNote", ""),
            ("Hide", "H"),
            ("Confirm", "Space"),
            ("Escalate", "Ctrl+Space"),
        ];
        let chosen = chosen.map(|(command, key)| (command.to_owned(), key.to_owned()));
        let map = KeyMap::new(&chosen.into());
        let starts = |key, modifiers| map.command(key, modifiers, |_| true);
        assert_eq!(starts(Key::K, Modifiers::NONE), Some(Command::Skip));
        assert_eq!(starts(Key::S, Modifiers::NONE), None);
        assert_eq!(starts(Key::N, Modifiers::NONE), None);
        assert_eq!(starts(Key::Escape, Modifiers::NONE), Some(Command::Hide));
        assert_eq!(starts(Key::Space, Modifiers::NONE), None);
        assert_eq!(starts(Key::Enter, Modifiers::NONE), Some(Command::Confirm));
        assert_eq!(starts(Key::E, Modifiers::NONE), Some(Command::Escalate));
        let (ctrl, shift) = (Modifiers::CTRL | Modifiers::COMMAND, Modifiers::SHIFT);
        assert_eq!(starts(Key::E, ctrl | shift), Some(Command::Flag));
        assert_eq!(starts(Key::E, ctrl), Some(Command::Export));
        assert_eq!(starts(Key::Z, ctrl | shift), Some(Command::Redo));
        assert_eq!(starts(Key::Z, ctrl), Some(Command::Undo));

        let twice = [("Skip".to_owned(), "A".to_owned())];
        let map = KeyMap::new(&twice.into());
        let skip = map
            .bindings()
            .iter()
            .find(|b| b.command == Command::Skip)
            .unwrap();
        assert_eq!(map.conflicts(skip), [&Command::Accept]);
        assert_eq!(
            map.command(Key::A, Modifiers::NONE, |_| true),
            Some(Command::Accept)
        );
    }
}
