//! What this program is.

use egui::RichText;

use super::{Next, modal};
use crate::gui::theme::{self, Palette};

pub(super) fn show(ctx: &egui::Context) -> Next {
    let closes = modal(ctx, "About Overrule", 420.0, |ui| {
        let palette = Palette::from_ui(ui);
        ui.label(theme::strong(format!("Overrule {}", crate::VERSION)));
        ui.label(
            "Check what a moderation model said: review, correct and measure its labels, offline.",
        );
        let text = "Posts leave this computer only for a model that you name on another one. Licensed under the MIT licence. The typefaces \
                    are Inter and Noto Sans KR, the symbols are Material Symbols; THIRD-PARTY.txt of a release lists whatever else is built in.";
        ui.label(RichText::new(text).color(palette.weak));
    });
    if closes { Next::Close } else { Next::Stay }
}
