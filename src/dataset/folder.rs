//! A folder of images: every image below it is a post; texts and labels lie beside them.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    Format, Loaded, OpenError, OpenOptions,
    builder::{Builder, Found},
    has_extension, imported,
    metadata::{self, Description},
};
use crate::post::{Problem, ProblemKind};

/// What is taken for an image, by its name's ending.
const IMAGE_EXTENSIONS: &[&str] = &["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

/// The longest file that is read as a post's text.
const MAX_SIDECAR_BYTES: u64 = 4 << 20;

/// The most CSV files that a message names.
const NAMED_CSVS: usize = 3;

/// Reads a folder. Hidden files are passed over; links are followed, but no folder is read twice.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<Loaded, OpenError> {
    let mut tree = Tree::walk(path)?;
    let mut described = tree.descriptions();
    // A file that metadata names is a post even if it is gone, as a row of a CSV would be.
    tree.images.extend(described.keys().cloned());
    let mut images: Vec<String> = tree.images.iter().cloned().collect();
    if images.is_empty() {
        return Err(OpenError::NoImages {
            path: path.to_owned(),
            hint: tree.csv_hint(),
        });
    }
    images.sort_by(|a, b| natural_cmp(a, b));

    let mut builder = Builder::default();
    let mut is_described = !described.is_empty();
    let mut said = Vec::new();
    tree.problems.drain(..).for_each(|p| builder.report(p));
    for image in &images {
        let (sidecar, fault) = tree.sidecar_of(path, image);
        is_described |= sidecar != Description::default();
        let own = described.remove(image).unwrap_or_default();
        let text = own.text.or(sidecar.text).unwrap_or_default();
        let labels = own.labels.or(sidecar.labels);
        let said_here = own.said.or(sidecar.said);
        let place = builder.push(Found {
            text: &text,
            image_path: image,
            line: 0,
            extra: Box::default(),
            labels: labels
                .as_ref()
                .map(|(cell, column)| (cell.as_str(), *column)),
        });
        said.extend(said_here.map(|said| (place, said)));
        if let Some((kind, message)) = fault {
            builder.report(Problem {
                kind,
                post: Some(place),
                line: None,
                column: None,
                message,
            });
        }
    }
    if !is_described && !tree.csvs.is_empty() {
        builder.report(fault(format!(
            "only images are read from a folder{}",
            tree.csv_hint()
        )));
    }
    builder.see_predicted(said.iter().map(|(_, said)| said));
    let built = builder.finish(options, path)?;
    let said = said.iter().map(|(place, said)| (*place, said));
    let imported = imported::runs(said, &built.labels);
    Ok(Loaded {
        format: Format::Folder,
        labels: built.labels,
        label_source: built.label_source,
        image_root: path.to_owned(),
        posts: built.posts,
        extra_columns: Vec::new(),
        problems: built.problems,
        imported,
    })
}

/// What lies below a folder. Names are relative to it, with `/` between the parts.
#[derive(Default)]
struct Tree {
    images: HashSet<String>,
    /// `.txt` and `.json` files.
    sidecars: HashSet<String>,
    /// Metadata files: their folder (empty, or with a `/` at its end) and where they are.
    metadata: Vec<(String, PathBuf)>,
    /// Other CSV files, which may be what the user meant to open.
    csvs: Vec<String>,
    problems: Vec<Problem>,
}

