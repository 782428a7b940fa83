//! SigLIP's vision tower. Zhai et al. 2023, <https://arxiv.org/abs/2303.15343>.
//!
//! Reference: transformers' `models/siglip/modeling_siglip.py`, without the pooling head.

use candle_core::{DType, Tensor};
use serde::Deserialize;

use super::{
    ModelError,
    layers::{Activation, Heads, LayerNorm, Linear, activate, attend, residual},
    weights::Weights,
};

/// `vision_config`. Defaults are those of transformers' `SiglipVisionConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The size of a patch's vector.
    pub hidden_size: usize,
    /// The inner size of the feed-forward part.
    pub intermediate_size: usize,
    /// How many layers there are.
    pub num_hidden_layers: usize,
    /// How many heads attention has.
    pub num_attention_heads: usize,
    /// Colours.
    pub num_channels: usize,
    /// Width and height of the image, in pixels.
    pub image_size: usize,
    /// Width and height of a patch, in pixels.
    pub patch_size: usize,
    /// The activation of the feed-forward part.
    pub hidden_act: String,
    /// The norms' epsilon.
    pub layer_norm_eps: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 16,
            hidden_act: "gelu_pytorch_tanh".to_owned(),
            layer_norm_eps: 1e-6,
        }
    }
}

impl Config {
    /// Patches along one side of the image; what is left over at the right and at the bottom is not seen.
    pub fn patches_per_side(&self) -> usize {
        self.image_size / self.patch_size.max(1)
    }

    /// Patches of an image.
    pub fn num_patches(&self) -> usize {
        self.patches_per_side() * self.patches_per_side()
    }

    /// Refuses by name what the tower does not compute.
    pub fn validate(&self) -> Result<(), ModelError> {
        let unsupported =
            |key, value: String, reason| Err(ModelError::UnsupportedConfig { key, value, reason });
        if self.hidden_act != "gelu_pytorch_tanh" {
            let value = self.hidden_act.clone();
            return unsupported("vision_config.hidden_act", value, "gelu_pytorch_tanh is");
        }
        if self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
        {
            let value = self.num_attention_heads.to_string();
            return unsupported(
                "vision_config.num_attention_heads",
                value,
                "it must divide hidden_size",
            );
        }
        if self.patches_per_side() == 0 {
            let value = self.patch_size.to_string();
            let reason = "a size from 1 to image_size is";
            return unsupported("vision_config.patch_size", value, reason);
        }
        Ok(())
    }
}

/// Patches as vectors, with their places added.
struct Embeddings {
    /// A convolution whose stride is its size, as a matrix (hidden, channels · patch · patch).
    patch_embedding: Linear,
    /// (patches, hidden)
    position_embedding: Tensor,
    patch_size: usize,
}

impl Embeddings {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let (hidden, channels, patch) =
            (config.hidden_size, config.num_channels, config.patch_size);
        let convolution = weights.pp("patch_embedding");
        let kernel = convolution.tensor("weight", &[hidden, channels, patch, patch])?;
        let bias = convolution.tensor("bias", &[hidden])?.to_dtype(compute)?;
        Ok(Self {
            patch_embedding: Linear::new(kernel.flatten_from(1)?)?.with_bias(bias),
            position_embedding: weights
                .pp("position_embedding")
                .tensor("weight", &[config.num_patches(), hidden])?
                .to_dtype(compute)?,
            patch_size: patch,
        })
    }

    fn forward(&self, pixel_values: &Tensor, places: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, channels, height, width) = pixel_values.dims4()?;
        let patch = self.patch_size;
        let (rows, columns) = (height / patch, width / patch);
        let patches = pixel_values
            .narrow(2, 0, rows * patch)?
            .narrow(3, 0, columns * patch)?
            .reshape(&[batch, channels, rows, patch, columns, patch][..])?
            .permute([0, 2, 4, 1, 3, 5])? // (batch, rows, columns, channels, patch, patch)
            .reshape((batch, rows * columns, channels * patch * patch))?;
        self.patch_embedding
            .forward(&patches)? // (batch, patches, hidden)
            .broadcast_add(places)
    }
}

