//! One file, from the Hub into the cache: `blobs/CHECKSUM.incomplete` grows, is checked, and becomes `blobs/CHECKSUM`, to
//! which a link in the snapshot leads.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    HubError, HubId,
    client::{Client, repo},
    listing::RemoteFile,
    partial::Partial,
    progress::Meter,
};
use hf_hub::{Cache, CacheRepo};

/// How much is read at once.
pub const CHUNK_BYTES: usize = 1 << 18;

/// How often a lock that another program holds is looked at.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// A revision of a repository in the cache.
pub struct Snapshot<'a> {
    client: &'a Client,
    id: &'a HubId,
    commit: &'a str,
    cache: CacheRepo,
}

impl<'a> Snapshot<'a> {
    /// The snapshot of a commit. Nothing is made yet.
    pub fn new(client: &'a Client, id: &'a HubId, commit: &'a str) -> Self {
        let cache = Cache::new(client.settings.cache.clone());
        Self {
            client,
            id,
            commit,
            cache: cache.repo(repo(id, id.revision.as_deref())),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.cache.pointer_path(self.commit)
    }

    /// Whether a file is here, whole.
    pub fn has(&self, file: &RemoteFile) -> bool {
        self.cache.blob_path(file.checksum.hex()).exists()
    }

    /// How much of a file must still come.
    pub fn lacks_bytes(&self, file: &RemoteFile) -> u64 {
        let blob = self.cache.blob_path(file.checksum.hex());
        if blob.exists() {
            return 0;
        }
        let begun = fs::metadata(incomplete(&blob)).map_or(0, |metadata| metadata.len());
        file.bytes.saturating_sub(begun)
    }

    /// Fetches a file that is not here yet, and links to it.
    ///
    /// # Errors
    /// See [`HubError`]. What came is kept for the next time.
    pub fn fetch(&self, file: &RemoteFile, meter: &mut Meter<'_>) -> Result<(), HubError> {
        let blob = self.cache.blob_path(file.checksum.hex());
        if !blob.exists() {
            make_folder(blob.parent())?;
            let lock = self.lock(file, meter)?;
            // Another program may have fetched it meanwhile.
            if !blob.exists() {
                self.fetch_blob(file, &blob, meter)?;
            }
            drop(lock);
        }
        // What was begun here, and another program has fetched to its end.
        drop(fs::remove_file(incomplete(&blob)));
        self.link(file, &blob)
    }

    /// Notes which commit the revision stands for, once everything of it is here.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn name_revision(&self) -> Result<(), HubError> {
        let revision = self.id.revision.as_deref().unwrap_or("main");
        if revision == self.commit {
            return Ok(());
        }
        let path = self.repository().join("refs").join(revision);
        let folder = make_folder(path.parent())?;
        let written = || {
            let mut staged = tempfile::NamedTempFile::new_in(&folder)?;
            staged.write_all(self.commit.as_bytes())?;
            staged.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(failed(&path))
    }

    fn repository(&self) -> PathBuf {
        let name = repo(self.id, None).folder_name();
        self.client.settings.cache.join(name)
    }

    /// Holds other programs off the file; the Python library takes the same lock.
    fn lock(&self, file: &RemoteFile, meter: &mut Meter<'_>) -> Result<File, HubError> {
        let folder = self.client.settings.cache.join(".locks");
        let folder = folder.join(repo(self.id, None).folder_name());
        make_folder(Some(&folder))?;
        let path = folder.join(format!("{}.lock", file.checksum.hex()));
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => {
                    let note = "Another program is fetching this file; waiting for it".to_owned();
                    if !meter.wait(LOCK_PAUSE, note) {
                        return Err(HubError::Cancelled);
                    }
                }
                // A file system without locks: whoever else writes there takes its chances, as with the Python library.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(lock);
                }
                Err(TryLockError::Error(error)) => return Err(failed(&path)(error)),
            }
        }
    }

    fn fetch_blob(
        &self,
        file: &RemoteFile,
        blob: &Path,
        meter: &mut Meter<'_>,
    ) -> Result<(), HubError> {
        let path = incomplete(blob);
        let mut partial = Partial::open(&path, file, meter)?;
        let mut resumed = partial.have > 0;
        loop {
            self.complete(&mut partial, file, meter)?;
            let got = partial.checksum();
            if got == file.checksum.hex() {
                break;
            }
            partial.restart(meter)?;
            if !resumed {
                drop(fs::remove_file(&path));
                return Err(HubError::Checksum {
                    file: file.name.clone(),
                    expected: file.checksum.hex().to_owned(),
                    got,
                });
            }
            // The part that lay here may have been damaged before; the next try has the Hub's bytes only.
            resumed = false;
        }
        // Whoever finds the file under its final name may rely on all of it.
        partial.sync()?;
        fs::rename(&path, blob).map_err(failed(blob))?;
        sync_folder(blob.parent());
        Ok(())
    }

    /// Asks for the rest until nothing is missing, again and again while there is hope.
    fn complete(
        &self,
        partial: &mut Partial,
        file: &RemoteFile,
        meter: &mut Meter<'_>,
    ) -> Result<(), HubError> {
        let mut tries = 0;
        while partial.have < file.bytes {
            let before = partial.have;
            let Err(error) = self.receive(partial, file, meter) else {
                continue;
            };
            // What got further is worth another try at once.
            tries = if partial.have > before { 0 } else { tries + 1 };
            let pause = match tries {
                0 => error.pause(1).map(|_| Duration::ZERO),
                _ => error.pause(tries),
            };
            let Some(pause) = pause else {
                return Err(self.out_of_room(error, file, partial));
            };
            if !meter.wait(pause, error.note(pause)) {
                return Err(HubError::Cancelled);
            }
        }
        Ok(())
    }

    /// Takes what one request brings.
    fn receive(
        &self,
        partial: &mut Partial,
        file: &RemoteFile,
        meter: &mut Meter<'_>,
    ) -> Result<(), HubError> {
        let mut incoming = self
            .client
            .open(self.id, self.commit, &file.name, partial.have)?;
        if incoming.from < partial.have {
            partial.restart(meter)?;
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        while partial.have < file.bytes {
            let n = match incoming.body.read(&mut chunk) {
                Ok(0) => return Err(cut(file, partial, "it ended early")),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(cut(file, partial, &error.to_string())),
            };
            let left = usize::try_from(file.bytes - partial.have).unwrap_or(usize::MAX);
            let bytes = chunk.get(..n.min(left)).unwrap_or_default();
            partial.append(bytes)?;
            if !meter.advance(bytes.len() as u64) {
                return Err(HubError::Cancelled);
            }
        }
        Ok(())
    }

    /// Says it where the disk is what is in the way.
    fn out_of_room(&self, error: HubError, file: &RemoteFile, partial: &Partial) -> HubError {
        let is_full = |error: &io::Error| {
            matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            )
        };
        match error {
            HubError::Io { source, .. } if is_full(&source) => HubError::DiskFull {
                folder: self.client.settings.cache.clone(),
                needed_bytes: file.bytes.saturating_sub(partial.have),
                free_bytes: free_bytes(&self.client.settings.cache),
            },
            error => error,
        }
    }

    /// Puts a link to a blob into the snapshot.
    fn link(&self, file: &RemoteFile, blob: &Path) -> Result<(), HubError> {
        let path = self.folder().join(&file.name);
        let folder = make_folder(path.parent())?;
        let up = file.name.matches('/').count() + 2;
        let target: PathBuf = std::iter::repeat_n("..", up)
            .chain(["blobs", file.checksum.hex()])
            .collect();
        if fs::read_link(&path).is_ok_and(|present| present == target) {
            return Ok(());
        }
        if path.symlink_metadata().is_ok() {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
        link_to(&target, blob, &path).map_err(failed(&path))?;
        sync_folder(Some(&folder));
        Ok(())
    }
}

