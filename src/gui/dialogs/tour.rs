//! A short tour of the window: each step lights up the real part that it is about and says what it is for, with its keys.
//!
//! Panels say where they stand with [`mark`]; a step whose part is not on screen stands in the middle.

use egui::{
    Area, Color32, Context, CornerRadius, Frame, Id, Key, LayerId, Margin, Modal, Modifiers, Order,
    Pos2, Rect, RichText, Role, Stroke, StrokeKind, Ui, UiKind, Vec2, WidgetInfo, accesskit::Live,
    pos2, vec2,
};
use egui_material_icons::icons;

use super::Next;
use crate::gui::{
    command::Command,
    key_map::KeyMap,
    theme::{self, Palette, RADIUS, space},
    widgets,
};

/// The width of the card's content, in points.
const WIDTH: f32 = 320.0;

/// What the card is taken to measure before it was drawn once, in points.
const FIRST_SIZE: Vec2 = vec2(WIDTH + 34.0, 190.0);

/// Between the card and what it is about, and between it and the window's edge, in points.
const GAP: f32 = space::M;

/// A part of the window that a step is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// The list on the left.
    Queue,
    /// Picture and text.
    Post,
    /// The three records of the labels.
    Records,
    /// The buttons that decide.
    Decision,
    /// What stands below the labels.
    Below,
    /// The model's button.
    Model,
    /// The dataset's menu.
    Data,
    /// The buttons on the upper right.
    Help,
}

/// Notes where a part of the window stands in this frame.
pub fn mark(ui: &Ui, place: Place, rect: Rect) {
    let ctx = ui.ctx();
    let now = ctx.cumulative_pass_nr();
    ctx.data_mut(|data| data.insert_temp(place_id(place), (now, rect)));
}

fn place_id(place: Place) -> Id {
    Id::unique(("place", place))
}

/// Where a part stands, if it was drawn in this frame.
fn place(ctx: &Context, place: Place) -> Option<Rect> {
    let (drawn, rect) = ctx.data(|data| data.get_temp::<(u64, Rect)>(place_id(place)))?;
    let shown = rect.intersect(ctx.content_rect());
    (drawn == ctx.cumulative_pass_nr() && shown.is_positive()).then_some(shown)
}

struct Step {
    place: Place,
    title: &'static str,
    text: &'static str,
    /// Keys that are no command's.
    keys: &'static [(&'static str, &'static str)],
    commands: &'static [Command],
}

static STEPS: [Step; 8] = [
    Step {
        place: Place::Queue,
        title: "The queue",
        text: "Every post, and where it stands. Search it, filter it, or put first what the model is least sure of, \
               or where it contradicts the dataset.",
        keys: &[],
        commands: &[Command::Previous, Command::Next, Command::Search],
    },
    Step {
        place: Place::Post,
        title: "The post",
        text: "The picture stays blurred until you ask for it: hold Space now. Escape covers everything at once.",
        keys: &[("Space", "hold to see the picture")],
        commands: &[],
    },
    Step {
        place: Place::Records,
        title: "Three records",
        text: "What the dataset says, what the model says with each label’s probability, and what you choose. They \
               stay apart: none ever overwrites another.",
        keys: &[("1 … 9", "choose or drop a label")],
        commands: &[Command::ChooseNone],
    },
    Step {
        place: Place::Decision,
        title: "Your decision",
        text: "Confirm your labels, or accept the model’s. A decision is on disk before the window says so, and can \
               be taken back, also tomorrow.",
        keys: &[],
        commands: &[Command::Confirm, Command::Accept, Command::Undo],
    },
    Step {
        place: Place::Below,
        title: "How good is the model?",
        text: "Its scores with 95 % intervals, live as you decide; a click on a count opens those posts. \
               Beside them: its raw answer, earlier runs, your guideline.",
        keys: &[],
        commands: &[Command::ShowAnswer, Command::ShowRuns, Command::ShowMetrics],
    },
    Step {
        place: Place::Model,
        title: "The model",
        text: "It works through the queue while you review, on this machine unless you name one elsewhere. Choose a base and an adapter of your own \
               here; what is not here is fetched once.",
        keys: &[],
        commands: &[Command::ChooseModel, Command::ShowProbe],
    },
    Step {
        place: Place::Data,
        title: "Your data",
        text: "Open a CSV, a folder of images, or what another annotation tool wrote. Export your corrections as the \
               CSV that trains the next adapter.",
        keys: &[],
        commands: &[Command::OpenData, Command::Export],
    },
    Step {
        place: Place::Help,
        title: "Everything else",
        text: "Every command is a few letters away. This tour stands in the menu of help.",
        keys: &[],
        commands: &[Command::ShowPalette, Command::ShowKeys],
    },
];

