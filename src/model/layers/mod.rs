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
mod softmax;
mod storage;

pub use attention::{Heads, attend, attention_mask};
pub use elementwise::{Activation, activate, activate_mul, residual, soft_cap};
pub use gated_mlp::GatedMlp;
use kv_cache::KvCache;
pub use linear::{Embedding, Linear};
pub use norm::{LayerNorm, RmsNorm};
pub use rotary::RotaryEmbedding;
pub use self_attention::{Rows, SelfAttention};

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    pub(super) fn assert_near(got: &Tensor, expected: &Tensor, bound: f32) {
        let difference = (got - expected).unwrap().abs().unwrap();
        let difference = difference.flatten_all().unwrap().max(0).unwrap();
        let difference = difference.to_scalar::<f32>().unwrap();
        assert!(difference < bound, "differs by {difference}");
    }

    pub(super) fn ramp(shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        let values: Vec<f32> = (0..n)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) / 9.0)
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }
}
