//! Parquet files unpacked: their pictures as files, their rows as tables.

use std::{collections::HashSet, fs, path::Path};

use super::{
    Images, Options, PrepareError, Prepared, Progress,
    images::FOLDER,
    most_frequent, refuse_own_folder,
    tables::{CLASS_NAMES, table_name, write_faults, write_files},
};
use crate::{
    dataset::{
        Loaded, OpenOptions,
        parquet::{Origin, Picture, Table},
        raw::{Fault, Reason, Split},
    },
    export::{ExportError, csv, image_files::place_bytes},
    post::{Post, Problem, ProblemKind},
};

/// The most folders that a picture's name may have in it.
const MOST_FOLDERS: usize = 6;

/// Writes the pictures one after the other, then the tables.
pub(super) fn unpack(
    source: &Path,
    options: &Options,
    on_progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Prepared, PrepareError> {
    if options.images == Images::InPlace {
        return Err(PrepareError::InPlaceArchive(source.to_owned()));
    }
    let table = Table::open(source)?;
    refuse_own_folder(&options.out, table.folders())?;
    let total = usize::try_from(table.n_rows()).unwrap_or(usize::MAX);
    make_folder(&options.out)?;
    let mut made = Prepared::default();
    let (mut names, mut folders) = (HashSet::new(), HashSet::new());
    let mut done = 0;
    let read = table.read(|picture| {
        if !on_progress(Progress { done, total }) {
            return Err(PrepareError::Stopped);
        }
        done += 1;
        let Some(bytes) = picture.bytes else {
            return Ok(picture.path.unwrap_or_default().to_owned());
        };
        let name = name_of(&picture, bytes, &mut names);
        let target = options.out.join(&name);
        if let Some(folder) = target.parent()
            && folders.insert(folder.to_owned())
        {
            make_folder(folder)?;
        }
        let placed = place_bytes(bytes, &target, options.replace)
            .map_err(|e| ExportError::from_io(&target, e))?;
        made.count(placed);
        Ok(name)
    })?;
    on_progress(Progress { done: total, total });
    let faults = read.faults.iter().map(|fault| Fault {
        reason: Reason::UnreadableEntry,
        id: fault.to_string(),
        file: fault.file.to_string(),
        line: None,
    });
    let mut faults: Vec<Fault> = faults.collect();
    // Classes by name are what the file means, whatever class_names.txt of something else lies beside it.
    let options_here = OpenOptions {
        labels: read.class_names()?,
        ..OpenOptions::default()
    };
    let (loaded, origins) = read.finish(source, &options_here)?;
    let of_post = |problem| fault_of(problem, &origins);
    faults.extend(loaded.problems.iter().filter_map(of_post));
    write(&loaded, &origins, options, &mut made)?;
    if made.tables.is_empty() {
        return Err(PrepareError::NoPosts {
            path: source.to_owned(),
            hint: most_frequent(&faults),
        });
    }
    write_faults(&faults, &options.out)?;
    made.faults = faults;
    Ok(made)
}

/// The fault that a post has. Such a post is in no table: nobody should train with labels that were understood in part.
fn fault_of(problem: &Problem, origins: &[Origin]) -> Option<Fault> {
    let origin = origins.get(problem.post?)?;
    Some(Fault {
        reason: match problem.kind {
            ProblemKind::UnknownLabel => Reason::UnknownLabel,
            _ => Reason::UnreadableEntry,
        },
        id: format!("{origin}: {}", problem.message),
        file: origin.file.to_string(),
        line: None,
    })
}

fn make_folder(folder: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(folder).map_err(|error| ExportError::from_io(folder, error))
}

/// Where a picture goes below the folder of the tables: under its own name, with the folders in it where every system can make
/// them, unless another picture has it.
fn name_of(picture: &Picture<'_>, bytes: &[u8], taken: &mut HashSet<String>) -> String {
    let folder = match picture.split {
        Some(split) => format!("{FOLDER}/{}", split.name()),
        None => FOLDER.to_owned(),
    };
    let extension = image::guess_format(bytes)
        .ok()
        .and_then(|format| format.extensions_str().first().copied())
        .unwrap_or("image");
    let numbered = || format!("{folder}/{:08}.{extension}", picture.number);
    let own = picture.path.and_then(|path| {
        let mut folders: Vec<&str> = path.split(['/', '\\']).collect();
        let name = folders.pop().filter(|name| is_plain(name))?;
        folders.insert(0, &folder);
        let is_inside = folders.len() <= 1 + MOST_FOLDERS;
        match is_inside && folders.iter().skip(1).all(|part| is_plain_folder(part)) {
            true => Some(format!("{}/{name}", folders.join("/"))),
            false => Some(format!("{folder}/{name}")),
        }
    });
    // Where case does not count, two names that differ in it are one file.
    match own {
        Some(own) if taken.insert(own.to_lowercase()) => own,
        _ => {
            let numbered = numbered();
            taken.insert(numbered.clone());
            numbered
        }
    }
}

/// Whether a folder can have this name on every system. Without a dot it is never the name of a picture.
fn is_plain_folder(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    (1..=60).contains(&name.len()) && name.chars().all(is_plain) && !is_device(name)
}

/// Whether a name is a file's on every system.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ' | '(' | ')');
    let is_numbered = |stem: &str| stem.len() == 8 && stem.bytes().all(|b| b.is_ascii_digit());
    let stem = name.split('.').next().unwrap_or_default();
    // Names of eight digits are those that pictures without one get.
    (1..=120).contains(&name.len())
        && name.contains('.')
        && !name.starts_with(['.', ' '])
        && !name.ends_with(['.', ' '])
        && name.chars().all(is_plain)
        && !is_numbered(stem)
        && !is_device(stem)
}

