//! A CSV or TSV file with the columns `text`, `image_path` and `labels` (or `label`), or in the layout of UnSmile.

use std::{borrow::Cow, fs, path::Path};

use super::{
    Format, Loaded, OpenError, OpenOptions,
    builder::{Builder, Found},
    images,
    labels::LabelColumn,
    records::{Row, Rows},
    unsmile,
};
use crate::post::{Problem, ProblemKind};

/// The most column names that a message spells out.
const SPELLED_OUT: usize = 20;

/// Reads a file of rows. Every row becomes a post, with a problem if something is wrong with it.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<Loaded, OpenError> {
    let bytes = fs::read(path).map_err(|source| OpenError::Read {
        path: path.to_owned(),
        source,
    })?;
    check_encoding(&bytes, path)?;
    let mut rows = Rows::new(&bytes, delimiter(path, &bytes));
    let mut builder = Builder::default();

    let header: Vec<String> = {
        let row = rows
            .next_row()
            .ok_or_else(|| OpenError::Empty(path.to_owned()))?;
        report_faults(&row, None, &mut builder);
        (0..row.len())
            .filter_map(|i| Some(row.cell(i)?.into_owned()))
            .collect()
    };
    let columns = Columns::find(&header, path, &mut builder)?;
    rows.set_width(header.len());

    while let Some(row) = rows.next_row() {
        push_row(&row, &columns, &mut builder);
    }
    if builder.posts().is_empty() {
        return Err(OpenError::NoRows(path.to_owned()));
    }

    let folder = path.parent().unwrap_or(Path::new(""));
    let image_root = images::choose_root(options.image_root.as_deref(), folder, builder.posts());
    let built = builder.finish(options, folder)?;
    Ok(Loaded {
        format: Format::Csv,
        labels: built.labels,
        label_source: built.label_source,
        image_root,
        posts: built.posts,
        extra_columns: columns
            .extra
            .iter()
            .filter_map(|i| header.get(*i).cloned())
            .collect(),
        problems: built.problems,
        imported: Vec::new(),
    })
}

fn push_row(row: &Row<'_>, columns: &Columns, builder: &mut Builder) {
    let cell = |index: Option<usize>| index.and_then(|i| row.cell(i));
    let (labels, kind, bad_flag) = match &columns.labels {
        Labels::Nowhere => (None, LabelColumn::Multi, None),
        Labels::Cell(index, kind) => (row.cell(*index), *kind, None),
        Labels::Flags(layout) => match layout.labels(row) {
            Ok(names) => (names.map(Cow::Owned), LabelColumn::Multi, None),
            Err(bad_flag) => (None, LabelColumn::Multi, Some(bad_flag)),
        },
    };
    let place = builder.push(Found {
        text: &cell(columns.text).unwrap_or_default(),
        image_path: cell(columns.image_path).unwrap_or_default().trim(),
        line: row.line,
        extra: columns
            .extra
            .iter()
            .map(|i| row.cell(*i).unwrap_or_default().as_ref().into())
            .collect(),
        // The cell that a short row lacks says nothing; an empty one says “no label”.
        labels: labels.as_deref().map(|names| (names, kind)),
    });
    if let Some(unsmile::BadFlag { place: at, message }) = bad_flag {
        builder.report(Problem {
            kind: ProblemKind::Unreadable,
            post: Some(place),
            line: Some(at.line),
            column: Some(at.column),
            message,
        });
    }
    report_faults(row, Some(place), builder);
    if row.stray_quote.is_none() {
        report_width(row, columns.width, place, builder);
    }
}

/// Reports broken quoting and bytes that are no text.
pub(super) fn report_faults(row: &Row<'_>, post: Option<usize>, builder: &mut Builder) {
    if let Some(at) = row.stray_quote {
        builder.report(Problem {
            kind: ProblemKind::Unreadable,
            post,
            line: Some(at.line),
            column: Some(at.column),
            message: format!(
                "a quote opens in line {}, column {} and is not closed; the row was read to the end of that line. Double the quotes inside a cell (\"\") and put the whole cell in quotes",
                at.line, at.column
            ),
        });
    }
    if let Some(invalid) = row.invalid {
        let at = invalid.place;
        builder.report(Problem {
            kind: ProblemKind::InvalidText,
            post,
            line: Some(at.line),
            column: Some(at.column),
            message: format!(
                "line {}, column {} holds the byte {:#04x}, which is not UTF-8 text; such bytes are shown as \u{fffd}. Save the file as UTF-8",
                at.line, at.column, invalid.byte
            ),
        });
    }
}

fn report_width(row: &Row<'_>, width: usize, place: usize, builder: &mut Builder) {
    let (kind, consequence) = match row.len() {
        n if n < width => (ProblemKind::ShortRow, "the missing ones are taken as empty"),
        n if n > width => (ProblemKind::LongRow, "those at the end are not used"),
        _ => return,
    };
    let cells = if row.len() == 1 { "cell" } else { "cells" };
    let mut message = format!(
        "the row has {} {cells} where the header has {width}; {consequence}. Check its commas and quotes",
        row.len()
    );
    if row.n_lines > 1 {
        message += &format!(" (it goes on to line {})", row.line + row.n_lines - 1);
    }
    builder.report(Problem {
        kind,
        post: Some(place),
        line: Some(row.line),
        column: None,
        message,
    });
}

