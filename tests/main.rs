//! One binary for all integration tests: it links once.

mod common;
mod dataset;
mod export;
mod images;
mod metrics;
mod session;
mod worker;
