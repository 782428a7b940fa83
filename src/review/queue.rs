//! Which posts are shown, in which order.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
};

use regex::{Regex, RegexBuilder};

use super::{
    basis::{Basis, Part, random_key},
    decision::Outcome,
    session::{Exposure, Snapshot, Truth},
    suspects,
};
use crate::{
    dataset::Dataset,
    metrics::{label_pairs::is_confused, threshold::Threshold},
    post::{LabelSet, Post},
    predict::answer::Parse,
};

/// A column with more values than this is no split of the data.
const MOST_VALUES: usize = 24;

/// Which posts the queue shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Filter {
    /// Every post.
    #[default]
    All,
    /// Posts without a confirmed decision, not skipped, not escalated.
    Todo,
    /// Posts with a confirmed decision.
    Reviewed,
    /// Decision differs from what the model said.
    Overruled,
    /// The model differs from the truth in force (decision, else dataset label).
    Disagreement,
    /// Skipped posts.
    Skipped,
    /// Escalated posts.
    Escalated,
    /// Flagged posts.
    Flagged,
    /// Posts with a note.
    Noted,
    /// Posts with a problem: a broken image, an unknown label, a failed prediction.
    Problems,
    /// Answers that could not be parsed.
    ParseFailed,
    /// Posts without a label in the dataset.
    Unlabelled,
    /// Posts on which the model did this with a label, against a truth: a cell of the table of scores.
    Confusion {
        /// The label's place in class order.
        label: usize,
        /// What happened with it.
        cell: Confusion,
        /// Which truth, over which posts.
        basis: Basis,
    },
    /// Posts on which the model took one label for another: a cell of the table of confused labels.
    Confused {
        /// The label that the post has and the model missed; `None` if it missed nothing.
        missed: Option<usize>,
        /// The label that the model gave in its place; `None` if it gave nothing wrong.
        added: Option<usize>,
        /// Which truth, over which posts.
        basis: Basis,
    },
    /// Compared posts that have both of two labels (which may be one).
    Together {
        /// The labels' places in class order.
        labels: (usize, usize),
        /// By the model's answer, or else by the truth.
        by_model: bool,
        /// Which truth, over which posts.
        basis: Basis,
    },
    /// Posts that a threshold would give a label that the model's answer does not, or take one from them.
    Flipped {
        /// The label's place in class order.
        label: usize,
        /// From which probability on a post gets the label.
        threshold: Threshold,
        /// Only those that get the label (true) or lose it (false).
        added: Option<bool>,
        /// Which truth, over which posts.
        basis: Basis,
    },
    /// Posts that the model gives a label (by its place in class order).
    Predicted(usize),
    /// Posts whose cell in a column that Overrule does not read is that of another post, as one split of the data.
    Column {
        /// The column's place in `Dataset::extra_columns`.
        column: usize,
        /// A post (its place in the dataset) that has the wanted value.
        like: u32,
    },
    /// Posts with labels that the reviewer does not want to meet; every other queue leaves them out.
    PutAway,
    /// Posts on which two reviewers differ, until one of them settles it.
    Conflicts,
    /// Gold posts whose labels the reviewer did not see at first.
    GoldDiffers,
    /// Posts on which the two compared runs differ, among these.
    RunsDiffer(Part),
    /// Posts that have a label (by its place in class order) by the truth in force or by the model.
    Label(usize),
}

impl Filter {
    /// Whether it shows the posts that one of the figures counts.
    pub fn is_of_figure(self) -> bool {
        matches!(
            self,
            Self::Confusion { .. }
                | Self::Confused { .. }
                | Self::Together { .. }
                | Self::Flipped { .. }
                | Self::RunsDiffer(_)
        )
    }
}

/// What a model did with one label of a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confusion {
    /// Predicted and true.
    TruePositive,
    /// Predicted, not true.
    FalsePositive,
    /// True, not predicted.
    FalseNegative,
}

impl Confusion {
    /// The words for it, for more than one post.
    pub fn name(self) -> &'static str {
        match self {
            Self::TruePositive => "true positives",
            Self::FalsePositive => "false positives",
            Self::FalseNegative => "false negatives",
        }
    }
}

/// In which order. Posts that tie stay in dataset order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As in the dataset.
    #[default]
    Dataset,
    /// Least certain answers first: by the label whose probability is nearest 0.5, else by the margin of the answer; posts
    /// without either last.
    Uncertainty,
    /// Posts where model and truth differ in most labels first; posts that lack either last.
    Disagreement,
    /// Posts whose labels in the dataset are likely wrong first, by confident learning; posts without labels or without
    /// probabilities last.
    Suspects,
    /// By chance, the same for the same seed: what is at the front is a fair sample.
    Random(u32),
}

