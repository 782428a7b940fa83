//! What cutting images into tiles costs, and the choice not to, for models that see images in tiles.

use egui::Ui;

use crate::{
    gui::{background::waker, errand::Errand, pace::TYPING_PAUSE_SECS, theme, widgets::thousands},
    model::{
        ImageSplitting,
        smolvlm::{TileCost, tile_cost},
    },
};

/// Whether the model that is being named sees images in tiles: found out off the frame, as its files must be read.
#[derive(Default)]
pub(super) struct Tiles {
    model: String,
    /// When the name was last changed, while nobody has looked for it.
    named_at: Option<f64>,
    looking: Option<Errand<Option<TileCost>>>,
    cost: Option<TileCost>,
}

impl Tiles {
    fn look(&mut self, ctx: &egui::Context, model: &str) {
        let now = ctx.time();
        if self.model != model {
            *self = Self {
                model: model.to_owned(),
                named_at: Some(now),
                ..Self::default()
            };
        }
        // Each look reads files.
        if let Some(named_at) = self.named_at {
            let left = named_at + TYPING_PAUSE_SECS - now;
            if left > 0.0 {
                ctx.request_repaint_after_secs(left as f32);
                return;
            }
            self.named_at = None;
            let name = model.to_owned();
            let look = move || tile_cost(&name);
            self.looking = Some(Errand::start("overrule-tiles", waker(ctx), look));
        }
        if let Some(found) = Errand::take(&mut self.looking) {
            // Without an answer the choice is not offered.
            self.cost = found.unwrap_or_default();
        }
    }

    /// The choice, if the model of this name has it.
    pub(super) fn ui(&mut self, ui: &mut Ui, model: &str, splitting: &mut ImageSplitting) {
        self.look(ui.ctx(), model.trim());
        let Some(cost) = self.cost else { return };
        let tokens = |tiles: usize| thousands(tiles * cost.tokens_of_a_tile);
        ui.label(theme::caption(ui, "Image tiles"));
        for (choice, label) in [
            (
                ImageSplitting::Auto,
                format!(
                    "As the checkpoint cuts images: up to {} tiles, {} image tokens",
                    cost.most_tiles,
                    tokens(cost.most_tiles)
                ),
            ),
            (
                ImageSplitting::Off,
                format!(
                    "One tile: {} image tokens, several times faster; small print is lost",
                    tokens(1)
                ),
            ),
        ] {
            if ui.radio(*splitting == choice, label).clicked() {
                *splitting = choice;
            }
        }
    }
}
