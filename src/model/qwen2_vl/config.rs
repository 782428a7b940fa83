//! `config.json` of a Qwen2-VL checkpoint: flat as it was published, or with the text model's part nested, as
//! transformers 5 writes it.

use std::{fmt::Display, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    ModelError, decoder,
    files::read_json,
    generation::{self, TokenIds},
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
struct TextConfig {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    rms_norm_eps: f64,
    #[serde(default = "silu")]
    hidden_act: String,
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    rope_theta: Option<f64>,
    rope_parameters: Option<Rope>,
    rope_scaling: Option<Rope>,
    eos_token_id: Option<TokenIds>,
}

fn silu() -> String {
    "silu".to_owned()
}

/// `rope_parameters`, or `rope_scaling` as it was called before transformers 5.
#[derive(Clone, Debug, Default, Deserialize)]
struct Rope {
    rope_theta: Option<f64>,
    mrope_section: Option<[usize; 3]>,
    rope_type: Option<String>,
    #[serde(rename = "type")]
    old_type: Option<String>,
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

fn require(
    holds: bool,
    key: &'static str,
    value: &dyn Display,
    reason: &'static str,
) -> Result<(), ModelError> {
    if holds {
        return Ok(());
    }
    Err(ModelError::UnsupportedConfig {
        key,
        value: value.to_string(),
        reason,
    })
}

impl TextConfig {
    fn validate(&self) -> Result<(), ModelError> {
        let heads = self.num_attention_heads;
        require(
            self.hidden_act == "silu",
            "hidden_act",
            &self.hidden_act,
            "silu is",
        )?;
        require(
            !self.use_sliding_window,
            "use_sliding_window",
            &true,
            "full attention is",
        )?;
        require(
            heads > 0
                && self.hidden_size.is_multiple_of(heads)
                && (self.hidden_size / heads).is_multiple_of(2),
            "num_attention_heads",
            &heads,
            "a head's size must be even",
        )?;
        let shared = self.num_key_value_heads.unwrap_or(heads);
        require(
            shared > 0 && heads.is_multiple_of(shared),
            "num_key_value_heads",
            &shared,
            "it must divide num_attention_heads",
        )
    }

    fn rope(&self) -> Rope {
        let rope = self.rope_scaling.as_ref().or(self.rope_parameters.as_ref());
        rope.cloned().unwrap_or_default()
    }

    fn mrope_section(&self) -> Result<[usize; 3], ModelError> {
        let rope = self.rope();
        let kind = rope.rope_type.or(rope.old_type);
        let kind = kind.as_deref().unwrap_or("default");
        require(
            ["default", "mrope"].contains(&kind),
            "rope_scaling.type",
            &kind,
            "mrope is",
        )?;
        let section = rope.mrope_section.unwrap_or_default();
        let half = self.hidden_size / self.num_attention_heads / 2;
        let sum = section
            .iter()
            .try_fold(0usize, |sum, n| sum.checked_add(*n));
        require(
            sum == Some(half),
            "mrope_section",
            &format!("{section:?}"),
            "its numbers must add up to half of a head's size",
        )?;
        Ok(section)
    }
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
        let text: TextConfig =
            serde_json::from_value(outer.text_config.unwrap_or(all)).map_err(damaged)?;
        outer.vision_config.validate()?;
        text.validate()?;
        require(
            outer.vision_config.hidden_size == text.hidden_size,
            "vision_config.hidden_size",
            &outer.vision_config.hidden_size,
            "it must be the text model's",
        )?;
        Ok(Self {
            mrope_section: text.mrope_section()?,
            rope_theta: text
                .rope()
                .rope_theta
                .or(text.rope_theta)
                .unwrap_or(1_000_000.0),
            vision: outer.vision_config,
            image_token_id: outer.image_token_id,
            eos_ids: generation::eos_ids(folder, outer.eos_token_id.or(text.eos_token_id), EOS_ID)?,
            text: decoder::Config {
                vocab_size: text.vocab_size,
                hidden_size: text.hidden_size,
                intermediate_size: text.intermediate_size,
                num_hidden_layers: text.num_hidden_layers,
                num_attention_heads: text.num_attention_heads,
                num_key_value_heads: text.num_key_value_heads.unwrap_or(text.num_attention_heads),
                rms_norm_eps: text.rms_norm_eps,
                tie_word_embeddings: outer.tie_word_embeddings || text.tie_word_embeddings,
            },
        })
    }
}
