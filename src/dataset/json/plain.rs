//! Plain objects: `{"text": …, "image_path": …, "labels": […]}`, as JSON Lines or as one array.
//!
//! Also what the `datasets` library and pandas write: an image may be `{"path": …}`, `label` 0, 1 or one name.

use serde_json::Value;

use super::{
    Object,
    item::{Item, PREDICTION, first_str, names_of},
};
use crate::dataset::{imported::Said, labels::LabelColumn};

/// The names under which an image is looked for, in this order.
pub(in crate::dataset) const IMAGE_KEYS: [&str; 5] =
    ["image_path", "image", "img", "file_name", "filename"];

/// The columns that say what a model said, where no object does.
const PREDICTION_COLUMNS: [&str; 3] = [PREDICTED_LABELS, "model", "scores"];

/// The column of a model's labels.
const PREDICTED_LABELS: &str = "predicted_labels";

pub(in crate::dataset) fn object(object: &Object) -> Result<Item, String> {
    let mut item = Item::default();
    match object.get("text") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => item.text.clone_from(text),
        Some(other) => return Err(format!("text should be a string, but is {other}")),
    }
    let image = IMAGE_KEYS
        .iter()
        .find(|key| object.get(**key).is_some_and(|v| !v.is_null()));
    if let Some(value) = image.and_then(|key| object.get(*key)) {
        item.take_image(value);
    }
    item.labels = labels(object);
    let said = said(object);
    let is_said = said.is_some();
    if let Some(said) = said {
        item.add_said(said);
    }
    let read = [
        image.copied().unwrap_or_default(),
        "text",
        "labels",
        "label",
        PREDICTION,
    ];
    let in_columns = PREDICTION_COLUMNS.iter().filter(|_| is_said);
    let read: Vec<&str> = read.iter().chain(in_columns).copied().collect();
    item.keep_others(object, &read);
    item.if_any()
}

/// What a model said: in an object of its own, or in columns as tables have it.
pub(in crate::dataset) fn said(object: &Object) -> Option<Said> {
    let (said, labels) = match object.get(PREDICTION) {
        Some(Value::Object(said)) => (said, said.get("labels")),
        _ => match object.get(PREDICTED_LABELS)? {
            // A post that the model has said nothing about.
            Value::Null => return None,
            labels => (object, Some(labels)),
        },
    };
    let scores = said.get("scores").and_then(Value::as_object);
    Some(Said::Labels {
        names: labels.and_then(names_of).unwrap_or_default(),
        model: first_str(said, &["model", "model_version"]).map(str::to_owned),
        score: said.get("score").and_then(Value::as_f64),
        scores: scores
            .into_iter()
            .flatten()
            .filter_map(|(name, p)| Some((name.clone(), p.as_f64()?)))
            .collect(),
    })
}

/// The labels cell of an object: `labels` (a list, or a string as in a CSV cell), else `label`; null is unlabelled.
pub(super) fn labels(object: &Object) -> Option<(String, LabelColumn)> {
    let cell = |name: &str, column| match object.get(name)? {
        Value::Null => None,
        Value::String(cell) => Some((cell.clone(), column)),
        list @ Value::Array(_) => Some((list.to_string(), LabelColumn::Multi)),
        // As Label Studio has it; or which names apply: `{"racist": 0, "sexist": 1}`.
        mapping @ Value::Object(of) => {
            let choices = of.get("choices").filter(|choices| choices.is_array());
            Some((choices.unwrap_or(mapping).to_string(), LabelColumn::Multi))
        }
        other => Some((other.to_string(), column)),
    };
    cell("labels", LabelColumn::Multi).or_else(|| cell("label", LabelColumn::Single))
}
