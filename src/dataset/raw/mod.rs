//! Datasets as their authors publish them: MMHS150K and Hateful Memes, in a folder or a zip archive.
//!
//! Reading gives every post with its split, and what is wrong with the files. The window shows all of it;
//! [`prepare`](crate::prepare) turns it into files for training and leaves out what cannot be trained with.

mod hateful_memes;
mod mmhs150k;
mod source;

use std::{fmt, path::Path};

pub(crate) use mmhs150k::image_text;
pub use mmhs150k::{LABELS as MMHS150K_LABELS, N_ANNOTATORS};
pub use source::Source;

use super::{
    Format, Loaded, OpenError, OpenOptions,
    builder::{Builder, Found},
    labels::{BINARY_LABEL, LabelColumn},
};
use crate::post::{Problem, ProblemKind};

/// The column of what each annotator chose.
pub(super) const VOTES: &str = "votes";

/// Which published dataset it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 150,000 tweets with pictures (Gomez et al. 2020, <https://arxiv.org/abs/1910.03814>): three annotators,
    /// five kinds of hate.
    Mmhs150k,
    /// Meta's Hateful Memes (Kiela et al. 2020, <https://arxiv.org/abs/2005.04790>): hateful or not.
    HatefulMemes,
}

impl Kind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mmhs150k => "MMHS150K",
            Self::HatefulMemes => "Hateful Memes",
        }
    }

    /// The folder of its pictures.
    pub fn images(self) -> &'static str {
        match self {
            Self::Mmhs150k => mmhs150k::IMAGES,
            Self::HatefulMemes => hateful_memes::IMAGES,
        }
    }

    /// Its labels, in class order.
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Mmhs150k => &MMHS150K_LABELS,
            Self::HatefulMemes => &[BINARY_LABEL],
        }
    }
}

/// What a post is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Split {
    /// Training.
    Train,
    /// Choosing between models.
    Val,
    /// Reporting a figure, once.
    Test,
}

impl Split {
    /// All, in the order of use.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

/// What the annotators said about a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said {
    /// One class by each annotator: 0 is “not hate”, n the n-th label.
    Votes([u8; N_ANNOTATORS]),
    /// Hateful or not.
    Harmful(bool),
    /// Nothing, or nothing that can be read.
    Nothing,
}

impl Said {
    /// The places (from 0) of the labels that at least so many annotators chose; `None` if nobody said anything.
    pub fn labels(self, at_least: usize) -> Option<Vec<usize>> {
        match self {
            Self::Votes(votes) => {
                let agreed = |class: &usize| {
                    votes
                        .iter()
                        .filter(|v| usize::from(**v) == class + 1)
                        .count()
                        >= at_least
                };
                Some((0..MMHS150K_LABELS.len()).filter(agreed).collect())
            }
            Self::Harmful(harmful) => Some(if harmful { vec![0] } else { Vec::new() }),
            Self::Nothing => None,
        }
    }

    /// What each annotator chose, by name; empty where the dataset does not tell.
    pub fn votes(self) -> Vec<&'static str> {
        let name = |vote: &u8| match usize::from(*vote).checked_sub(1) {
            None => "none",
            Some(class) => MMHS150K_LABELS.get(class).copied().unwrap_or_default(),
        };
        match self {
            Self::Votes(votes) => votes.iter().map(name).collect(),
            Self::Harmful(_) | Self::Nothing => Vec::new(),
        }
    }
}

/// A post of a published dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawPost {
    /// As published; never read as a number, since 19 digits do not fit into one everywhere.
    pub id: String,
    /// `None` if no split names it.
    pub split: Option<Split>,
    /// The text that goes with the picture.
    pub text: String,
    /// The picture's file, from the dataset's folder, with `/` between the parts.
    pub image: String,
    /// What the annotators said.
    pub said: Said,
    /// The line (from 1) that it comes from; 0 if its file is not one of lines.
    pub line: u64,
}

/// Why a post or a line cannot be trained with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A line that cannot be read.
    UnreadableLine,
    /// An entry that cannot be read.
    UnreadableEntry,
    /// A split names an id that the dataset does not have.
    NoEntry,
    /// No split names the id.
    NoSplit,
    /// Two splits name the id.
    TwoSplits,
    /// The id occurs twice.
    Twice,
    /// A vote that is no class.
    BadVote,
    /// A label that is none of the classes.
    UnknownLabel,
    /// The picture does not exist.
    MissingImage,
    /// The picture's name leads out of the dataset's folder.
    ImageElsewhere,
    /// The picture cannot be read from the archive.
    BrokenImage,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableLine => "the line cannot be read",
            Self::UnreadableEntry => "the entry cannot be read",
            Self::NoEntry => "a split names it and the dataset does not have it",
            Self::NoSplit => "it is in no split",
            Self::TwoSplits => "it is in two splits; only the one nearer to the test is used",
            Self::Twice => "it occurs twice and is used once",
            Self::BadVote => "its labels are not what the dataset describes",
            Self::UnknownLabel => "it names labels that are none of the classes",
            Self::MissingImage => "its picture does not exist",
            Self::ImageElsewhere => "its picture's name leads out of the dataset's folder",
            Self::BrokenImage => "its picture is damaged in the archive",
        })
    }
}

