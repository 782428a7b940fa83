//! Where a network computes, and in which number format.

use std::panic;

use candle_core::{DType, Device, Tensor};

use super::{DeviceChoice, DtypeChoice, ModelError};

/// Where to compute in a format: what only the CPU can do goes there, unless another device is asked for by name.
pub fn of(choice: DeviceChoice, dtype: DtypeChoice) -> DeviceChoice {
    match (choice, dtype) {
        (DeviceChoice::Auto, DtypeChoice::Q8_0) => DeviceChoice::Cpu,
        (choice, _) => choice,
    }
}

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
    tried("NVIDIA", || Device::new_cuda(0))
}

fn metal() -> Result<Device, ModelError> {
    if !cfg!(feature = "metal") {
        return Err(ModelError::Device(
            "this build has no Metal support; build it with `--features metal`, or use --device cpu".to_owned(),
        ));
    }
    tried("Apple", || Device::new_metal(0))
}

/// A GPU that was seen to compute. (Where there is none, Metal's panics.)
fn tried(
    maker: &str,
    open: impl FnOnce() -> candle_core::Result<Device> + panic::UnwindSafe,
) -> Result<Device, ModelError> {
    let trying = panic::catch_unwind(|| {
        let device = open()?;
        computes_in(DType::F32, &device)?;
        Ok::<_, candle_core::Error>(device)
    });
    let reason = match trying {
        Ok(Ok(device)) => return Ok(device),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "there is none".to_owned(),
    };
    Err(ModelError::Device(format!(
        "the {maker} GPU cannot be used ({reason}); use --device cpu"
    )))
}

/// Whether a device computes in a format. Its kernels are built for one kind of GPU and loaded when they are first used, so that an
/// older one opens and then fails at everything; those before NVIDIA's Ampere have none for bf16.
fn computes_in(dtype: DType, device: &Device) -> candle_core::Result<()> {
    let ones = Tensor::ones((8, 8), dtype, device)?;
    let twice = ones.matmul(&ones)?.affine(2.0, 1.0)?;
    let sum = twice.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?;
    if sum == 64.0 * 17.0 {
        Ok(())
    } else {
        candle_core::bail!("it computes wrongly in {}: {sum}", dtype.as_str())
    }
}

/// How a device is called in records: `cpu`, `cuda:0`, `metal:0`.
pub fn name(device: &Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(_) => "cuda:0".to_owned(),
        Device::Metal(_) => "metal:0".to_owned(),
    }
}

/// How weights are kept in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WeightFormat {
    /// As floats.
    Float(DType),
    /// Matrices in blocks of 32 whole numbers of 8 bits with a scale each, and everything else in f32.
    Q8_0,
}

impl WeightFormat {
    /// Its name in records: `f32`, `bf16`, `f16`, `q8_0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float(dtype) => dtype.as_str(),
            Self::Q8_0 => "q8_0",
        }
    }

    /// The format that weights are read in, and that all are kept in which are no matrices.
    pub fn read_as(self) -> DType {
        match self {
            Self::Float(dtype) => dtype,
            Self::Q8_0 => DType::F32,
        }
    }

    /// What so many weights take.
    pub fn bytes(self, parameters: u64) -> u64 {
        match self {
            Self::Float(dtype) => parameters * dtype.size_in_bytes() as u64,
            Self::Q8_0 => parameters / 32 * 34,
        }
    }
}

/// The number formats of a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Formats {
    /// Of the weights in memory.
    pub stored: WeightFormat,
    /// Of everything that is computed. The CPU widens 16-bit weights to f32 as it uses them: it has no fast
    /// arithmetic in them, and rounds less this way.
    pub compute: DType,
}

impl Formats {
    /// The formats for a choice on a device, for a network of so many weights.
    ///
    /// `Auto` is bf16 on a GPU that has it, else f32. On the CPU it is f32, which is what the reference computes in; bf16 if f32 does not fit
    /// into the memory that is free.
    ///
    /// # Errors
    /// More weights than the memory that is free can hold: the system would end the process without a word. Q8_0
    /// elsewhere than on the CPU.
    pub fn choose(
        choice: DtypeChoice,
        device: &Device,
        parameters: u64,
    ) -> Result<Self, ModelError> {
        Self::choose_within(choice, device, parameters, available_bytes())
    }

