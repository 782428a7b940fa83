//! One file of tensors.
//!
//! Tensors are read by position, piece by piece, and converted on the way. The file is not mapped into memory: a
//! mapped file that is cut off while it is in use ends the process, a read that comes up short is an error; and the
//! bytes of a mapped file count as this process's memory although they are needed only once.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::{Dtype, tensor::Metadata};
use serde::{Deserialize, Serialize};

use super::pth;
use crate::model::ModelError;

/// The longest header that is read. The format's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// How many values a thread converts at a time: 4 MiB of f32.
const PIECE: usize = 1 << 20;

/// A tensor in a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TensorEntry {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How its values are stored.
    pub(super) dtype: Dtype,
    /// Where its first value lies in the file.
    pub(super) offset: u64,
}

impl TensorEntry {
    /// How many values it has.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many bytes it takes on disk.
    pub fn bytes(&self) -> u64 {
        (self.elements() * self.dtype.bitsize() / 8) as u64
    }

    /// Whether all of it lies within a file of this length, and its size is a number at all.
    pub(super) fn lies_within(&self, file_bytes: u64) -> bool {
        let sides = self.shape.iter().map(|side| *side as u64);
        let bits = sides
            .chain([self.dtype.bitsize() as u64])
            .try_fold(1, u64::checked_mul);
        bits.and_then(|bits| self.offset.checked_add(bits / 8))
            .is_some_and(|end| end <= file_bytes)
    }
}

/// A file whose list of tensors was read and checked against the file's length.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: File,
    entries: Vec<TensorEntry>,
}

/// A float that weights are kept as.
pub trait WeightFloat: candle_core::WithDType + Send + Sync {
    /// Zero.
    const NOTHING: Self;
    /// Rounds to nearest, ties to even.
    fn from_single(value: f32) -> Self;
}

impl WeightFloat for f32 {
    const NOTHING: Self = 0.0;
    fn from_single(value: f32) -> Self {
        value
    }
}

impl WeightFloat for f16 {
    const NOTHING: Self = f16::ZERO;
    fn from_single(value: f32) -> Self {
        f16::from_f32(value)
    }
}

impl WeightFloat for bf16 {
    const NOTHING: Self = bf16::ZERO;
    fn from_single(value: f32) -> Self {
        bf16::from_f32(value)
    }
}

impl TensorFile {
    /// Opens a safetensors file and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, is empty or cut off, or whose header contradicts itself.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let io_error = |source| ModelError::Io {
            path: path.to_owned(),
            source,
        };
        let damaged = |reason: String| ModelError::DamagedWeights {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        if length < 8 {
            return Err(damaged(format!("it has {length} bytes")));
        }
        let mut prefix = [0; 8];
        read_exact_at(&file, &mut prefix, 0).map_err(io_error)?;
        let header_bytes = u64::from_le_bytes(prefix);
        if header_bytes > MAX_HEADER_BYTES || header_bytes > length - 8 {
            return Err(damaged(format!(
                "its header claims {header_bytes} bytes of a file of {length}"
            )));
        }
        let mut header = vec![0; header_bytes as usize];
        read_exact_at(&file, &mut header, 8).map_err(io_error)?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| damaged(format!("its header is no safetensors header: {error}")))?;
        let data_start = 8 + header_bytes;
        let expected = data_start + metadata.data_len() as u64;
        if expected != length {
            return Err(damaged(format!(
                "its header promises {expected} bytes, and it has {length}"
            )));
        }
        let mut entries: Vec<TensorEntry> = metadata
            .tensors()
            .into_iter()
            .map(|(name, info)| TensorEntry {
                name,
                shape: info.shape.clone(),
                dtype: info.dtype,
                offset: data_start + info.data_offsets.0 as u64,
            })
            .collect();
        entries.sort_by_key(|entry| entry.offset);
        Ok(Self {
            path: path.to_owned(),
            file,
            entries,
        })
    }

    /// Opens a file of PyTorch's and finds its tensors. No code in it is run.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or holds more than tensors.
    pub fn open_pth(path: &Path) -> Result<Self, ModelError> {
        let mut entries = pth::entries(path)?;
        entries.sort_by_key(|entry| entry.offset);
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path).map_err(|source| ModelError::Io {
                path: path.to_owned(),
                source,
            })?,
            entries,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its tensors, in the order of the file.
    pub fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// Reads a tensor, row-major, in the number format asked for. The conversion rounds once.
    ///
    /// # Errors
    /// A read that fails or comes up short, and a tensor that is not stored as F32, F16 or BF16.
    pub fn read<T: WeightFloat>(&self, entry: &TensorEntry) -> Result<Vec<T>, ModelError> {
        let (width, convert) = match entry.dtype {
            Dtype::F32 => (4, from_f32::<T> as Convert<T>),
            Dtype::F16 => (2, from_f16::<T> as Convert<T>),
            Dtype::BF16 => (2, from_bf16::<T> as Convert<T>),
            other => {
                return Err(ModelError::TensorDtype {
                    name: entry.name.clone(),
                    path: self.path.clone(),
                    dtype: format!("{other:?}"),
                });
            }
        };
        let mut values = vec![T::NOTHING; entry.elements()];
        values
            .par_chunks_mut(PIECE)
            .enumerate()
            .try_for_each_init(Vec::new, |buffer, (piece, values)| {
                buffer.resize(values.len() * width, 0);
                let offset = entry.offset + (piece * PIECE * width) as u64;
                read_exact_at(&self.file, buffer, offset)?;
                convert(buffer, values);
                Ok(())
            })
            .map_err(|source: io::Error| match source.kind() {
                io::ErrorKind::UnexpectedEof => ModelError::DamagedWeights {
                    path: self.path.clone(),
                    reason: format!("it ends within the tensor {}", entry.name),
                },
                _ => ModelError::Io {
                    path: self.path.clone(),
                    source,
                },
            })?;
        Ok(values)
    }
}

/// Reads values as a file stores them.
type Convert<T> = fn(&[u8], &mut [T]);

fn from_f32<T: WeightFloat>(bytes: &[u8], values: &mut [T]) {
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *value = T::from_single(f32::from_le_bytes(*bytes));
    }
}

fn from_f16<T: WeightFloat>(bytes: &[u8], values: &mut [T]) {
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *value = T::from_single(f16::from_le_bytes(*bytes).to_f32());
    }
}

fn from_bf16<T: WeightFloat>(bytes: &[u8], values: &mut [T]) {
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *value = T::from_single(bf16::from_le_bytes(*bytes).to_f32());
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = buffer.split_at_mut(read).1;
        offset += read as u64;
    }
    Ok(())
}
