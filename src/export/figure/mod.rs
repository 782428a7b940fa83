//! Figures: one description of each feeds the window, the SVG, the PNG and the CSV of its numbers alike.
//!
//! A [`Figure`] says what is shown, in terms of its data. [`layout`] says where, in points, as a list of simple marks.
//! The window, `svg` and `png` only draw those marks. Nothing in a figure is told by colour alone: lines differ in
//! their dashes and dots in their shapes, too.

pub mod gallery;
mod grid;
pub mod layout;
mod numbers;
pub mod part;
mod plot;
mod png;
mod svg;
pub mod text;
pub mod ticks;
mod write;

pub(super) use svg::svg_of_size;
pub use write::{FigureFile, Format};

/// Something to look at, and its numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// What its files are called, without an ending: letters, digits and hyphens only.
    pub name: String,
    /// The heading.
    pub title: String,
    /// Over what it goes: how many posts, which truth.
    pub note: String,
    /// What is drawn.
    pub content: Content,
}

/// What is drawn.
#[derive(Clone, PartialEq, Debug)]
pub enum Content {
    /// Curves, dots and bars between two axes.
    Plot(Plot),
    /// A table of counts, the darker the more.
    Grid(Grid),
}

/// Curves, dots and bars between two axes.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The name of the third value of the points, if they have one.
    pub z: Option<&'static str>,
    /// What is drawn, from the back to the front.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// What it measures, with the unit if there is one.
    pub name: String,
    /// Its lower end.
    pub lo: f64,
    /// Its upper end, above the lower one.
    pub hi: f64,
    /// What its whole numbers from 0 stand for, if it does not measure.
    pub names: Vec<String>,
    /// Whether it counts: there is nothing between its whole numbers.
    pub is_count: bool,
}

impl Axis {
    /// An axis that measures.
    pub fn new(name: impl Into<String>, lo: f64, hi: f64) -> Self {
        Self {
            name: name.into(),
            lo,
            hi,
            names: Vec::new(),
            is_count: false,
        }
    }

    /// An axis that counts from 0.
    pub fn count(name: impl Into<String>, hi: u64) -> Self {
        Self {
            is_count: true,
            ..Self::new(name, 0.0, hi.max(1) as f64)
        }
    }

    /// An axis of shares, from 0 to 1.
    pub fn share(name: impl Into<String>) -> Self {
        Self::new(name, 0.0, 1.0)
    }

    /// An axis of names, one beside the other.
    pub fn of_names(name: impl Into<String>, names: Vec<String>) -> Self {
        let hi = names.len().max(1) as f64 - 0.5;
        Self {
            names,
            ..Self::new(name, -0.5, hi)
        }
    }
}

/// Points that belong together.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// Its points, in the order in which they are joined.
    pub points: Vec<Point>,
}

/// How points are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// How they are joined.
    pub join: Join,
    /// The colour.
    pub ink: Ink,
    /// The dashes of the line.
    pub dash: Dash,
    /// What stands at each point, if anything.
    pub dot: Option<Dot>,
}

impl Look {
    /// A line.
    pub fn line(ink: Ink, dash: Dash) -> Self {
        Self {
            join: Join::Line,
            ink,
            dash,
            dot: None,
        }
    }

    /// Dots that are not joined.
    pub fn dots(ink: Ink, dot: Dot) -> Self {
        Self {
            join: Join::Apart,
            ink,
            dash: Dash::Solid,
            dot: Some(dot),
        }
    }
}

/// How points are joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// By straight lines.
    Line,
    /// As a staircase: first up or down, then aside.
    Steps,
    /// Not at all.
    Apart,
}

/// A colour, by its place among the series; every surface has its own for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// The first series.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// What helps to read the others.
    Weak,
    /// Text.
    Text,
    /// Lines of the grid and the frame.
    Line,
}

impl Ink {
    /// The colour on white paper, as red, green and blue.
    pub fn on_paper(self) -> [u8; 3] {
        match self {
            Self::First => [0x23, 0x50, 0xC4],
            Self::Second => [0x9A, 0x5B, 0x00],
            Self::Third => [0x0C, 0x6B, 0x3C],
            Self::Weak => [0x54, 0x5D, 0x69],
            Self::Text => [0x16, 0x19, 0x1D],
            Self::Line => [0xDD, 0xE1, 0xE6],
        }
    }
}

/// The dashes of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dash {
    /// None.
    Solid,
    /// Long ones.
    Dashed,
    /// Short ones.
    Dotted,
}

impl Dash {
    /// How long a dash and the gap behind it are, in points; `None` for a solid line.
    pub fn lengths(self) -> Option<[f32; 2]> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some([7.0, 4.0]),
            Self::Dotted => Some([2.0, 3.0]),
        }
    }
}

/// What stands at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dot {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
}

/// A point and what is known of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Its place on the horizontal axis.
    pub x: f64,
    /// Its place on the vertical axis.
    pub y: f64,
    /// The interval around `y`, if there is one.
    pub range: Option<(f64, f64)>,
    /// The third value, as [`Plot::z`] names it.
    pub z: Option<f64>,
    /// How many posts it stands for, if that differs between points.
    pub n: Option<u64>,
}

impl Point {
    /// A point alone.
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            range: None,
            z: None,
            n: None,
        }
    }
}

/// A table of counts.
#[derive(Clone, PartialEq, Debug)]
pub struct Grid {
    /// What the rows are.
    pub rows_name: String,
    /// The rows, from above.
    pub rows: Vec<String>,
    /// What the columns are.
    pub columns_name: String,
    /// The columns, from the left.
    pub columns: Vec<String>,
    /// The counts, a list for each row.
    pub counts: Vec<Vec<u64>>,
}

impl Grid {
    /// A count; 0 where there is no such place.
    pub fn get(&self, row: usize, column: usize) -> u64 {
        let row = self.counts.get(row);
        row.and_then(|row| row.get(column)).copied().unwrap_or(0)
    }

    /// The highest count, at least 1.
    pub fn most(&self) -> u64 {
        self.counts
            .iter()
            .flatten()
            .copied()
            .max()
            .unwrap_or(0)
            .max(1)
    }
}

/// How strong the colour of a count is, from 0 to 0.45, so that text on it stays readable. Small counts can be told from none.
pub fn strength(count: u64, most: u64) -> f32 {
    match count {
        0 => 0.0,
        count => 0.06 + 0.39 * (count as f32 / most.max(1) as f32),
    }
}