    fn choose_within(
        choice: DtypeChoice,
        device: &Device,
        parameters: u64,
        available_bytes: Option<u64>,
    ) -> Result<Self, ModelError> {
        let cpu = device.is_cpu();
        let fits = |format: WeightFormat| {
            !cpu || available_bytes.is_none_or(|available| format.bytes(parameters) <= available)
        };
        let (f32, bf16) = (
            WeightFormat::Float(DType::F32),
            WeightFormat::Float(DType::BF16),
        );
        let stored = match choice {
            DtypeChoice::Auto if cpu && fits(f32) => f32,
            DtypeChoice::Auto if !cpu && computes_in(DType::BF16, device).is_err() => f32,
            DtypeChoice::Auto | DtypeChoice::Bf16 => bf16,
            DtypeChoice::F32 => f32,
            DtypeChoice::F16 => WeightFormat::Float(DType::F16),
            DtypeChoice::Q8_0 if cpu => WeightFormat::Q8_0,
            DtypeChoice::Q8_0 => return Err(ModelError::UnsupportedDtype { dtype: "q8_0" }),
        };
        if !fits(stored) {
            let smaller = [
                (DtypeChoice::Bf16, bf16),
                (DtypeChoice::Q8_0, WeightFormat::Q8_0),
            ];
            return Err(ModelError::NotEnoughMemory {
                needed_bytes: stored.bytes(parameters),
                available_bytes: available_bytes.unwrap_or(0),
                dtype: stored.name(),
                fitting: smaller
                    .into_iter()
                    .find(|(_, format)| fits(*format))
                    .map(|(choice, _)| choice),
            });
        }
        let compute = if cpu { DType::F32 } else { stored.read_as() };
        Ok(Self { stored, compute })
    }
}

/// Memory and swap that are free, where the system tells (Linux).
pub fn available_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = meminfo.lines().find(|line| line.starts_with(key))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Some((kib("MemAvailable:")? + kib("SwapFree:").unwrap_or(0)) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three billion weights.
    const PARAMETERS: u64 = 3_000_000_000;

    fn chosen(
        choice: DtypeChoice,
        available_gb: u64,
    ) -> Result<&'static str, Option<&'static str>> {
        let available = Some(available_gb * 1_000_000_000);
        match Formats::choose_within(choice, &Device::Cpu, PARAMETERS, available) {
            Ok(formats) => Ok(formats.stored.name()),
            Err(ModelError::NotEnoughMemory { fitting, .. }) => Err(fitting.map(DtypeChoice::name)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn auto_is_f32_where_it_fits_and_bf16_where_it_does_not() {
        assert_eq!(chosen(DtypeChoice::Auto, 16), Ok("f32"));
        assert_eq!(chosen(DtypeChoice::Auto, 8), Ok("bf16"));
        let unknown = Formats::choose_within(DtypeChoice::Auto, &Device::Cpu, PARAMETERS, None);
        assert_eq!(unknown.unwrap().stored.name(), "f32");
    }

    #[test]
    fn a_gpu_that_does_not_work_is_refused_with_the_reason() {
        for dtype in [DType::F32, DType::BF16] {
            computes_in(dtype, &Device::Cpu).unwrap();
        }
        assert!(tried("NVIDIA", || Ok(Device::Cpu)).is_ok());
        let refused = |open: fn() -> candle_core::Result<Device>| {
            let error = tried("NVIDIA", open).unwrap_err().to_string();
            error.contains("--device cpu").then_some(error).unwrap()
        };
        assert!(refused(|| candle_core::bail!("no such kernel")).contains("no such kernel"));
        assert!(refused(|| panic!("no such device")).contains("there is none"));
    }

    #[test]
    fn what_only_the_cpu_can_do_goes_there() {
        let of_q8_0 = |device| of(device, DtypeChoice::Q8_0);
        assert_eq!(of_q8_0(DeviceChoice::Auto), DeviceChoice::Cpu);
        assert_eq!(of_q8_0(DeviceChoice::Cuda), DeviceChoice::Cuda);
        assert_eq!(
            of(DeviceChoice::Auto, DtypeChoice::Bf16),
            DeviceChoice::Auto
        );
    }

    #[test]
    fn a_format_that_does_not_fit_is_refused_with_one_that_does() {
        assert_eq!(chosen(DtypeChoice::F32, 8), Err(Some("bf16")));
        assert_eq!(chosen(DtypeChoice::Auto, 4), Err(Some("q8_0")));
        assert_eq!(chosen(DtypeChoice::F16, 4), Err(Some("q8_0")));
        assert_eq!(chosen(DtypeChoice::Q8_0, 4), Ok("q8_0"));
        assert_eq!(chosen(DtypeChoice::Q8_0, 2), Err(None));
    }
}
