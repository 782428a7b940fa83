//! Answers by lines: `Hate Speech: `, then the labels, one a line, or `None`.

use crate::{
    post::{LabelNames, LabelSet},
    predict::answer::{Parse, ParsedAnswer},
};

/// What every answer begins with.
const HEADING: &str = "Hate Speech:";

/// The answer where no label applies.
const NONE: &str = "None";

/// Reads an answer: what stands behind the first heading, a name a line.
///
/// It is clean if it begins with the heading and every line is a label, or the only one is `None`; with more or less than
/// that it is salvaged; without a heading there is no answer. A line counts only if it is exactly a label's name, white
/// space around it aside; other lines are kept as unknown.
pub fn parse(raw: &str, labels: &LabelNames) -> ParsedAnswer {
    let Some((before, behind)) = raw.split_once(HEADING) else {
        return ParsedAnswer {
            labels: LabelSet::EMPTY,
            parse: Parse::Failed,
            unknown: Vec::new(),
        };
    };
    let lines = || {
        behind
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let (set, mut unknown) = labels.resolve(lines());
    let n_unknown = unknown.len();
    unknown.retain(|line| line != NONE);
    let only_none = n_unknown == 1 && unknown.is_empty() && set.is_empty();
    let only_labels = n_unknown == 0 && !set.is_empty();
    let is_clean = before.trim().is_empty() && (only_none || only_labels);
    ParsedAnswer {
        labels: set,
        parse: if is_clean {
            Parse::Clean
        } else {
            Parse::Salvaged
        },
        unknown,
    }
}

/// The answer that the model was trained to give for a set; the end of the turn follows.
pub fn text(labels: &LabelNames, set: LabelSet) -> String {
    let names = match labels.names_of(set) {
        names if names.is_empty() => vec![NONE],
        names => names,
    };
    format!("{HEADING} {}\n", names.join("\n"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::UNSMILE_LABELS;

    fn eight() -> LabelNames {
        LabelNames::new(UNSMILE_LABELS).unwrap()
    }

    #[test]
    fn answers_are_read_line_by_line() {
        use Parse::{Clean, Failed, Salvaged};
        for (raw, parse, names, unknown) in [
            ("Hate Speech: Men\n", Clean, vec!["Men"], vec![]),
            (
                "Hate Speech: Religion\nMen\n",
                Clean,
                vec!["Men", "Religion"],
                vec![],
            ),
            (
                "\nHate Speech:\r\n Race/Nationality \r\n\r\nLGBTQ+",
                Clean,
                vec!["LGBTQ+", "Race/Nationality"],
                vec![],
            ),
            ("Hate Speech: Men\nMen", Clean, vec!["Men"], vec![]),
            ("Hate Speech: None\n", Clean, vec![], vec![]),
            ("Hate Speech: None\nNone", Salvaged, vec![], vec![]),
            ("Hate Speech: None\nMen", Salvaged, vec!["Men"], vec![]),
            ("Hate Speech:", Salvaged, vec![], vec![]),
            ("Answer: Hate Speech: Men", Salvaged, vec!["Men"], vec![]),
            (
                "Hate Speech: Men\nI hope this helps.",
                Salvaged,
                vec!["Men"],
                vec!["I hope this helps."],
            ),
            (
                "Hate Speech: men\nOther Hate Speech",
                Salvaged,
                vec!["Other Hate Speech"],
                vec!["men"],
            ),
            (
                "Hate Speech: Men, Age\n",
                Salvaged,
                vec![],
                vec!["Men, Age"],
            ),
            (
                "Hate Speech: Men\nHate Speech: Age",
                Salvaged,
                vec!["Men"],
                vec!["Hate Speech: Age"],
            ),
            ("Other Hate Speech", Failed, vec![], vec![]),
            ("None", Failed, vec![], vec![]),
            ("hate speech: Men", Failed, vec![], vec![]),
            ("", Failed, vec![], vec![]),
        ] {
            let answer = super::parse(raw, &eight());
            assert_eq!(answer.parse, parse, "{raw}");
            assert_eq!(eight().names_of(answer.labels), names, "{raw}");
            assert_eq!(answer.unknown, unknown, "{raw}");
        }
    }

    #[test]
    fn labels_of_another_dataset_are_looked_for_in_its_own_names() {
        let labels = LabelNames::new(["Religion", "rude"]).unwrap();
        let answer = super::parse("Hate Speech: Religion\nMen\n", &labels);
        assert_eq!(labels.names_of(answer.labels), ["Religion"]);
        assert_eq!(answer.unknown, ["Men"]);
    }

    proptest! {
        #[test]
        fn the_answer_for_a_set_is_read_back(bits in 0u64..256) {
            let set = LabelSet::from_bits(bits);
            let answer = super::parse(&text(&eight(), set), &eight());
            prop_assert_eq!((answer.labels, answer.parse, answer.unknown), (set, Parse::Clean, vec![]));
        }

        #[test]
        fn any_text_is_read(raw in "(Hate Speech:)?[ \\n]?(Men|None|Age|.{0,9}|\\r?\\n){0,9}") {
            let answer = super::parse(&raw, &eight());
            prop_assert!(answer.labels.iter().all(|i| i < 8));
            prop_assert_eq!(answer.parse == Parse::Failed, !raw.contains("Hate Speech:"));
            if answer.parse == Parse::Clean {
                prop_assert!(answer.unknown.is_empty());
            }
        }
    }
}
