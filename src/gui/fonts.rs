//! The fonts: our own for Latin, Greek and Cyrillic, symbols, and whatever the system has for all other scripts.
//!
//! egui asks for a font when it meets a character that none has: first the [`System`] (fontconfig, CoreText, DirectWrite),
//! then [`hangul`].

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use egui::{
    FallbackRequest, FontData, FontDefinitions, FontFamily, FontId, FontInsert, FontPriority,
    FontProvider, InsertFontFamily, Ui,
};
use egui_system_font_provider::SystemFontProvider;

use super::theme;
use crate::fonts;

/// The fonts of the system. Where there is no font at all, or no fontconfig, looking for one panics in fontique 0.11:
/// here it finds none.
#[derive(Default)]
pub struct System {
    provider: SystemFontProvider,
    is_broken: AtomicBool,
}

impl FontProvider for System {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        if self.is_broken.load(Relaxed) {
            return None;
        }
        let look = AssertUnwindSafe(|| self.provider.font_for(request));
        panic::catch_unwind(look).unwrap_or_else(|_| {
            self.is_broken.store(true, Relaxed);
            None
        })
    }
}

/// Installs what ships with the program. Called once, before the first frame.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.add_font(icons());
    ctx.add_font_provider(Arc::new(hangul));
}

/// Whether every letter of a text has a glyph in some font.
pub fn has_letters(ui: &Ui, text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    let font = FontId::proportional(theme::READING);
    let letters = || text.chars().filter(|c| !c.is_ascii() && c.is_alphabetic());
    ui.fonts_mut(|fonts| letters().all(|letter| fonts.has_glyph(&font, letter)))
}

/// Korean for systems without a Korean font.
fn hangul(request: &FallbackRequest<'_>) -> Option<FontInsert> {
    let first = request.cluster.chars().next()?;
    if !matches!(first, '가'..='힣' | 'ㄱ'..='ㆎ') {
        return None;
    }
    let family = InsertFontFamily {
        family: request.family.clone(),
        priority: FontPriority::Lowest,
    };
    let data = FontData::from_static(fonts::HANGUL);
    Some(FontInsert::new("hangul", data, vec![family]))
}

/// The symbols, raised to stand on the middle of the words beside them.
fn icons() -> FontInsert {
    let mut font = egui_material_icons::font_insert();
    font.data.tweak.y_offset_factor = -0.05;
    font
}

/// Inter in two weights in front of egui's own fonts, which keep the symbols; other scripts come from the system.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let weights: [(&str, &'static [u8]); 2] = [
        ("inter", fonts::INTER),
        ("inter-strong", fonts::INTER_STRONG),
    ];
    for (name, bytes) in weights {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let with_first = |first: &str| {
        std::iter::once(first.to_owned())
            .chain(fallback.iter().cloned())
            .collect::<Vec<_>>()
    };
    fonts
        .families
        .insert(theme::strong_family(), with_first("inter-strong"));
    fonts
        .families
        .insert(FontFamily::Proportional, with_first("inter"));
    fonts
}

#[cfg(test)]
mod tests {
    use egui::{Context, RawInput};

    use super::*;

    /// Which of the characters have a glyph, without any font of the system.
    fn shown(text: &str) -> String {
        let ctx = Context::default();
        install(&ctx);
        let mut found = String::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            for family in [FontFamily::Proportional, theme::strong_family()] {
                let font = FontId::new(14.0, family);
                let has = |c: &char| ui.fonts_mut(|fonts| fonts.has_glyph(&font, *c));
                found = text.chars().filter(has).collect();
            }
        });
        output.textures_delta.clear();
        found
    }

    #[test]
    fn korean_is_readable_without_a_font_of_the_system() {
        let korean = "한국어 뷁 쀍 가힣 ㅋㅋ ㅠ ㅏ";
        assert_eq!(shown(korean), korean);
        assert_eq!(
            shown("Ünïcode Ελληνικά Кириллица 日本"),
            "Ünïcode Ελληνικά Кириллица "
        );
    }
}
