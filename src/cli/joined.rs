//! What predictions are compared with, and which prediction is about which post.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    path::Path,
};

use anyhow::bail;

use super::common::{DataArgs, open_session};
use crate::{
    dataset::Dataset,
    post::{LabelSet, Post},
    predict::prediction::{Record, RunInfo},
    review::{
        Session,
        session::{Exposure, Truth},
    },
};

/// What predictions are compared with.
pub(super) enum Source {
    Dataset(Dataset),
    Session(Box<Session>),
}

impl Source {
    /// Opens a session if one is named, else the dataset that a run is about.
    pub(super) fn open(
        session: Option<&Path>,
        dataset: Option<&Path>,
        data: &DataArgs,
        run: &RunInfo,
    ) -> anyhow::Result<Self> {
        match (session, dataset) {
            (Some(session), _) => {
                let session = open_session(session, dataset, data)?;
                Ok(Self::Session(Box::new(session)))
            }
            (None, Some(dataset)) => Ok(Self::Dataset(data.open_for(dataset, run)?)),
            (None, None) => bail!("name the dataset with --data"),
        }
    }

    pub(super) fn dataset(&self) -> &Dataset {
        match self {
            Self::Dataset(dataset) => dataset,
            Self::Session(session) => session.dataset(),
        }
    }

    pub(super) fn truth(&self, post: usize) -> Option<LabelSet> {
        match self {
            Self::Dataset(dataset) => dataset.posts.get(post)?.truth,
            Self::Session(session) => session.truth(post, Truth::Combined),
        }
    }

    /// What a reviewer decided about a post, the model's answer in sight or not; `None` if nobody did so.
    pub(super) fn decided(&self, post: usize, exposure: Exposure) -> Option<LabelSet> {
        match self {
            Self::Dataset(_) => None,
            Self::Session(session) => session.truth_among(post, Truth::Reviewed, exposure),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Dataset(_) => "dataset",
            Self::Session(_) => "combined",
        }
    }

    pub(super) fn sentence(&self) -> &'static str {
        match self {
            Self::Dataset(_) => "the dataset's labels",
            Self::Session(_) => {
                "the reviewer's decision where there is one, else the dataset's label"
            }
        }
    }
}

/// Records by the place of their post in the dataset.
pub(super) struct Joined<'a> {
    pub(super) by_place: HashMap<usize, &'a Record>,
    /// Records that match by place only, as when an image was moved.
    pub(super) by_place_only: usize,
    /// Records without a post.
    pub(super) unmatched: usize,
}

/// Finds each record's post by its id; what is left, by its place, if nobody else is there and the post has the same text or, where
/// there is none, a picture of the same name.
pub(super) fn join<'a>(dataset: &Dataset, records: &'a [Record]) -> anyhow::Result<Joined<'a>> {
    let places: HashMap<_, _> = (0..)
        .zip(&dataset.posts)
        .map(|(place, post)| (post.id, place))
        .collect();
    let mut joined = Joined {
        by_place: HashMap::new(),
        by_place_only: 0,
        unmatched: 0,
    };
    let mut others = Vec::new();
    for record in records {
        match places.get(&record.id) {
            // A post that failed and was tried again is in the file twice; the later one counts.
            Some(place) => drop(joined.by_place.insert(*place, record)),
            None => others.push(record),
        }
    }
    let by_id: HashSet<usize> = joined.by_place.keys().copied().collect();
    for record in others {
        let there = dataset.posts.get(record.index);
        let is_it = there.is_some_and(|post| is_moved(post, record));
        if !is_it || by_id.contains(&record.index) {
            joined.unmatched += 1;
            continue;
        }
        joined.by_place_only += 1;
        joined.by_place.insert(record.index, record);
    }
    if joined.by_place.is_empty() {
        bail!(
            "none of the {} predictions is about a post of {}; they were made from another dataset",
            records.len(),
            dataset.path.display()
        );
    }
    Ok(joined)
}

/// Whether a post is the one of a record, its picture moved. Empty texts are all alike.
fn is_moved(post: &Post, record: &Record) -> bool {
    let name = |path: &str| Path::new(path).file_name().map(OsStr::to_owned);
    let same_picture = || {
        let ours = name(&post.image_path);
        ours.is_some() && ours == name(&record.image_path)
    };
    *post.text == *record.text && (!post.text.trim().is_empty() || same_picture())
}
