//! What a model said about a post, and the record of it on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::Parse;
use crate::{
    model::{ModelInfo, PromptStyle, remote},
    post::{LabelNames, LabelSet, Post, PostId},
};

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

impl Score {
    fn is_finite(&self) -> bool {
        [self.p, self.lo, self.hi].iter().all(|x| x.is_finite())
    }
}

/// Wall-clock seconds that a prediction took.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Decoding and resizing the image.
    pub image: f64,
    /// The image tower. 0 for every network so far: it runs with the prompt, and `prefill` counts it.
    pub vision: f64,
    /// The prompt.
    pub prefill: f64,
    /// The generated tokens.
    pub decode: f64,
}

impl Seconds {
    fn finite(self) -> Self {
        let finite = |secs: f64| if secs.is_finite() { secs } else { 0.0 };
        Self {
            image: finite(self.image),
            vision: finite(self.vision),
            prefill: finite(self.prefill),
            decode: finite(self.decode),
        }
    }
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

impl Prediction {
    /// What is kept about a post that got no answer: why, and nothing else.
    pub fn failed(error: impl Into<String>, seconds: Seconds) -> Self {
        Self {
            labels: LabelSet::EMPTY,
            raw: String::new(),
            parse: Parse::Failed,
            unknown_labels: Vec::new(),
            scores: None,
            answer_logprob: None,
            margin: None,
            n_tokens: 0,
            seconds,
            error: Some(error.into()),
        }
    }
}

/// The longest answer, in tokens, unless somebody wants another one.
pub const DEFAULT_MAX_NEW_TOKENS: usize = 64;

/// Which model, prompt and settings a prediction came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// The model's name or folder.
    pub model: String,
    /// What tells these weights from others of the same name: the Hub's commits of base and adapter, or fingerprints
    /// of local folders.
    pub revision: Option<String>,
    /// The adapter's name or folder.
    pub adapter: Option<String>,
    /// `trained` or `card`.
    pub prompt: String,
    /// `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// What made the pixels others than the checkpoint's own settings do (`single_tile`), if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_setting: Option<String>,
    /// The longest answer in tokens, if that is not [`DEFAULT_MAX_NEW_TOKENS`]: shorter ones may cut answers off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_new_tokens: Option<usize>,
    /// The labels in the prompt, in class order.
    pub label_set: Vec<String>,
    /// The version of Overrule.
    pub version: String,
}

impl RunInfo {
    /// The longest answer, in tokens.
    pub fn longest_answer(&self) -> usize {
        self.max_new_tokens.unwrap_or(DEFAULT_MAX_NEW_TOKENS)
    }

    /// Whether an answer of this run could not be read and did not end by itself.
    pub fn was_cut_off(&self, prediction: &Prediction) -> bool {
        let is_unread = prediction.parse == Parse::Failed && prediction.error.is_none();
        is_unread && prediction.n_tokens >= self.longest_answer()
    }

    /// The run of a loaded model with these settings.
    pub fn new(
        model: &ModelInfo,
        prompt: PromptStyle,
        labels: &LabelNames,
        max_new_tokens: usize,
    ) -> Self {
        Self {
            model: model.name.clone(),
            revision: model.revision.clone(),
            adapter: model.adapter.clone(),
            prompt: match prompt {
                PromptStyle::Trained => "trained",
                PromptStyle::Card => "card",
            }
            .to_owned(),
            dtype: model.dtype.clone(),
            device: model.device.clone(),
            image_setting: model.image_setting.clone(),
            max_new_tokens: (max_new_tokens != DEFAULT_MAX_NEW_TOKENS).then_some(max_new_tokens),
            label_set: labels.iter().map(str::to_owned).collect(),
            version: crate::VERSION.to_owned(),
        }
    }
}

/// The prompt of a run that was not made here.
const IMPORTED: &str = "imported";

impl RunInfo {
    /// The run of a model whose predictions stand in the dataset's own file; nothing else is known of how they were made.
    pub fn imported(model: &str, labels: &LabelNames) -> Self {
        Self {
            model: model.to_owned(),
            revision: None,
            adapter: None,
            prompt: IMPORTED.to_owned(),
            dtype: String::new(),
            device: String::new(),
            image_setting: None,
            max_new_tokens: None,
            label_set: labels.iter().map(str::to_owned).collect(),
            version: crate::VERSION.to_owned(),
        }
    }

    /// Whether it was read from the dataset's own file.
    pub fn is_imported(&self) -> bool {
        self.prompt == IMPORTED
    }

    /// Whether the model answered on another machine, where its adapter and its settings are chosen.
    pub fn is_remote(&self) -> bool {
        self.dtype == remote::DTYPE
    }

