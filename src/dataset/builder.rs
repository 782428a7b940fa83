//! Gathering the posts of any format: stable names, label cells, problems.

use std::{collections::HashMap, path::Path};

use super::{
    LabelSource, OpenError, OpenOptions,
    imported::Said,
    json::names_cell,
    labels::{LabelCells, LabelColumn},
};
use crate::post::{LabelNames, Post, PostId, Problem, ProblemKind};

/// The longest list of labels that a message spells out.
const SPELLED_OUT: usize = 12;

/// Posts as a reader finds them, one after the other.
#[derive(Default)]
pub(super) struct Builder {
    posts: Vec<Post>,
    problems: Vec<Problem>,
    cells: LabelCells,
    /// The number of each post's label cell.
    cell_of_post: Vec<Option<usize>>,
    /// How many posts with the same text and image there are, by the name of the first.
    copies: HashMap<PostId, u64>,
    /// The labels that the format itself names.
    own_labels: Option<Vec<String>>,
}

/// What a reader knows about a post.
pub(super) struct Found<'a> {
    pub text: &'a str,
    pub image_path: &'a str,
    /// From 1; 0 if the post is no line of a file.
    pub line: u64,
    pub extra: Box<[Box<str>]>,
    /// The cell that names its labels; `None` if there is none, which leaves it unlabelled.
    pub labels: Option<(&'a str, LabelColumn)>,
}

/// All posts, their labels resolved.
pub(super) struct Built {
    pub labels: LabelNames,
    pub label_source: LabelSource,
    pub posts: Vec<Post>,
    pub problems: Vec<Problem>,
}

impl Builder {
    /// Adds a post and gives its place.
    pub fn push(&mut self, found: Found<'_>) -> usize {
        let first = PostId::new(found.text, found.image_path, 0);
        let copies = self.copies.entry(first).or_default();
        let id = match *copies {
            0 => first,
            n => PostId::new(found.text, found.image_path, n),
        };
        *copies += 1;
        self.cell_of_post.push(
            found
                .labels
                .map(|(cell, column)| self.cells.intern(cell, column)),
        );
        self.posts.push(Post {
            id,
            text: found.text.into(),
            image_path: found.image_path.into(),
            truth: None,
            line: u32::try_from(found.line).unwrap_or(u32::MAX),
            extra: found.extra,
        });
        self.posts.len() - 1
    }

    /// Where no post says what its labels are, those that models named are the labels.
    pub fn see_predicted<'a>(&mut self, said: impl Iterator<Item = &'a Said>) {
        if self.cell_of_post.iter().all(Option::is_none) {
            for said in said {
                let (cell, column) = names_cell(said.names());
                self.cells.intern(&cell, column);
            }
        }
    }

    /// Adds a problem, about a post or about the file.
    pub fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Says which labels the format itself names, in class order.
    pub fn name_labels(&mut self, labels: Vec<String>) {
        self.own_labels = Some(labels);
    }

    /// The posts so far.
    pub fn posts(&self) -> &[Post] {
        &self.posts
    }

    /// Chooses the label set (`folder` is where `class_names.txt` may lie), gives each post its truth, and
    /// reports the labels that do not exist.
    pub fn finish(mut self, options: &OpenOptions, folder: &Path) -> Result<Built, OpenError> {
        let (labels, label_source) =
            self.cells
                .choose(options, folder, self.own_labels.as_deref())?;
        let cells = self.cells.resolve(&labels);
        for (place, (post, cell)) in self.posts.iter_mut().zip(&self.cell_of_post).enumerate() {
            let Some(cell) = cell.and_then(|c| cells.get(c)) else {
                continue;
            };
            post.truth = cell.truth;
            if !cell.unknown.is_empty() {
                self.problems.push(Problem {
                    kind: ProblemKind::UnknownLabel,
                    post: Some(place),
                    line: (post.line > 0).then_some(post.line.into()),
                    column: None,
                    message: unknown_message(&cell.unknown, &labels),
                });
            }
        }
        self.problems.sort_by_key(|p| (p.line, p.post));
        Ok(Built {
            labels,
            label_source,
            posts: self.posts,
            problems: self.problems,
        })
    }
}

fn unknown_message(unknown: &[String], labels: &LabelNames) -> String {
    let unknown: Vec<String> = unknown.iter().map(|name| format!("“{name}”")).collect();
    let mut known = labels
        .iter()
        .take(SPELLED_OUT)
        .collect::<Vec<_>>()
        .join(", ");
    if labels.len() > SPELLED_OUT {
        known.push_str(", …");
    }
    let (verb, it) = if unknown.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    format!(
        "{} {verb} not in the label set ({known}) and not counted; add {it} to class_names.txt or --labels, or correct the cell",
        unknown.join(", ")
    )
}
