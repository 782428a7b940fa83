//! The post in the middle: its picture, covered until asked for, and its text.

mod stage;
mod view;

use egui::{
    Align, CornerRadius, Label, Layout, Margin, Rect, RichText, Role, ScrollArea, Sense,
    TextFormat, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons;

pub use self::view::PostView;
use self::{
    stage::{Stage, fit, hint},
    view::{key_to_see, way_to_see},
};
use super::queue::ROOM_BESIDE;
use crate::{
    dataset,
    gui::{
        bench::Bench,
        bidi,
        command::Command,
        fonts,
        picture::Form,
        scroll,
        settings::{Settings, Uncover},
        texture::{Picture, TextureCache, Urgency},
        theme::{self, Palette, READING, space},
        widgets::{self, badge, empty_state, icon_button, notice},
    },
    post::{Post, ProblemKind},
    review::{Outcome, Session},
};

/// Lines of text are no longer than this, in points, so that eyes find the next one.
const READING_WIDTH: f32 = 760.0;

/// The size of a text without a picture, in points.
const LARGE: f32 = 19.0;

/// The height of a line, in sizes of its text.
const LEADING: f32 = 1.53;

/// The most of the dataset's other columns that are shown below a post.
const MOST_COLUMNS: usize = 12;

/// The room from which on the header tells the line of the dataset, in points.
const ROOM_FOR_LINE: f32 = 200.0;

/// Draws it.
pub fn show(
    ui: &mut Ui,
    bench: &Bench,
    textures: &mut TextureCache,
    settings: &Settings,
    view: &mut PostView,
    out: &mut Vec<Command>,
) {
    let Some(index) = bench.cursor() else {
        let text = "The file was read, but no row could be shown. The problems say why.";
        empty_state(ui, icons::ICON_INBOX, "No posts", text, |ui| {
            widgets::button(ui, Command::ShowProblems, true, out);
        });
        return;
    };
    let dataset = bench.session.dataset();
    let Some(post) = dataset.posts.get(index) else {
        return;
    };
    // Where there is little room the header is wider than that, and would widen what stands below it.
    let room = ui.max_rect();
    header_ui(ui, bench, index, post, out);
    view.count_down(ui, &settings.care);
    let covers_text = view.covers_text(ui, &settings.care);
    let body = room.with_min_y(ui.cursor().top());
    let body = body.shrink2(vec2(space::L, 0.0));
    let body = Rect::from_min_max(body.min, pos2(body.max.x, body.max.y - space::L));
    if post.image_path.is_empty() {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(body));
        text_ui(&mut ui, (index, post), bench, covers_text, settings, view);
        return;
    }
    let (image, text) = split(body, &post.text);
    let (image, text) = close_up(
        image,
        text,
        textures.get(index, Form::Cover, Urgency::Watched),
    );
    let mut stage = Stage {
        textures,
        settings,
        view,
    };
    stage.show(ui, image, index, out);
    let mut ui = ui.new_child(UiBuilder::new().max_rect(text));
    text_ui(&mut ui, (index, post), bench, covers_text, settings, view);
    if let Some(next) = bench.next() {
        for form in [Form::Cover, Form::Full] {
            textures.get(next, form, Urgency::Ahead);
        }
    }
}

/// Room for the picture and for the text: side by side where the window is wide, else one above the other.
fn split(body: Rect, text: &str) -> (Rect, Rect) {
    if body.width() > 1.35 * body.height() && body.width() > 900.0 {
        let (left, right) = body.split_left_right_at_fraction(0.60);
        return (
            left,
            Rect::from_min_max(right.min + vec2(space::L, 0.0), right.max),
        );
    }
    // A short text needs little room; a long one scrolls.
    let lines = 1 + text.len() / 80 + text.matches('\n').count();
    let share = match lines {
        0..=3 => 0.74,
        4..=8 => 0.62,
        _ => 0.52,
    };
    let (top, bottom) = body.split_top_bottom_at_fraction(share);
    (
        top,
        Rect::from_min_max(bottom.min + vec2(0.0, space::M), bottom.max),
    )
}

/// Moves the text up to the picture, once its proportions are known.
fn close_up(image: Rect, text: Rect, cover: Picture) -> (Rect, Rect) {
    let Picture::Ready(cover) = cover else {
        return (image, text);
    };
    let picture = fit(cover.size_vec2(), image);
    let image = image.with_max_y(picture.bottom());
    let is_below = text.top() > image.top();
    let top = if is_below {
        image.bottom() + space::M
    } else {
        text.top()
    };
    (image, text.with_min_y(top))
}

