//! `config.json` of a Qwen2-VL checkpoint: flat as it was published, or with the text model's part nested, as
//! transformers 5 writes it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    ModelError, decoder,
    files::read_json,
    generation::{self, TokenIds},
    text_config::{Rope, TextConfig, require},
};

/// `<|im_end|>` of the published vocabulary.
const EOS_ID: u32 = 151_645;

/// The configuration of all parts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The image tower.
    pub vision: VisionConfig,
    /// The language model.
    pub text: decoder::Config,
    /// The base of the text's rotary frequencies.
    pub rope_theta: f64,
    /// How many of the frequencies turn by time, by row and by column.
    pub mrope_section: [usize; 3],
    /// The id of the tokens that image features take the place of.
    pub image_token_id: u32,
    /// The ids that end an answer.
    pub eos_ids: Vec<u32>,
}

/// `vision_config`. Defaults are those of transformers' `Qwen2VLVisionConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    /// How many layers there are.
    pub depth: usize,
    /// The size of a patch's vector.
    pub embed_dim: usize,
    /// The size of a token's vector, which merged patches become.
    pub hidden_size: usize,
    /// How many heads attention has.
    pub num_heads: usize,
    /// The feed-forward part's inner size, in `embed_dim`s.
    pub mlp_ratio: f64,
    /// Width and height of a patch, in pixels.
    pub patch_size: usize,
    /// Width and height of a token, in patches.
    pub spatial_merge_size: usize,
    /// Frames of a patch; a still image is repeated.
    pub temporal_patch_size: usize,
    hidden_act: String,
    in_channels: Option<usize>,
    in_chans: Option<usize>,
    rope_parameters: Option<Rope>,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            depth: 32,
            embed_dim: 1280,
            hidden_size: 3584,
            num_heads: 16,
            mlp_ratio: 4.0,
            patch_size: 14,
            spatial_merge_size: 2,
            temporal_patch_size: 2,
            hidden_act: "quick_gelu".to_owned(),
            in_channels: None,
            in_chans: None,
            rope_parameters: None,
        }
    }
}

impl VisionConfig {
    /// The size of a head.
    pub fn head_dim(&self) -> usize {
        self.embed_dim / self.num_heads
    }

    /// Colours.
    pub fn channels(&self) -> usize {
        self.in_channels.or(self.in_chans).unwrap_or(3)
    }

    /// The values of a patch.
    pub fn patch_values(&self) -> usize {
        self.channels() * self.temporal_patch_size * self.patch_size * self.patch_size
    }

    /// The base of the rotary frequencies.
    pub fn rope_theta(&self) -> f64 {
        let rope = self.rope_parameters.as_ref();
        rope.and_then(|rope| rope.rope_theta).unwrap_or(10_000.0)
    }

    fn validate(&self) -> Result<(), ModelError> {
        require(
            self.hidden_act == "quick_gelu",
            "vision_config.hidden_act",
            &self.hidden_act,
            "quick_gelu is",
        )?;
        require(
            self.num_heads > 0
                && self.embed_dim.is_multiple_of(self.num_heads)
                && self.head_dim().is_multiple_of(4),
            "vision_config.num_heads",
            &self.num_heads,
            "a head's size must be a multiple of 4",
        )?;
        require(
            self.channels() == 3,
            "vision_config.in_channels",
            &self.channels(),
            "3 is",
        )?;
        require(
            self.embed_dim <= 1 << 16,
            "vision_config.embed_dim",
            &self.embed_dim,
            "at most 65536 is",
        )?;
        let sizes = [
            self.patch_size,
            self.spatial_merge_size,
            self.temporal_patch_size,
        ];
        require(
            sizes.iter().all(|size| (1..=256).contains(size)),
            "vision_config.patch_size",
            &format!("{sizes:?}"),
            "patch and merge sizes from 1 to 256 are",
        )
    }
}

/// The keys of the language model.
#[derive(Deserialize)]
struct Text {
    #[serde(flatten)]
    shared: TextConfig,
    #[serde(default)]
    use_sliding_window: bool,
}

/// The keys beside the parts.
#[derive(Deserialize)]
struct Outer {
    #[serde(default)]
    vision_config: VisionConfig,
    #[serde(default = "published_image_id")]
    image_token_id: u32,
    #[serde(default)]
    tie_word_embeddings: bool,
    text_config: Option<Value>,
    eos_token_id: Option<TokenIds>,
}

fn published_image_id() -> u32 {
    151_655
}

impl Text {
    fn validate(&self) -> Result<(), ModelError> {
        require(
            !self.use_sliding_window,
            "use_sliding_window",
            &true,
            "full attention is",
        )?;
        self.shared.validate()?;
        self.shared.rope().require_kind(Some("mrope"))
    }
}

/// Checks the frequencies by axis against the size of a head.
fn mrope_section(rope: &Rope, text: &decoder::Config) -> Result<[usize; 3], ModelError> {
    let section = rope.mrope_section.unwrap_or_default();
    let sum = section
        .iter()
        .try_fold(0usize, |sum, n| sum.checked_add(*n));
    require(
        sum == Some(text.head_dim() / 2),
        "mrope_section",
        &format!("{section:?}"),
        "its numbers must add up to half of a head's size",
    )?;
    Ok(section)
}

impl Config {
    /// Reads the configuration of a checkpoint's folder.
    ///
    /// # Errors
    /// A file that is missing or damaged, or asks for what the network does not compute.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let damaged = |source| ModelError::Json {
            path: path.clone(),
            source,
        };
        let all: Value = read_json(&path)?;
        let outer: Outer = serde_json::from_value(all.clone()).map_err(damaged)?;
        let text: Text =
            serde_json::from_value(outer.text_config.unwrap_or(all)).map_err(damaged)?;
        outer.vision_config.validate()?;
        text.validate()?;
        let rope = text.shared.rope();
        let eos_ids = outer.eos_token_id.or(text.shared.eos_token_id.clone());
        let text = text.shared.dimensions(true, outer.tie_word_embeddings);
        require(
            outer.vision_config.hidden_size == text.hidden_size,
            "vision_config.hidden_size",
            &outer.vision_config.hidden_size,
            "it must be the text model's",
        )?;
        Ok(Self {
            mrope_section: mrope_section(&rope, &text)?,
            rope_theta: rope.rope_theta.unwrap_or(1_000_000.0),
            vision: outer.vision_config,
            text,
            image_token_id: outer.image_token_id,
            eos_ids: generation::eos_ids(folder, eos_ids, EOS_ID)?,
        })
    }
}
