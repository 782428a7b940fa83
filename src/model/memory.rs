//! The memory that a model's weights take, against what is free.

use std::path::Path;

use candle_core::Device;

use super::{
    DeviceChoice, DtypeChoice, ModelError, ModelSpec,
    device::{self, Formats, available_bytes},
    hub, preset,
    weights::Checkpoint,
};

/// Whether weights fit into the memory that is free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryFit {
    /// What they take.
    pub needed_bytes: u64,
    /// What is free, where the system tells.
    pub free_bytes: Option<u64>,
    /// The number format they would be kept in.
    pub dtype: &'static str,
    /// Whether they fit.
    pub fits: bool,
    /// A smaller format that fits where this one does not.
    pub smaller: Option<DtypeChoice>,
}

impl MemoryFit {
    /// For so many weights on the CPU; `None` where a GPU computes, which has a memory of its own.
    pub fn new(device: DeviceChoice, dtype: DtypeChoice, parameters: u64) -> Option<Self> {
        let opened = device::open(device::of(device, dtype));
        if opened.is_ok_and(|device| !device.is_cpu()) {
            return None;
        }
        match Formats::choose(dtype, &Device::Cpu, parameters) {
            Ok(formats) => Some(Self {
                needed_bytes: formats.stored.bytes(parameters),
                free_bytes: available_bytes(),
                dtype: formats.stored.name(),
                fits: true,
                smaller: None,
            }),
            Err(ModelError::NotEnoughMemory {
                needed_bytes,
                available_bytes,
                dtype,
                fitting,
            }) => Some(Self {
                needed_bytes,
                free_bytes: Some(available_bytes),
                dtype,
                fits: false,
                smaller: fitting,
            }),
            Err(_) => None,
        }
    }
}

/// How many weights a model has: a preset's are known, a folder's headers are read. `None` if it is not here, or its
/// weights are in a file of PyTorch's, which only a child process reads.
pub fn parameters(spec: &ModelSpec) -> Option<u64> {
    if let Some(preset) = preset(&spec.model) {
        return Some(preset.needs.parameters_m * 1_000_000);
    }
    parameters_in(&hub::resolve(spec).ok()?.base.folder)
}

/// How many weights the model in a folder has, likewise.
pub fn parameters_in(folder: &Path) -> Option<u64> {
    if !hub::has_weights(folder) {
        return None;
    }
    Some(Checkpoint::open(folder).ok()?.parameters())
}

/// Memory and swap that are free, where the system tells (Linux).
pub fn free_memory_bytes() -> Option<u64> {
    available_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_too_large_is_known_before_it_is_loaded() {
        let fit = |dtype, parameters| MemoryFit::new(DeviceChoice::Cpu, dtype, parameters).unwrap();
        let small = fit(DtypeChoice::F32, 1_000);
        assert_eq!((small.needed_bytes, small.fits), (4_000, true));
        if available_bytes().is_some() {
            let huge = fit(DtypeChoice::Auto, u64::MAX / 64);
            assert!(!huge.fits && huge.smaller.is_none(), "{huge:?}");
        }
    }
}
