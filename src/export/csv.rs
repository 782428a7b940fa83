//! The training CSV: `text,image_path,labels`, and `class_names.txt`.

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::{ExportError, TrainingSet, paths::ImagePaths, training_set::Row};
use crate::post::{LabelNames, LabelSet, Post};

/// The columns that trainers read.
pub(crate) const COLUMNS: [&str; 3] = ["text", "image_path", "labels"];

/// The columns that say where a row's labels come from; written on request only.
pub(super) const PROVENANCE_COLUMNS: [&str; 8] = [
    "id",
    "source",
    "reviewer",
    "dataset_labels",
    "model_labels",
    "assisted",
    "flagged",
    "note",
];

/// What stands for labels that nobody has said, as opposed to no label.
pub(crate) const UNKNOWN: &str = "?";

/// What writes rows as pandas does.
pub(crate) fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new())
}

/// The CSV as bytes: UTF-8 without a mark, lines ending in `\n` as pandas writes them, quotes where needed.
pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let labels = &set.dataset().labels;
    let mut writer = writer();
    // Writing to memory cannot fail, and every row has as many cells as the header.
    let header = COLUMNS.into_iter().chain(
        PROVENANCE_COLUMNS
            .into_iter()
            .filter(|_| set.has_provenance()),
    );
    writer.write_record(header).ok();
    for (post, row) in set.rows() {
        let image_path = paths.write(&post.image_path)?;
        let cell = row
            .labels
            .map_or_else(|| UNKNOWN.to_owned(), |set| labels_cell(labels, set));
        writer.write_field(&*post.text).ok();
        writer.write_field(&*image_path).ok();
        writer.write_field(cell).ok();
        write_provenance(&mut writer, post, row, labels);
        writer.write_record(None::<&[u8]>).ok();
    }
    Ok(writer.into_inner().unwrap_or_default())
}

fn write_provenance(writer: &mut Writer<Vec<u8>>, post: &Post, row: &Row, labels: &LabelNames) {
    let Some(provenance) = &row.provenance else {
        return;
    };
    let cell = |set: Option<LabelSet>| {
        set.map_or_else(|| UNKNOWN.to_owned(), |set| labels_cell(labels, set))
    };
    let cells = [
        post.id.to_string(),
        provenance.source.name().to_owned(),
        provenance.reviewer.clone().unwrap_or_default(),
        cell(post.truth),
        cell(provenance.model_labels),
        provenance.assisted.to_string(),
        provenance.flagged.to_string(),
        provenance.note.clone(),
    ];
    for cell in cells {
        writer.write_field(cell).ok();
    }
}

/// The names of a set, comma-separated in class order; as a JSON list (which the trainers read, too) if some
/// name of the label set would not survive that.
pub(crate) fn labels_cell(labels: &LabelNames, set: LabelSet) -> String {
    if labels.iter().any(is_ambiguous) {
        labels.json_list(set)
    } else {
        labels.names_of(set).join(",")
    }
}

/// Whether a name means something else in a comma-separated cell.
fn is_ambiguous(name: &str) -> bool {
    name.contains(',')
        || name.starts_with(['[', '(', '{'])
        || name.starts_with("array(")
        || [UNKNOWN, "set()"].contains(&name)
        || name.eq_ignore_ascii_case("nan")
}

/// `class_names.txt`: one name a line, in class order.
pub(crate) fn class_names(labels: &LabelNames) -> Result<Vec<u8>, ExportError> {
    let mut text = String::new();
    for name in labels.iter() {
        if name.contains(['\n', '\r']) {
            return Err(ExportError::LabelName(name.to_owned()));
        }
        text.push_str(name);
        text.push('\n');
    }
    Ok(text.into_bytes())
}
