//! Files that are either written whole or not at all.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::ExportError;

/// A file written beside its target, on the disk, waiting to take the target's name.
pub(crate) struct Staged {
    temp: NamedTempFile,
    target: PathBuf,
    exists: bool,
}

/// Writes a temporary file in the target's folder. The target is not touched; dropping the answer removes
/// the temporary file.
pub(crate) fn stage(
    target: &Path,
    replace: bool,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<Staged, ExportError> {
    let existing = match fs::metadata(target) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(ExportError::NotAFile(target.to_owned()));
        }
        Ok(_) if !replace => return Err(ExportError::Exists(target.to_owned())),
        Ok(metadata) => Some(metadata),
        Err(_) => None,
    };
    let folder = folder_of(target);
    if !folder.exists() {
        return Err(ExportError::NoFolder(folder.to_owned()));
    }
    // Behind a link, its file is replaced and not the link.
    let resolved = existing.as_ref().and_then(|_| target.canonicalize().ok());
    let resolved = resolved.unwrap_or_else(|| target.to_owned());
    let error = |source| ExportError::from_io(target, source);
    let mut temp = new_temp(folder_of(&resolved)).map_err(error)?;
    if let Some(metadata) = &existing {
        temp.as_file()
            .set_permissions(metadata.permissions())
            .map_err(error)?;
    }
    write(temp.as_file_mut()).map_err(error)?;
    temp.as_file().sync_all().map_err(error)?;
    Ok(Staged {
        temp,
        target: resolved,
        exists: existing.is_some(),
    })
}

impl Staged {
    /// Gives the file its name: in one step, whoever looks at the same time.
    pub fn commit(self, replace: bool) -> Result<Committed, ExportError> {
        let Self {
            temp,
            target,
            exists,
        } = self;
        let persisted = if replace {
            temp.persist(&target)
        } else {
            temp.persist_noclobber(&target).or_else(|error| {
                // Some file systems (FAT, some network drives) cannot refuse an existing name in one step.
                let taken = error.error.kind() == io::ErrorKind::AlreadyExists;
                if taken || target.symlink_metadata().is_ok() {
                    return Err(error);
                }
                error.file.persist(&target)
            })
        };
        persisted.map_err(|error| ExportError::from_io(&target, error.error))?;
        sync_folder(folder_of(&target));
        Ok(Committed {
            target,
            is_new: !exists,
        })
    }
}

/// A file that has its name.
pub(crate) struct Committed {
    target: PathBuf,
    is_new: bool,
}

impl Committed {
    /// Removes the file again if there was none before.
    pub fn undo(self) {
        if self.is_new && fs::remove_file(&self.target).is_ok() {
            sync_folder(folder_of(&self.target));
        }
    }
}

fn new_temp(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".overrule-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what the umask allows.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The folder of a file; the working folder if the path is a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a new name survive a power cut, where folders can be synced at all. The file itself is on the disk,
/// so a failure here changes nothing for the user.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn put(target: &Path, replace: bool, bytes: &[u8]) -> Result<(), ExportError> {
        stage(target, replace, |file| file.write_all(bytes))?
            .commit(replace)
            .map(drop)
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        entries
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_only_on_purpose() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out.csv");
        put(&target, false, b"one").expect("new");
        assert!(matches!(
            put(&target, false, b"two"),
            Err(ExportError::Exists(_))
        ));
        assert_eq!(fs::read(&target).expect("there"), b"one");
        put(&target, true, b"two").expect("replaced");
        assert_eq!(fs::read(&target).expect("there"), b"two");
        assert_eq!(names_in(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_name_taken_while_writing_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out.csv");
        let staged = stage(&target, false, |file| file.write_all(b"ours")).expect("staged");
        fs::write(&target, b"theirs").expect("written");
        assert!(matches!(staged.commit(false), Err(ExportError::Exists(_))));
        assert_eq!(fs::read(&target).expect("there"), b"theirs");
        assert_eq!(names_in(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_full_disk_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out.csv");
        put(&target, false, b"old").expect("new");
        let result = stage(&target, true, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = result.map(drop).expect_err("a full disk");
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert_eq!(fs::read(&target).expect("there"), b"old");
        assert_eq!(names_in(folder.path()), ["out.csv"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_linux_says_about_a_full_disk_is_understood() {
        let mut full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a full device");
        let said = full.write_all(b"x").expect_err("no room");
        let error = ExportError::from_io(Path::new("out.csv"), said);
        assert!(matches!(error, ExportError::DiskFull { .. }), "{error}");
        assert!(matches!(
            put(Path::new("/dev/full"), true, b"x"),
            Err(ExportError::NotAFile(_))
        ));
    }

    #[test]
    fn a_place_that_cannot_hold_the_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        put(&file, false, b"x").expect("new");
        assert!(matches!(
            put(folder.path(), true, b"x"),
            Err(ExportError::NotAFile(_))
        ));
        let below_file = put(&file.join("out.csv"), true, b"x");
        assert!(
            matches!(below_file, Err(ExportError::Write { .. })),
            "{below_file:?}"
        );
        let nowhere = put(&folder.path().join("no/out.csv"), true, b"x");
        assert!(
            matches!(nowhere, Err(ExportError::NoFolder(_))),
            "{nowhere:?}"
        );
    }

    #[test]
    #[cfg(unix)]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (real, link) = (
            folder.path().join("real.csv"),
            folder.path().join("link.csv"),
        );
        fs::write(&real, b"old").expect("written");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        put(&link, true, b"new").expect("replaced");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read(&real).expect("there"), b"new");
        assert_eq!(
            fs::metadata(&real).expect("there").permissions().mode() & 0o777,
            0o640
        );
    }
}