/// Attention among all patches.
struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: Heads,
}

impl Attention {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let size = config.hidden_size;
        let linear = |name| Linear::load_with_bias(&weights.pp(name), size, size, compute);
        let dim = size / config.num_attention_heads;
        Ok(Self {
            q_proj: linear("q_proj")?,
            k_proj: linear("k_proj")?,
            v_proj: linear("v_proj")?,
            out_proj: linear("out_proj")?,
            heads: Heads {
                queries: config.num_attention_heads,
                keys_values: config.num_attention_heads,
                dim,
                scale: (dim as f64).powf(-0.5),
                softcap: None,
            },
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let q = self.heads.split(&self.q_proj.forward(x)?)?; // (batch, heads, patches, dim)
        let k = self.heads.split(&self.k_proj.forward(x)?)?; // (batch, heads, patches, dim)
        let v = self.heads.split(&self.v_proj.forward(x)?)?; // (batch, heads, patches, dim)
        self.out_proj
            .forward(&attend(&q, &k, &v, &self.heads, None)?)
    }
}

struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let (size, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            fc1: Linear::load_with_bias(&weights.pp("fc1"), size, inner, compute)?,
            fc2: Linear::load_with_bias(&weights.pp("fc2"), inner, size, compute)?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let inner = self.fc1.forward(x)?; // (batch, patches, inner)
        self.fc2.forward(&activate(Activation::Gelu, inner)?)
    }
}

struct EncoderLayer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

impl EncoderLayer {
    fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let (size, eps) = (config.hidden_size, config.layer_norm_eps);
        Ok(Self {
            layer_norm1: LayerNorm::load(&weights.pp("layer_norm1"), size, eps)?,
            self_attn: Attention::load(&weights.pp("self_attn"), config, compute)?,
            layer_norm2: LayerNorm::load(&weights.pp("layer_norm2"), size, eps)?,
            mlp: Mlp::load(&weights.pp("mlp"), config, compute)?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let attended = self.self_attn.forward(&self.layer_norm1.forward(x)?)?;
        let x = residual(x, attended)?;
        let fed = self.mlp.forward(&self.layer_norm2.forward(&x)?)?;
        residual(&x, fed)
    }
}

/// The tower: images to one vector a patch.
pub struct VisionTower {
    embeddings: Embeddings,
    layers: Vec<EncoderLayer>,
    post_layernorm: LayerNorm,
}

impl VisionTower {
    /// Loads the tower; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let encoder = weights.pp("encoder").pp("layers");
        Ok(Self {
            embeddings: Embeddings::load(&weights.pp("embeddings"), config, compute)?,
            layers: (0..config.num_hidden_layers)
                .map(|i| EncoderLayer::load(&encoder.pp(i), config, compute))
                .collect::<Result<_, _>>()?,
            post_layernorm: LayerNorm::load(
                &weights.pp("post_layernorm"),
                config.hidden_size,
                config.layer_norm_eps,
            )?,
        })
    }

    /// `pixel_values (batch, channels, image_size, image_size)` → `(batch, patches, hidden)`.
    pub fn forward(&self, pixel_values: &Tensor) -> candle_core::Result<Tensor> {
        self.encode(pixel_values, &self.embeddings.position_embedding)
    }

    /// The same for images of another size: `position_ids (patches)` u32 says which of the learnt places each patch takes,
    /// row by row.
    pub fn forward_at(
        &self,
        pixel_values: &Tensor,
        position_ids: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let learnt = &self.embeddings.position_embedding;
        self.encode(pixel_values, &learnt.index_select(position_ids, 0)?)
    }

    /// `places (patches, hidden)`
    fn encode(&self, pixel_values: &Tensor, places: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = self.embeddings.forward(pixel_values, places)?; // (batch, patches, hidden)
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        self.post_layernorm.forward(&x)
    }
}
