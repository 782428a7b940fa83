//! One Parquet file with the pictures in it, as the `datasets` library and the Hub load it
//! (<https://huggingface.co/docs/hub/datasets-image>): its description says that the pictures are pictures and what the classes
//! are called.
//!
//! Rows are written a group at a time and pictures one by one, so nothing ever holds all of them.

mod columns;

use std::{
    borrow::Cow,
    fs::{self, File},
    io,
    path::PathBuf,
    sync::Arc,
};

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::{ParquetError, Result},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::ColumnPath,
};

use self::columns::{Cells, Column, columns, description, schema};
use super::{TrainingSet, folder::name_of, training_set::Row};
use crate::{
    image::{is_picture, read_file},
    post::Post,
};

/// The most rows of a group, as the `datasets` library has it for pictures: whoever wants one row reads a group.
const GROUP_ROWS: usize = 100;

/// The most bytes of pictures after which a group ends.
const GROUP_BYTES: u64 = 64 << 20;

type Writer<'a> = SerializedFileWriter<&'a mut File>;
type Group<'a, 'f> = SerializedRowGroupWriter<'a, &'f mut File>;

/// One post, and where its picture lies.
struct Entry<'a> {
    post: &'a Post,
    row: &'a Row,
    picture: Option<PathBuf>,
}

/// Writes all posts. How many name a picture that cannot be read, and are there without one.
pub(super) fn write(set: &TrainingSet, file: &mut File) -> io::Result<usize> {
    write_groups(set, file).map_err(io_error)
}

fn write_groups(set: &TrainingSet, file: &mut File) -> Result<usize> {
    let columns = columns(set);
    let mut writer = Writer::new(file, schema(&columns, set)?, properties(&columns, set))?;
    let mut rows = set.rows().peekable();
    let mut unreadable = 0;
    while rows.peek().is_some() {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < GROUP_ROWS
            && bytes < GROUP_BYTES
            && let Some((post, row)) = rows.next()
        {
            let picture = set.dataset().image_file(post);
            let length = picture.as_ref().and_then(|path| fs::metadata(path).ok());
            bytes += length.map_or(0, |found| found.len());
            entries.push(Entry { post, row, picture });
        }
        let mut group = writer.next_row_group()?;
        for column in &columns {
            unreadable += write_column(&mut group, column, &entries, set)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(unreadable)
}

fn properties(columns: &[Column<'_>], set: &TrainingSet) -> Arc<WriterProperties> {
    let note = KeyValue::new("huggingface".to_owned(), description(columns, set));
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("overrule {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![note]));
    for column in columns {
        if let Cells::Picture = column.cells {
            // Pictures are compressed already, and the smallest of them says nothing about the others.
            let path = ColumnPath::new(vec![column.name.clone(), "bytes".to_owned()]);
            properties = properties
                .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Arc::new(properties.build())
}

/// Writes one column of a group; how many pictures could not be read.
fn write_column<'a>(
    group: &mut Group<'_, '_>,
    column: &Column<'a>,
    entries: &[Entry<'a>],
    set: &TrainingSet,
) -> Result<usize> {
    match &column.cells {
        Cells::Picture => return write_pictures(group, entries),
        Cells::Text(of) => {
            let cells = entries.iter().map(|entry| of(entry.post, entry.row));
            let cells = cells.map(|cell| cell.map(text_bytes).ok_or(0));
            write_leaf::<ByteArrayType>(group, 1, cells)?;
        }
        Cells::Flag(of) => {
            let cells = entries
                .iter()
                .map(|entry| of(entry.post, entry.row).ok_or(0));
            write_leaf::<BoolType>(group, 1, cells)?;
        }
        Cells::Labels(of) => {
            let (mut classes, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
            for entry in entries {
                let labels = of(entry.post, entry.row);
                // Null, an empty list, or a class of one.
                let level = labels.map_or(0, |labels| if labels.is_empty() { 1 } else { 3 });
                let n = labels.map_or(0, |labels| labels.len()).max(1);
                defined.extend(std::iter::repeat_n(level, n));
                repeated.extend((0..n).map(|i| i16::from(i > 0)));
                classes.extend(
                    labels
                        .iter()
                        .flat_map(|labels| labels.iter())
                        .map(|c| c as i64),
                );
            }
            write_levels::<Int64Type>(group, &classes, &defined, Some(&repeated))?;
        }
        Cells::Scores(of) => {
            for label in 0..set.dataset().labels.len() {
                let scores = entries.iter().map(|entry| {
                    let scores = of(entry.post, entry.row).ok_or(0i16)?;
                    let score = scores.get(label).map(|score| score.p);
                    score.filter(|p| p.is_finite()).ok_or(1)
                });
                write_leaf::<DoubleType>(group, 2, scores)?;
            }
        }
    }
    Ok(0)
}

/// Writes the two columns of pictures, one picture at a time.
fn write_pictures(group: &mut Group<'_, '_>, entries: &[Entry<'_>]) -> Result<usize> {
    let mut column = group.next_column()?.ok_or_else(no_column)?;
    let mut names = Vec::new();
    let mut unreadable = 0;
    for entry in entries {
        let picture = entry.picture.as_deref();
        // What others read is published: a row may name any file of whoever exports it.
        let picture = picture.filter(|path| is_picture(path));
        let bytes = picture.and_then(|path| read_file(path).ok());
        unreadable += usize::from(bytes.is_none() && !entry.post.image_path.is_empty());
        let name = || text_bytes(name_of(&entry.post.image_path).into());
        names.push(bytes.as_ref().map(|_| name()));
        let (bytes, level) = match bytes {
            Some(bytes) => (vec![ByteArray::from(bytes)], 2),
            None => (Vec::new(), 0),
        };
        let column = column.typed::<ByteArrayType>();
        column.write_batch(&bytes, Some(&[level]), None)?;
    }
    column.close()?;
    write_leaf::<ByteArrayType>(group, 2, names.into_iter().map(|name| name.ok_or(0)))?;
    Ok(unreadable)
}

/// Writes a column without lists: each value, or how many of the columns around it are there.
fn write_leaf<T: DataType>(
    group: &mut Group<'_, '_>,
    deepest: i16,
    cells: impl Iterator<Item = std::result::Result<T::T, i16>>,
) -> Result<()> {
    let (mut values, mut defined) = (Vec::new(), Vec::new());
    for cell in cells {
        defined.push(cell.as_ref().map_or_else(|level| *level, |_| deepest));
        values.extend(cell.ok());
    }
    write_levels::<T>(group, &values, &defined, None)
}

fn write_levels<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    defined: &[i16],
    repeated: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.ok_or_else(no_column)?;
    column
        .typed::<T>()
        .write_batch(values, Some(defined), repeated)?;
    column.close()
}

fn text_bytes(text: Cow<'_, str>) -> ByteArray {
    text.into_owned().into_bytes().into()
}

fn no_column() -> ParquetError {
    ParquetError::General("the schema has fewer columns than the data".to_owned())
}

/// What the disk said, if it said something.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}
