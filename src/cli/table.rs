//! A table of text.

use unicode_width::UnicodeWidthStr;

/// Lays rows out, each cell as wide as its column needs; two spaces between columns. The first column is flush left, the
/// others, which hold figures, flush right.
pub(super) fn render(rows: &[Vec<String>]) -> String {
    lay_out(rows, |column| column == 0)
}

/// The same with all columns flush left.
pub(super) fn render_words(rows: &[Vec<String>]) -> String {
    lay_out(rows, |_| true)
}

fn lay_out(rows: &[Vec<String>], is_left: impl Fn(usize) -> bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            line += if column == 0 { "" } else { "  " };
            line += &if is_left(column) {
                format!("{cell}{padding}")
            } else {
                format!("{padding}{cell}")
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["label", "F1", "TP"]),
            row(["여성", "0.5", "12"]),
            row(["religion", "0.25", "1"]),
        ];
        let expected = "\
label       F1  TP
여성       0.5  12
religion  0.25   1
";
        assert_eq!(render(&rows), expected);
        let expected = "\
label     F1    TP
여성      0.5   12
religion  0.25  1
";
        assert_eq!(render_words(&rows), expected);
    }
}
