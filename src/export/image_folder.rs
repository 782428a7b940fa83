//! A folder of images with `metadata.jsonl`, as the `datasets` library loads it
//! (<https://huggingface.co/docs/datasets/image_load>).
//!
//! The images are called by number: the library takes a name such as `test_1.png` for a split, and loads only the files of
//! splits once there is one. Their own paths stand in a column.

use serde_json::{Map, Value, json};

use super::{
    TrainingSet,
    folder::Placed,
    json_lines::{provenance, push_line},
    said::Said,
};

/// The folder of images, below the one that is loaded.
pub(super) const IMAGES: &str = "images";

/// What describes them.
pub(super) const METADATA: &str = "metadata.jsonl";

/// One object an image. All have the same keys, since the library makes columns of them.
pub(super) fn to_bytes(set: &TrainingSet, placed: &[Placed<'_>]) -> Vec<u8> {
    let has_predictions = placed.iter().any(|placed| placed.row.prediction.is_some());
    let has_scores = placed.iter().any(|placed| {
        let answer = set.answer(placed.row);
        answer.is_some_and(|answer| answer.scores.is_some())
    });
    let mut bytes = Vec::new();
    for Placed { post, row, name } in placed {
        let mut object = Map::new();
        object.insert("file_name".to_owned(), format!("{IMAGES}/{name}").into());
        object.insert("text".to_owned(), (&*post.text).into());
        object.insert("labels".to_owned(), json!(set.names(row)));
        object.insert("image_path".to_owned(), (&*post.image_path).into());
        if has_predictions {
            let said = set.said(row);
            let labels = said.as_ref().map(|said| said.labels.clone());
            object.insert("predicted_labels".to_owned(), json!(labels));
            let scores = said.as_ref().map(|said| scores_of(said, set));
            object.insert("model".to_owned(), json!(said.map(|said| said.model)));
            if has_scores {
                object.insert("scores".to_owned(), json!(scores));
            }
        }
        provenance(&mut object, set, post, row);
        push_line(&mut bytes, &Value::Object(object));
    }
    bytes
}

/// The probability of every label, or null for each.
fn scores_of(said: &Said, set: &TrainingSet) -> Map<String, Value> {
    let labels = set.dataset().labels.iter();
    labels
        .map(|label| (label.to_owned(), json!(said.score_of(label))))
        .collect()
}
