//! Overrule: check what a moderation model said.
//!
//! The modules stand in the order in which a post travels:
//! a file on disk becomes a [`post::Post`] of a [`dataset`], its picture is decoded by [`image`],
//! a network of [`model`] answers a prompt built by [`predict`], a reviewer decides in [`review`],
//! [`metrics`] compares, and [`export`] writes what trains the next adapter.
//! [`cli`] and [`gui`] are two thin faces over all of this; nothing else names a terminal or a window.

pub mod post;

pub mod resources;

pub mod causes;
mod duration;

pub mod fonts;

pub mod dataset;

pub mod image;

pub mod model;

pub mod predict;

pub mod review;

pub mod metrics;

pub mod export;

pub mod prepare;

pub mod serve;

pub mod cli;

pub mod gui;

/// The version of this program, as records and files carry it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
