//! Where a published dataset's files are: in a folder, or in the zip archive that was downloaded.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::{Kind, hateful_memes, mmhs150k};
use crate::dataset::OpenError;

/// The largest file that is taken from an archive: a bomb claims more.
const MAX_ENTRY_BYTES: u64 = 1 << 30;

/// The files of a published dataset. Names are relative to its folder, with `/` between the parts.
pub struct Source {
    /// The folder, or the archive, that the user gave.
    path: PathBuf,
    kind: Kind,
    files: Files,
}

enum Files {
    /// In this folder, which may lie below the one given.
    Folder(PathBuf),
    /// In an archive: each file's place in it.
    Archive {
        archive: Box<ZipArchive<BufReader<File>>>,
        places: HashMap<String, usize>,
    },
}

/// The dataset in a folder or in the only folder below it, and that folder.
pub(super) fn recognise(folder: &Path) -> Option<(Kind, PathBuf)> {
    let kind_of = |folder: &Path| {
        if folder.join(mmhs150k::GROUND_TRUTH).is_file() {
            return Some(Kind::Mmhs150k);
        }
        let listed = hateful_memes::FILES
            .iter()
            .find_map(|(name, _)| first_line(&folder.join(name)));
        listed
            .filter(|line| hateful_memes::is_line(line))
            .map(|_| Kind::HatefulMemes)
    };
    if let Some(kind) = kind_of(folder) {
        return Some((kind, folder.to_owned()));
    }
    // As archives unpack: one folder of the dataset's name, and nothing beside it.
    let mut entries = fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with(['.', '_']));
    let (only, none) = (entries.next()?, entries.next());
    let only = only.path();
    (none.is_none() && only.is_dir()).then(|| Some((kind_of(&only)?, only)))?
}

fn first_line(path: &Path) -> Option<Vec<u8>> {
    /// A line of the dataset has some hundred bytes.
    const MAX_BYTES: u64 = 64 << 10;
    let mut line = Vec::new();
    let file = File::open(path).ok()?.take(MAX_BYTES);
    BufReader::new(file).read_until(b'\n', &mut line).ok()?;
    Some(line)
}

impl Source {
    /// Opens a folder or a zip archive that holds MMHS150K or Hateful Memes.
    ///
    /// # Errors
    /// If it cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let found = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => OpenError::NotFound(path.to_owned()),
            _ => OpenError::Read {
                path: path.to_owned(),
                source,
            },
        })?;
        if found.is_dir() {
            let (kind, folder) =
                recognise(path).ok_or_else(|| OpenError::NotRaw(path.to_owned()))?;
            let files = Files::Folder(std::path::absolute(&folder).unwrap_or(folder));
            return Ok(Self {
                path: path.to_owned(),
                kind,
                files,
            });
        }
        Self::open_archive(path)
    }

    fn open_archive(path: &Path) -> Result<Self, OpenError> {
        let error = |source| OpenError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(error)?;
        let is_archive = first_line(path).is_some_and(|line| line.starts_with(b"PK"));
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|_| match is_archive {
            true => OpenError::BrokenArchive(path.to_owned()),
            false => OpenError::NotRaw(path.to_owned()),
        })?;
        let names: Vec<(String, usize)> = (0..archive.len())
            .filter_map(|place| Some((archive.name_for_index(place)?.ok()?.into_owned(), place)))
            .filter(|(name, _)| !name.ends_with('/') && !name.starts_with("__MACOSX/"))
            .collect();
        let (kind, prefix) =
            kind_of_names(&names).ok_or_else(|| OpenError::NotRaw(path.to_owned()))?;
        let places = names
            .iter()
            .filter_map(|(name, place)| Some((name.strip_prefix(&prefix)?.to_owned(), *place)));
        let files = Files::Archive {
            places: places.collect(),
            archive: Box::new(archive),
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
            files,
        })
    }

    /// Which dataset it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The folder that names are relative to; the archive itself if it is one.
    pub fn folder(&self) -> &Path {
        match &self.files {
            Files::Folder(folder) => folder,
            Files::Archive { .. } => &self.path,
        }
    }

    /// Whether the files lie in a folder and not in an archive.
    pub fn is_folder(&self) -> bool {
        matches!(self.files, Files::Folder(_))
    }

    /// The names of the files right in a folder, without the folder.
    ///
    /// # Errors
    /// As the system has them; a folder that does not exist has no files.
    pub fn names_in(&self, folder: &str) -> Result<HashSet<String>, OpenError> {
        match &self.files {
            Files::Folder(root) => {
                let path = root.join(folder);
                let entries = match fs::read_dir(&path) {
                    Ok(entries) => entries,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Ok(HashSet::new());
                    }
                    Err(source) => return Err(OpenError::Read { path, source }),
                };
                let names = entries
                    .flatten()
                    .filter_map(|e| e.file_name().into_string().ok());
                Ok(names.collect())
            }
            Files::Archive { places, .. } => {
                let inside = |name: &String| {
                    let (parent, name) = name.rsplit_once('/').unwrap_or(("", name));
                    (parent == folder).then(|| name.to_owned())
                };
                Ok(places.keys().filter_map(inside).collect())
            }
        }
    }

    /// The bytes of a file; `None` if there is none of this name.
    ///
    /// # Errors
    /// As the system has them, or if the archive is damaged there.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let result = match &mut self.files {
            Files::Folder(root) => match fs::read(root.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other,
            },
            Files::Archive { archive, places } => match places.get(name) {
                None => return Ok(None),
                Some(place) => read_entry(archive, *place),
            },
        };
        result.map(Some).map_err(|source| OpenError::Read {
            path: self.folder().join(name),
            source,
        })
    }
}

