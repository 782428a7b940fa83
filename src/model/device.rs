//! Where a network computes, and in which number format.

use candle_core::{DType, Device};

use super::{DeviceChoice, DtypeChoice, ModelError};

/// Opens the device that was chosen.
///
/// # Errors
/// A device that this build has no support for, or that does not work. `Auto` falls back to the CPU instead.
pub fn open(choice: DeviceChoice) -> Result<Device, ModelError> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda => cuda(),
        DeviceChoice::Metal => metal(),
        DeviceChoice::Auto => Ok(cuda().or_else(|_| metal()).unwrap_or(Device::Cpu)),
    }
}

fn cuda() -> Result<Device, ModelError> {
    if !cfg!(feature = "cuda") {
        return Err(ModelError::Device(
            "this build has no CUDA support; build it with `--features cuda`, or use --device cpu"
                .to_owned(),
        ));
    }
    Device::new_cuda(0).map_err(|error| {
        ModelError::Device(format!(
            "the NVIDIA GPU cannot be used ({error}); use --device cpu"
        ))
    })
}

fn metal() -> Result<Device, ModelError> {
    if !cfg!(feature = "metal") {
        return Err(ModelError::Device(
            "this build has no Metal support; build it with `--features metal`, or use --device cpu".to_owned(),
        ));
    }
    Device::new_metal(0).map_err(|error| {
        ModelError::Device(format!(
            "the Apple GPU cannot be used ({error}); use --device cpu"
        ))
    })
}

/// How a device is called in records: `cpu`, `cuda:0`, `metal:0`.
pub fn name(device: &Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(_) => "cuda:0".to_owned(),
        Device::Metal(_) => "metal:0".to_owned(),
    }
}

/// The number formats of a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Formats {
    /// Of the weights in memory.
    pub stored: DType,
    /// Of everything that is computed. The CPU widens 16-bit weights to f32 as it uses them: it has no fast
    /// arithmetic in them, and rounds less this way.
    pub compute: DType,
}

impl Formats {
    /// The formats for a choice on a device.
    pub fn choose(choice: DtypeChoice, device: &Device) -> Result<Self, ModelError> {
        let stored = match choice {
            DtypeChoice::Auto if device.is_cpu() => DType::F32,
            DtypeChoice::Auto | DtypeChoice::Bf16 => DType::BF16,
            DtypeChoice::F32 => DType::F32,
            DtypeChoice::F16 => DType::F16,
            DtypeChoice::Q8_0 => return Err(ModelError::UnsupportedDtype { dtype: "q8_0" }),
        };
        let compute = if device.is_cpu() { DType::F32 } else { stored };
        Ok(Self { stored, compute })
    }
}

/// Refuses to load what the memory cannot hold: the system would end the process without a word.
pub fn check_memory(parameters: u64, formats: Formats, device: &Device) -> Result<(), ModelError> {
    let needed_bytes = parameters * formats.stored.size_in_bytes() as u64;
    match available_bytes() {
        Some(available_bytes) if device.is_cpu() && needed_bytes > available_bytes => {
            Err(ModelError::NotEnoughMemory {
                needed_bytes,
                available_bytes,
                can_halve: formats.stored == DType::F32,
            })
        }
        _ => Ok(()),
    }
}

/// Memory and swap that are free, where the system tells (Linux).
fn available_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = meminfo.lines().find(|line| line.starts_with(key))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Some((kib("MemAvailable:")? + kib("SwapFree:").unwrap_or(0)) * 1024)
}
