//! The choices above the queue: which posts, and in which order.

use crate::review::queue::{Filter, Order};

/// Every filter with its name and what it shows.
pub const FILTERS: [(Filter, &str, &str); 11] = [
    (Filter::All, "All posts", "Every post"),
    (
        Filter::Todo,
        "To do",
        "Not confirmed, skipped or escalated yet",
    ),
    (Filter::Reviewed, "Reviewed", "With a confirmed decision"),
    (
        Filter::Overruled,
        "Overruled",
        "The decision differs from the model",
    ),
    (
        Filter::Disagreement,
        "Disagreement",
        "The model differs from the decision or the dataset",
    ),
    (Filter::Skipped, "Skipped", "Put aside"),
    (Filter::Escalated, "Escalated", "Left to someone else"),
    (Filter::Flagged, "Flagged", "Marked for a second look"),
    (
        Filter::Problems,
        "Problems",
        "Something is wrong with the row, the image or the prediction",
    ),
    (
        Filter::ParseFailed,
        "Unreadable answers",
        "The model’s answer could not be parsed",
    ),
    (
        Filter::Unlabelled,
        "Unlabelled",
        "Without a label in the dataset",
    ),
];

/// Every order with its name and what it means.
pub const ORDERS: [(Order, &str, &str); 3] = [
    (Order::Dataset, "In order", "As in the dataset"),
    (
        Order::Uncertainty,
        "Least certain first",
        "Smallest margin of the answer first",
    ),
    (
        Order::Disagreement,
        "Different first",
        "Most labels in which model and truth differ first",
    ),
];
