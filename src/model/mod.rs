//! The networks: which family a checkpoint is, how it is loaded, and one interface to all of them.

mod error;
mod info;
mod interface;
mod spec;

pub use error::{AdapterError, ModelError};
pub use info::{Family, LoadProgress, LoadedModel, ModelInfo};
pub use interface::{ModelInput, Network, Pixels, Processor, PromptStyle};
pub use spec::{Adapter, DeviceChoice, DtypeChoice, ModelSpec};

/// Loads a checkpoint and merges its adapter.
///
/// `progress` is called a few times a second at most and may return `false` to give up.
///
/// # Errors
/// A missing or truncated file, an unsupported configuration, an adapter that does not fit: each by name.
pub fn load(
    spec: &ModelSpec,
    progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LoadedModel, ModelError> {
    let _ = (spec, progress);
    todo!()
}
