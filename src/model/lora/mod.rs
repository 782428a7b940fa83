//! PEFT LoRA adapters: read whole, checked, and merged into the weights as these are loaded.
//!
//! Hu et al. 2021, <https://arxiv.org/abs/2106.09685>; the reference is PEFT's `tuners/lora`. An adapter that lands by
//! halves looks like one that works, so every tensor must find its place and every target its tensors.

mod config;
mod targets;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
pub use config::LoraConfig;

use super::{
    AdapterError, ModelError, keys,
    weights::{TensorEntry, TensorFile},
};

/// An adapter in memory.
#[derive(Debug)]
pub struct Lora {
    config: LoraConfig,
    /// The file of the tensors, for messages.
    path: PathBuf,
    /// The pairs by the canonical name of their module.
    pairs: BTreeMap<String, Pair>,
    /// The beginning of paths at training time, by the part of the model (`language_model`).
    prefixes: HashMap<String, String>,
    merged: RefCell<BTreeSet<String>>,
}

/// The two factors of one module's update.
#[derive(Debug)]
struct Pair {
    /// (r, in), f32.
    a: Factor,
    /// (out, r), f32.
    b: Factor,
    /// What B·A is multiplied with.
    scale: f64,
}

#[derive(Debug)]
struct Factor {
    /// The name in the file.
    name: String,
    tensor: Tensor,
}

/// Which factor a tensor is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    A,
    B,
}

impl Half {
    fn suffix(self) -> &'static str {
        match self {
            Self::A => ".lora_A.weight",
            Self::B => ".lora_B.weight",
        }
    }
}

