//! JSON and JSON Lines: what annotation tools write, and plain objects with a text, an image and labels.
//!
//! The shape of the first objects says which tool wrote them; a shape is one file here and one line of `SHAPES`.
//! Annotations become labels. Predictions that a file carries are a run of the model it names; beside, they stay visible in a column
//! of their own.

mod argilla;
mod doccano;
mod fiftyone;
mod item;
mod label_studio;
mod plain;
mod prodigy;
mod records;

use std::{collections::HashMap, fs, path::Path};

use serde_json::{Map, Value};

pub(super) use fiftyone::{CONFIDENCE, is_fiftyone, load_folder};
pub(super) use item::{Item, PREDICTION, names_cell};
pub(super) use plain::{IMAGE_KEYS, object as plain_item, said as plain_said};

use super::{
    Format, Loaded, OpenError, OpenOptions,
    builder::{Builder, Found},
    images, imported,
};
use crate::post::{Problem, ProblemKind};

type Object = Map<String, Value>;

/// How many objects are looked at to tell the shape.
const LOOKED_AT: usize = 8;

/// What can be opened, for the message when nothing fits.
const KNOWN: &str = "it should hold objects with text, image_path (or image, file_name) and labels, or be a file of Label Studio, \
                     Argilla, FiftyOne, doccano or Prodigy";

/// One way in which objects describe posts.
struct Shape {
    format: Format,
    /// Whether an object is of this shape.
    fits: fn(&Object) -> bool,
    /// The post that an object describes, or why it describes none.
    item: fn(&Object) -> Result<Item, String>,
    /// What is put right once all posts are there.
    finish: fn(Vec<Item>) -> Vec<Item>,
}

/// The shapes in the order in which they are asked.
const SHAPES: &[Shape] = &[
    Shape {
        format: Format::LabelStudio,
        fits: label_studio::is_task,
        item: label_studio::task,
        finish: all,
    },
    Shape {
        format: Format::LabelStudio,
        fits: label_studio::is_min,
        item: label_studio::min,
        finish: all,
    },
    Shape {
        format: Format::Argilla,
        fits: argilla::is_record,
        item: argilla::record,
        finish: all,
    },
    Shape {
        format: Format::Records,
        fits: records::is_record,
        item: records::record,
        finish: records::merged,
    },
    Shape {
        format: Format::Prodigy,
        fits: prodigy::is_task,
        item: prodigy::task,
        finish: prodigy::merged,
    },
    Shape {
        format: Format::Doccano,
        fits: doccano::is_example,
        item: doccano::example,
        finish: all,
    },
    Shape {
        format: Format::Json,
        fits: |_| true,
        item: plain::object,
        finish: all,
    },
];

fn all(items: Vec<Item>) -> Vec<Item> {
    items
}

/// A JSON file's objects as they were found.
#[derive(Default)]
struct Objects {
    /// Each with its line, from 1; 0 in a file that is not one of lines.
    found: Vec<(u64, Object)>,
    faults: Vec<(u64, String)>,
}

