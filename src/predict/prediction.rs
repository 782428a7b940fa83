//! What a model said about a post, and the record of it on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::Parse;
use crate::post::{LabelSet, PostId};

/// The probability of a label as an interval that holds it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// The best estimate.
    pub p: f64,
    /// The lower end.
    pub lo: f64,
    /// The upper end.
    pub hi: f64,
}

/// Wall-clock seconds that a prediction took.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Decoding and resizing the image.
    pub image: f64,
    /// The image tower (0 where it is counted within prefill).
    pub vision: f64,
    /// The prompt.
    pub prefill: f64,
    /// The generated tokens.
    pub decode: f64,
}

/// What a model said about one post.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    /// The labels it named, of the dataset's label set.
    pub labels: LabelSet,
    /// The answer, verbatim.
    pub raw: String,
    /// How the answer could be read.
    pub parse: Parse,
    /// Names in the answer that the label set does not have.
    pub unknown_labels: Vec<String>,
    /// The probability of each label (in class order), if computed.
    pub scores: Option<Vec<Score>>,
    /// The natural log of the answer's probability.
    pub answer_logprob: Option<f64>,
    /// The smallest gap to the second-best token, in natural-log units.
    pub margin: Option<f64>,
    /// How many tokens were generated.
    pub n_tokens: usize,
    /// What it took.
    pub seconds: Seconds,
    /// Why there is no answer, if there is none. Labels are then empty and `parse` is `Failed`.
    pub error: Option<String>,
}

/// Which model, prompt and settings a prediction came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// The model's name or folder.
    pub model: String,
    /// The revision of a Hub checkpoint.
    pub revision: Option<String>,
    /// The adapter's name or folder.
    pub adapter: Option<String>,
    /// `trained` or `card`.
    pub prompt: String,
    /// `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The labels in the prompt, in class order.
    pub label_set: Vec<String>,
    /// The version of Overrule.
    pub version: String,
}

/// One line of a predictions file: everything about one post's prediction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The post's stable name.
    pub id: PostId,
    /// The post's place in the dataset, from 0.
    pub index: usize,
    /// The post's text.
    pub text: String,
    /// The image path as the dataset writes it.
    pub image_path: String,
    /// The predicted labels, in class order.
    pub labels: Vec<String>,
    /// The answer, verbatim.
    pub raw: String,
    /// How the answer could be read.
    pub parse: Parse,
    /// Names in the answer that do not exist.
    pub unknown_labels: Vec<String>,
    /// The probability of each label, if computed.
    pub scores: Option<BTreeMap<String, Score>>,
    /// The natural log of the answer's probability.
    pub answer_logprob: Option<f64>,
    /// The smallest gap to the second-best token.
    pub margin: Option<f64>,
    /// How many tokens were generated.
    pub n_tokens: usize,
    /// What it took.
    pub seconds: Seconds,
    /// Why there is no answer.
    pub error: Option<String>,
    /// What it came from.
    pub run: RunInfo,
}
