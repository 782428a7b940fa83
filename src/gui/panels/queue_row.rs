//! One row of the queue: thumbnail, where the post stands, its labels, the beginning of its text.

use egui::{
    Align2, CornerRadius, FontFamily, FontId, Rect, Role, Sense, Stroke, StrokeKind, TextWrapMode,
    Ui, WidgetInfo, pos2, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

use crate::{
    gui::{
        bench::{Bench, Select},
        bidi,
        command::Command,
        picture::Form,
        texture::{Picture, TextureCache, Urgency},
        theme::{self, Palette, SMALL},
        widgets,
    },
    predict::answer::Parse,
    review::Outcome,
};

/// Height of a row, in points.
pub const ROW: f32 = 60.0;

/// Side of a thumbnail, in points.
const THUMB: f32 = 44.0;

/// What rows are drawn from.
pub struct QueueRow<'a> {
    /// The open dataset.
    pub bench: &'a Bench,
    /// Its pictures.
    pub textures: &'a mut TextureCache,
    /// Whether pictures are blurred.
    pub blur: bool,
    /// Whether texts are covered.
    pub cover_text: bool,
}

impl QueueRow<'_> {
    /// Draws the row of a post.
    pub fn show(&mut self, ui: &mut Ui, rect: Rect, post: usize, out: &mut Vec<Command>) {
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
        let snippet = match self.cover_text && !text.trim().is_empty() {
            true => "Text covered".to_owned(),
            false => snippet(text),
        };
        let picked = self.bench.selection().contains(&post);
        let number = widgets::thousands(post + 1);
        response.widget_info(|| {
            let picked = if picked { ", in the selection" } else { "" };
            let label = format!("Post {number}, {}{picked}: {snippet}", standing.words);
            WidgetInfo::selected(Role::ListBoxOption, true, selected, label)
        });
        if response.clicked() {
            let modifiers = ui.input(|input| input.modifiers);
            out.push(match (modifiers.command, modifiers.shift) {
                (true, _) => Command::Select(Select::Toggle(post)),
                (_, true) => Command::Select(Select::Through(post)),
                _ => Command::GoTo(post),
            });
        }
        if selected {
            ui.painter().rect_filled(rect, 0.0, palette.selected);
            let edge = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
            ui.painter().rect_filled(edge, 0.0, palette.accent);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, 0.0, palette.raised);
        }
        let thumb = Rect::from_min_size(
            pos2(rect.left() + 12.0, rect.center().y - THUMB / 2.0),
            vec2(THUMB, THUMB),
        );
        self.thumb_ui(ui, thumb, post);
        if picked {
            picked_ui(ui, thumb);
        }

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

/// Marks a picked row: a frame and a check on its picture.
fn picked_ui(ui: &Ui, thumb: Rect) {
    let palette = Palette::from_ui(ui);
    let painter = ui.painter();
    let stroke = Stroke::new(2.0, palette.accent);
    painter.rect_stroke(thumb, CornerRadius::same(4), stroke, StrokeKind::Inside);
    let at = thumb.right_bottom() - vec2(9.0, 9.0);
    painter.circle_filled(at, 9.0, palette.accent_fill);
    painter.text(
        at,
        Align2::CENTER_CENTER,
        icons::ICON_CHECK.codepoint,
        FontId::new(14.0, icons::ICON_CHECK.font_family()),
        palette.on_accent,
    );
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
    let hidden = bench.session.hides_answer(post);
    let prediction = bench.session.shown_prediction(post);
    let predicted = bench.session.shown_answer(post);
    let names = |labels| bench.session.dataset().labels.words(labels);
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
        (None, None) if hidden => (
            icons::ICON_VISIBILITY_OFF,
            palette.accent,
            "to do, decided blind",
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
    let size = SMALL + 0.5;
    let galley = if bidi::is_needed(text) {
        let format = bidi::format(ui, size, color);
        let line = bidi::first_line(ui, text, &format, width);
        ui.fonts_mut(|fonts| fonts.layout_job(line))
    } else {
        let text = egui::WidgetText::from(egui::RichText::new(text).size(size).color(color));
        let wrap = Some(TextWrapMode::Truncate);
        text.into_galley(ui, wrap, width, egui::TextStyle::Small)
    };
    let top = left_center.y - galley.size().y / 2.0;
    ui.painter().galley(pos2(left_center.x, top), galley, color);
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