impl Tree {
    /// Lists everything below `root`.
    fn walk(root: &Path) -> Result<Self, OpenError> {
        let mut tree = Self::default();
        let mut seen = HashSet::new();
        let mut waiting = vec![(root.to_owned(), String::new())];
        while let Some((folder, prefix)) = waiting.pop() {
            if !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(source) if prefix.is_empty() => {
                    return Err(OpenError::Read {
                        path: folder,
                        source,
                    });
                }
                Err(error) => {
                    tree.fault(format!(
                        "the folder cannot be read ({error}), so its images are missing: {}",
                        folder.display()
                    ));
                    continue;
                }
            };
            for entry in entries {
                match entry {
                    Ok(entry) => tree.add(&entry.path(), &prefix, &mut waiting),
                    Err(error) => tree.fault(format!(
                        "not every file could be listed ({error}) in {}",
                        folder.display()
                    )),
                }
            }
        }
        tree.csvs.sort_by(|a, b| natural_cmp(a, b));
        tree.metadata.sort();
        Ok(tree)
    }

    fn add(&mut self, path: &Path, prefix: &str, waiting: &mut Vec<(PathBuf, String)>) {
        let Some(name) = path.file_name() else { return };
        let Some(name) = name.to_str() else {
            if has_extension(path, IMAGE_EXTENSIONS) {
                self.fault(format!(
                    "the file's name is not UTF-8 text, so it is left out; rename it: {}",
                    path.display()
                ));
            }
            return;
        };
        if name.starts_with('.') {
            return;
        }
        let relative = format!("{prefix}{name}");
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => waiting.push((path.to_owned(), relative + "/")),
            Ok(found) if !found.is_file() => {}
            // A link to nowhere: the image is missing, and is reported as such.
            _ if has_extension(path, IMAGE_EXTENSIONS) => {
                self.images.insert(relative);
            }
            Err(_) => {}
            Ok(_) if metadata::is_metadata(name) => {
                self.metadata.push((prefix.to_owned(), path.to_owned()));
            }
            Ok(_) if has_extension(path, &["txt", "json"]) => {
                self.sidecars.insert(relative);
            }
            Ok(_) if has_extension(path, &["csv"]) => self.csvs.push(relative),
            Ok(_) => {}
        }
    }

    /// Reads the metadata files: what they say about each image.
    fn descriptions(&mut self) -> HashMap<String, Description> {
        let mut described = HashMap::new();
        for (prefix, path) in std::mem::take(&mut self.metadata) {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.fault(format!("cannot be read ({error}): {}", path.display()));
                    continue;
                }
            };
            let (entries, faults) = metadata::parse(&path, &bytes);
            for (line, message) in faults {
                self.fault(format!("line {line}: {message}, in {}", path.display()));
            }
            for entry in entries {
                described.insert(join(&prefix, &entry.file_name), entry.description);
            }
        }
        described
    }

    /// The text and labels in the same-named `.txt` and `.json`, and what is wrong with them.
    fn sidecar_of(&self, root: &Path, image: &str) -> (Description, Option<Fault>) {
        let stem = image.rsplit_once('.').map_or(image, |(stem, _)| stem);
        let mut description = Description::default();
        let mut fault = None;
        let json = format!("{stem}.json");
        if self.sidecars.contains(&json) {
            match read_json(&root.join(&json)) {
                Ok(found) => description = found,
                Err(error) => fault = Some(error),
            }
        }
        let txt = format!("{stem}.txt");
        if self.sidecars.contains(&txt) {
            match read_sidecar(&root.join(&txt)) {
                Ok((text, invalid)) => {
                    description.text = Some(text);
                    fault = fault.or(invalid);
                }
                Err(error) => fault = Some(error),
            }
        }
        (description, fault)
    }

    fn csv_hint(&self) -> String {
        if self.csvs.is_empty() {
            return String::new();
        }
        let named = self
            .csvs
            .iter()
            .take(NAMED_CSVS)
            .map(String::as_str)
            .collect::<Vec<_>>();
        let more = if self.csvs.len() > NAMED_CSVS {
            ", …"
        } else {
            ""
        };
        format!(
            "; to see texts and labels, open a CSV file in it: {}{more}",
            named.join(", ")
        )
    }

    fn fault(&mut self, message: String) {
        self.problems.push(fault(message));
    }
}

/// A problem of the folder and not of a post.
fn fault(message: String) -> Problem {
    Problem {
        kind: ProblemKind::Unreadable,
        post: None,
        line: None,
        column: None,
        message,
    }
}

type Fault = (ProblemKind, String);

fn read_json(path: &Path) -> Result<Description, Fault> {
    let (text, _) = read_sidecar(path)?;
    serde_json::from_str::<Map<String, Value>>(&text)
        .map_err(|error| format!("it is no JSON object ({error})"))
        .and_then(|object| metadata::describe(&object))
        .map_err(|message| {
            (
                ProblemKind::Unreadable,
                format!("{message}, so it is not used: {}", path.display()),
            )
        })
}

/// Reads a small text file; the line ends behind its last line are not part of the text.
fn read_sidecar(path: &Path) -> Result<(String, Option<Fault>), Fault> {
    let bytes = read_limited(path).map_err(|error| {
        (
            ProblemKind::Unreadable,
            format!("the text cannot be read ({error}): {}", path.display()),
        )
    })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let fault = std::str::from_utf8(bytes).err().map(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let last = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let column = 1 + String::from_utf8_lossy(last).chars().count();
        let message = format!(
            "line {line}, column {column} is not UTF-8 text; such bytes are shown as \u{fffd}. Save the file as UTF-8: {}",
            path.display()
        );
        (ProblemKind::InvalidText, message)
    });
    let text = String::from_utf8_lossy(bytes);
    Ok((text.trim_end_matches(['\r', '\n']).to_owned(), fault))
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_SIDECAR_BYTES {
        return Err(io::Error::other("it is longer than 4 MiB"));
    }
    fs::read(path)
}

/// Joins a file name of a metadata file to its folder.
fn join(prefix: &str, file_name: &str) -> String {
    let file_name = file_name.trim();
    let name = file_name.strip_prefix("./").unwrap_or(file_name);
    format!("{prefix}{name}")
}

/// Orders names as people do: `img2` before `img10`. Equal only if the names are equal.
fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(l), Some(r)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        let order = if l.is_ascii_digit() && r.is_ascii_digit() {
            let ((l, behind_l), (r, behind_r)) = (take_number(left), take_number(right));
            (left, right) = (behind_l, behind_r);
            l.len().cmp(&r.len()).then_with(|| l.cmp(r))
        } else {
            left = left.get(l.len_utf8()..).unwrap_or_default();
            right = right.get(r.len_utf8()..).unwrap_or_default();
            l.to_lowercase().cmp(r.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits at the beginning without leading zeros, and what stands behind them.
fn take_number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, behind) = text.split_at(end);
    (digits.trim_start_matches('0'), behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_order_them() {
        let mut names = [
            "b", "img10", "img2", "IMG3", "img02", "a/9", "a/10", "ä", "img2x",
        ];
        names.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(
            names,
            [
                "a/9", "a/10", "b", "img02", "img2", "img2x", "IMG3", "img10", "ä"
            ]
        );
    }
}