impl Reason {
    /// Whether a post is not used at all because of it.
    pub fn leaves_out(self) -> bool {
        !matches!(self, Self::Twice | Self::TwoSplits)
    }
}

/// Something wrong with one post or one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What it is.
    pub reason: Reason,
    /// The post's id; empty if the line has none.
    pub id: String,
    /// The file, from the dataset's folder.
    pub file: String,
    /// The line of the file, from 1, if it is one of lines.
    pub line: Option<u64>,
}

/// A published dataset: its posts in the order of its files, and what is wrong with them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawSet {
    /// Which dataset.
    pub kind: Kind,
    /// The posts.
    pub posts: Vec<RawPost>,
    /// What is wrong. Missing pictures are not looked for here.
    pub faults: Vec<Fault>,
}

impl RawSet {
    /// Reads a dataset.
    ///
    /// # Errors
    /// If the files that everything hangs on cannot be read.
    pub fn read(source: &mut Source) -> Result<Self, OpenError> {
        match source.kind() {
            Kind::Mmhs150k => mmhs150k::read(source),
            Kind::HatefulMemes => hateful_memes::read(source),
        }
    }
}

/// Whether a folder holds a published dataset.
pub(super) fn is_raw(folder: &Path) -> bool {
    folder.is_dir() && source::recognise(folder).is_some()
}

/// Opens the folder of a published dataset. A label counts if any annotator chose it, as in the original evaluation.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<Loaded, OpenError> {
    let mut source = Source::open(path)?;
    let set = RawSet::read(&mut source)?;
    if set.posts.is_empty() {
        return Err(OpenError::NoRows(path.to_owned()));
    }
    let mut builder = Builder::default();
    builder.name_labels(set.kind.labels().iter().map(|l| (*l).to_owned()).collect());
    let with_votes = set.kind == Kind::Mmhs150k;
    for post in &set.posts {
        let labels = post.said.labels(1).map(|labels| {
            let names = labels
                .into_iter()
                .filter_map(|l| set.kind.labels().get(l).copied());
            names.collect::<Vec<_>>().join(",")
        });
        let mut extra: Vec<Box<str>> = vec![
            post.id.as_str().into(),
            post.split.map_or("", Split::name).into(),
        ];
        if with_votes {
            extra.push(post.said.votes().join(" | ").into());
        }
        builder.push(Found {
            text: &post.text,
            image_path: &post.image,
            line: post.line,
            extra: extra.into(),
            labels: labels.as_deref().map(|cell| (cell, LabelColumn::Multi)),
        });
    }
    report(&set, &mut builder);
    let built = builder.finish(options, path)?;
    let columns = ["id", "split", VOTES]
        .into_iter()
        .take(2 + usize::from(with_votes));
    Ok(Loaded {
        format: match set.kind {
            Kind::Mmhs150k => Format::Mmhs150k,
            Kind::HatefulMemes => Format::HatefulMemes,
        },
        labels: built.labels,
        label_source: built.label_source,
        image_root: options
            .image_root
            .clone()
            .unwrap_or_else(|| source.folder().to_owned()),
        posts: built.posts,
        extra_columns: columns.map(str::to_owned).collect(),
        problems: built.problems,
        imported: Vec::new(),
    })
}

/// Shows each fault on its post.
fn report(set: &RawSet, builder: &mut Builder) {
    let places: std::collections::HashMap<&str, usize> = (0..)
        .zip(&set.posts)
        .map(|(place, post)| (post.id.as_str(), place))
        .collect();
    for fault in &set.faults {
        let id = if fault.id.is_empty() {
            String::new()
        } else {
            format!(" (id {})", fault.id)
        };
        let line = fault
            .line
            .map(|line| format!(", line {line}"))
            .unwrap_or_default();
        builder.report(Problem {
            kind: ProblemKind::Unreadable,
            post: places.get(fault.id.as_str()).copied(),
            line: fault.line,
            column: None,
            message: format!("{}{line}: {}{id}", fault.file, fault.reason),
        });
    }
}
