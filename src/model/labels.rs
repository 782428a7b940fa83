//! How a dataset's labels differ from those that a model was trained on.

use std::fmt;

use super::ModelInfo;
use crate::post::LabelNames;

/// What a reviewer has to know of the labels of a model and a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LabelNote {
    /// A model that writes its answers: it is given the dataset's labels in its prompt, and was trained on others.
    OtherLabels {
        /// The dataset's labels that the model does not know.
        new: Vec<String>,
        /// The model's labels that the dataset does not have.
        missing: Vec<String>,
    },
    /// An adapter that says nothing of its labels.
    Untold {
        /// The adapter.
        adapter: String,
    },
    /// A classifier with one label and a dataset with one label of another name: the one stands for the other.
    StandsFor {
        /// The model's label.
        model: String,
        /// The dataset's label.
        dataset: String,
    },
    /// A classifier, whose labels are part of the network, for a dataset that does not have all of them, or has more.
    FixedLabels {
        /// The dataset's labels that the model never gives.
        never: Vec<String>,
        /// The model's labels that the dataset does not have.
        foreign: Vec<String>,
    },
}

impl LabelNote {
    /// The note for a model and a dataset's labels; `None` where the labels are the same, or those of a model that nobody trained
    /// on labels.
    pub fn new(model: &ModelInfo, labels: &LabelNames) -> Option<Self> {
        let Some(trained) = &model.labels else {
            let adapter = model.adapter.clone()?;
            return Some(Self::Untold { adapter });
        };
        let is_known = |label: &&str| trained.iter().any(|known| known == label);
        let new: Vec<String> = labels
            .iter()
            .filter(|label| !is_known(label))
            .map(str::to_owned)
            .collect();
        let missing: Vec<String> = trained
            .iter()
            .filter(|known| labels.index_of(known).is_none())
            .cloned()
            .collect();
        if new.is_empty() && missing.is_empty() {
            return None;
        }
        Some(match (model.is_classifier, &trained[..], labels.get(0)) {
            (true, [only], Some(label)) if labels.len() == 1 => Self::StandsFor {
                model: only.clone(),
                dataset: label.to_owned(),
            },
            (true, ..) => Self::FixedLabels {
                never: new,
                foreign: missing,
            },
            (false, ..) => Self::OtherLabels { new, missing },
        })
    }
}

impl fmt::Display for LabelNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherLabels { new, missing } => {
                write!(f, "The model was trained on other labels.")?;
                if !new.is_empty() {
                    write!(f, " New to it: {}.", new.join(", "))?;
                }
                if !missing.is_empty() {
                    write!(f, " Not asked for here: {}.", missing.join(", "))?;
                }
                Ok(())
            }
            Self::Untold { adapter } => write!(
                f,
                "Which labels {adapter} was trained on, and in which order, is not told: there is no label_map.json beside it. It is asked \
                 for the dataset's labels in the dataset's order. (Other programs may have fetched it without that file; \
                 `overrule models download` fetches the rest.)"
            ),
            Self::StandsFor { model, dataset } => write!(
                f,
                "The model's one label “{model}” stands for the dataset's one label “{dataset}”."
            ),
            Self::FixedLabels { never, foreign } => {
                write!(f, "The model has labels of its own.")?;
                if !never.is_empty() {
                    write!(f, " It never gives {}.", never.join(", "))?;
                }
                if !foreign.is_empty() {
                    write!(
                        f,
                        " The dataset does not have {}: such an answer is shown, and counts as no label.",
                        foreign.join(", ")
                    )?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;

    #[test]
    fn a_note_says_which_labels_are_new_and_which_are_missing() {
        let note = |trained: &[&str], is_classifier, labels: &[&str]| {
            let model = ModelInfo {
                name: String::new(),
                family: Family("fake"),
                folder: Default::default(),
                revision: None,
                adapter: None,
                labels: Some(trained.iter().map(|label| (*label).to_owned()).collect()),
                dtype: String::new(),
                device: String::new(),
                parameters: 0,
                is_demo: false,
                is_classifier,
                image_setting: None,
            };
            let labels = LabelNames::new(labels).unwrap();
            LabelNote::new(&model, &labels).map(|note| note.to_string())
        };
        let five = ["racist", "sexist", "religion"];
        assert_eq!(note(&five, false, &["sexist", "religion", "racist"]), None);
        for (trained, is_classifier, labels, expected) in [
            (
                &five[..],
                false,
                &["sexist", "rude"][..],
                "The model was trained on other labels. New to it: rude. Not asked for here: racist, religion.",
            ),
            (
                &five,
                false,
                &["racist"],
                "The model was trained on other labels. Not asked for here: sexist, religion.",
            ),
            (
                &["biased"],
                true,
                &["harmful"],
                "The model's one label “biased” stands for the dataset's one label “harmful”.",
            ),
            (
                &["biased"],
                true,
                &["racist", "biased"],
                "The model has labels of its own. It never gives racist.",
            ),
            (
                &["biased"],
                true,
                &["racist", "sexist"],
                "The model has labels of its own. It never gives racist, sexist. The dataset does not have biased: \
                 such an answer is shown, and counts as no label.",
            ),
        ] {
            assert_eq!(
                note(trained, is_classifier, labels).as_deref(),
                Some(expected)
            );
        }
    }
}
