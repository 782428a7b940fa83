//! A figure as SVG 1.1: text stays text.

use std::fmt::Write as _;

use crate::export::markup::escaped;

use super::{
    Figure, Ink,
    layout::{Align, HEIGHT, Mark, WIDTH, lay_out},
};

/// The figure on white paper.
pub(super) fn svg(figure: &Figure) -> String {
    svg_of_size(figure, (WIDTH, HEIGHT))
}

/// The figure on white paper of some width and height, in points.
pub(in crate::export) fn svg_of_size(figure: &Figure, (width, height): (f32, f32)) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Inter, Helvetica, Arial, sans-serif\" role=\"img\">\n\
         <title>{}</title>\n<desc>{}</desc>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        plain(&figure.title),
        plain(&figure.note),
    );
    for mark in lay_out(figure, width, height, true).marks {
        // Writing to a string cannot fail.
        let _ = write_mark(&mut out, &mark);
    }
    out.push_str("</svg>\n");
    out
}

fn write_mark(out: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Line {
            points,
            ink,
            width,
            dash,
        } => {
            let points: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
                .collect();
            write!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"",
                points.join(" "),
                color(*ink)
            )?;
            if let Some([on, off]) = dash.lengths() {
                write!(out, " stroke-dasharray=\"{on} {off}\"")?;
            }
            out.push_str("/>\n");
        }
        Mark::Area {
            corners,
            ink,
            strength,
        } => {
            let points: Vec<String> = corners
                .iter()
                .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
                .collect();
            writeln!(
                out,
                "<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>",
                points.join(" "),
                color(*ink),
                short(*strength)
            )?;
        }
        Mark::Disc { at, radius, ink } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\" fill=\"{}\"/>",
            short(at.0),
            short(at.1),
            color(*ink)
        )?,
        Mark::Text {
            at,
            text,
            size,
            is_strong,
            ink,
            align,
            is_turned,
        } => {
            let anchor = match align {
                Align::Left => "start",
                Align::Center => "middle",
                Align::Right => "end",
            };
            let (x, y) = (short(at.0), short(at.1));
            let turn = match is_turned {
                true => format!(" transform=\"rotate(-90 {x} {y})\""),
                false => String::new(),
            };
            let weight = if *is_strong {
                " font-weight=\"600\""
            } else {
                ""
            };
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight} fill=\"{}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
                color(*ink),
                plain(text)
            )?;
        }
    }
    Ok(())
}

/// With two digits behind the point, which is finer than any screen.
fn short(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

fn color(ink: Ink) -> String {
    let [r, g, b] = ink.on_paper();
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The text as XML has it. Characters that XML 1.0 does not know become a blank.
fn plain(text: &str) -> String {
    let unknown = |c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    escaped(&text.replace(unknown, " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_data_cannot_leave_their_place() {
        let hostile = "</text><script>&\"\u{1}";
        assert_eq!(plain(hostile), "&lt;/text&gt;&lt;script&gt;&amp;&quot; ");
    }
}
