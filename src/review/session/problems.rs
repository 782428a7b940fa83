//! What is wrong with posts: what loading found, and what came out later.

use std::collections::{BTreeMap, HashSet};

use crate::{
    dataset::Dataset,
    post::{Problem, ProblemKind},
};

/// The problems found after loading, and where each post's problems are.
#[derive(Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    /// Per post, places in the dataset's problems followed by `found`.
    by_post: BTreeMap<usize, Vec<usize>>,
    /// What has been told: a post and a kind, or a whole message where there is no post.
    told: HashSet<(Option<usize>, ProblemKind, Option<String>)>,
    /// How many problems the dataset came with.
    loaded: usize,
}

impl Problems {
    pub(super) fn new(dataset: &Dataset) -> Self {
        let mut problems = Self {
            loaded: dataset.problems.len(),
            ..Self::default()
        };
        for (place, problem) in dataset.problems.iter().enumerate() {
            problems.told.insert(key(problem));
            problems.index(problem.post, place);
        }
        problems
    }

    /// Adds a problem, unless this kind was told of its post before.
    pub(super) fn add(&mut self, problem: Problem) -> bool {
        if !self.told.insert(key(&problem)) {
            return false;
        }
        self.index(problem.post, self.n());
        self.found.push(problem);
        true
    }

    /// How many there are.
    pub(super) fn n(&self) -> usize {
        self.loaded + self.found.len()
    }

    /// The one at a place: first those that the dataset came with.
    pub(super) fn at<'a>(&'a self, dataset: &'a Dataset, place: usize) -> Option<&'a Problem> {
        match place.checked_sub(self.loaded) {
            Some(later) => self.found.get(later),
            None => dataset.problems.get(place),
        }
    }

    pub(super) fn of<'a>(&'a self, dataset: &'a Dataset, post: usize) -> Vec<&'a Problem> {
        let places = self.by_post.get(&post).map_or(&[][..], Vec::as_slice);
        let problem = |place: &usize| self.at(dataset, *place);
        places.iter().filter_map(problem).collect()
    }

    fn index(&mut self, post: Option<usize>, place: usize) {
        if let Some(post) = post {
            self.by_post.entry(post).or_default().push(place);
        }
    }
}

fn key(problem: &Problem) -> (Option<usize>, ProblemKind, Option<String>) {
    let message = problem.post.is_none().then(|| problem.message.clone());
    (problem.post, problem.kind, message)
}
