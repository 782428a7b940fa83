//! Thumbnails kept between runs, so that a dataset on a slow disk, or of large pictures, is looked at again without reading
//! every picture again.
//!
//! One small file a picture, named by a hash of the picture's path, size and time of change: what changed has another name.
//! The pictures are kept as they are; blur and grey are applied each time they are shown. Whatever else is found under
//! such a name (another program's file, half of one) fails its checksum and is taken for absent.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{ImageError, Rgb, decode_upright, thumbnail};

/// How much room they take at most.
pub const LIMIT_BYTES: u64 = 512 << 20;

/// Smaller files are read and decoded as quickly as their thumbnail.
const WORTH_BYTES: u64 = 16 << 10;

/// The first bytes of every file, with the version of what follows.
const MAGIC: &[u8; 8] = b"ovthumb1";

/// Behind the magic: the checksum, little-endian, of everything behind it.
const HEADER_BYTES: usize = 16;

/// A file of more bytes is none of ours.
const MAX_BYTES: u64 = 256 << 10;

/// The ending of every file.
const ENDING: &str = "thumb";

/// What files are called while they are written.
const UNFINISHED: &str = "writing-";

/// How long a file may take to be written; what is older was left behind by a crash.
const UNFINISHED_FOR: Duration = Duration::from_secs(3600);

/// Disks give room in blocks of this size.
const BLOCK_BYTES: u64 = 4096;

/// How many may wait to be written; one that finds no place is kept another time.
const WAITING: usize = 64;

/// The folder of the thumbnails: `OVERRULE_CACHE_DIR/thumbnails` if that is set, else in the platform's cache folder.
pub fn folder() -> Option<PathBuf> {
    let cache = match std::env::var_os("OVERRULE_CACHE_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => directories::ProjectDirs::from("", "", "overrule")?
            .cache_dir()
            .to_path_buf(),
    };
    Some(cache.join("thumbnails"))
}

/// Reads thumbnails, from where they are kept if they are there. Used by several threads at once.
pub struct KeptThumbnails {
    folder: PathBuf,
    is_on: AtomicBool,
    made: Sender<(PathBuf, Rgb)>,
}

impl KeptThumbnails {
    /// Starts the thread `overrule-thumbnails`, which writes them and keeps within `limit_bytes`.
    ///
    /// # Errors
    /// The thread could not be started. A folder that cannot be written to is no error: nothing is kept then.
    pub fn start(folder: PathBuf, limit_bytes: u64) -> io::Result<Self> {
        let (made, waiting) = bounded(WAITING);
        let keeper = Keeper {
            folder: folder.clone(),
            limit_bytes,
        };
        std::thread::Builder::new()
            .name("overrule-thumbnails".to_owned())
            .spawn(move || keeper.run(&waiting))?;
        Ok(Self {
            folder,
            is_on: AtomicBool::new(true),
            made,
        })
    }

    /// Whether thumbnails are read and kept from now on, or every picture is read itself.
    pub fn turn(&self, on: bool) {
        self.is_on.store(on, Ordering::Relaxed);
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The picture of a file as [`decode_upright`] gives it, give or take what a thumbnail loses by being compressed.
    ///
    /// # Errors
    /// As [`decode_upright`].
    pub fn load(&self, path: &Path, max_side: u32) -> Result<Rgb, ImageError> {
        if !self.is_on.load(Ordering::Relaxed) {
            return decode_upright(path, max_side);
        }
        let file = name_of(path, max_side).map(|name| self.folder.join(name));
        let kept = file.as_deref().and_then(|file| read(file, max_side));
        if let Some(picture) = kept {
            return Ok(picture);
        }
        let picture = decode_upright(path, max_side)?;
        if let Some(file) = file {
            // Nobody waits for the disk: what finds no place in the row is made again another time.
            drop(self.made.try_send((file, picture.clone())));
        }
        Ok(picture)
    }
}

/// What a picture's thumbnail is called, below the folder of all; none if it is not worth keeping or not there.
fn name_of(path: &Path, max_side: u32) -> Option<PathBuf> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() < WORTH_BYTES {
        return None;
    }
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let path = std::path::absolute(path).ok()?;
    let mut hash = Xxh3::new();
    hash.update(&metadata.len().to_le_bytes());
    hash.update(&changed.as_nanos().to_le_bytes());
    hash.update(&max_side.to_le_bytes());
    hash.update(path.as_os_str().as_encoded_bytes());
    let name = format!("{:032x}", hash.digest128());
    // In 256 folders: file systems slow down with very many names in one.
    let (group, rest) = name.split_at(2);
    Some(Path::new(group).join(format!("{rest}.{ENDING}")))
}

