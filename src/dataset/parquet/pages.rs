//! Row groups whose pages are decompressed within limits, and with zstd in Rust: the crate would build zstd's C library for it,
//! and takes whatever a page of gzip gives. The other codecs stay with the crate, which allocates what a page's header says.

use std::{fs::File, io::Read, sync::Arc};

use flate2::read::MultiGzDecoder;
use parquet::{
    basic::Compression,
    bloom_filter::Sbbf,
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::RowGroupMetaData,
        reader::{RowGroupReader, SerializedPageReader},
    },
    record::reader::RowIter,
    schema::types::Type,
};
use ruzstd::decoding::StreamingDecoder;

/// The most that one page may give, in bytes.
const MAX_PAGE_BYTES: u64 = 1 << 30;

/// A row group of a file.
pub(super) struct Group<'a> {
    file: Arc<File>,
    group: Box<dyn RowGroupReader + 'a>,
}

impl<'a> Group<'a> {
    pub fn new(file: &Arc<File>, group: Box<dyn RowGroupReader + 'a>) -> Self {
        Self {
            file: Arc::clone(file),
            group,
        }
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.group.metadata()
    }

    fn num_columns(&self) -> usize {
        self.group.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata().column(i);
        let codec = match column.compression() {
            Compression::GZIP(_) => Codec::Gzip,
            Compression::ZSTD(_) => Codec::Zstd,
            Compression::BROTLI(_) => return Err(not_read("brotli")),
            Compression::LZO => return Err(not_read("LZO")),
            _ => return self.group.get_column_page_reader(i),
        };
        // Pages as they stand in the file.
        let column = column.clone().into_builder();
        let column = column.set_compression(Compression::UNCOMPRESSED).build()?;
        let n_rows = usize::try_from(self.metadata().num_rows()).unwrap_or(usize::MAX);
        let pages = SerializedPageReader::new(Arc::clone(&self.file), &column, n_rows, None)?;
        Ok(Box::new(Pages { pages, codec }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.group.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

fn not_read(codec: &str) -> ParquetError {
    ParquetError::General(format!("it is compressed with {codec}, which is not read"))
}

/// The pages of one column.
struct Pages {
    pages: SerializedPageReader<File>,
    codec: Codec,
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.pages.get_next_page()? else {
            return Ok(None);
        };
        let levels = match &page {
            Page::DataPageV2 {
                is_compressed: false,
                ..
            } => return Ok(Some(page)),
            // The levels of the second version stand before what is compressed.
            Page::DataPageV2 {
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len),
            Page::DataPage { .. } | Page::DictionaryPage { .. } => 0,
        };
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        match &mut page {
            Page::DataPage { buf, .. }
            | Page::DataPageV2 { buf, .. }
            | Page::DictionaryPage { buf, .. } => {
                let Some((levels, compressed)) = buf.split_at_checked(levels) else {
                    return Err(ParquetError::General("a page is cut off".to_owned()));
                };
                let mut bytes = levels.to_vec();
                self.codec.decompress(compressed, &mut bytes)?;
                *buf = bytes.into();
            }
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

/// How a column's pages are compressed.
#[derive(Clone, Copy)]
enum Codec {
    Gzip,
    Zstd,
}

impl Codec {
    /// Adds what `compressed` holds to `out`.
    fn decompress(self, mut compressed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Gzip => take(MultiGzDecoder::new(compressed), MAX_PAGE_BYTES, out),
            Self::Zstd => {
                while !compressed.is_empty() {
                    let frame = StreamingDecoder::new(&mut compressed)
                        .map_err(|error| ParquetError::General(error.to_string()))?;
                    take(frame, MAX_PAGE_BYTES, out)?;
                }
                Ok(())
            }
        }
    }
}

/// Reads to the end, or to the most that is taken.
fn take(decoder: impl Read, most: u64, out: &mut Vec<u8>) -> Result<()> {
    decoder.take(most + 1).read_to_end(out)?;
    if out.len() as u64 > most {
        let most = most >> 20;
        let why = format!("a page holds more than {most} MiB");
        return Err(ParquetError::General(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_end_is_refused() {
        let mut out = Vec::new();
        take(&[7u8; 5][..], 5, &mut out).unwrap();
        assert_eq!(out, [7; 5]);
        let error = take(std::io::repeat(0), 3 << 20, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("more than 3 MiB"), "{error}");
    }
}
