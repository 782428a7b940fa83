//! The program as a user calls it: the real binary on real files.

mod bad_input;
mod evaluate;
mod export;
mod inspect;
mod predict;
mod run;
