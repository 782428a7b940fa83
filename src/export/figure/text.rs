//! How wide a text is, and the outlines of its letters, in the program's own fonts.

use skrifa::{
    FontRef, GlyphId, MetadataProvider as _,
    instance::{LocationRef, Size},
    outline::{DrawSettings, OutlinePen},
};

use crate::fonts;

/// A letter of a text: its font, its number there, and how far from the text's beginning it stands, in points.
struct Glyph {
    font: FontRef<'static>,
    id: GlyphId,
    x: f32,
}

/// The letters of a text of this size, and its width, both in points. Letters that no font of ours has are left blank, in as
/// much room as the widest of them take in the fonts that a window or a viewer finds for them.
fn glyphs(text: &str, size: f32, is_strong: bool) -> (Vec<Glyph>, f32) {
    let first = match is_strong {
        true => fonts::INTER_STRONG,
        false => fonts::INTER,
    };
    let fonts = [first, fonts::HANGUL].map(FontRef::new);
    let (mut found, mut x) = (Vec::new(), 0.0);
    for letter in text.chars() {
        let known = fonts.iter().flatten().find_map(|font| {
            let id = font.charmap().map(letter)?;
            let metrics = font.glyph_metrics(Size::new(size), LocationRef::default());
            Some((font.clone(), id, metrics.advance_width(id)?))
        });
        let Some((font, id, width)) = known else {
            x += size;
            continue;
        };
        found.push(Glyph { font, id, x });
        x += width;
    }
    (found, x)
}

/// How wide a text of this size is, in points.
pub fn width(text: &str, size: f32, is_strong: bool) -> f32 {
    glyphs(text, size, is_strong).1
}

/// Draws a text of this size from its beginning on its base line, upwards as in fonts.
pub(super) fn draw(text: &str, size: f32, is_strong: bool, pen: &mut impl OutlinePen) {
    for Glyph { font, id, x } in glyphs(text, size, is_strong).0 {
        let settings = DrawSettings::unhinted(Size::new(size), LocationRef::default());
        if let Some(outline) = font.outline_glyphs().get(id) {
            let mut moved = Moved { pen, x };
            // A letter that cannot be drawn is left blank.
            outline.draw(settings, &mut moved).ok();
        }
    }
}

/// Draws further to the right.
struct Moved<'a, P> {
    pen: &'a mut P,
    x: f32,
}

impl<P: OutlinePen> OutlinePen for Moved<'_, P> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.pen.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.pen.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.pen.quad_to(self.x + cx0, cy0, self.x + x, y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (cx0, cx1) = (self.x + cx0, self.x + cx1);
        self.pen.curve_to(cx0, cy0, cx1, cy1, self.x + x, y);
    }

    fn close(&mut self) {
        self.pen.close();
    }
}

/// Breaks a text into lines of at most this width, between words. A word that is wider has a line of its own.
pub fn wrap(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) if width(&longer, size, false) <= most => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text, or as much of its beginning as fits with an ellipsis.
pub fn elided(text: &str, size: f32, most: f32) -> String {
    if width(text, size, false) <= most {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let shorter = format!("{}…", kept.trim_end());
        if width(&shorter, size, false) <= most {
            return shorter;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_measured_broken_and_shortened() {
        let (narrow, wide) = (width("iii", 12.0, false), width("WWW", 12.0, false));
        assert!(
            0.0 < narrow && narrow < wide && wide < 60.0,
            "{narrow} {wide}"
        );
        assert!(width("abc", 24.0, false) > 1.9 * width("abc", 12.0, false));
        assert!(width("abc", 12.0, true) > width("abc", 12.0, false));
        assert!(width("한국", 12.0, false) > 20.0);
        let text = "of the posts that get the label, the share that has it";
        let lines = wrap(text, 12.0, 120.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0, false) <= 120.0));
        assert_eq!(lines.join(" "), text);
        assert_eq!(elided("abc", 12.0, 100.0), "abc");
        let short = elided(text, 12.0, 80.0);
        assert!(
            short.ends_with('…') && width(&short, 12.0, false) <= 80.0,
            "{short}"
        );
    }
}
