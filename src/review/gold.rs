//! Gold posts: posts whose labels are known, mixed into the queue to see how well a reviewer does. They come up like any
//! other, and what is known of them never becomes a decision.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{
    basis::random_key,
    decision::Outcome,
    queue::{self, Filter, Order},
    second::SecondReviewer,
    session::Snapshot,
    store::{self, StoreError},
};
use crate::{
    causes::with_causes,
    dataset::{self, OpenOptions},
    metrics::proportion::Proportion,
    post::{LabelSet, PostId, ProblemKind},
};

/// Keeps the draw apart from the shuffle of the same seed.
const SALT: u32 = 0x676f_6c64;

/// Where labels are known from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GoldSource {
    /// A dataset with labels, or somebody's session.
    File(PathBuf),
    /// The second reviewer who was read from this file and is kept in the session.
    Second(PathBuf),
    /// What this reviewer has decided, to be decided once more.
    Own,
}

/// What to mix in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoldRequest {
    /// Where labels are known from.
    pub source: GoldSource,
    /// How many of a hundred posts whose labels are known, from 1 to 100.
    pub share_percent: u8,
    /// Which ones: the same seed means the same posts.
    pub seed: u32,
    /// One gold post comes up among so many others, on average.
    pub every: u32,
    /// The order of the queue they are mixed into.
    pub order: Order,
}

/// Why no gold post could be taken.
#[derive(Debug, thiserror::Error)]
pub enum GoldError {
    /// The session could not be read.
    #[error(transparent)]
    Session(#[from] StoreError),
    /// The file of posts could not be read.
    #[error("{0}")]
    Dataset(String),
    /// Nothing in it can be asked about.
    #[error(
        "{0} has no labels for a post that you have yet to decide; choose another file, or mix in posts that you decided \
         before"
    )]
    NothingToAsk(String),
    /// The reviewer has decided nothing.
    #[error(
        "you have decided no post yet that could come up once more; choose a file, or decide some posts first"
    )]
    NothingDecided,
    /// The second reviewer is not there.
    #[error("{0} is not kept in this session any more; import it again")]
    NoSecond(PathBuf),
}

/// A gold post as the session file has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct GoldPost {
    /// The post.
    pub post: PostId,
    /// Its labels.
    pub labels: LabelSet,
    /// The post before which it comes up; `None` leaves it in its own place.
    pub before: Option<PostId>,
}

/// What a session notes about its gold posts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GoldNote {
    /// Where the labels come from, in words.
    pub name: String,
    /// Whether the posts are some that the reviewer had decided.
    pub is_own: bool,
    /// The last entry of the history from before they were mixed in.
    pub since_seq: u64,
}

/// Gold posts with all that a session file keeps of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptGold {
    pub(super) note: GoldNote,
    pub(super) posts: Arc<[GoldPost]>,
}

impl KeptGold {
    /// How many posts there are.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// Draws gold posts. Reads files, and goes over all posts; never in a frame.
    ///
    /// # Errors
    /// See [`GoldError`].
    pub fn draw(request: &GoldRequest, own: &Path, now: &Snapshot) -> Result<Self, GoldError> {
        let (name, known) = known(&request.source, own, now)?;
        let is_own = request.source == GoldSource::Own;
        let untouched = |post: usize| {
            let review = now.review(post);
            review.outcome.is_none() && review.draft.is_none()
        };
        let mut posts: Vec<(usize, PostId, LabelSet)> = known
            .into_iter()
            .filter_map(|(id, labels)| Some((now.place(id)?, id, labels)))
            .filter(|(post, ..)| is_own || untouched(*post))
            .filter(|(post, ..)| !now.is_put_away(*post))
            .collect();
        if posts.is_empty() {
            return Err(match is_own {
                true => GoldError::NothingDecided,
                false => GoldError::NothingToAsk(name),
            });
        }
        posts.sort_unstable_by_key(|(_, id, _)| random_key(*id, request.seed ^ SALT));
        let share = usize::from(request.share_percent.clamp(1, 100));
        posts.truncate((posts.len() * share).div_ceil(100));
        let anchors = anchors(request, now, &posts);
        let gold = posts
            .iter()
            .zip(anchors.into_iter().map(Some).chain(std::iter::repeat(None)));
        Ok(Self {
            note: GoldNote {
                name,
                is_own,
                since_seq: 0,
            },
            posts: gold
                .map(|((_, post, labels), before)| GoldPost {
                    post: *post,
                    labels: *labels,
                    before,
                })
                .collect(),
        })
    }
}

