//! One binary for all integration tests: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // how a test fails

mod architecture;
mod bias_classifier;
mod cli;
mod common;
mod dataset;
mod demo_model;
mod export;
mod figures;
mod formats;
mod hub;
mod images;
mod imported;
mod lora;
mod metrics;
mod packaging;
mod parity;
mod parity_gemma2;
mod parity_paligemma2;
mod parity_qwen2_vl;
mod parity_smolvlm;
mod parquet;
mod prepare;
mod processor;
mod processor_qwen2_vl;
mod processor_smolvlm;
mod processors;
mod queue;
mod remote;
mod reviewing;
mod serve;
mod session;
mod store;
mod weights;
mod window;
mod worker;
