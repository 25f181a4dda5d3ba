//! One page: compressed, behind its header in Thrift's compact form.

use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

/// Rows of a page, at most.
pub(crate) const ROWS: usize = 1 << 15;
/// Bytes of a page of plain texts, about.
pub(crate) const BYTES: usize = 1 << 20;

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;

/// The compressor and the buffers that all pages share.
pub struct Press {
    zstd: Compressor<'static>,
    /// The page before it is compressed.
    pub(crate) raw: Vec<u8>,
    compressed: Vec<u8>,
    pub(crate) codes: Vec<u32>,
}

impl Press {
    pub fn new() -> Result<Self> {
        Ok(Self { zstd: Compressor::new(1).map_err(failed)?, raw: Vec::new(), compressed: Vec::new(), codes: Vec::new() })
    }

    /// Puts `raw` behind a header, compressed where the chunk is; gives the size of header and page uncompressed.
    pub(crate) fn data_page(&mut self, values: usize, encoding: Encoding, is_compressed: bool, into: &mut Vec<u8>) -> Result<usize> {
        self.page(DATA_PAGE, values, encoding, is_compressed, into)
    }

    pub(crate) fn dictionary_page(&mut self, values: usize, is_compressed: bool, into: &mut Vec<u8>) -> Result<usize> {
        self.page(DICTIONARY_PAGE, values, Encoding::PLAIN, is_compressed, into)
    }

    fn page(&mut self, kind: i64, values: usize, encoding: Encoding, is_compressed: bool, into: &mut Vec<u8>) -> Result<usize> {
        self.compressed.clear();
        if is_compressed {
            self.compressed.reserve(compress_bound(self.raw.len()));
            self.zstd.compress_to_buffer(&self.raw, &mut self.compressed).map_err(failed)?;
        }
        let body = if is_compressed { &self.compressed } else { &self.raw };
        let start = into.len();
        let mut header = Fields { into, last: 0 };
        header.number(1, kind);
        header.number(2, size(self.raw.len())?);
        header.number(3, size(body.len())?);
        header.open(if kind == DATA_PAGE { 5 } else { 7 });
        header.number(1, size(values)?);
        header.number(2, encoding as i64);
        if kind == DATA_PAGE {
            header.number(3, Encoding::RLE as i64);
            header.number(4, Encoding::RLE as i64);
        }
        into.extend_from_slice(&[END, END]);
        let head = into.len() - start;
        into.extend_from_slice(body);
        Ok(head + self.raw.len())
    }
}

const END: u8 = 0;

/// Fields of a Thrift struct: the distance to the last field's number and the type in one byte, then the value.
struct Fields<'a> {
    into: &'a mut Vec<u8>,
    last: u8,
}

impl Fields<'_> {
    fn number(&mut self, field: u8, value: i64) {
        const I32: u8 = 5;
        self.into.push((field - self.last) << 4 | I32);
        self.last = field;
        varint(self.into, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// The fields that follow are those of a struct within.
    fn open(&mut self, field: u8) {
        const STRUCT: u8 = 12;
        self.into.push((field - self.last) << 4 | STRUCT);
        self.last = 0;
    }
}

pub(crate) fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        into.push(value as u8 | 128);
        value >>= 7;
    }
    into.push(value as u8);
}

fn size(bytes: usize) -> Result<i64> {
    i32::try_from(bytes).map(i64::from).map_err(|_| ParquetError::General(format!("a page of {bytes} bytes or values is too large")))
}

fn failed(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