#[cfg(unix)]
fn link_to(target: &Path, _blob: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Windows allows links only to some; a second name of the same file does as well.
#[cfg(not(unix))]
fn link_to(_target: &Path, blob: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(blob, path).or_else(|_| fs::copy(blob, path).map(|_| ()))
}

/// What is free on the disk of a folder, where the system tells. The folder need not be there yet.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let there = folder.ancestors().find(|folder| folder.exists())?;
        let disk = rustix::fs::statvfs(there).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

fn incomplete(blob: &Path) -> PathBuf {
    blob.with_extension("incomplete")
}

fn cut(file: &RemoteFile, partial: &Partial, reason: &str) -> HubError {
    HubError::Cut {
        file: file.name.clone(),
        have_bytes: partial.have,
        size_bytes: file.bytes,
        reason: reason.to_owned(),
    }
}

fn make_folder(folder: Option<&Path>) -> Result<PathBuf, HubError> {
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder))?;
    Ok(folder.to_owned())
}

/// A name is on the disk only when its folder is. Where folders cannot be opened, the system sees to it itself.
fn sync_folder(folder: Option<&Path>) {
    if let Some(folder) = folder.and_then(|folder| File::open(folder).ok()) {
        drop(folder.sync_all());
    }
}

/// An error of the file system at a path.
pub fn failed(path: &Path) -> impl FnOnce(io::Error) -> HubError {
    move |source| HubError::Io {
        path: path.to_owned(),
        source,
    }
}
