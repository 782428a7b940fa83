//! The parts of the window, one file each. A panel gets what it shows by reference, its own small state by `&mut`,
//! and sends commands; it changes nothing else.

pub mod answer;
pub mod banners;
mod buttons;
pub mod ceiling;
mod difference;
pub mod download;
mod label_rows;
pub mod labels;
pub mod metrics;
pub mod policy;
pub mod post;
pub mod problems;
pub mod queue;
pub mod queue_choices;
mod queue_row;
pub mod recent;
pub mod runs;
pub mod scores;
pub mod status_bar;
mod table;
pub mod top_bar;
pub mod welcome;
pub mod workspace;