/// A kept thumbnail; none if there is none, or something else under its name.
fn read(file: &Path, max_side: u32) -> Option<Rgb> {
    let mut bytes = Vec::new();
    let file = fs::File::open(file).ok()?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let (header, jpeg) = bytes.split_at_checked(HEADER_BYTES)?;
    let (magic, checksum) = header.split_at(MAGIC.len());
    if magic != MAGIC || checksum != xxh3_64(jpeg).to_le_bytes() {
        return None;
    }
    let picture = thumbnail::from_bytes(jpeg, max_side).ok()?;
    Some(picture.rgb)
}

/// Writes one in one step: a crash leaves none rather than half of one.
fn write(file: &Path, picture: &Rgb) -> io::Result<u64> {
    let mut jpeg = Vec::new();
    let (width, height) = (picture.width, picture.height);
    JpegEncoder::new_with_quality(&mut jpeg, 88)
        .encode(&picture.data, width, height, ExtendedColorType::Rgb8)
        .map_err(io::Error::other)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    unfinished.write_all(MAGIC)?;
    unfinished.write_all(&xxh3_64(&jpeg).to_le_bytes())?;
    unfinished.write_all(&jpeg)?;
    unfinished.persist(file).map_err(|error| error.error)?;
    Ok(room(jpeg.len() as u64))
}

/// Makes a folder that only its owner reads: what is kept is what was reviewed.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The room that a file takes on disk.
fn room(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}

/// The room on disk that thumbnails take, in bytes. Some tenths of a second for a hundred thousand, so never in a frame.
pub fn bytes_in(folder: &Path) -> u64 {
    kept_in(folder).iter().map(|(_, bytes, _)| bytes).sum()
}

/// Deletes every thumbnail, and nothing that is none. Returns the room that this gave back, in bytes.
///
/// # Errors
/// Some could not be deleted; all others are.
pub fn delete_all(folder: &Path) -> io::Result<u64> {
    let mut freed = 0;
    let mut failed = None;
    for (_, bytes, file) in kept_in(folder) {
        match fs::remove_file(&file) {
            Ok(()) => freed += bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed = Some(error),
        }
        if let Some(group) = file.parent() {
            // It stays as long as anything is in it.
            drop(fs::remove_dir(group));
        }
    }
    failed.map_or(Ok(freed), Err)
}

/// Every file of ours: its age, its room, where it is. Others are left alone; what a crash left behind half written goes.
fn kept_in(folder: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept = Vec::new();
    for group in entries(folder).filter(|entry| entry.file_name().len() == 2) {
        for entry in entries(&group.path()) {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let (path, changed) = (entry.path(), metadata.modified().unwrap_or(UNIX_EPOCH));
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(UNFINISHED) {
                if changed.elapsed().is_ok_and(|age| age > UNFINISHED_FOR) {
                    drop(fs::remove_file(&path));
                }
            } else if path.extension().is_some_and(|ending| ending == ENDING) {
                kept.push((changed, room(metadata.len()), path));
            }
        }
    }
    kept
}

/// Owns the folder's content.
struct Keeper {
    folder: PathBuf,
    limit_bytes: u64,
}

impl Keeper {
    /// Writes what comes until nobody is left to send anything.
    fn run(&self, waiting: &Receiver<(PathBuf, Rgb)>) {
        // Nobody looks into the folder before there is something to keep.
        let mut bytes = None;
        for (file, picture) in waiting {
            // A thumbnail that cannot be kept is no reason to disturb anyone.
            let added = write(&file, &picture).unwrap_or(0);
            let now = bytes.map_or_else(|| self.tidy(), |before: u64| before + added);
            bytes = Some(match now > self.limit_bytes {
                true => self.tidy(),
                false => now,
            });
        }
    }

    /// Drops the oldest until nine tenths of the limit are in use, and what crashes left behind. Returns the room in use.
    fn tidy(&self) -> u64 {
        let mut kept = kept_in(&self.folder);
        let mut bytes = kept.iter().map(|(_, bytes, _)| bytes).sum();
        if bytes <= self.limit_bytes {
            return bytes;
        }
        kept.sort_unstable();
        for (_, room, file) in kept {
            if bytes <= self.limit_bytes / 10 * 9 {
                break;
            }
            if fs::remove_file(&file).is_ok() {
                bytes -= room;
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that is worth keeping: noise, which no format makes small.
    fn picture(folder: &Path, name: &str) -> PathBuf {
        let mut state = 1_u32;
        let noise = image::RgbImage::from_fn(200, 100, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(state >> 24) as u8, (state >> 16) as u8, 90])
        });
        let path = folder.join(name);
        noise.save(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > WORTH_BYTES);
        path
    }

    fn kept(folder: &Path) -> Vec<PathBuf> {
        let kept = kept_in(folder).into_iter();
        kept.map(|(.., path)| path).collect()
    }

