//! Where the keyboard is: a ring around it, scrolling that keeps it in sight, and its way back when what stood in front of
//! it is gone. One place for all widgets, so that none is forgotten.

use egui::{Context, CornerRadius, Id, Popup, Stroke, StrokeKind, Ui, style::ScrollAnimation};

use super::theme::{Palette, RADIUS, space};

/// How far the ring stands from what has the keyboard, in points.
const GAP: f32 = 2.0;

/// Gives the keyboard back to what had it before a dialog or a menu opened.
#[derive(Default)]
pub struct FocusKeeper {
    /// What had the keyboard when a dialog or a menu opened, or a menu within a dialog: one entry for each that is open.
    behind: Vec<Option<Id>>,
    /// What gets it back as soon as it can be used again.
    next: Option<Id>,
    /// What had it at the end of the last frame.
    last: Option<Id>,
    /// What had it last in front of everything.
    in_front: Option<Id>,
}

impl FocusKeeper {
    /// At the beginning of a frame: sees what was opened and closed.
    pub fn begin_frame(&mut self, ctx: &Context, dialog_is_open: bool) {
        let focused = ctx.memory(|memory| memory.focused());
        let depth = usize::from(dialog_is_open) + usize::from(Popup::is_any_open(ctx));
        self.see_opened(depth);
        if self.behind.len() > depth {
            self.next = self.behind.drain(depth..).next().flatten();
        }
        let Some(id) = self.next else { return };
        // For one more frame egui keeps what is behind a dialog out of reach.
        if !dialog_is_open && ctx.memory(|memory| memory.top_modal_layer().is_some()) {
            ctx.request_repaint();
            return;
        }
        self.next = None;
        // Unless something else asked for it meanwhile.
        if focused.is_none() || focused == self.in_front {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }

    /// Remembers what had the keyboard before something was opened, so that so many things are open.
    fn see_opened(&mut self, depth: usize) {
        while self.behind.len() < depth {
            self.behind.push(self.last);
        }
    }

    /// At the end of a frame: draws the ring.
    pub fn end_frame(&mut self, ctx: &Context, dialog_is_open: bool) {
        // A dialog that a key has opened may have taken the keyboard already. (A click takes it from whatever had it.)
        self.see_opened(usize::from(dialog_is_open));
        let focused = ctx.memory(|memory| memory.focused());
        ctx.data_mut(|data| match focused.filter(|id| Some(*id) != self.last) {
            Some(id) => {
                data.insert_temp(came_to(), id);
            }
            None => data.remove::<Id>(came_to()),
        });
        self.last = focused;
        if !self.behind.is_empty() {
            self.in_front = focused;
        }
        if let Some(id) = focused {
            ring(ctx, id);
        }
    }
}

fn came_to() -> Id {
    Id::unique("keyboard came to")
}

/// Scrolls to what the keyboard has just come to, if it is out of sight. To be called behind all that a scroll area holds.
pub fn follow(ui: &Ui) {
    let Some(id) = ui.data(|data| data.get_temp::<Id>(came_to())) else {
        return;
    };
    let Some(response) = ui.ctx().read_response(id) else {
        return;
    };
    let is_here =
        response.layer_id == ui.layer_id() && ui.min_rect().contains(response.rect.center());
    // What stands beside the scroll area is never cut off.
    let is_cut_off = !response.interact_rect.contains_rect(response.rect);
    if is_here && is_cut_off {
        let rect = response.rect.expand(space::S);
        ui.scroll_to_rect_animation(rect, None, ScrollAnimation::none());
    }
}

fn ring(ctx: &Context, id: Id) {
    // Fields show a frame and a caret of their own.
    if ctx.text_edit_focused() {
        return;
    }
    let Some(response) = ctx.read_response(id) else {
        return;
    };
    let palette = Palette::of(ctx.theme());
    let painter = ctx.layer_painter(response.layer_id);
    painter
        .with_clip_rect(response.interact_rect.expand(2.0 * GAP))
        .rect_stroke(
            response.rect.expand(GAP),
            CornerRadius::same(RADIUS + GAP as u8),
            Stroke::new(2.0, palette.accent),
            StrokeKind::Inside,
        );
}
