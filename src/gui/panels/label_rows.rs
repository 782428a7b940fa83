//! The rows of the labels: key, check mark, name, and what dataset and model say, in columns.

use egui::{
    Align2, FontFamily, FontId, Rect, RichText, Role, Sense, Stroke, TextWrapMode, Ui, WidgetInfo,
    pos2, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

use super::scores;
use crate::{
    gui::{
        command::Command,
        theme::{self, Palette, SMALL},
        widgets,
        working::Working,
    },
    post::LabelSet,
    predict::prediction::Score,
};

/// Height of a row, in points.
pub const ROW: f32 = 29.0;

/// Width of the columns of marks, in points.
const MARK: f32 = 54.0;

/// The records of the post on screen.
pub struct Records<'a> {
    /// What the dataset says.
    pub dataset: Option<LabelSet>,
    /// What the model says, if that can be read.
    pub model: Option<LabelSet>,
    /// What another run says; `None` where no other run is beside this one.
    pub other: Option<Option<LabelSet>>,
    /// The probabilities of the labels in class order; empty without.
    pub scores: &'a [Score],
    /// What stands in front of the reviewer.
    pub working: Working,
}

impl Records<'_> {
    /// What the columns at the right say, from left to right: the name, and the say on what `of` asks.
    fn marks(&self, of: impl Fn(LabelSet) -> bool) -> Vec<Mark> {
        let mark = |name, set: Option<LabelSet>| Mark {
            name,
            says: set.map(&of),
        };
        match self.other {
            None => vec![mark("Dataset", self.dataset), mark("Model", self.model)],
            Some(other) => vec![
                mark("Dataset", self.dataset),
                mark("Run A", self.model),
                mark("Run B", other),
            ],
        }
    }
}

/// What one column of a row says.
struct Mark {
    name: &'static str,
    says: Option<bool>,
}

