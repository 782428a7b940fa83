//! The labels on the right: what the dataset says, what the model says, what the reviewer decides, and how they differ.

use egui::{
    Align2, Button, FontFamily, FontId, Frame, Margin, Rect, RichText, Role, ScrollArea, Sense,
    Stroke, TextWrapMode, Ui, WidgetInfo, pos2, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

use super::{answer, metrics::MetricsView};
use crate::{
    gui::{
        app::{ModelState, Run},
        bench::{Bench, Source, Working},
        command::Command,
        theme::{self, Palette, SMALL, space},
        widgets::{self, icon, notice},
    },
    post::{LabelNames, LabelSet},
    review::Outcome,
};

/// Height of a label's row, in points.
const ROW: f32 = 29.0;

/// Width of the columns of marks, in points.
const MARK: f32 = 54.0;

/// What the panel shows.
pub struct LabelsPanel<'a> {
    /// The open dataset.
    pub bench: &'a Bench,
    /// The model.
    pub model: &'a ModelState,
    /// The prediction run.
    pub run: Option<&'a Run>,
}

/// The three records of the post on screen.
struct Records {
    dataset: Option<LabelSet>,
    model: Option<LabelSet>,
    working: Working,
}

impl LabelsPanel<'_> {
    /// Draws it; the lower part shows the scores or the model's answer.
    pub fn show(
        &self,
        ui: &mut Ui,
        metrics: &mut MetricsView,
        shows_answer: &mut bool,
        out: &mut Vec<Command>,
    ) {
        if let Some(post) = self.bench.cursor() {
            let frame = Frame::new().inner_margin(Margin {
                left: 14,
                right: 14,
                top: 10,
                bottom: 10,
            });
            frame.show(ui, |ui| {
                self.decision_ui(ui, post, out);
            });
        }
        let palette = Palette::from_ui(ui);
        let top = ui.cursor().top() - space::S;
        ui.painter()
            .hline(ui.max_rect().x_range(), top, Stroke::new(1.0, palette.line));
        Frame::new()
            .inner_margin(Margin {
                left: 14,
                right: 6,
                top: 0,
                bottom: 0,
            })
            .show(ui, |ui| {
                let tabs = [
                    (false, "Scores", "How well the model does against the truth"),
                    (true, "Answer", "The model’s raw answer to this post (J)"),
                ];
                if let Some(chosen) = widgets::segmented(ui, "Below", *shows_answer, &tabs) {
                    *shows_answer = chosen;
                }
                let id = if *shows_answer { "answer" } else { "scores" };
                ScrollArea::vertical()
                    .id_salt(id)
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        ui.set_max_width(ui.available_width() - space::S);
                        if *shows_answer {
                            answer::show(ui, self.bench, self.model, self.run, out);
                        } else {
                            metrics.show(ui, self.bench, out);
                        }
                        ui.add_space(space::M);
                    });
            });
    }

    fn decision_ui(&self, ui: &mut Ui, post: usize, out: &mut Vec<Command>) {
        let session = &self.bench.session;
        let labels = &session.dataset().labels;
        let records = Records {
            dataset: session
                .dataset()
                .posts
                .get(post)
                .and_then(|post| post.truth),
            model: session.answer(post),
            working: self.bench.working(post),
        };
        self.state_ui(ui, post, &records);
        if labels.is_empty() {
            let text = "This dataset has no labels to choose from. Put a class_names.txt beside it, \
                        one label a line, or start Overrule with --labels a,b,c.";
            notice(ui, icons::ICON_WARNING, Palette::from_ui(ui).warn, text);
            return;
        }
        header_ui(ui, &records, session.prediction(post).is_some());
        // Many labels scroll, so that the buttons stay in reach.
        let room = (ui.ctx().content_rect().height() * 0.42).max(4.0 * ROW);
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("label_rows")
            .max_height(room)
            .show(ui, |ui| {
                for (index, name) in labels.iter().enumerate() {
                    label_row(ui, index, name, &records, out);
                }
            });
        none_row(ui, &records, out);
        ui.spacing_mut().item_spacing.y = space::S;
        self.difference_ui(ui, post, labels, &records);
        self.buttons_ui(ui, post, &records, out);
    }

    /// What the check marks are: suggestion, edit, or decision.
    fn state_ui(&self, ui: &mut Ui, post: usize, records: &Records) {
        let palette = Palette::from_ui(ui);
        let review = self.bench.session.review(post);
        let (symbol, color, text) = match (records.working.source, review.outcome) {
            (Source::Draft, _) => (
                icons::ICON_EDIT,
                palette.accent,
                "Changed, not confirmed yet",
            ),
            (_, Some(Outcome::Skipped)) => (icons::ICON_SKIP_NEXT, palette.weak, "Skipped"),
            (_, Some(Outcome::Escalated)) => {
                (icons::ICON_SUPERVISOR_ACCOUNT, palette.warn, "Escalated")
            }
            (Source::Decision, _) => (icons::ICON_CHECK_CIRCLE, palette.good, "Confirmed"),
            (Source::Model, _) => (
                icons::ICON_DEPLOYED_CODE,
                palette.weak,
                "The model’s labels, not confirmed yet",
            ),
            (Source::Dataset, _) => (
                icons::ICON_TABLE_ROWS,
                palette.weak,
                "The dataset’s labels, not confirmed yet",
            ),
            (Source::Nothing, _) => (
                icons::ICON_RADIO_BUTTON_UNCHECKED,
                palette.weak,
                "Nothing chosen yet",
            ),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(icon(symbol).color(color));
            ui.label(theme::strong(text).color(color));
        });
    }

    fn difference_ui(&self, ui: &mut Ui, post: usize, labels: &LabelNames, records: &Records) {
        let palette = Palette::from_ui(ui);
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.add_space(3.0);
        match self.bench.session.prediction(post) {
            None => {
                let text = match self.run {
                    Some(run) if !run.ended => "The model has not come to this post yet",
                    _ => "No prediction for this post",
                };
                small_notice(ui, icons::ICON_PENDING, palette.weak, text);
            }
            Some(prediction) => match (&prediction.error, records.model) {
                (Some(error), _) => small_notice(ui, icons::ICON_ERROR, palette.bad, error),
                (None, None) => {
                    let text = "The model’s answer could not be read; scores count it as no labels";
                    small_notice(ui, icons::ICON_HELP, palette.warn, text);
                }
                (None, Some(model)) => {
                    if let Some(truth) = records.dataset {
                        compared(ui, labels, "The model", model, truth, "the dataset");
                    }
                    if matches!(records.working.source, Source::Draft | Source::Decision)
                        && let Some(mine) = records.working.labels
                    {
                        compared(ui, labels, "You", mine, model, "the model");
                    }
                }
            },
        }
        if records.dataset.is_none() {
            small_notice(
                ui,
                icons::ICON_INFO,
                palette.weak,
                "The dataset has no label for this post",
            );
        }
        ui.spacing_mut().item_spacing.y = space::S;
    }

    fn buttons_ui(&self, ui: &mut Ui, post: usize, records: &Records, out: &mut Vec<Command>) {
        let review = self.bench.session.review(post);
        let width = ui.available_width();
        let half = (width - space::S) / 2.0;
        ui.horizontal(|ui| {
            let chosen = records.working.labels.is_some();
            wide(
                ui,
                Command::Confirm,
                half + 16.0,
                Look::Primary,
                chosen,
                out,
            );
            let answered = records.model.is_some();
            wide(ui, Command::Accept, half - 16.0, Look::Plain, answered, out);
        });
        ui.horizontal(|ui| {
            wide(ui, Command::Skip, half, Look::Plain, true, out);
            wide(ui, Command::Escalate, half, Look::Plain, true, out);
        });
        ui.horizontal(|ui| {
            let flag = if review.flagged {
                Look::Pressed
            } else {
                Look::Plain
            };
            wide(ui, Command::Flag, half, flag, true, out);
            let note = if review.note.is_empty() {
                Look::Plain
            } else {
                Look::Pressed
            };
            wide(ui, Command::EditNote, half, note, true, out);
        });
        if !review.note.is_empty() {
            let text = format!("Note: {}", review.note.replace('\n', " "));
            ui.add(egui::Label::new(theme::caption(ui, text)).truncate());
        }
    }
}

