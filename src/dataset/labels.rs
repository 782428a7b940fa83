//! Reading a labels cell, and choosing the label set of a dataset.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs, io,
    path::Path,
};

use super::{LabelSource, OpenError, OpenOptions};
use serde_json::Value;

use crate::post::{LabelNames, LabelSet};

/// The one class of a `label` column of 0 and 1.
pub(super) const BINARY_LABEL: &str = "harmful";

/// The file that names the labels, one a line, in class order.
const CLASS_NAMES: &str = "class_names.txt";

/// Where names come from that the format itself gives.
pub(super) const THE_FILE: &str = "the file itself";

/// Which kind of column a cell stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LabelColumn {
    /// `labels`: any number of names.
    Multi,
    /// `label`: 0 or 1, or one name.
    Single,
}

/// What a cell says, before the label set is known.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Cell {
    /// Nobody has said what the labels are.
    Unlabelled,
    /// These labels.
    Names(Vec<Box<str>>),
    /// 0 or 1.
    Binary(bool),
}

/// The distinct label cells of a dataset: there are few, however many posts there are.
#[derive(Default)]
pub(super) struct LabelCells {
    multi: HashMap<Box<str>, usize>,
    single: HashMap<Box<str>, usize>,
    cells: Vec<Cell>,
}

/// What a cell means in a label set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ResolvedCell {
    /// The labels that exist; `None` if the cell leaves the post unlabelled.
    pub truth: Option<LabelSet>,
    /// The names that do not.
    pub unknown: Vec<String>,
}

impl LabelCells {
    /// Keeps a cell's meaning; the number leads to it in [`resolve`](Self::resolve)'s answer.
    pub fn intern(&mut self, text: &str, column: LabelColumn) -> usize {
        let known = match column {
            LabelColumn::Multi => &mut self.multi,
            LabelColumn::Single => &mut self.single,
        };
        if let Some(place) = known.get(text) {
            return *place;
        }
        let place = self.cells.len();
        known.insert(text.into(), place);
        self.cells.push(match column {
            LabelColumn::Multi => parse_multi(text),
            LabelColumn::Single => parse_single(text),
        });
        place
    }

    /// Chooses the label set. `folder` is where `class_names.txt` may lie, `own` what the format itself names.
    pub fn choose(
        &self,
        options: &OpenOptions,
        folder: &Path,
        own: Option<&[String]>,
    ) -> Result<(LabelNames, LabelSource), OpenError> {
        if let Some(given) = &options.labels {
            return Ok((names(given, "--labels")?, LabelSource::Given));
        }
        if let Some(found) = read_class_names(folder)? {
            return Ok((found, LabelSource::ClassNames));
        }
        if let Some(own) = own {
            return Ok((names(own, THE_FILE)?, LabelSource::Header));
        }
        let is_binary = self.cells.iter().any(|c| matches!(c, Cell::Binary(_)));
        let model = options.model_labels.as_ref().filter(|m| {
            if is_binary {
                m.iter().any(|n| n == BINARY_LABEL)
            } else {
                !m.is_empty()
            }
        });
        if let Some(model) = model {
            return Ok((names(model, "the model's label map")?, LabelSource::Model));
        }
        if is_binary {
            return Ok((
                names(&[BINARY_LABEL], "the label column")?,
                LabelSource::Binary,
            ));
        }
        Ok((names(&self.seen(), "the labels column")?, LabelSource::Seen))
    }

    /// The names in the data, in order of first appearance.
    fn seen(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Names(names) => Some(names),
                Cell::Unlabelled | Cell::Binary(_) => None,
            })
            .flatten()
            .map(|name| &**name)
            .filter(|name| seen.insert(*name))
            .collect()
    }

    /// What each cell means in this label set, in the order of their numbers.
    pub fn resolve(&self, labels: &LabelNames) -> Vec<ResolvedCell> {
        let resolve = |cell: &Cell| {
            let (truth, unknown) = match cell {
                Cell::Unlabelled => {
                    return ResolvedCell {
                        truth: None,
                        unknown: Vec::new(),
                    };
                }
                Cell::Names(names) => labels.resolve(names.iter().map(|n| &**n)),
                Cell::Binary(false) => (LabelSet::EMPTY, Vec::new()),
                // Whatever a single class is called, 1 means it.
                Cell::Binary(true) if labels.len() == 1 => (LabelSet::from_iter([0]), Vec::new()),
                Cell::Binary(true) => labels.resolve([BINARY_LABEL]),
            };
            ResolvedCell {
                truth: Some(truth),
                unknown,
            }
        };
        self.cells.iter().map(resolve).collect()
    }
}

