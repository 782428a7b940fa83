//! The parts that several architectures are built from.

mod attention;
mod elementwise;
mod exp;
mod kv_cache;
mod linear;
mod norm;
mod rotary;

pub use attention::{Heads, attend, attention_mask};
pub use elementwise::{Activation, activate, activate_mul, masked_softmax};
pub use kv_cache::KvCache;
pub use linear::{Embedding, Linear};
pub use norm::{LayerNorm, RmsNorm};
pub use rotary::RotaryEmbedding;
