//! doccano's export of classified texts and images: `{"id": 1, "text": …, "label": ["a", "b"]}`, `filename` for images
//! (<https://doccano.github.io/doccano/>). doccano cannot say whether nobody looked or nothing applies: an empty list is
//! taken as “no label applies”.

use serde_json::Value;

use super::{
    Object,
    item::{Item, first_str, names_cell, names_of},
};

pub(super) fn is_example(object: &Object) -> bool {
    object.contains_key("id")
        && object.get("label").is_some_and(Value::is_array)
        && (object.contains_key("text") || object.contains_key("filename"))
}

pub(super) fn example(object: &Object) -> Result<Item, String> {
    let mut item = Item {
        text: first_str(object, &["text", "data"])
            .unwrap_or_default()
            .to_owned(),
        ..Item::default()
    };
    let image = ["filename", "image_path", "image"]
        .into_iter()
        .find(|key| object.contains_key(*key));
    if let Some(value) = image.and_then(|key| object.get(key)) {
        item.take_image(value);
    }
    match object.get("label") {
        None | Some(Value::Null) => {}
        Some(value) => match names_of(value) {
            Some(names) => item.labels = Some(names_cell(&names)),
            None => item.faults.push(
                "its labels are not names of the whole post (spans or boxes), so it counts as unlabelled".to_owned(),
            ),
        },
    }
    let read = [
        image.unwrap_or_default(),
        "text",
        "data",
        "label",
        "Comments",
    ];
    item.keep_others(object, &read);
    item.if_any()
}
