//! The answers to a post's forms, side by side.

use egui::{Grid, RichText, Ui};

use crate::{
    gui::{
        panels::scores::percent,
        theme::{self, Palette, space},
    },
    post::LabelNames,
    predict::{answer::Parse, prediction::Prediction, probe::Found},
};

/// From this change on a probability stands out.
const MUCH: f64 = 0.1;

/// One form and what came of it.
pub struct Column {
    name: &'static str,
    said: Option<Result<Prediction, String>>,
}

impl Column {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, said: None }
    }

    pub(super) fn take(&mut self, found: Found) {
        match found {
            Found::Said(prediction) => {
                self.said = Some(match prediction.error.clone() {
                    Some(error) => Err(error),
                    None => Ok(*prediction),
                });
            }
            Found::Failed(message) => self.said = Some(Err(message)),
            Found::Seen(_) => {}
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        let text = || Err("The model was put away before it answered.".to_owned());
        self.said.get_or_insert_with(text);
    }

    fn prediction(&self) -> Option<&Prediction> {
        self.said.as_ref()?.as_ref().ok()
    }

    fn p(&self, label: usize) -> Option<f64> {
        let scores = self.prediction()?.scores.as_ref()?;
        scores.get(label).map(|score| score.p)
    }
}

pub(super) fn show(ui: &mut Ui, labels: &LabelNames, columns: &[Column]) {
    let palette = Palette::from_ui(ui);
    ui.add_space(space::S);
    Grid::new("probed")
        .striped(true)
        .spacing([space::L, space::XS])
        .show(ui, |ui| {
            ui.label(theme::caption(ui, "Label"));
            columns.iter().for_each(|column| {
                ui.label(theme::strong(column.name));
            });
            ui.end_row();
            for (index, name) in labels.iter().enumerate() {
                ui.label(name);
                for column in columns {
                    cell_ui(ui, index, column, columns.first());
                }
                ui.end_row();
            }
            ui.label(theme::caption(ui, "Answer"));
            for column in columns {
                let text = match column.prediction() {
                    Some(prediction) if prediction.parse == Parse::Failed => "(unreadable)".into(),
                    Some(prediction) => labels.words(prediction.labels),
                    None => String::new(),
                };
                ui.label(theme::caption(ui, text));
            }
            ui.end_row();
        });
    for column in columns {
        if let Some(Err(message)) = &column.said {
            ui.colored_label(palette.bad, format!("{}: {message}", column.name));
        }
    }
    if let Some(text) = largest_change(labels, columns) {
        ui.add_space(space::XS);
        ui.label(theme::strong(text));
    }
}

/// A label's probability, and how it differs from that of the post as it is.
fn cell_ui(ui: &mut Ui, label: usize, column: &Column, first: Option<&Column>) {
    let palette = Palette::from_ui(ui);
    let Some(prediction) = column.prediction() else {
        ui.label(if column.said.is_none() { "…" } else { "–" });
        return;
    };
    let Some(p) = column.p(label) else {
        // Without probabilities, what was answered.
        let named = prediction.labels.contains(label);
        ui.label(if named { "yes" } else { "no" });
        return;
    };
    let change = first.and_then(|first| first.p(label)).map(|of| p - of);
    let mut text = percent(p);
    let (mut color, mut much) = (palette.text, false);
    if let Some(change) = change.filter(|change| change.abs() >= MUCH) {
        text.push_str(if change > 0.0 { " ▲" } else { " ▼" });
        color = palette.warn;
        much = true;
    }
    let text = RichText::new(text).color(color);
    ui.label(if much { text.strong() } else { text });
}

/// What moved most, in words, once every form was answered.
fn largest_change(labels: &LabelNames, columns: &[Column]) -> Option<String> {
    let (first, others) = columns.split_first()?;
    if columns.iter().any(|column| column.said.is_none()) {
        return None;
    }
    let changes = others.iter().flat_map(|column| {
        let of = |label| Some((label, column.p(label)? - first.p(label)?, column.name));
        (0..labels.len()).filter_map(of)
    });
    let (label, change, form) = changes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    if change.abs() < MUCH {
        return Some("No form changes a probability by 10 points or more.".to_owned());
    }
    Some(format!(
        "Largest change: {} {} by {:.0} points with “{}”.",
        labels.get(label).unwrap_or_default(),
        if change > 0.0 { "rises" } else { "falls" },
        change.abs() * 100.0,
        form.to_lowercase()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::prediction::{Score, Seconds};

    #[test]
    fn the_largest_change_is_told_once_all_is_answered() {
        let labels = LabelNames::new(["a", "b"]).unwrap();
        let said = |p: [f64; 2]| {
            let score = |p| Score { p, lo: p, hi: p };
            let mut prediction = Prediction::failed("", Seconds::default());
            (prediction.error, prediction.scores) = (None, Some(p.map(score).to_vec()));
            Found::Said(Box::new(prediction))
        };
        let mut columns = [Column::new("As it is"), Column::new("No text")];
        columns[0].take(said([0.9, 0.5]));
        assert_eq!(largest_change(&labels, &columns), None);
        columns[1].take(said([0.2, 0.55]));
        assert_eq!(
            largest_change(&labels, &columns).as_deref(),
            Some("Largest change: a falls by 70 points with “no text”.")
        );
        columns[1].take(said([0.88, 0.55]));
        assert!(
            largest_change(&labels, &columns)
                .unwrap()
                .starts_with("No form changes")
        );
    }
}
