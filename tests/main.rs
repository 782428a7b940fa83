//! One binary for all integration tests: it links once.

mod common;
mod images;
mod processor;
mod session;
mod store;
mod worker;
