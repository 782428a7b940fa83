//! Rows of a CSV or TSV file (RFC 4180), each with its place in the file, also where the quoting is broken.
//!
//! The csv crate takes a quote that never closes as one giant record to the end of the file. Here such a row
//! ends at the end of its line, is reported, and reading goes on below it.

use std::borrow::Cow;

use csv::{ByteRecord, Reader, ReaderBuilder};

/// The rows of a file in memory.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    reader: Reader<&'a [u8]>,
    /// Where `reader` began.
    base: usize,
    record: ByteRecord,
    lines: LineCounter<'a>,
    /// How many cells a row should have; 0 while the header is unknown.
    width: usize,
    has_nul: bool,
}

/// A row and what is wrong with it as text.
pub(super) struct Row<'r> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// How many lines it takes.
    pub n_lines: u64,
    /// A quote that was opened and never closed, or closed in the middle of a later line.
    pub stray_quote: Option<Place>,
    /// The first byte that is not UTF-8.
    pub invalid: Option<InvalidByte>,
    record: &'r ByteRecord,
    raw: &'r [u8],
    delimiter: u8,
    newline: u8,
}

/// A place in a file, for people: both numbers from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub line: u64,
    /// In characters.
    pub column: u64,
}

/// A byte that cannot be read as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct InvalidByte {
    pub place: Place,
    pub byte: u8,
}

impl Row<'_> {
    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.record.len()
    }

    /// A cell; bytes that are no text are replaced by U+FFFD. `None` past the end.
    pub fn cell(&self, index: usize) -> Option<Cow<'_, str>> {
        let bytes = self.record.get(index)?;
        // Much faster than the lossy conversion alone, and almost always enough.
        let text = std::str::from_utf8(bytes)
            .map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        // NUL ends strings in other programs; no text has it.
        let has_nul = self.invalid.is_some_and(|i| i.byte == 0) && text.contains('\0');
        Some(if has_nul {
            text.replace('\0', "\u{fffd}").into()
        } else {
            text
        })
    }

    /// Where a cell begins; the end of the row for one past the end.
    pub fn place_of(&self, index: usize) -> Place {
        let (mut cell, mut at_start, mut has_quotes, mut inside) = (0, true, false, false);
        let mut prefix = self.raw.trim_ascii_end();
        for (i, byte) in self.raw.iter().enumerate() {
            if cell == index {
                prefix = self.raw.get(..i).unwrap_or_default();
                break;
            }
            if *byte == self.delimiter && !inside {
                (cell, at_start, has_quotes) = (cell + 1, true, false);
                continue;
            }
            // A quote in a cell that did not begin with one is part of the text.
            if *byte == b'"' && (at_start || has_quotes) {
                (has_quotes, inside) = (true, !inside);
            }
            at_start = false;
        }
        place(self.line, prefix, self.newline)
    }
}

impl<'a> Rows<'a> {
    /// Reads from the beginning of `bytes`, cells separated by `delimiter`; a byte order mark is not part of the first
    /// cell.
    pub fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self {
            bytes,
            delimiter,
            reader: reader_of(bytes, delimiter),
            base: 0,
            record: ByteRecord::new(),
            lines: LineCounter::new(bytes),
            width: 0,
            has_nul: bytes.contains(&0),
        }
    }

    /// Says how many cells a row should have, once the header was read.
    pub fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    /// The next row, or `None` at the end. Blank lines are passed over.
    pub fn next_row(&mut self) -> Option<Row<'_>> {
        // Reading from memory with flexible widths cannot fail.
        if !self
            .reader
            .read_byte_record(&mut self.record)
            .unwrap_or(false)
        {
            return None;
        }
        let bytes = self.bytes;
        let position = self.record.position().map_or(0, csv::Position::byte);
        let mut start = self.base + usize::try_from(position).unwrap_or(usize::MAX);
        let end = self.base + usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        while bytes.get(start).is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            start += 1;
        }
        let line = self.lines.line_at(start);
        let mut raw = bytes.get(start..end).unwrap_or_default();
        let mut n_lines = 1 + self.lines.count(raw.trim_ascii_end());

        let mut stray_quote = None;
        let may_be_astray = n_lines > 1 || end >= bytes.len();
        if let Some(opened) = may_be_astray
            .then(|| stray_quote_of(raw, self.delimiter))
            .flatten()
        {
            let line_end = self.lines.end_of_line(raw, opened);
            let prefix = raw.get(..opened).unwrap_or_default();
            stray_quote = Some(place(line, prefix, self.lines.newline));
            raw = raw.get(..line_end).unwrap_or_default();
            n_lines = 1 + self.lines.count(raw);
            self.record = mend(raw, self.delimiter, !prefix.contains(&b'"'), self.width);
            self.base = start + line_end;
            self.reader = reader_of(bytes.get(self.base..).unwrap_or_default(), self.delimiter);
        }
        let invalid = self.invalid_byte(line, raw);
        Some(Row {
            line,
            n_lines,
            stray_quote,
            invalid,
            record: &self.record,
            raw,
            delimiter: self.delimiter,
            newline: self.lines.newline,
        })
    }

    fn invalid_byte(&self, line: u64, raw: &[u8]) -> Option<InvalidByte> {
        let at = match std::str::from_utf8(raw) {
            Err(error) => error.valid_up_to(),
            Ok(_) if self.has_nul => raw.iter().position(|b| *b == 0)?,
            Ok(_) => return None,
        };
        Some(InvalidByte {
            place: place(line, raw.get(..at).unwrap_or_default(), self.lines.newline),
            byte: *raw.get(at)?,
        })
    }
}

