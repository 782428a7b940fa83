//! The queue on the left: which posts, in which order, and where each stands. Only the rows on screen are worked on.

use egui::{
    Align2, ComboBox, CornerRadius, FontFamily, FontId, Id, Rect, Role, ScrollArea, Sense, Stroke,
    TextEdit, TextWrapMode, Ui, WidgetInfo, pos2, style::ScrollAnimation, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

use crate::{
    gui::{
        bench::Bench,
        command::Command,
        picture::Form,
        texture::{Picture, TextureCache, Urgency},
        theme::{self, Palette, SMALL, space},
        widgets::{self, empty_state, icon},
    },
    predict::answer::Parse,
    review::{
        Outcome,
        queue::{Filter, Order},
    },
};

/// Height of a row, in points.
const ROW: f32 = 60.0;

/// Side of a thumbnail, in points.
const THUMB: f32 = 44.0;

/// From this many posts on, a search waits for the end of a word.
const MANY: usize = 20_000;

/// How long it waits, in seconds.
const TYPING_PAUSE_SECS: f64 = 0.15;

/// Every filter with its name and what it shows.
pub const FILTERS: [(Filter, &str, &str); 11] = [
    (Filter::All, "All posts", "Every post"),
    (
        Filter::Todo,
        "To do",
        "Not confirmed, skipped or escalated yet",
    ),
    (Filter::Reviewed, "Reviewed", "With a confirmed decision"),
    (
        Filter::Overruled,
        "Overruled",
        "The decision differs from the model",
    ),
    (
        Filter::Disagreement,
        "Disagreement",
        "The model differs from the decision or the dataset",
    ),
    (Filter::Skipped, "Skipped", "Put aside"),
    (Filter::Escalated, "Escalated", "Left to someone else"),
    (Filter::Flagged, "Flagged", "Marked for a second look"),
    (
        Filter::Problems,
        "Problems",
        "Something is wrong with the row, the image or the prediction",
    ),
    (
        Filter::ParseFailed,
        "Unreadable answers",
        "The model’s answer could not be parsed",
    ),
    (
        Filter::Unlabelled,
        "Unlabelled",
        "Without a label in the dataset",
    ),
];

const ORDERS: [(Order, &str, &str); 3] = [
    (Order::Dataset, "Dataset order", "As in the file"),
    (
        Order::Uncertainty,
        "Least certain first",
        "Smallest margin of the answer first",
    ),
    (
        Order::Disagreement,
        "Most different first",
        "Most labels in which model and truth differ first",
    ),
];

/// What the panel shows.
pub struct QueuePanel<'a> {
    /// The open dataset.
    pub bench: &'a Bench,
    /// Its pictures.
    pub textures: &'a mut TextureCache,
    /// Whether pictures are blurred.
    pub blur: bool,
}

/// The panel's own state.
#[derive(Default)]
pub struct QueueView {
    search: String,
    /// When the last letter was typed, while the search was not carried out yet.
    typed_at: Option<f64>,
    wants_focus: bool,
    wants_cursor: bool,
}

impl QueueView {
    /// Brings the post on screen into view.
    pub fn scroll_to_cursor(&mut self) {
        self.wants_cursor = true;
    }

    /// Puts the keyboard into the search field.
    pub fn focus_search(&mut self) {
        self.wants_focus = true;
    }
}

