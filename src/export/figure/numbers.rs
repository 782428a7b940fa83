//! The numbers of a figure as CSV (RFC 4180).

use std::io;

use super::{Axis, Content, Figure, Grid, Plot, Point};

/// Its numbers: a row for each point, or a row for each row of the table.
///
/// # Errors
/// As the CSV writer has them; there are none in memory.
pub(super) fn csv(figure: &Figure) -> io::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    match &figure.content {
        Content::Plot(plot) => write_plot(&mut out, plot)?,
        Content::Grid(grid) => write_grid(&mut out, grid)?,
    }
    out.into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

fn write_plot(out: &mut csv::Writer<Vec<u8>>, plot: &Plot) -> io::Result<()> {
    let any = |has: fn(&Point) -> bool| plot.series.iter().flat_map(|s| &s.points).any(has);
    let (has_range, has_n) = (any(|p| p.range.is_some()), any(|p| p.n.is_some()));
    let mut header = vec!["series", &plot.x.name, &plot.y.name];
    if has_range {
        header.extend(["low", "high"]);
    }
    if has_n {
        header.push("n");
    }
    header.extend(plot.z);
    out.write_record(&header)?;
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for series in &plot.series {
        for point in &series.points {
            let mut row = vec![
                series.name.clone(),
                place(&plot.x, point.x),
                place(&plot.y, point.y),
            ];
            if has_range {
                row.push(number(point.range.map(|(lo, _)| lo)));
                row.push(number(point.range.map(|(_, hi)| hi)));
            }
            if has_n {
                row.push(point.n.map_or_else(String::new, |n| n.to_string()));
            }
            if plot.z.is_some() {
                row.push(number(point.z));
            }
            out.write_record(&row)?;
        }
    }
    Ok(())
}

/// A number, or what it stands for. Two series side by side stand a little beside the whole number.
fn place(axis: &Axis, value: f64) -> String {
    let name = axis.names.get(value.round().max(0.0) as usize);
    name.map_or_else(|| value.to_string(), String::clone)
}

fn write_grid(out: &mut csv::Writer<Vec<u8>>, grid: &Grid) -> io::Result<()> {
    let corner = format!("{} / {}", grid.rows_name, grid.columns_name);
    out.write_record(std::iter::once(&corner).chain(&grid.columns))?;
    for (row, name) in grid.rows.iter().enumerate() {
        let counts = (0..grid.columns.len()).map(|column| grid.get(row, column).to_string());
        out.write_record(std::iter::once(name.clone()).chain(counts))?;
    }
    Ok(())
}
