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
    if let Some(Value::Object(said)) = object.get(PREDICTION) {
        let names = said.get("labels").and_then(names_of).unwrap_or_default();
        let model = first_str(said, &["model", "model_version"]);
        let score = said.get("score").and_then(Value::as_f64);
        let scores = said
            .get("scores")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        item.said.push(Said::Labels {
            scores: scores
                .filter_map(|(name, p)| Some((name.clone(), p.as_f64()?)))
                .collect(),
            model: model.map(str::to_owned),
            names: names.clone(),
            score,
        });
        item.show_prediction(&names, model, score);
    }
    let read = [
        image.copied().unwrap_or_default(),
        "text",
        "labels",
        "label",
        PREDICTION,
    ];
    item.keep_others(object, &read);
    item.if_any()
}

/// The labels cell of an object: `labels` (a list, or a string as in a CSV cell), else `label`; null is unlabelled.
pub(super) fn labels(object: &Object) -> Option<(String, LabelColumn)> {
    let cell = |name: &str, column| match object.get(name)? {
        Value::Null => None,
        Value::String(cell) => Some((cell.clone(), column)),
        list @ Value::Array(_) => Some((list.to_string(), LabelColumn::Multi)),
        other => Some((other.to_string(), column)),
    };
    cell("labels", LabelColumn::Multi).or_else(|| cell("label", LabelColumn::Single))
}
