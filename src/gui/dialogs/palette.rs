//! The command palette: every command by a few letters of its name.

use egui::{Align2, FontId, Key, Modifiers, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_material_icons::{MaterialIcon, icons};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use super::{Next, modal};
use crate::{
    gui::{
        bench::{Bench, Select},
        command::{Bulk, Command, People},
        focus,
        panels::queue_choices,
        theme::{self, Palette, ThemeChoice},
        widgets,
    },
    review::{blind::BlindMode, session::Truth},
};

const ALL_BLIND: BlindMode = BlindMode {
    share_percent: 100,
    seed: 1,
    hides_dataset: false,
};

/// Height of a row, in points.
const ROW: f32 = 30.0;

/// Height of the list, in points.
const HEIGHT: f32 = 12.0 * ROW;

/// The palette and what was typed.
pub struct CommandPalette {
    entries: Vec<Entry>,
    n_posts: usize,
    query: String,
    /// The row that Enter takes.
    chosen: usize,
    /// The entries that fit, the best first; a number goes in front as the post to go to.
    shown: Vec<Entry>,
    focused: bool,
}

#[derive(Clone)]
struct Entry {
    text: String,
    icon: MaterialIcon,
    key: Option<String>,
    command: Command,
}

impl CommandPalette {
    /// All commands that `can` be carried out now.
    pub(super) fn new(
        ctx: &egui::Context,
        bench: Option<&Bench>,
        can: impl Fn(&Command) -> bool,
    ) -> Self {
        let entry = |command: Command, text: String| Entry {
            text,
            icon: command.icon(),
            key: command.shortcut_text(ctx),
            command,
        };
        let plain = |command: Command| {
            let text = match &command {
                Command::SetBlind(mode) if mode.is_on() => "Blind mode: on for every post".into(),
                Command::SetBlind(_) => "Blind mode: off".into(),
                command => command.label().into_owned(),
            };
            entry(command, text)
        };
        let known = Command::with_keys().into_iter().map(|(_, command)| command);
        let more = [
            Command::Predict,
            Command::Pause,
            Command::Resume,
            Command::CancelRun,
            Command::UnloadModel,
            Command::ManageModels,
            Command::ShowQueue,
            Command::ShowProblems,
            Command::ToggleGrey,
            Command::People(People::ShowSeconds),
            Command::People(People::ShowGold),
            Command::SetBlind(ALL_BLIND),
            Command::SetBlind(BlindMode::default()),
            Command::ShowTour,
            Command::About,
        ];
        let has_selection = bench.is_some_and(|bench| !bench.selection().is_empty());
        let of_selection = Bulk::ALL
            .map(Command::Bulk)
            .into_iter()
            .chain([Command::Select(Select::Nothing)])
            .filter(|_| has_selection);
        // Labels are toggled by their names.
        let mut entries: Vec<Entry> = known
            .chain(more)
            .chain(of_selection)
            .filter(|command| !matches!(command, Command::Toggle(_) | Command::ShowPalette))
            .filter(&can)
            .map(plain)
            .collect();
        let themes = [
            (ThemeChoice::Light, "light"),
            (ThemeChoice::Dark, "dark"),
            (ThemeChoice::System, "as the system"),
        ];
        entries.extend(
            themes.map(|(theme, name)| entry(Command::SetTheme(theme), format!("Theme: {name}"))),
        );
        if let Some(bench) = bench {
            let labels = bench.session.dataset().labels.iter().enumerate();
            let labels = labels.filter(|(index, _)| can(&Command::Toggle(*index)));
            entries.extend(
                labels.map(|(index, name)| entry(Command::Toggle(index), format!("Toggle {name}"))),
            );
            let truths = [
                (Truth::Combined, "combined truth"),
                (Truth::Reviewed, "reviewed posts"),
                (Truth::Dataset, "dataset’s labels"),
            ];
            entries.extend(truths.map(|(truth, name)| {
                entry(Command::SetTruth(truth), format!("Compare with the {name}"))
            }));
            let queues = queue_choices::all(bench).into_iter();
            entries.extend(queues.map(|(command, text)| entry(command, text)));
        }
        Self {
            shown: entries.clone(),
            entries,
            n_posts: bench.map_or(0, |bench| bench.session.dataset().posts.len()),
            query: String::new(),
            chosen: 0,
            focused: false,
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let [up, down, enter] = ctx.input_mut(|input| {
            [Key::ArrowUp, Key::ArrowDown, Key::Enter]
                .map(|key| input.consume_key(Modifiers::NONE, key))
        });
        let last = self.shown.len().saturating_sub(1);
        if up {
            self.chosen = self.chosen.checked_sub(1).unwrap_or(last);
        }
        if down {
            self.chosen = if self.chosen >= last {
                0
            } else {
                self.chosen + 1
            };
        }
        let mut taken = enter.then_some(self.chosen);
        let closes = modal(ctx, "Commands", 520.0, |ui| {
            let edit = widgets::field(&mut self.query)
                .hint_text("A few letters of a command, or the number of a post");
            let response = ui.add(edit).accessible_name("Find a command");
            if !std::mem::replace(&mut self.focused, true) {
                response.request_focus();
            }
            if response.changed() {
                self.find();
            }
            if let Some(row) = self.list_ui(ui, up || down, &mut taken) {
                self.chosen = row;
            }
        });
        match taken.and_then(|row| self.shown.get(row)) {
            Some(entry) => {
                out.push(entry.command.clone());
                Next::Close
            }
            None if closes => Next::Close,
            None => Next::Stay,
        }
    }

    /// Draws the list. Returns the row that Tab has just come to.
    fn list_ui(&self, ui: &mut Ui, moved: bool, taken: &mut Option<usize>) -> Option<usize> {
        if self.shown.is_empty() {
            ui.label(theme::caption(
                ui,
                "No command has these letters in this order",
            ));
        }
        let room = (ui.ctx().content_rect().height() - 200.0).clamp(4.0 * ROW, HEIGHT);
        let mut come_to = None;
        ui.spacing_mut().item_spacing.y = 0.0;
        // Of one height whatever is found, so that the field stays where it is.
        ScrollArea::vertical()
            .max_height(room)
            .min_scrolled_height(room)
            .auto_shrink(false)
            .show(ui, |ui| {
                for (row, entry) in self.shown.iter().enumerate() {
                    let is_chosen = row == self.chosen;
                    let response = entry.show(ui, is_chosen);
                    if response.clicked() {
                        *taken = Some(row);
                    }
                    if is_chosen && moved {
                        response.scroll_to_me(None);
                    }
                    if response.gained_focus() {
                        come_to = Some(row);
                    }
                }
                focus::follow(ui);
            });
        come_to
    }

    /// Takes the entries that have the letters in their order, the best first.
    fn find(&mut self) {
        self.chosen = 0;
        let query = self.query.trim();
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::new(
            query,
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let mut letters = Vec::new();
        let mut found: Vec<(u32, &Entry)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let text = Utf32Str::new(&entry.text, &mut letters);
                Some((pattern.score(text, &mut matcher)?, entry))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let number = query.replace(',', "").parse::<usize>().ok();
        let post = number
            .and_then(|number| number.checked_sub(1))
            .filter(|post| *post < self.n_posts)
            .map(|post| Entry {
                text: format!("Go to post {}", widgets::thousands(post + 1)),
                icon: icons::ICON_ARROW_FORWARD,
                key: None,
                command: Command::GoTo(post),
            });
        self.shown = post
            .into_iter()
            .chain(found.into_iter().map(|(_, entry)| entry.clone()))
            .collect();
    }
}

impl Entry {
    fn show(&self, ui: &mut Ui, chosen: bool) -> egui::Response {
        let palette = Palette::from_ui(ui);
        let size = vec2(ui.available_width(), ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::ListBoxOption, true, chosen, self.text.as_str())
        });
        let painter = ui.painter();
        if chosen {
            painter.rect_filled(rect, theme::RADIUS, palette.selected);
        } else if response.hovered() {
            painter.rect_filled(rect, theme::RADIUS, palette.raised);
        }
        let middle = rect.center().y;
        painter.text(
            pos2(rect.left() + 18.0, middle),
            Align2::CENTER_CENTER,
            self.icon.codepoint,
            FontId::new(theme::ICON, self.icon.font_family()),
            palette.weak,
        );
        painter.text(
            pos2(rect.left() + 36.0, middle),
            Align2::LEFT_CENTER,
            &self.text,
            FontId::proportional(theme::BODY),
            palette.text,
        );
        if let Some(key) = &self.key {
            painter.text(
                pos2(rect.right() - 10.0, middle),
                Align2::RIGHT_CENTER,
                key,
                widgets::key_font(),
                palette.weak,
            );
        }
        response
    }
}
