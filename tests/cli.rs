//! The program as a user calls it: the real binary on real files.

mod bad_input;
mod bias_classifier;
mod evaluate;
mod export;
mod inspect;
mod installed;
pub mod models;
mod predict;
mod report;
pub mod run;