fn header_ui(ui: &mut Ui, records: &Records, predicted: bool) {
    let palette = Palette::from_ui(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let font = FontId::proportional(SMALL);
    let columns = Columns::of(rect);
    let painter = ui.painter();
    let heading = |x: f32, align: Align2, text: &str, present: bool| {
        let color = if present {
            palette.weak
        } else {
            palette.weak.gamma_multiply(0.8)
        };
        painter.text(pos2(x, rect.center().y), align, text, font.clone(), color);
    };
    heading(columns.name, Align2::LEFT_CENTER, "Your decision", true);
    heading(
        columns.dataset,
        Align2::CENTER_CENTER,
        "Dataset",
        records.dataset.is_some(),
    );
    heading(columns.model, Align2::CENTER_CENTER, "Model", predicted);
}

/// Where the columns of a row stand.
struct Columns {
    key: f32,
    check: f32,
    name: f32,
    dataset: f32,
    model: f32,
}

impl Columns {
    fn of(row: Rect) -> Self {
        let model = row.right() - MARK / 2.0;
        Self {
            key: row.left() + 10.0,
            check: row.left() + 36.0,
            name: row.left() + 54.0,
            dataset: model - MARK,
            model,
        }
    }
}

fn label_row(ui: &mut Ui, index: usize, name: &str, records: &Records, out: &mut Vec<Command>) {
    let on = |set: Option<LabelSet>| set.map(|set| set.contains(index));
    let mine = on(records.working.labels).unwrap_or(false);
    let row = Row {
        key: (index < 9).then(|| (index + 1).to_string()),
        name,
        checked: mine,
        sure: records.working.source == Source::Decision || records.working.source == Source::Draft,
        marks: Some((on(records.dataset), on(records.model))),
    };
    if row.show(ui) {
        out.push(Command::Toggle(index));
    }
}

fn none_row(ui: &mut Ui, records: &Records, out: &mut Vec<Command>) {
    let none = |set: Option<LabelSet>| set.map(LabelSet::is_empty);
    let row = Row {
        key: Some("0".to_owned()),
        name: "None of these",
        checked: none(records.working.labels).unwrap_or(false),
        sure: records.working.source == Source::Decision || records.working.source == Source::Draft,
        marks: Some((none(records.dataset), none(records.model))),
    };
    if row.show(ui) {
        out.push(Command::ChooseNone);
    }
}

struct Row<'a> {
    key: Option<String>,
    name: &'a str,
    checked: bool,
    /// Whether the check mark is the reviewer's own.
    sure: bool,
    /// What dataset and model say; `None` where there is no say.
    marks: Option<(Option<bool>, Option<bool>)>,
}

