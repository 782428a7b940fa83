//! `metadata.csv` and `metadata.jsonl` in a folder of images: what they say about each file.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    imported::Said,
    is_inside, json,
    labels::LabelColumn,
    records::{Place, Rows},
};

/// What is known about an image beside its pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Description {
    /// The text, if one is given.
    pub text: Option<String>,
    /// The labels as a cell, if they are given.
    pub labels: Option<(String, LabelColumn)>,
    /// What a model said, if that is given.
    pub said: Option<Said>,
}

/// A line of a metadata file: the file it names and what it says.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    /// Relative to the metadata file.
    pub file_name: String,
    pub description: Description,
}

/// Something wrong with a metadata file: a line (0: the whole file) and a sentence.
pub(super) type Fault = (u64, String);

/// Whether a file of this name describes the images around it.
pub(super) fn is_metadata(name: &str) -> bool {
    matches!(name, "metadata.csv" | "metadata.jsonl")
}

/// Reads a metadata file by its name.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> (Vec<Entry>, Vec<Fault>) {
    if super::has_extension(path, &["csv"]) {
        parse_csv(bytes)
    } else {
        parse_jsonl(bytes)
    }
}

fn parse_csv(bytes: &[u8]) -> (Vec<Entry>, Vec<Fault>) {
    let mut rows = Rows::new(bytes, b',');
    let header: Vec<String> = rows
        .next_row()
        .map(|row| {
            (0..row.len())
                .filter_map(|i| Some(row.cell(i)?.trim().to_lowercase()))
                .collect()
        })
        .unwrap_or_default();
    let find = |name: &str| header.iter().position(|n| n == name);
    let Some(file_name) = find("file_name") else {
        return (
            Vec::new(),
            vec![(
                1,
                "there is no column file_name, so it is not used".to_owned(),
            )],
        );
    };
    let text = find("text");
    let labels = find("labels")
        .map(|i| (i, LabelColumn::Multi))
        .or_else(|| find("label").map(|i| (i, LabelColumn::Single)));
    rows.set_width(header.len());

    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next_row() {
        let cell = |index: Option<usize>| Some(row.cell(index?)?.into_owned());
        if let Some(Place { line, column }) = row.stray_quote {
            faults.push((
                line,
                format!("a quote opens in column {column} and is not closed"),
            ));
        } else if let Some(invalid) = row.invalid {
            let Place { line, column } = invalid.place;
            faults.push((line, format!("column {column} is not UTF-8 text")));
        } else if row.len() != header.len() {
            let (found, expected) = (row.len(), header.len());
            faults.push((
                row.line,
                format!("{found} cells where the header has {expected}"),
            ));
        }
        let Some(file_name) = cell(Some(file_name)).filter(|name| !name.trim().is_empty()) else {
            faults.push((row.line, "the row names no file".to_owned()));
            continue;
        };
        if let Err(message) = check_inside(&file_name) {
            faults.push((row.line, message));
            continue;
        }
        let description = Description {
            text: cell(text),
            labels: labels.and_then(|(i, kind)| Some((cell(Some(i))?, kind))),
            said: None,
        };
        entries.push(Entry {
            file_name,
            description,
        });
    }
    (entries, faults)
}

fn parse_jsonl(bytes: &[u8]) -> (Vec<Entry>, Vec<Fault>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (line, bytes) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let entry = serde_json::from_slice::<Map<String, Value>>(bytes)
            .map_err(|error| format!("not a JSON object ({error})"))
            .and_then(|object| {
                let file_name = object.get("file_name").and_then(Value::as_str);
                let file_name = file_name.ok_or("the line names no file_name")?.to_owned();
                check_inside(&file_name)?;
                Ok(Entry {
                    file_name,
                    description: describe(&object)?,
                })
            });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(message) => faults.push((line, message)),
        }
    }
    (entries, faults)
}

/// Metadata describes the files around it and no others, as the `datasets` library has it.
fn check_inside(file_name: &str) -> Result<(), String> {
    if is_inside(file_name.trim()) {
        return Ok(());
    }
    let shown: String = file_name.chars().take(80).collect();
    Err(format!(
        "file_name leads out of the folder, so it is not used ({shown})"
    ))
}

/// Reads `text` and `labels` (a list, or a string as in a CSV cell) or `label` of a JSON object.
pub(super) fn describe(object: &Map<String, Value>) -> Result<Description, String> {
    let text = match object.get("text") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => return Err(format!("text should be a string, but is {other}")),
    };
    let cell = |name: &str, kind: LabelColumn| match object.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(cell)) => Some((cell.clone(), kind)),
        // A list is a cell in JSON's spelling already; so are 0, 1, true and false.
        Some(other) => Some((other.to_string(), kind)),
    };
    let labels = cell("labels", LabelColumn::Multi).or_else(|| cell("label", LabelColumn::Single));
    Ok(Description {
        text,
        labels,
        said: json::plain_said(object),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file_name: &str, text: Option<&str>, labels: Option<(&str, LabelColumn)>) -> Entry {
        let description = Description {
            text: text.map(str::to_owned),
            labels: labels.map(|(cell, kind)| (cell.to_owned(), kind)),
            said: None,
        };
        Entry {
            file_name: file_name.to_owned(),
            description,
        }
    }

    #[test]
    fn csv_and_jsonl_say_the_same() {
        let csv = b"file_name,text,labels\na.png,\"hi, you\",\"x,y\"\nb.png,,\n,lost,\n";
        let (entries, faults) = parse(Path::new("metadata.csv"), csv);
        assert_eq!(
            entries,
            [
                entry("a.png", Some("hi, you"), Some(("x,y", LabelColumn::Multi))),
                entry("b.png", Some(""), Some(("", LabelColumn::Multi))),
            ]
        );
        assert_eq!(faults, [(4, "the row names no file".to_owned())]);

        let jsonl = b"{\"file_name\": \"a.png\", \"text\": \"hi, you\", \"labels\": [\"x\", \"y\"]}\n\n{\"file_name\": \"b.png\", \"label\": 1}\n{\"text\": 3\n";
        let (entries, faults) = parse(Path::new("metadata.jsonl"), jsonl);
        assert_eq!(
            entries,
            [
                entry(
                    "a.png",
                    Some("hi, you"),
                    Some((r#"["x","y"]"#, LabelColumn::Multi))
                ),
                entry("b.png", None, Some(("1", LabelColumn::Single))),
            ]
        );
        assert_eq!(faults.iter().map(|f| f.0).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_table_without_file_names_is_not_used() {
        let (entries, faults) = parse(Path::new("metadata.csv"), b"name,text\na,b\n");
        assert!(entries.is_empty());
        assert_eq!(faults.len(), 1);
    }
}
