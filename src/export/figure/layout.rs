//! Where everything of a figure stands, in points from the upper left corner: the same in the window and in files.

use std::ops::Range;

use super::{
    Content, Dash, Figure, Ink,
    part::Part,
    text::{elided, wrap},
};

/// The width of a figure in a file, in points.
pub const WIDTH: f32 = 720.0;

/// Its height, in points.
pub const HEIGHT: f32 = 480.0;

/// The size of running text, in points.
pub const TEXT: f32 = 12.0;

pub(super) const SMALL: f32 = 11.0;
const HEADING: f32 = 15.0;
const PAD: f32 = 12.0;
pub(super) const LINE: f32 = 17.0;
pub(super) const DOT: f32 = 3.5;

/// How a text stands to its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Begins there.
    Left,
    /// Its middle is there.
    Center,
    /// Ends there.
    Right,
}

/// Something simple to draw.
#[derive(Clone, PartialEq, Debug)]
pub enum Mark {
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f32, f32)>,
        /// The colour.
        ink: Ink,
        /// How thick it is.
        width: f32,
        /// Its dashes.
        dash: Dash,
    },
    /// A filled area whose corners bulge outwards.
    Area {
        /// The corners in order.
        corners: Vec<(f32, f32)>,
        /// The colour.
        ink: Ink,
        /// How much of the colour there is, from 0 to 1.
        strength: f32,
    },
    /// A filled disc.
    Disc {
        /// The middle.
        at: (f32, f32),
        /// The radius.
        radius: f32,
        /// The colour.
        ink: Ink,
    },
    /// A line of text.
    Text {
        /// Its place on the base line.
        at: (f32, f32),
        /// The text.
        text: String,
        /// The size.
        size: f32,
        /// Whether it is of the heavier weight.
        is_strong: bool,
        /// The colour.
        ink: Ink,
        /// How it stands to its place.
        align: Align,
        /// Whether it runs upwards.
        is_turned: bool,
    },
}

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Area {
    /// The left edge.
    pub left: f32,
    /// The upper edge.
    pub top: f32,
    /// The right edge.
    pub right: f32,
    /// The lower edge.
    pub bottom: f32,
}

/// Where a point of a series is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Target {
    /// The place.
    pub at: (f32, f32),
    /// The place of its series in the plot.
    pub series: usize,
    /// Its place in the series.
    pub point: usize,
}

/// A figure laid out.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// What to draw, from the back to the front.
    pub marks: Vec<Mark>,
    /// Which marks are data: those of a plot that is not shown whole reach beyond the frame.
    pub data: Range<usize>,
    /// The room between the axes.
    pub frame: Area,
    /// Where the points are.
    pub targets: Vec<Target>,
}

/// Lays a figure out in a room of this size. Title and note are left out where what is around the figure says them.
pub fn lay_out(figure: &Figure, width: f32, height: f32, has_heading: bool) -> Layout {
    lay_out_part(figure, Part::WHOLE, width, height, has_heading)
}

/// Lays a part of a plot out; a table is always whole.
pub fn lay_out_part(
    figure: &Figure,
    part: Part,
    width: f32,
    height: f32,
    has_heading: bool,
) -> Layout {
    let mut page = Page {
        marks: Vec::new(),
        room: Area {
            left: PAD,
            top: PAD,
            right: width - PAD,
            bottom: height - PAD,
        },
    };
    if has_heading {
        page.heading(&figure.title, &figure.note);
    }
    match &figure.content {
        Content::Plot(plot) => page.plot(plot, part),
        Content::Grid(grid) => page.grid(grid),
    }
}

/// Marks, and the room that is left.
pub(super) struct Page {
    pub marks: Vec<Mark>,
    pub room: Area,
}

impl Page {
    pub(super) fn text(&mut self, text: impl Into<String>, at: (f32, f32), align: Align, ink: Ink) {
        self.marks.push(Mark::Text {
            at,
            text: text.into(),
            size: SMALL,
            is_strong: false,
            ink,
            align,
            is_turned: false,
        });
    }

    pub(super) fn turned(&mut self, text: String, at: (f32, f32), align: Align) {
        self.text(text, at, align, Ink::Weak);
        if let Some(Mark::Text { is_turned, .. }) = self.marks.last_mut() {
            *is_turned = true;
        }
    }

    pub(super) fn line(&mut self, points: Vec<(f32, f32)>, ink: Ink, width: f32, dash: Dash) {
        self.marks.push(Mark::Line {
            points,
            ink,
            width,
            dash,
        });
    }

    fn heading(&mut self, title: &str, note: &str) {
        let width = self.room.right - self.room.left;
        self.marks.push(Mark::Text {
            at: (self.room.left, self.room.top + HEADING - 2.0),
            text: elided(title, HEADING, width),
            size: HEADING,
            is_strong: true,
            ink: Ink::Text,
            align: Align::Left,
            is_turned: false,
        });
        self.room.top += HEADING + 7.0;
        for line in wrap(note, SMALL, width) {
            let at = (self.room.left, self.room.top + SMALL - 1.0);
            self.text(line, at, Align::Left, Ink::Weak);
            self.room.top += LINE - 2.0;
        }
        self.room.top += 4.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::figure::{Axis, Dot, Grid, Look, Plot, Point, Series};

    #[test]
    fn everything_stands_within_the_picture_however_long_the_names_are() {
        let names: Vec<String> = (0..40)
            .map(|i| format!("a label of a very long name {i}"))
            .collect();
        let points = (0..40).map(|i| Point {
            range: Some((0.1, 0.9)),
            ..Point::new(f64::from(i), 0.5)
        });
        let series = |name: &str| Series {
            name: name.repeat(12),
            look: Look::dots(Ink::First, Dot::Diamond),
            points: points.clone().collect(),
        };
        let plot = Plot {
            x: Axis::of_names("Label", names.clone()),
            y: Axis::share("F1"),
            z: None,
            series: vec![series("one "), series("another ")],
        };
        let grid = Grid {
            rows_name: "Missed".to_owned(),
            rows: names.clone(),
            columns_name: "Added".to_owned(),
            columns: names,
            counts: vec![vec![1234; 40]; 40],
        };
        for content in [Content::Plot(plot), Content::Grid(grid)] {
            let figure = Figure {
                name: "f".to_owned(),
                title: "A title ".repeat(30),
                note: "n = 3 posts ".repeat(20),
                content,
            };
            for (wide, high) in [(WIDTH, HEIGHT), (320.0, 240.0)] {
                for mark in lay_out(&figure, wide, high, true).marks {
                    let places = match &mark {
                        Mark::Line { points, .. } => points.clone(),
                        Mark::Area { corners, .. } => corners.clone(),
                        Mark::Disc { at, .. } | Mark::Text { at, .. } => vec![*at],
                    };
                    for (x, y) in places {
                        let inside = (0.0..=wide).contains(&x) && y >= 0.0;
                        assert!(inside && x.is_finite() && y.is_finite(), "{mark:?}");
                    }
                }
            }
        }
    }
}
