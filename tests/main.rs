//! One binary for all integration tests: it links once.

mod common;
mod session;
mod worker;
