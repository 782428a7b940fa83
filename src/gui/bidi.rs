//! Lines with right-to-left text, in the order in which they are read.
//!
//! egui shapes a word of Arabic or Hebrew rightly, and lays words from left to right whatever their script. Here a text is
//! broken into lines first, then each line is put into visual order (Unicode Standard Annex #9), and egui gets its pieces as
//! sections of their own, which it shapes one by one.

use std::{borrow::Cow, ops::Range};

use egui::{
    Align, FontSelection, TextFormat, Ui,
    text::{ByteIndex, LayoutJob, LayoutSection},
};
use unicode_bidi::{BidiClass, BidiInfo, ParagraphInfo, bidi_class};

/// A text that is laid out, and the side it begins at.
pub struct Laid {
    /// The lines in visual order. What it holds is not the text: it is for the eye only.
    pub job: LayoutJob,
    /// Where its lines begin.
    pub side: Align,
}

/// Whether a text has anything that is written from right to left.
pub fn is_needed(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
                | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        })
}

/// The paragraphs of a text in lines of at most `width` points.
pub fn paragraphs(ui: &Ui, text: &str, format: &TextFormat, width: f32) -> Vec<Laid> {
    let mut measure = |piece: &str| measured(ui, piece, format);
    let bidi = BidiInfo::new(text, None);
    let paragraphs = bidi.paragraphs.iter().map(|paragraph| {
        let lines = lines(text, paragraph.range.clone(), width, &mut measure);
        laid(&bidi, paragraph, &lines, format, "")
    });
    paragraphs.collect()
}

/// As much of the beginning of a text as one line of `width` points holds, with an ellipsis if that is not all.
pub fn first_line(ui: &Ui, text: &str, format: &TextFormat, width: f32) -> LayoutJob {
    let mut measure = |piece: &str| measured(ui, piece, format);
    let bidi = BidiInfo::new(text, None);
    let Some(paragraph) = bidi.paragraphs.first() else {
        return LayoutJob::default();
    };
    let mut lines = lines(
        text,
        paragraph.range.clone(),
        width - measure("…"),
        &mut measure,
    );
    let is_all = lines.len() <= 1 && bidi.paragraphs.len() == 1;
    lines.truncate(1);
    laid(
        &bidi,
        paragraph,
        &lines,
        format,
        if is_all { "" } else { "…" },
    )
    .job
}

/// The width of a piece of text, in points.
fn measured(ui: &Ui, piece: &str, format: &TextFormat) -> f32 {
    let job = LayoutJob::single_section(piece.to_owned(), format.clone());
    ui.fonts_mut(|fonts| fonts.layout_job(job)).size().x
}

/// The format of text of a size and colour, as a label would have it.
pub fn format(ui: &Ui, size: f32, color: egui::Color32) -> TextFormat {
    let font = egui::FontId {
        size,
        ..FontSelection::Default.resolve(ui.style())
    };
    TextFormat::simple(font, color)
}

/// Words in lines, in the order in which they are read; a word longer than a line has one of its own.
fn lines(
    text: &str,
    paragraph: Range<usize>,
    width: f32,
    measure: &mut dyn FnMut(&str) -> f32,
) -> Vec<Range<usize>> {
    let space = measure(" ");
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut used = 0.0;
    let start = paragraph.start;
    let words = text.get(paragraph).unwrap_or_default();
    for word in words.split_whitespace() {
        // Where the word stands: `split_whitespace` gives parts of the text itself.
        let at = start + (word.as_ptr() as usize - words.as_ptr() as usize);
        let wide = measure(word);
        match lines.last_mut() {
            Some(line) if used + space + wide <= width => {
                line.end = at + word.len();
                used += space + wide;
            }
            _ => {
                lines.push(at..at + word.len());
                used = wide;
            }
        }
    }
    lines
}

fn laid(
    bidi: &BidiInfo<'_>,
    paragraph: &ParagraphInfo,
    lines: &[Range<usize>],
    format: &TextFormat,
    end: &str,
) -> Laid {
    let is_rtl = paragraph.level.is_rtl();
    let mut job = LayoutJob::default();
    for (i, line) in lines.iter().enumerate() {
        let pieces = pieces(bidi, paragraph, line.clone());
        let pieces = pieces.iter().map(|piece| &**piece);
        let newline = (i > 0).then_some("\n");
        let (left, right) = if is_rtl { (end, "") } else { ("", end) };
        for piece in newline
            .into_iter()
            .chain([left])
            .chain(pieces)
            .chain([right])
        {
            push(&mut job, piece, format);
        }
    }
    Laid {
        job,
        side: if is_rtl { Align::RIGHT } else { Align::LEFT },
    }
}