/// Reads a `.json`, `.jsonl` or `.ndjson` file.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<Loaded, OpenError> {
    let bytes = fs::read(path).map_err(|source| OpenError::Read {
        path: path.to_owned(),
        source,
    })?;
    super::csv::check_encoding(&bytes, path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let is_one_value =
        super::has_extension(path, &["json"]) || bytes.trim_ascii_start().starts_with(b"[");
    let objects = match is_one_value.then(|| serde_json::from_slice::<Value>(bytes)) {
        Some(Ok(Value::Object(object))) if fiftyone::is_labels(&object) => {
            return fiftyone::load(path, &object, options);
        }
        // One object that is a line by itself.
        Some(Ok(Value::Object(object))) => Objects {
            found: vec![(1, object)],
            faults: Vec::new(),
        },
        Some(Ok(Value::Array(values))) => objects_of(values),
        Some(Ok(_)) => Objects::default(),
        // JSON Lines under another name, as some tools write them.
        Some(Err(_)) | None => match lines(bytes) {
            objects if !objects.found.is_empty() => objects,
            _ => {
                let source = serde_json::from_slice::<Value>(bytes).err();
                return Err(source.map_or_else(
                    || shape_error(path, "no line is an object"),
                    |source| OpenError::Json {
                        path: path.to_owned(),
                        source,
                    },
                ));
            }
        },
    };
    if objects.found.is_empty() {
        return Err(shape_error(path, "it holds no objects"));
    }
    let sample: Vec<&Object> = objects
        .found
        .iter()
        .take(LOOKED_AT)
        .map(|(_, o)| o)
        .collect();
    let fitting = SHAPES
        .iter()
        .find(|shape| sample.iter().any(|object| (shape.fits)(object)));
    let Some(shape) = fitting else {
        return Err(shape_error(path, "its objects are of no known shape"));
    };
    let mut faults = objects.faults;
    let mut items = Vec::with_capacity(objects.found.len());
    for (number, (line, object)) in (1u64..).zip(objects.found) {
        match (shape.item)(&object) {
            Ok(item) => items.push(Item { line, ..item }),
            Err(message) if line > 0 => faults.push((line, message)),
            Err(message) => faults.push((0, format!("object {number}: {message}"))),
        }
    }
    if items.is_empty() {
        let first = faults
            .into_iter()
            .next()
            .map_or_else(String::new, |(_, message)| message);
        return Err(shape_error(
            path,
            &format!("no object describes a post ({first})"),
        ));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    build(
        folder,
        shape.format,
        &(shape.finish)(items),
        faults,
        options,
    )
}

fn shape_error(path: &Path, found: &str) -> OpenError {
    OpenError::JsonShape {
        path: path.to_owned(),
        found: found.to_owned(),
        known: KNOWN,
    }
}

fn objects_of(values: Vec<Value>) -> Objects {
    let mut objects = Objects::default();
    for (number, value) in (1..).zip(values) {
        match value {
            Value::Object(object) => objects.found.push((0, object)),
            _ => objects
                .faults
                .push((0, format!("element {number} is not an object"))),
        }
    }
    objects
}

fn lines(bytes: &[u8]) -> Objects {
    let mut objects = Objects::default();
    for (line, bytes) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(bytes) {
            Ok(object) => objects.found.push((line, object)),
            Err(error) => objects
                .faults
                .push((line, format!("not a JSON object ({error})"))),
        }
    }
    objects
}

/// Makes a dataset of the posts that were found. `folder` is where they lie, and `class_names.txt` may.
pub(super) fn build(
    folder: &Path,
    format: Format,
    items: &[Item],
    faults: Vec<(u64, String)>,
    options: &OpenOptions,
) -> Result<Loaded, OpenError> {
    let columns = columns_of(items);
    let places: HashMap<&str, usize> = (0..)
        .zip(&columns)
        .map(|(i, name)| (name.as_str(), i))
        .collect();
    let mut builder = Builder::default();
    let named = items.iter().find_map(|item| item.label_set.clone());
    if let Some(named) = named {
        builder.name_labels(named);
    }
    for item in items {
        let mut extra = vec![Box::<str>::default(); columns.len()];
        for (name, value) in &item.extra {
            if let Some(cell) = places
                .get(name.as_str())
                .and_then(|place| extra.get_mut(*place))
            {
                *cell = value.as_str().into();
            }
        }
        let place = builder.push(Found {
            text: &item.text,
            image_path: item.image.trim(),
            line: item.line,
            extra: extra.into(),
            labels: item
                .labels
                .as_ref()
                .map(|(cell, column)| (cell.as_str(), *column)),
        });
        for message in &item.faults {
            builder.report(problem(Some(place), item.line, message.clone()));
        }
    }
    for (line, message) in faults {
        let line_text = if line > 0 {
            format!("line {line}: ")
        } else {
            String::new()
        };
        builder.report(problem(
            None,
            line,
            format!("{line_text}{message}, so it is not used"),
        ));
    }
    builder.see_predicted(items.iter().flat_map(|item| &item.said));
    let image_root = images::choose_root(options.image_root.as_deref(), folder, builder.posts());
    let built = builder.finish(options, folder)?;
    let said = (0..)
        .zip(items)
        .flat_map(|(post, item)| item.said.iter().map(move |said| (post, said)));
    Ok(Loaded {
        imported: imported::runs(said, &built.labels),
        format,
        labels: built.labels,
        label_source: built.label_source,
        image_root,
        posts: built.posts,
        extra_columns: columns,
        problems: built.problems,
    })
}

fn problem(post: Option<usize>, line: u64, message: String) -> Problem {
    Problem {
        kind: ProblemKind::Unreadable,
        post,
        line: (line > 0).then_some(line),
        column: None,
        message,
    }
}

/// The names of all other columns, in the order of their first appearance.
fn columns_of(items: &[Item]) -> Vec<String> {
    /// More are the keys of a map and not columns.
    const MOST: usize = 40;
    let mut seen = std::collections::HashSet::new();
    let names = items
        .iter()
        .flat_map(|item| &item.extra)
        .map(|(name, _)| name);
    names
        .filter(|name| seen.insert(name.as_str()))
        .take(MOST)
        .cloned()
        .collect()
}
