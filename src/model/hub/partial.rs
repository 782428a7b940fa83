//! A file that has not come whole, and its checksum so far.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{
    HubError,
    blob::{CHUNK_BYTES, failed},
    listing::{Checksum, RemoteFile},
    progress::Meter,
};

/// A file that is on its way.
pub struct Partial {
    path: PathBuf,
    file: File,
    /// How many bytes are here.
    pub have: u64,
    hash: Hash,
}

impl Partial {
    /// Opens what an earlier time left, and checks how far it goes.
    pub fn open(path: &Path, wanted: &RemoteFile, meter: &mut Meter<'_>) -> Result<Self, HubError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed(path))?;
        let mut partial = Self {
            path: path.to_owned(),
            file,
            have: 0,
            hash: Hash::new(wanted),
        };
        let begun = partial.file.metadata().map_err(failed(path))?.len();
        if begun > wanted.bytes {
            partial.file.set_len(0).map_err(failed(path))?;
        } else if begun > 0 {
            meter.progress.note = "Checking what is here already".to_owned();
            meter.progress.file_done_bytes += begun;
            meter.progress.done_bytes += begun;
            if !meter.tell() {
                return Err(HubError::Cancelled);
            }
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let n = partial.file.read(&mut chunk).map_err(failed(path))?;
                if n == 0 {
                    break;
                }
                partial.hash.update(chunk.get(..n).unwrap_or_default());
                partial.have += n as u64;
            }
            meter.progress.note.clear();
        }
        Ok(partial)
    }

    /// The checksum of what is here, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        self.hash.clone().finish()
    }

    /// Brings it to the disk.
    pub fn sync(&self) -> Result<(), HubError> {
        self.file.sync_all().map_err(failed(&self.path))
    }

    /// Adds bytes at its end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.file.write_all(bytes).map_err(failed(&self.path))?;
        self.hash.update(bytes);
        self.have += bytes.len() as u64;
        Ok(())
    }

    /// Throws everything away that is here.
    pub fn restart(&mut self, meter: &mut Meter<'_>) -> Result<(), HubError> {
        meter.discard(self.have);
        self.file.set_len(0).map_err(failed(&self.path))?;
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(failed(&self.path))?;
        self.have = 0;
        self.hash = self.hash.begin_again();
        Ok(())
    }
}

/// A checksum in the making.
#[derive(Clone)]
enum Hash {
    Sha256(Sha256),
    /// The content's length stands in front of it.
    GitBlob(Sha1, u64),
}

impl Hash {
    fn new(file: &RemoteFile) -> Self {
        match file.checksum {
            Checksum::Sha256(_) => Self::Sha256(Sha256::new()),
            Checksum::GitBlob(_) => {
                let header = format!("blob {}\0", file.bytes);
                Self::GitBlob(Sha1::new_with_prefix(header), file.bytes)
            }
        }
    }

    fn begin_again(&self) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(Sha256::new()),
            Self::GitBlob(_, bytes) => {
                Self::GitBlob(Sha1::new_with_prefix(format!("blob {bytes}\0")), *bytes)
            }
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::GitBlob(hash, _) => hash.update(bytes),
        }
    }

    /// In hexadecimal digits.
    fn finish(self) -> String {
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sha256(hash) => digits(&hash.finalize()),
            Self::GitBlob(hash, _) => digits(&hash.finalize()),
        }
    }
}
