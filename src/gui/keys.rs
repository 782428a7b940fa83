//! Which key starts which command, and taking keys from the input.

use egui::{Event, Key, KeyboardShortcut, Modifiers};

use super::{
    bench::Select,
    command::Command,
    dialogs::settings::Section,
    key_map::{self, KeyMap},
    panels::labels::Below,
};

/// Groups of the key overlay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// Deciding about a post.
    Decide,
    /// Moving about.
    Move,
    /// Looking.
    Look,
    /// Files and the window.
    File,
}

impl Group {
    /// All groups in the order of the overlay.
    pub const ALL: [Self; 4] = [Self::Decide, Self::Move, Self::Look, Self::File];

    /// The heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Decide => "Decide",
            Self::Move => "Move",
            Self::Look => "Look",
            Self::File => "Data and window",
        }
    }
}

const DIGITS: [Key; 9] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

impl Command {
    /// Every command that a key starts, in the order of the key overlay, with its group.
    ///
    /// Longer shortcuts stand before the shorter ones they contain (`Ctrl+Shift+Z` before `Ctrl+Z`).
    pub fn with_keys() -> Vec<(Group, Self)> {
        use Group::{Decide, File, Look, Move};
        let mut all: Vec<(Group, Self)> = (0..DIGITS.len())
            .map(|i| (Decide, Self::Toggle(i)))
            .collect();
        all.extend([
            (Decide, Self::ChooseNone),
            (Decide, Self::Confirm),
            (Decide, Self::Accept),
            (Decide, Self::Reveal),
            (Decide, Self::Skip),
            (Decide, Self::Escalate),
            (Decide, Self::Flag),
            (Decide, Self::EditNote),
            (Decide, Self::Redo),
            (Decide, Self::Undo),
            (Move, Self::Previous),
            (Move, Self::Next),
            (Move, Self::Search),
            (Move, Self::Select(Select::Shown)),
            (Move, Self::Select(Select::All)),
            (Look, Self::ShowAnswer),
            (Look, Self::ShowSeen),
            (Look, Self::ShowProbe),
            (Look, Self::ShowRuns),
            (Look, Self::ShowMetrics),
            (Look, Self::ShowBelow(Below::Policy)),
            (Look, Self::ToggleZoom),
            (Look, Self::ToggleBlur),
            (Look, Self::Hide),
            (Look, Self::ShowPalette),
            (Look, Self::ShowKeys),
            (File, Self::RetryFailed),
            (File, Self::OpenData),
            (File, Self::ChooseModel),
            (File, Self::Export),
            (File, Self::ShowSettings(Section::default())),
            (File, Self::Quit),
        ]);
        all
    }

    /// The key that starts it unless the user chose another one.
    pub fn default_shortcut(&self) -> Option<KeyboardShortcut> {
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        let command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        match self {
            Self::Toggle(index) => DIGITS.get(*index).and_then(|key| plain(*key)),
            Self::ChooseNone => plain(Key::Num0),
            Self::Confirm => plain(Key::Enter),
            Self::Accept => plain(Key::A),
            Self::Reveal => plain(Key::R),
            Self::ShowSettings(_) => command(Key::Comma),
            Self::Previous => plain(Key::ArrowLeft),
            Self::Next => plain(Key::ArrowRight),
            Self::Skip => plain(Key::S),
            Self::Escalate => plain(Key::E),
            Self::Flag => plain(Key::F),
            Self::EditNote => plain(Key::N),
            Self::ShowAnswer => plain(Key::J),
            Self::ShowSeen => plain(Key::W),
            Self::ShowProbe => plain(Key::X),
            Self::ShowRuns => plain(Key::C),
            Self::ShowMetrics => plain(Key::M),
            Self::ShowBelow(Below::Policy) => plain(Key::P),
            Self::Undo => command(Key::Z),
            Self::Redo => Some(KeyboardShortcut::new(
                Modifiers::COMMAND | Modifiers::SHIFT,
                Key::Z,
            )),
            Self::Hide => plain(Key::Escape),
            Self::OpenData => command(Key::O),
            Self::ChooseModel => command(Key::M),
            Self::Export => command(Key::E),
            Self::Search => command(Key::F),
            Self::RetryFailed => command(Key::R),
            Self::ToggleZoom => plain(Key::Z),
            Self::ToggleBlur => plain(Key::B),
            Self::ShowKeys => plain(Key::Questionmark),
            Self::Select(Select::Shown) => plain(Key::T),
            Self::Select(Select::All) => command(Key::A),
            Self::ShowPalette => command(Key::K),
            Self::Quit => command(Key::Q),
            _ => None,
        }
    }

