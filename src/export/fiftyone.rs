//! FiftyOne's image classification dataset: `data/`, `labels.json`, and the model's answers in `predictions.json` of the same
//! form (load it with `labels_path="predictions.json"` into a field of its own).

use serde_json::{Map, Value, json};

use super::{
    TrainingSet,
    folder::{Placed, stem_and_ending},
    said::Said,
};

/// The folder of images.
pub(super) const DATA: &str = "data";

/// The truth.
pub(super) const LABELS: &str = "labels.json";

/// What the model said.
pub(super) const PREDICTIONS: &str = "predictions.json";

/// The labels by file stem; null where nobody has said.
pub(super) fn labels(set: &TrainingSet, placed: &[Placed<'_>]) -> Vec<u8> {
    to_bytes(
        set,
        placed
            .iter()
            .map(|placed| (placed, json!(set.names(placed.row)))),
    )
}

/// What the model said by file stem, with confidences; `None` if it said nothing.
pub(super) fn predictions(set: &TrainingSet, placed: &[Placed<'_>]) -> Option<Vec<u8>> {
    let said: Vec<(&Placed<'_>, Said)> = placed
        .iter()
        .filter_map(|placed| Some((placed, set.said(placed.row)?)))
        .collect();
    let entry = |said: Said| -> Value {
        let label = |name: &String| match said.score_of(name) {
            Some(confidence) => json!({"label": name, "confidence": confidence}),
            None => json!({"label": name}),
        };
        said.labels.iter().map(label).collect()
    };
    let entries = said.into_iter().map(|(placed, said)| (placed, entry(said)));
    (entries.len() > 0).then(|| to_bytes(set, entries))
}

fn to_bytes<'a, 'b: 'a>(
    set: &TrainingSet,
    entries: impl Iterator<Item = (&'a Placed<'b>, Value)>,
) -> Vec<u8> {
    let classes: Vec<&str> = set.dataset().labels.iter().collect();
    let labels: Map<String, Value> = entries
        .map(|(placed, value)| {
            let (stem, _) = stem_and_ending(&placed.name);
            (stem.to_owned(), value)
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&json!({"classes": classes, "labels": labels}))
        .unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
