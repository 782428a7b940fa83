//! What everything else is about: a post, its labels, and what is wrong with it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most labels a label set can hold: a [`LabelSet`] is one machine word.
pub const MAX_LABELS: usize = 64;

/// A stable name for a post: it survives reordering, inserting and removing rows.
///
/// It is a 128-bit hash (XXH3) of the text, the image path as the dataset writes it, and how many equal
/// posts come before. Two rows with the same text and image differ by that number alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId(pub u128);

impl PostId {
    /// Names the post with this text and image path, the `occurrence`-th (from 0) of its kind.
    pub fn new(text: &str, image_path: &str, occurrence: u64) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + image_path.len() + 24);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(image_path.as_bytes());
        bytes.extend_from_slice(&occurrence.to_le_bytes());
        Self(xxhash_rust::xxh3::xxh3_128(&bytes))
    }
}

impl fmt::Display for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostId({self})")
    }
}

/// A text that is no [`PostId`].
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a post id: 32 hexadecimal digits were expected")]
pub struct InvalidPostId(String);

impl FromStr for PostId {
    type Err = InvalidPostId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 {
            return Err(InvalidPostId(text.to_owned()));
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| InvalidPostId(text.to_owned()))
    }
}

impl Serialize for PostId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PostId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The labels a dataset may use, in class order. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelNames(Arc<[Box<str>]>);

/// Why a list of names is not a label set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LabelNamesError {
    /// More names than a [`LabelSet`] holds.
    #[error(
        "{0} labels were found, and at most {MAX_LABELS} are supported; name the ones to keep in class_names.txt or with --labels"
    )]
    TooMany(usize),
    /// The same name twice.
    #[error("the label “{0}” is listed twice")]
    Duplicate(String),
    /// A name of white space only.
    #[error("a label has an empty name")]
    Blank,
}

impl LabelNames {
    /// Takes the names in class order; white space around them is dropped.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, LabelNamesError> {
        let mut kept: Vec<Box<str>> = Vec::new();
        for name in names {
            let name = name.as_ref().trim();
            if name.is_empty() {
                return Err(LabelNamesError::Blank);
            }
            if kept.iter().any(|k| **k == *name) {
                return Err(LabelNamesError::Duplicate(name.to_owned()));
            }
            kept.push(name.into());
        }
        if kept.len() > MAX_LABELS {
            return Err(LabelNamesError::TooMany(kept.len()));
        }
        Ok(Self(kept.into()))
    }

    /// No labels at all.
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in class order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|n| &**n)
    }

    /// The name of the `index`-th label, if there is one.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|n| &**n)
    }

    /// The place of a name in class order. Case and white space count.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|n| **n == *name)
    }

    /// The set of the names that exist here, and the others in the order given.
    pub fn resolve<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> (LabelSet, Vec<String>) {
        let mut set = LabelSet::EMPTY;
        let mut unknown = Vec::new();
        for name in names {
            match self.index_of(name) {
                Some(index) => set.insert(index),
                None => unknown.push(name.to_owned()),
            }
        }
        (set, unknown)
    }

    /// The names of a set, in class order.
    pub fn names_of(&self, set: LabelSet) -> Vec<&str> {
        set.iter().filter_map(|i| self.get(i)).collect()
    }

    /// A set in words: its names, or “none”.
    pub fn words(&self, set: LabelSet) -> String {
        match self.names_of(set) {
            names if names.is_empty() => "none".to_owned(),
            names => names.join(", "),
        }
    }

    /// Python's text of the list, as the training prompts carry it: `['racist', 'sexist']`.
    pub fn python_list(&self) -> String {
        let quoted: Vec<String> = self.iter().map(python_str).collect();
        format!("[{}]", quoted.join(", "))
    }

    /// The JSON text of a set, spaced as Python's `json.dumps` does: `["racist", "sexist"]`. Letters beyond ASCII stand as they
    /// are, as with `ensure_ascii=False`; an answer that escapes them is read all the same.
    pub fn json_list(&self, set: LabelSet) -> String {
        let quoted: Vec<String> = self
            .names_of(set)
            .into_iter()
            .map(|n| serde_json::Value::from(n).to_string())
            .collect();
        format!("[{}]", quoted.join(", "))
    }
}

/// Python's `repr` of a string, as far as label names need it.
fn python_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Some labels of a [`LabelNames`], by their places in class order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct LabelSet(u64);

impl LabelSet {
    /// No label.
    pub const EMPTY: Self = Self(0);

    /// The set as bits, the first label lowest.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Whether no label is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many labels are set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the `index`-th label is set; false past the end.
    pub fn contains(self, index: usize) -> bool {
        index < MAX_LABELS && self.0 >> index & 1 == 1
    }

    /// Adds the `index`-th label; one past the end is ignored.
    pub fn insert(&mut self, index: usize) {
        if index < MAX_LABELS {
            self.0 |= 1 << index;
        }
    }

    /// The set with the `index`-th label turned over.
    #[must_use]
    pub fn toggled(self, index: usize) -> Self {
        if index < MAX_LABELS {
            Self(self.0 ^ 1 << index)
        } else {
            self
        }
    }

    /// The places of the labels, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_LABELS).filter(move |i| self.contains(*i))
    }
}

impl FromIterator<usize> for LabelSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        let mut set = Self::EMPTY;
        indices.into_iter().for_each(|i| set.insert(i));
        set
    }
}

/// An image and its text, as the dataset has them. Never changed after loading.
#[derive(Clone, Debug)]
pub struct Post {
    /// The stable name.
    pub id: PostId,
    /// The text; empty if there is none.
    pub text: Box<str>,
    /// The image path as the dataset writes it; empty if the post has no image.
    pub image_path: Box<str>,
    /// What the dataset says: `None` if the post is unlabelled.
    pub truth: Option<LabelSet>,
    /// The line (from 1) of the file where the post begins; 0 if it comes from a folder.
    pub line: u32,
    /// The cells of the columns that Overrule does not read, in the order of `Dataset::extra_columns`.
    pub extra: Box<[Box<str>]>,
}

/// What kind of fault a [`Problem`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The image file does not exist.
    MissingImage,
    /// The image file cannot be decoded.
    BrokenImage,
    /// A label that the label set does not have.
    UnknownLabel,
    /// A row with fewer cells than the header.
    ShortRow,
    /// A row with more cells than the header.
    LongRow,
    /// Bytes that are not UTF-8.
    InvalidText,
    /// Anything else that could not be read.
    Unreadable,
}

impl ProblemKind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingImage => "Missing image",
            Self::BrokenImage => "Broken image",
            Self::UnknownLabel => "Unknown label",
            Self::ShortRow => "Short row",
            Self::LongRow => "Long row",
            Self::InvalidText => "Invalid text",
            Self::Unreadable => "Unreadable",
        }
    }
}

/// Something wrong with one post or one row; the rest of the dataset is not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of fault it is.
    pub kind: ProblemKind,
    /// The post it is about (its place in the dataset), unless the row made no post.
    pub post: Option<usize>,
    /// The line of the file, from 1.
    pub line: Option<u64>,
    /// The column (in characters, from 1) of the line.
    pub column: Option<u64>,
    /// A sentence for the user: what happened and what to do.
    pub message: String,
}

/// Joins an image path of a dataset to its root: an absolute path stays as it is.
pub fn resolve_image_path(root: &Path, image_path: &str) -> Option<PathBuf> {
    (!image_path.is_empty()).then(|| root.join(image_path))
}
