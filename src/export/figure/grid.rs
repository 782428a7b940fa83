//! A table of counts, laid out.

use super::{
    Grid, Ink,
    layout::{Align, Area, LINE, Layout, Mark, Page, SMALL},
    strength,
    text::{elided, width},
};

impl Page {
    pub(super) fn grid(mut self, grid: &Grid) -> Layout {
        let room = self.room;
        let (n_rows, n_columns) = (
            grid.rows.len().max(1) as f32,
            grid.columns.len().max(1) as f32,
        );
        let widest = |names: &[String]| {
            names
                .iter()
                .map(|n| width(n, SMALL, false))
                .fold(0.0, f32::max)
        };
        let names = widest(&grid.rows).min((room.right - room.left) * 0.3);
        let left = room.left + LINE + names + 8.0;
        let cell_width = ((room.right - left) / n_columns).min(110.0);
        let are_turned = widest(&grid.columns) > cell_width - 6.0;
        let above = match are_turned {
            true => widest(&grid.columns).min((room.bottom - room.top) * 0.3) + 6.0,
            false => LINE,
        };
        let top = room.top + LINE + above;
        let cell_height = ((room.bottom - top) / n_rows).min(54.0);
        let frame = Area {
            left,
            top,
            right: left + n_columns * cell_width,
            bottom: top + n_rows * cell_height,
        };
        let middle = ((frame.left + frame.right) / 2.0, room.top + SMALL);
        self.text(grid.columns_name.clone(), middle, Align::Center, Ink::Text);
        for (column, name) in grid.columns.iter().enumerate() {
            let x = left + (column as f32 + 0.5) * cell_width;
            match are_turned {
                true => {
                    let name = elided(name, SMALL, above - 6.0);
                    self.turned(name, (x + 4.0, top - 5.0), Align::Left);
                }
                false => self.text(name, (x, top - 5.0), Align::Center, Ink::Weak),
            }
        }
        let middle = (room.left + SMALL - 2.0, (frame.top + frame.bottom) / 2.0);
        self.turned(grid.rows_name.clone(), middle, Align::Center);
        for (row, name) in grid.rows.iter().enumerate() {
            let y = top + (row as f32 + 0.5) * cell_height;
            let name = elided(name, SMALL, names);
            self.text(name, (left - 6.0, y + 4.0), Align::Right, Ink::Weak);
            for column in 0..grid.columns.len() {
                let x = left + column as f32 * cell_width;
                self.cell(grid, (row, column), (x, y), (cell_width, cell_height));
            }
        }
        Layout {
            marks: self.marks,
            data: 0..0,
            frame,
            targets: Vec::new(),
        }
    }

    /// One count, its left edge and its middle height given.
    fn cell(&mut self, grid: &Grid, place: (usize, usize), at: (f32, f32), size: (f32, f32)) {
        let count = grid.get(place.0, place.1);
        let (left, right) = (at.0 + 1.0, at.0 + size.0 - 1.0);
        let (top, bottom) = (at.1 - size.1 / 2.0 + 1.0, at.1 + size.1 / 2.0 - 1.0);
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        let (ink, strength) = match count {
            0 => (Ink::Line, 0.35),
            count => (Ink::First, strength(count, grid.most())),
        };
        self.marks.push(Mark::Area {
            corners,
            ink,
            strength,
        });
        let text = count.to_string();
        if size.1 >= SMALL && width(&text, SMALL, false) <= size.0 - 2.0 {
            let ink = if count == 0 { Ink::Weak } else { Ink::Text };
            self.text(text, (at.0 + size.0 / 2.0, at.1 + 4.0), Align::Center, ink);
        }
    }
}
