//! Which part of a plot is looked at, and how pointer and keys change it.
//!
//! A wheel alone scrolls the page until a plot was clicked: nobody who reads on is held up by a plot under the pointer.

use egui::{Align2, EventFilter, FontId, Id, Key, Modifiers, Rect, Response, Ui, Vec2, pos2, vec2};

use crate::{
    export::figure::{Plot, part::Part},
    gui::theme::{self, Palette},
};

/// How much closer a key brings.
const STEP: f64 = 1.25;

/// What share of the plot an arrow key goes.
const MOVE: f64 = 0.1;

/// How much closer a point of scrolling brings, as an exponent.
const PER_POINT: f64 = 0.005;

/// The part of a figure that is looked at.
pub fn part(ui: &Ui, name: &str) -> Part {
    let part = ui.data(|data| data.get_temp(id(name)));
    part.unwrap_or(Part::WHOLE)
}

/// Looks at another part of a figure.
pub fn set(ui: &Ui, name: &str, part: Part) {
    ui.data_mut(|data| data.insert_temp(id(name), part));
}

fn id(name: &str) -> Id {
    Id::unique(("part of figure", name))
}

/// The part that pointer and keys ask for, of the plot whose axes enclose `frame`.
pub fn steer(ui: &Ui, response: &Response, frame: Rect, plot: &Plot, part: Part) -> Part {
    if response.double_clicked() {
        return Part::WHOLE;
    }
    if response.clicked() {
        response.request_focus();
    }
    let mut part = part;
    if response.has_focus() {
        part = by_keys(ui, response, plot, part);
    }
    let size = frame.size().max(Vec2::splat(1.0));
    if response.dragged() && !part.is_whole() {
        let moved = response.drag_delta() / size;
        part.x = part.x.moved(-f64::from(moved.x));
        part.y = part.y.moved(f64::from(moved.y));
    }
    let over = response.hover_pos().filter(|at| frame.contains(*at));
    if let Some(at) = over {
        let factor = wheel(ui, response.has_focus());
        if factor != 1.0 {
            let at = (at - frame.left_bottom()) / size;
            part.x = part.x.zoomed(&plot.x, at.x.into(), factor);
            part.y = part.y.zoomed(&plot.y, f64::from(-at.y), factor);
        }
    }
    part
}

/// How much closer the wheel, or two fingers, ask for; what was taken does not scroll the page as well.
fn wheel(ui: &Ui, is_chosen: bool) -> f64 {
    ui.input_mut(|input| {
        let pinched = f64::from(input.zoom_delta());
        if pinched != 1.0 || !is_chosen {
            return pinched;
        }
        let scrolled = std::mem::take(&mut input.smooth_scroll_delta.y);
        (f64::from(scrolled) * PER_POINT).exp()
    })
}

fn by_keys(ui: &Ui, response: &Response, plot: &Plot, mut part: Part) -> Part {
    // The arrows belong to the plot, in place of leading to the next button.
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input_mut(|input| {
        let mut times = |key| input.count_and_consume_key(Modifiers::NONE, key) as f64;
        let closer = times(Key::Plus) + times(Key::Equals) - times(Key::Minus);
        let aside = times(Key::ArrowRight) - times(Key::ArrowLeft);
        let upwards = times(Key::ArrowUp) - times(Key::ArrowDown);
        if times(Key::Num0) + times(Key::Home) > 0.0 {
            return Part::WHOLE;
        }
        if closer != 0.0 {
            part.x = part.x.zoomed(&plot.x, 0.5, STEP.powf(closer));
            part.y = part.y.zoomed(&plot.y, 0.5, STEP.powf(closer));
        }
        part.x = part.x.moved(MOVE * aside);
        part.y = part.y.moved(MOVE * upwards);
        part
    })
}

/// Says in a corner of the plot what can be done with it, while somebody is at it.
pub fn hint(ui: &Ui, response: &Response, frame: Rect, part: Part) {
    let focused = response.has_focus();
    if !focused && !response.hovered() {
        return;
    }
    let text = match (part.is_whole(), focused) {
        (true, false) => "Ctrl + wheel zooms; click for wheel and keys",
        (true, true) => "Wheel or + zooms",
        (false, _) => "Drag or arrows move · double click or 0 shows all",
    };
    let palette = Palette::from_ui(ui);
    let font = FontId::proportional(theme::SMALL);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, palette.weak);
    let corner = pos2(frame.right() - 6.0, frame.top() + 4.0);
    let rect = Align2::RIGHT_TOP.anchor_size(corner, galley.size());
    if rect.left() < frame.left() {
        return;
    }
    let ground = rect.expand2(vec2(4.0, 1.0));
    ui.painter().rect_filled(ground, 3.0, palette.surface);
    ui.painter().galley(rect.min, galley, palette.weak);
}
