//! Every key, made from the commands themselves.

use egui::{ScrollArea, Ui};

use super::{Next, modal};
use crate::gui::{
    command::Command,
    key_map::KeyMap,
    keys::Group,
    scroll,
    settings::Uncover,
    theme::{self, space},
    widgets::key_cap,
};

/// The height of the longest of three columns, in points; it scrolls only where the window is lower.
const HEIGHT: f32 = 380.0;

/// What a column takes in width, in points.
const COLUMN: f32 = 276.0;

/// What its keys take of that.
const KEY: f32 = 80.0;

pub(super) fn show(ctx: &egui::Context, uncover: Uncover) -> Next {
    use Group::{Decide, File, Look, Move};
    let closes = modal(ctx, "Keys", 880.0, |ui| {
        let room = ui.ctx().content_rect().height() - 160.0;
        ScrollArea::vertical()
            .max_height(room)
            .min_scrolled_height(room.min(HEIGHT))
            .show(ui, |ui| {
                // A large zoom leaves room for fewer.
                let fit = (ui.available_width() / COLUMN) as usize;
                let groups: &[&[Group]] = match fit {
                    0 | 1 => &[&[Decide, Look, Move, File]],
                    2 => &[&[Decide, Move], &[Look, File]],
                    _ => &[&[Decide], &[Look], &[Move, File]],
                };
                ui.columns(groups.len(), |columns| {
                    for (column, groups) in columns.iter_mut().zip(groups) {
                        for group in *groups {
                            group_ui(column, *group, uncover);
                        }
                    }
                });
                scroll::by_keys(ui);
            });
    });
    if closes { Next::Close } else { Next::Stay }
}

fn group_ui(ui: &mut Ui, group: Group, uncover: Uncover) {
    ui.spacing_mut().item_spacing.y = space::XS;
    ui.spacing_mut().interact_size.y = 22.0;
    ui.label(theme::strong(group.label()));
    let keeps_digits = KeyMap::of(ui.ctx()).keeps_digits();
    if group == Group::Decide && keeps_digits {
        key_ui(ui, "1 … 9", "Toggle a label");
    }
    if group == Group::Look {
        let what = match uncover {
            Uncover::Hold => "Hold to see what is covered",
            Uncover::Click => "See what is covered, or cover it",
        };
        key_ui(ui, "Space", what);
        key_ui(ui, "↑ ↓", "Scroll the text");
    }
    for (of, command) in Command::with_keys() {
        if of != group || keeps_digits && matches!(command, Command::Toggle(_)) {
            continue;
        }
        if let Some(key) = command.shortcut_text(ui.ctx()) {
            key_ui(ui, &key, &command.label());
        }
    }
    ui.add_space(space::M);
}

fn key_ui(ui: &mut Ui, key: &str, what: &str) {
    ui.horizontal(|ui| {
        ui.allocate_ui(egui::vec2(KEY, 22.0), |ui| {
            ui.set_min_width(KEY);
            key_cap(ui, key);
        });
        ui.label(what);
    });
}
