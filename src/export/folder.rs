//! Formats that are a folder: the images go in first, what describes them last and in one step.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Component, Path},
};

use super::{
    ExportError, TrainingSet, atomic::folder_of, image_files::place, paths::is_same,
    training_set::Row,
};
use crate::{dataset::Dataset, image::is_picture, post::Post};

/// A post whose image is in the folder.
pub(super) struct Placed<'a> {
    pub post: &'a Post,
    pub row: &'a Row,
    /// From the folder of images, with `/` between the parts.
    pub name: String,
}

/// How images are called in the folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naming {
    /// As the dataset calls them, as far as that stays inside the folder.
    Own,
    /// By the number of their post.
    Numbered,
}

/// Whether what goes into `folder`, and into `images` below it, would lie among the dataset's own files.
pub(super) fn is_of_dataset(dataset: &Dataset, folder: &Path, images: &Path) -> bool {
    let is_beside = !dataset.path.is_dir() && is_same(folder, folder_of(&dataset.path));
    if is_beside || is_same(folder, &dataset.image_root) {
        return true;
    }
    let Ok(images) = images.canonicalize() else {
        return false;
    };
    let mut seen = HashSet::new();
    let files = dataset.posts.iter().filter_map(|p| dataset.image_file(p));
    let folders = files.filter_map(|file| Some(file.parent()?.to_owned()));
    folders
        .filter(|folder| seen.insert(folder.clone()))
        .any(|folder| folder.canonicalize().is_ok_and(|f| f.starts_with(&images)))
}

/// Brings the images of all rows into a folder, as second names of the same files where the disk can. Each post has a file of
/// its own, also where two share an image. A post whose image does not exist, or is none, is left out. Another file of the same name is
/// replaced only if `replace` says so.
pub(super) fn place_images<'a>(
    set: &'a TrainingSet,
    folder: &Path,
    naming: Naming,
    replace: bool,
) -> Result<Vec<Placed<'a>>, ExportError> {
    let error = |source| ExportError::from_io(folder, source);
    fs::create_dir_all(folder).map_err(error)?;
    let mut stems = Stems::default();
    let mut made = HashSet::new();
    let mut placed = Vec::new();
    for (post, row) in set.rows() {
        // What others read is published: a row may name any file of whoever exports it.
        let Some(file) = set.dataset().image_file(post).filter(|f| is_picture(f)) else {
            continue;
        };
        let name = match naming {
            Naming::Own => stems.unique(&name_of(&post.image_path)),
            Naming::Numbered => numbered(row.post + 1, &file),
        };
        let target = folder.join(&name);
        let parent = folder_of(&target);
        if made.insert(parent.to_owned()) {
            fs::create_dir_all(parent).map_err(error)?;
        }
        place(&file, &target, true, replace)
            .map_err(|source| ExportError::from_io(&target, source))?;
        placed.push(Placed { post, row, name });
    }
    Ok(placed)
}

/// An image's name below the folder: its path if that stays inside, else the name of its file.
pub(super) fn name_of(image_path: &str) -> String {
    let path = Path::new(image_path);
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let inside: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let inside = inside
        .filter(|parts| !parts.is_empty())
        .map(|parts| parts.join("/"));
    let name = inside
        .or_else(|| Some(path.file_name()?.to_str()?.to_owned()))
        .unwrap_or_default();
    // The folder of images has a name of its own already.
    ["images/", "data/"]
        .iter()
        .find_map(|own| name.strip_prefix(own))
        .unwrap_or(&name)
        .to_owned()
}

fn numbered(number: usize, file: &Path) -> String {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some(ending) => format!("{number:07}.{}", ending.to_lowercase()),
        None => format!("{number:07}"),
    }
}

/// A name without its ending, and the ending with its dot: some tools know files by the first part. A dot in a folder's name
/// begins no ending.
pub(super) fn stem_and_ending(name: &str) -> (&str, &str) {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name.rfind('.').filter(|dot| *dot >= file);
    name.split_at(dot.unwrap_or(name.len()))
}

/// The stems that are taken, in lower case: where case does not count, two names that differ in it are one file.
#[derive(Default)]
struct Stems {
    taken: HashSet<String>,
    /// The last number behind each stem. Searching from 2 on for every picture would take hours for 100,000 of one name.
    last: HashMap<String, usize>,
}

impl Stems {
    /// The name, with a number behind its stem if another file has that stem.
    fn unique(&mut self, name: &str) -> String {
        let (stem, ending) = stem_and_ending(name);
        if self.taken.insert(stem.to_lowercase()) {
            return name.to_owned();
        }
        let last = self.last.entry(stem.to_lowercase()).or_insert(1);
        loop {
            *last += 1;
            let candidate = format!("{stem}-{last}");
            if self.taken.insert(candidate.to_lowercase()) {
                return candidate + ending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_names_of_their_own_inside_the_folder() {
        let mut stems = Stems::default();
        for (image_path, name) in [
            ("images/a.png", "a.png"),
            ("a.jpg", "a-2.jpg"),
            ("A.png", "A-3.png"),
            ("x/y.png", "x/y.png"),
            ("./x/y.png", "x/y-2.png"),
            ("../x/z.png", "z.png"),
            ("/abs/z.png", "z-2.png"),
            ("v1.2/plain", "v1.2/plain"),
            ("v1.2/plain", "v1.2/plain-2"),
            ("a-4.png", "a-4.png"),
            ("a.gif", "a-5.gif"),
        ] {
            assert_eq!(stems.unique(&name_of(image_path)), name);
        }
    }

    #[test]
    fn a_hundred_thousand_pictures_of_one_name_are_numbered_in_one_go() {
        let mut stems = Stems::default();
        let last = (0..100_000).map(|_| stems.unique("image.jpg")).last();
        assert_eq!(last.as_deref(), Some("image-100000.jpg"));
    }
}
