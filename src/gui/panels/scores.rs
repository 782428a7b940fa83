//! The probability of a label: a bar, the interval that holds it, and a figure.

use std::ops::RangeInclusive;

use egui::{Align2, CornerRadius, FontId, Rect, Stroke, Ui, pos2};

use crate::{
    gui::theme::{Palette, SMALL},
    predict::prediction::Score,
};

/// Thickness of the bar, in points.
const BAR: f32 = 4.0;

/// From this width on an interval is shown and told; a narrower one is a point to the eye.
const WIDE: f64 = 0.01;

/// Paints the bar, the interval as a thin range over it.
pub fn bar(ui: &Ui, x: RangeInclusive<f32>, y: f32, score: Score) {
    let palette = Palette::from_ui(ui);
    let (left, width) = (*x.start(), x.end() - x.start());
    let at = |share: f64| left + width * share.clamp(0.0, 1.0) as f32;
    let from_to =
        |a: f32, b: f32| Rect::from_min_max(pos2(a, y - BAR / 2.0), pos2(b.max(a), y + BAR / 2.0));
    let painter = ui.painter();
    let radius = CornerRadius::same(2);
    painter.rect_filled(from_to(left, left + width), radius, palette.line);
    painter.rect_filled(from_to(left, at(score.p)), radius, palette.accent);
    if score.hi - score.lo >= WIDE {
        let stroke = Stroke::new(1.0, palette.text);
        painter.hline(at(score.lo)..=at(score.hi), y, stroke);
        for end in [at(score.lo), at(score.hi)] {
            painter.vline(end, y - BAR..=y + BAR, stroke);
        }
    }
}

/// Paints the figure to the left of a point; returns its width, in points.
pub fn number(ui: &Ui, right_center: egui::Pos2, score: Score) -> f32 {
    let painter = ui.painter();
    let font = FontId::proportional(SMALL);
    let color = Palette::from_ui(ui).weak;
    let text = percent(score.p);
    painter
        .text(right_center, Align2::RIGHT_CENTER, text, font, color)
        .width()
}

/// What the bar says, in words.
pub fn words(score: Score) -> String {
    if score.hi - score.lo < WIDE {
        return format!("Probability: {}", percent(score.p));
    }
    format!(
        "Probability: {}, surely between {} and {}. The rest of the model’s answers was not looked at.",
        percent(score.p),
        percent(score.lo),
        percent(score.hi)
    )
}

/// A share in whole percent; what is not quite nothing or everything stays so.
pub fn percent(share: f64) -> String {
    match share {
        s if s > 0.0 && s < 0.005 => "<1 %".to_owned(),
        s if (0.995..1.0).contains(&s) => ">99 %".to_owned(),
        s => format!("{:.0} %", 100.0 * s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_read_as_people_write_them() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.001, "<1 %"),
            (0.006, "1 %"),
            (0.824, "82 %"),
            (0.999, ">99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text);
        }
        let score = |lo, hi| Score { p: 0.5, lo, hi };
        assert_eq!(words(score(0.5, 0.502)), "Probability: 50 %");
        assert!(
            words(score(0.4, 0.6)).starts_with("Probability: 50 %, surely between 40 % and 60 %")
        );
    }
}
