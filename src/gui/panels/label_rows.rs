//! The rows of the labels: key, check mark, name, and what dataset and model say, in columns.

use egui::{
    Align2, FontFamily, FontId, Rect, RichText, Role, Sense, Stroke, TextWrapMode, Ui, WidgetInfo,
    pos2, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

use crate::{
    gui::{
        bench::{Source, Working},
        command::Command,
        theme::{self, Palette, SMALL},
        widgets,
    },
    post::LabelSet,
};

/// Height of a row, in points.
pub const ROW: f32 = 29.0;

/// Width of the columns of marks, in points.
const MARK: f32 = 54.0;

/// The three records of the post on screen.
pub struct Records {
    /// What the dataset says.
    pub dataset: Option<LabelSet>,
    /// What the model says, if that can be read.
    pub model: Option<LabelSet>,
    /// What stands in front of the reviewer.
    pub working: Working,
}

/// The headings of the columns.
pub fn header(ui: &mut Ui, records: &Records, predicted: bool) {
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

/// The row of a label.
pub fn label(ui: &mut Ui, index: usize, name: &str, records: &Records, out: &mut Vec<Command>) {
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

/// The row that says that no label applies.
pub fn none(ui: &mut Ui, records: &Records, out: &mut Vec<Command>) {
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
