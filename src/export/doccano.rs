//! doccano's JSON Lines: `{"text": …, "filename": …, "label": [...]}`. It cannot say that nobody has looked at a post, so only
//! labelled ones are written.

use serde_json::{Map, Value, json};

use super::{ExportError, TrainingSet, json_lines::push_line, paths::ImagePaths};

pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    for (post, row) in set.rows() {
        let mut object = Map::new();
        object.insert("id".to_owned(), (row.post + 1).into());
        object.insert("text".to_owned(), (&*post.text).into());
        if !post.image_path.is_empty() {
            object.insert(
                "filename".to_owned(),
                (&*paths.write(&post.image_path)?).into(),
            );
        }
        object.insert(
            "label".to_owned(),
            json!(set.names(row).unwrap_or_default()),
        );
        push_line(&mut bytes, &Value::Object(object));
    }
    Ok(bytes)
}