impl QueuePanel<'_> {
    /// Draws it. Returns the text to search for, if that changed.
    pub fn show(
        mut self,
        ui: &mut Ui,
        view: &mut QueueView,
        out: &mut Vec<Command>,
    ) -> Option<String> {
        let mut search = None;
        egui::Frame::new()
            .inner_margin(egui::Margin::symmetric(12, 10))
            .show(ui, |ui| {
                search = self.search_ui(ui, view);
                self.choices_ui(ui, out);
            });
        ui.painter().hline(
            ui.max_rect().x_range(),
            ui.cursor().top() - 4.0,
            Stroke::new(1.0, Palette::from_ui(ui).line),
        );
        if self.bench.queue().is_empty() {
            self.nothing_ui(ui, view, out);
        } else {
            self.rows_ui(ui, view, out);
        }
        search.or_else(|| {
            self.bench
                .queue()
                .is_empty()
                .then(|| view.cleared())
                .flatten()
        })
    }

    fn search_ui(&self, ui: &mut Ui, view: &mut QueueView) -> Option<String> {
        let id = Id::unique("search_posts");
        let hint = theme::caption(ui, "Search the text").size(13.0);
        let edit = TextEdit::singleline(&mut view.search)
            .id(id)
            .hint_text(hint)
            .desired_width(f32::INFINITY)
            .prefix(icon(icons::ICON_SEARCH));
        let response = ui.add(edit).accessible_name("Search the text");
        if std::mem::take(&mut view.wants_focus) {
            response.request_focus();
        }
        let now = ui.ctx().time();
        if response.changed() {
            view.typed_at = Some(now);
        }
        let typed_at = view.typed_at?;
        let pause = if self.bench.session.dataset().posts.len() < MANY {
            0.0
        } else {
            TYPING_PAUSE_SECS
        };
        if now - typed_at < pause {
            ui.ctx().request_repaint_after_secs(pause as f32);
            return None;
        }
        view.typed_at = None;
        Some(view.search.clone())
    }

    fn choices_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let labels = &self.bench.session.dataset().labels;
        let filters: Vec<(Filter, &str, &str)> = FILTERS
            .into_iter()
            .chain(labels.iter().enumerate().map(|(index, name)| {
                (Filter::Label(index), name, "Truth or model name this label")
            }))
            .collect();
        let filter = name_of(&filters, self.bench.filter);
        let order = name_of(&ORDERS, self.bench.order);
        ui.horizontal(|ui| {
            let width = (ui.available_width() - space::S) / 2.0;
            if let Some(filter) = choice(ui, "Show", width, self.bench.filter, filter, &filters) {
                out.push(Command::SetFilter(filter));
            }
            if let Some(order) = choice(ui, "Order", width, self.bench.order, order, &ORDERS) {
                out.push(Command::SetOrder(order));
            }
        });
        let (shown, all) = (
            self.bench.queue().len(),
            self.bench.session.dataset().posts.len(),
        );
        let count = if shown == all {
            widgets::posts(all)
        } else {
            format!("{} of {}", widgets::thousands(shown), widgets::posts(all))
        };
        let text = match self.bench.place() {
            Some(place) => format!("{count} · at {}", widgets::thousands(place + 1)),
            None => count,
        };
        ui.label(theme::caption(ui, text));
    }

    fn nothing_ui(&self, ui: &mut Ui, view: &mut QueueView, out: &mut Vec<Command>) {
        let searching = !self.bench.search.is_empty();
        let (title, text) = match self.bench.filter {
            _ if searching => ("Nothing found", "No post of this queue has that text."),
            Filter::Todo => ("All done", "Every post is confirmed, skipped or escalated."),
            Filter::All => ("No posts", "The dataset has no row that could be read."),
            _ => ("Nothing here", "No post belongs to this queue now."),
        };
        empty_state(ui, icons::ICON_INBOX, title, text, |ui| {
            if searching {
                if ui.button("Clear the search").clicked() {
                    view.search.clear();
                    view.typed_at = Some(f64::NEG_INFINITY);
                }
            } else if self.bench.filter == Filter::Todo {
                widgets::button(ui, Command::Export, true, out);
            }
            if self.bench.filter != Filter::All && ui.button("Show all posts").clicked() {
                out.push(Command::SetFilter(Filter::All));
            }
        });
    }

    fn rows_ui(&mut self, ui: &mut Ui, view: &mut QueueView, out: &mut Vec<Command>) {
        let count = self.bench.queue().len();
        ScrollArea::vertical()
            .id_salt("queue_rows")
            .auto_shrink(false)
            .show_viewport(ui, |ui, viewport| {
                ui.set_height(ROW * count as f32);
                let room = ui.max_rect();
                let row_rect = |row: usize| {
                    let top = room.top() + ROW * row as f32;
                    Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), ROW))
                };
                if std::mem::take(&mut view.wants_cursor)
                    && let Some(place) = self.bench.place()
                {
                    let rect = row_rect(place).expand2(vec2(0.0, ROW));
                    ui.scroll_to_rect_animation(rect, None, ScrollAnimation::none());
                }
                let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
                let last = ((viewport.max.y / ROW).ceil().max(0.0) as usize).min(count);
                let rows = self.bench.queue().get(first..last).unwrap_or_default();
                for (offset, post) in rows.iter().enumerate() {
                    let rect = row_rect(first + offset);
                    self.row_ui(ui, rect, *post as usize, out);
                }
            });
    }

    fn row_ui(&mut self, ui: &mut Ui, rect: Rect, post: usize, out: &mut Vec<Command>) {
        let palette = Palette::from_ui(ui);
        let selected = self.bench.cursor() == Some(post);
        let response = ui.interact(rect, ui.scope_id().with(("row", post)), Sense::click());
        let standing = standing(self.bench, post, palette);
        let text = self
            .bench
            .session
            .dataset()
            .posts
            .get(post)
            .map_or("", |post| &post.text);
        let snippet = snippet(text);
        let number = widgets::thousands(post + 1);
        response.widget_info(|| {
            let label = format!("Post {number}, {}: {snippet}", standing.words);
            WidgetInfo::selected(Role::ListBoxOption, true, selected, label)
        });
        if response.clicked() {
            out.push(Command::GoTo(post));
        }
        if selected {
            ui.painter().rect_filled(rect, 0.0, palette.selected);
            let edge = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
            ui.painter().rect_filled(edge, 0.0, palette.accent);
        } else if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect, 0.0, palette.raised);
        }
        let thumb = Rect::from_min_size(
            pos2(rect.left() + 12.0, rect.center().y - THUMB / 2.0),
            vec2(THUMB, THUMB),
        );
        self.thumb_ui(ui, thumb, post);

        let left = thumb.right() + 10.0;
        let right = rect.right() - 12.0;
        let line_1 = pos2(left, rect.top() + 18.0);
        let mark = FontId::new(
            15.0,
            FontFamily::Name(egui_material_icons::FONT_FAMILY.into()),
        );
        let painter = ui.painter();
        let at = painter.text(
            line_1,
            Align2::LEFT_CENTER,
            standing.icon.codepoint,
            mark.clone(),
            standing.color,
        );
        let at = painter.text(
            pos2(at.right() + 5.0, line_1.y),
            Align2::LEFT_CENTER,
            number,
            FontId::new(12.0, theme::strong_family()),
            palette.text,
        );
        let flagged = self.bench.session.review(post).flagged;
        if flagged {
            let at = pos2(right, line_1.y);
            let flag = icons::ICON_FLAG.codepoint;
            painter.text(at, Align2::RIGHT_CENTER, flag, mark, palette.warn);
        }
        let room = right - at.right() - 8.0 - if flagged { 20.0 } else { 0.0 };
        one_line(
            ui,
            pos2(at.right() + 8.0, line_1.y),
            room,
            &standing.labels,
            standing.label_color,
        );
        let line_2 = pos2(left, rect.top() + 41.0);
        let (line, color) = match snippet.is_empty() {
            true => ("No text", palette.weak),
            false => (snippet.as_str(), palette.weak),
        };
        one_line(ui, line_2, right - left, line, color);
    }

    fn thumb_ui(&mut self, ui: &Ui, rect: Rect, post: usize) {
        let palette = Palette::from_ui(ui);
        let rounding = CornerRadius::same(4);
        let form = if self.blur { Form::Cover } else { Form::Thumb };
        let symbol = match self.textures.get(post, form, Urgency::Visible) {
            Picture::Ready(texture) => {
                let [width, height] = texture.size();
                let (w, h) = (width.max(1) as f32, height.max(1) as f32);
                // The middle square of the picture.
                let (u, v) = ((w - w.min(h)) / (2.0 * w), (h - w.min(h)) / (2.0 * h));
                let uv = Rect::from_min_max(pos2(u, v), pos2(1.0 - u, 1.0 - v));
                let image = egui::Image::new(&texture).uv(uv).corner_radius(rounding);
                image.paint_at(ui, rect);
                return;
            }
            Picture::Loading => None,
            Picture::None => Some((icons::ICON_NOTES, palette.weak)),
            Picture::Failed(_) => Some((icons::ICON_BROKEN_IMAGE, palette.warn)),
        };
        ui.painter().rect_filled(rect, rounding, palette.raised);
        if let Some((symbol, color)) = symbol {
            let font = FontId::new(
                20.0,
                FontFamily::Name(egui_material_icons::FONT_FAMILY.into()),
            );
            let painter = ui.painter();
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                symbol.codepoint,
                font,
                color,
            );
        }
    }
}

