//! A look at a file's schema before the reader takes it: the crate reads it by recursion, and sets room aside for as many columns
//! as a group claims to have, so one changed byte could end the program.
//!
//! The footer is a struct in Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>,
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>). All lists but the schema's are bounded by
//! the crate itself.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// The most columns and groups of columns.
const MAX_ELEMENTS: u64 = 10_000;

/// How deep columns may lie in each other.
const MAX_DEPTH: usize = 64;

/// How deep structs may lie in each other.
const MAX_NESTING: usize = 32;

/// The longest footer, in bytes.
const MAX_FOOTER_BYTES: u64 = 256 << 20;

/// Looks at the schema of an open file; what is wrong with it. What is no Parquet file at all is left to the reader.
pub(super) fn check(mut file: &File) -> io::Result<Result<(), String>> {
    let n_bytes = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; 8];
    if n_bytes < 12 {
        return Ok(Ok(()));
    }
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *b"PAR1" || length > n_bytes - 8 {
        return Ok(Ok(()));
    }
    if length > MAX_FOOTER_BYTES {
        return Ok(Err(format!("its footer has {length} bytes")));
    }
    file.seek(SeekFrom::Start(n_bytes - 8 - length))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    Ok(check_footer(&footer))
}

/// Looks at the fields up to the schema. They must be of the types that the format has them in and in its order, as every writer
/// leaves them: the crate goes by their numbers alone, and would read what is written otherwise in another way than this does.
fn check_footer(footer: &[u8]) -> Result<(), String> {
    let damaged = || "its footer is damaged".to_owned();
    let mut input = Compact(footer);
    let children = input.schema().ok_or_else(damaged)??;
    check_schema(&children)
}

/// Looks at a schema: how many children each of its elements claims to have, parents before their children.
fn check_schema(children: &[usize]) -> Result<(), String> {
    // How many children are still to come of each group around the next element.
    let mut open: Vec<usize> = Vec::new();
    for (place, n) in children.iter().enumerate() {
        if *n > children.len() - place - 1 {
            return Err(format!("one of its groups claims to have {n} columns"));
        }
        if let Some(rest) = open.last_mut() {
            *rest -= 1;
        }
        if *n > 0 {
            open.push(*n);
        }
        if open.len() > MAX_DEPTH {
            return Err(format!(
                "its columns lie more than {MAX_DEPTH} deep in each other"
            ));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

// The types of fields and elements.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// What is left of some bytes. Everything is `None` where they end too early or mean nothing.
struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn skip_bytes(&mut self, n: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(n).ok()?..)?;
        Some(())
    }

    /// An unsigned number, seven bits a byte, the lowest first.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A signed number: 0, -1, 1, -2 …
    fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The type of a struct's next field, whose number takes the place of the one before; `Some(None)` at its end.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let header = self.byte()?;
        let (delta, kind) = (header >> 4, header & 0xf);
        if kind == 0 {
            return Some(None);
        }
        *id = match delta {
            0 => self.signed()?,
            _ => id.checked_add(delta.into())?,
        };
        (1..=i64::from(i16::MAX)).contains(id).then_some(Some(kind))
    }

    /// The type of a list's elements, and how many there are.
    fn list(&mut self) -> Option<(u8, u64)> {
        let header = self.byte()?;
        match header >> 4 {
            15 => Some((header & 0xf, self.varint()?)),
            n => Some((header & 0xf, n.into())),
        }
    }

    /// The schema, behind the format's version: how many children each of its elements claims to have.
    fn schema(&mut self) -> Option<Result<Vec<usize>, String>> {
        let mut id = 0;
        let mut kind = self.field(&mut id)??;
        if (id, kind) == (1, I32) {
            self.varint()?;
            kind = self.field(&mut id)??;
        }
        if (id, kind) != (2, LIST) {
            return None;
        }
        let (kind, n) = self.list()?;
        if n > MAX_ELEMENTS {
            return Some(Err(format!("it claims to have {n} columns")));
        }
        let mut children = Vec::new();
        for _ in 0..n {
            children.push((kind == STRUCT).then(|| self.children())??);
        }
        Some(Ok(children))
    }

    /// How many children an element of the schema claims to have.
    fn children(&mut self) -> Option<usize> {
        /// `SchemaElement`: type, type_length, repetition_type, name, num_children, converted_type, scale, precision, field_id,
        /// logicalType.
        const FIELDS: [u8; 10] = [I32, I32, I32, BINARY, I32, I32, I32, I32, I32, STRUCT];
        let (mut id, mut n_children) = (0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match id {
                5 if kind == I32 => n_children = usize::try_from(self.signed()?).ok()?,
                10 if kind == STRUCT => self.logical_type()?,
                _ => self.expected(&FIELDS, id, kind)?,
            }
        }
        Some(n_children)
    }

    /// Leaves out a `LogicalType`: one of several structs.
    fn logical_type(&mut self) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            let fields: &[u8] = match id {
                // Decimal: scale, precision.
                5 => &[I32, I32],
                // Time and timestamp: whether it is UTC, the unit.
                7 | 8 => &[TRUE, STRUCT],
                // Integer: width, whether it is signed.
                10 => &[BYTE, TRUE],
                // Variant: its version.
                16 => &[BYTE],
                // Geometry and geography: the reference system, the algorithm.
                17 | 18 => &[BINARY, I32],
                _ => &[],
            };
            if kind != STRUCT {
                return None;
            }
            let mut id = 0;
            while let Some(kind) = self.field(&mut id)? {
                self.expected(fields, id, kind)?;
            }
        }
        Some(())
    }

    /// Leaves out a field of a struct whose first fields are of these types.
    fn expected(&mut self, fields: &[u8], id: i64, kind: u8) -> Option<()> {
        let place = usize::try_from(id).ok()?.checked_sub(1)?;
        let kind_or_true = if kind == FALSE { TRUE } else { kind };
        match fields.get(place) {
            Some(expected) if *expected != kind_or_true => None,
            _ => self.skip(kind, MAX_NESTING),
        }
    }

    /// Leaves out a value of a field.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.skip_bytes(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.skip_bytes(8),
            UUID => self.skip_bytes(16),
            BINARY => {
                let n = self.varint()?;
                self.skip_bytes(n)
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, deeper)?;
                }
                Some(())
            }
            // There are no lists in a schema.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_tree_of_bounded_depth() {
        let mut deep = vec![1; MAX_DEPTH];
        deep.push(0);
        for (children, is_fine) in [
            (vec![], true),
            (vec![0], true),
            (vec![2, 0, 0], true),
            (vec![2, 2, 0, 0, 0], true),
            (deep.clone(), true),
            ([vec![1], deep].concat(), false),
            (vec![3, 0, 0], false),
            (vec![1, 2, 0], false),
            (vec![0x7fff_ffff, 0], false),
        ] {
            assert_eq!(check_schema(&children).is_ok(), is_fine, "{children:?}");
        }
    }

    #[test]
    fn numbers_end_where_their_bytes_do() {
        for (bytes, expected) in [
            (&[0x00][..], Some(0)),
            (&[0x01], Some(-1)),
            (&[0x02], Some(1)),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], Some(0x7fff_ffff)),
            (&[0x80], None),
            (&[0xff; 11], None),
        ] {
            assert_eq!(Compact(bytes).signed(), expected, "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_looked_at(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            check_footer(&bytes).ok();
        }
    }
}
