//! Bringing the pictures to their places.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::Path,
};

use super::{Options, PrepareError, Prepared, Progress};
use crate::{
    dataset::{
        OpenError, is_inside,
        raw::{Fault, Kind, RawPost, Reason, Source},
    },
    export::{
        ExportError,
        image_files::{Placed, place, place_bytes},
    },
};

/// Where pictures go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Images {
    /// A second name of the same file in `images/`, which takes no room; a copy where that is not possible.
    #[default]
    Link,
    /// A copy in `images/`.
    Copy,
    /// They stay where they are, and tables name them in full.
    InPlace,
}

/// The folder of pictures beside the tables.
pub(super) const FOLDER: &str = "images";

/// A post whose picture is in its place.
pub(super) struct Row {
    pub post: RawPost,
    /// As the table has it.
    pub image_path: String,
}

/// Brings the picture of every post to its place; a post without one becomes a fault.
pub(super) fn place_all(
    source: &mut Source,
    posts: Vec<RawPost>,
    options: &Options,
    faults: &mut Vec<Fault>,
    made: &mut Prepared,
    on_progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Vec<Row>, PrepareError> {
    let folder = options.out.join(FOLDER);
    let mut listed = Listed::default();
    let total = posts.len();
    let in_folders = kept_in_folders(&posts, source.kind());
    let mut rows = Vec::with_capacity(total);
    for (done, post) in posts.into_iter().enumerate() {
        if !on_progress(Progress { done, total }) {
            return Err(PrepareError::Stopped);
        }
        let fault = |reason| Fault {
            reason,
            id: post.id.clone(),
            file: post.image.clone(),
            line: None,
        };
        if !listed.has(source, &post.image)? {
            faults.push(fault(Reason::MissingImage));
            continue;
        }
        if options.images == Images::InPlace {
            let image_path = in_place(source, &post.image)?;
            made.there += 1;
            rows.push(Row { post, image_path });
            continue;
        }
        let name = match in_folders.contains(&post.image) {
            true => &post.image,
            false => name_in_folder(&post.image, source.kind()),
        };
        // Asked again of what becomes a path: nothing is ever written elsewhere.
        if !is_inside(name) {
            faults.push(fault(Reason::ImageElsewhere));
            continue;
        }
        let target = folder.join(name);
        listed
            .make_parent(&target)
            .map_err(|error| ExportError::from_io(&target, error))?;
        let placed = if source.is_folder() {
            let from = source.folder().join(&post.image);
            let link = options.images == Images::Link;
            place(&from, &target, link, options.replace)
                .map_err(|error| ExportError::from_io(&target, error))?
        } else {
            match source.read(&post.image) {
                Ok(bytes) => place_bytes(&bytes.unwrap_or_default(), &target, options.replace)
                    .map_err(|error| ExportError::from_io(&target, error))?,
                Err(OpenError::Read { .. }) => {
                    faults.push(fault(Reason::BrokenImage));
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
        };
        made.count(placed);
        rows.push(Row {
            image_path: format!("{FOLDER}/{name}"),
            post,
        });
    }
    on_progress(Progress { done: total, total });
    Ok(rows)
}

impl Prepared {
    /// Counts a picture by how it came to its place.
    pub(super) fn count(&mut self, placed: Placed) {
        match placed {
            Placed::Linked => self.linked += 1,
            Placed::Copied => self.copied += 1,
            Placed::There => self.there += 1,
        }
    }
}

/// The path of a picture that stays where it is.
fn in_place(source: &Source, image: &str) -> Result<String, PrepareError> {
    let path = source.folder().join(image);
    match path.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(path) => Err(PrepareError::NotText(path.into())),
    }
}

/// A picture's name without the folder that the dataset keeps its pictures in.
fn name_in_folder(image: &str, kind: Kind) -> &str {
    let own = image.strip_prefix(kind.images());
    own.and_then(|name| name.strip_prefix('/')).unwrap_or(image)
}

/// The pictures that need the dataset's own folder in their names: without it they are called as another picture is.
fn kept_in_folders(posts: &[RawPost], kind: Kind) -> HashSet<String> {
    let all: HashSet<&str> = posts.iter().map(|post| post.image.as_str()).collect();
    let shares = |image: &&&str| {
        let name = name_in_folder(image, kind);
        name != **image && all.contains(name)
    };
    all.iter()
        .filter(shares)
        .map(|image| (*image).to_owned())
        .collect()
}

/// What is known of folders: the names in the dataset's, and which of ours exist.
#[derive(Default)]
struct Listed {
    names: HashMap<String, HashSet<String>>,
    made: HashSet<std::path::PathBuf>,
}

impl Listed {
    /// Whether the dataset has this file; each folder is listed once.
    fn has(&mut self, source: &Source, image: &str) -> Result<bool, OpenError> {
        let (folder, name) = image.rsplit_once('/').unwrap_or(("", image));
        if !self.names.contains_key(folder) {
            self.names
                .insert(folder.to_owned(), source.names_in(folder)?);
        }
        Ok(self
            .names
            .get(folder)
            .is_some_and(|names| names.contains(name)))
    }

    fn make_parent(&mut self, target: &Path) -> io::Result<()> {
        if let Some(parent) = target.parent()
            && !self.made.contains(parent)
        {
            fs::create_dir_all(parent)?;
            self.made.insert(parent.to_owned());
        }
        Ok(())
    }
}
