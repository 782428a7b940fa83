//! Putting image files beside what describes them: as second names of the same file where the disk can, else as copies.
//!
//! What is there is compared, byte by byte where it has to be. Another file is replaced only if somebody says so.

use std::{
    fs::{self, File},
    io::{self, Read},
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

/// The name of a file until it is whole. There is one at a time, so what a killed run leaves is taken away.
const PARTIAL: &str = ".overrule-partial";

/// Gives a file a second name, or copies it where that is not wanted or not possible (another disk, a file system without
/// links). A file of that name that says the same stays; one that says something else is replaced only if `replace` says so.
///
/// # Errors
/// As the system has them, `AlreadyExists` for a file that says something else. `target` is then as it was.
pub(crate) fn place(source: &Path, target: &Path, link: bool, replace: bool) -> io::Result<Placed> {
    // Behind a link, the file is meant and not the link.
    let source = source.canonicalize()?;
    let wanted = File::open(&source)?;
    if !must_write(target, wanted, replace)? {
        return Ok(Placed::There);
    }
    let partial = free_partial(target)?;
    let placed = if link && fs::hard_link(&source, &partial).is_ok() {
        Placed::Linked
    } else {
        fs::copy(&source, &partial)?;
        Placed::Copied
    };
    fs::rename(&partial, target)?;
    Ok(placed)
}

/// Writes a file. One of that name that says the same stays; one that says something else is replaced only if `replace` says
/// so.
///
/// # Errors
/// As the system has them, `AlreadyExists` for a file that says something else. `target` is then as it was.
pub(crate) fn place_bytes(bytes: &[u8], target: &Path, replace: bool) -> io::Result<Placed> {
    if !must_write(target, bytes, replace)? {
        return Ok(Placed::There);
    }
    let partial = free_partial(target)?;
    fs::write(&partial, bytes)?;
    fs::rename(&partial, target)?;
    Ok(Placed::Copied)
}

/// What a file says, and how long it is.
trait Wanted: Read {
    fn length(&self) -> io::Result<u64>;

    /// Whether this is the file of which something else is known.
    fn is_file(&self, _: &fs::Metadata) -> bool {
        false
    }
}

impl Wanted for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

impl Wanted for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn is_file(&self, there: &fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        self.metadata()
            .is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
    }
}

/// Whether a file still has to be written: it is not there, or only its beginning is (the rest went with the power), or
/// something else is and may be replaced.
fn must_write(target: &Path, wanted: impl Wanted, replace: bool) -> io::Result<bool> {
    let something_else = || match replace {
        true => Ok(true),
        false => Err(io::ErrorKind::AlreadyExists.into()),
    };
    let there = match fs::metadata(target) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link that leads nowhere is something, too.
            return match target.is_symlink() {
                true => something_else(),
                false => Ok(true),
            };
        }
        Err(error) => return Err(error),
    };
    if wanted.is_file(&there) {
        return Ok(false);
    }
    let length = wanted.length()?;
    if !there.is_file() || there.len() > length || !begins_with(wanted, File::open(target)?)? {
        return something_else();
    }
    Ok(there.len() < length)
}

/// Whether a file begins as another one does to its end.
fn begins_with(mut whole: impl Read, mut beginning: impl Read) -> io::Result<bool> {
    const CHUNK_BYTES: usize = 64 << 10;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        ours.clear();
        theirs.clear();
        let chunk = CHUNK_BYTES as u64;
        let n = beginning.by_ref().take(chunk).read_to_end(&mut theirs)?;
        whole.by_ref().take(n as u64).read_to_end(&mut ours)?;
        if n == 0 || ours != theirs {
            return Ok(n == 0);
        }
    }
}

/// The name of the file until it is whole. What lies there may be a second name of some picture, and is not written into.
fn free_partial(target: &Path) -> io::Result<PathBuf> {
    let partial = super::atomic::folder_of(target).join(PARTIAL);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(partial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_linked_copied_or_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("a.png"), folder.path().join("b.png"));
        fs::write(&source, b"picture").unwrap();
        let put = |link| place(&source, &target, link, false).unwrap();
        assert_eq!(put(true), Placed::Linked);
        assert_eq!(put(true), Placed::There);
        // What a power cut leaves of a copy is written again, and the first file is not touched.
        fs::remove_file(&target).unwrap();
        fs::write(&target, b"pic").unwrap();
        assert_eq!(put(false), Placed::Copied);
        assert_eq!(put(true), Placed::There);
        assert_eq!(
            place_bytes(b"picture", &target, false).unwrap(),
            Placed::There
        );
        assert!(place(&folder.path().join("none"), &target, true, true).is_err());
        assert_eq!(fs::read(&source).unwrap(), b"picture");
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "no half-written file is left");
    }

    #[test]
    fn another_file_is_replaced_only_on_purpose_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let long = vec![7; 100_000];
        let mut other_end = long.clone();
        other_end[99_999] = 8;
        fs::write(path("source"), &long).unwrap();
        for there in [&b"mine"[..], &other_end, &[&long[..], b"more"].concat()] {
            for link in [true, false] {
                fs::write(path("mine"), there).unwrap();
                fs::hard_link(path("mine"), path("target")).unwrap();
                let refused = place(&path("source"), &path("target"), link, false).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
                let refused = place_bytes(&long, &path("target"), false).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
                assert_eq!(fs::read(path("target")).unwrap(), there);

                let placed = place(&path("source"), &path("target"), link, true).unwrap();
                assert_ne!(placed, Placed::There);
                assert_eq!(fs::read(path("target")).unwrap(), long);
                assert_eq!(
                    fs::read(path("mine")).unwrap(),
                    there,
                    "another name keeps it"
                );
                fs::remove_file(path("target")).unwrap();
                fs::remove_file(path("mine")).unwrap();
            }
        }
    }

    #[test]
    fn what_a_killed_run_leaves_under_the_name_of_no_file_is_not_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let (first, partial) = (folder.path().join("a.png"), folder.path().join(PARTIAL));
        fs::write(&first, b"first").unwrap();
        fs::hard_link(&first, &partial).unwrap();
        place_bytes(b"second", &folder.path().join("b.png"), false).unwrap();
        assert_eq!(fs::read(&first).unwrap(), b"first");
        assert!(!partial.exists());
    }
}
