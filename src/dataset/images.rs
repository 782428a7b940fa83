//! Where a dataset's images are.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use super::Dataset;
use crate::post::{Post, Problem, ProblemKind};

/// How many posts are tried to tell which of two folders the images are in.
const TRIED_POSTS: usize = 20;

/// From this many posts on, a folder is listed once instead of asking for every file.
const LISTING_PAYS_FROM: usize = 256;

/// What relative image paths start from: what the user says, else the CSV's folder, else its `images/` if the
/// first posts' images are there and not in the folder itself.
pub(super) fn choose_root(given: Option<&Path>, folder: &Path, posts: &[Post]) -> PathBuf {
    if let Some(given) = given {
        return std::path::absolute(given).unwrap_or_else(|_| given.to_owned());
    }
    let images = folder.join("images");
    let relative = posts
        .iter()
        .map(|post| Path::new(&*post.image_path))
        .filter(|path| path.is_relative() && !path.as_os_str().is_empty())
        .take(TRIED_POSTS);
    let (mut here, mut in_images) = (0, 0);
    for path in relative {
        here += usize::from(folder.join(path).is_file());
        in_images += usize::from(images.join(path).is_file());
    }
    if in_images > here {
        images
    } else {
        folder.to_owned()
    }
}

/// Whether a name that a dataset gives is that of a file below the folder it starts from, also without its first parts: not
/// absolute on any system, no `..`, no drive, no web address, no empty part (`img//etc/x` without `img/` is absolute).
/// Whatever is read or written by a name of someone else's goes through here.
pub(crate) fn is_inside(name: &str) -> bool {
    let leads_out = |part: &str| {
        let has_drive = part.chars().nth(1) == Some(':');
        part.is_empty() || part == ".." || has_drive
    };
    let is_folder = name.rsplit(['/', '\\']).next() == Some(".");
    !(is_folder || name.contains('\0') || name.split(['/', '\\']).any(leads_out))
}

/// Looks for the images of some posts and says which files do not exist.
///
/// Opening a dataset does not look, since that takes long for many posts or a slow disk. Call this from a
/// background thread; for the whole dataset at once, or in ranges of at least some hundred posts.
pub fn find_missing_images(dataset: &Dataset, posts: Range<usize>) -> Vec<Problem> {
    let first = posts.start.min(dataset.posts.len());
    let Some(range) = dataset.posts.get(first..posts.end.min(dataset.posts.len())) else {
        return Vec::new();
    };
    let mut folders = Folders::default();
    let listing = range.len() >= LISTING_PAYS_FROM;
    range
        .iter()
        .zip(first..)
        .filter_map(|(post, place)| {
            let file = dataset.image_file(post)?;
            let exists = if listing {
                folders.have(&file)
            } else {
                file.exists()
            };
            (!exists).then(|| Problem {
                kind: ProblemKind::MissingImage,
                post: Some(place),
                line: (post.line > 0).then_some(post.line.into()),
                column: None,
                message: missing_message(&post.image_path, &file),
            })
        })
        .collect()
}

fn missing_message(image_path: &str, file: &Path) -> String {
    if image_path.contains("://") {
        return format!(
            "the image is a web address; download it and give its file name instead: {image_path}"
        );
    }
    format!(
        "there is no such image; check image_path, or give the images' folder with --image-root: {}",
        file.display()
    )
}

/// The names in folders, each folder listed once; `None` for one that does not exist.
#[derive(Default)]
struct Folders(HashMap<PathBuf, Option<HashSet<OsString>>>);

impl Folders {
    /// Whether a file exists, asking for the file itself only if its folder does not list its very name: where
    /// case does not count, it may still be there.
    fn have(&mut self, file: &Path) -> bool {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return file.exists();
        };
        if !self.0.contains_key(folder) {
            self.0.insert(folder.to_owned(), list(folder));
        }
        match self.0.get(folder) {
            Some(Some(names)) => names.contains(name) || file.exists(),
            _ => false,
        }
    }
}

fn list(folder: &Path) -> Option<HashSet<OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => Some(entries.flatten().map(|e| e.file_name()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(HashSet::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_inside_only_if_no_end_of_it_leads_out() {
        for name in [
            "a.png",
            "img/a.png",
            "./a.png",
            "a b/ä.png",
            "..a/b..png",
            "at 10:30.png",
        ] {
            assert!(is_inside(name), "{name}");
        }
        for name in [
            "",
            ".",
            "img/.",
            "img/",
            "/etc/x",
            "img//etc/x",
            ".//etc/x",
            "../x",
            "img/../../x",
            "img\\..\\..\\x",
            "\\\\host\\x",
            "C:x",
            "img/C:x",
            "C:\\x",
            "http://a.b/x.png",
            "a\0.png",
        ] {
            assert!(!is_inside(name), "{name}");
        }
    }
}
