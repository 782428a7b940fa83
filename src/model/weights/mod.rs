//! From files to tensors: safetensors and PyTorch's files, checkpoints in one file or in shards, and one place that hands out weights.

mod checkpoint;
mod file;
pub mod pth;
mod source;

pub use checkpoint::{Checkpoint, PTH, shards_of};
pub use file::{TensorEntry, TensorFile};
pub use source::{WeightSource, Weights};
