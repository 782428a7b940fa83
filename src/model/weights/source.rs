//! Hands out a network's weights: looked up by canonical name, checked, merged with the adapter, put on the device.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};

use super::{
    Checkpoint,
    file::{TensorEntry, TensorFile},
};
use crate::model::{LoadProgress, ModelError, device::WeightFormat, keys, lora::Lora};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Where all weights of one network come from, and what became of them.
pub struct WeightSource<'a> {
    checkpoint: &'a Checkpoint,
    lora: Option<&'a Lora>,
    device: Device,
    format: WeightFormat,
    taken: RefCell<BTreeSet<String>>,
    progress: RefCell<Progress<'a>>,
}

struct Progress<'a> {
    tell: &'a mut dyn FnMut(LoadProgress) -> bool,
    last_told: Option<Instant>,
    read_bytes: u64,
    total_bytes: u64,
}

impl<'a> WeightSource<'a> {
    /// Weights of a checkpoint with an adapter merged, kept on `device` in `format`.
    pub fn new(
        checkpoint: &'a Checkpoint,
        lora: Option<&'a Lora>,
        device: &Device,
        format: WeightFormat,
        progress: &'a mut dyn FnMut(LoadProgress) -> bool,
    ) -> Self {
        Self {
            checkpoint,
            lora,
            device: device.clone(),
            format,
            taken: RefCell::default(),
            progress: RefCell::new(Progress {
                tell: progress,
                last_told: None,
                read_bytes: 0,
                total_bytes: checkpoint.bytes().max(1),
            }),
        }
    }

    /// The weights from the root of the names.
    pub fn root(&self) -> Weights<'_, 'a> {
        Weights {
            source: self,
            prefix: String::new(),
        }
    }

    /// To be called when the network has taken all it needs.
    ///
    /// # Errors
    /// An adapter's tensor that was not merged, or a layer of the checkpoint that the network does not have. Other
    /// tensors that nobody asked for are harmless (buffers, a pooling head).
    pub fn finish(&self) -> Result<(), ModelError> {
        if let Some(lora) = self.lora {
            lora.check_all_merged()?;
        }
        let taken = self.taken.borrow();
        let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
        for (stack, number) in taken.iter().filter_map(|name| keys::layer_of(name)) {
            let count = layers.entry(stack).or_default();
            *count = (*count).max(number + 1);
        }
        for name in self.checkpoint.names() {
            let Some((stack, number)) = keys::layer_of(name) else {
                continue;
            };
            let beyond = layers.get(stack).is_some_and(|count| number >= *count);
            if let (true, Some((file, entry))) = (beyond, self.checkpoint.find(name)) {
                return Err(ModelError::UnexpectedLayer {
                    name: entry.name.clone(),
                    path: file.path().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The tensor of a canonical name, with its shape checked.
    fn find(&self, name: &str, shape: &[usize]) -> Result<(&TensorFile, &TensorEntry), ModelError> {
        let (file, entry) =
            self.checkpoint
                .find(name)
                .ok_or_else(|| ModelError::MissingTensor {
                    name: name.to_owned(),
                    folder: self.checkpoint.folder().to_owned(),
                })?;
        if entry.shape != shape {
            return Err(ModelError::TensorShape {
                name: entry.name.clone(),
                path: file.path().to_owned(),
                expected: shape.to_vec(),
                got: entry.shape.clone(),
            });
        }
        self.taken.borrow_mut().insert(name.to_owned());
        Ok((file, entry))
    }

    fn advance(&self, bytes: u64) -> Result<(), ModelError> {
        let mut progress = self.progress.borrow_mut();
        progress.read_bytes += bytes;
        if progress
            .last_told
            .is_some_and(|last| last.elapsed() < PROGRESS_INTERVAL)
        {
            return Ok(());
        }
        progress.last_told = Some(Instant::now());
        let fraction = progress.read_bytes as f64 / progress.total_bytes as f64;
        let told = LoadProgress {
            step: "reading weights".to_owned(),
            fraction: fraction.min(1.0) as f32,
        };
        if (progress.tell)(told) {
            Ok(())
        } else {
            Err(ModelError::Cancelled)
        }
    }
}

/// The weights below a prefix.
#[derive(Clone)]
pub struct Weights<'s, 'a> {
    source: &'s WeightSource<'a>,
    prefix: String,
}

impl Weights<'_, '_> {
    /// The weights of a part: its name is appended to the prefix, with a dot.
    #[must_use]
    pub fn pp(&self, part: impl std::fmt::Display) -> Self {
        Self {
            source: self.source,
            prefix: self.join(part),
        }
    }

    /// The device that weights are put on.
    pub fn device(&self) -> &Device {
        &self.source.device
    }

    /// Whether the checkpoint has a tensor.
    pub fn contains(&self, name: &str) -> bool {
        self.source.checkpoint.find(&self.join(name)).is_some()
    }

    /// Whether matrices are to be rounded to Q8_0. They come in f32 then.
    pub fn quantized(&self) -> bool {
        self.source.format == WeightFormat::Q8_0
    }

    /// A tensor in the format of the weights.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let (file, entry) = self.source.find(&self.join(name), shape)?;
        let cpu = Device::Cpu;
        let tensor = match self.source.format.read_as() {
            DType::F16 => Tensor::from_vec(file.read::<f16>(entry)?, shape, &cpu)?,
            DType::BF16 => Tensor::from_vec(file.read::<bf16>(entry)?, shape, &cpu)?,
            _ => Tensor::from_vec(file.read::<f32>(entry)?, shape, &cpu)?,
        };
        self.source.advance(entry.bytes())?;
        Ok(tensor.to_device(&self.source.device)?)
    }

    /// A tensor in f32, whatever the format of the weights.
    pub fn tensor_f32(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        Ok(self
            .tensor_f32_on_cpu(name, shape)?
            .to_device(&self.source.device)?)
    }

    /// The matrix `weight` of a linear layer, `(out, in)`, with the adapter's update merged in f32 and rounded once.
    pub fn linear(&self, out: usize, input: usize) -> Result<Tensor, ModelError> {
        let update = match self.source.lora {
            Some(lora) => lora.update(&self.prefix, out, input)?,
            None => None,
        };
        let Some(update) = update else {
            return self.tensor("weight", &[out, input]);
        };
        let weight = self.tensor_f32_on_cpu("weight", &[out, input])?;
        let merged = (weight + update)?.to_dtype(self.source.format.read_as())?;
        Ok(merged.to_device(&self.source.device)?)
    }

    fn tensor_f32_on_cpu(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let (file, entry) = self.source.find(&self.join(name), shape)?;
        let tensor = Tensor::from_vec(file.read::<f32>(entry)?, shape, &Device::Cpu)?;
        self.source.advance(entry.bytes())?;
        Ok(tensor)
    }

    fn join(&self, part: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() {
            part.to_string()
        } else {
            format!("{}.{part}", self.prefix)
        }
    }
}