/// Refuses what cannot be a UTF-8 text of rows.
pub(super) fn check_encoding(bytes: &[u8], path: &Path) -> Result<(), OpenError> {
    let has_utf16_mark = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    // Without a mark, every other byte of UTF-16 Latin text is 0.
    let mut head = bytes.iter().take(64).enumerate();
    let zeros = head.clone().filter(|(_, b)| **b == 0).count();
    let parity = head.find(|(_, b)| **b == 0).map(|(i, _)| i % 2);
    let one_side = |parity| {
        bytes
            .iter()
            .take(64)
            .skip(1 - parity)
            .step_by(2)
            .all(|b| *b != 0)
    };
    if has_utf16_mark || zeros >= 4 && parity.is_some_and(one_side) {
        return Err(OpenError::Utf16(path.to_owned()));
    }
    if bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii()
        .is_empty()
    {
        return Err(OpenError::Empty(path.to_owned()));
    }
    Ok(())
}

/// What separates the cells: tabs in a file of that name, or where the first line has tabs and no comma.
fn delimiter(path: &Path, bytes: &[u8]) -> u8 {
    let first_line = bytes
        .split(|b| matches!(b, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    let has_tabs = first_line.contains(&b'\t');
    if has_tabs && (super::has_extension(path, &["tsv"]) || !first_line.contains(&b',')) {
        b'\t'
    } else {
        b','
    }
}

/// Where the columns are that Overrule reads.
struct Columns {
    width: usize,
    text: Option<usize>,
    image_path: Option<usize>,
    labels: Labels,
    /// All others.
    extra: Vec<usize>,
}

/// Where the labels are.
enum Labels {
    Nowhere,
    /// In one column.
    Cell(usize, LabelColumn),
    /// In a column each.
    Flags(unsmile::Layout),
}

impl Columns {
    /// Finds the columns by their names; case and white space do not count, the first of two equal names does.
    fn find(header: &[String], path: &Path, builder: &mut Builder) -> Result<Self, OpenError> {
        if let Some(layout) = unsmile::Layout::recognise(header) {
            return Ok(Self::unsmile(layout, header.len(), builder));
        }
        let names: Vec<String> = header.iter().map(|name| canonical(name)).collect();
        let mut find = |wanted: &str| {
            let mut places = (0..)
                .zip(&names)
                .filter(|(_, n)| *n == wanted)
                .map(|(i, _)| i);
            let (first, second) = (places.next(), places.next());
            if let Some(second) = second {
                builder.report(Problem {
                    kind: ProblemKind::Unreadable,
                    post: None,
                    line: Some(1),
                    column: None,
                    message: format!(
                        "the header names {wanted} twice; the first is read, column {} is kept as another column",
                        second + 1
                    ),
                });
            }
            first
        };
        let text = find("text");
        let image_path = find("image_path");
        let labels = find("labels")
            .map(|i| (i, LabelColumn::Multi))
            .or_else(|| find("label").map(|i| (i, LabelColumn::Single)));
        if text.is_none() && image_path.is_none() {
            return Err(OpenError::Columns {
                path: path.to_owned(),
                found: listed(header),
                hint: hint(header),
            });
        }
        let used = [text, image_path, labels.map(|(i, _)| i)];
        Ok(Self {
            width: header.len(),
            text,
            image_path,
            labels: labels.map_or(Labels::Nowhere, |(i, kind)| Labels::Cell(i, kind)),
            extra: (0..header.len())
                .filter(|i| !used.contains(&Some(*i)))
                .collect(),
        })
    }

    fn unsmile(layout: unsmile::Layout, width: usize, builder: &mut Builder) -> Self {
        builder.name_labels(unsmile::LABELS.map(str::to_owned).to_vec());
        let is_extra = |i: &usize| *i != layout.text && !layout.flags.contains(i);
        Self {
            width,
            text: Some(layout.text),
            image_path: None,
            extra: (0..width).filter(is_extra).collect(),
            labels: Labels::Flags(layout),
        }
    }
}

/// A column name as it is compared: “Image Path” is `image_path`.
fn canonical(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn listed(header: &[String]) -> String {
    let mut list: Vec<String> = header
        .iter()
        .take(SPELLED_OUT)
        .map(|n| {
            // Nothing that a terminal would take for a command.
            let shown = n.trim().chars().take(40);
            shown
                .map(|c| if c.is_control() { '�' } else { c })
                .collect()
        })
        .collect();
    if header.len() > SPELLED_OUT {
        list.push("…".to_owned());
    }
    list.join(", ")
}

fn hint(header: &[String]) -> String {
    match header {
        [only] if only.contains(';') => {
            "; the cells seem to be separated by “;”, save it with commas"
        }
        _ => "",
    }
    .to_owned()
}
