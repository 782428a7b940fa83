//! A post as an object describes it, and what several shapes read in the same way.

use serde_json::Value;

use super::Object;
use crate::dataset::{imported::Said, labels::LabelColumn};

/// A post that an object describes.
#[derive(Clone, Default, Debug, PartialEq)]
pub(in crate::dataset) struct Item {
    pub text: String,
    /// The image's path; empty if there is none.
    pub image: String,
    /// The labels as a cell; `None` if the post is unlabelled.
    pub labels: Option<(String, LabelColumn)>,
    /// Other columns: name and cell.
    pub extra: Vec<(String, String)>,
    /// The labels that the tool offered, if the object tells.
    pub label_set: Option<Vec<String>>,
    /// The line, from 1; 0 in a file that is not one of lines.
    pub line: u64,
    /// What is wrong with it.
    pub faults: Vec<String>,
    /// What models said about it.
    pub said: Vec<Said>,
}

/// The column of what a model said.
pub(in crate::dataset) const PREDICTION: &str = "prediction";

/// The longest value that is kept as another column, in bytes.
const MAX_EXTRA_BYTES: usize = 2000;

impl Item {
    /// Takes the image that a value names.
    pub fn take_image(&mut self, value: &Value) {
        match path_of(value) {
            Some(path) if path.starts_with("data:") => self.faults.push(
                "the image is written into the file itself, which is not read; save it as a file and name that".to_owned(),
            ),
            Some(path) => self.image = path.to_owned(),
            None => {}
        }
    }

    /// Keeps the values of an object that nothing else reads.
    pub fn keep_others(&mut self, object: &Object, read: &[&str]) {
        for (name, value) in object {
            if read.contains(&name.as_str()) {
                continue;
            }
            if let Some(cell) = cell(value) {
                self.extra.push((name.clone(), cell));
            }
        }
    }

    /// Keeps what a model said: its labels, its name and its score.
    pub fn keep_prediction(&mut self, names: &[String], model: Option<&str>, score: Option<f64>) {
        self.add_said(Said::Labels {
            names: names.to_vec(),
            model: model.map(str::to_owned),
            score,
            scores: Vec::new(),
        });
    }

    /// Keeps what a model said, and makes a cell to read of it.
    pub fn add_said(&mut self, said: Said) {
        if let Said::Labels {
            names,
            model,
            score,
            ..
        } = &said
        {
            self.show_prediction(names, model.as_deref(), *score);
        }
        self.said.push(said);
    }

    /// Makes what a model said a cell to read.
    pub fn show_prediction(&mut self, names: &[String], model: Option<&str>, score: Option<f64>) {
        let labels = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let about: Vec<String> = model
            .map(str::to_owned)
            .into_iter()
            .chain(score.map(|score| format!("{score:.3}")))
            .collect();
        let text = if about.is_empty() {
            labels
        } else {
            format!("{labels} ({})", about.join(", "))
        };
        match self.extra.iter_mut().find(|(name, _)| name == PREDICTION) {
            Some((_, cell)) => *cell = format!("{cell}; {text}"),
            None => self.extra.push((PREDICTION.to_owned(), text)),
        }
    }

    /// The post, if there is anything to see.
    pub fn if_any(self) -> Result<Self, String> {
        if self.text.is_empty() && self.image.is_empty() && self.faults.is_empty() {
            return Err("it names neither a text nor an image".to_owned());
        }
        Ok(self)
    }
}

/// The path that a value names: a string, or an object with a `path` as the datasets library writes it.
pub(super) fn path_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(path) => Some(path),
        Value::Object(object) => object.get("path").or_else(|| object.get("src"))?.as_str(),
        _ => None,
    }
}

/// A list of names as a labels cell.
pub(in crate::dataset) fn names_cell<S: AsRef<str>>(names: &[S]) -> (String, LabelColumn) {
    let names: Vec<Value> = names.iter().map(|name| name.as_ref().into()).collect();
    (Value::from(names).to_string(), LabelColumn::Multi)
}

/// The names in a value: a string, or a list of strings.
pub(super) fn names_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(names) => names
            .iter()
            .map(|n| n.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// The first string under one of these names.
pub(super) fn first_str<'a>(object: &'a Object, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| object.get(*name)?.as_str())
}

/// A value as a cell; nothing for null and for what is too long to read.
fn cell(value: &Value) -> Option<String> {
    let cell = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (!cell.is_empty() && cell.len() <= MAX_EXTRA_BYTES && cell != "[]" && cell != "{}")
        .then_some(cell)
}
