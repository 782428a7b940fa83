//! What `overrule predict` writes. The labels in it are a model's: the posts are unlabelled, and what was said stands beside.
//! Which labels there are, and in which order, the runs in it say.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Object,
    item::{Item, first_str, names_of},
};
use crate::{dataset::imported::Said, post::PostId, predict::prediction::Record};

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
    let run = object.get("run");
    item.label_set = run.and_then(|run| names_of(run.get("label_set")?));
    // A line that an older or newer version wrote is read as far as it goes.
    match serde_json::from_value(Value::Object(object.clone())) {
        Ok(record) => item.said.push(Said::Record(Box::new(record))),
        Err(error) => {
            let names = object.get("labels").and_then(names_of).unwrap_or_default();
            let model = run.and_then(|run| run.get("model")?.as_str());
            item.show_prediction(&names, model, None);
            item.faults
                .push(format!("what the model said is not used ({error})"));
        }
    }
    item.if_any()
}

/// A post that several runs answered, or one run twice (it failed, and was asked again), is one post; the last word of each run
/// counts. The labels are those of all runs.
pub(super) fn merged(items: Vec<Item>) -> Vec<Item> {
    let mut places: HashMap<PostId, usize> = HashMap::new();
    let mut merged: Vec<Item> = Vec::new();
    let mut label_set: Vec<String> = Vec::new();
    for mut item in items {
        for name in item.label_set.take().unwrap_or_default() {
            if !label_set.contains(&name) {
                label_set.push(name);
            }
        }
        let known = record_of(&item).map(|record| *places.entry(record.id).or_insert(merged.len()));
        match known.and_then(|place| merged.get_mut(place)) {
            Some(known) => add_said(known, item.said),
            None => merged.push(item),
        }
    }
    for item in &mut merged {
        show_said(item);
    }
    if let Some(first) = merged.first_mut() {
        first.label_set = Some(label_set).filter(|names| !names.is_empty());
    }
    merged
}

fn record_of(item: &Item) -> Option<&Record> {
    item.said.iter().find_map(Said::record)
}

fn add_said(known: &mut Item, said: Vec<Said>) {
    for said in said {
        let run = said.record().map(|record| &record.run);
        let earlier = known.said.iter_mut();
        let mut earlier = earlier.filter(|s| s.record().map(|record| &record.run) == run);
        match earlier.next() {
            Some(earlier) => *earlier = said,
            None => known.said.push(said),
        }
    }
}

/// Makes what was said a cell to read. A post that failed has none: that is not the same as no labels.
fn show_said(item: &mut Item) {
    let said = std::mem::take(&mut item.said);
    let records = said.iter().filter_map(Said::record);
    for record in records.filter(|record| record.error.is_none()) {
        item.show_prediction(&record.labels, Some(&record.run.model), None);
    }
    item.said = said;
}
