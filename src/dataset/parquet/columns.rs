//! What the columns of a Parquet file mean: by the Hub's description where the file carries one, else by type and name.

use std::collections::HashMap;

use parquet::{
    basic::Type as Physical,
    schema::types::{Type, TypePtr},
};
use serde_json::{Map, Value};

use crate::dataset::json::IMAGE_KEYS;

/// Names of the text, in the order in which they are looked for.
const TEXT_KEYS: [&str; 7] = [
    "text",
    "tweet_text",
    "tweet",
    "caption",
    "sentence",
    "comment",
    "content",
];

/// Names of the labels, in the order in which they are looked for.
const LABEL_KEYS: [&str; 2] = ["labels", "label"];

/// What is known of a file's columns.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Columns {
    /// The picture: bytes and path, or a path alone.
    pub picture: Option<String>,
    /// Whether the picture's bytes stand in the file.
    pub has_bytes: bool,
    pub text: Option<String>,
    /// Names of labels, or numbers of classes.
    pub labels: Option<String>,
    /// Columns that may be one a label: of whole numbers or truth values. Empty if there is a column of labels.
    pub flags: Vec<String>,
    /// The names of each column's classes, by the Hub's description.
    pub classes: HashMap<String, Vec<String>>,
}

impl Columns {
    /// What the columns below `root` mean. `features` is the Hub's description of them, if there is any.
    pub fn new(root: &Type, features: Option<&Map<String, Value>>) -> Self {
        let fields: &[TypePtr] = match root {
            Type::GroupType { fields, .. } => fields,
            Type::PrimitiveType { .. } => &[],
        };
        let feature = |name: &str| features.and_then(|all| all.get(name));
        let named = |wanted: &str| fields.iter().find(|field| field.name() == wanted);
        let is_picture = |field: &&TypePtr| {
            feature(field.name()).and_then(kind) == Some("Image") || has_bytes_and_path(field)
        };
        let picture = fields.iter().find(is_picture).or_else(|| {
            let mut keys = IMAGE_KEYS.iter().filter_map(|key| named(key));
            keys.find(|field| is_bytes(field))
        });
        let picture_name = picture.map(|field| field.name().to_owned());
        let classes: HashMap<String, Vec<String>> = fields
            .iter()
            .filter_map(|field| {
                Some((
                    field.name().to_owned(),
                    class_names(feature(field.name())?)?,
                ))
            })
            .collect();
        // Without the usual name, the only column with classes.
        let mut only = fields
            .iter()
            .filter(|field| classes.contains_key(field.name()));
        let (first, second) = (only.next(), only.next());
        let labels = LABEL_KEYS.iter().find_map(|key| named(key));
        let labels = labels.or(first.filter(|_| second.is_none()));
        let labels = labels.map(|field| field.name().to_owned());
        let is_free = |field: &&TypePtr| {
            Some(field.name()) != picture_name.as_deref() && Some(field.name()) != labels.as_deref()
        };
        let texts: Vec<&TypePtr> = fields
            .iter()
            .filter(|field| is_text(field) && is_free(field))
            .collect();
        let mut known = TEXT_KEYS.iter().filter_map(|key| {
            let mut texts = texts.iter();
            texts.find(|field| field.name().eq_ignore_ascii_case(key))
        });
        let text = known.next().or(match texts.as_slice() {
            [only] if !IMAGE_KEYS.contains(&only.name()) => Some(only),
            _ => None,
        });
        let text = text.map(|field| field.name().to_owned());
        let flags = fields
            .iter()
            .filter(|field| labels.is_none() && is_flag(field));
        Self {
            has_bytes: picture.is_some_and(|field| is_bytes(field) || has_bytes_and_path(field)),
            picture: picture_name,
            text,
            flags: flags.map(|field| field.name().to_owned()).collect(),
            labels,
            classes,
        }
    }
}

/// The Hub's description of a file's columns, which the `datasets` library writes beside the schema.
pub(super) fn features(metadata: &str) -> Option<Map<String, Value>> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    Some(metadata.get("info")?.get("features")?.as_object()?.clone())
}

fn kind(feature: &Value) -> Option<&str> {
    feature.get("_type")?.as_str()
}

/// The names of a column of classes, or of lists of classes as either generation of the library describes them.
fn class_names(feature: &Value) -> Option<Vec<String>> {
    let inner = match feature {
        Value::Array(one) => one.first()?,
        Value::Object(object) if kind(feature) != Some("ClassLabel") => object.get("feature")?,
        one => one,
    };
    if kind(inner) != Some("ClassLabel") {
        return None;
    }
    let names = inner.get("names")?.as_array()?.iter();
    names.map(|name| name.as_str().map(str::to_owned)).collect()
}

fn physical(field: &Type) -> Option<Physical> {
    match field {
        Type::PrimitiveType { physical_type, .. } => Some(*physical_type),
        Type::GroupType { .. } => None,
    }
}

fn is_string(field: &Type) -> bool {
    let info = field.get_basic_info();
    info.converted_type() == parquet::basic::ConvertedType::UTF8
}

/// A column of strings, of which there is one a row.
fn is_text(field: &Type) -> bool {
    physical(field) == Some(Physical::BYTE_ARRAY) && is_string(field)
}

fn is_bytes(field: &Type) -> bool {
    physical(field) == Some(Physical::BYTE_ARRAY) && !is_string(field)
}

fn is_flag(field: &Type) -> bool {
    matches!(
        physical(field),
        Some(Physical::BOOLEAN | Physical::INT32 | Physical::INT64)
    ) && !field
        .get_basic_info()
        .converted_type()
        .to_string()
        .starts_with("TIME")
}

/// A picture as the `datasets` library stores it.
fn has_bytes_and_path(field: &Type) -> bool {
    let Type::GroupType { fields, .. } = field else {
        return false;
    };
    let named = |name: &str| fields.iter().find(|field| field.name() == name);
    named("bytes").is_some_and(|field| is_bytes(field)) && named("path").is_some()
}
