//! Loading a model where there is room for it.

use std::panic::{self, AssertUnwindSafe};

use crate::{
    causes::{panic_message, with_causes},
    model::{
        DeviceChoice, DtypeChoice, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelSpec,
        remote::shown_name,
    },
};

/// Loads what was chosen; the second argument hears of the progress and says whether the model is still wanted.
pub(crate) type Load<'a> = dyn Fn(&ModelSpec, &mut dyn FnMut(LoadProgress) -> bool) -> Result<LoadedModel, ModelError>
    + 'a;

/// The model, on the CPU if the GPU that was found by itself has no room for it; or what to tell the user.
pub(crate) fn load(
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
pub(crate) fn on_cpu(
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
pub(crate) fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase().replace('_', " ");
    let says = |text| message.contains(text);
    let cuda = says("out of memory") || says("alloc failed");
    let metal = says("outofmemory")
        || says("insufficient memory")
        || says("failed to create metal resource");
    cuda || metal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_without_memory_is_understood() {
        for (message, expected) in [
            (
                "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
                true,
            ),
            ("CublasError(CUBLAS_STATUS_ALLOC_FAILED)", true),
            ("Metal error Failed to create metal resource: Buffer", true),
            (
                "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
                true,
            ),
            ("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)", false),
        ] {
            assert_eq!(is_out_of_memory(message), expected, "{message}");
        }
    }
}
