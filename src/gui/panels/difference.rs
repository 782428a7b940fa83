//! How two sets of labels differ, in words.

use egui::{RichText, Ui};
use egui_material_icons::{MaterialIcon, icons};

use crate::{
    gui::{theme::Palette, widgets},
    post::{LabelNames, LabelSet},
};

/// Says in words how one set of labels differs from another.
pub fn compared(ui: &mut Ui, labels: &LabelNames, who: &str, a: LabelSet, b: LabelSet, whom: &str) {
    let palette = Palette::from_ui(ui);
    let text = difference(labels, who, a, b, whom);
    if a == b {
        small_notice(ui, icons::ICON_CHECK, palette.good, &text);
    } else {
        small_notice(ui, icons::ICON_COMPARE_ARROWS, palette.warn, &text);
    }
}

/// How one set of labels differs from another, in words.
fn difference(labels: &LabelNames, who: &str, a: LabelSet, b: LabelSet, whom: &str) -> String {
    let (agrees, adds, misses) = match who {
        "You" => ("agree with", "add", "drop"),
        _ => ("agrees with", "adds", "misses"),
    };
    if a == b {
        return format!("{who} {agrees} {whom}");
    }
    let only = |x: LabelSet, y: LabelSet| {
        labels
            .names_of(LabelSet::from_bits(x.bits() & !y.bits()))
            .join(", ")
    };
    let (added, missed) = (only(a, b), only(b, a));
    let mut parts = Vec::new();
    if !added.is_empty() {
        parts.push(format!("{adds} {added}"));
    }
    if !missed.is_empty() {
        parts.push(format!("{misses} {missed}"));
    }
    format!(
        "Against {whom}, {} {}",
        lower_first(who),
        parts.join(" and ")
    )
}

fn lower_first(who: &str) -> String {
    let mut letters = who.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// An icon and a small sentence in one colour.
pub fn small_notice(ui: &mut Ui, symbol: MaterialIcon, color: egui::Color32, text: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = 16.0;
        widgets::symbol(ui, symbol, color, 14.0);
        let text = RichText::new(text).size(12.0).color(color);
        ui.add(egui::Label::new(text).wrap());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_words() {
        let labels = LabelNames::new(["a", "b", "c"]).unwrap();
        let set = |indices: &[usize]| indices.iter().copied().collect::<LabelSet>();
        for (a, b, model, you) in [
            (
                set(&[0]),
                set(&[0]),
                "The model agrees with it",
                "You agree with it",
            ),
            (
                set(&[]),
                set(&[]),
                "The model agrees with it",
                "You agree with it",
            ),
            (
                set(&[0, 1]),
                set(&[0]),
                "Against it, the model adds b",
                "Against it, you add b",
            ),
            (
                set(&[1]),
                set(&[0, 2]),
                "Against it, the model adds b and misses a, c",
                "Against it, you add b and drop a, c",
            ),
        ] {
            assert_eq!(difference(&labels, "The model", a, b, "it"), model);
            assert_eq!(difference(&labels, "You", a, b, "it"), you);
        }
    }
}