impl QueueView {
    /// The empty search, if it was just cleared by its button.
    fn cleared(&mut self) -> Option<String> {
        let cleared = self.typed_at == Some(f64::NEG_INFINITY);
        cleared.then(|| {
            self.typed_at = None;
            String::new()
        })
    }
}

/// Where a post stands, for its row.
struct Standing {
    icon: MaterialIcon,
    color: egui::Color32,
    /// The same as the icon, in words.
    words: &'static str,
    labels: String,
    label_color: egui::Color32,
}

fn standing(bench: &Bench, post: usize, palette: &Palette) -> Standing {
    let review = bench.session.review(post);
    let prediction = bench.session.prediction(post);
    let predicted = bench.session.answer(post);
    let names = |labels| {
        let names = bench.session.dataset().labels.names_of(labels);
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let (icon, color, words) = match (review.outcome, prediction) {
        (Some(Outcome::Confirmed), _) if bench.session.is_overruled(post) => (
            icons::ICON_CHANGE_CIRCLE,
            palette.good,
            "confirmed, model overruled",
        ),
        (Some(Outcome::Confirmed), _) => (icons::ICON_CHECK_CIRCLE, palette.good, "confirmed"),
        (Some(Outcome::Skipped), _) => (icons::ICON_SKIP_NEXT, palette.weak, "skipped"),
        (Some(Outcome::Escalated), _) => {
            (icons::ICON_SUPERVISOR_ACCOUNT, palette.warn, "escalated")
        }
        (None, Some(p)) if p.error.is_some() => {
            (icons::ICON_ERROR, palette.bad, "prediction failed")
        }
        (None, Some(p)) if p.parse == Parse::Failed => {
            (icons::ICON_HELP, palette.warn, "answer could not be read")
        }
        (None, Some(_)) => (
            icons::ICON_RADIO_BUTTON_UNCHECKED,
            palette.accent,
            "to do, predicted",
        ),
        (None, None) => (
            icons::ICON_PENDING,
            palette.weak,
            "to do, not predicted yet",
        ),
    };
    let (labels, label_color) = match (review.decision, predicted) {
        (Some(labels), _) => (names(labels), palette.text),
        (None, Some(labels)) => (names(labels), palette.weak),
        (None, None) => (String::new(), palette.weak),
    };
    Standing {
        icon,
        color,
        words,
        labels,
        label_color,
    }
}

/// The beginning of a text in one line.
fn snippet(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(80));
        if line.len() > 90 {
            break;
        }
    }
    line
}

