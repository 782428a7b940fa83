//! Parquet files, one or a folder of shards, as the `datasets` library, pandas and the Hub write them
//! (<https://huggingface.co/docs/hub/datasets-image>).
//!
//! Pictures may stand in the file as bytes. A post's picture is a file everywhere else in this program, so such a dataset is
//! not opened but unpacked once ([`prepare`](crate::prepare)); rows are read a few at a time, and nothing ever holds all
//! pictures.

mod columns;
mod footer;
mod pages;
mod rows;
mod shards;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use self::{
    columns::Columns,
    rows::{Flag, Row, Rows},
    shards::{Shard, file_name, shards_below},
};
use super::{
    Format, Loaded, OpenError, OpenOptions, has_extension,
    json::{self, Item},
    labels,
    raw::Split,
};

/// Whole numbers that are no labels, even where they are all 0 and 1.
const NO_FLAGS: [&str; 7] = [
    "id",
    "idx",
    "index",
    "split",
    "assisted",
    "flagged",
    "__index_level_0__",
];

/// A file, or the shards below a folder, in the order of their names.
pub(crate) struct Table {
    path: PathBuf,
    shards: Vec<Shard>,
    has_bytes: bool,
    n_rows: u64,
}

/// A row's picture.
pub(crate) struct Picture<'a> {
    pub split: Option<Split>,
    /// The row's number among those of its split, from 1.
    pub number: u64,
    /// What the file holds of it.
    pub bytes: Option<&'a [u8]>,
    /// What it is called.
    pub path: Option<&'a str>,
}

/// Where a post comes from.
pub(crate) struct Origin {
    pub split: Option<Split>,
    /// The file's name.
    pub file: Arc<str>,
    /// From 1.
    row: u64,
}

/// A row that makes no post.
pub(crate) struct Fault {
    /// The file's name.
    pub file: Arc<str>,
    /// From 1.
    pub row: u64,
    /// How many rows, this one included.
    pub n_rows: u64,
    pub why: String,
}

/// Everything that was read, pictures aside.
pub(crate) struct Read {
    items: Vec<Item>,
    /// Of each item.
    origins: Vec<Origin>,
    pub faults: Vec<Fault>,
}

/// Whether a path is a Parquet file or a folder with some.
pub(crate) fn is_parquet(path: &Path) -> bool {
    if path.is_dir() {
        !shards_below(path).is_empty()
    } else {
        has_extension(path, &["parquet"])
    }
}

/// Opens a dataset whose pictures are files, or that has none.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<Loaded, OpenError> {
    let table = Table::open(path)?;
    if table.has_bytes {
        return Err(OpenError::Packed(path.to_owned()));
    }
    let own_path = |picture: Picture<'_>| Ok(picture.path.unwrap_or_default().to_owned());
    let read = table.read::<OpenError>(own_path)?;
    Ok(read.finish(path, options)?.0)
}

