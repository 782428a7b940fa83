//! Loading a model where there is room for it.

use std::panic::{self, AssertUnwindSafe};

use super::inference::panic_message;
use crate::{
    causes::with_causes,
    model::{
        DeviceChoice, DtypeChoice, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelSpec,
        remote::shown_name,
    },
};

/// Loads what was chosen; the second argument hears of the progress and says whether the model is still wanted.
pub(super) type Load<'a> = dyn Fn(&ModelSpec, &mut dyn FnMut(LoadProgress) -> bool) -> Result<LoadedModel, ModelError>
    + 'a;

/// The model, on the CPU if the GPU that was found by itself has no room for it; or what to tell the user.
pub(super) fn load(
    loader: &Load<'_>,
    spec: &ModelSpec,
    progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LoadedModel, String> {
    let loaded = load_there(loader, spec, progress);
    match loaded {
        Err(message) if spec.device == DeviceChoice::Auto && is_out_of_memory(&message) => {
            let spec = ModelSpec {
                device: DeviceChoice::Cpu,
                ..spec.clone()
            };
            load_there(loader, &spec, progress)
        }
        loaded => loaded,
    }
}

fn load_there(
    loader: &Load<'_>,
    spec: &ModelSpec,
    progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LoadedModel, String> {
    let loading = AssertUnwindSafe(|| loader(spec, progress));
    match panic::catch_unwind(loading) {
        Ok(result) => result.map_err(|error| with_causes(&error)),
        Err(fault) => Err(format!(
            "loading “{}” failed unexpectedly: {}",
            shown_name(&spec.model),
            panic_message(&*fault)
        )),
    }
}

/// The model that is loaded once more on the CPU, with its numbers in the same format; `None` if that fails.
pub(super) fn on_cpu(
    loader: &Load<'_>,
    spec: &ModelSpec,
    info: &ModelInfo,
    cancelled: &dyn Fn() -> bool,
) -> Option<LoadedModel> {
    let spec = ModelSpec {
        device: DeviceChoice::Cpu,
        dtype: DtypeChoice::named(&info.dtype).unwrap_or(DtypeChoice::F32),
        ..spec.clone()
    };
    load_there(loader, &spec, &mut |_| !cancelled()).ok()
}

/// Whether a device had not enough memory, as the drivers of GPUs put it.
pub(super) fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase().replace('_', " ");
    message.contains("out of memory") || message.contains("alloc failed")
}