/// A label set of these names, which come from somewhere.
pub(super) fn names<S: AsRef<str>>(names: &[S], origin: &str) -> Result<LabelNames, OpenError> {
    LabelNames::new(names).map_err(|source| OpenError::Labels {
        origin: origin.to_owned(),
        source,
    })
}

/// Reads `class_names.txt`; `None` if there is none, or nothing in it.
fn read_class_names(folder: &Path) -> Result<Option<LabelNames>, OpenError> {
    let path = folder.join(CLASS_NAMES);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Read { path, source }),
    };
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    names(&lines, &path.display().to_string()).map(Some)
}

fn parse_single(text: &str) -> Cell {
    match text.trim() {
        "" | "?" => Cell::Unlabelled,
        t if t.eq_ignore_ascii_case("nan") => Cell::Unlabelled,
        "0" | "0.0" => Cell::Binary(false),
        "1" | "1.0" => Cell::Binary(true),
        t if t.eq_ignore_ascii_case("false") => Cell::Binary(false),
        t if t.eq_ignore_ascii_case("true") => Cell::Binary(true),
        _ => parse_multi(text),
    }
}

/// Reads `a,b`, one name a line, a Python list, tuple, set or numpy array in a string, or a JSON list. `?` alone leaves the
/// post unlabelled; nothing, or pandas' `nan`, means no label.
fn parse_multi(text: &str) -> Cell {
    let text = text.trim();
    if text == "?" {
        return Cell::Unlabelled;
    }
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Cell::Names(Vec::new());
    }
    let found: Vec<Cow<'_, str>> = if let Some(json) = json_list(text) {
        json
    } else if let Some(pairs) = pairs_inside(text) {
        // A mapping of another kind is no label set; as one name it is told, whatever it is.
        one_hot(pairs).unwrap_or_else(|| vec![text.into()])
    } else if let Some(inside) = list_inside(text) {
        parse_list(inside)
    } else {
        text.split([',', '\n'])
            .map(|name| name.trim().into())
            .collect()
    };
    Cell::Names(
        found
            .into_iter()
            .filter(|n| !n.is_empty())
            .map(|n| n.as_ref().into())
            .collect(),
    )
}

fn json_list(text: &str) -> Option<Vec<Cow<'_, str>>> {
    let list: Vec<Value> = text
        .starts_with('[')
        .then(|| serde_json::from_str(text).ok())??;
    let name = |value| match value {
        Value::String(name) => name.trim().to_owned().into(),
        Value::Object(object) => match ["label", "name"]
            .iter()
            .find_map(|key| object.get(*key)?.as_str())
        {
            Some(name) => name.trim().to_owned().into(),
            None => Value::Object(object).to_string().into(),
        },
        other => other.to_string().into(),
    };
    Some(list.into_iter().map(name).collect())
}

/// What stands in a mapping, of JSON or of Python; `None` if this is none. (A set has no colon behind its first name.)
fn pairs_inside(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('{')?.strip_suffix('}')?.trim_start();
    let quote = inside.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let (_, behind) = quoted(inside.get(1..)?, quote);
    behind.trim_start().starts_with(':').then_some(inside)
}

/// The names that a mapping says yes to (`{"racist": 1, "sexist": false}`); `None` if something else than yes and no stands behind
/// a name.
fn one_hot(mut pairs: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut found = Vec::new();
    while let Some(quote) = pairs.trim_start().chars().next() {
        if !['\'', '"'].contains(&quote) {
            return None;
        }
        let (name, behind) = quoted(pairs.trim_start().get(1..)?, quote);
        let said = behind.trim_start().strip_prefix(':')?;
        let (said, others) = said.split_once(',').unwrap_or((said, ""));
        match said.trim().to_ascii_lowercase().as_str() {
            "1" | "1.0" | "true" => found.push(name.trim().to_owned().into()),
            "0" | "0.0" | "false" | "null" | "none" => {}
            _ => return None,
        }
        pairs = others;
    }
    Some(found)
}

/// What stands between the brackets of a list in a string.
fn list_inside(text: &str) -> Option<&str> {
    let text = text
        .strip_prefix("array(")
        .and_then(|t| t.strip_suffix(')'))
        .unwrap_or(text);
    // numpy: array([...], dtype=object)
    let text = text
        .split_once("], dtype=")
        .map_or(text, |(list, _)| text.get(..=list.len()).unwrap_or(text));
    if text == "set()" {
        return Some("");
    }
    [('[', ']'), ('(', ')'), ('{', '}')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
}

/// The elements of a list: strings in either quote, `np.str_('x')`, or bare words; separated by commas, or by
/// white space as numpy prints arrays.
fn parse_list(mut rest: &str) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c == ')' || c.is_whitespace());
        rest = ["np.str_(", "numpy.str_("]
            .iter()
            .find_map(|prefix| rest.strip_prefix(prefix))
            .unwrap_or(rest);
        match rest.chars().next() {
            None => return found,
            Some(quote @ ('\'' | '"')) => {
                let (name, behind) = quoted(rest.get(1..).unwrap_or_default(), quote);
                found.push(name.trim().to_owned().into());
                rest = behind;
            }
            Some(_) => {
                let (name, behind) = rest.split_once(',').unwrap_or((rest, ""));
                found.push(name.trim().into());
                rest = behind;
            }
        }
    }
}

