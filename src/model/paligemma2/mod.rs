//! PaliGemma 2: SigLIP, a linear projector and Gemma 2. Steiner et al. 2024, <https://arxiv.org/abs/2412.03555>.
//!
//! Reference: transformers' `models/paligemma/modeling_paligemma.py`. The whole prompt attends to itself in both
//! directions, also in the sliding layers; the answer is causal. Positions start at 1. Image features are not scaled,
//! while text embeddings are multiplied by √hidden.

mod config;
mod network;

pub use config::Config;
pub use network::PaliGemma2;