/// Whether Windows keeps this name for itself.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    let numbered = ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    });
    numbered || ["con", "prn", "aux", "nul"].contains(&stem.as_str())
}

/// Writes the table of each split.
fn write(
    loaded: &Loaded,
    origins: &[Origin],
    options: &Options,
    made: &mut Prepared,
) -> Result<(), PrepareError> {
    let faulty: HashSet<usize> = loaded.problems.iter().filter_map(|p| p.post).collect();
    let mut files = Vec::new();
    for split in Split::ALL.map(Some).into_iter().chain([None]) {
        let of_split = (0..)
            .zip(&loaded.posts)
            .zip(origins)
            .filter(|((place, _), origin)| origin.split == split && !faulty.contains(place));
        let posts: Vec<&Post> = of_split.map(|((_, post), _)| post).collect();
        if posts.is_empty() {
            continue;
        }
        let path = options.out.join(table_name(split));
        files.push((path.clone(), to_bytes(loaded, &posts)));
        made.tables.push((path, posts.len()));
    }
    if files.is_empty() {
        return Ok(());
    }
    if !loaded.labels.is_empty() {
        let path = options.out.join(CLASS_NAMES);
        files.push((path, csv::class_names(&loaded.labels)?));
    }
    made.kept = write_files(files, options)?;
    Ok(())
}

fn to_bytes(loaded: &Loaded, posts: &[&Post]) -> Vec<u8> {
    let mut writer = csv::writer();
    // Writing to memory cannot fail, and every row has as many cells as the header.
    let header = csv::COLUMNS.into_iter();
    let header = header.chain(loaded.extra_columns.iter().map(String::as_str));
    writer.write_record(header).ok();
    for post in posts {
        let labels = post.truth.map_or_else(
            || csv::UNKNOWN.to_owned(),
            |truth| csv::labels_cell(&loaded.labels, truth),
        );
        let cells = [&*post.text, &*post.image_path, labels.as_str()].into_iter();
        let cells = cells.chain(post.extra.iter().map(|cell| &**cell));
        writer.write_record(cells).ok();
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_name_where_it_can() {
        let mut taken = HashSet::new();
        let mut name = |path: Option<&str>, number| {
            let picture = Picture {
                split: Some(Split::Val),
                number,
                bytes: None,
                path,
            };
            name_of(&picture, b"\x89PNG\r\n\x1a\n", &mut taken)
        };
        for (path, expected) in [
            (Some("cat.png"), "cat.png"),
            (Some("folder/dog.jpg"), "folder/dog.jpg"),
            (Some("other\\dog.jpg"), "other/dog.jpg"),
            (Some("dog.jpg"), "dog.jpg"),
            (Some("dog.jpg"), "00000003.png"),
            (Some("FOLDER/DOG.jpg"), "00000004.png"),
            (Some("/home/me/owl.png"), "owl.png"),
            (Some("v1.2/hen.png"), "hen.png"),
            (Some("con/bee.png"), "bee.png"),
            (Some("a/b/c/d/e/f/g/ant.png"), "ant.png"),
            (Some("../../etc/passwd"), "00000005.png"),
            (Some("C:\\x\\fox.png"), "fox.png"),
            (Some("00000008.png"), "00000007.png"),
            (Some("nul.png"), "00000008.png"),
            (Some(".hidden.png"), "00000009.png"),
            (Some("a\nb.png"), "00000010.png"),
            (None, "00000011.png"),
        ] {
            let number = expected.split('.').next().and_then(|n| n.parse().ok());
            assert_eq!(
                name(path, number.unwrap_or(1)),
                format!("images/val/{expected}")
            );
        }
    }
}
