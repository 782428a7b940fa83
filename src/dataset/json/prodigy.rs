//! Prodigy's tasks with answers (<https://prodi.gy/docs/api-interfaces>): `choice` has `options` and what was chosen in
//! `accept`; a binary classification has one `label` a task, accepted or rejected.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Object,
    item::{Item, first_str, names_cell},
};

pub(super) fn is_task(object: &Object) -> bool {
    let answer = first_str(object, &["answer"]);
    object.contains_key("_task_hash")
        || object.contains_key("_input_hash")
        || object.contains_key("_view_id")
        || object.get("accept").is_some_and(Value::is_array)
        || answer.is_some_and(|answer| ["accept", "reject", "ignore"].contains(&answer))
}

pub(super) fn task(object: &Object) -> Result<Item, String> {
    let mut item = Item {
        text: first_str(object, &["text"]).unwrap_or_default().to_owned(),
        ..Item::default()
    };
    // Prodigy writes the image itself into `image` and keeps the file's name in `path`.
    let is_data = |v: &&Value| v.as_str().is_some_and(|v| v.starts_with("data:"));
    let image = object.get("image").filter(|v| !is_data(v));
    let file = object
        .get("path")
        .or_else(|| object.get("meta")?.get("file"));
    if let Some(value) = image.or(file).or_else(|| object.get("image")) {
        item.take_image(value);
    }
    let answer = first_str(object, &["answer"]);
    let chosen = object.get("accept").and_then(Value::as_array);
    let single = first_str(object, &["label"]);
    item.label_set = object.get("options").and_then(options);
    item.labels = match (answer, chosen, single) {
        (Some("accept") | None, Some(chosen), _) if answer.is_some() || !chosen.is_empty() => {
            Some(names_cell(&chosen.iter().map(name).collect::<Vec<_>>()))
        }
        (Some("accept"), None, Some(label)) => Some(names_cell(&[label])),
        (Some("reject"), None, Some(_)) => Some(names_cell::<&str>(&[])),
        // A choice that was rejected or passed over says nothing about the labels.
        _ => None,
    };
    if answer.is_some_and(|answer| answer != "accept") {
        item.extra
            .push(("answer".to_owned(), answer.unwrap_or_default().to_owned()));
    }
    let model = object
        .get("meta")
        .and_then(|meta| meta.get("model")?.as_str());
    if let Some(said) = object
        .get("meta")
        .and_then(|meta| meta.get("prediction")?.as_array())
    {
        item.keep_prediction(&said.iter().map(name).collect::<Vec<_>>(), model, None);
    }
    item.if_any()
}

/// The ids of the options: what `accept` lists.
fn options(value: &Value) -> Option<Vec<String>> {
    let options = value.as_array()?.iter();
    Some(
        options
            .filter_map(|option| option.get("id"))
            .map(name)
            .collect(),
    )
}

fn name(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A binary classification asks once for each label: the answers about one post become one.
pub(super) fn merged(items: Vec<Item>) -> Vec<Item> {
    let is_binary = |item: &Item| item.label_set.is_none();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut merged: Vec<Item> = Vec::new();
    for item in items {
        let key = (item.text.clone(), item.image.clone());
        match places.get(&key).and_then(|place| merged.get_mut(*place)) {
            Some(known) if is_binary(known) && is_binary(&item) => add_labels(known, &item),
            _ => {
                places.insert(key, merged.len());
                merged.push(item);
            }
        }
    }
    merged
}

fn add_labels(known: &mut Item, item: &Item) {
    let names = |item: &Item| {
        let (cell, _) = item.labels.as_ref()?;
        serde_json::from_str::<Vec<String>>(cell).ok()
    };
    if let Some(more) = names(item) {
        let mut all = names(known).unwrap_or_default();
        all.extend(
            more.into_iter()
                .filter(|name| !all.contains(name))
                .collect::<Vec<_>>(),
        );
        known.labels = Some(names_cell(&all));
    }
}
