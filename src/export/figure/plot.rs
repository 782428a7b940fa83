//! Curves, dots and bars between two axes, laid out.

use super::{
    Axis, Dash, Dot, Ink, Join, Look, Plot, Series,
    layout::{Align, Area, DOT, LINE, Layout, Mark, Page, SMALL, Target},
    part::Part,
    text::{elided, width},
    ticks::steps,
};

/// The longest name that stands upright without being shortened, in points.
const MOST_NAME: f32 = 110.0;

/// Above and below such names, in points.
const NAME_GAP: f32 = 6.0;

/// How the names of an axis stand.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Names {
    /// Each in its place, as running text.
    Level,
    /// Upright, each in as much room as this.
    Turned(f32),
}

impl Page {
    pub(super) fn plot(mut self, plot: &Plot, part: Part) -> Layout {
        if plot.series.len() > 1 {
            self.legend(&plot.series);
        }
        let (x, y) = (part.x.of(&plot.x), part.y.of(&plot.y));
        let (frame, names) = self.frame_of(&x, &y);
        self.horizontal_axis(&x, frame, names);
        self.vertical_axis(&y, frame);
        let across = |value| across(part.x.place(share(&plot.x, value)), frame);
        let up = |value| up(part.y.place(share(&plot.y, value)), frame);
        let first = self.marks.len();
        let mut targets = Vec::new();
        for (series, drawn) in plot.series.iter().enumerate() {
            let places: Vec<(f32, f32)> = drawn
                .points
                .iter()
                .map(|point| (across(point.x), up(point.y)))
                .collect();
            self.series(drawn, &places, up);
            let places = places.into_iter().enumerate();
            targets.extend(places.map(|(point, at)| Target { at, series, point }));
        }
        Layout {
            data: first..self.marks.len(),
            marks: self.marks,
            frame,
            targets,
        }
    }

    /// A sample of each series and its name, in as many rows as it takes.
    fn legend(&mut self, series: &[Series]) {
        const SAMPLE: f32 = 26.0;
        let (left, right) = (self.room.left, self.room.right);
        let mut x = left;
        for series in series {
            let name = elided(&series.name, SMALL, right - left - SAMPLE - 6.0);
            let wide = SAMPLE + 6.0 + width(&name, SMALL, false);
            if x > left && x + wide > right {
                x = left;
                self.room.top += LINE;
            }
            let y = self.room.top + 6.0;
            if series.look.join != Join::Apart {
                let ends = vec![(x, y), (x + SAMPLE, y)];
                self.line(ends, series.look.ink, 2.0, series.look.dash);
            }
            if let Some(dot) = series.look.dot {
                self.dot((x + SAMPLE / 2.0, y), dot, series.look.ink);
            }
            self.text(name, (x + SAMPLE + 6.0, y + 4.0), Align::Left, Ink::Text);
            x += wide + 18.0;
        }
        self.room.top += LINE + 6.0;
    }

    /// The room between the axes: what their words leave. Also how the names of the horizontal axis stand.
    fn frame_of(&self, x: &Axis, y: &Axis) -> (Area, Names) {
        let room = self.room;
        let widest = |axis: &Axis, height: f32| {
            let words = steps(axis, height / 44.0).into_iter();
            let widths = words.map(|(_, word)| width(&word, SMALL, false));
            widths.fold(0.0, f32::max)
        };
        let left = room.left + LINE + widest(y, room.bottom - room.top) + 8.0;
        let right = room.right - 8.0;
        let names = match are_turned(x, right - left) {
            true => {
                let widths = x.names.iter().map(|name| width(name, SMALL, false));
                let most = (0.4 * (room.bottom - room.top)).min(MOST_NAME);
                Names::Turned(widths.fold(0.0, f32::max).min(most))
            }
            false => Names::Level,
        };
        let below = match names {
            Names::Turned(long) => NAME_GAP + long + NAME_GAP,
            Names::Level => LINE + 4.0,
        };
        let frame = Area {
            left,
            top: room.top + 4.0,
            right,
            bottom: (room.bottom - LINE - below).max(room.top + 24.0),
        };
        (frame, names)
    }