/// The posts before which gold posts come up: in the queue from the one on screen on, at intervals that vary.
fn anchors(
    request: &GoldRequest,
    now: &Snapshot,
    gold: &[(usize, PostId, LabelSet)],
) -> Vec<PostId> {
    let is_gold: HashSet<usize> = gold.iter().map(|(post, ..)| *post).collect();
    let posts = &now.dataset().posts;
    let todo = queue::build(now, Filter::Todo, request.order, "");
    let ordinary: Vec<PostId> = todo
        .into_iter()
        .filter(|post| !is_gold.contains(&(*post as usize)))
        .filter_map(|post| Some(posts.get(post as usize)?.id))
        .collect();
    let every = request.every.max(2) as usize;
    let anchor = |index: usize| {
        // Anywhere in the later half of its stretch, or one could count the posts.
        let back = gold.get(index).map_or(0, |(_, id, _)| {
            random_key(*id, request.seed) as usize % every.div_ceil(2)
        });
        ordinary
            .get(((index + 1) * every - 1).saturating_sub(back))
            .copied()
    };
    (0..gold.len()).map_while(anchor).collect()
}

/// The labels that a source knows, and its name.
fn known(
    source: &GoldSource,
    own: &Path,
    now: &Snapshot,
) -> Result<(String, Vec<(PostId, LabelSet)>), GoldError> {
    match source {
        GoldSource::Own => {
            let posts = now.dataset().posts.iter().enumerate();
            let decided = |(place, post): (usize, &crate::post::Post)| {
                let review = now.review(place);
                let is_settled =
                    review.outcome == Some(Outcome::Confirmed) && review.draft.is_none();
                Some((post.id, review.decision.filter(|_| is_settled)?))
            };
            Ok((
                "your own decisions".to_owned(),
                posts.filter_map(decided).collect(),
            ))
        }
        GoldSource::Second(file) => {
            let second = now.seconds().find(|second| second.file() == file);
            let second = second.ok_or_else(|| GoldError::NoSecond(file.clone()))?;
            Ok((second.name().to_owned(), second.kept.decisions.to_vec()))
        }
        GoldSource::File(file) if store::is_session(file) => {
            let second = SecondReviewer::read(file, own, now)?;
            Ok((second.name().to_owned(), second.kept.decisions.to_vec()))
        }
        GoldSource::File(file) => of_dataset(file, now),
    }
}

/// The labels of a dataset, by post, or by text where it names no image and only one post has that text.
fn of_dataset(file: &Path, now: &Snapshot) -> Result<(String, Vec<(PostId, LabelSet)>), GoldError> {
    let names = now.dataset().labels.iter().map(str::to_owned).collect();
    let options = OpenOptions {
        labels: Some(names),
        ..OpenOptions::default()
    };
    let gold = dataset::open(file, &options).map_err(|e| GoldError::Dataset(with_causes(&e)))?;
    // What names a label that this dataset lacks is not known here.
    let is_unknown = |kind| kind == ProblemKind::UnknownLabel;
    let problems = gold.problems.iter().filter(|p| is_unknown(p.kind));
    let unclear: HashSet<usize> = problems.filter_map(|problem| problem.post).collect();
    let mut by_text: HashMap<&str, Option<PostId>> = HashMap::new();
    for post in &now.dataset().posts {
        let only = by_text.entry(&post.text).or_insert(Some(post.id));
        if *only != Some(post.id) {
            *only = None;
        }
    }
    let clear = gold
        .posts
        .iter()
        .enumerate()
        .filter(|(place, _)| !unclear.contains(place));
    let mut seen = HashSet::new();
    let known = clear.filter_map(|(_, post)| {
        let by_text = || {
            let only = by_text.get(&*post.text).copied().flatten();
            only.filter(|_| post.image_path.is_empty() && !post.text.trim().is_empty())
        };
        let id = Some(post.id)
            .filter(|id| now.place(*id).is_some())
            .or_else(by_text)?;
        let labels = post.truth?;
        seen.insert(id).then_some((id, labels))
    });
    let known = known.collect();
    Ok((gold.name, known))
}