impl Table {
    /// Finds the files and reads what stands at the end of each.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut files = if path.is_dir() {
            shards_below(path)
        } else {
            vec![path.to_owned()]
        };
        files.sort();
        let (mut has_bytes, mut n_rows) = (false, 0u64);
        for file in &files {
            let rows = Rows::open(file)?;
            has_bytes |= rows.columns.has_bytes;
            n_rows = n_rows.saturating_add(rows.n_rows);
        }
        Ok(Self {
            path: path.to_owned(),
            shards: files
                .into_iter()
                .map(|file| Shard::new(file, path))
                .collect(),
            has_bytes,
            n_rows,
        })
    }

    /// The folders that the dataset lies in, if a folder was given.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        let shards = self.shards.iter().filter_map(|shard| shard.path.parent());
        let folders = shards.chain([self.path.as_path()]);
        folders.filter(|_| self.path.is_dir())
    }

    /// How many rows the files say they have.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Reads all rows. `image_path` is given each row's picture and says what a table shall call it, or why to stop.
    pub fn read<E: From<OpenError>>(
        &self,
        mut image_path: impl FnMut(Picture<'_>) -> Result<String, E>,
    ) -> Result<Read, E> {
        let flags = self.flags()?;
        let mut read = Read {
            items: Vec::new(),
            origins: Vec::new(),
            faults: Vec::new(),
        };
        let mut before = std::collections::HashMap::<Option<Split>, u64>::new();
        for shard in &self.shards {
            let rows = Rows::open(&shard.path)?;
            let before = before.entry(shard.split).or_default();
            let file = shard.path.strip_prefix(&self.path).unwrap_or(&shard.path);
            let file: Arc<str> = match file.to_string_lossy() {
                name if name.is_empty() || file == self.path => file_name(&self.path).into(),
                name => name.into(),
            };
            let fault = |row, n_rows, why| Fault {
                file: Arc::clone(&file),
                row,
                n_rows,
                why,
            };
            let unreadable = rows.read(|number, row| {
                let path = image_path(Picture {
                    split: shard.split,
                    number: *before + number,
                    bytes: row.picture.as_ref().map(|bytes| bytes.data()),
                    path: row.picture_path.as_deref(),
                })?;
                match item(row, path, &rows.columns, &flags) {
                    Ok(item) => {
                        read.items.push(item);
                        read.origins.push(Origin {
                            split: shard.split,
                            file: Arc::clone(&file),
                            row: number,
                        });
                    }
                    Err(why) => read.faults.push(fault(number, 1, why)),
                }
                Ok::<(), E>(())
            })?;
            let unreadable = unreadable.into_iter();
            read.faults
                .extend(unreadable.map(|u| fault(u.first, u.n_rows, u.why)));
            *before += rows.n_rows;
        }
        Ok(read)
    }

    /// The columns that are one a label: those of whole numbers that are 0 and 1 in all files.
    fn flags(&self) -> Result<Vec<String>, OpenError> {
        let mut flags: Vec<Flag> = Vec::new();
        for shard in &self.shards {
            let rows = Rows::open(&shard.path)?;
            let names = rows.columns.flags.iter();
            for name in names.filter(|name| !NO_FLAGS.contains(&name.as_str())) {
                if !flags.iter().any(|flag| flag.name == *name) {
                    flags.push(Flag::new(name));
                }
            }
            rows.look_at_flags(&mut flags);
        }
        let flags = flags.into_iter().filter(Flag::is_label);
        Ok(flags.map(|flag| flag.name).collect())
    }
}

impl Read {
    /// The classes by the files' own description, if they have one.
    pub fn class_names(&self) -> Result<Option<Vec<String>>, OpenError> {
        let own = self.items.iter().find_map(|item| item.label_set.as_deref());
        let Some(own) = own else { return Ok(None) };
        let names = labels::names(own, labels::THE_FILE)?;
        Ok(Some(names.iter().map(str::to_owned).collect()))
    }

    /// The posts, and where each comes from.
    pub fn finish(
        self,
        path: &Path,
        options: &OpenOptions,
    ) -> Result<(Loaded, Vec<Origin>), OpenError> {
        if self.items.is_empty() {
            return Err(match self.faults.into_iter().next() {
                Some(fault) => OpenError::Parquet {
                    path: path.to_owned(),
                    why: format!("row {}: {}", fault.row, fault.why),
                },
                None => OpenError::NoRows(path.to_owned()),
            });
        }
        let told = self.faults.into_iter().map(|fault| (0, fault.to_string()));
        let faults = told.collect();
        let folder = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(Path::new(""))
        };
        let loaded = json::build(folder, Format::Parquet, &self.items, faults, options)?;
        Ok((loaded, self.origins))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            row,
            n_rows,
            why,
        } = self;
        match n_rows {
            0 | 1 => write!(f, "{file}, row {row}: {why}"),
            n => write!(f, "{file}, {n} rows from row {row} on: {why}"),
        }
    }
}

