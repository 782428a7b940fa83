//! The file itself: recognise it without touching it, lock it, make it, open it.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    error::StoreError,
    schema::{APPLICATION_ID, VERSION, migrations},
};

/// How long SQLite waits for another connection. Writers are kept apart by the lock file, so only a reader that is
/// just closing can be in the way.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// The session files that this process has open. Closing any handle on a file takes all locks away that the process has on it
/// (<https://www.sqlite.org/howtocorrupt.html>, 2.2), SQLite's own among them; another program that opens and closes the file
/// then removes the log that is still written to. So nothing but SQLite opens these.
static HELD: Mutex<BTreeSet<FileIdentity>> = Mutex::new(BTreeSet::new());

fn held<T>(look: impl FnOnce(&mut BTreeSet<FileIdentity>) -> T) -> T {
    look(&mut HELD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The right to write a session file: an operating system's lock on `FILE.lock`, which ends with the process however
/// that ends. SQLite's own locks stay free for readers. The lock file is left behind, since removing it would let
/// two windows hold locks on two files of that name.
pub(super) struct WriteLock {
    file: File,
    /// The session file, once it is opened.
    held: Option<FileIdentity>,
}

impl WriteLock {
    /// Takes note that SQLite has this file open from now on, in place of an earlier one, until the lock is dropped.
    pub(super) fn hold(&mut self, path: &Path) {
        // Elsewhere files have no identity, and a handle that is closed takes no locks away.
        let now = identity(path).filter(|_| cfg!(unix));
        let before = std::mem::replace(&mut self.held, now);
        held(|held| {
            held.extend(now);
            held.retain(|identity| before != Some(*identity) || before == now);
        });
    }
}

impl Drop for WriteLock {
    /// Closing the file would not be enough: a child process that is just being started holds it, too, for a moment.
    fn drop(&mut self) {
        held(|held| held.retain(|identity| self.held != Some(*identity)));
        // What cannot be unlocked is unlocked when the process ends.
        let _ = self.file.unlock();
    }
}

/// Opens a session file for writing, and makes it if it is not there.
pub(super) fn open_for_writing(path: &Path) -> Result<(WriteLock, Connection), StoreError> {
    let new = !check(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| StoreError::io(path, e))?;
    }
    let mut lock = lock(path)?;
    // Another window may have made the file between the look and the lock.
    if new && !check(path)? {
        create(path)?;
    }
    lock.hold(path);
    refuse_newer(path)?;
    let connection = connect(path)?;
    Ok((lock, connection))
}

/// A connection that writes; the lock must be held.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> Result<(Connection, String), rusqlite::Error> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        Ok((connection, mode))
    };
    let (mut connection, mode) = open().map_err(|e| StoreError::sqlite(path, e))?;
    if mode != "wal" {
        return Err(StoreError::Unsuitable {
            path: path.to_owned(),
            detail: format!("journal mode “{mode}”"),
        });
    }
    if connection.is_readonly("main").unwrap_or(true) {
        return Err(StoreError::ReadOnly {
            path: path.to_owned(),
            source: io::ErrorKind::PermissionDenied.into(),
        });
    }
    migrate(path, &mut connection)?;
    Ok(connection)
}

/// Opens a session file for reading, also while a window has it open. Changes nothing in it.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    if !check(path)? {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |path: &Path, flags| -> Result<(Connection, i64), rusqlite::Error> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((connection, version))
    };
    let (connection, found) = match open(path, flags) {
        // In a folder that cannot be written there is no place for the shared index of the write-ahead log. Where
        // there is no log, none is needed: nobody is writing.
        Err(_) if !beside(path, "-wal").exists() => {
            open(&immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        opened => opened,
    }
    .map_err(|e| StoreError::sqlite(path, e))?;
    match usize::try_from(found) {
        Ok(found) if found > VERSION => Err(newer(path, found)),
        _ => Ok(connection),
    }
}

/// What makes a file this one and no other of its name: device and inode.
pub(super) type FileIdentity = (u64, u64);

/// Which file lies at a path, if one does. Where the system keeps an open file from being moved, all are the same.
pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    let found = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt;
        (found.dev(), found.ino())
    };
    #[cfg(not(unix))]
    let identity = (0, u64::from(found.is_dir()));
    Some(identity)
}

