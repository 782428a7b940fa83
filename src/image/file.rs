//! Reading an image file within limits.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use super::{ImageError, ImageFault};

/// The most bytes of a file that are read.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The most pixels that are decoded: where Pillow raises its `DecompressionBombError`.
pub const MAX_PIXELS: u64 = 178_956_970;

/// The content of a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    read_limited(path).map_err(|fault| fault.at(path))
}

fn read_limited(path: &Path) -> Result<Vec<u8>, ImageFault> {
    // Asked before opening: opening a named pipe waits for a writer.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ImageFault::NotAFile);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(ImageFault::FileTooLarge {
            bytes: metadata.len(),
        });
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first bytes of a regular file: enough to tell its format.
pub(super) fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before opening: opening a named pipe waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses a picture by the size in its header, before any of it is decoded.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), ImageFault> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ImageFault::TooLarge { width, height });
    }
    if width == 0 || height == 0 {
        return Err(ImageFault::Broken {
            reason: "it has no pixels".to_owned(),
        });
    }
    Ok(())
}