    /// The key as people write it: `Ctrl+Z`, `Enter`, `→`.
    pub fn shortcut_text(&self, ctx: &egui::Context) -> Option<String> {
        let shortcut = KeyMap::of(ctx).shortcut(self)?;
        Some(key_map::written(ctx, shortcut))
    }

    /// Its name in the settings file.
    pub fn key_name(&self) -> String {
        match self {
            Self::Toggle(label) => format!("Toggle {}", label + 1),
            Self::ShowSettings(_) => "Settings".to_owned(),
            Self::Select(Select::Shown) => "Select this".to_owned(),
            Self::Select(_) => "Select all".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Whether its key is the user's to choose. The one that hides everything stays where everybody finds it.
    pub fn is_rebindable(&self) -> bool {
        !matches!(self, Self::Hide)
    }

    /// Whether holding its key does it again and again. A decision takes a fresh press: nobody confirms
    /// a row of unseen posts by leaning on Enter.
    fn may_repeat(&self) -> bool {
        matches!(self, Self::Previous | Self::Next | Self::Undo | Self::Redo)
    }

    /// Whether keys mean something else behind it: a field or a dialog opens, something takes the post's place, or everything is
    /// hidden.
    pub(super) fn takes_the_keyboard(&self) -> bool {
        matches!(
            self,
            Self::EditNote
                | Self::Search
                | Self::OpenData
                | Self::ChooseModel
                | Self::Export
                | Self::ShowPalette
                | Self::ShowSeen
                | Self::ShowProbe
                | Self::ShowKeys
                | Self::ShowSettings(_)
                | Self::ShowMetrics
                | Self::ShowQueue
                | Self::Hide
                | Self::Quit
        )
    }
}

/// Takes the keys of this frame that start commands out of the input, in the order in which they were pressed: a quick
/// reviewer, or a slow frame, brings several at once (behind a key that opens something comes none: see `key_queue`). Never
/// called while someone is typing. Keys of commands that are not `allowed` are left in the input.
pub fn take_keys(ctx: &egui::Context, allowed: impl Fn(&Command) -> bool) -> Vec<Command> {
    // A focused button keeps Enter for itself, so that the window can be used with Tab alone.
    let focused = ctx.memory(|memory| memory.focused()).is_some();
    let known = KeyMap::of(ctx);
    let mut commands = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key {
                key,
                pressed: true,
                repeat,
                modifiers,
                ..
            } = event
            else {
                return true;
            };
            if focused && *key == Key::Enter {
                return true;
            }
            let Some(command) = known.command(*key, *modifiers, &allowed) else {
                return true;
            };
            if !repeat || command.may_repeat() {
                commands.push(command);
            }
            false
        });
    });
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_key() {
        let mut seen: Vec<KeyboardShortcut> = Vec::new();
        for (_, command) in Command::with_keys() {
            let shortcut = command
                .default_shortcut()
                .unwrap_or_else(|| panic!("{command:?} has no key"));
            assert!(!seen.contains(&shortcut), "{command:?} shares its key");
            seen.push(shortcut);
        }
    }

    #[test]
    fn the_keys_of_the_design_start_what_they_should() {
        let ctx = egui::Context::default();
        for (command, key) in [
            (Command::Toggle(0), "1"),
            (Command::ChooseNone, "0"),
            (Command::Confirm, "Enter"),
            (Command::Accept, "A"),
            (Command::Reveal, "R"),
            (Command::Skip, "S"),
            (Command::Escalate, "E"),
            (Command::Flag, "F"),
            (Command::EditNote, "N"),
            (Command::ShowAnswer, "J"),
            (Command::Hide, "Esc"),
            (Command::ShowKeys, "?"),
            (Command::Next, "→"),
        ] {
            assert_eq!(command.shortcut_text(&ctx).as_deref(), Some(key));
        }
    }
}