    /// Looks at a picture, and waits until its thumbnail is kept.
    fn keep(folder: &Path, picture: &Path) -> (PathBuf, Rgb) {
        let thumbnails = KeptThumbnails::start(folder.to_owned(), LIMIT_BYTES).unwrap();
        let shown = thumbnails.load(picture, 96).unwrap();
        let file = folder.join(name_of(picture, 96).unwrap());
        while !file.exists() {
            std::thread::yield_now();
        }
        (file, shown)
    }

    #[test]
    fn a_thumbnail_outlives_the_run_and_looks_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let path = picture(folder.path(), "a.png");
        let (file, shown) = keep(&cache, &path);
        assert_eq!((shown.width, shown.height), (96, 48));
        let again = read(&file, 96).unwrap();
        let off = shown.data.iter().zip(&again.data);
        let off: u32 = off.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        assert!(off / (shown.data.len() as u32) < 12, "{off}");
        // It is what is shown, while the picture itself is as it was.
        let next = KeptThumbnails::start(cache, LIMIT_BYTES).unwrap();
        assert_eq!(next.load(&path, 96).unwrap(), again);
    }

    #[test]
    fn a_changed_picture_is_looked_at_again_and_a_missing_one_told() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let path = picture(folder.path(), "a.png");
        let (file, _) = keep(&cache, &path);
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"more")
            .unwrap();
        assert_ne!(name_of(&path, 96).map(|name| cache.join(name)), Some(file));
        fs::remove_file(&path).unwrap();
        let thumbnails = KeptThumbnails::start(cache, LIMIT_BYTES).unwrap();
        assert!(thumbnails.load(&path, 96).is_err());
    }

    #[test]
    fn broken_and_foreign_files_in_the_folder_are_taken_for_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let path = picture(folder.path(), "a.png");
        let (file, shown) = keep(&cache, &path);
        let whole = fs::read(&file).unwrap();
        let mut turned = whole.clone();
        turned[HEADER_BYTES + 40] ^= 1;
        let another = fs::read(&path).unwrap();
        for bytes in [
            &whole[..whole.len() / 2],
            &turned,
            &another,
            b"",
            b"ovthumb1",
        ] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(read(&file, 96), None);
        }
        let thumbnails = KeptThumbnails::start(cache, LIMIT_BYTES).unwrap();
        assert_eq!(thumbnails.load(&path, 96).unwrap(), shown);
    }

    #[test]
    fn the_oldest_make_room_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let first = keep(&cache, &picture(folder.path(), "0.png")).0;
        let long_ago = SystemTime::now() - Duration::from_secs(86_400);
        let file = fs::File::options().write(true).open(&first).unwrap();
        file.set_modified(long_ago).unwrap();
        for number in 1..6 {
            keep(&cache, &picture(folder.path(), &format!("{number}.png")));
        }
        let foreign = cache.join("README");
        fs::write(&foreign, "mine").unwrap();
        let unfinished = first.with_file_name(format!("{UNFINISHED}x"));
        fs::write(&unfinished, "half").unwrap();
        let file = fs::File::options().write(true).open(&unfinished).unwrap();
        file.set_modified(long_ago).unwrap();

        let one = room(fs::metadata(&first).unwrap().len());
        let keeper = Keeper {
            folder: cache.clone(),
            limit_bytes: 5 * one,
        };
        let bytes = keeper.tidy();
        let left = kept(&cache);
        assert!(bytes <= 5 * one && left.len() as u64 * one == bytes);
        assert!(!first.exists() && !unfinished.exists() && foreign.exists());
    }

    #[test]
    fn all_can_be_deleted_and_turned_off_and_nothing_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let path = picture(folder.path(), "a.png");
        let (file, _) = keep(&cache, &path);
        let foreign = file.with_file_name("notes.txt");
        fs::write(&foreign, "mine").unwrap();
        let bytes = bytes_in(&cache);
        assert_eq!(bytes, room(fs::metadata(&file).unwrap().len()));
        assert_eq!(delete_all(&cache).unwrap(), bytes);
        assert!(!file.exists() && foreign.exists());
        assert_eq!((bytes_in(&cache), delete_all(&cache).unwrap()), (0, 0));
        fs::remove_file(&foreign).unwrap();
        let (file, _) = keep(&cache, &path);
        delete_all(&cache).unwrap();
        assert!(!file.parent().unwrap().exists() && cache.exists());

        let off = KeptThumbnails::start(cache.clone(), LIMIT_BYTES).unwrap();
        off.turn(false);
        assert_eq!(off.load(&path, 96).unwrap().width, 96);
        drop(off);
        let (file, _) = keep(&cache, &picture(folder.path(), "b.png"));
        assert_eq!(kept(&cache), [file]);
    }

    #[test]
    fn small_files_are_not_worth_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.png");
        image::RgbImage::new(8, 8).save(&path).unwrap();
        assert_eq!(name_of(&path, 96), None);
    }
}
