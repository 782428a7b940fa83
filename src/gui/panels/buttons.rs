//! The buttons that decide about the post on screen.

use egui::{Button, Rect, RichText, Stroke, Ui, vec2};

use super::label_rows::Records;
use crate::gui::{
    bench::Bench,
    command::Command,
    dialogs::tour::{self, Place},
    theme::{self, Palette, space},
    widgets::{self, icon},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Primary,
    Plain,
    Pressed,
}

/// What stands on a button before its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Shown,
    IconAlone,
}

/// Draws them, in three rows, or in two where there is little height: the less frequent ones without their words.
pub fn show(
    ui: &mut Ui,
    bench: &Bench,
    (post, records): (usize, &Records),
    is_low: bool,
    out: &mut Vec<Command>,
) {
    // Without labels there is nothing to decide.
    if bench.session.dataset().labels.is_empty() {
        return;
    }
    let top = ui.cursor().min;
    let review = bench.session.review(post);
    let half = (ui.available_width() - space::S) / 2.0;
    ui.horizontal(|ui| {
        let (confirm, accept) = (half + 16.0, half - 16.0);
        let chosen = records.working.labels.is_some();
        let look = (Look::Primary, Words::Shown);
        one(ui, Command::Confirm, confirm, look, chosen, out);
        let answered = records.model.is_some();
        let look = (Look::Plain, Words::Shown);
        one(ui, Command::Accept, accept, look, answered, out);
    });
    let pressed = |is_set: bool| match is_set {
        true => Look::Pressed,
        false => Look::Plain,
    };
    let others = [
        (Command::Skip, Look::Plain),
        (Command::Escalate, Look::Plain),
        (Command::Flag, pressed(review.flagged)),
        (Command::EditNote, pressed(!review.note.is_empty())),
    ];
    let (in_a_row, words) = match is_low {
        true => (4, Words::IconAlone),
        false => (2, Words::Shown),
    };
    let gaps = space::S * (in_a_row - 1) as f32;
    let width = (ui.available_width() - gaps) / in_a_row as f32;
    for row in others.chunks(in_a_row) {
        ui.horizontal(|ui| {
            for (command, look) in row {
                one(ui, command.clone(), width, (*look, words), true, out);
            }
        });
    }
    if !review.note.is_empty() {
        let text = format!("Note: {}", review.note.replace('\n', " "));
        ui.add(egui::Label::new(theme::caption(ui, text)).truncate());
    }
    let buttons = Rect::from_min_max(top, ui.min_rect().max);
    tour::mark(ui, Place::Decision, buttons.expand(space::XS));
}

/// A button of a given width: icon, word, and its key at the right end.
fn one(
    ui: &mut Ui,
    command: Command,
    width: f32,
    (look, words): (Look, Words),
    enabled: bool,
    out: &mut Vec<Command>,
) {
    let palette = Palette::from_ui(ui);
    let (color, key_color) = match look {
        Look::Primary => (palette.on_accent, palette.on_accent),
        Look::Plain | Look::Pressed => (palette.text, palette.weak),
    };
    let label = match command {
        Command::Accept => "Accept".into(),
        Command::Confirm => "Confirm".into(),
        Command::EditNote => "Note".into(),
        ref command => command.label(),
    };
    let symbol = icon(command.icon()).color(color);
    let button = match words {
        Words::IconAlone => Button::new(symbol),
        Words::Shown => {
            let text = RichText::new(label.as_ref()).color(color);
            let text = match look {
                Look::Plain => text,
                Look::Primary | Look::Pressed => text.family(theme::strong_family()),
            };
            Button::new((symbol, text))
        }
    };
    let key = command.shortcut_text(ui.ctx()).unwrap_or_default();
    let key = RichText::new(key)
        .font(widgets::key_font())
        .color(key_color);
    let button = button.right_text(key).min_size(vec2(width, 30.0));
    let button = match look {
        Look::Primary => button.fill(palette.accent_fill).stroke(Stroke::NONE),
        Look::Pressed => button
            .fill(palette.selected)
            .stroke(Stroke::new(1.0, palette.accent)),
        Look::Plain => button,
    };
    let response = ui
        .add_enabled(enabled, button)
        .accessible_name(command.label());
    if widgets::with_tooltip(response, &command).clicked() {
        out.push(command);
    }
}