/// A string up to its closing quote, with Python's escapes, and what stands behind it.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                return (out, text.get(at + c.len_utf8()..).unwrap_or_default());
            }
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some(digits @ ('u' | 'x')) => {
                    let n_digits = if digits == 'u' { 4 } else { 2 };
                    let hex: String = chars
                        .by_ref()
                        .take(n_digits)
                        .map(|(_, digit)| digit)
                        .collect();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    out.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(escaped) => out.push(escaped),
                None => {}
            },
            c => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(names: &[&str]) -> Cell {
        Cell::Names(names.iter().map(|n| (*n).into()).collect())
    }

    #[test]
    fn labels_cells_are_read_in_every_spelling() {
        for (text, expected) in [
            ("", cell(&[])),
            ("  ", cell(&[])),
            ("nan", cell(&[])),
            ("[]", cell(&[])),
            ("set()", cell(&[])),
            ("?", Cell::Unlabelled),
            ("racist", cell(&["racist"])),
            ("racist, sexist", cell(&["racist", "sexist"])),
            ("{'racist', 'sexist'}", cell(&["racist", "sexist"])),
            ("{'racist': 0, 'sexist': 1}", cell(&["sexist"])),
            (r#"{"racist": false, "a, b: c": true}"#, cell(&["a, b: c"])),
            (r#"{"racist": 0.0, "sexist": 0}"#, cell(&[])),
            (r#"{"racist": "maybe"}"#, cell(&[r#"{"racist": "maybe"}"#])),
            (
                r#"[{"label": "racist"}, {"name": "sexist", "score": 1}]"#,
                cell(&["racist", "sexist"]),
            ),
            ("racist,,sexist,", cell(&["racist", "sexist"])),
            ("racist\r\nother hate\n", cell(&["racist", "other hate"])),
            ("['racist', 'other hate']", cell(&["racist", "other hate"])),
            ("(\"racist\",)", cell(&["racist"])),
            ("{'racist'}", cell(&["racist"])),
            (
                r#"["racist", "it's \"so\"", "\u00e4"]"#,
                cell(&["racist", "it's \"so\"", "ä"]),
            ),
            (
                "[np.str_('Racist'), np.str_('Sexist')]",
                cell(&["Racist", "Sexist"]),
            ),
            ("['a' 'b'\n 'c']", cell(&["a", "b", "c"])),
            ("array(['a', 'b'], dtype=object)", cell(&["a", "b"])),
            ("array(['a', 'b'], dtype='<U3')", cell(&["a", "b"])),
            ("[racist, sexist]", cell(&["racist", "sexist"])),
            ("['unclosed", cell(&["['unclosed"])),
            ("['unclosed]", cell(&["unclosed"])),
            ("[1, 2]", cell(&["1", "2"])),
        ] {
            assert_eq!(parse_multi(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_label_column_is_binary_or_one_name() {
        for (text, expected) in [
            ("1", Cell::Binary(true)),
            (" 0 ", Cell::Binary(false)),
            ("1.0", Cell::Binary(true)),
            ("False", Cell::Binary(false)),
            ("", Cell::Unlabelled),
            ("NaN", Cell::Unlabelled),
            ("?", Cell::Unlabelled),
            ("racist", cell(&["racist"])),
        ] {
            assert_eq!(parse_single(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_cell_can_be_read(text in ".{0,60}") {
            parse_multi(&text);
            parse_multi(&format!("[{text}]"));
        }

        #[test]
        fn python_and_json_lists_are_read_back(
            list in proptest::collection::vec("[a-zäß '\"\\\\,\\[\\]\n\t]{1,12}", 0..5)
        ) {
            let list: Vec<String> = list
                .into_iter()
                .map(|n| n.trim().to_owned())
                .filter(|n| !n.is_empty())
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect();
            let labels = LabelNames::new(&list).expect("distinct names");
            let expected = cell(&list.iter().map(String::as_str).collect::<Vec<_>>());
            proptest::prop_assert_eq!(parse_multi(&labels.python_list()), expected.clone());
            let all = (0..labels.len()).collect();
            proptest::prop_assert_eq!(parse_multi(&labels.json_list(all)), expected);
        }
    }
}
