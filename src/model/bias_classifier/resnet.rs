//! ResNet of basic layers (ResNet-18, ResNet-34). He et al. 2015, <https://arxiv.org/abs/1512.03385>.
//!
//! Reference: transformers' `models/resnet/modeling_resnet.py`, without the pooler. (candle-transformers has a ResNet,
//! too, of fixed widths and under timm's names.)

use candle_core::{D, DType, Tensor};

use super::config::ResNetConfig;
use crate::model::{ModelError, weights::Weights};

/// What is added to a variance before its root is taken: PyTorch's default.
const NORM_EPS: f64 = 1e-5;

/// A convolution with the normalisation behind it, which is a scale and a shift of each channel once it is trained.
struct Convolution {
    /// (out, in, size, size)
    kernel: Tensor,
    /// (1, out, 1, 1)
    bias: Tensor,
    stride: usize,
    padding: usize,
}

impl Convolution {
    /// `input` channels to `out`, with a kernel of `size` × `size`; both parts are folded into one in f32.
    fn load(
        weights: &Weights,
        (input, out): (usize, usize),
        size: usize,
        stride: usize,
        compute: DType,
    ) -> Result<Self, ModelError> {
        let kernel = weights
            .pp("convolution")
            .tensor_f32("weight", &[out, input, size, size])?;
        let norm = weights.pp("normalization");
        let part = |name| norm.tensor_f32(name, &[out]);
        let scale = (part("weight")? / (part("running_var")? + NORM_EPS)?.sqrt()?)?; // (out)
        let bias = (part("bias")? - (part("running_mean")? * &scale)?)?;
        Ok(Self {
            kernel: kernel
                .broadcast_mul(&scale.reshape((out, 1, 1, 1))?)?
                .to_dtype(compute)?,
            bias: bias.reshape((1, out, 1, 1))?.to_dtype(compute)?,
            stride,
            padding: size / 2,
        })
    }

    /// `(batch, in, height, width)` → `(batch, out, height / stride, width / stride)`.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.conv2d(&self.kernel, self.padding, self.stride, 1, 1)?
            .broadcast_add(&self.bias)
    }
}

/// Two convolutions beside a shortcut.
struct BasicLayer {
    first: Convolution,
    second: Convolution,
    /// Where width or size change.
    shortcut: Option<Convolution>,
}

impl BasicLayer {
    fn load(
        weights: &Weights,
        (input, out): (usize, usize),
        stride: usize,
        compute: DType,
    ) -> Result<Self, ModelError> {
        let layer = weights.pp("layer");
        let shortcut = (input != out || stride != 1)
            .then(|| Convolution::load(&weights.pp("shortcut"), (input, out), 1, stride, compute));
        Ok(Self {
            first: Convolution::load(&layer.pp(0), (input, out), 3, stride, compute)?,
            second: Convolution::load(&layer.pp(1), (out, out), 3, 1, compute)?,
            shortcut: shortcut.transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = self.second.forward(&self.first.forward(x)?.relu()?)?;
        let x = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x)?,
            None => x.clone(),
        };
        (y + x)?.relu()
    }
}

/// Images to one vector each.
pub struct ImageEncoder {
    stem: Convolution,
    layers: Vec<BasicLayer>,
}

impl ImageEncoder {
    /// Loads the encoder; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(
        weights: &Weights,
        config: &ResNetConfig,
        compute: DType,
    ) -> Result<Self, ModelError> {
        let stem = weights.pp("embedder").pp("embedder");
        let stem = Convolution::load(&stem, (3, config.embedding_size), 7, 2, compute)?;
        let stages = weights.pp("encoder").pp("stages");
        let mut layers = Vec::new();
        let mut input = config.embedding_size;
        for (stage, (out, depth)) in config.hidden_sizes.iter().zip(&config.depths).enumerate() {
            for number in 0..*depth {
                let halves = number == 0 && (stage > 0 || config.downsample_in_first_stage);
                let stride = if halves { 2 } else { 1 };
                let layer = stages.pp(stage).pp("layers").pp(number);
                layers.push(BasicLayer::load(&layer, (input, *out), stride, compute)?);
                input = *out;
            }
        }
        Ok(Self { stem, layers })
    }

    /// `pixel_values (batch, 3, height, width)` → `(batch, channels)`, the mean over all places.
    pub fn forward(&self, pixel_values: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = self.stem.forward(pixel_values)?.relu()?;
        // The pool's padding never wins: nothing is below zero here.
        x = x
            .pad_with_zeros(D::Minus1, 1, 1)?
            .pad_with_zeros(D::Minus2, 1, 1)?
            .max_pool2d_with_stride(3, 2)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        x.flatten_from(2)?.mean(D::Minus1)
    }
}