    fn horizontal_axis(&mut self, axis: &Axis, frame: Area, names: Names) {
        for (value, word) in steps(axis, (frame.right - frame.left) / 70.0) {
            let x = across(share(axis, value), frame);
            if axis.names.is_empty() {
                let ends = vec![(x, frame.top), (x, frame.bottom)];
                self.line(ends, Ink::Line, 1.0, Dash::Solid);
            }
            match names {
                Names::Turned(long) => {
                    let at = (x + 4.0, frame.bottom + NAME_GAP);
                    self.turned(elided(&word, SMALL, long), at, Align::Right);
                }
                Names::Level => {
                    let at = (x, frame.bottom + 15.0);
                    self.text(word, at, Align::Center, Ink::Weak);
                }
            }
        }
        let ends = vec![(frame.left, frame.bottom), (frame.right, frame.bottom)];
        self.line(ends, Ink::Weak, 1.0, Dash::Solid);
        let middle = (frame.left + frame.right) / 2.0;
        let at = (middle, self.room.bottom - 2.0);
        self.text(axis.name.clone(), at, Align::Center, Ink::Text);
    }

    fn vertical_axis(&mut self, axis: &Axis, frame: Area) {
        for (value, word) in steps(axis, (frame.bottom - frame.top) / 44.0) {
            let y = up(share(axis, value), frame);
            let ends = vec![(frame.left, y), (frame.right, y)];
            self.line(ends, Ink::Line, 1.0, Dash::Solid);
            let at = (frame.left - 6.0, y + 4.0);
            self.text(word, at, Align::Right, Ink::Weak);
        }
        let ends = vec![(frame.left, frame.top), (frame.left, frame.bottom)];
        self.line(ends, Ink::Weak, 1.0, Dash::Solid);
        let at = (
            self.room.left + SMALL - 2.0,
            (frame.top + frame.bottom) / 2.0,
        );
        let name = elided(&axis.name, SMALL, frame.bottom - frame.top + 30.0);
        self.turned(name, at, Align::Center);
        if let Some(Mark::Text { ink, .. }) = self.marks.last_mut() {
            *ink = Ink::Text;
        }
    }

    fn series(&mut self, series: &Series, places: &[(f32, f32)], up: impl Fn(f64) -> f32) {
        let Look {
            join,
            ink,
            dash,
            dot,
        } = series.look;
        match join {
            Join::Line => self.line(places.to_vec(), ink, 2.0, dash),
            Join::Steps => self.line(staircase(places), ink, 2.0, dash),
            Join::Apart => {}
        }
        for (point, (x, y)) in series.points.iter().zip(places) {
            if let Some((lo, hi)) = point.range {
                let (lo, hi) = (up(lo), up(hi));
                self.line(vec![(*x, lo), (*x, hi)], ink, 1.0, Dash::Solid);
                for end in [lo, hi] {
                    let ends = vec![(x - 4.0, end), (x + 4.0, end)];
                    self.line(ends, ink, 1.0, Dash::Solid);
                }
            }
            if let Some(dot) = dot {
                self.dot((*x, *y), dot, ink);
            }
        }
        // One point makes no line.
        if let ([place], None) = (places, dot) {
            self.dot(*place, Dot::Circle, ink);
        }
    }

