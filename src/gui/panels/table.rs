//! A table of figures: a name at the left, figures at the right, some of which can be clicked.

use egui::{Align, Button, Layout, RichText, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use crate::gui::{
    command::Command,
    theme::{self, Palette, SMALL},
};

/// A column of figures.
pub struct Figure {
    /// The heading.
    pub name: &'static str,
    /// What it means.
    pub tooltip: &'static str,
    /// Width, in points.
    pub width: f32,
}

impl Figure {
    /// A column of a heading and a width, and what it means.
    pub fn new(name: &'static str, width: f32, tooltip: &'static str) -> Self {
        Self {
            name,
            tooltip,
            width,
        }
    }
}

/// One figure.
#[derive(Default)]
pub struct Cell {
    /// The figure.
    pub text: String,
    /// How far it may be trusted, less loudly behind it.
    pub interval: Option<String>,
    /// More about it.
    pub tooltip: Option<String>,
    /// What a click does, and its name for screen readers.
    pub click: Option<(Command, String)>,
}

impl Cell {
    /// A figure to look at.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Adds how far it may be trusted.
    #[must_use]
    pub fn with_interval(mut self, interval: Option<String>) -> Self {
        self.interval = interval;
        self
    }

    /// Adds what there is to know about it.
    #[must_use]
    pub fn with_tooltip(mut self, tooltip: impl Into<String>) -> Self {
        self.tooltip = Some(tooltip.into());
        self
    }

    /// Makes it something to click.
    #[must_use]
    pub fn with_click(mut self, command: Command, name: impl Into<String>) -> Self {
        self.click = Some((command, name.into()));
        self
    }
}

/// Draws a table: the heading of the names, the columns, and a row for each name.
pub fn show(
    ui: &mut Ui,
    id: &str,
    names: (&str, &str),
    columns: &[Figure],
    rows: &[(&str, Vec<Cell>)],
    out: &mut Vec<Command>,
) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0, 0.0);
        let mut table = TableBuilder::new(ui)
            .id_salt(id)
            .striped(false)
            .vscroll(false)
            .cell_layout(Layout::right_to_left(Align::Center))
            .column(Column::remainder().at_least(64.0).clip(true));
        for column in columns {
            table = table.column(Column::exact(column.width));
        }
        let head = |ui: &mut Ui, text: &str, tooltip: &str| {
            ui.label(theme::caption(ui, text)).on_hover_text(tooltip);
        };
        table
            .header(20.0, |mut row| {
                row.col(|ui| {
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        head(ui, names.0, names.1);
                    });
                });
                for column in columns {
                    row.col(|ui| head(ui, column.name, column.tooltip));
                }
            })
            .body(|body| {
                body.rows(22.0, rows.len(), |mut row| {
                    let Some((name, cells)) = rows.get(row.index()) else {
                        return;
                    };
                    row.col(|ui| {
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            let text = RichText::new(*name).size(12.5);
                            ui.add(egui::Label::new(text).truncate());
                        });
                    });
                    for cell in cells {
                        row.col(|ui| cell_ui(ui, cell, out));
                    }
                });
            });
    });
}

fn cell_ui(ui: &mut Ui, cell: &Cell, out: &mut Vec<Command>) {
    // The cell is filled from its right end.
    if let Some(interval) = &cell.interval {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(theme::caption(ui, interval));
    }
    let text = RichText::new(&cell.text).size(SMALL + 0.5);
    let response = match &cell.click {
        None => ui.label(text),
        Some((command, name)) => {
            // Underlined, since colour alone tells nothing.
            let text = text.color(Palette::from_ui(ui).accent).underline();
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            ui.spacing_mut().interact_size.y = 20.0;
            let button = Button::new(text).frame_when_inactive(false);
            let response = ui.add(button).accessible_name(name.as_str());
            if response.clicked() {
                out.push(command.clone());
            }
            response.on_hover_text(name)
        }
    };
    if let Some(tooltip) = &cell.tooltip {
        response.on_hover_text(tooltip);
    }
}
