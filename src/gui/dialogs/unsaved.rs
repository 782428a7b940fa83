//! The question before anything unsaved would be lost.

use egui_material_icons::icons;

use super::{Next, Then, modal};
use crate::{
    gui::{
        command::Command,
        panels::status_bar::counted,
        theme::Palette,
        widgets::{self, notice},
    },
    review::session::Unsaved,
};

pub(super) fn show(
    ctx: &egui::Context,
    unsaved: Unsaved,
    message: &str,
    then: &Then,
    out: &mut Vec<Command>,
) -> Next {
    let mut next = Next::Stay;
    let closes = modal(ctx, "Not everything is saved", 480.0, |ui| {
        notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, message);
        let is = if unsaved.actions + unsaved.predictions == 1 {
            "is"
        } else {
            "are"
        };
        ui.label(format!(
            "{} {is} not in the session file.",
            counted(unsaved)
        ));
        ui.horizontal(|ui| {
            if widgets::primary(ui, icons::ICON_SYNC, "Try to save again", true).clicked() {
                out.push(Command::RetrySave);
                next = Next::Close;
            }
            let lose = match then {
                Then::Open(_) => "Open the other dataset anyway",
                Then::Close => "Close anyway",
            };
            if ui.button(lose).clicked() {
                next = Next::GoOn(then.clone());
            }
        });
    });
    if closes && matches!(next, Next::Stay) {
        Next::Close
    } else {
        next
    }
}
