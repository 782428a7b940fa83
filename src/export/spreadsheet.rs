//! A CSV to look at in a spreadsheet: everything known about each post, with a byte order mark (or letters beyond ASCII go
//! wrong) and without formulas.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return, whoever wrote the post
//! (<https://owasp.org/www-community/attacks/CSV_Injection>). Such a cell gets an apostrophe in front; the training CSV does
//! not, since the model must see the text as it is.

use csv::{Terminator, WriterBuilder};

use super::{
    ExportError, TrainingSet,
    csv::{COLUMNS, PROVENANCE_COLUMNS, UNKNOWN, labels_cell},
    paths::ImagePaths,
};
use crate::predict::answer::Parse;

pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let labels = &set.dataset().labels;
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let mut header: Vec<String> = COLUMNS
        .into_iter()
        .chain(PROVENANCE_COLUMNS)
        .map(str::to_owned)
        .collect();
    header.extend(["model", "answer", "answer_error"].map(str::to_owned));
    header.extend(labels.iter().map(|name| format!("p({name})")));
    header.extend(set.dataset().extra_columns.iter().cloned());
    // Writing to memory cannot fail, and every row has as many cells as the header.
    writer
        .write_record(header.iter().map(|cell| guarded(cell)))
        .ok();
    for (post, row) in set.rows() {
        let cell = |set| labels_cell(labels, set);
        let named = |set: Option<_>| set.map_or_else(|| UNKNOWN.to_owned(), cell);
        let mut cells = vec![
            post.text.to_string(),
            paths.write(&post.image_path)?.into_owned(),
            named(row.labels),
            post.id.to_string(),
        ];
        let provenance = row.provenance.clone();
        cells.extend([
            provenance
                .as_ref()
                .map_or("", |p| p.source.name())
                .to_owned(),
            provenance
                .as_ref()
                .and_then(|p| p.reviewer.clone())
                .unwrap_or_default(),
            named(post.truth),
            named(
                row.prediction
                    .as_ref()
                    .filter(|p| p.parse != Parse::Failed)
                    .map(|p| p.labels),
            ),
            provenance
                .as_ref()
                .map_or_else(String::new, |p| p.assisted.to_string()),
            provenance
                .as_ref()
                .map_or_else(String::new, |p| p.flagged.to_string()),
            provenance.map_or_else(String::new, |p| p.note),
        ]);
        let said = set.said(row);
        let prediction = row.prediction.as_deref();
        cells.push(
            said.as_ref()
                .map_or_else(String::new, |said| said.model.clone()),
        );
        cells.push(prediction.map_or_else(String::new, |p| p.raw.clone()));
        cells.push(prediction.and_then(|p| p.error.clone()).unwrap_or_default());
        cells.extend(labels.iter().map(|name| {
            let score = said.as_ref().and_then(|said| said.score_of(name));
            score.map_or_else(String::new, |p| format!("{p:.4}"))
        }));
        cells.extend(post.extra.iter().map(|cell| cell.to_string()));
        writer
            .write_record(cells.iter().map(|cell| guarded(cell)))
            .ok();
    }
    Ok(writer.into_inner().unwrap_or_default())
}

/// A cell that no spreadsheet takes for a formula.
fn guarded(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    if !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
    {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_an_apostrophe_and_numbers_do_not() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-", "'-"),
            ("@you", "'@you"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝1", "'＝1"),
            ("-0.5", "-0.5"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), expected);
        }
    }
}
