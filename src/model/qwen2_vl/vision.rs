//! The image tower: patches in, one vector a token out.

use candle_core::{DType, Device, Tensor};

use super::config::VisionConfig;
use crate::model::{
    ModelError,
    layers::{Activation, Heads, LayerNorm, Linear, RotaryEmbedding, activate, attend, residual},
    weights::Weights,
};

/// The norms' epsilon.
const EPS: f64 = 1e-6;

/// How many attention scores are held at a time: a picture may have tens of thousands of patches, and all pairs of
/// them would not fit into memory.
const MAX_SCORES: usize = 1 << 26;

/// Attention among all patches of one image.
struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: Heads,
}

impl Attention {
    fn load(weights: &Weights, config: &VisionConfig, compute: DType) -> Result<Self, ModelError> {
        let (size, dim) = (config.embed_dim, config.head_dim());
        let linear = |name, out| Linear::load_with_bias(&weights.pp(name), size, out, compute);
        Ok(Self {
            qkv: linear("qkv", 3 * size)?,
            proj: linear("proj", size)?,
            heads: Heads {
                queries: config.num_heads,
                keys_values: config.num_heads,
                dim,
                scale: (dim as f64).powf(-0.5),
                softcap: None,
            },
        })
    }

    /// `x (1, patches, embed_dim)` → the same.
    fn forward(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> candle_core::Result<Tensor> {
        let (_, patches, size) = x.dims3()?;
        let qkv = self.qkv.forward(x)?; // (1, patches, 3 · embed_dim)
        let part = |i| self.heads.split(&qkv.narrow(2, i * size, size)?); // (1, heads, patches, dim)
        let q = candle_nn::rotary_emb::rope(&part(0)?, cos, sin)?;
        let k = candle_nn::rotary_emb::rope(&part(1)?, cos, sin)?;
        let v = part(2)?;
        let piece = (MAX_SCORES / (self.heads.queries * patches).max(1)).max(1);
        let mixed = (0..patches)
            .step_by(piece)
            .map(|first| {
                let q = q
                    .narrow(2, first, piece.min(patches - first))?
                    .contiguous()?;
                attend(&q, &k, &v, &self.heads, None) // (1, piece, embed_dim)
            })
            .collect::<candle_core::Result<Vec<_>>>()?;
        self.proj.forward(&Tensor::cat(&mixed, 1)?)
    }
}

struct Block {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn load(weights: &Weights, config: &VisionConfig, compute: DType) -> Result<Self, ModelError> {
        let size = config.embed_dim;
        let inner = (size as f64 * config.mlp_ratio) as usize;
        let mlp = weights.pp("mlp");
        Ok(Self {
            norm1: LayerNorm::load(&weights.pp("norm1"), size, EPS)?,
            attn: Attention::load(&weights.pp("attn"), config, compute)?,
            norm2: LayerNorm::load(&weights.pp("norm2"), size, EPS)?,
            fc1: Linear::load_with_bias(&mlp.pp("fc1"), size, inner, compute)?,
            fc2: Linear::load_with_bias(&mlp.pp("fc2"), inner, size, compute)?,
        })
    }

    /// `x (1, patches, embed_dim)` → the same.
    fn forward(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> candle_core::Result<Tensor> {
        let attended = self.attn.forward(&self.norm1.forward(x)?, cos, sin)?;
        let x = residual(x, attended)?;
        let inner = self.fc1.forward(&self.norm2.forward(&x)?)?; // (1, patches, inner)
        let fed = self.fc2.forward(&activate(Activation::QuickGelu, inner)?)?;
        residual(&x, fed)
    }
}

/// Neighbouring patches side by side, then projected to one vector.
struct PatchMerger {
    ln_q: LayerNorm,
    first: Linear,
    second: Linear,
    /// The values of the patches of one token.
    merged: usize,
}

impl PatchMerger {
    fn load(weights: &Weights, config: &VisionConfig, compute: DType) -> Result<Self, ModelError> {
        let merged = config.embed_dim * config.spatial_merge_size.pow(2);
        let mlp = weights.pp("mlp");
        Ok(Self {
            ln_q: LayerNorm::load(&weights.pp("ln_q"), config.embed_dim, EPS)?,
            first: Linear::load_with_bias(&mlp.pp(0), merged, merged, compute)?,
            second: Linear::load_with_bias(&mlp.pp(2), merged, config.hidden_size, compute)?,
            merged,
        })
    }

