//! Putting image files beside what describes them: as second names of the same file where the disk can, else as copies.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How a file came to its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    /// A second name of the same file.
    Linked,
    /// A copy.
    Copied,
    /// It was there already.
    There,
}

/// The name of a copy until it is whole. There is one at a time, so what a killed run leaves is overwritten.
const PARTIAL: &str = ".overrule-partial";

/// Gives a file a second name, or copies it where that is not wanted or not possible (another disk, a file system without
/// links). A file of that name and length stays.
///
/// # Errors
/// As the system has them. `target` is then as it was.
pub(crate) fn place(source: &Path, target: &Path, link: bool) -> io::Result<Placed> {
    // Behind a link, the file is meant and not the link.
    let source = source.canonicalize()?;
    let length = fs::metadata(&source)?.len();
    if is_there(target, length)? {
        return Ok(Placed::There);
    }
    if link && fs::hard_link(&source, target).is_ok() {
        return Ok(Placed::Linked);
    }
    let partial = partial(target);
    fs::copy(&source, &partial)?;
    fs::rename(&partial, target)?;
    Ok(Placed::Copied)
}

/// Writes a file. One of that name and length stays.
///
/// # Errors
/// As the system has them. `target` is then as it was.
pub(crate) fn place_bytes(bytes: &[u8], target: &Path) -> io::Result<Placed> {
    if is_there(target, bytes.len() as u64)? {
        return Ok(Placed::There);
    }
    let partial = partial(target);
    fs::write(&partial, bytes)?;
    fs::rename(&partial, target)?;
    Ok(Placed::Copied)
}

/// Whether a file of this length is there. One of another length (of a run that the power left, or of another dataset) is
/// taken away; links to it keep it.
fn is_there(target: &Path, length: u64) -> io::Result<bool> {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_file() && found.len() == length => Ok(true),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => fs::remove_file(target).map(|()| false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn partial(target: &Path) -> PathBuf {
    super::atomic::folder_of(target).join(PARTIAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_linked_copied_or_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("a.png"), folder.path().join("b.png"));
        fs::write(&source, b"picture").unwrap();
        assert_eq!(place(&source, &target, true).unwrap(), Placed::Linked);
        assert_eq!(place(&source, &target, true).unwrap(), Placed::There);
        // What a power cut leaves of a copy is written again, and the first file is not touched.
        fs::remove_file(&target).unwrap();
        fs::write(&target, b"pic").unwrap();
        assert_eq!(place(&source, &target, false).unwrap(), Placed::Copied);
        assert_eq!(fs::read(&target).unwrap(), b"picture");
        assert_eq!(place_bytes(b"picture", &target).unwrap(), Placed::There);
        assert_eq!(place_bytes(b"other", &target).unwrap(), Placed::Copied);
        assert_eq!(fs::read(&source).unwrap(), b"picture");
        assert!(place(&folder.path().join("none"), &target, true).is_err());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "no half-written file is left");
    }
}
