//! Short messages about what just happened, with a way back where there is one. They are real widgets: screen readers
//! hear them, long ones wrap, and an idle window does not repaint for them.

use egui::{Align2, Area, Frame, Margin, Order, RichText, Stroke, vec2};
use egui_material_icons::icons;

use super::{
    command::Command,
    theme::{ICON, Palette, space},
    widgets::{self, icon},
};

/// Seconds a message stays.
const STAY_SECS: f64 = 4.0;

/// Seconds an error stays; it can be put away at once.
const ERROR_SECS: f64 = 12.0;

/// Seconds the proposal of a break stays: it comes while somebody is deep in their work.
const BREAK_SECS: f64 = 30.0;

/// How many stay on screen.
const AT_MOST: usize = 3;

/// What kind of message it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Something was done.
    Done,
    /// Something to know.
    Info,
    /// Something did not work.
    Error,
    /// It is time for a break.
    Break,
}

impl Kind {
    fn stay_secs(self) -> f64 {
        match self {
            Self::Done | Self::Info => STAY_SECS,
            Self::Error => ERROR_SECS,
            Self::Break => BREAK_SECS,
        }
    }
}

struct Toast {
    kind: Kind,
    text: String,
    action: Option<Command>,
    /// The last entry of the history when something was done that can be taken back here, or done again.
    undoes: Option<u64>,
    /// Egui time at which it goes; set when first shown.
    until: Option<f64>,
}

/// The messages on screen.
#[derive(Default)]
pub struct Toasts {
    toasts: Vec<Toast>,
}

impl Toasts {
    /// Shows a message. The same message again only stays longer.
    pub fn show(&mut self, kind: Kind, text: impl Into<String>, action: Option<Command>) {
        let text = text.into();
        self.toasts.retain(|toast| toast.text != text);
        self.toasts.push(Toast {
            kind,
            text,
            action,
            undoes: None,
            until: None,
        });
        let surplus = self.toasts.len().saturating_sub(AT_MOST);
        self.toasts.drain(..surplus);
    }

    /// Says that something was done, with the way `back`. `last_seq` is the last entry of the history then.
    pub fn show_done(&mut self, text: impl Into<String>, back: Command, last_seq: u64) {
        self.show(Kind::Done, text, Some(back));
        if let Some(toast) = self.toasts.last_mut() {
            toast.undoes = Some(last_seq);
        }
    }

    /// Puts away what would take something else back by now, `last_seq` being the last entry of the history.
    pub fn forget_undo(&mut self, last_seq: u64) {
        self.toasts
            .retain(|toast| toast.undoes.is_none_or(|of| of == last_seq));
    }

    /// Paints them above the bottom edge and sends what was clicked.
    pub fn ui(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) {
        let now = ctx.time();
        for toast in &mut self.toasts {
            toast.until.get_or_insert(now + toast.kind.stay_secs());
        }
        self.toasts
            .retain(|toast| toast.until.is_none_or(|until| until > now));
        let Some(next) = self.toasts.iter().filter_map(|t| t.until).reduce(f64::min) else {
            return;
        };
        ctx.request_repaint_after_secs((next - now) as f32 + 0.02);
        let mut dismissed = None;
        Area::new(egui::Id::unique("toasts"))
            .anchor(Align2::CENTER_BOTTOM, vec2(0.0, -44.0))
            .order(Order::Foreground)
            .show(ctx, |ui| {
                for (index, toast) in self.toasts.iter().enumerate() {
                    if toast_ui(ui, toast, out) {
                        dismissed = Some(index);
                    }
                }
            });
        if let Some(index) = dismissed {
            self.toasts.remove(index);
        }
    }
}

/// Returns whether it was put away.
fn toast_ui(ui: &mut egui::Ui, toast: &Toast, out: &mut Vec<Command>) -> bool {
    let palette = Palette::from_ui(ui);
    let (symbol, color) = match toast.kind {
        Kind::Done => (icons::ICON_CHECK_CIRCLE, palette.good),
        Kind::Info | Kind::Break => (icons::ICON_INFO, palette.accent),
        Kind::Error => (icons::ICON_ERROR, palette.bad),
    };
    let mut dismissed = false;
    Frame::popup(ui.style())
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.outline))
        .inner_margin(Margin::symmetric(12, 6))
        .show(ui, |ui| {
            ui.set_max_width(560.0);
            ui.horizontal(|ui| {
                widgets::symbol(ui, symbol, color, ICON);
                let text = RichText::new(&toast.text);
                // A wrapped label in a row takes all width; short messages keep their own.
                if toast.text.chars().count() > 70 {
                    ui.allocate_ui(vec2(440.0, 0.0), |ui| ui.add(egui::Label::new(text).wrap()));
                } else {
                    ui.label(text);
                }
                if let Some(command) = &toast.action {
                    ui.add_space(space::XS);
                    let label = RichText::new(command.label()).color(palette.accent);
                    if ui
                        .add(egui::Button::new(label).frame_when_inactive(false))
                        .clicked()
                    {
                        out.push(command.clone());
                        dismissed = true;
                    }
                }
                let close = egui::Button::new(icon(icons::ICON_CLOSE).color(palette.weak))
                    .frame_when_inactive(false);
                if ui.add(close).accessible_name("Dismiss message").clicked() {
                    dismissed = true;
                }
            });
        });
    dismissed
}
