//! The pages of one column in one row group, and what the file's end says about them.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use crate::page::Press;

/// A chunk of one page of so few bytes, and a dictionary of as few, is not compressed: whoever reads it would set up a decompressor for
/// nothing, and a table of many small months has thousands of them.
const SMALL: usize = 4 << 10;

pub(crate) struct Chunk {
    column: ColumnDescPtr,
    pages: Vec<u8>,
    /// The first page, while it is alone and small.
    waiting: Option<Page>,
    /// Bytes before compression, headers included.
    plain_bytes: usize,
    rows: usize,
    nulls: usize,
    encodings: Vec<Encoding>,
}

struct Page {
    raw: Vec<u8>,
    rows: usize,
    encoding: Encoding,
}

impl Chunk {
    pub(crate) fn new(column: ColumnDescPtr) -> Self {
        Self { column, pages: Vec::new(), waiting: None, plain_bytes: 0, rows: 0, nulls: 0, encodings: Vec::new() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() + self.waiting.as_ref().map_or(0, |page| page.raw.len())
    }

    pub(crate) fn release(&mut self) {
        self.pages = Vec::new();
    }

    pub(crate) fn nulls(&self) -> usize {
        self.nulls
    }

    /// The page stands in the press.
    pub(crate) fn add_page(&mut self, press: &mut Press, rows: usize, nulls: usize, encoding: Encoding) -> Result<()> {
        if let Some(first) = self.waiting.take() {
            let page = std::mem::replace(&mut press.raw, first.raw);
            self.plain_bytes += press.data_page(first.rows, first.encoding, true, &mut self.pages)?;
            press.raw = page;
        }
        if self.rows == 0 && press.raw.len() <= SMALL {
            self.waiting = Some(Page { raw: press.raw.clone(), rows, encoding });
        } else {
            self.plain_bytes += press.data_page(rows, encoding, true, &mut self.pages)?;
        }
        self.rows += rows;
        self.nulls += nulls;
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        Ok(())
    }

    /// The chunk; its dictionary, if it has entries, stands in the press.
    pub(crate) fn end(&mut self, press: &mut Press, entries: usize, rows: usize, statistics: Statistics) -> Result<(Bytes, ColumnCloseResult)> {
        let mut encodings = vec![Encoding::RLE];
        encodings.append(&mut self.encodings);
        let mut bytes = Vec::new();
        let is_compressed = self.waiting.is_none() || press.raw.len() > SMALL;
        if entries > 0 || encodings.contains(&Encoding::RLE_DICTIONARY) {
            self.plain_bytes += press.dictionary_page(entries, is_compressed, &mut bytes)?;
            if !encodings.contains(&Encoding::PLAIN) {
                encodings.push(Encoding::PLAIN);
            }
        }
        if let Some(first) = self.waiting.take() {
            press.raw = first.raw;
            self.plain_bytes += press.data_page(first.rows, first.encoding, is_compressed, &mut self.pages)?;
        }
        let dictionary = (!bytes.is_empty()).then_some(0);
        let head = bytes.len();
        bytes.extend_from_slice(&self.pages);
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(if is_compressed { Compression::ZSTD(ZstdLevel::default()) } else { Compression::UNCOMPRESSED })
            .set_encodings(encodings)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.plain_bytes as i64)
            .set_data_page_offset(head as i64)
            .set_dictionary_page_offset(dictionary)
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        self.pages.clear();
        (self.plain_bytes, self.rows, self.nulls) = (0, 0, 0);
        Ok((bytes.into(), close))
    }
}
