//! Every key, made from the commands themselves.

use egui::{ScrollArea, Ui};

use super::{Next, modal};
use crate::gui::{
    command::Command,
    key_map::KeyMap,
    keys::Group,
    settings::Uncover,
    theme::{self, space},
    widgets::key_cap,
};

/// The height of the longest column, in points; it scrolls only where the window is lower.
const HEIGHT: f32 = 360.0;

pub(super) fn show(ctx: &egui::Context, uncover: Uncover) -> Next {
    let closes = modal(ctx, "Keys", 840.0, |ui| {
        let room = ui.ctx().content_rect().height() - 160.0;
        ScrollArea::vertical()
            .max_height(room)
            .min_scrolled_height(room.min(HEIGHT))
            .show(ui, |ui| {
                ui.columns(3, |columns| {
                    if let [left, middle, right] = columns {
                        group_ui(left, Group::Decide, uncover);
                        group_ui(middle, Group::Look, uncover);
                        group_ui(right, Group::Move, uncover);
                        group_ui(right, Group::File, uncover);
                    }
                });
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
        ui.allocate_ui(egui::vec2(96.0, 22.0), |ui| {
            ui.set_min_width(96.0);
            key_cap(ui, key);
        });
        ui.label(what);
    });
}
