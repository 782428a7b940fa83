//! FiftyOne's image classification dataset: `data/` and `labels.json` with `classes` and `labels` by file stem
//! (<https://docs.voxel51.com/user_guide/import_datasets.html>). A label is a name, a number of `classes`, an object with
//! `label` and `confidence`, or a list of those; null is a sample nobody labelled. The format has no texts.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Object, build,
    item::{Item, names_cell},
    shape_error,
};
use crate::dataset::{Format, Loaded, OpenError, OpenOptions};

/// The file of labels.
const LABELS: &str = "labels.json";

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
    let items: Vec<Item> = labels
        .into_iter()
        .flatten()
        .map(|(key, target)| {
            let image = match files.get(key.as_str()) {
                Some(name) => format!("{prefix}{name}"),
                None if Path::new(key).is_absolute() => key.clone(),
                None => format!("{prefix}{key}"),
            };
            item(image, target, classes.as_deref())
        })
        .collect();
    if items.is_empty() {
        return Err(shape_error(path, "its labels name no image"));
    }
    build(path, Format::FiftyOne, &items, Vec::new(), options)
}

fn item(image: String, target: &Value, classes: Option<&[String]>) -> Item {
    let mut item = Item {
        image,
        label_set: classes.map(<[String]>::to_vec),
        ..Item::default()
    };
    let targets = match target {
        Value::Null => return item,
        Value::Array(targets) => targets.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut names = Vec::new();
    let mut confidences = Vec::new();
    for target in targets {
        let label = target.get("label").unwrap_or(target);
        let name = match label {
            Value::String(name) => Some(name.clone()),
            Value::Number(number) => {
                let place = number.as_u64().and_then(|n| usize::try_from(n).ok());
                place.and_then(|place| classes?.get(place).cloned())
            }
            _ => None,
        };
        let Some(name) = name else {
            item.faults.push(format!(
                "its label {label} is neither a name nor the number of a class"
            ));
            continue;
        };
        if let Some(confidence) = target.get(CONFIDENCE).and_then(Value::as_f64) {
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