impl Row<'_> {
    /// Draws the row; returns whether it was clicked.
    fn show(&self, ui: &mut Ui) -> bool {
        let palette = Palette::from_ui(ui);
        let size = vec2(ui.available_width(), ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response
            .widget_info(|| WidgetInfo::selected(Role::CheckBox, true, self.checked, self.name));
        let columns = Columns::of(rect);
        if response.hovered() || response.has_focus() {
            ui.painter()
                .rect_filled(rect.expand2(vec2(4.0, 0.0)), 5.0, palette.raised);
        }
        if response.has_focus() {
            let stroke = Stroke::new(1.5, palette.accent);
            let rect = rect.expand2(vec2(4.0, 0.0));
            ui.painter()
                .rect_stroke(rect, 5.0, stroke, egui::StrokeKind::Inside);
        }
        let painter = ui.painter();
        if let Some(key) = &self.key {
            let at = pos2(columns.key, rect.center().y);
            painter.text(
                at,
                Align2::CENTER_CENTER,
                key,
                widgets::key_font(),
                palette.weak,
            );
        }
        let (symbol, color) = match (self.checked, self.sure) {
            (true, true) => (icons::ICON_CHECK_BOX, palette.accent),
            (true, false) => (icons::ICON_CHECK_BOX, palette.weak),
            (false, _) => (icons::ICON_CHECK_BOX_OUTLINE_BLANK, palette.outline),
        };
        paint_icon(
            ui,
            pos2(columns.check, rect.center().y),
            symbol,
            color,
            19.0,
        );
        let family = if self.checked {
            theme::strong_family()
        } else {
            FontFamily::Proportional
        };
        let font = FontId::new(theme::BODY, family);
        let room = columns.dataset - MARK / 2.0 - columns.name;
        let text = egui::WidgetText::from(RichText::new(self.name).font(font).color(palette.text));
        let galley = text.into_galley(
            ui,
            Some(TextWrapMode::Truncate),
            room,
            egui::TextStyle::Body,
        );
        let top = rect.center().y - galley.size().y / 2.0;
        ui.painter()
            .galley(pos2(columns.name, top), galley, palette.text);
        if let Some((dataset, model)) = self.marks {
            let differ = matches!((dataset, model), (Some(d), Some(m)) if d != m);
            mark(ui, pos2(columns.dataset, rect.center().y), dataset, false);
            mark(ui, pos2(columns.model, rect.center().y), model, differ);
        }
        response.on_hover_text(self.words()).clicked()
    }

    /// The row in words, for the tooltip.
    fn words(&self) -> String {
        let say = |who: &str, says: Option<bool>| match says {
            Some(true) => format!("{who}: yes"),
            Some(false) => format!("{who}: no"),
            None => format!("{who}: no say"),
        };
        let (dataset, model) = self.marks.unwrap_or_default();
        format!(
            "{}\n{}\n{}",
            self.name,
            say("Dataset", dataset),
            say("Model", model)
        )
    }
}