    /// `x (1, patches, embed_dim)` → `(1, tokens, hidden)`.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let side_by_side = self.ln_q.forward(x)?.reshape((1, (), self.merged))?;
        let inner = self.first.forward(&side_by_side)?.gelu_erf()?; // (1, tokens, merged)
        self.second.forward(&inner)
    }
}

/// The tower.
pub struct VisionTower {
    /// A convolution whose stride is its size, as a matrix (embed_dim, channels · frames · patch · patch).
    patch_embed: Linear,
    blocks: Vec<Block>,
    merger: PatchMerger,
    rotary: RotaryEmbedding,
    config: VisionConfig,
    device: Device,
    compute: DType,
}

impl VisionTower {
    /// Loads the tower; it computes in `compute`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(
        weights: &Weights,
        config: &VisionConfig,
        compute: DType,
    ) -> Result<Self, ModelError> {
        let (patch, frames) = (config.patch_size, config.temporal_patch_size);
        let kernel = [config.embed_dim, config.channels(), frames, patch, patch];
        let kernel = weights
            .pp("patch_embed")
            .pp("proj")
            .tensor("weight", &kernel)?;
        let blocks = weights.pp("blocks");
        let device = weights.device().clone();
        Ok(Self {
            patch_embed: Linear::new(kernel.flatten_from(1)?)?,
            blocks: (0..config.depth)
                .map(|i| Block::load(&blocks.pp(i), config, compute))
                .collect::<Result<_, _>>()?,
            merger: PatchMerger::load(&weights.pp("merger"), config, compute)?,
            rotary: RotaryEmbedding::of_plane(config.head_dim(), config.rope_theta(), &device)?,
            config: config.clone(),
            device,
            compute,
        })
    }

    /// `pixel_values (patches, values of a patch)` of one image that lies on `grid` → `(1, tokens, hidden)`.
    pub fn forward(&self, pixel_values: &Tensor, grid: [usize; 3]) -> candle_core::Result<Tensor> {
        let places = self.places(grid)?;
        let (cos, sin) = self.rotary.tables_by_frequency(&places, self.compute)?;
        let mut x = self.patch_embed.forward(&pixel_values.unsqueeze(0)?)?; // (1, patches, embed_dim)
        for block in &self.blocks {
            x = block.forward(&x, &cos, &sin)?;
        }
        self.merger.forward(&x)
    }

    /// Row and column of every patch, in the order of the patches (the patches of a token follow each other), by
    /// frequency: `(1, patches, head_dim / 2)` u32.
    fn places(&self, [times, rows, columns]: [usize; 3]) -> candle_core::Result<Tensor> {
        let merge = self.config.spatial_merge_size;
        let quarter = self.config.head_dim() / 4;
        let mut places = Vec::with_capacity(times * rows * columns * 2 * quarter);
        for _ in 0..times {
            for (row, column) in in_blocks(rows, columns, merge) {
                places.extend(std::iter::repeat_n(row as u32, quarter));
                places.extend(std::iter::repeat_n(column as u32, quarter));
            }
        }
        Tensor::from_vec(
            places,
            (1, times * rows * columns, 2 * quarter),
            &self.device,
        )
    }
}

/// The places of a grid, block by block of `merge × merge`, and row by row in each.
pub fn in_blocks(
    rows: usize,
    columns: usize,
    merge: usize,
) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(merge).flat_map(move |top| {
        (0..columns).step_by(merge).flat_map(move |left| {
            (0..merge * merge).map(move |i| (top + i / merge, left + i % merge))
        })
    })
}