/// The place just behind `prefix`, which begins `line`.
fn place(line: u64, prefix: &[u8], newline: u8) -> Place {
    let lines = prefix.iter().filter(|b| **b == newline).count() as u64;
    let last_line = prefix.rsplit(|b| *b == newline).next().unwrap_or_default();
    Place {
        line: line + lines,
        column: String::from_utf8_lossy(last_line).chars().count() as u64 + 1,
    }
}

fn reader_of(bytes: &[u8], delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

/// Reads a line whose quote never closes. If the quote is the row's first, it may be part of the text: then
/// the row is read as if quotes meant nothing, provided that gives the right number of cells.
fn mend(raw: &[u8], delimiter: u8, may_be_literal: bool, width: usize) -> ByteRecord {
    let mut record = ByteRecord::new();
    if may_be_literal {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .quoting(false)
            .from_reader(raw);
        if reader.read_byte_record(&mut record).unwrap_or(false) && record.len() == width {
            return record;
        }
    }
    let closed = [raw, b"\""].concat();
    if !reader_of(&closed, delimiter)
        .read_byte_record(&mut record)
        .unwrap_or(false)
    {
        record.clear();
    }
    record
}

/// Where a quote opens that goes over the end of its line and then never closes, or closes in the middle of a
/// cell: both mean that it was not meant to open one.
fn stray_quote_of(raw: &[u8], delimiter: u8) -> Option<usize> {
    enum At {
        CellStart,
        Plain,
        Quoted { opened: usize },
        Closed { opened: usize },
    }
    let mut at = At::CellStart;
    let mut bytes = raw.iter().copied().enumerate().peekable();
    while let Some((i, byte)) = bytes.next() {
        at = match (at, byte) {
            (At::Quoted { opened }, b'"') => {
                if bytes.next_if(|(_, next)| *next == b'"').is_some() {
                    At::Quoted { opened }
                } else {
                    At::Closed { opened }
                }
            }
            (At::Quoted { opened }, _) => At::Quoted { opened },
            (At::CellStart, b'"') => At::Quoted { opened: i },
            (_, b'\n' | b'\r') => At::CellStart,
            (_, byte) if byte == delimiter => At::CellStart,
            (At::Closed { opened }, _)
                if raw.get(opened..i).is_some_and(|cell| cell.contains(&b'\n')) =>
            {
                return Some(opened);
            }
            _ => At::Plain,
        };
    }
    match at {
        At::Quoted { opened } => Some(opened),
        _ => None,
    }
}

/// Line numbers for ascending offsets, counted once over the whole file.
struct LineCounter<'a> {
    bytes: &'a [u8],
    /// `\r` only in a file that has no `\n` at all.
    newline: u8,
    offset: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let newline = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
        Self {
            bytes,
            newline,
            offset: 0,
            line: 1,
        }
    }

    fn line_at(&mut self, offset: usize) -> u64 {
        self.line += self.count(self.bytes.get(self.offset..offset).unwrap_or_default());
        self.offset = self.offset.max(offset);
        self.line
    }

    fn count(&self, bytes: &[u8]) -> u64 {
        bytes.iter().filter(|b| **b == self.newline).count() as u64
    }

    /// Where the line around `at` ends, its newline left out.
    fn end_of_line(&self, raw: &[u8], at: usize) -> usize {
        let rest = raw.get(at..).unwrap_or_default();
        rest.iter()
            .position(|b| *b == self.newline)
            .map_or(raw.len(), |n| at + n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row as `line: cell|cell`, and `!line:column` behind it if a quote is stray.
    fn rows(text: &str, width: usize) -> Vec<String> {
        let mut rows = Rows::new(text.as_bytes(), b',');
        rows.set_width(width);
        let mut out = Vec::new();
        while let Some(row) = rows.next_row() {
            let cells: Vec<_> = (0..row.len()).filter_map(|i| row.cell(i)).collect();
            let stray = row
                .stray_quote
                .map(|p| format!(" !{}:{}", p.line, p.column));
            out.push(format!(
                "{}: {}{}",
                row.line,
                cells.join("|"),
                stray.unwrap_or_default()
            ));
        }
        out
    }

    #[test]
    fn rows_know_their_lines() {
        for (text, expected) in [
            ("a,b\r\n\r\nc,d\r\n", vec!["1: a|b", "3: c|d"]),
            (
                "\u{feff}a,b\n\"c\nc\",d\ne,f",
                vec!["1: a|b", "2: c\nc|d", "4: e|f"],
            ),
            ("a,b\rc,d\r", vec!["1: a|b", "2: c|d"]),
            ("\"a \"\"b\"\"\",\"\"\n", vec!["1: a \"b\"|"]),
            ("", vec![]),
            ("\n\n", vec![]),
        ] {
            assert_eq!(rows(text, 2), expected, "{text:?}");
        }
    }

    #[test]
    fn a_stray_quote_costs_one_row() {
        for (text, expected) in [
            // never closed: the quote was part of the text
            (
                "a,b\n\"c,d\ne,f\n",
                vec!["1: a|b", "2: \"c|d !2:1", "3: e|f"],
            ),
            // closed by the opening quote of a later row
            (
                "\"c,d\ne,f\n\"g,g\",h\n",
                vec!["1: \"c|d !1:1", "2: e|f", "3: g,g|h"],
            ),
            // behind a good quoted cell, on its second line
            ("\"c\nä\",\"d\ne,f\n", vec!["1: c\nä|d !2:4", "3: e|f"]),
            // on the last line
            ("a,b\nc,\"d", vec!["1: a|b", "2: c|\"d !2:3"]),
            // a quote closed early on its own line hurts nobody else
            ("\"c\" d,e\nf,g\n", vec!["1: c d|e", "2: f|g"]),
        ] {
            assert_eq!(rows(text, 2), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cell_knows_its_place() {
        let bytes = "\"a\t\"\"b\nß\"\tc\"d\te\n".as_bytes();
        let mut rows = Rows::new(bytes, b'\t');
        let row = rows.next_row().expect("a row");
        assert_eq!(row.cell(2).as_deref(), Some("e"));
        let places: Vec<_> = (0..4).map(|i| row.place_of(i)).collect();
        let expected = [(1, 1), (2, 4), (2, 8), (2, 9)];
        assert_eq!(
            places,
            expected.map(|(line, column)| Place { line, column })
        );
    }

    #[test]
    fn many_stray_quotes_are_read_in_linear_time() {
        let text = "\"x,y\n".repeat(20_001);
        assert_eq!(rows(&text, 2).len(), 20_001);
    }

    #[test]
    fn a_bad_byte_is_placed_in_characters() {
        let mut rows = Rows::new(b"text,x\n\"\xc3\xa4\nb\xc3\xa4 \xff\",c\na\0,b\n", b',');
        assert!(rows.next_row().is_some_and(|r| r.invalid.is_none()));
        let row = rows.next_row().expect("a row");
        let invalid = row.invalid.expect("a bad byte");
        assert_eq!(
            invalid,
            InvalidByte {
                place: Place { line: 3, column: 4 },
                byte: 0xff
            }
        );
        assert_eq!(row.cell(0).as_deref(), Some("ä\nbä \u{fffd}"));
        let row = rows.next_row().expect("a row");
        assert_eq!(
            row.invalid.map(|i| (i.place.line, i.place.column)),
            Some((4, 2))
        );
        assert_eq!(row.cell(0).as_deref(), Some("a\u{fffd}"));
    }
}