    /// In words, what it was made with: prompt, precision, device, how images were seen, and where answers were cut off.
    pub fn settings(&self) -> String {
        if self.is_imported() {
            return "as the dataset’s own file says".to_owned();
        }
        let images = self.images().map(|images| format!(", {images}"));
        let longest = self.max_new_tokens;
        let longest = longest.map(|tokens| format!(", answers of {tokens} tokens at most"));
        format!(
            "{} prompt, {} on {}{}{}",
            self.prompt,
            self.dtype,
            self.device,
            images.unwrap_or_default(),
            longest.unwrap_or_default()
        )
    }

    /// In words, how the model saw images otherwise than by its own settings.
    pub fn images(&self) -> Option<&str> {
        match self.image_setting.as_deref() {
            Some("single_tile") => Some("images in one tile"),
            other => other,
        }
    }
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

impl Record {
    /// The record of a prediction about the post at a place of a dataset with these labels.
    ///
    /// JSON has no infinities and no NaN: figures that are not finite become null (seconds: 0).
    pub fn new(
        index: usize,
        post: &Post,
        labels: &LabelNames,
        prediction: Prediction,
        run: RunInfo,
    ) -> Self {
        let names = |set| {
            labels
                .names_of(set)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        Self {
            id: post.id,
            index,
            text: post.text.to_string(),
            image_path: post.image_path.to_string(),
            labels: names(prediction.labels),
            raw: prediction.raw,
            parse: prediction.parse,
            unknown_labels: prediction.unknown_labels,
            scores: prediction
                .scores
                .filter(|scores| scores.iter().all(Score::is_finite))
                .map(|scores| labels.iter().map(str::to_owned).zip(scores).collect()),
            answer_logprob: prediction.answer_logprob.filter(|x| x.is_finite()),
            margin: prediction.margin.filter(|x| x.is_finite()),
            n_tokens: prediction.n_tokens,
            seconds: prediction.seconds.finite(),
            error: prediction.error,
            run,
        }
    }

    /// The prediction of a record, in terms of a label set: names it does not have count as unknown labels.
    pub fn prediction(&self, labels: &LabelNames) -> Prediction {
        let (set, missing) = labels.resolve(self.labels.iter().map(String::as_str));
        let mut unknown_labels = self.unknown_labels.clone();
        unknown_labels.extend(missing);
        Prediction {
            labels: set,
            raw: self.raw.clone(),
            parse: self.parse,
            unknown_labels,
            scores: self.scores.as_ref().and_then(|scores| {
                labels
                    .iter()
                    .map(|name| scores.get(name).copied())
                    .collect()
            }),
            answer_logprob: self.answer_logprob,
            margin: self.margin,
            n_tokens: self.n_tokens,
            seconds: self.seconds,
            error: self.error.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunInfo {
        RunInfo {
            model: "tiny".into(),
            revision: None,
            adapter: Some("lora".into()),
            prompt: "trained".into(),
            dtype: "f32".into(),
            device: "cpu".into(),
            image_setting: None,
            max_new_tokens: None,
            label_set: vec!["racist".into(), "sexist".into()],
            version: "0".into(),
        }
    }

    fn post() -> Post {
        Post {
            id: PostId::new("hello", "a.png", 0),
            text: "hello".into(),
            image_path: "a.png".into(),
            truth: None,
            line: 2,
            extra: Box::default(),
        }
    }

    #[test]
    fn a_prediction_survives_its_record_and_a_line_of_json() {
        let labels = LabelNames::new(["racist", "sexist"]).unwrap();
        let score = |p| Score {
            p,
            lo: p - 0.01,
            hi: p + 0.01,
        };
        let prediction = Prediction {
            labels: [1].into_iter().collect(),
            raw: "[\"sexist\", \"rude\"]".into(),
            parse: Parse::Clean,
            unknown_labels: vec!["rude".into()],
            scores: Some(vec![score(0.25), score(0.75)]),
            answer_logprob: Some(-0.5),
            margin: Some(1.5),
            n_tokens: 6,
            seconds: Seconds {
                image: 0.25,
                vision: 0.0,
                prefill: 0.5,
                decode: 0.125,
            },
            error: None,
        };
        let record = Record::new(7, &post(), &labels, prediction.clone(), run());
        assert_eq!(record.labels, ["sexist"]);
        let line = serde_json::to_string(&record).unwrap();
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.prediction(&labels), prediction);
    }

    #[test]
    fn labels_that_another_label_set_does_not_have_are_kept_as_unknown() {
        let labels = LabelNames::new(["racist", "sexist"]).unwrap();
        let mut prediction = Prediction::failed("no image", Seconds::default());
        prediction.labels = [0, 1].into_iter().collect();
        let record = Record::new(0, &post(), &labels, prediction, run());
        let narrower = LabelNames::new(["sexist"]).unwrap();
        let read = record.prediction(&narrower);
        assert_eq!(read.labels, [0].into_iter().collect());
        assert_eq!(read.unknown_labels, ["racist"]);
        assert_eq!(read.error.as_deref(), Some("no image"));
    }
}
