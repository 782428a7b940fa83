//! The networks: which family a checkpoint is, how it is loaded, and one interface to all of them.

pub mod bias_classifier;
mod decoder;
mod device;
mod error;
mod families;
pub(crate) mod files;
mod gemma2;
mod generation;
mod hub;
mod image_tokens;
mod info;
mod interface;
mod inventory;
mod keys;
mod labels;
mod layers;
mod load;
mod lora;
mod matmul;
pub mod paligemma2;
mod presets;
pub mod qwen2_vl;
mod siglip;
mod spec;
mod weights;

pub use error::{AdapterError, MissingEncoder, ModelError};
pub use info::{Family, LoadProgress, LoadedModel, ModelInfo};
pub use interface::{Classifier, Engine, ModelInput, Network, Pixels, Processor, PromptStyle};
pub use inventory::{Found, Inventory, Kind, OwnedPreset};
pub use labels::LabelNote;
pub use load::load;
pub use presets::{Needs, PRESETS, PixelRange, Place, Preset, preset};
pub use spec::{Adapter, DeviceChoice, DtypeChoice, ImageOptions, ImageSplitting, ModelSpec};
pub use weights::pth;
