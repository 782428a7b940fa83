//! Which posts are shown, in which order.

use super::session::Session;

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
    /// Posts with a problem: a broken image, an unknown label, a failed prediction.
    Problems,
    /// Answers that could not be parsed.
    ParseFailed,
    /// Posts without a label in the dataset.
    Unlabelled,
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As in the dataset.
    #[default]
    Dataset,
    /// Least certain answers first (smallest margin); posts without a prediction last.
    Uncertainty,
    /// Posts where model and truth differ in most labels first.
    Disagreement,
}

/// What the queue shows: places in the dataset, after filter, text search and order.
///
/// Takes less than 100 ms for 150,000 posts.
pub fn build(session: &Session, filter: Filter, order: Order, search: &str) -> Vec<u32> {
    let _ = (session, filter, order, search);
    todo!()
}