/// The tour, at one of its steps.
#[derive(Default)]
pub struct Tour {
    step: usize,
}

impl Tour {
    pub(super) fn show(&mut self, ctx: &Context) -> Next {
        let Some(step) = STEPS.get(self.step) else {
            return Next::Close;
        };
        let target = place(ctx, step.place);
        spotlight(ctx, target);
        let id = Id::unique("tour");
        let size = ctx.memory(|memory| memory.area_rect(id));
        let size = size.map_or(FIRST_SIZE, |rect| rect.size());
        let at = beside(ctx.content_rect().shrink(GAP), target, size);
        let area = Area::new(id)
            .kind(UiKind::Modal)
            .order(Order::Foreground)
            .fixed_pos(at);
        let frame = Frame::window(&ctx.style_of(ctx.theme())).inner_margin(Margin::same(16));
        let mut turn = self.keys(ctx);
        Modal::new(id)
            .area(area)
            .frame(frame)
            .backdrop_color(Color32::TRANSPARENT)
            .show(ctx, |ui| {
                ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 80.0));
                self.card_ui(ui, step, &mut turn);
            });
        match turn {
            Turn::Stay => {}
            Turn::Back => self.step = self.step.saturating_sub(1),
            Turn::Next => self.step += 1,
            Turn::Leave => self.step = STEPS.len(),
        }
        if turn != Turn::Stay {
            ctx.request_repaint();
        }
        match self.step < STEPS.len() {
            true => Next::Stay,
            false => Next::Close,
        }
    }

    fn keys(&self, ctx: &Context) -> Turn {
        // A focused button keeps Enter for itself.
        let focused = ctx.memory(|memory| memory.focused()).is_some();
        ctx.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            if pressed(Key::Escape) {
                Turn::Leave
            } else if pressed(Key::ArrowLeft) {
                Turn::Back
            } else if pressed(Key::ArrowRight) || !focused && pressed(Key::Enter) {
                Turn::Next
            } else {
                Turn::Stay
            }
        })
    }

    fn card_ui(&self, ui: &mut Ui, step: &Step, turn: &mut Turn) {
        let palette = Palette::from_ui(ui);
        let place = format!("{} of {}", self.step + 1, STEPS.len());
        widgets::row_from_right(ui, |ui| {
            ui.label(theme::caption(ui, &place));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let title = theme::strong(step.title).size(theme::HEADING);
                let response = ui.label(title.color(palette.accent));
                let spoken = format!("Tour, {place}: {}. {}", step.title, step.text);
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
                // Screen readers say each new step.
                let live = |node: &mut egui::accesskit::Node| node.set_live(Live::Polite);
                ui.ctx().accesskit_node_builder(response.id, live);
            });
        });
        ui.add(egui::Label::new(RichText::new(step.text)).wrap());
        ui.spacing_mut().item_spacing.y = space::XS;
        // Whoever chose other keys for the labels finds them in the rows.
        let keeps_digits = KeyMap::of(ui.ctx()).keeps_digits();
        let keys = step.keys.iter();
        for (key, what) in keys.filter(|_| step.place != Place::Records || keeps_digits) {
            key_ui(ui, key, what);
        }
        for command in step.commands {
            if let Some(key) = command.shortcut_text(ui.ctx()) {
                key_ui(ui, &key, &command.label());
            }
        }
        ui.add_space(space::S);
        let is_last = self.step + 1 == STEPS.len();
        widgets::row_from_right(ui, |ui| {
            let (symbol, label) = match is_last {
                true => (icons::ICON_CHECK, "Done"),
                false => (icons::ICON_ARROW_FORWARD, "Next"),
            };
            if widgets::primary(ui, symbol, label, true)
                .on_hover_text("→ or Enter")
                .clicked()
            {
                *turn = Turn::Next;
            }
            let back = egui::Button::new("Back");
            if ui
                .add_enabled(self.step > 0, back)
                .on_hover_text("←")
                .clicked()
            {
                *turn = Turn::Back;
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let leave = egui::Button::new("Leave the tour").frame_when_inactive(false);
                if !is_last && ui.add(leave).on_hover_text("Esc").clicked() {
                    *turn = Turn::Leave;
                }
            });
        });
    }
}

