//! From files to tensors: safetensors, checkpoints in one file or in shards, and one place that hands out weights.

mod checkpoint;
mod file;
mod source;

pub use checkpoint::Checkpoint;
pub use file::{SafetensorsFile, TensorEntry};
pub use source::{WeightSource, Weights};
