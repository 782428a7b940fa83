//! What `overrule predict` writes. The labels in it are a model's: the posts are unlabelled, and what was said stands beside.

use super::{
    Object,
    item::{Item, first_str, names_of},
};

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
    let model = object.get("run").and_then(|run| run.get("model")?.as_str());
    item.keep_prediction(&names, model, None);
    item.if_any()
}