/// The path of a file that goes with the session file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The name under which SQLite opens a file that nobody changes.
fn immutable_uri(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(byte as char);
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

/// Whether a file is a session, also one that cannot be read: of a newer format, or damaged.
pub fn is_session(path: &Path) -> bool {
    // Asked before opening: opening a named pipe waits for a writer.
    path.is_file()
        && matches!(
            check(path),
            Ok(true) | Err(StoreError::Newer { .. } | StoreError::Damaged { .. })
        )
}

/// Whether there is a session, as its first bytes tell. Reads 100 bytes and nothing else: opening a foreign file with
/// SQLite could roll back its journal or leave files beside it. An empty file counts as none.
///
/// # Errors
/// If there is something that is no session, or one of a newer format.
fn check(path: &Path) -> Result<bool, StoreError> {
    // One that is open here was looked at before it was opened.
    if identity(path).is_some_and(|found| held(|held| held.contains(&found))) {
        return Ok(true);
    }
    let foreign = |what| StoreError::Foreign {
        path: path.to_owned(),
        what,
    };
    let mut header = Vec::new();
    match File::open(path) {
        Ok(file) => {
            let kind = file.metadata().map_err(|e| StoreError::io(path, e))?;
            if kind.is_dir() {
                return Err(foreign("a folder"));
            }
            file.take(100)
                .read_to_end(&mut header)
                .map_err(|e| StoreError::io(path, e))?;
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(StoreError::io(path, e)),
    }
    if header.is_empty() {
        return Ok(false);
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign("another kind of file"));
    }
    // https://www.sqlite.org/fileformat2.html#the_database_header
    let field = |at: usize| {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        Some(i32::from_be_bytes(bytes))
    };
    let (Some(user_version), Some(application_id)) = (field(60), field(68)) else {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "it ends within its first 100 bytes".into(),
        });
    };
    if application_id != APPLICATION_ID {
        return Err(foreign("a database of another program"));
    }
    match usize::try_from(user_version) {
        Ok(found) if found > VERSION => Err(newer(path, found)),
        _ => Ok(true),
    }
}

fn newer(path: &Path, found: usize) -> StoreError {
    StoreError::Newer {
        path: path.to_owned(),
        found,
        known: VERSION,
    }
}

/// The header may be older than the write-ahead log; a reader sees both, and, unlike a writer, leaves both alone.
fn refuse_newer(path: &Path) -> Result<(), StoreError> {
    open_for_reading(path).map(drop)
}

fn lock(path: &Path) -> Result<WriteLock, StoreError> {
    let lock_path = beside(path, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|e| StoreError::io(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(WriteLock { file, held: None }),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(StoreError::Unsuitable {
            path: path.to_owned(),
            detail: e.to_string(),
        }),
    }
}

/// Makes a session file under another name and moves it into place, so that the file is there as a whole or not at all,
/// and its header always tells what it is.
fn create(path: &Path) -> Result<(), StoreError> {
    let draft = beside(path, ".new");
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(&draft, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(StoreError::io(path, e)),
            _ => {}
        }
    }
    let make = || -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(&draft)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        Ok(connection)
    };
    let mut connection = make().map_err(|e| StoreError::sqlite(path, e))?;
    migrate(path, &mut connection)?;
    connection
        .close()
        .map_err(|(_, e)| StoreError::sqlite(path, e))?;
    fs::rename(&draft, path).map_err(|e| StoreError::io(path, e))?;
    sync_folder(path).map_err(|e| StoreError::io(path, e))
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    use rusqlite_migration::Error;
    migrations().to_latest(connection).map_err(|e| match e {
        Error::RusqliteError { err, .. } => StoreError::sqlite(path, err),
        other => StoreError::Damaged {
            path: path.to_owned(),
            detail: other.to_string(),
        },
    })
}

/// Makes a new name in a folder survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_opened_so_that_what_is_committed_survives_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("review.overrule");
        let (_lock, first) = open_for_writing(&file).unwrap();
        // As after a commit that failed.
        let again = connect(&file).unwrap();
        for connection in [first, again] {
            let number = |pragma| -> i64 {
                let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
                value.unwrap()
            };
            // https://www.sqlite.org/pragma.html#pragma_synchronous: FULL
            assert_eq!((number("synchronous"), number("foreign_keys")), (2, 1));
            let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
            let mode: String = mode.unwrap();
            assert_eq!(mode, "wal");
        }
    }
}
