//! The rows of one Parquet file, each as a JSON object and, apart from it, the bytes of its picture.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use parquet::{
    data_type::ByteArray,
    errors::ParquetError,
    file::reader::{FileReader as _, RowGroupReader as _, SerializedFileReader},
    record::{
        Field, Row as Fields,
        reader::{RowIter, TreeBuilder},
    },
    schema::types::Type,
};
use serde_json::{Map, Value};

use super::{
    columns::{self, Columns},
    footer,
    pages::Group,
};
use crate::dataset::OpenError;

/// How many rows of a column are held at once: pictures are large.
const ROWS_AT_ONCE: usize = 16;

/// The most rows that a file may claim to have.
const MAX_ROWS: u64 = 50_000_000;

/// The longest binary value that is taken for a text, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// An open file.
pub(super) struct Rows {
    /// The file once more: what the reader has it gives to nobody.
    file: Arc<File>,
    reader: SerializedFileReader<File>,
    pub columns: Columns,
    pub n_rows: u64,
}

/// A row.
pub(super) struct Row {
    /// Everything but the picture.
    pub object: Map<String, Value>,
    pub picture: Option<ByteArray>,
    /// What the picture is called.
    pub picture_path: Option<String>,
}

/// What cannot be read of a file: from this row (from 1), so many rows, and why.
pub(super) struct Unreadable {
    pub first: u64,
    pub n_rows: u64,
    pub why: String,
}

/// What was seen in a column of whole numbers or truth values.
pub(super) struct Flag {
    pub name: String,
    zero: bool,
    one: bool,
    other: bool,
}

impl Flag {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zero: false,
            one: false,
            other: false,
        }
    }

    fn look_at(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(true) => self.one = true,
            Value::Bool(false) => self.zero = true,
            number => match number.as_u64() {
                Some(0) => self.zero = true,
                Some(1) => self.one = true,
                _ => self.other = true,
            },
        }
    }

    /// Whether it says which posts have a label and which have not.
    pub fn is_label(&self) -> bool {
        self.zero && self.one && !self.other
    }
}

