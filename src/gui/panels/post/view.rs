//! What of the post is covered now, and how the reviewer gets to see it.

use egui::{Event, InputState, Response, Ui};

use crate::gui::{
    key_map::LOOK,
    settings::{Care, Uncover},
};

/// The panel's own state.
#[derive(Default)]
pub struct PostView {
    /// Whether the picture is shown in its own size in place of fitted.
    pub(super) full_size: bool,
    /// Whether the press that began on the covered text still lasts.
    pub(super) pressed_text: bool,
    /// Shown by a click: until which time of egui, without end where it is not covered again by itself.
    shown_until: Option<f64>,
}

impl PostView {
    /// Another post is on screen now.
    pub fn leave(&mut self) {
        self.pressed_text = false;
        self.shown_until = None;
        self.full_size = false;
    }

    /// Shows the picture in its own size, or fitted.
    pub fn toggle_zoom(&mut self) {
        self.full_size = !self.full_size;
    }

    /// Whether the reviewer asks to see all that is covered: Space is held, or it was clicked.
    pub(super) fn asks(&self, ui: &Ui, care: &Care) -> bool {
        match care.uncover {
            Uncover::Hold => space_held(ui),
            Uncover::Click => self
                .shown_until
                .is_some_and(|until| ui.ctx().time() < until),
        }
    }

    /// Whether the text is covered now. A press on it shows it alone, as long as it lasts.
    pub(super) fn covers_text(&mut self, ui: &Ui, care: &Care) -> bool {
        self.pressed_text &= care.uncover == Uncover::Hold && ui.input(|i| i.pointer.any_down());
        care.cover_text && !self.pressed_text && !self.asks(ui, care)
    }

    /// A click shows what is covered, another one covers it.
    pub(super) fn clicked(&mut self, ui: &Ui, response: &Response) {
        if response.clicked() {
            self.turn(ui);
        }
    }

    fn turn(&mut self, ui: &Ui) {
        let shown = self
            .shown_until
            .is_some_and(|until| ui.ctx().time() < until);
        // How long it stays is known one line below, in `count_down`.
        self.shown_until = (!shown).then_some(f64::INFINITY);
    }

    /// Covers again what a click has shown, when its time is up.
    pub(super) fn count_down(&mut self, ui: &Ui, care: &Care) {
        if care.uncover == Uncover::Hold {
            self.shown_until = None;
            return;
        }
        let free = ui.memory(|memory| memory.focused().is_none());
        if free && ui.input(space_pressed) {
            self.turn(ui);
        }
        let now = ui.ctx().time();
        if self.shown_until == Some(f64::INFINITY) && care.cover_after_secs > 0 {
            self.shown_until = Some(now + f64::from(care.cover_after_secs));
        }
        match self.shown_until {
            Some(until) if until <= now => self.shown_until = None,
            Some(until) if until.is_finite() => {
                ui.ctx().request_repaint_after_secs((until - now) as f32);
            }
            _ => {}
        }
    }
}

/// Whether Space is held, and no button has the keyboard.
fn space_held(ui: &Ui) -> bool {
    let free = ui.memory(|memory| memory.focused().is_none());
    free && ui.input(|i| i.key_down(LOOK) && i.modifiers.is_none())
}

/// Whether Space was pressed in this frame; a key that is held down repeats, and that is no press.
fn space_pressed(input: &InputState) -> bool {
    let is_press = |event: &Event| {
        matches!(event, Event::Key { key, pressed: true, repeat: false, modifiers, .. }
            if *key == LOOK && modifiers.is_none())
    };
    input.events.iter().any(is_press)
}

/// The key that shows something that is covered, in words.
pub(super) fn key_to_see(uncover: Uncover) -> &'static str {
    match uncover {
        Uncover::Hold => "hold Space to see",
        Uncover::Click => "press Space to see",
    }
}

/// What shows something that is covered, in words.
pub(super) fn way_to_see(uncover: Uncover) -> &'static str {
    match uncover {
        Uncover::Hold => "hold Space, or press here, to see",
        Uncover::Click => "press Space, or click here, to see",
    }
}
