//! What `overrule predict` writes. The labels in it are a model's: the posts are unlabelled, and what was said stands beside.

use serde_json::Value;

use super::{
    Object,
    item::{Item, first_str, names_of},
};
use crate::dataset::imported::Said;

pub(super) fn is_record(object: &Object) -> bool {
    ["raw", "parse", "run", "labels"]
        .iter()
        .all(|key| object.contains_key(*key))
}

pub(super) fn record(object: &Object) -> Result<Item, String> {
    let mut item = Item {
        text: first_str(object, &["text"]).unwrap_or_default().to_owned(),
        image: first_str(object, &["image_path"])
            .unwrap_or_default()
            .to_owned(),
        ..Item::default()
    };
    let names = object.get("labels").and_then(names_of).unwrap_or_default();
    // A line that an older or newer version wrote is read as far as it goes.
    match serde_json::from_value(Value::Object(object.clone())) {
        Ok(record) => item.said.push(Said::Record(Box::new(record))),
        Err(error) => item
            .faults
            .push(format!("what the model said is not used ({error})")),
    }
    let model = object.get("run").and_then(|run| run.get("model")?.as_str());
    item.show_prediction(&names, model, None);
    item.if_any()
}
