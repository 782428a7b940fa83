//! FiftyOne's image classification dataset: `data/` and `labels.json` with `classes` and `labels` by file stem
//! (<https://docs.voxel51.com/user_guide/import_datasets.html>). A label is a name, a number of `classes`, an object with
//! `label` and `confidence`, or a list of those; null is a sample nobody labelled. The format has no texts.
//!
//! Where every label has a confidence, a model named them. `predictions.json` of the same form beside `labels.json` is what the
//! export writes for what a model said.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    Object, build,
    item::{Item, names_cell},
    shape_error,
};
use crate::dataset::{Format, Loaded, OpenError, OpenOptions, imported::Said};

/// The file of labels.
const LABELS: &str = "labels.json";

/// What a model said, beside the labels.
const PREDICTIONS: &str = "predictions.json";

/// What the format calls a model: nothing in it names one.
const MODEL: &str = "FiftyOne predictions";

/// The column of how sure a model was, which such a file may hold.
pub(in crate::dataset) const CONFIDENCE: &str = "confidence";

/// The folder of images.
const DATA: &str = "data";

/// Whether a folder is such a dataset.
pub(in crate::dataset) fn is_fiftyone(folder: &Path) -> bool {
    folder.join(DATA).is_dir() && folder.join(LABELS).is_file()
}

/// Opens the folder of such a dataset.
pub(in crate::dataset) fn load_folder(
    path: &Path,
    options: &OpenOptions,
) -> Result<Loaded, OpenError> {
    super::load(&path.join(LABELS), options)
}

/// Whether an object is the content of `labels.json`.
pub(super) fn is_labels(object: &Object) -> bool {
    object.get("labels").is_some_and(Value::is_object)
}

pub(super) fn load(
    path: &Path,
    object: &Object,
    options: &OpenOptions,
) -> Result<Loaded, OpenError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let classes: Option<Vec<String>> =
        object
            .get("classes")
            .and_then(Value::as_array)
            .map(|classes| {
                classes
                    .iter()
                    .filter_map(|c| c.as_str().map(str::to_owned))
                    .collect()
            });
    let files = files_by_stem(
        &options
            .image_root
            .clone()
            .unwrap_or_else(|| folder.join(DATA)),
    );
    let prefix = if options.image_root.is_some() {
        String::new()
    } else {
        format!("{DATA}/")
    };
    let labels = object.get("labels").and_then(Value::as_object);
    let is_of_model = is_of_model(labels);
    let beside = if is_of_model {
        Map::new()
    } else {
        predictions_beside(path)
    };
    let items: Vec<Item> = labels
        .into_iter()
        .flatten()
        .map(|(key, target)| {
            let image = match files.get(key.as_str()) {
                Some(name) => format!("{prefix}{name}"),
                None if Path::new(key).is_absolute() => key.clone(),
                None => format!("{prefix}{key}"),
            };
            let mut item = item(image, target, classes.as_deref());
            if is_of_model {
                item.labels = None;
                item.keep_said(target, classes.as_deref());
            } else if let Some(said) = beside.get(key) {
                item.keep_said(said, classes.as_deref());
            }
            item
        })
        .collect();
    if items.is_empty() {
        return Err(shape_error(path, "its labels name no image"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    build(folder, Format::FiftyOne, &items, Vec::new(), options)
}

/// Whether a model named the labels: each that there is has a confidence.
fn is_of_model(labels: Option<&Object>) -> bool {
    let mut all = labels
        .into_iter()
        .flatten()
        .flat_map(|(_, target)| targets(target))
        .peekable();
    all.peek().is_some() && all.all(|target| target.get(CONFIDENCE).is_some_and(Value::is_number))
}

/// What the file beside this one says that a model said, by key.
fn predictions_beside(path: &Path) -> Object {
    if path.file_name().is_none_or(|name| name != LABELS) {
        return Map::new();
    }
    // It is not what was asked for: one that cannot be read is passed over.
    let bytes = fs::read(path.with_file_name(PREDICTIONS)).unwrap_or_default();
    match serde_json::from_slice::<Object>(&bytes).map(|mut file| file.remove("labels")) {
        Ok(Some(Value::Object(labels))) => labels,
        _ => Map::new(),
    }
}

impl Item {
    /// Keeps what a model said about a sample.
    fn keep_said(&mut self, target: &Value, classes: Option<&[String]>) {
        if target.is_null() {
            return;
        }
        let named = |target: &Value| Some((name_of(target, classes)?, confidence_of(target)));
        let named: Vec<(String, Option<f64>)> = targets(target).iter().filter_map(named).collect();
        let score = match named.as_slice() {
            [(_, confidence)] => *confidence,
            _ => None,
        };
        self.said.push(Said::Labels {
            names: named.iter().map(|(name, _)| name.clone()).collect(),
            model: Some(MODEL.to_owned()),
            score,
            scores: named
                .into_iter()
                .filter_map(|(name, p)| Some((name, p?)))
                .collect(),
        });
    }
}

fn targets(target: &Value) -> &[Value] {
    match target {
        Value::Null => &[],
        Value::Array(targets) => targets,
        one => std::slice::from_ref(one),
    }
}

fn name_of(target: &Value, classes: Option<&[String]>) -> Option<String> {
    match target.get("label").unwrap_or(target) {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => {
            let place = usize::try_from(number.as_u64()?).ok()?;
            classes?.get(place).cloned()
        }
        _ => None,
    }
}

fn confidence_of(target: &Value) -> Option<f64> {
    target.get(CONFIDENCE)?.as_f64()
}

fn item(image: String, target: &Value, classes: Option<&[String]>) -> Item {
    let mut item = Item {
        image,
        label_set: classes.map(<[String]>::to_vec),
        ..Item::default()
    };
    if target.is_null() {
        return item;
    }
    let mut names = Vec::new();
    let mut confidences = Vec::new();
    for target in targets(target) {
        let Some(name) = name_of(target, classes) else {
            let label = target.get("label").unwrap_or(target);
            item.faults.push(format!(
                "its label {label} is neither a name nor the number of a class"
            ));
            continue;
        };
        if let Some(confidence) = confidence_of(target) {
            confidences.push(format!("{name} {confidence:.3}"));
        }
        names.push(name);
    }
    if !confidences.is_empty() {
        item.extra
            .push((CONFIDENCE.to_owned(), confidences.join(", ")));
    }
    item.labels = Some(names_cell(&names));
    item
}

/// The files below a folder by their path without the ending, as the tool names them.
fn files_by_stem(root: &Path) -> HashMap<String, String> {
    let mut files = HashMap::new();
    let mut waiting: Vec<(PathBuf, String)> = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // A link to a folder is not followed: it may lead in a circle.
            if entry.file_type().is_ok_and(|found| found.is_dir()) {
                waiting.push((entry.path(), format!("{prefix}{name}/")));
            } else {
                let stem = name
                    .rsplit_once('.')
                    .map_or(name.as_str(), |(stem, _)| stem);
                files.insert(format!("{prefix}{stem}"), format!("{prefix}{name}"));
            }
        }
    }
    files
}
