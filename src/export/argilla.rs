//! Argilla's `records.json`, as `dataset.records.to_json` writes it: labels as responses to the question `labels`, the model's
//! answer as its suggestion.

use serde_json::{Map, Value, json};

use super::{ExportError, TrainingSet, json_lines::array, paths::ImagePaths};

/// Responses belong to a user; this one stands for nobody.
const USER: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn to_bytes(
    set: &TrainingSet,
    paths: &mut ImagePaths<'_>,
) -> Result<Vec<u8>, ExportError> {
    let mut records = Vec::new();
    for (post, row) in set.rows() {
        let mut fields = Map::new();
        fields.insert("text".to_owned(), (&*post.text).into());
        if !post.image_path.is_empty() {
            fields.insert(
                "image".to_owned(),
                (&*paths.write(&post.image_path)?).into(),
            );
        }
        let names = set.names(row);
        let status = if names.is_some() {
            "completed"
        } else {
            "pending"
        };
        let responses = names.map_or_else(
            || json!({}),
            |names| json!({"labels": [{"value": names, "user_id": USER, "status": "submitted"}]}),
        );
        let suggestions = set.said(row).map_or_else(
            || json!({}),
            |said| {
                let scores: Option<Vec<f64>> =
                    said.labels.iter().map(|l| said.score_of(l)).collect();
                let scores = scores.filter(|scores| !scores.is_empty());
                json!({"labels": {"value": said.labels, "score": scores, "agent": said.model}})
            },
        );
        records.push(Value::Object(Map::from_iter([
            ("id".to_owned(), post.id.to_string().into()),
            ("fields".to_owned(), fields.into()),
            ("metadata".to_owned(), json!({})),
            ("suggestions".to_owned(), suggestions),
            ("responses".to_owned(), responses),
            ("vectors".to_owned(), json!({})),
            ("status".to_owned(), status.into()),
        ])));
    }
    Ok(array(records))
}
