//! What models said according to the dataset's own file: the predictions that annotation tools keep beside their tasks, and what
//! `overrule predict` wrote. Each model of a file is a run of its own.

use xxhash_rust::xxh3::Xxh3;

use crate::{
    post::LabelNames,
    predict::{
        answer::Parse,
        prediction::{Prediction, Record, RunInfo, Score, Seconds},
    },
};

/// What a model is called where the file does not say it.
const NAMELESS: &str = "a model that the file does not name";

/// What one model said about the posts of a dataset.
#[derive(Clone, PartialEq, Debug)]
pub struct ImportedRun {
    /// The model as the file names it.
    pub info: RunInfo,
    /// The place of each post that it said something about, and what.
    pub answers: Vec<(usize, Prediction)>,
}

/// What a file says that a model said about one post.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Said {
    /// Labels, by name.
    Labels {
        names: Vec<String>,
        model: Option<String>,
        /// The probability of the whole answer.
        score: Option<f64>,
        /// The probabilities of labels.
        scores: Vec<(String, f64)>,
    },
    /// All that this program keeps.
    Record(Box<Record>),
}

/// The runs of a dataset with these labels, in the order of their first answers.
pub(super) fn runs<'a>(
    said: impl IntoIterator<Item = (usize, &'a Said)>,
    labels: &LabelNames,
) -> Vec<ImportedRun> {
    // Each with the hash of what it says.
    let mut runs: Vec<(ImportedRun, Xxh3)> = Vec::new();
    for (post, said) in said {
        let info = said.info(labels);
        // Few models, many posts: the last one's run is looked at first.
        let place = match runs.iter().rposition(|(run, _)| run.info == info) {
            Some(place) => place,
            None => {
                let answers = Vec::new();
                runs.push((ImportedRun { info, answers }, Xxh3::new()));
                runs.len() - 1
            }
        };
        if let Some((run, hash)) = runs.get_mut(place) {
            let prediction = said.prediction(labels);
            hash.update(format!("{post} {prediction:?}").as_bytes());
            run.answers.push((post, prediction));
        }
    }
    let finished = runs.into_iter().map(|(mut run, hash)| {
        // A file that says something else another day is another run.
        if run.info.is_imported() {
            run.info.revision = Some(format!("{:016x}", hash.digest()));
        }
        run
    });
    finished.collect()
}

impl Said {
    /// The labels that the model named.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Labels { names, .. } => names,
            Self::Record(record) => &record.labels,
        }
    }

    /// All that this program keeps, if it is that.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Labels { .. } => None,
        }
    }

    fn info(&self, labels: &LabelNames) -> RunInfo {
        match self {
            Self::Record(record) => record.run.clone(),
            Self::Labels { model, .. } => {
                let model = model
                    .as_deref()
                    .map(str::trim)
                    .filter(|name| !name.is_empty());
                RunInfo::imported(model.unwrap_or(NAMELESS), labels)
            }
        }
    }

    fn prediction(&self, labels: &LabelNames) -> Prediction {
        let (names, score, scores) = match self {
            Self::Record(record) => return record.prediction(labels),
            Self::Labels {
                names,
                score,
                scores,
                ..
            } => (names, score, scores),
        };
        let (set, unknown_labels) = labels.resolve(names.iter().map(String::as_str));
        let of_label = |name: &str| {
            let (_, p) = scores.iter().find(|(label, _)| label == name)?;
            let p = Some(*p).filter(|p| (0.0..=1.0).contains(p))?;
            Some(Score { p, lo: p, hi: p })
        };
        Prediction {
            labels: set,
            raw: serde_json::Value::from(names.as_slice()).to_string(),
            parse: Parse::Clean,
            unknown_labels,
            // Of all labels or of none: a missing one is not an impossible one.
            scores: labels
                .iter()
                .map(of_label)
                .collect::<Option<Vec<_>>>()
                .filter(|s| !s.is_empty()),
            answer_logprob: score.filter(|p| *p > 0.0 && *p <= 1.0).map(f64::ln),
            margin: None,
            n_tokens: 0,
            seconds: Seconds::default(),
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(model: &str, names: &[&str], score: Option<f64>, scores: &[(&str, f64)]) -> Said {
        Said::Labels {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            model: Some(model.to_owned()),
            score,
            scores: scores.iter().map(|(n, p)| ((*n).to_owned(), *p)).collect(),
        }
    }

    #[test]
    fn each_model_of_a_file_is_a_run_and_other_answers_are_another_one() {
        let labels = LabelNames::new(["x", "y"]).unwrap();
        let all = [
            (
                0,
                said("m1", &["x", "rude"], Some(0.5), &[("x", 0.9), ("y", 0.25)]),
            ),
            (0, said("m2", &[], Some(7.0), &[("x", 0.9)])),
            (2, said("m1", &["y"], None, &[])),
            (3, said(" ", &[], None, &[])),
        ];
        let runs_of = |n: usize| {
            runs(
                all.iter().take(n).map(|(post, said)| (*post, said)),
                &labels,
            )
        };
        let runs = runs_of(4);
        let names: Vec<&str> = runs.iter().map(|run| run.info.model.as_str()).collect();
        assert_eq!(names, ["m1", "m2", NAMELESS]);
        let places: Vec<usize> = runs[0].answers.iter().map(|answer| answer.0).collect();
        assert_eq!(places, [0, 2]);
        let first = &runs[0].answers[0].1;
        assert_eq!(first.labels, [0].into_iter().collect());
        assert_eq!(first.unknown_labels, ["rude"]);
        assert_eq!(first.raw, r#"["x","rude"]"#);
        assert_eq!(first.answer_logprob, Some(0.5f64.ln()));
        assert_eq!(first.scores.as_ref().map(|s| s[1].p), Some(0.25));
        // A score that is no probability, and a label without one, say nothing.
        let second = &runs[1].answers[0].1;
        assert_eq!((second.answer_logprob, &second.scores), (None, &None));
        assert_eq!(runs[0].info, runs_of(3)[0].info);
        assert_ne!(runs[0].info, runs_of(1)[0].info);
    }
}