    fn dot(&mut self, at: (f32, f32), dot: Dot, ink: Ink) {
        let (x, y) = at;
        let corners = match dot {
            Dot::Circle => {
                self.marks.push(Mark::Disc {
                    at,
                    radius: DOT,
                    ink,
                });
                return;
            }
            Dot::Square => [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
            Dot::Diamond => [(0.0, -1.4), (1.4, 0.0), (0.0, 1.4), (-1.4, 0.0)],
        };
        self.marks.push(Mark::Area {
            corners: corners.map(|(dx, dy)| (x + dx * DOT, y + dy * DOT)).into(),
            ink,
            strength: 1.0,
        });
    }
}

/// Where a value stands on its axis, from 0 to 1.
fn share(axis: &Axis, value: f64) -> f64 {
    let span = (axis.hi - axis.lo).max(f64::MIN_POSITIVE);
    ((value - axis.lo) / span).clamp(0.0, 1.0)
}

fn across(share: f64, frame: Area) -> f32 {
    frame.left + share as f32 * (frame.right - frame.left)
}

fn up(share: f64, frame: Area) -> f32 {
    frame.bottom - share as f32 * (frame.bottom - frame.top)
}

/// Whether names stand upright, since they are wider than their places.
fn are_turned(axis: &Axis, room: f32) -> bool {
    // As many as lie between the ends of the axis.
    let place = room / (axis.hi - axis.lo).max(1.0) as f32 - 6.0;
    axis.names
        .iter()
        .any(|name| width(name, SMALL, false) > place)
}

fn staircase(places: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let mut stairs = Vec::with_capacity(2 * places.len());
    let mut before: Option<(f32, f32)> = None;
    for place in places {
        if let Some((x, _)) = before {
            stairs.push((x, place.1));
        }
        stairs.push(*place);
        before = Some(*place);
    }
    stairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::figure::{Content, Figure, Point, layout::lay_out_part, part::Span};

    #[test]
    fn a_part_has_ticks_of_its_own_and_leaves_the_rest_outside_of_its_frame() {
        let plot = Plot {
            x: Axis::share("Recall"),
            y: Axis::share("Precision"),
            z: None,
            series: vec![Series {
                name: "sexist".to_owned(),
                look: Look::dots(Ink::First, Dot::Circle),
                points: [0.1, 0.45, 0.9].map(|at| Point::new(at, at)).to_vec(),
            }],
        };
        let figure = Figure {
            name: "f".to_owned(),
            title: String::new(),
            note: String::new(),
            content: Content::Plot(plot),
        };
        let half = Span { lo: 0.4, hi: 0.5 };
        let part = Part { x: half, y: half };
        let layout = lay_out_part(&figure, part, 400.0, 300.0, false);
        let frame = layout.frame;
        let inside = |at: (f32, f32)| {
            (frame.left..=frame.right).contains(&at.0) && (frame.top..=frame.bottom).contains(&at.1)
        };
        let inside: Vec<bool> = layout.targets.iter().map(|t| inside(t.at)).collect();
        assert_eq!(inside, [false, true, false]);
        assert_eq!(layout.marks[layout.data.clone()].len(), 3);
        let has = |word: &str| {
            let mut marks = layout.marks.iter();
            marks.any(|mark| matches!(mark, Mark::Text { text, .. } if text == word))
        };
        assert!(has("0.42") && has("0.50") && !has("0.8"));
    }

    #[test]
    fn names_of_any_length_and_script_stay_clear_of_the_name_of_their_axis() {
        let long = "a label with a name that nobody would want to read upright";
        let names = [
            ["racist", "sexist", "homophobe", "religion", "otherhate"],
            ["여성/가족", "성소수자", "인종/국적", "연령", "지역"],
            [
                "仇恨言论分类",
                "種族差別発言",
                "धर्म",
                "عنصرية",
                "Ксенофобия",
            ],
            ["racist", long, "homophobe", "religion", "otherhate"],
        ];
        let widths = (200..760).step_by(3).map(|width| width as f32);
        for (names, wide) in names
            .iter()
            .flat_map(|names| widths.clone().map(move |w| (names, w)))
        {
            let names: Vec<String> = names.map(str::to_owned).to_vec();
            let plot = Plot {
                x: Axis::of_names("Label", names),
                y: Axis::share("F1"),
                z: None,
                series: Vec::new(),
            };
            let figure = Figure {
                name: "f".to_owned(),
                title: String::new(),
                note: String::new(),
                content: Content::Plot(plot),
            };
            let layout = lay_out_part(&figure, Part::WHOLE, wide, 230.0, false);
            let title = layout.marks.iter().find_map(|mark| match mark {
                Mark::Text { text, at, size, .. } if text == "Label" => Some(at.1 - size),
                _ => None,
            });
            let title = title.unwrap();
            for mark in &layout.marks {
                if let Mark::Text {
                    text,
                    at,
                    is_turned,
                    align: Align::Right,
                    ..
                } = mark
                    && *is_turned
                {
                    let end = at.1 + width(text, SMALL, false);
                    assert!(at.1 > layout.frame.bottom && end < title, "{wide}: {text}");
                }
            }
            assert!(layout.frame.bottom - layout.frame.top > 80.0);
        }
    }

    #[test]
    fn a_staircase_goes_up_or_down_before_it_goes_aside() {
        let stairs = staircase(&[(0.0, 1.0), (2.0, 3.0)]);
        assert_eq!(stairs, [(0.0, 1.0), (0.0, 3.0), (2.0, 3.0)]);
    }
}
