//! What the model saw of a post: the prompt's text, and the picture as its processor made it.

use egui::{ScrollArea, TextureHandle, TextureOptions, Ui, vec2};

use super::{Next, modal};
use crate::{
    gui::{
        focus,
        panels::answer::code,
        picture::color_image,
        scroll,
        settings::Settings,
        theme::{self, Palette, space},
        widgets::{self, outlined},
    },
    image::Rgb,
    predict::{
        probe::{Found, Seen},
        worker::Probing,
    },
};

/// Side of the one picture, in points.
const PICTURE: f32 = 260.0;

/// Side of one of several tiles, in points.
const TILE: f32 = 104.0;

/// What of a post is covered until it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Covered {
    /// Its picture.
    pub picture: bool,
    /// Its text.
    pub text: bool,
}

impl Covered {
    /// As the settings have it.
    pub fn of(settings: &Settings) -> Self {
        Self {
            picture: settings.blur,
            text: settings.care.cover_text,
        }
    }
}

/// A check box that shows what is covered.
pub(super) fn reveal_ui(ui: &mut Ui, covered: &mut bool, name: &str) {
    let mut shown = !*covered;
    outlined(ui, |ui| ui.checkbox(&mut shown, name));
    *covered = !shown;
}

/// The dialog.
pub struct SeenDialog {
    post: usize,
    probing: Probing,
    seen: Option<Result<Seen, String>>,
    pictures: Vec<TextureHandle>,
    covered: Covered,
    /// Whether the text was covered when it was opened: then there is a way to show it.
    hides_text: bool,
}

impl SeenDialog {
    /// Waits for what `probing` finds out.
    pub fn new(post: usize, probing: Probing, covered: Covered) -> Self {
        Self {
            post,
            probing,
            seen: None,
            pictures: Vec::new(),
            covered,
            hides_text: covered.text,
        }
    }

    pub(super) fn receive(&mut self) {
        match self.probing.take() {
            None if self.seen.is_none() => {
                let text = "The model was put away before it could be asked.";
                self.seen = Some(Err(text.to_owned()));
            }
            found => {
                for (_, found) in found.into_iter().flatten() {
                    match found {
                        Found::Seen(seen) => self.seen = Some(Ok(seen)),
                        Found::Failed(message) => self.seen = Some(Err(message)),
                        Found::Said(_) => {}
                    }
                }
            }
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context) -> Next {
        let title = format!(
            "What the model saw of post {}",
            widgets::thousands(self.post + 1)
        );
        let closes = modal(ctx, &title, 640.0, |ui| match &self.seen {
            None => {
                ui.label("The prompt and the picture are being made ready…");
            }
            Some(Err(message)) => {
                ui.colored_label(Palette::from_ui(ui).bad, message);
            }
            Some(Ok(seen)) => {
                if self.pictures.len() != seen.pictures.len() {
                    self.pictures = textures(ui.ctx(), &seen.pictures);
                }
                let room = ui.ctx().content_rect().height() - 200.0;
                let scroll = ScrollArea::vertical().max_height(room);
                scroll.min_scrolled_height(room).show(ui, |ui| {
                    seen_ui(
                        ui,
                        seen,
                        &self.pictures,
                        (&mut self.covered, self.hides_text),
                    );
                    scroll::by_keys(ui);
                    focus::follow(ui);
                });
            }
        });
        if closes { Next::Close } else { Next::Stay }
    }
}

fn textures(ctx: &egui::Context, pictures: &[Rgb]) -> Vec<TextureHandle> {
    let texture = |(number, picture): (usize, &Rgb)| {
        // The network's own pixels, without a smoothing that it does not get.
        let options = TextureOptions::NEAREST;
        ctx.load_texture(format!("seen-{number}"), color_image(picture), options)
    };
    pictures.iter().enumerate().map(texture).collect()
}

fn seen_ui(
    ui: &mut Ui,
    seen: &Seen,
    pictures: &[TextureHandle],
    (covered, hides_text): (&mut Covered, bool),
) {
    ui.label(theme::caption(ui, facts(seen)));
    let has_picture = !seen.pictures.is_empty() || !seen.shape.is_empty();
    if has_picture {
        reveal_ui(ui, &mut covered.picture, "Show the picture");
    } else {
        ui.label("The model gets no picture of this post.");
    }
    if !covered.picture {
        let side = if pictures.len() > 1 { TILE } else { PICTURE };
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(space::XS, space::XS);
            for (number, picture) in pictures.iter().enumerate() {
                let name = if pictures.len() == 1 {
                    "The picture as the model gets it".to_owned()
                } else if number + 1 == pictures.len() {
                    "All of the picture in one tile".to_owned()
                } else {
                    format!("Tile {}", number + 1)
                };
                let image = egui::Image::new(picture)
                    .fit_to_exact_size(fitted(picture.size_vec2(), side))
                    .alt_text(&name);
                ui.add(image).on_hover_text(name);
            }
        });
        if pictures.len() > 1 {
            let text = "Tiles from left to right, row by row; the last one is all of the picture.";
            ui.label(theme::caption(ui, text));
        }
    }
    ui.add_space(space::S);
    // It quotes the text.
    if hides_text {
        reveal_ui(ui, &mut covered.text, "Show the text");
    }
    if !covered.text {
        code(ui, "Prompt", &seen.prompt);
    }
}

/// A size of the same proportions whose longer side is `side`.
pub(super) fn fitted(size: egui::Vec2, side: f32) -> egui::Vec2 {
    size * (side / size.x.max(size.y).max(1.0))
}

/// Sizes and counts in one line.
fn facts(seen: &Seen) -> String {
    let mut facts = format!("{} tokens", widgets::thousands(seen.n_tokens));
    if let Some(picture) = seen.pictures.last() {
        let n = match seen.pictures.len() {
            1 => String::new(),
            n => format!("{n} tiles of "),
        };
        facts.push_str(&format!(
            " · {n}{} × {} pixels",
            picture.width, picture.height
        ));
    }
    if !seen.shape.is_empty() {
        facts.push_str(&format!(" · pixel_values {:?}", seen.shape));
    }
    facts
}