/// The headings of the columns.
pub fn header(ui: &mut Ui, records: &Records) {
    let palette = Palette::from_ui(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let font = FontId::proportional(SMALL);
    let marks = records.marks(|_| true);
    let columns = Columns::of(rect, marks.len());
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
    for (at, mark) in columns.marks().zip(&marks) {
        heading(at, Align2::CENTER_CENTER, mark.name, mark.says.is_some());
    }
}

/// Where the columns of a row stand.
struct Columns {
    key: f32,
    check: f32,
    name: f32,
    /// The middle of the first column of marks.
    first_mark: f32,
    n_marks: usize,
}

impl Columns {
    fn of(row: Rect, n_marks: usize) -> Self {
        Self {
            key: row.left() + 10.0,
            check: row.left() + 36.0,
            name: row.left() + 54.0,
            first_mark: row.right() - MARK * (n_marks as f32 - 0.5),
            n_marks,
        }
    }

    fn marks(&self) -> impl Iterator<Item = f32> {
        (0..self.n_marks).map(|n| self.first_mark + MARK * n as f32)
    }

    /// The room for the name, in points.
    fn room(&self) -> f32 {
        self.first_mark - MARK / 2.0 - self.name
    }
}

/// The row of a label: its name, and what the guideline says about it.
pub fn label(
    ui: &mut Ui,
    index: usize,
    (name, about): (&str, Option<&str>),
    records: &Records,
    out: &mut Vec<Command>,
) {
    let has = |set: LabelSet| set.contains(index);
    let row = Row {
        key: Command::Toggle(index).shortcut_text(ui.ctx()),
        name,
        checked: records.working.labels.is_some_and(has),
        sure: records.working.is_own(),
        marks: records.marks(has),
        score: records.scores.get(index).copied(),
        about,
    };
    if row.show(ui) {
        out.push(Command::Toggle(index));
    }
}

/// The row that says that no label applies.
pub fn none(ui: &mut Ui, records: &Records, out: &mut Vec<Command>) {
    let row = Row {
        key: Command::ChooseNone.shortcut_text(ui.ctx()),
        name: "None of these",
        checked: records.working.labels.is_some_and(LabelSet::is_empty),
        sure: records.working.is_own(),
        marks: records.marks(LabelSet::is_empty),
        score: None,
        about: None,
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
    marks: Vec<Mark>,
    score: Option<Score>,
    about: Option<&'a str>,
}

impl Row<'_> {
    /// Draws the row; returns whether it was clicked.
    fn show(&self, ui: &mut Ui) -> bool {
        let palette = Palette::from_ui(ui);
        let size = vec2(ui.available_width(), ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response
            .widget_info(|| WidgetInfo::selected(Role::CheckBox, true, self.checked, self.name));
        let words = self.words();
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_description(words.as_str());
            if let Some(key) = &self.key {
                node.set_keyboard_shortcut(key.as_str());
            }
        });
        let columns = Columns::of(rect, self.marks.len());
        if response.hovered() || response.has_focus() {
            ui.painter()
                .rect_filled(rect.expand2(vec2(4.0, 0.0)), 5.0, palette.raised);
        }
        let painter = ui.painter();
        if let Some(key) = &self.key {
            // A key of the user's choice may be longer than the digit that it stands for.
            let key = RichText::new(key).font(widgets::key_font());
            let key = egui::WidgetText::from(key.color(palette.weak));
            let (mode, room) = (
                Some(TextWrapMode::Truncate),
                columns.check - rect.left() - 11.0,
            );
            let galley = key.into_galley(ui, mode, room, egui::TextStyle::Body);
            let at = pos2(columns.key, rect.center().y) - galley.size() / 2.0;
            let at = pos2(at.x.max(rect.left()), at.y);
            painter.galley(at, galley, palette.weak);
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
        self.name_ui(ui, rect, &columns);
        // What differs from the column before it stands out; a column without a say differs from nothing.
        let says: Vec<Option<bool>> = self.marks.iter().map(|mark| mark.says).collect();
        for (place, (at, says_it)) in columns.marks().zip(&says).enumerate() {
            let before = says.get(..place).unwrap_or_default();
            let differs =
                says_it.is_some() && before.iter().flatten().any(|b| Some(*b) != *says_it);
            mark(ui, pos2(at, rect.center().y), *says_it, differs);
        }
        response.on_hover_text(words).clicked()
    }

    /// The name, and below it the probability.
    fn name_ui(&self, ui: &Ui, rect: Rect, columns: &Columns) {
        let palette = Palette::from_ui(ui);
        let family = if self.checked {
            theme::strong_family()
        } else {
            FontFamily::Proportional
        };
        let font = FontId::new(theme::BODY, family);
        let text = egui::WidgetText::from(RichText::new(self.name).font(font).color(palette.text));
        let right = columns.name + columns.room() - theme::space::S;
        let mut room = right - columns.name;
        let mut middle = rect.center().y;
        if let Some(score) = self.score {
            middle -= 3.0;
            let number = pos2(right, middle);
            room -= scores::number(ui, number, score) + theme::space::XS;
            let y = rect.bottom() - 6.0;
            scores::bar(ui, columns.name..=right, y, score);
        }
        let mode = Some(TextWrapMode::Truncate);
        let galley = text.into_galley(ui, mode, room, egui::TextStyle::Body);
        let top = middle - galley.size().y / 2.0;
        ui.painter()
            .galley(pos2(columns.name, top), galley, palette.text);
    }

    /// The row in words, for the tooltip and for screen readers.
    fn words(&self) -> String {
        let mut words = self.name.to_owned();
        if let Some(about) = self.about {
            words.push_str(&format!("\n{about}\n"));
        }
        for mark in &self.marks {
            let says = match mark.says {
                Some(true) => "yes",
                Some(false) => "no",
                None => "no say",
            };
            words.push_str(&format!("\n{}: {says}", mark.name));
        }
        if let Some(score) = self.score {
            words.push('\n');
            words.push_str(&scores::words(score));
        }
        words
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