/// The dataset whose files these are, and what stands in front of all its names.
fn kind_of_names(names: &[(String, usize)]) -> Option<(Kind, String)> {
    let prefix_of = |wanted: &str| {
        let fits = |name: &str| {
            let prefix = name.strip_suffix(wanted)?;
            (prefix.is_empty() || prefix.ends_with('/')).then(|| prefix.to_owned())
        };
        names
            .iter()
            .filter_map(|(name, _)| fits(name))
            .min_by_key(String::len)
    };
    let ground_truth = prefix_of(mmhs150k::GROUND_TRUTH).map(|p| (Kind::Mmhs150k, p));
    ground_truth.or_else(|| {
        let mut listed = hateful_memes::FILES
            .iter()
            .filter_map(|(name, _)| prefix_of(name));
        let prefix = listed.next()?;
        let images = format!("{prefix}{}/", hateful_memes::IMAGES);
        let has_images = names.iter().any(|(name, _)| name.starts_with(&images));
        has_images.then_some((Kind::HatefulMemes, prefix))
    })
}

/// Unpacks an entry and checks it. (The crate's own reader of deflated entries is switched off: the feature is one for all
/// users of the crate, and PyTorch's files must not have any compression.)
fn read_entry(archive: &mut ZipArchive<BufReader<File>>, place: usize) -> io::Result<Vec<u8>> {
    let entry = archive.by_index_raw(place).map_err(io::Error::other)?;
    let (size, crc, method) = (entry.size(), entry.crc32(), entry.compression());
    if size > MAX_ENTRY_BYTES {
        return Err(io::Error::other("it claims to be larger than 1 GiB"));
    }
    if entry.encrypted() {
        return Err(io::Error::other("it is encrypted"));
    }
    let mut bytes = Vec::new();
    if method == CompressionMethod::Stored {
        entry.take(size + 1).read_to_end(&mut bytes)?;
    } else if method == CompressionMethod::DEFLATE {
        DeflateDecoder::new(entry)
            .take(size + 1)
            .read_to_end(&mut bytes)?;
    } else {
        return Err(io::Error::other(
            "it is compressed in a way that is not supported; unpack the archive first",
        ));
    }
    let mut sum = flate2::Crc::new();
    sum.update(&bytes);
    if bytes.len() as u64 != size || sum.sum() != crc {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is damaged; download the archive again",
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_cut_off_is_told_from_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("MMHS150K.zip");
        for (bytes, expected) in [
            (&b"PK\x03\x04 and no end"[..], "is not whole"),
            (b"no archive", "is neither MMHS150K"),
        ] {
            fs::write(&file, bytes).unwrap();
            let error = Source::open(&file).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
