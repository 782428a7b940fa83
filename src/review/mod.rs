//! What a reviewer decides: the session in memory, the decisions, and the file that keeps them.

pub mod basis;
pub mod blind;
pub mod decision;
pub mod gold;
pub mod people;
pub mod policy;
pub mod queue;
pub mod second;
pub mod session;
pub mod store;
pub mod suspects;

pub use decision::{Action, Outcome, Review};
pub use session::Session;