/// A mark of what dataset or model say: a check, a dash, or nothing; one that differs stands in an outline.
fn mark(ui: &Ui, at: egui::Pos2, says: Option<bool>, differs: bool) {
    let palette = Palette::from_ui(ui);
    if differs {
        let rect = Rect::from_center_size(at, vec2(26.0, 21.0));
        let stroke = Stroke::new(1.0, palette.warn);
        ui.painter()
            .rect_stroke(rect, 5.0, stroke, egui::StrokeKind::Inside);
    }
    let color = if differs { palette.warn } else { palette.text };
    match says {
        Some(true) => paint_icon(ui, at, icons::ICON_CHECK, color, 16.0),
        Some(false) => {
            let color = if differs {
                palette.warn
            } else {
                palette.outline
            };
            ui.painter()
                .hline(at.x - 4.0..=at.x + 4.0, at.y, Stroke::new(1.5, color));
        }
        None => {}
    }
}

fn paint_icon(ui: &Ui, at: egui::Pos2, symbol: MaterialIcon, color: egui::Color32, size: f32) {
    let font = FontId::new(size, symbol.font_family());
    ui.painter()
        .text(at, Align2::CENTER_CENTER, symbol.codepoint, font, color);
}

/// Says in words how one set of labels differs from another.
fn compared(ui: &mut Ui, labels: &LabelNames, who: &str, a: LabelSet, b: LabelSet, whom: &str) {
    let palette = Palette::from_ui(ui);
    let text = difference(labels, who, a, b, whom);
    if a == b {
        small_notice(ui, icons::ICON_CHECK, palette.good, &text);
    } else {
        small_notice(ui, icons::ICON_COMPARE_ARROWS, palette.warn, &text);
    }
}

/// How one set of labels differs from another, in words.
fn difference(labels: &LabelNames, who: &str, a: LabelSet, b: LabelSet, whom: &str) -> String {
    let (agrees, adds, misses) = match who {
        "You" => ("agree with", "add", "drop"),
        _ => ("agrees with", "adds", "misses"),
    };
    if a == b {
        return format!("{who} {agrees} {whom}");
    }
    let only = |x: LabelSet, y: LabelSet| {
        labels
            .names_of(LabelSet::from_bits(x.bits() & !y.bits()))
            .join(", ")
    };
    let (added, missed) = (only(a, b), only(b, a));
    let mut parts = Vec::new();
    if !added.is_empty() {
        parts.push(format!("{adds} {added}"));
    }
    if !missed.is_empty() {
        parts.push(format!("{misses} {missed}"));
    }
    format!(
        "Against {whom}, {} {}",
        if who == "You" { "you" } else { "the model" },
        parts.join(" and ")
    )
}

fn small_notice(ui: &mut Ui, symbol: MaterialIcon, color: egui::Color32, text: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = 16.0;
        ui.label(symbol.rich_text().size(14.0).color(color));
        let text = RichText::new(text).size(12.0).color(color);
        ui.add(egui::Label::new(text).wrap());
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Primary,
    Plain,
    Pressed,
}

/// A button of a given width: icon, word, and its key at the right end.
fn wide(
    ui: &mut Ui,
    command: Command,
    width: f32,
    look: Look,
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
    let key = command.shortcut_text(ui.ctx()).unwrap_or_default();
    let text = RichText::new(label.as_ref()).color(color);
    let text = if look == Look::Plain {
        text
    } else {
        text.family(theme::strong_family())
    };
    let mut button = Button::new((icon(command.icon()).color(color), text))
        .right_text(
            RichText::new(key)
                .font(widgets::key_font())
                .color(key_color),
        )
        .min_size(vec2(width, 30.0));
    button = match look {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_words() {
        let labels = LabelNames::new(["a", "b", "c"]).unwrap();
        let set = |indices: &[usize]| indices.iter().copied().collect::<LabelSet>();
        for (a, b, model, you) in [
            (
                set(&[0]),
                set(&[0]),
                "The model agrees with it",
                "You agree with it",
            ),
            (
                set(&[]),
                set(&[]),
                "The model agrees with it",
                "You agree with it",
            ),
            (
                set(&[0, 1]),
                set(&[0]),
                "Against it, the model adds b",
                "Against it, you add b",
            ),
            (
                set(&[1]),
                set(&[0, 2]),
                "Against it, the model adds b and misses a, c",
                "Against it, you add b and drop a, c",
            ),
        ] {
            assert_eq!(difference(&labels, "The model", a, b, "it"), model);
            assert_eq!(difference(&labels, "You", a, b, "it"), you);
        }
    }
}