/// Paints a line of text that ends in an ellipsis where the room ends.
fn one_line(ui: &Ui, left_center: egui::Pos2, width: f32, text: &str, color: egui::Color32) {
    if width < 12.0 || text.is_empty() {
        return;
    }
    let text = egui::WidgetText::from(egui::RichText::new(text).size(SMALL + 0.5).color(color));
    let galley = text.into_galley(
        ui,
        Some(TextWrapMode::Truncate),
        width,
        egui::TextStyle::Small,
    );
    let top = left_center.y - galley.size().y / 2.0;
    ui.painter().galley(pos2(left_center.x, top), galley, color);
}

fn name_of<'a, T: PartialEq>(choices: &[(T, &'a str, &'a str)], value: T) -> &'a str {
    choices
        .iter()
        .find(|(choice, ..)| *choice == value)
        .map_or("", |(_, name, _)| name)
}

fn choice<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &str,
    width: f32,
    chosen: T,
    chosen_name: &str,
    choices: &[(T, &str, &str)],
) -> Option<T> {
    let mut clicked = None;
    let response = ComboBox::from_id_salt(name)
        .selected_text(chosen_name)
        .width(width)
        .truncate()
        .height(420.0)
        .show_ui(ui, |ui| {
            ui.set_min_width(220.0);
            for (value, label, tooltip) in choices {
                let response = ui.selectable_label(*value == chosen, *label);
                if response.on_hover_text(*tooltip).clicked() {
                    clicked = Some(*value);
                }
            }
        })
        .response;
    response.accessible_name(format!("{name}: {chosen_name}"));
    clicked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_one_short_line_of_any_text() {
        for (text, line) in [
            ("", ""),
            ("  a \n\n b\t", "a b"),
            ("한국어\n글", "한국어 글"),
        ] {
            assert_eq!(snippet(text), line);
        }
        assert!(snippet(&"long ".repeat(1000)).len() < 200);
        assert!(snippet(&"x".repeat(100_000)).len() < 200);
    }
}