/// What a reviewer said about a gold post, the first time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoldAnswer {
    /// The labels.
    pub labels: LabelSet,
    /// Who said it.
    pub by: Option<Arc<str>>,
}

/// The gold posts of a session, and what was answered. Copies share what they have in common.
#[derive(Clone, Debug)]
pub struct Gold {
    pub(super) kept: KeptGold,
    /// By place: the labels.
    labels: Arc<HashMap<u32, LabelSet>>,
    /// By place of an ordinary post: the gold posts that come up before it.
    before: Arc<HashMap<u32, Vec<u32>>>,
    answers: OrdMap<u32, GoldAnswer>,
    tally: Vec<(Option<Arc<str>>, Proportion)>,
}

impl Gold {
    pub(super) fn new(kept: KeptGold, posts: &Snapshot) -> Self {
        let place = |id: PostId| u32::try_from(posts.place(id)?).ok();
        let mut labels = HashMap::new();
        let mut before: HashMap<u32, Vec<u32>> = HashMap::new();
        for gold in kept.posts.iter() {
            let Some(post) = place(gold.post) else {
                continue;
            };
            labels.insert(post, gold.labels);
            if let Some(anchor) = gold.before.and_then(place) {
                before.entry(anchor).or_default().push(post);
            }
        }
        Self {
            kept,
            labels: Arc::new(labels),
            before: Arc::new(before),
            answers: OrdMap::new(),
            tally: Vec::new(),
        }
    }

    /// Where the labels come from, in words.
    pub fn name(&self) -> &str {
        &self.kept.note.name
    }

    /// How many gold posts the dataset has.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the dataset has none of them.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many were answered.
    pub fn n_answered(&self) -> usize {
        self.answers.len()
    }

    /// The labels of a post and the first answer, once there is one; until then nothing tells a gold post from another.
    pub fn check(&self, post: usize) -> Option<(LabelSet, &GoldAnswer)> {
        let post = u32::try_from(post).ok()?;
        Some((*self.labels.get(&post)?, self.answers.get(&post)?))
    }

    /// Whether a post is one, answered or not.
    pub(super) fn holds(&self, post: usize) -> bool {
        u32::try_from(post).is_ok_and(|post| self.labels.contains_key(&post))
    }

    /// Takes the first answer to a gold post.
    pub(super) fn answer(&mut self, post: usize, labels: LabelSet, by: Option<&Arc<str>>) {
        let Ok(post) = u32::try_from(post) else {
            return;
        };
        let Some(known) = self.labels.get(&post) else {
            return;
        };
        if self.answers.contains_key(&post) {
            return;
        }
        let is_hit = *known == labels;
        let by = by.cloned();
        match self.tally.iter_mut().find(|(who, _)| *who == by) {
            Some((_, proportion)) => proportion.add(is_hit),
            None => {
                let proportion = Proportion {
                    hits: u64::from(is_hit),
                    n: 1,
                };
                self.tally.push((by.clone(), proportion));
            }
        }
        self.answers.insert(post, GoldAnswer { labels, by });
    }

    /// How often each reviewer's first answer was that of the gold posts, all labels alike.
    pub fn tally(&self) -> &[(Option<Arc<str>>, Proportion)] {
        &self.tally
    }

    /// Moves the gold posts of a queue in front of the posts before which they come up.
    pub(super) fn mix_into(&self, queue: Vec<u32>, n_posts: usize) -> Vec<u32> {
        let mut is_there = vec![false; n_posts];
        for post in &queue {
            if let Some(there) = is_there.get_mut(*post as usize) {
                *there = true;
            }
        }
        let there = |post: &u32| is_there.get(*post as usize).copied().unwrap_or(false);
        let anchors = self.before.iter().filter(|(anchor, _)| there(anchor));
        let moved: HashSet<u32> = anchors.flat_map(|(_, gold)| gold.iter().copied()).collect();
        let mut mixed = Vec::with_capacity(queue.len());
        for post in queue {
            if let Some(gold) = self.before.get(&post) {
                mixed.extend(gold.iter().filter(|post| there(post)));
            }
            if !moved.contains(&post) {
                mixed.push(post);
            }
        }
        mixed
    }
}