/// What a frame of the tour leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Stay,
    Back,
    Next,
    Leave,
}

fn key_ui(ui: &mut Ui, key: &str, what: &str) {
    ui.horizontal(|ui| {
        widgets::key_cap(ui, key);
        ui.label(theme::caption(ui, what));
    });
}

/// Darkens the window but for one part of it, and frames that.
fn spotlight(ctx: &Context, target: Option<Rect>) {
    let palette = Palette::of(ctx.theme());
    let painter = ctx.layer_painter(LayerId::new(Order::Middle, Id::unique("tour_light")));
    let window = ctx.content_rect();
    let dim = Color32::from_black_alpha(if palette.is_dark() { 130 } else { 70 });
    let Some(lit) = target else {
        painter.rect_filled(window, 0.0, dim);
        return;
    };
    let (all_x, lit_y) = (window.x_range(), lit.y_range());
    for dark in [
        Rect::from_x_y_ranges(all_x, window.top()..=lit.top()),
        Rect::from_x_y_ranges(all_x, lit.bottom()..=window.bottom()),
        Rect::from_x_y_ranges(window.left()..=lit.left(), lit_y),
        Rect::from_x_y_ranges(lit.right()..=window.right(), lit_y),
    ] {
        painter.rect_filled(dark, 0.0, dim);
    }
    let stroke = Stroke::new(2.0, palette.accent);
    painter.rect_stroke(lit, CornerRadius::same(RADIUS), stroke, StrokeKind::Inside);
}

/// Where a card of this size stands: beside its target where there is room, else in a corner of it, always in the window.
fn beside(window: Rect, target: Option<Rect>, size: Vec2) -> Pos2 {
    let Some(target) = target else {
        return window.center() - size / 2.0;
    };
    let places = [
        pos2(target.right() + GAP, target.top()),
        pos2(target.left() - GAP - size.x, target.top()),
        pos2(target.left(), target.bottom() + GAP),
        pos2(target.left(), target.top() - GAP - size.y),
    ];
    let inside = |at: Pos2| {
        let last = (window.max - size).max(window.min);
        at.clamp(window.min, last)
    };
    let free = places.into_iter().map(inside);
    let free = free.map(|at| Rect::from_min_size(at, size));
    let free = free.into_iter().find(|card| !card.intersects(target));
    free.map_or_else(
        || inside(target.max - size - Vec2::splat(GAP)),
        |card| card.min,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_stands_in_the_window_and_beside_its_target_where_there_is_room() {
        let size = vec2(340.0, 220.0);
        for window in [
            vec2(1024.0, 700.0),
            vec2(1920.0, 1080.0),
            vec2(700.0, 460.0),
        ] {
            let window = Rect::from_min_size(Pos2::ZERO, window);
            let (right, bottom) = (window.right(), window.bottom());
            let below_the_bar = 48.0..=bottom;
            let targets = [
                (
                    Rect::from_x_y_ranges(0.0..=260.0, below_the_bar.clone()),
                    true,
                ),
                (
                    Rect::from_x_y_ranges(right - 320.0..=right, below_the_bar),
                    true,
                ),
                (
                    Rect::from_x_y_ranges(right - 200.0..=right, 8.0..=40.0),
                    true,
                ),
                (
                    Rect::from_x_y_ranges(right - 320.0..=right, bottom - 150.0..=bottom),
                    true,
                ),
                (window, false),
            ];
            for (target, is_beside) in targets {
                let card = Rect::from_min_size(beside(window, Some(target), size), size);
                assert!(window.contains_rect(card), "{card:?} of {target:?}");
                assert_eq!(
                    !card.intersects(target),
                    is_beside,
                    "{card:?} of {target:?}"
                );
            }
        }
    }
}
