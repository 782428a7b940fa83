//! The archive around a pickle: which numbers lie where.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{PthError, pickle, values::StoredTensor};
use crate::model::weights::file::TensorEntry;

/// The longest index that is read. A model of a thousand tensors has 300 kB.
const MAX_INDEX_BYTES: u64 = 64 << 20;

type Archive = ZipArchive<BufReader<File>>;

/// The tensors of a file.
pub fn entries(path: &Path) -> Result<Vec<TensorEntry>, PthError> {
    let mut file = File::open(path).map_err(|error| PthError::Io(error.to_string()))?;
    let mut start = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut start)
        .and_then(|_| file.rewind())
        .map_err(|error| PthError::Io(error.to_string()))?;
    match start.as_slice() {
        [b'P', b'K', ..] => {}
        // How a pickle of protocol 2 to 5 begins.
        [0x80, 2..=5, ..] => return Err(PthError::BeforeZip),
        _ => return Err(PthError::NotPyTorch),
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let index = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .map(String::from)
        .ok_or(PthError::NotPyTorch)?;
    let folder = index
        .strip_suffix("data.pkl")
        .unwrap_or_default()
        .to_owned();
    if read(&mut archive, &format!("{folder}byteorder"))?.is_some_and(|order| order == b"big") {
        return Err(PthError::BigEndian);
    }
    let index = read(&mut archive, &index)?.ok_or(PthError::NotPyTorch)?;
    pickle::tensors(&index)?
        .into_iter()
        .map(|tensor| place(&mut archive, &folder, tensor))
        .collect()
}

/// What an entry of the archive holds, if there is one.
fn read(archive: &mut Archive, name: &str) -> Result<Option<Vec<u8>>, PthError> {
    let mut bytes = Vec::new();
    match archive.by_name(name) {
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(refused(name, error)),
        Ok(entry) if entry.compression() != CompressionMethod::Stored => {
            return Err(PthError::Compressed(name.to_owned()));
        }
        Ok(entry) if entry.size() > MAX_INDEX_BYTES => {
            return Err(PthError::TooLarge(entry.size()));
        }
        Ok(entry) => entry
            .take(MAX_INDEX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| PthError::Damaged(error.to_string()))?,
    };
    Ok(Some(bytes))
}

/// Where a tensor's values lie in the file.
fn place(
    archive: &mut Archive,
    folder: &str,
    tensor: StoredTensor,
) -> Result<TensorEntry, PthError> {
    let name = format!("{folder}data/{}", tensor.storage);
    let entry = archive.by_name(&name).map_err(|error| match error {
        ZipError::FileNotFound => PthError::Damaged(format!("{name} is missing")),
        error => refused(&name, error),
    })?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(PthError::Compressed(name));
    }
    let too_short = || PthError::TooShort {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
    };
    let width_bytes = tensor.dtype.bitsize() as u64 / 8;
    let elements = tensor
        .shape
        .iter()
        .try_fold(1u64, |product, side| product.checked_mul(*side as u64))
        .ok_or_else(too_short)?;
    let skipped_bytes = tensor
        .first
        .checked_mul(width_bytes)
        .ok_or_else(too_short)?;
    elements
        .checked_mul(width_bytes)
        .and_then(|bytes| bytes.checked_add(skipped_bytes))
        .filter(|end| *end <= entry.size())
        .ok_or_else(too_short)?;
    let start = entry
        .data_start()
        .ok_or_else(|| PthError::Damaged(format!("{name} is nowhere")))?;
    Ok(TensorEntry {
        name: tensor.name,
        shape: tensor.shape,
        dtype: tensor.dtype,
        offset: start + skipped_bytes,
    })
}

fn refused(name: &str, error: ZipError) -> PthError {
    match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            PthError::Compressed(name.to_owned())
        }
        error => damaged(error),
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` passes it
fn damaged(error: ZipError) -> PthError {
    PthError::Damaged(error.to_string())
}