impl Lora {
    /// Reads an adapter's folder.
    ///
    /// # Errors
    /// A missing or damaged file, an option that is not supported, half a pair, values that are not finite.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let config = LoraConfig::load(folder)?;
        let path = folder.join("adapter_model.safetensors");
        if !path.exists() {
            let folder = folder.to_owned();
            return Err(AdapterError::NoWeights { folder }.into());
        }
        let file = TensorFile::open(&path)?;
        let mut lora = Self {
            config,
            path,
            pairs: BTreeMap::new(),
            prefixes: HashMap::new(),
            merged: RefCell::default(),
        };
        let mut halves: BTreeMap<(String, Half), &TensorEntry> = BTreeMap::new();
        for entry in file.entries() {
            let (module, half) = lora.place(&entry.name)?;
            if let Some(first) = halves.insert((module, half), entry) {
                return Err(AdapterError::Duplicate {
                    path: lora.path.clone(),
                    first: first.name.clone(),
                    second: entry.name.clone(),
                }
                .into());
            }
        }
        for ((module, half), entry) in &halves {
            let other = if *half == Half::A { Half::B } else { Half::A };
            match (half, halves.get(&(module.clone(), other))) {
                (_, None) => return Err(lora.missing_half(entry, *half, other).into()),
                (Half::A, Some(b)) => {
                    let pair = lora.read_pair(&file, entry, b)?;
                    lora.pairs.insert(module.clone(), pair);
                }
                (Half::B, Some(_)) => {}
            }
        }
        Ok(lora)
    }

    /// What B·A, scaled, adds to the weight `(out, in)` of a module; `None` if the adapter leaves it alone.
    ///
    /// # Errors
    /// A shape that does not fit, or no tensors although the module is one of the targets.
    pub fn update(
        &self,
        module: &str,
        out: usize,
        input: usize,
    ) -> Result<Option<Tensor>, ModelError> {
        let Some(pair) = self.pairs.get(module) else {
            if self.config.targets.must_have(&self.training_path(module)) {
                return Err(AdapterError::MissingModule {
                    module: module.to_owned(),
                    path: self.path.clone(),
                }
                .into());
            }
            return Ok(None);
        };
        let rank = pair.a.tensor.dims().first().copied().unwrap_or(0);
        self.check_shape(&pair.a, &[rank, input], format!("(r, {input})"))?;
        self.check_shape(&pair.b, &[out, rank], format!("({out}, {rank})"))?;
        self.merged.borrow_mut().insert(module.to_owned());
        let update = pair.b.tensor.matmul(&pair.a.tensor)?; // (out, in)
        Ok(Some((update * pair.scale)?))
    }

    /// To be called after the last weight was taken: has every pair found its module?
    pub fn check_all_merged(&self) -> Result<(), AdapterError> {
        let merged = self.merged.borrow();
        let mut leftover = self
            .pairs
            .iter()
            .filter(|(module, _)| !merged.contains(*module));
        match leftover.next() {
            None => Ok(()),
            Some((_, pair)) => Err(AdapterError::Leftover {
                tensor: pair.a.name.clone(),
                path: self.path.clone(),
                leftover: 2 * (1 + leftover.count()),
            }),
        }
    }

    /// The module and the half that a tensor's name speaks of.
    fn place(&mut self, name: &str) -> Result<(String, Half), AdapterError> {
        let unsupported = |reason| AdapterError::UnsupportedTensor {
            tensor: name.to_owned(),
            path: self.path.clone(),
            reason,
        };
        let half = [Half::A, Half::B]
            .into_iter()
            .find(|half| name.ends_with(half.suffix()));
        let Some((half, raw)) = half.and_then(|h| Some((h, name.strip_suffix(h.suffix())?))) else {
            return Err(unsupported(if name.contains("lora_magnitude_vector") {
                "it belongs to DoRA"
            } else if name.contains("lora_embedding") {
                "adapters of embeddings are not merged"
            } else if name.contains(".bias") {
                "trained biases are not merged"
            } else {
                "it is neither lora_A nor lora_B of a linear layer"
            }));
        };
        let module = keys::canonical(raw);
        if !self.config.targets.may_have(&module) {
            return Err(AdapterError::NotATarget {
                tensor: name.to_owned(),
                path: self.path.clone(),
            });
        }
        let raw = raw.strip_prefix("base_model.model.").unwrap_or(raw);
        if let Some((part, rest)) = module.split_once('.')
            && let Some(prefix) = raw.strip_suffix(rest)
        {
            self.prefixes.insert(part.to_owned(), prefix.to_owned());
        }
        Ok((module, half))
    }

    /// A module's path when the adapter was trained, as far as the adapter's own names tell.
    fn training_path(&self, module: &str) -> String {
        module
            .split_once('.')
            .and_then(|(part, rest)| Some(format!("{}{rest}", self.prefixes.get(part)?)))
            .unwrap_or_else(|| module.to_owned())
    }

    fn read_pair(
        &self,
        file: &TensorFile,
        a: &TensorEntry,
        b: &TensorEntry,
    ) -> Result<Pair, ModelError> {
        let raw = a.name.strip_suffix(Half::A.suffix()).unwrap_or(&a.name);
        let raw = raw.strip_prefix("base_model.model.").unwrap_or(raw);
        let rank = a.shape.first().copied().unwrap_or(0);
        Ok(Pair {
            a: self.read_factor(file, a)?,
            b: self.read_factor(file, b)?,
            scale: self.config.scale(raw, rank),
        })
    }

    fn read_factor(&self, file: &TensorFile, entry: &TensorEntry) -> Result<Factor, ModelError> {
        let values = file.read::<f32>(entry)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(AdapterError::NotFinite {
                tensor: entry.name.clone(),
                path: self.path.clone(),
            }
            .into());
        }
        Ok(Factor {
            name: entry.name.clone(),
            tensor: Tensor::from_vec(values, entry.shape.as_slice(), &Device::Cpu)?,
        })
    }

    fn check_shape(
        &self,
        factor: &Factor,
        fits: &[usize],
        expected: String,
    ) -> Result<(), AdapterError> {
        if factor.tensor.dims() == fits && !fits.contains(&0) {
            return Ok(());
        }
        Err(AdapterError::Shape {
            tensor: factor.name.clone(),
            path: self.path.clone(),
            got: factor.tensor.dims().to_vec(),
            expected,
        })
    }

    fn missing_half(&self, present: &TensorEntry, half: Half, other: Half) -> AdapterError {
        let module = present
            .name
            .strip_suffix(half.suffix())
            .unwrap_or(&present.name);
        AdapterError::MissingHalf {
            path: self.path.clone(),
            present: present.name.clone(),
            absent: format!("{module}{}", other.suffix()),
        }
    }
}
