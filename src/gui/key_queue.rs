//! Keys that come faster than frames. A key or a click may change who listens to the next key: it opens a dialog, closes one, or
//! leads to another field. Such a key gets a frame of its own and what follows waits for the next frame, so that letters which
//! were typed into the search field never decide about posts, however slow a frame was.

use std::collections::VecDeque;

use egui::{Context, Event, Key, Plugin, Popup, RawInput};

use super::key_map::KeyMap;

/// Hands each frame as much of the input as means the same whenever it comes in that frame.
#[derive(Default)]
pub struct KeyQueue {
    waiting: VecDeque<Event>,
}

impl Plugin for KeyQueue {
    fn debug_name(&self) -> &'static str {
        "key queue"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        self.waiting.extend(input.events.drain(..));
        let n = of_one_frame(&self.waiting, |event| changes_listener(ctx, event));
        input.events.extend(self.waiting.drain(..n));
        if !self.waiting.is_empty() {
            ctx.request_repaint();
        }
    }
}

/// How many events may come in one frame: all before a key that changes who listens, or such a key alone.
fn of_one_frame(events: &VecDeque<Event>, changes_listener: impl Fn(&Event) -> bool) -> usize {
    let Some(at) = events.iter().position(changes_listener) else {
        return events.len();
    };
    if events.iter().take(at).any(is_typed) {
        return at;
    }
    // The letter of a key comes right behind it, and is nobody's input.
    match events.get(at + 1) {
        Some(Event::Text(_)) => at + 2,
        _ => at + 1,
    }
}

fn is_typed(event: &Event) -> bool {
    matches!(event, Event::Key { pressed: true, .. } | Event::Text(_))
}

/// Whether the keys behind this one may be meant for something else than it is.
fn changes_listener(ctx: &Context, event: &Event) -> bool {
    let (key, modifiers) = match event {
        // A click is one when the button, or the finger, is let go.
        Event::PointerButton { pressed, .. } => return !pressed,
        Event::Key {
            key,
            pressed: true,
            modifiers,
            ..
        } => (key, modifiers),
        _ => return false,
    };
    match key {
        Key::Tab | Key::Escape => true,
        Key::Enter | Key::Space => {
            let (is_focused, is_modal) = ctx.memory(|memory| {
                let is_modal = memory.top_modal_layer().is_some();
                (memory.focused().is_some(), is_modal)
            });
            is_focused || is_modal || Popup::is_any_open(ctx)
        }
        _ if ctx.text_edit_focused() => false,
        _ => {
            let command = KeyMap::of(ctx).command(*key, *modifiers, |_| true);
            command.is_some_and(|command| command.takes_the_keyboard())
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::Modifiers;

    use super::*;

    fn key(key: Key) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        }
    }

    /// How many events each frame gets, one digit a frame.
    fn frames(events: Vec<Event>) -> String {
        let mut waiting = VecDeque::from(events);
        let mut frames = String::new();
        while !waiting.is_empty() {
            let is_other = |event: &Event| matches!(event, Event::Key { key, .. } if [Key::N, Key::Escape].contains(key));
            let n = of_one_frame(&waiting, is_other);
            waiting.drain(..n);
            frames += &n.to_string();
        }
        frames
    }

    #[test]
    fn a_key_that_opens_or_closes_something_has_its_frame_alone() {
        let text = |text: &str| Event::Text(text.to_owned());
        let gone = Event::PointerGone;
        for (events, expected) in [
            (vec![], ""),
            (vec![key(Key::A), key(Key::S)], "2"),
            (vec![key(Key::N), text("n"), key(Key::A), text("a")], "22"),
            (vec![key(Key::A), key(Key::N), text("n"), text("x")], "121"),
            (vec![key(Key::Escape), key(Key::Escape)], "11"),
            (vec![gone.clone(), key(Key::Escape), gone], "21"),
        ] {
            assert_eq!(frames(events.clone()), expected, "{events:?}");
        }
    }
}
