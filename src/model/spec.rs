//! What the user chose to run.

use std::path::Path;

use super::PixelRange;

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DeviceChoice {
    /// The GPU if there is one that works, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU (`--features cuda`).
    Cuda,
    /// An Apple GPU (`--features metal`).
    Metal,
}

/// In which number format the weights are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DtypeChoice {
    /// f32 on the CPU, or bf16 where f32 does not fit into its memory; bf16 on a GPU.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit floats.
    F16,
    /// Blocks of 8-bit whole numbers with a scale each, made at load. CPU only.
    Q8_0,
}

impl DtypeChoice {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Auto, Self::F32, Self::Bf16, Self::F16, Self::Q8_0];
        all.into_iter().find(|choice| choice.name() == name)
    }

    /// The name on the command line and in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
        }
    }
}

/// How the families that see an image in tiles cut it up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ImageSplitting {
    /// As the checkpoint's own settings say.
    #[default]
    Auto,
    /// Not at all: one tile for the whole image, which is many times faster and loses small print.
    Off,
}

/// What takes the place of the checkpoint's own image settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ImageOptions<'a> {
    /// How many pixels an image may have, where images are of any size.
    pub pixels: Option<PixelRange>,
    /// The folder of the adapter, where the settings that it was trained with may lie.
    pub adapter: Option<&'a Path>,
    /// How images are cut up, where they are seen in tiles.
    pub splitting: ImageSplitting,
}

/// Which adapter is merged into the weights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Adapter {
    /// The one that belongs to the model: a preset's, or the adapter folder that was named as the model.
    /// A plain checkpoint has none.
    #[default]
    Default,
    /// None: the base answers.
    None,
    /// This one: a folder or a Hub id.
    Named(String),
}

/// What the user chose to run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelSpec {
    /// A folder (of a checkpoint or of an adapter), a Hub id (`org/name` or `org/name@revision`) or a preset's name.
    pub model: String,
    /// Which adapter is merged.
    pub adapter: Adapter,
    /// Where to compute.
    pub device: DeviceChoice,
    /// The number format of the weights.
    pub dtype: DtypeChoice,
    /// How images are cut up, where they are seen in tiles.
    pub image_splitting: ImageSplitting,
}