fn header_ui(ui: &mut Ui, bench: &Bench, index: usize, post: &Post, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    let frame = egui::Frame::new().inner_margin(Margin {
        left: 16,
        right: 12,
        top: 8,
        bottom: 8,
    });
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            if ui.ctx().content_rect().width() < ROOM_BESIDE {
                icon_button(ui, Command::ShowQueue, true, out);
            }
            let title = format!("Post {}", widgets::thousands(index + 1));
            ui.label(theme::strong(title).size(theme::HEADING));
            if post.line > 0 && ui.available_width() > ROOM_FOR_LINE {
                let text = format!("line {}", widgets::thousands(post.line as usize));
                ui.label(theme::caption(ui, text));
            }
            let review = bench.session.review(index);
            match review.outcome {
                Some(Outcome::Confirmed) => {
                    badge(ui, "Confirmed", palette.good);
                }
                Some(Outcome::Skipped) => {
                    badge(ui, "Skipped", palette.weak);
                }
                Some(Outcome::Escalated) => {
                    badge(ui, "Escalated", palette.warn);
                }
                None => {}
            }
            if bench.session.hides_answer(index) {
                let text = "The model’s answer is hidden until you have decided.";
                badge(ui, "Blind", palette.accent).on_hover_text(text);
            }
            if review.flagged {
                badge(ui, "Flagged", palette.warn);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                icon_button(ui, Command::Next, bench.next().is_some(), out);
                icon_button(ui, Command::Previous, bench.previous().is_some(), out);
                if !post.image_path.is_empty() {
                    icon_button(ui, Command::ToggleZoom, true, out);
                }
                icon_button(ui, Command::Hide, true, out);
                let path = if post.image_path.is_empty() {
                    "no image"
                } else {
                    &post.image_path
                };
                ui.add_space(space::S);
                ui.add(Label::new(theme::caption(ui, path)).truncate());
            });
        });
    });
}

fn text_ui(
    ui: &mut Ui,
    (index, post): (usize, &Post),
    bench: &Bench,
    covered: bool,
    settings: &Settings,
    view: &mut PostView,
) {
    let palette = Palette::from_ui(ui);
    if covered && !post.text.trim().is_empty() {
        covered_text_ui(ui, index, settings.care.uncover, view);
        return;
    }
    ScrollArea::vertical()
        .id_salt(("post_text", index))
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.set_max_width(READING_WIDTH.min(ui.available_width() - space::M));
            // What is wrong with the picture stands in its place.
            let of_picture = [ProblemKind::MissingImage, ProblemKind::BrokenImage];
            let problems = bench.session.problems(index).into_iter();
            for problem in problems.filter(|problem| !of_picture.contains(&problem.kind)) {
                notice(ui, icons::ICON_WARNING, palette.warn, &problem.message);
            }
            if post.text.trim().is_empty() {
                ui.label(RichText::new("This post has no text.").color(palette.weak));
            } else {
                // A text that is all there is to see may be larger.
                let has_image = !post.image_path.is_empty();
                reading_ui(ui, &post.text, if has_image { READING } else { LARGE });
            }
            other_columns_ui(ui, &bench.session, index, post);
            scroll::by_keys(ui);
        });
}

/// What stands in place of a covered text.
fn covered_text_ui(ui: &mut Ui, index: usize, uncover: Uncover, view: &mut PostView) {
    let palette = Palette::from_ui(ui);
    let size = vec2(ui.available_width().min(READING_WIDTH), 72.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    view.pressed_text = response.is_pointer_button_down_on();
    view.clicked(ui, &response);
    response.widget_info(|| {
        let way = key_to_see(uncover);
        let text = format!("Text of post {}: covered, {way}", index + 1);
        WidgetInfo::labeled(Role::Label, true, text)
    });
    ui.painter()
        .rect_filled(rect, CornerRadius::same(8), palette.surface);
    let text = |way| format!("Text covered · {way}");
    hint(
        ui,
        rect,
        [&text(way_to_see(uncover)), &text(key_to_see(uncover))],
    );
}

fn reading_ui(ui: &mut Ui, text: &str, size: f32) {
    let palette = Palette::from_ui(ui);
    let line_height = Some((size * LEADING).round());
    if bidi::is_needed(text) {
        let format = TextFormat {
            line_height,
            ..bidi::format(ui, size, palette.text)
        };
        for laid in bidi::paragraphs(ui, text, &format, ui.available_width()) {
            let shown = Label::new(laid.job).extend().halign(laid.side);
            // What stands there is in visual order: copied or read aloud it would be turned.
            let response = ui
                .with_layout(Layout::top_down(laid.side), |ui| {
                    ui.add(shown.selectable(false))
                })
                .inner;
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
        }
    } else {
        let text = RichText::new(text).size(size).line_height(line_height);
        ui.add(Label::new(text).wrap().selectable(true));
    }
    if !fonts::has_letters(ui, text) {
        ui.add_space(space::S);
        let message = "Some letters have no font on this system and show as boxes. On Debian and Ubuntu the packages \
                       fonts-noto-core and fonts-noto-cjk have nearly all.";
        notice(ui, icons::ICON_WARNING, palette.warn, message);
    }
}

/// The cells of the columns that Overrule does not read itself.
fn other_columns_ui(ui: &mut Ui, session: &Session, index: usize, post: &Post) {
    // What blind mode hides stays hidden in whatever column it came.
    let (no_answer, no_label) = (session.hides_answer(index), session.hides_dataset(index));
    let columns = session.dataset().extra_columns.iter();
    let cells = columns.zip(&post.extra).filter(|(column, cell)| {
        let hidden = no_answer && dataset::is_prediction_column(column)
            || no_label && dataset::is_label_column(column);
        !hidden && !cell.trim().is_empty()
    });
    for (i, (column, cell)) in cells.take(MOST_COLUMNS).enumerate() {
        if i == 0 {
            ui.add_space(space::L);
        }
        let text = theme::caption(ui, format!("{}: {}", column.trim(), cell.trim()));
        ui.add(Label::new(text).truncate());
    }
}
