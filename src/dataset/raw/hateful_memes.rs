//! Hateful Memes as published: `train.jsonl`, `dev*.jsonl`, `test*.jsonl` and `img/`.

use std::collections::{HashMap, hash_map::Entry};

use serde_json::{Map, Value};

use super::{Fault, Kind, RawPost, RawSet, Reason, Said, Source, Split};
use crate::dataset::{OpenError, is_inside};

/// The folder of the pictures.
pub(super) const IMAGES: &str = "img";

/// The files in the order in which they are read. The second phase of the challenge split dev and test into a seen and an
/// unseen part, which share posts with the files of the first.
pub(super) const FILES: [(&str, Split); 7] = [
    ("train.jsonl", Split::Train),
    ("dev.jsonl", Split::Val),
    ("dev_seen.jsonl", Split::Val),
    ("dev_unseen.jsonl", Split::Val),
    ("test.jsonl", Split::Test),
    ("test_seen.jsonl", Split::Test),
    ("test_unseen.jsonl", Split::Test),
];

/// Whether a line is one of the dataset's.
pub(super) fn is_line(line: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(line).is_ok_and(|object| {
        ["id", "img", "text"]
            .iter()
            .all(|key| object.contains_key(*key))
    })
}

pub(super) fn read(source: &mut Source) -> Result<RawSet, OpenError> {
    let mut set = RawSet {
        kind: Kind::HatefulMemes,
        posts: Vec::new(),
        faults: Vec::new(),
    };
    let mut places = HashMap::new();
    for (file, split) in FILES {
        let Some(bytes) = source.read(file)? else {
            continue;
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        for (line, bytes) in (1..).zip(bytes.split(|b| *b == b'\n')) {
            if !bytes.trim_ascii().is_empty() {
                push(&mut set, &mut places, bytes, split, (file, line));
            }
        }
    }
    Ok(set)
}

fn push(
    set: &mut RawSet,
    places: &mut HashMap<String, usize>,
    bytes: &[u8],
    split: Split,
    (file, line): (&str, u64),
) {
    let fault = |reason, id: &str| Fault {
        reason,
        id: id.to_owned(),
        file: file.to_owned(),
        line: Some(line),
    };
    let Some(post) = parse(bytes, split, line) else {
        set.faults.push(fault(Reason::UnreadableLine, ""));
        return;
    };
    let (mut post, has_bad_label) = post;
    if has_bad_label {
        set.faults.push(fault(Reason::BadVote, &post.id));
    }
    if !is_inside(&post.image) {
        set.faults.push(fault(Reason::ImageElsewhere, &post.id));
        post.image.clear();
    }
    match places.entry(post.id.clone()) {
        Entry::Vacant(place) => {
            place.insert(set.posts.len());
            set.posts.push(post);
        }
        Entry::Occupied(place) => {
            let Some(known) = set.posts.get_mut(*place.get()) else {
                return;
            };
            let reason = if known.split == post.split {
                Reason::Twice
            } else {
                Reason::TwoSplits
            };
            set.faults.push(fault(reason, &post.id));
            if post.said == Said::Nothing {
                post.said = known.said;
            }
            *known = post;
        }
    }
}

/// A line's post, and whether its label is neither 0 nor 1. The test's lines have none.
fn parse(bytes: &[u8], split: Split, line: u64) -> Option<(RawPost, bool)> {
    let object: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    // Copies have ids as numbers and as texts, with zeros in front and without.
    let id = match object.get("id")? {
        Value::String(id) => id.trim().to_owned(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let id = match id.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    let image = object.get("img").and_then(Value::as_str).map(str::trim);
    let image = match image.filter(|image| !image.is_empty()) {
        Some(image) => image.to_owned(),
        None => format!("{IMAGES}/{id:0>5}.png"),
    };
    let (said, is_bad) = match object.get("label") {
        None | Some(Value::Null) => (Said::Nothing, false),
        Some(label) => match label.as_u64() {
            Some(0) => (Said::Harmful(false), false),
            Some(1) => (Said::Harmful(true), false),
            _ => (Said::Nothing, true),
        },
    };
    let text = object
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Some((
        RawPost {
            id,
            split: Some(split),
            text,
            image,
            said,
            line,
        },
        is_bad,
    ))
}
