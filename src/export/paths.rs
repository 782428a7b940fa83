//! Image paths that lead to the same images from another folder.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::ExportError;

/// Writes image paths for a CSV in some folder: as the dataset has them if they lead to the same file from
/// there, else absolute.
pub(super) struct ImagePaths<'a> {
    image_root: &'a Path,
    folder: &'a Path,
    /// Whether the file's folder, or its `images/`, is the image root: then every path stays.
    same_root: bool,
    /// Whether a folder below the image root is the same below the file's folder, which links can bring about.
    same_parents: HashMap<PathBuf, bool>,
    /// How many were made absolute.
    pub made_absolute: usize,
}

impl<'a> ImagePaths<'a> {
    /// For a CSV in `folder`.
    pub fn new(image_root: &'a Path, folder: &'a Path) -> Self {
        Self {
            image_root,
            folder,
            same_root: is_same(image_root, folder) || is_same(image_root, &folder.join("images")),
            same_parents: HashMap::new(),
            made_absolute: 0,
        }
    }

    /// The path to write.
    pub fn write<'p>(&mut self, image_path: &'p str) -> Result<Cow<'p, str>, ExportError> {
        let path = Path::new(image_path);
        let is_url = image_path.contains("://");
        if image_path.is_empty() || is_url || path.is_absolute() || self.leads_there(path) {
            return Ok(image_path.into());
        }
        let absolute = self.image_root.join(path);
        let text = absolute
            .to_str()
            .ok_or_else(|| ExportError::ImagePath(absolute.clone()))?;
        self.made_absolute += 1;
        Ok(text.to_owned().into())
    }

    fn leads_there(&mut self, path: &Path) -> bool {
        if self.same_root {
            return true;
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        if let Some(same) = self.same_parents.get(parent) {
            return *same;
        }
        let same = is_same(&self.image_root.join(parent), &self.folder.join(parent));
        self.same_parents.insert(parent.to_owned(), same);
        same
    }
}

/// Whether something of this name, there or not yet, would lie in a folder or below it, links seen through.
pub(super) fn is_below(path: &Path, folder: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else {
        return false;
    };
    let there = path.ancestors().find_map(|path| path.canonicalize().ok());
    matches!((there, folder.canonicalize()), (Some(there), Ok(folder)) if there.starts_with(&folder))
}

/// Whether two paths lead to the same file or folder, which exists.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
