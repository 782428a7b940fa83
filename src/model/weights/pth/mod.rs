//! PyTorch's own weight files (`.pth`, `pytorch_model.bin`): a zip archive of plain numbers and a pickle that says which
//! tensor lies where.
//!
//! A pickle is a small program, and running it could do anything. Here nothing runs: `pickle` knows the few steps
//! that a dictionary of tensors is made of and refuses everything else by its name. Reading happens in a child
//! process, where a fault ends the child and not the window. The child only says where the tensors lie; the numbers
//! are then read from the file like those of a safetensors file.

mod archive;
mod pickle;
mod values;

use std::{
    fs, io, panic,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
    thread,
    time::Duration,
};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::file::TensorEntry;
use crate::model::ModelError;

/// The hidden subcommand that a child process is started with.
pub const SUBCOMMAND: &str = "__tensors-of-pth";

/// How long a child may take. The index of a large model takes milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The program that is this one.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program understands [`SUBCOMMAND`]. The first call counts. Without one, files are read in this process:
/// a library cannot know whether the program around it does.
pub fn read_in_children_of(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PthError {
    /// It cannot be read at all.
    #[error("it could not be read: {0}")]
    Io(String),
    /// It is something else.
    #[error("it is no file of PyTorch's; download it again")]
    NotPyTorch,
    /// The format before PyTorch 1.6.
    #[error(
        "it is in PyTorch's format from before version 1.6; load and save it once with a newer PyTorch, or save it as safetensors"
    )]
    BeforeZip,
    /// The archive has no end, or contradicts itself.
    #[error("it is cut off or damaged ({0}); download it again")]
    Damaged(String),
    /// Something in the archive is compressed, which PyTorch never does.
    #[error("{0} in it is compressed, which PyTorch never does; save it again with torch.save")]
    Compressed(String),
    /// Bytes in the other order.
    #[error("it was written on a machine with another byte order; save it as safetensors")]
    BigEndian,
    /// The index is far larger than that of any model.
    #[error("its index has {0} bytes; no model needs so many")]
    TooLarge(u64),
    /// The pickle names a function or class that no tensor needs.
    #[error(
        "it asks to run {0}, which no tensor needs. Nothing was run. Such a file can do harm; save only the tensors (the state_dict), or use safetensors"
    )]
    Forbidden(String),
    /// A step of the pickle language that dictionaries of tensors do not need.
    #[error(
        "its index has the step 0x{0:02x} at byte {1}, which a dictionary of tensors does not need; save the state_dict with torch.save, or use safetensors"
    )]
    Step(u8, usize),
    /// The index contradicts itself.
    #[error("its index is damaged at byte {0}; download it again")]
    Index(usize),
    /// Something that is no tensor among the tensors.
    #[error("“{name}” in it is {kind}, not a tensor; save only the tensors (the state_dict)")]
    NotATensor {
        /// What it is called.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A tensor that does not lie in one piece.
    #[error(
        "the tensor {0} in it is not stored row by row; save it with .contiguous(), or use safetensors"
    )]
    Strided(String),
    /// A tensor that is larger than what is stored of it.
    #[error(
        "the tensor {name} in it claims the shape {shape:?} and has too few values for it; download it again"
    )]
    TooShort {
        /// Which tensor.
        name: String,
        /// The shape it claims.
        shape: Vec<usize>,
    },
    /// The child ended without a word.
    #[error("the process that read it ended unexpectedly ({0})")]
    ChildEnded(String),
    /// What a child said.
    #[error("{0}")]
    Told(String),
}

/// The tensors of a file, and where they lie. Nothing in the file is run.
///
/// # Errors
/// The file is something else, is damaged, or holds more than tensors.
pub(super) fn entries(path: &Path) -> Result<Vec<TensorEntry>, ModelError> {
    let found = match PROGRAM.get() {
        Some(program) => in_child(program, path),
        None => in_this_process(path),
    };
    found.map_err(|source| ModelError::Pth {
        path: path.to_owned(),
        source,
    })
}

/// What the child does: it writes the index of a file as JSON into another. It ends itself when that takes too long.
///
/// # Errors
/// The file is refused, or the other cannot be written.
pub fn write_index(path: &Path, answer: &Path) -> Result<(), PthError> {
    let io_error = |error: io::Error| PthError::Io(error.to_string());
    // Closed when the work is done.
    let (_working, done) = bounded::<()>(0);
    thread::Builder::new()
        .name("overrule-time-limit".to_owned())
        .spawn(move || {
            if done.recv_timeout(TIME_LIMIT) == Err(RecvTimeoutError::Timeout) {
                process::abort();
            }
        })
        .map_err(io_error)?;
    let entries = archive::entries(path)?;
    let json = serde_json::to_vec(&entries).map_err(|error| PthError::Io(error.to_string()))?;
    fs::write(answer, json).map_err(io_error)
}

fn in_this_process(path: &Path) -> Result<Vec<TensorEntry>, PthError> {
    panic::catch_unwind(|| archive::entries(path))
        .unwrap_or_else(|_| Err(PthError::Damaged("reading it failed".to_owned())))
}

fn in_child(program: &Path, path: &Path) -> Result<Vec<TensorEntry>, PthError> {
    let io_error = |error: io::Error| PthError::Io(error.to_string());
    let answer = tempfile::NamedTempFile::new().map_err(io_error)?;
    let child = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(path)
        .arg(answer.path())
        .output();
    // A program that was replaced or removed while it runs can still read by itself.
    let Ok(child) = child else {
        return in_this_process(path);
    };
    if !child.status.success() {
        let complaint = String::from_utf8_lossy(&child.stderr);
        return Err(match complaint.trim().strip_prefix("error: ") {
            Some(reason) => PthError::Told(reason.to_owned()),
            None => PthError::ChildEnded(child.status.to_string()),
        });
    }
    let answer = fs::read(answer.path()).map_err(io_error)?;
    let entries: Vec<TensorEntry> =
        serde_json::from_slice(&answer).map_err(|error| PthError::ChildEnded(error.to_string()))?;
    let length = path.metadata().map_err(io_error)?.len();
    match entries.iter().find(|entry| !entry.lies_within(length)) {
        Some(entry) => Err(PthError::TooShort {
            name: entry.name.clone(),
            shape: entry.shape.clone(),
        }),
        None => Ok(entries),
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that does what `script` says instead of reading a file; its answer goes to `$3`.
    fn child(script: &str) -> Result<Vec<TensorEntry>, PthError> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("child");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let file = folder.path().join("weights.pth");
        fs::write(&file, [0; 16]).unwrap();
        in_child(&program, &file)
    }

    #[test]
    fn whatever_becomes_of_the_child_is_an_error_and_nothing_more() {
        assert_eq!(child("echo '[]' > $3").unwrap().len(), 0);
        assert_eq!(
            child("echo 'error: it is odd' >&2; exit 2"),
            Err(PthError::Told("it is odd".to_owned()))
        );
        for script in ["kill -SEGV $$", "exit 3", "echo nonsense > $3", "true"] {
            let outcome = child(script);
            assert!(matches!(outcome, Err(PthError::ChildEnded(_))), "{script}");
        }
        let beyond = r#"echo '[{"name":"w","shape":[4],"dtype":"F32","offset":8}]' > $3"#;
        assert!(matches!(child(beyond), Err(PthError::TooShort { .. })));
    }

    #[test]
    fn a_program_that_is_gone_is_done_without() {
        let gone = Path::new("/nowhere/overrule");
        let missing = Path::new("/nowhere/weights.pth");
        assert!(matches!(in_child(gone, missing), Err(PthError::Io(_))));
    }
}
