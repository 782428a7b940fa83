//! Label Studio: tasks with annotations and predictions, the shorter JSON_MIN, and the project's labelling configuration.
//!
//! Images are named as Label Studio serves local files: from its own document root, which has to be the folder that the
//! dataset's image paths start from.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{TrainingSet, json_lines::array, markup::escaped, said::Said};
use crate::post::Post;

/// The name of the control in the configuration.
const CONTROL: &str = "labels";

/// The tasks.
pub(super) fn tasks(set: &TrainingSet) -> Vec<u8> {
    let object = object_of(set);
    array(set.rows().map(|(post, row)| {
        let id = row.post + 1;
        let annotations: Vec<Value> = set
            .names(row)
            .map(|names| json!({"id": id, "result": result(id, &names, object), "was_cancelled": false, "ground_truth": false}))
            .into_iter()
            .collect();
        let prediction = |said: Said| {
            json!({"model_version": said.model, "score": said.answer, "result": result(id, &said.labels, object)})
        };
        let predictions: Vec<Value> = set.said(row).map(prediction).into_iter().collect();
        json!({"id": id, "data": data(post), "annotations": annotations, "predictions": predictions})
    }))
}

/// JSON_MIN. One choice is a string and several are an object, as Label Studio writes them; none is no key.
pub(super) fn min(set: &TrainingSet) -> Vec<u8> {
    array(set.rows().map(|(post, row)| {
        let id = row.post + 1;
        let mut object = data(post);
        object.insert("id".to_owned(), id.into());
        match set.names(row).unwrap_or_default().as_slice() {
            [] => {}
            [name] => drop(object.insert(CONTROL.to_owned(), (*name).into())),
            names => drop(object.insert(CONTROL.to_owned(), json!({"choices": names}))),
        }
        object.insert("annotator".to_owned(), 1.into());
        object.insert("annotation_id".to_owned(), id.into());
        for key in ["created_at", "updated_at", "lead_time"] {
            object.insert(key.to_owned(), Value::Null);
        }
        Value::Object(object)
    }))
}

/// The labelling configuration that these tasks need.
pub(super) fn config(set: &TrainingSet) -> String {
    let mut text = String::from("<View>\n");
    if set.rows().any(|(post, _)| !post.image_path.is_empty()) {
        text += "  <Image name=\"image\" value=\"$image\"/>\n";
    }
    if set.rows().any(|(post, _)| !post.text.is_empty()) {
        text += "  <Text name=\"text\" value=\"$text\"/>\n";
    }
    let object = object_of(set);
    writeln!(
        text,
        "  <Choices name=\"{CONTROL}\" toName=\"{object}\" choice=\"multiple\">"
    )
    .ok();
    for name in set.dataset().labels.iter() {
        writeln!(text, "    <Choice value=\"{}\"/>", escaped(name)).ok();
    }
    text + "  </Choices>\n</View>\n"
}

/// What the control is about: the image if any post has one.
fn object_of(set: &TrainingSet) -> &'static str {
    if set.rows().any(|(post, _)| !post.image_path.is_empty()) {
        "image"
    } else {
        "text"
    }
}

fn result<S: AsRef<str>>(id: usize, names: &[S], object: &str) -> Value {
    if names.is_empty() {
        return json!([]);
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    json!([{
        "id": format!("post{id}"),
        "from_name": CONTROL,
        "to_name": object,
        "type": "choices",
        "value": {"choices": names},
    }])
}

fn data(post: &Post) -> Map<String, Value> {
    let mut data = Map::new();
    if !post.image_path.is_empty() {
        data.insert("image".to_owned(), address(&post.image_path).into());
    }
    data.insert("text".to_owned(), (&*post.text).into());
    data
}

/// The address under which Label Studio serves an image; a web address stays.
fn address(image_path: &str) -> String {
    if image_path.contains("://") {
        return image_path.to_owned();
    }
    let mut address = String::from("/data/local-files/?d=");
    for byte in image_path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            address.push(byte.into());
        } else {
            write!(address, "%{byte:02X}").ok();
        }
    }
    address
}