impl Rows {
    /// Reads what stands at the file's end: its columns and where their values are.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let file = File::open(path).map_err(|source| OpenError::Read {
            path: path.to_owned(),
            source,
        })?;
        let error = |why: String| OpenError::Parquet {
            path: path.to_owned(),
            why,
        };
        let again = file.try_clone().map_err(|source| OpenError::Read {
            path: path.to_owned(),
            source,
        })?;
        let checked = footer::check(&file).map_err(|source| OpenError::Read {
            path: path.to_owned(),
            source,
        })?;
        checked.map_err(error)?;
        let reader = caught(|| SerializedFileReader::new(file)).map_err(error)?;
        let metadata = reader.metadata().file_metadata();
        let notes = metadata.key_value_metadata().into_iter().flatten();
        let features = notes
            .filter(|note| note.key == "huggingface")
            .find_map(|note| columns::features(note.value.as_deref()?));
        let columns = Columns::new(metadata.schema(), features.as_ref());
        let rows = (0..reader.num_row_groups()).map(|group| rows_of(&reader, group));
        let n_rows = rows.fold(0u64, u64::saturating_add);
        if n_rows > MAX_ROWS {
            return Err(error(format!("it claims to have {n_rows} rows")));
        }
        Ok(Self {
            file: Arc::new(again),
            reader,
            columns,
            n_rows,
        })
    }

    /// Hands over each row with its number, from 1, until `on_row` returns an error. What cannot be read is left out up to the
    /// next row group, and given back.
    pub fn read<E>(
        &self,
        mut on_row: impl FnMut(u64, Row) -> Result<(), E>,
    ) -> Result<Vec<Unreadable>, E> {
        let mut unreadable = Vec::new();
        let mut first = 1;
        for group in 0..self.reader.num_row_groups() {
            let n_rows = rows_of(&self.reader, group);
            let mut number = first;
            let mut stopped = None;
            let read = caught(|| {
                let group = self.group(group)?;
                let schema = group.metadata().schema_descr_ptr();
                let builder = TreeBuilder::new().with_batch_size(ROWS_AT_ONCE);
                for fields in builder.as_iter(schema, &group)? {
                    let row = self.row(fields?);
                    if let Err(error) = on_row(number, row) {
                        stopped = Some(error);
                        break;
                    }
                    number += 1;
                }
                Ok(())
            });
            if let Some(error) = stopped {
                return Err(error);
            }
            if let Err(why) = read {
                unreadable.push(Unreadable {
                    first: number,
                    n_rows: (first + n_rows).saturating_sub(number),
                    why,
                });
            }
            first += n_rows;
        }
        Ok(unreadable)
    }

    /// Looks at the values of columns that may be one a label.
    pub fn look_at_flags(&self, flags: &mut [Flag]) {
        let schema = self.reader.metadata().file_metadata().schema();
        let is_wanted = |name: &str| flags.iter().any(|flag| flag.name == name);
        let fields = schema.get_fields().iter();
        let wanted: Vec<_> = fields
            .filter(|field| is_wanted(field.name()))
            .cloned()
            .collect();
        if wanted.is_empty() {
            return;
        }
        let read = caught(|| {
            let projection = Type::group_type_builder(schema.name())
                .with_fields(wanted)
                .build()?;
            for group in 0..self.reader.num_row_groups() {
                let group = self.group(group)?;
                for row in RowIter::from_row_group(Some(projection.clone()), &group)? {
                    for (name, field) in row?.into_columns() {
                        if let Some(flag) = flags.iter_mut().find(|flag| flag.name == name) {
                            flag.look_at(&value(field));
                        }
                    }
                }
            }
            Ok(())
        });
        if read.is_err() {
            // What cannot be read is reported when the rows are.
            flags.iter_mut().for_each(|flag| flag.other = true);
        }
    }

    fn group(&self, number: usize) -> Result<Group<'_>, ParquetError> {
        Ok(Group::new(&self.file, self.reader.get_row_group(number)?))
    }

    fn row(&self, fields: Fields) -> Row {
        let mut row = Row {
            object: Map::new(),
            picture: None,
            picture_path: None,
        };
        for (name, field) in fields.into_columns() {
            if Some(&name) == self.columns.picture.as_ref() {
                row.take_picture(field);
            } else {
                row.object.insert(name, value(field));
            }
        }
        row
    }
}

impl Row {
    fn take_picture(&mut self, field: Field) {
        match field {
            Field::Bytes(bytes) => self.picture = Some(bytes),
            Field::Str(path) => self.picture_path = Some(path),
            Field::Group(parts) => {
                for (name, part) in parts.into_columns() {
                    match (name.as_str(), part) {
                        ("bytes", Field::Bytes(bytes)) => self.picture = Some(bytes),
                        ("path", path) => {
                            self.picture_path = value(path).as_str().map(str::to_owned);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn rows_of(reader: &SerializedFileReader<File>, group: usize) -> u64 {
    u64::try_from(reader.metadata().row_group(group).num_rows()).unwrap_or(0)
}

/// Runs the reader. A damaged file makes it panic in places.
fn caught<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("it is damaged".to_owned()),
    }
}

fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Str(value) => value.into(),
        // Some writers do not say that a column holds text.
        Field::Bytes(bytes) if bytes.len() <= MAX_TEXT_BYTES => {
            bytes.as_utf8().map_or(Value::Null, Value::from)
        }
        Field::Bytes(_) => Value::Null,
        Field::Group(row) => {
            let fields = row.into_columns().into_iter();
            Value::Object(fields.map(|(name, field)| (name, value(field))).collect())
        }
        Field::ListInternal(list) => list
            .elements()
            .iter()
            .map(|field| value(field.clone()))
            .collect(),
        other => other.to_string().into(),
    }
}