/// What the queue shows: places in the dataset, after filter, text search and order.
///
/// The search finds posts whose text or image path contains it; upper and lower case are the same, white space around
/// it is dropped. Takes less than 100 ms for 150,000 posts.
pub fn build(session: &Snapshot, filter: Filter, order: Order, search: &str) -> Vec<u32> {
    let search = Search::new(search.trim());
    let posts = (0u32..).zip(&session.dataset().posts);
    let mut queue: Vec<u32> = posts
        .filter(|(place, post)| passes(session, filter, *place as usize) && search.finds(post))
        .map(|(place, _)| place)
        .collect();
    match order {
        Order::Dataset => {}
        Order::Uncertainty => {
            let key = |post| certainty(session, post);
            sort_by_cached(&mut queue, key, known_first);
        }
        Order::Disagreement => {
            let key = |post| Reverse(differing_labels(session, post));
            sort_by_cached(&mut queue, key, Ord::cmp);
        }
        Order::Suspects => {
            let found = suspects::qualities(session);
            let key = |post: usize| suspects::key(found.get(post).and_then(Option::as_ref));
            let compare = |a: &(u8, f64), b: &(u8, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
            sort_by_cached(&mut queue, key, compare);
        }
        Order::Random(seed) => {
            let posts = &session.dataset().posts;
            let key = |post: usize| posts.get(post).map(|post| random_key(post.id, seed));
            sort_by_cached(&mut queue, key, Ord::cmp);
        }
    }
    match session.gold() {
        // The ordinary queues; others are looked through for what they show.
        Some(gold) if matches!(filter, Filter::All | Filter::Todo) => {
            gold.mix_into(queue, session.dataset().posts.len())
        }
        _ => queue,
    }
}

/// A column of the dataset that splits it, such as `split` or `source`.
pub struct Split {
    /// Its place in `Dataset::extra_columns`.
    pub column: usize,
    /// For each value, in their order, a post that has it.
    pub values: Vec<u32>,
}

impl Split {
    /// A filter for each value.
    pub fn filters(&self) -> impl Iterator<Item = Filter> {
        let column = self.column;
        let values = self.values.iter().copied();
        values.map(move |like| Filter::Column { column, like })
    }
}

/// The columns that split a dataset: those with a few values. Some milliseconds for 150,000 posts.
pub fn splits(dataset: &Dataset) -> Vec<Split> {
    let of_column = |column: usize| {
        let mut first: HashMap<&str, u32> = HashMap::new();
        for (place, post) in (0u32..).zip(&dataset.posts) {
            let value = post.extra.get(column).map_or("", |value| &**value);
            first.entry(value).or_insert(place);
            if first.len() > MOST_VALUES {
                return None;
            }
        }
        let mut values: Vec<(&str, u32)> = first.into_iter().collect();
        values.sort_unstable();
        (values.len() > 1).then(|| Split {
            column,
            values: values.into_iter().map(|(_, place)| place).collect(),
        })
    };
    (0..dataset.extra_columns.len())
        .filter_map(of_column)
        .collect()
}

/// Whether a post passes a filter.
pub fn passes(session: &Snapshot, filter: Filter, post: usize) -> bool {
    if session.is_put_away(post) {
        return filter == Filter::PutAway;
    }
    let review = session.review(post);
    match filter {
        Filter::All => true,
        Filter::PutAway => false,
        Filter::Todo => {
            review.decision.is_none()
                && !matches!(review.outcome, Some(Outcome::Skipped | Outcome::Escalated))
        }
        Filter::Reviewed => review.decision.is_some(),
        Filter::Overruled => session.is_overruled(post),
        Filter::Disagreement => differing_labels(session, post).is_some_and(|n| n > 0),
        Filter::Skipped => review.outcome == Some(Outcome::Skipped),
        Filter::Escalated => review.outcome == Some(Outcome::Escalated),
        Filter::Flagged => review.flagged,
        Filter::Noted => !review.note.is_empty(),
        Filter::Problems => {
            let failed = session.prediction(post).is_some_and(|p| p.error.is_some());
            failed || session.has_problem(post)
        }
        Filter::ParseFailed => session
            .prediction(post)
            .is_some_and(|p| p.parse == Parse::Failed && p.error.is_none()),
        Filter::Unlabelled => session.truth(post, Truth::Dataset).is_none(),
        Filter::Confusion { label, cell, basis } => {
            compared(session, post, basis).is_some_and(|pair| confusion(pair, label) == Some(cell))
        }
        Filter::Confused {
            missed,
            added,
            basis,
        } => drawn(session, post, basis)
            .is_some_and(|(truth, predicted)| is_confused(truth, predicted, missed, added)),
        Filter::Together {
            labels: (a, b),
            by_model,
            basis,
        } => drawn(session, post, basis).is_some_and(|(truth, predicted)| {
            let set = if by_model { predicted } else { truth };
            set.contains(a) && set.contains(b)
        }),
        Filter::Flipped {
            label,
            threshold,
            added,
            basis,
        } => flipped(session, post, label, threshold, basis)
            .is_some_and(|gets| added.is_none_or(|added| added == gets)),
        Filter::Predicted(label) => session
            .answer(post)
            .is_some_and(|labels| labels.contains(label)),
        Filter::Column { column, like } => {
            let posts = &session.dataset().posts;
            let cell = |post: usize| posts.get(post).and_then(|post| post.extra.get(column));
            cell(post) == cell(like as usize)
        }
        Filter::Conflicts => session.is_conflict(post),
        Filter::GoldDiffers => {
            let check = session.gold().and_then(|gold| gold.check(post));
            check.is_some_and(|(labels, answer)| answer.labels != labels)
        }
        Filter::RunsDiffer(part) => session.is_in(part, post) && session.runs_differ(post),
        Filter::Label(label) => {
            let truth = session.truth(post, Truth::Combined);
            let named = [truth, session.answer(post)];
            named.iter().flatten().any(|set| set.contains(label))
        }
    }
}

/// Truth and answer as the metrics compare them: an answer that could not be read is empty.
fn compared(session: &Snapshot, post: usize, basis: Basis) -> Option<(LabelSet, LabelSet)> {
    let truth = session.truth_among(post, basis, Exposure::Any)?;
    Some((truth, session.prediction(post)?.labels))
}

/// The same as the figures draw it: two runs are told apart only by posts that both predicted.
fn drawn(session: &Snapshot, post: usize, basis: Basis) -> Option<(LabelSet, LabelSet)> {
    let is_in_both = !session.has_other_run() || session.other_prediction(post).is_some();
    compared(session, post, basis).filter(|_| is_in_both)
}

fn confusion((truth, predicted): (LabelSet, LabelSet), label: usize) -> Option<Confusion> {
    match (truth.contains(label), predicted.contains(label)) {
        (true, true) => Some(Confusion::TruePositive),
        (false, true) => Some(Confusion::FalsePositive),
        (true, false) => Some(Confusion::FalseNegative),
        (false, false) => None,
    }
}

/// Whether a post gets the label by a threshold (true) or loses it (false); `None` if the answer stays.
fn flipped(
    session: &Snapshot,
    post: usize,
    label: usize,
    threshold: Threshold,
    basis: Basis,
) -> Option<bool> {
    let (_, predicted) = drawn(session, post, basis)?;
    let score = session.prediction(post)?.scores.as_ref()?.get(label)?;
    let gets = threshold.takes(score.p);
    (gets != predicted.contains(label) && !score.p.is_nan()).then_some(gets)
}

/// In how many labels model and truth differ; `None` without a readable answer or a truth.
fn differing_labels(session: &Snapshot, post: usize) -> Option<u32> {
    let truth = session.truth(post, Truth::Combined)?;
    let answer = session.answer(post)?;
    Some((truth.bits() ^ answer.bits()).count_ones())
}

/// How sure the model is, from 0 to 0.5: how far the nearest probability, or the interval that it lies in, is from 0.5. Without
/// probabilities of labels, that of the best token against the second best where they are closest, which the margin gives.
fn certainty(session: &Snapshot, post: usize) -> Option<f64> {
    let prediction = session.prediction(post)?;
    let scores = prediction.scores.iter().flatten();
    let nearest = scores
        .map(|score| (score.lo - 0.5).max(0.5 - score.hi).max(0.0))
        .min_by(f64::total_cmp);
    nearest.or_else(|| Some(0.5 * (0.5 * prediction.margin?).tanh()))
}

/// Small figures first, none last.
fn known_first(a: &Option<f64>, b: &Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// A stable sort that works out each key once.
fn sort_by_cached<K>(
    queue: &mut [u32],
    key: impl Fn(usize) -> K,
    compare: impl Fn(&K, &K) -> Ordering,
) {
    let mut keyed: Vec<(K, u32)> = queue
        .iter()
        .map(|post| (key(*post as usize), *post))
        .collect();
    keyed.sort_by(|(a, _), (b, _)| compare(a, b));
    for (place, (_, post)) in queue.iter_mut().zip(keyed) {
        *place = post;
    }
}

/// A text to look for.
enum Search {
    /// Nothing: every post is found.
    Empty,
    /// A text in any case.
    AnyCase(Regex),
    /// A text too long for that, as it stands.
    Exact(String),
}

impl Search {
    fn new(text: &str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        let regex = RegexBuilder::new(&regex::escape(text))
            .case_insensitive(true)
            .build();
        regex.map_or_else(|_| Self::Exact(text.to_owned()), Self::AnyCase)
    }

    fn finds(&self, post: &Post) -> bool {
        match self {
            Self::Empty => true,
            Self::AnyCase(regex) => regex.is_match(&post.text) || regex.is_match(&post.image_path),
            Self::Exact(text) => post.text.contains(text) || post.image_path.contains(text),
        }
    }
}
