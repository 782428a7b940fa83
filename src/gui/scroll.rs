//! Scrolling with the keyboard what is only read: egui scrolls by wheel, and Tab comes to nothing in a text.

use egui::{Event, Key, Popup, Ui, Vec2, style::ScrollAnimation, vec2};

/// How far an arrow goes, in points: two lines of text.
const STEP: f32 = 50.0;

/// What stays in sight when a page is turned, in points, so that eyes find the line that they left.
const OVERLAP: f32 = 40.0;

/// Takes the keys that scroll what is read: PageUp and PageDown; Home and End unless somebody types; the arrows up and down
/// while nothing has the keyboard. To be called behind all that a scroll area holds.
pub fn by_keys(ui: &Ui) {
    read_ui(ui, Vec2::DOWN);
}

/// The same of an area that scrolls to all sides: Home and End go from corner to corner.
pub fn by_keys_to_all_sides(ui: &Ui) {
    read_ui(ui, Vec2::splat(1.0));
}

fn read_ui(ui: &Ui, sides: Vec2) {
    let has_focus = ui.memory(|memory| memory.focused().is_some());
    let types = ui.ctx().text_edit_focused();
    take(ui, sides, |key| match key {
        Key::PageUp | Key::PageDown => true,
        Key::Home | Key::End => !types,
        _ => !has_focus,
    });
}

/// The same of an area beside what is read: PageUp and PageDown, while something in it has the keyboard.
pub fn by_keys_within(ui: &Ui) {
    let focused = ui.memory(|memory| memory.focused());
    let focused = focused.and_then(|id| ui.ctx().read_response(id));
    let is_within = focused.is_some_and(|focused| {
        focused.layer_id == ui.layer_id() && ui.min_rect().contains(focused.rect.center())
    });
    if is_within {
        take(ui, Vec2::DOWN, |key| {
            matches!(key, Key::PageUp | Key::PageDown)
        });
    }
}

/// Scrolls to some `sides` by the keys that are allowed. One that would move nothing is left to the area around this one.
fn take(ui: &Ui, sides: Vec2, is_allowed: impl Fn(Key) -> bool) {
    let is_in_front = ui.memory(|memory| memory.allows_interaction(ui.layer_id()));
    if !ui.is_enabled() || !is_in_front || Popup::is_any_open(ui.ctx()) {
        return;
    }
    let (content, shown) = (ui.min_rect(), ui.clip_rect());
    let before = sides * (shown.min - content.min).max(Vec2::ZERO);
    let behind = sides * (content.max - shown.max).max(Vec2::ZERO);
    let mut moved = Vec2::ZERO;
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key {
                key,
                pressed: true,
                modifiers,
                ..
            } = event
            else {
                return true;
            };
            if modifiers.any() || !is_allowed(*key) {
                return true;
            }
            let next = moved + way(*key, content.size(), shown.size());
            let next = next.clamp(-before, behind);
            let moves = next != moved;
            moved = next;
            !moves
        });
    });
    if moved != Vec2::ZERO {
        ui.scroll_with_delta_animation(-moved, ScrollAnimation::none());
    }
}

/// How far a key goes.
fn way(key: Key, content: Vec2, page: Vec2) -> Vec2 {
    let page = (page.y - OVERLAP).max(STEP);
    match key {
        Key::ArrowUp => vec2(0.0, -STEP),
        Key::ArrowDown => vec2(0.0, STEP),
        Key::PageUp => vec2(0.0, -page),
        Key::PageDown => vec2(0.0, page),
        Key::Home => -content,
        Key::End => content,
        _ => Vec2::ZERO,
    }
}
