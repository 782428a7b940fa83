//! Plain JSON Lines, and what all formats of objects share.

use serde_json::{Map, Value, json};

use super::{ExportError, TrainingSet, paths::ImagePaths, training_set::Row};
use crate::post::Post;

/// One object a line: `text`, `image_path`, `labels` (null if nobody has said), `prediction` if there is one.
pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    for (post, row) in set.rows() {
        let mut object = Map::new();
        object.insert("text".to_owned(), (&*post.text).into());
        object.insert(
            "image_path".to_owned(),
            (&*paths.write(&post.image_path)?).into(),
        );
        object.insert("labels".to_owned(), json!(set.names(row)));
        if let Some(said) = set.said(row) {
            let scores: Map<String, Value> = said
                .scores
                .into_iter()
                .map(|(l, p)| (l, p.into()))
                .collect();
            let prediction = json!({"labels": said.labels, "model": said.model, "scores": scores});
            object.insert("prediction".to_owned(), prediction);
        }
        provenance(&mut object, set, post, row);
        push_line(&mut bytes, &object.into());
    }
    Ok(bytes)
}

/// Adds where the labels come from, if that was asked for.
pub(super) fn provenance(
    object: &mut Map<String, Value>,
    set: &TrainingSet,
    post: &Post,
    row: &Row,
) {
    let Some(provenance) = &row.provenance else {
        return;
    };
    let labels = &set.dataset().labels;
    let dataset_labels = post.truth.map(|truth| labels.names_of(truth));
    object.insert("id".to_owned(), post.id.to_string().into());
    object.insert("source".to_owned(), provenance.source.name().into());
    object.insert("reviewer".to_owned(), json!(provenance.reviewer));
    object.insert("dataset_labels".to_owned(), json!(dataset_labels));
    object.insert("assisted".to_owned(), provenance.assisted.into());
    object.insert("flagged".to_owned(), provenance.flagged.into());
    object.insert("note".to_owned(), provenance.note.as_str().into());
}

/// Adds a value and a line end. Writing a value to memory cannot fail.
pub(super) fn push_line(bytes: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(&mut *bytes, value).ok();
    bytes.push(b'\n');
}

/// A JSON array with one element a line, which differences of two files show well.
pub(super) fn array(values: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let mut bytes = b"[".to_vec();
    for (i, value) in values.into_iter().enumerate() {
        bytes.extend_from_slice(if i == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut bytes, &value).ok();
    }
    bytes.extend_from_slice(b"\n]\n");
    bytes
}
