//! MMHS150K as published: `MMHS150K_GT.json`, `img_resized/`, `img_txt/`, `splits/`.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::{Fault, Kind, RawPost, RawSet, Reason, Said, Source, Split};
use crate::dataset::{OpenError, is_inside};

/// The classes 1 to 5, by the names that the published adapters were trained with. 0 is “not hate”.
pub const LABELS: [&str; 5] = ["racist", "sexist", "homophobe", "religion", "otherhate"];

/// How many people looked at each post.
pub const N_ANNOTATORS: usize = 3;

/// The folder of the pictures.
pub(super) const IMAGES: &str = "img_resized";

/// What everything hangs on.
pub(super) const GROUND_TRUTH: &str = "MMHS150K_GT.json";

/// The file of each split: one id a line.
const SPLITS: [(Split, &str); 3] = [
    (Split::Train, "splits/train_ids.txt"),
    (Split::Val, "splits/val_ids.txt"),
    (Split::Test, "splits/test_ids.txt"),
];

pub(super) fn read(source: &mut Source) -> Result<RawSet, OpenError> {
    let mut set = RawSet {
        kind: Kind::Mmhs150k,
        posts: Vec::new(),
        faults: Vec::new(),
    };
    let path = source.folder().join(GROUND_TRUTH);
    let bytes = source.read(GROUND_TRUTH)?.unwrap_or_default();
    let entries: Entries =
        serde_json::from_slice(&bytes).map_err(|source| OpenError::Json { path, source })?;
    drop(bytes);

    let mut places: HashMap<String, usize> = HashMap::with_capacity(entries.0.len());
    for (id, entry) in entries.0 {
        let fault = |reason| Fault {
            reason,
            id: id.clone(),
            file: GROUND_TRUTH.to_owned(),
            line: None,
        };
        let Value::Object(entry) = entry else {
            set.faults.push(fault(Reason::UnreadableEntry));
            continue;
        };
        if places.contains_key(&id) {
            set.faults.push(fault(Reason::Twice));
            continue;
        }
        let said = match entry.get("labels").and_then(votes) {
            Some(votes) => Said::Votes(votes),
            None => {
                set.faults.push(fault(Reason::BadVote));
                Said::Nothing
            }
        };
        // The id is whatever the file says.
        let mut image = format!("{IMAGES}/{id}.jpg");
        if !is_inside(&image) {
            set.faults.push(fault(Reason::ImageElsewhere));
            image.clear();
        }
        places.insert(id.clone(), set.posts.len());
        set.posts.push(RawPost {
            split: None,
            text: entry
                .get("tweet_text")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            image,
            id,
            said,
            line: 0,
        });
    }
    for (split, file) in SPLITS {
        let bytes = source.read(file)?.unwrap_or_default();
        assign(split, file, &bytes, &places, &mut set);
    }
    let without = set.posts.iter().filter(|post| post.split.is_none());
    set.faults.extend(without.map(|post| Fault {
        reason: Reason::NoSplit,
        id: post.id.clone(),
        file: GROUND_TRUTH.to_owned(),
        line: None,
    }));
    Ok(set)
}

/// The picture's text as the authors' OCR read it, if there is any.
///
/// # Errors
/// As the system has them. A file that is no JSON object says nothing.
pub(crate) fn image_text(source: &mut Source, id: &str) -> Result<String, OpenError> {
    let bytes = source
        .read(&format!("img_txt/{id}.json"))?
        .unwrap_or_default();
    let said = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    Ok(said
        .get("img_text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned())
}

/// Gives the posts of a file their split. A post of two splits stays in the later one: what was tested with must not have
/// been trained with.
fn assign(
    split: Split,
    file: &str,
    bytes: &[u8],
    places: &HashMap<String, usize>,
    set: &mut RawSet,
) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (line, bytes) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        let id = String::from_utf8_lossy(bytes);
        let id = id.trim();
        if id.is_empty() {
            continue;
        }
        let known = places.get(id).and_then(|place| set.posts.get_mut(*place));
        let reason = match known {
            Some(post) => match post.split.replace(split) {
                None => continue,
                Some(before) if before == split => Reason::Twice,
                Some(_) => Reason::TwoSplits,
            },
            None if id.bytes().all(|b| b.is_ascii_digit()) => Reason::NoEntry,
            None => Reason::UnreadableLine,
        };
        let id = id.chars().take(40).collect();
        set.faults.push(Fault {
            reason,
            id,
            file: file.to_owned(),
            line: Some(line),
        });
    }
}

/// Three whole numbers from 0 to 5.
fn votes(labels: &Value) -> Option<[u8; N_ANNOTATORS]> {
    let vote = |value: &Value| {
        let vote = u8::try_from(value.as_u64()?).ok()?;
        (usize::from(vote) <= LABELS.len()).then_some(vote)
    };
    let votes: Option<Vec<u8>> = labels.as_array()?.iter().map(vote).collect();
    votes?.try_into().ok()
}

/// A JSON object as its pairs, in order, those of one name included.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each post")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Entries(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_three_classes_or_none() {
        let read = |text: &str| votes(&serde_json::from_str(text).unwrap());
        assert_eq!(read("[0, 5, 1]"), Some([0, 5, 1]));
        for bad in [
            "[0, 6, 1]",
            "[0, -1, 1]",
            "[0, 1]",
            "[0, 1, 2, 3]",
            "[0, 1, 1.5]",
            "\"011\"",
            "null",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
