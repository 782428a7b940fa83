//! Posts whose labels in the dataset are likely wrong, by what the model thinks of them.

use crate::{
    metrics::label_errors::{self, Given, Quality},
    review::session::{Snapshot, Truth},
};

/// What is thought of the dataset's labels of each post, by its place; `None` without such labels or without
/// probabilities. See [`label_errors`] for the method. Some tens of milliseconds for 150,000 posts.
pub fn qualities(now: &Snapshot) -> Vec<Option<Quality>> {
    let n_posts = now.dataset().posts.len();
    let mut found: Vec<Option<Quality>> = vec![None; n_posts];
    let known = |post: usize| {
        let labels = now.truth(post, Truth::Dataset)?;
        let scores = now.prediction(post)?.scores.as_ref()?;
        Some((post, labels, scores))
    };
    let known: Vec<_> = (0..n_posts).filter_map(known).collect();
    let p: Vec<Vec<f64>> = known
        .iter()
        .map(|(_, _, scores)| scores.iter().map(|score| score.p).collect())
        .collect();
    let given: Vec<Given> = known
        .iter()
        .zip(&p)
        .map(|((_, labels, _), p)| Given { labels: *labels, p })
        .collect();
    let thought = label_errors::qualities(now.dataset().labels.len(), &given);
    for ((post, ..), quality) in known.iter().zip(thought) {
        if let Some(place) = found.get_mut(*post) {
            *place = Some(quality);
        }
    }
    found
}

/// Where a post stands: suspects first, the likeliest errors at the front; then the others, then what nothing is known of.
pub(super) fn key(quality: Option<&Quality>) -> (u8, f64) {
    match quality {
        Some(quality) => (u8::from(quality.suspects.is_empty()), quality.score),
        None => (2, 0.0),
    }
}