/// The post that a row describes, or why it describes none.
fn item(row: Row, image_path: String, columns: &Columns, flags: &[String]) -> Result<Item, String> {
    let Row { mut object, .. } = row;
    let mut post = Map::new();
    let text = columns
        .text
        .as_ref()
        .and_then(|name| object.shift_remove(name));
    post.insert("text".to_owned(), text.unwrap_or_default());
    if !image_path.is_empty() {
        post.insert("image_path".to_owned(), image_path.into());
    } else if columns.picture.is_none()
        && let Some(path) = json::IMAGE_KEYS
            .iter()
            .find_map(|key| object.shift_remove(*key))
    {
        post.insert("image_path".to_owned(), path);
    }
    let mut label_set = None;
    if let Some(name) = &columns.labels {
        let said = object.shift_remove(name).unwrap_or_default();
        let classes = columns.classes.get(name);
        let labels = match classes {
            Some(classes) => named(&said, classes)?,
            None => said,
        };
        // A number or one name is read as in a column `label`; a list, or a text that is one, as in `labels`.
        let is_single = classes.is_none() && !labels.is_array() && name != "labels";
        post.insert(
            if is_single { "label" } else { "labels" }.to_owned(),
            labels,
        );
        label_set = classes.cloned();
    } else if !flags.is_empty() {
        let said: Vec<(&String, Value)> = flags
            .iter()
            .filter_map(|name| Some((name, object.shift_remove(name)?)))
            .collect();
        let is_set = |value: &Value| value.as_bool().unwrap_or(value.as_u64() == Some(1));
        let is_known = said.iter().any(|(_, value)| !value.is_null());
        let names = said
            .iter()
            .filter(|(_, value)| is_set(value))
            .map(|(name, _)| name.as_str());
        let labels: Value = names.map(Value::from).collect();
        post.insert(
            "labels".to_owned(),
            if is_known { labels } else { Value::Null },
        );
        label_set = Some(flags.to_vec());
    }
    for (name, value) in object {
        // What is left must not be taken for what it only is called like.
        if !post.contains_key(&name) && !["labels", "label"].contains(&name.as_str()) {
            let value = match columns.classes.get(&name) {
                Some(classes) => readable(value, classes),
                None => value,
            };
            post.insert(name, value);
        }
    }
    let mut item = json::plain_item(&post)?;
    item.label_set = label_set;
    Ok(item)
}

/// The names of a class or of several; the library writes -1 where nobody has said anything.
fn named(said: &Value, classes: &[String]) -> Result<Value, String> {
    let name = |class: &Value| {
        let place = class.as_u64().and_then(|class| usize::try_from(class).ok());
        let name = place.and_then(|place| classes.get(place));
        name.ok_or_else(|| format!("class {class} has no name in the file’s own description"))
    };
    match said {
        Value::Null => Ok(Value::Null),
        Value::Number(class) if class.as_i64() == Some(-1) => Ok(Value::Null),
        Value::Array(many) => many
            .iter()
            .map(|class| Ok(Value::from(name(class)?.as_str())))
            .collect(),
        one => Ok(vec![name(one)?.as_str()].into()),
    }
}

/// Another column's classes by their names; as it is where they have none.
fn readable(value: Value, classes: &[String]) -> Value {
    match named(&value, classes) {
        Ok(Value::Array(mut one)) if !value.is_array() && one.len() == 1 => {
            one.pop().unwrap_or_default()
        }
        Ok(named) => named,
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_or_nobody_said_anything() {
        let classes = ["none".to_owned(), "racist".to_owned()];
        let read = |text: &str| named(&serde_json::from_str(text).unwrap(), &classes);
        assert_eq!(read("1").unwrap().to_string(), r#"["racist"]"#);
        assert_eq!(read("[1, 0]").unwrap().to_string(), r#"["racist","none"]"#);
        assert_eq!(read("[]").unwrap().to_string(), "[]");
        assert_eq!(read("-1"), Ok(Value::Null));
        assert_eq!(read("null"), Ok(Value::Null));
        assert_eq!(readable(1.into(), &classes), "racist");
        assert_eq!(readable(7.into(), &classes), 7);
        for bad in ["2", "[-1]", "1.5", "\"racist\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
