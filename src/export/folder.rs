//! Formats that are a folder: the images go in first, what describes them last and in one step.

use std::{
    collections::HashSet,
    fs,
    path::{Component, Path},
};

use super::{ExportError, TrainingSet, atomic, image_files::place, training_set::Row};
use crate::post::Post;

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

/// Brings the images of all rows into a folder, as second names of the same files where the disk can. Each post has a file of
/// its own, also where two share an image. A post whose image does not exist is left out.
pub(super) fn place_images<'a>(
    set: &'a TrainingSet,
    folder: &Path,
    naming: Naming,
) -> Result<Vec<Placed<'a>>, ExportError> {
    let error = |source| ExportError::from_io(folder, source);
    fs::create_dir_all(folder).map_err(error)?;
    let mut stems = HashSet::new();
    let mut made = HashSet::new();
    let mut placed = Vec::new();
    for (post, row) in set.rows() {
        let Some(file) = set.dataset().image_file(post).filter(|file| file.is_file()) else {
            continue;
        };
        let name = match naming {
            Naming::Own => unique(&name_of(&post.image_path), &mut stems),
            Naming::Numbered => numbered(row.post + 1, &file),
        };
        let target = folder.join(&name);
        let parent = atomic::folder_of(&target);
        if made.insert(parent.to_owned()) {
            fs::create_dir_all(parent).map_err(error)?;
        }
        place(&file, &target, true).map_err(|source| ExportError::from_io(&target, source))?;
        placed.push(Placed { post, row, name });
    }
    Ok(placed)
}

/// An image's name below the folder: its path if that stays inside, else the name of its file.
fn name_of(image_path: &str) -> String {
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

/// The name, with a number behind its stem if another file has that stem: some tools know files by it.
fn unique(name: &str, stems: &mut HashSet<String>) -> String {
    let at = name
        .rfind('.')
        .filter(|at| !name.get(*at..).unwrap_or_default().contains('/'));
    let (stem, ending) = name.split_at(at.unwrap_or(name.len()));
    let mut n = 1;
    let mut candidate = stem.to_owned();
    while !stems.insert(candidate.to_lowercase()) {
        n += 1;
        candidate = format!("{stem}-{n}");
    }
    format!("{candidate}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_names_of_their_own_inside_the_folder() {
        let mut stems = HashSet::new();
        for (image_path, name) in [
            ("images/a.png", "a.png"),
            ("a.jpg", "a-2.jpg"),
            ("A.png", "A-3.png"),
            ("x/y.png", "x/y.png"),
            ("./x/y.png", "x/y-2.png"),
            ("../x/z.png", "z.png"),
            ("/abs/z.png", "z-2.png"),
            ("v1.2/plain", "v1.2/plain"),
        ] {
            assert_eq!(unique(&name_of(image_path), &mut stems), name);
        }
    }
}
