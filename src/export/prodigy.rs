//! Prodigy's tasks of the `choice` interface: options, what was accepted, and what the model said under `meta`.

use serde_json::{Map, Value, json};

use super::{ExportError, TrainingSet, json_lines::push_line, paths::ImagePaths};

pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let options: Vec<Value> = set
        .dataset()
        .labels
        .iter()
        .map(|name| json!({"id": name, "text": name}))
        .collect();
    let mut bytes = Vec::new();
    for (post, row) in set.rows() {
        let mut object = Map::new();
        object.insert("text".to_owned(), (&*post.text).into());
        if !post.image_path.is_empty() {
            object.insert(
                "image".to_owned(),
                (&*paths.write(&post.image_path)?).into(),
            );
        }
        object.insert("options".to_owned(), options.clone().into());
        if let Some(names) = set.names(row) {
            object.insert("accept".to_owned(), json!(names));
            object.insert("answer".to_owned(), "accept".into());
        }
        if let Some(said) = set.said(row) {
            let mut meta = json!({"model": said.model, "prediction": said.labels});
            if let (Some(answer), Some(meta)) = (said.answer, meta.as_object_mut()) {
                meta.insert("score".to_owned(), answer.into());
            }
            object.insert("meta".to_owned(), meta);
        }
        object.insert("_view_id".to_owned(), "choice".into());
        object.insert("config".to_owned(), json!({"choice_style": "multiple"}));
        push_line(&mut bytes, &Value::Object(object));
    }
    Ok(bytes)
}