/// Adds a section. (`LayoutJob::append` would join it with the one before, and they would be shaped as one.)
fn push(job: &mut LayoutJob, piece: &str, format: &TextFormat) {
    if piece.is_empty() {
        return;
    }
    let start = job.text.len();
    job.text.push_str(piece);
    job.sections.push(LayoutSection {
        leading_space: 0.0,
        byte_range: ByteIndex(start)..ByteIndex(job.text.len()),
        format: format.clone(),
    });
}

/// A line from left to right, in pieces of one direction. Letters stay in the order of reading, since they are turned
/// when they are shaped; everything else that stands among them is turned here. So are Arabic digits, which are written
/// from left to right, and turned by the shaper because their script is not.
fn pieces<'t>(
    bidi: &BidiInfo<'t>,
    paragraph: &ParagraphInfo,
    line: Range<usize>,
) -> Vec<Cow<'t, str>> {
    let (levels, runs) = bidi.visual_runs(paragraph, line);
    let mut pieces = Vec::new();
    for run in runs {
        let text = bidi.text.get(run.clone()).unwrap_or_default();
        if levels.get(run.start).is_none_or(|level| level.is_ltr()) {
            pieces.extend(
                split(text, is_arabic_digit).map(|(digits, piece)| match digits {
                    true => piece.chars().rev().collect::<String>().into(),
                    false => Cow::from(piece),
                }),
            );
            continue;
        }
        let mut turned: Vec<_> = split(text, is_letter)
            .map(|(letters, piece)| match letters {
                true => piece.into(),
                false => piece.chars().rev().map(mirrored).collect::<String>().into(),
            })
            .collect();
        turned.reverse();
        pieces.extend(turned);
    }
    pieces
}

/// The longest pieces of a text in which all characters are of a kind, or none.
fn split(text: &str, of_kind: fn(char) -> bool) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = of_kind(rest.chars().next()?);
        let len = rest.find(|c| of_kind(c) != kind).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(len);
        rest = behind;
        Some((kind, piece))
    })
}

/// Whether a character is a digit of Arabic script.
fn is_arabic_digit(c: char) -> bool {
    matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

/// Whether a character of a right-to-left run is shaped together with its neighbours: a letter, its marks, and the joiners.
fn is_letter(c: char) -> bool {
    use BidiClass::{AL, NSM, R};
    matches!(bidi_class(c), R | AL | NSM) || matches!(c, '\u{200c}' | '\u{200d}')
}

/// What a bracket looks like from the other side.
fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        '‹' => '›',
        '›' => '‹',
        _ => c,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pieces of a text of one line, `|` between them.
    fn visual(text: &str) -> String {
        let bidi = BidiInfo::new(text, None);
        let paragraph = &bidi.paragraphs[0];
        pieces(&bidi, paragraph, paragraph.range.clone()).join("|")
    }

    #[test]
    fn words_from_right_to_left_stand_in_that_order() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("אב גד", "גד| |אב"),
            ("abc אב גד def", "abc |גד| |אב| def"),
            ("אב, גד (ה).", ".(|ה|) |גד| ,|אב"),
            ("אב 123 גד", "גד| |123| |אב"),
            ("مرحبا (١٢٣)", "(|٣٢١|) |مرحبا"),
            ("אב abc def גד", "גד| |abc def| |אב"),
            ("نَصّ «ب»", "«|ب|» |نَصّ"),
            ("می\u{200c}خواهم آب", "آب| |می\u{200c}خواهم"),
        ] {
            assert_eq!(visual(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_broken_in_the_order_of_reading() {
        let text = "אב גד  הו זח\nx";
        let mut measure = |piece: &str| piece.chars().count() as f32;
        let found = lines(text, 0..21, 5.0, &mut measure);
        let words: Vec<_> = found.iter().map(|line| &text[line.clone()]).collect();
        assert_eq!(words, ["אב גד", "הו זח"]);
        assert_eq!(lines("longer", 0..6, 2.0, &mut measure).len(), 1);
        assert!(lines(" \n", 0..2, 2.0, &mut measure).is_empty());
    }

    #[test]
    fn only_texts_with_such_letters_need_it() {
        for (text, expected) in [
            ("", false),
            ("plain", false),
            ("한국어 ελληνικά ไทย हिन्दी 🙂", false),
            ("x א", true),
            ("مرحبا", true),
        ] {
            assert_eq!(is_needed(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_character_is_lost(text in "[a-c0-9 (),אבגد\u{5b7}١\u{200f}\n\r\t]{0,40}") {
            let bidi = BidiInfo::new(&text, None);
            let mut measure = |piece: &str| piece.chars().count() as f32;
            for paragraph in &bidi.paragraphs {
                let sorted = |text: &str| {
                    let mut all: Vec<char> = text.chars().map(|c| mirrored(c).min(c)).collect();
                    all.sort_unstable();
                    all
                };
                for line in lines(&text, paragraph.range.clone(), 9.0, &mut measure) {
                    let shown = pieces(&bidi, paragraph, line.clone()).concat();
                    prop_assert_eq!(sorted(&shown), sorted(&text[line]));
                }
            }
        }
    }
}
