//! Argilla's `records.json` (<https://docs.argilla.io>): `fields`, `responses` by question, `suggestions` of a model.
//!
//! Submitted responses become the labels, suggestions stand beside. Version 2 keys both by question; the files of version 1
//! are lists.

use serde_json::Value;

use super::{
    Object,
    item::{Item, names_cell, names_of},
    plain::IMAGE_KEYS,
};

pub(super) fn is_record(object: &Object) -> bool {
    object.get("fields").is_some_and(Value::is_object)
}

pub(super) fn record(object: &Object) -> Result<Item, String> {
    let mut item = Item::default();
    if let Some(Value::Object(fields)) = object.get("fields") {
        take_fields(&mut item, fields);
    }
    let responses = object.get("responses").map(submitted).unwrap_or_default();
    let of_labels: Vec<&Answer> = of_one_question(&responses);
    if of_labels.len() > 1 {
        item.extra
            .push(("responses".to_owned(), of_labels.len().to_string()));
    }
    item.labels = of_labels.last().map(|answer| names_cell(&answer.names));
    let suggestions = object
        .get("suggestions")
        .map(suggestions)
        .unwrap_or_default();
    for said in of_one_question(&suggestions) {
        item.keep_prediction(&said.names, said.agent.as_deref(), said.score);
    }
    if let Some(Value::Object(metadata)) = object.get("metadata") {
        item.keep_others(metadata, &[]);
    }
    item.if_any()
}

/// The text and the image: by their usual names, else the first that looks like one.
fn take_fields(item: &mut Item, fields: &Object) {
    let image = IMAGE_KEYS
        .iter()
        .find(|key| fields.contains_key(**key))
        .copied();
    if let Some(value) = image.and_then(|key| fields.get(key)) {
        item.take_image(value);
    }
    let first_text = || {
        let mut others = fields
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != image);
        others.find_map(|(name, value)| value.is_string().then_some(name.as_str()))
    };
    let text = if fields.contains_key("text") {
        Some("text")
    } else {
        first_text()
    };
    if let Some(value) = text.and_then(|key| fields.get(key)?.as_str()) {
        value.clone_into(&mut item.text);
    }
    item.keep_others(
        fields,
        &[image.unwrap_or_default(), text.unwrap_or_default()],
    );
}

/// What somebody or some model answered to a question of labels.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    question: String,
    names: Vec<String>,
    agent: Option<String>,
    score: Option<f64>,
}

impl Answer {
    fn new(question: &str, value: &Value) -> Option<Self> {
        let agent = value.get("agent").and_then(Value::as_str);
        Some(Self {
            question: question.to_owned(),
            names: names_of(value.get("value")?)?,
            agent: agent.map(str::to_owned),
            score: value.get("score").and_then(score),
        })
    }
}

/// A score, or the mean of the scores of several labels.
fn score(value: &Value) -> Option<f64> {
    match value {
        Value::Array(scores) => {
            let scores: Vec<f64> = scores.iter().filter_map(Value::as_f64).collect();
            (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
        }
        other => other.as_f64(),
    }
}

/// Responses that count: submitted, or of a file that does not tell.
fn submitted(responses: &Value) -> Vec<Answer> {
    let counts = |response: &&Value| {
        let status = response.get("status").and_then(Value::as_str);
        status.is_none_or(|status| status == "submitted")
    };
    match responses {
        Value::Object(questions) => questions
            .iter()
            .flat_map(|(question, responses)| {
                let responses = responses.as_array().map(Vec::as_slice).unwrap_or_default();
                responses
                    .iter()
                    .filter(counts)
                    .filter_map(move |r| Answer::new(question, r))
            })
            .collect(),
        Value::Array(responses) => responses
            .iter()
            .filter(counts)
            .filter_map(|response| response.get("values")?.as_object())
            .flat_map(|values| {
                values
                    .iter()
                    .filter_map(|(question, value)| Answer::new(question, value))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn suggestions(suggestions: &Value) -> Vec<Answer> {
    match suggestions {
        Value::Object(questions) => questions
            .iter()
            .filter_map(|(question, said)| Answer::new(question, said))
            .collect(),
        Value::Array(list) => {
            let question = |said: &Value| {
                said.get("question_name")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            list.iter()
                .filter_map(|said| Answer::new(&question(said)?, said))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The answers to the question of labels: the one of that name, else the first.
fn of_one_question(answers: &[Answer]) -> Vec<&Answer> {
    let named = |name: &&str| answers.iter().any(|answer| answer.question == **name);
    let first = answers.first().map(|answer| answer.question.as_str());
    let question = ["labels", "label"].into_iter().find(named).or(first);
    answers
        .iter()
        .filter(|answer| Some(answer.question.as_str()) == question)
        .collect()
}
