//! Every key, made from the commands themselves.

use egui::{ScrollArea, Ui};

use super::{Next, modal};
use crate::gui::{
    command::Command,
    keys::Group,
    theme::{self, space},
    widgets::key_cap,
};

pub(super) fn show(ctx: &egui::Context) -> Next {
    let closes = modal(ctx, "Keys", 720.0, |ui| {
        let room = ui.ctx().content_rect().height() - 160.0;
        ScrollArea::vertical().max_height(room).show(ui, |ui| {
            ui.columns(2, |columns| {
                if let [left, right] = columns {
                    group_ui(left, Group::Decide);
                    for group in [Group::Move, Group::Look, Group::File] {
                        group_ui(right, group);
                    }
                }
            });
        });
    });
    if closes { Next::Close } else { Next::Stay }
}

fn group_ui(ui: &mut Ui, group: Group) {
    ui.spacing_mut().item_spacing.y = space::XS;
    ui.spacing_mut().interact_size.y = 22.0;
    ui.label(theme::strong(group.label()));
    if group == Group::Decide {
        key_ui(ui, "1 … 9", "Toggle a label");
    }
    if group == Group::Look {
        key_ui(ui, "Space", "Hold to see the picture");
    }
    for (of, command) in Command::with_keys() {
        if of != group || matches!(command, Command::Toggle(_)) {
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
