//! The parts that several architectures are built from.

mod attention;
mod elementwise;
mod exp;
mod gated_mlp;
mod kv_cache;
mod linear;
mod norm;
mod rotary;
mod self_attention;

pub use attention::{Heads, attend, attention_mask};
pub use elementwise::{Activation, activate, activate_mul, masked_softmax};
pub use gated_mlp::GatedMlp;
use kv_cache::KvCache;
pub use linear::{Embedding, Linear};
pub use norm::{LayerNorm, RmsNorm};
pub use rotary::RotaryEmbedding;
pub use self_attention::{Rows, SelfAttention};
