//! Label Studio's tasks: JSON with annotations and predictions, and the shorter JSON_MIN
//! (<https://labelstud.io/guide/export>). Choices about the whole post become labels; other kinds of result are passed over.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    Object,
    item::{Item, first_str, names_cell, names_of},
    plain::IMAGE_KEYS,
};

/// Where Label Studio serves files of its machine from.
const LOCAL_FILES: &str = "/data/local-files/?d=";

/// Where it serves uploaded files from; on the disk they lie in `media/upload`.
const UPLOADS: &str = "/data/upload/";

/// What JSON_MIN says of the annotation beside its answers.
const MIN_KEYS: [&str; 8] = [
    "id",
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "inner_id",
];

pub(super) fn is_task(object: &Object) -> bool {
    object.get("data").is_some_and(Value::is_object)
}

pub(super) fn is_min(object: &Object) -> bool {
    object.contains_key("annotation_id") && object.contains_key("annotator")
}

/// A task: its last annotation that was not cancelled is the truth, or the one marked as such.
pub(super) fn task(object: &Object) -> Result<Item, String> {
    let mut item = Item::default();
    if let Some(Value::Object(data)) = object.get("data") {
        take_data(&mut item, data, &[]);
    }
    let annotations = object
        .get("annotations")
        .or_else(|| object.get("completions"));
    let annotations: Vec<&Object> = objects(annotations)
        .filter(|annotation| annotation.get("was_cancelled") != Some(&Value::Bool(true)))
        .collect();
    let is_truth =
        |annotation: &&&Object| annotation.get("ground_truth") == Some(&Value::Bool(true));
    if let Some(truth) = annotations.iter().find(is_truth).or(annotations.last()) {
        item.labels = Some(names_cell(&choices(truth)));
    }
    if annotations.len() > 1 {
        item.extra
            .push(("annotations".to_owned(), annotations.len().to_string()));
    }
    // An export may name predictions by number only, which says nothing.
    for prediction in objects(object.get("predictions")) {
        let model = first_str(prediction, &["model_version"]);
        let score = prediction.get("score").and_then(Value::as_f64);
        item.keep_prediction(&choices(prediction), model, score);
    }
    item.if_any()
}

/// A line of JSON_MIN: the task's data, its id, one key for each control, then what is known of the annotation.
pub(super) fn min(object: &Object) -> Result<Item, String> {
    let mut item = Item::default();
    let behind_id = object.keys().skip_while(|key| *key != "id").skip(1);
    let controls: Vec<&str> = behind_id
        .take_while(|key| *key != "annotator")
        .map(String::as_str)
        .collect();
    let names = controls.iter().filter_map(|key| {
        let value = object.get(*key)?;
        names_of(value.get("choices").unwrap_or(value))
    });
    let names: Vec<String> = names.flatten().collect();
    item.labels = Some(names_cell(&names));
    take_data(&mut item, object, &[&controls[..], &MIN_KEYS].concat());
    item.if_any()
}

fn objects(list: Option<&Value>) -> impl Iterator<Item = &Object> {
    let list = list
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    list.iter().filter_map(Value::as_object)
}

/// All choices of an annotation or a prediction, each once.
fn choices(of: &Object) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let results = objects(of.get("result"));
    for result in results.filter(|r| first_str(r, &["type"]) == Some("choices")) {
        let chosen = result
            .get("value")
            .and_then(|value| names_of(value.get("choices")?));
        names.extend(
            chosen
                .unwrap_or_default()
                .into_iter()
                .filter(|n| !names.contains(n))
                .collect::<Vec<_>>(),
        );
    }
    names
}

/// The text and the image, whatever the project calls them.
fn take_data(item: &mut Item, data: &Object, read: &[&str]) {
    let strings = || {
        let strings = data
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        strings.filter(|(name, _)| !read.contains(name))
    };
    let named = strings().find(|(name, _)| IMAGE_KEYS.contains(name));
    let image = named.or_else(|| strings().find(|(_, value)| looks_like_image(value)));
    let image_key = image.map_or("", |(name, _)| name);
    if let Some((_, value)) = image {
        item.take_image(&Value::from(local_path(value)));
    }
    let mut texts = strings().filter(|(name, _)| *name != image_key);
    let text = strings()
        .find(|(name, _)| *name == "text")
        .or_else(|| texts.next());
    let text_key = text.map_or("", |(name, _)| name);
    text.map_or("", |(_, value)| value)
        .clone_into(&mut item.text);
    item.keep_others(data, &[read, &[image_key, text_key]].concat());
}

fn looks_like_image(value: &str) -> bool {
    let name = value.split(['?', '#']).next().unwrap_or_default();
    let has_ending = [
        ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ]
    .iter()
    .any(|ending| name.to_lowercase().ends_with(ending));
    value.starts_with(LOCAL_FILES)
        || value.starts_with(UPLOADS)
        || has_ending && !value.contains(char::is_whitespace)
}

/// The path behind an address that Label Studio serves.
fn local_path(value: &str) -> String {
    if let Some(at) = value.find(LOCAL_FILES) {
        let path = value.get(at + LOCAL_FILES.len()..).unwrap_or_default();
        return percent_decoded(path);
    }
    match value.strip_prefix(UPLOADS) {
        Some(name) => percent_decoded(&format!("upload/{name}")),
        None => value.to_owned(),
    }
}

/// A text with `%20` and the like replaced; as it is if that would give no text.
fn percent_decoded(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_paths() {
        for (value, path) in [
            ("/data/local-files/?d=memes/a%20b.png", "memes/a b.png"),
            (
                "http://localhost:8080/data/local-files/?d=%C3%A4.png",
                "ä.png",
            ),
            ("/data/upload/3/1a2b3c4d-a.png", "upload/3/1a2b3c4d-a.png"),
            ("images/100%.png", "images/100%.png"),
            ("/data/local-files/?d=%ff%2", "%ff%2"),
            ("https://a.b/c.png", "https://a.b/c.png"),
        ] {
            assert_eq!(local_path(value), path);
        }
    }
}
