//! Reading a model's answer.

use crate::post::{LabelNames, LabelSet};

/// How the answer could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parse {
    /// The whole trimmed text is a JSON array.
    Clean,
    /// The first `[` … `]` that parses, inside other text.
    Salvaged,
    /// No array anywhere: there is no answer, which is not the same as “no labels”.
    Failed,
}

/// What an answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParsedAnswer {
    /// The allowed labels it names.
    pub labels: LabelSet,
    /// How it could be read.
    pub parse: Parse,
    /// Names (and other values, as JSON) that are not in the label set, in the order given.
    pub unknown: Vec<String>,
}

/// Reads an answer.
pub fn parse(raw: &str, labels: &LabelNames) -> ParsedAnswer {
    let _ = (raw, labels);
    todo!()
}
