//! Reading a model's answer.

use serde_json::Value;

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

/// Reads an answer: the whole trimmed text as a JSON array, else the first `[` … `]` in it that parses.
///
/// Names count only if they are exactly a label's name, as in the original evaluation. Takes time linear in the
/// text: a `[` is tried to its own closing bracket, and JSON is read to a bounded depth.
pub fn parse(raw: &str, labels: &LabelNames) -> ParsedAnswer {
    let text = raw.trim();
    let (parse, elements) = if let Ok(elements) = serde_json::from_str::<Vec<Value>>(text) {
        (Parse::Clean, elements)
    } else if let Some(elements) = first_array(text) {
        (Parse::Salvaged, elements)
    } else {
        (Parse::Failed, Vec::new())
    };
    let mut set = LabelSet::EMPTY;
    let mut unknown = Vec::new();
    for element in elements {
        let name = match element {
            Value::String(name) => name,
            other => {
                unknown.push(other.to_string());
                continue;
            }
        };
        match labels.index_of(&name) {
            Some(index) => set.insert(index),
            None => unknown.push(name),
        }
    }
    ParsedAnswer {
        labels: set,
        parse,
        unknown,
    }
}

/// The first array inside other text.
fn first_array(text: &str) -> Option<Vec<Value>> {
    text.match_indices('[').find_map(|(start, _)| {
        let rest = text.get(start..)?;
        serde_json::Deserializer::from_str(rest)
            .into_iter::<Vec<Value>>()
            .next()?
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels() -> LabelNames {
        LabelNames::new(["racist", "sexist", "homophobe"]).expect("three names")
    }

    #[test]
    fn answers_are_read_as_far_as_they_can_be() {
        use Parse::{Clean, Failed, Salvaged};
        for (raw, parse, names, unknown) in [
            (r#"["racist"]"#, Clean, vec!["racist"], vec![]),
            (" [] \n", Clean, vec![], vec![]),
            (
                r#"["sexist", "racist", "sexist"]"#,
                Clean,
                vec!["racist", "sexist"],
                vec![],
            ),
            (
                r#"["Racist", " sexist", "spam"]"#,
                Clean,
                vec![],
                vec!["Racist", " sexist", "spam"],
            ),
            (
                r#"["racist", 3, null, ["sexist"], {"a": 1}]"#,
                Clean,
                vec!["racist"],
                vec!["3", "null", r#"["sexist"]"#, r#"{"a":1}"#],
            ),
            (
                "Labels: [\n  \"racist\"\n] done",
                Salvaged,
                vec!["racist"],
                vec![],
            ),
            (
                "```json\n[\"sexist\"]\n```",
                Salvaged,
                vec!["sexist"],
                vec![],
            ),
            (
                r#"[racist] then ["sexist"]"#,
                Salvaged,
                vec!["sexist"],
                vec![],
            ),
            (r#"["racist"]["sexist"]"#, Salvaged, vec!["racist"], vec![]),
            (
                r#"["a]b", "racist"] x"#,
                Salvaged,
                vec!["racist"],
                vec!["a]b"],
            ),
            (
                r#"{"labels": ["racist"]}"#,
                Salvaged,
                vec!["racist"],
                vec![],
            ),
            (r#"["racist", ["sexist"]"#, Salvaged, vec!["sexist"], vec![]),
            (r#"["racist", "sex"#, Failed, vec![], vec![]),
            ("['racist']", Failed, vec![], vec![]),
            ("racist", Failed, vec![], vec![]),
            ("null", Failed, vec![], vec![]),
            ("", Failed, vec![], vec![]),
        ] {
            let answer = super::parse(raw, &labels());
            assert_eq!(answer.parse, parse, "{raw}");
            assert_eq!(labels().names_of(answer.labels), names, "{raw}");
            assert_eq!(answer.unknown, unknown, "{raw}");
        }
    }

    #[test]
    fn hostile_answers_take_linear_time() {
        for unit in ["[", "[\"", "[[1,", "[\"[1,\", \",", "{\"a\":[", "[\"a\","] {
            assert_eq!(
                super::parse(&unit.repeat(2_000), &labels()).parse,
                Parse::Failed
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(raw in r#"[\[\]{}",:\\a-c 0-9\n]{0,200}"#) {
            let answer = super::parse(&raw, &labels());
            prop_assert!(answer.labels.iter().all(|i| i < labels().len()));
            if answer.parse == Parse::Failed {
                prop_assert!(answer.labels.is_empty() && answer.unknown.is_empty());
            }
        }

        #[test]
        fn the_json_of_a_set_is_read_back(bits in 0u64..8, before in "[^\\[]{0,20}", after in ".{0,20}") {
            let set = LabelSet::from_bits(bits);
            let json = labels().json_list(set);
            let clean = super::parse(&json, &labels());
            prop_assert_eq!((clean.labels, clean.parse), (set, Parse::Clean));
            let inside = super::parse(&format!("{before}{json}{after}"), &labels());
            prop_assert_eq!(inside.labels, set);
        }
    }
}
