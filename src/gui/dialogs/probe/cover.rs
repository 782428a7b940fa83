//! The part of the picture that is covered: drawn with the pointer, or placed and sized with keys.

use egui::{
    Color32, EventFilter, InputState, Key, Modifiers, Pos2, Rect, Response, Stroke, StrokeKind, Ui,
    pos2, vec2,
};

use crate::{gui::theme::Palette, predict::probe::Region};

/// How far a key moves an edge, as a share of the picture.
const STEP: f32 = 0.05;

/// The smallest width and height, as shares of the picture.
const LEAST: f32 = 0.05;

/// Of a drawn part so many points must be seen.
const LEAST_DRAWN: f32 = 3.0;

/// Where keys begin: the middle.
const MIDDLE: Region = Region {
    left: 0.35,
    top: 0.35,
    right: 0.65,
    bottom: 0.65,
};

/// The covered part, if there is one.
#[derive(Default)]
pub(super) struct Cover {
    pub(super) region: Option<Region>,
    dragged_from: Option<Pos2>,
}

impl Cover {
    /// Takes what pointer and keys do to the picture.
    pub(super) fn steer(&mut self, ui: &Ui, picture: &Response) {
        if picture.drag_started() {
            self.dragged_from = picture.interact_pointer_pos();
        }
        if let (Some(from), Some(to)) = (self.dragged_from, picture.interact_pointer_pos()) {
            self.region = drawn(picture.rect, from, to);
        }
        if picture.drag_stopped() {
            self.dragged_from = None;
        }
        if picture.has_focus() {
            // The arrows belong to the picture, in place of leading to the next button.
            let filter = EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                ..EventFilter::default()
            };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(picture.id, filter));
            self.region = ui.input_mut(|input| by_keys(input, self.region));
        }
    }

    /// Paints it over the picture.
    pub(super) fn paint(&self, ui: &Ui, picture: Rect) {
        let Some(region) = self.region else { return };
        let at = |x: f32, y: f32| picture.min + vec2(x * picture.width(), y * picture.height());
        let covered =
            Rect::from_min_max(at(region.left, region.top), at(region.right, region.bottom));
        ui.painter().rect(
            covered,
            0.0,
            Color32::from_gray(128),
            Stroke::new(1.5, Palette::from_ui(ui).accent),
            StrokeKind::Outside,
        );
    }

    /// What can be done next.
    pub(super) fn hint(&self, has_focus: bool) -> &'static str {
        match (self.region.is_some(), has_focus) {
            (false, false) => "Drag over the picture to cover a part of it.",
            (false, true) => "Press Enter to cover the middle.",
            (true, false) => "The grey part is covered. Drag again for another one.",
            (true, true) => "Arrows move the grey part, + and − size it, Delete takes it away.",
        }
    }
}

fn by_keys(input: &mut InputState, region: Option<Region>) -> Option<Region> {
    let mut times = |key| input.count_and_consume_key(Modifiers::NONE, key) as f32;
    let starts = times(Key::Enter) + times(Key::Space) > 0.0;
    let ends = times(Key::Delete) + times(Key::Backspace) > 0.0;
    let right = STEP * (times(Key::ArrowRight) - times(Key::ArrowLeft));
    let down = STEP * (times(Key::ArrowDown) - times(Key::ArrowUp));
    let larger = STEP * (times(Key::Plus) + times(Key::Equals) - times(Key::Minus));
    match region {
        _ if ends => None,
        None => starts.then_some(MIDDLE),
        Some(region) => {
            let (left, right) = moved((region.left, region.right), right, larger);
            let (top, bottom) = moved((region.top, region.bottom), down, larger);
            Some(Region {
                left,
                top,
                right,
                bottom,
            })
        }
    }
}

/// Two edges moved along, and one width wider, within the picture.
fn moved((from, to): (f32, f32), along: f32, wider: f32) -> (f32, f32) {
    let width = (to - from + wider).clamp(LEAST, 1.0);
    let from = ((from + to - width) / 2.0 + along).clamp(0.0, 1.0 - width);
    (from, from + width)
}

/// The part of a rectangle between two points; none if it is hardly there.
fn drawn(rect: Rect, from: Pos2, to: Pos2) -> Option<Region> {
    let drawn = Rect::from_two_pos(from, to).intersect(rect);
    if !drawn.is_positive() || drawn.width().min(drawn.height()) < LEAST_DRAWN {
        return None;
    }
    let share = |at: Pos2| {
        pos2(
            (at.x - rect.left()) / rect.width(),
            (at.y - rect.top()) / rect.height(),
        )
    };
    let (min, max) = (share(drawn.min), share(drawn.max));
    Some(Region {
        left: min.x,
        top: min.y,
        right: max.x,
        bottom: max.y,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_lead_out_of_the_picture() {
        for (edges, along, wider, expected) in [
            ((0.35, 0.65), 0.05, 0.0, (0.40, 0.70)),
            ((0.80, 1.00), 0.05, 0.0, (0.80, 1.00)),
            ((0.00, 0.20), -0.05, 0.0, (0.00, 0.20)),
            ((0.40, 0.60), 0.0, 0.10, (0.35, 0.65)),
            ((0.00, 1.00), 0.0, 0.05, (0.00, 1.00)),
            ((0.50, 0.55), 0.0, -0.05, (0.50, 0.55)),
        ] {
            let (from, to) = moved(edges, along, wider);
            let is_near = (from - expected.0).abs() < 1e-5 && (to - expected.1).abs() < 1e-5;
            assert!(is_near, "{edges:?}: {from}, {to}");
        }
    }
}
