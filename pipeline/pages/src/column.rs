//! One column: values are gathered to pages, pages to the chunk of a row group. An array of a slice counts from its own first row.

use arrow::array::{Array, AsArray, BooleanBufferBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal128Type, TimeUnit};
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use crate::ColumnRange;
use crate::chunk::Chunk;
use crate::hybrid;
use crate::numbers::{Numbers, plain_page};
use crate::page::Press;
use crate::texts::{Incoming, Taken, Texts};

/// Longer texts do not stand in the statistics.
const SHORT: usize = 64;

pub(crate) struct Column {
    name: String,
    optional: bool,
    values: Values,
    /// Rows of the open page.
    rows: usize,
    /// Which of them are not null; empty while all are.
    valid: BooleanBufferBuilder,
    chunk: Chunk,
}

enum Values {
    Numbers(Numbers<i64>),
    /// Decimals of more than 18 digits.
    Wide(Numbers<i128>),
    Flags {
        page: Vec<bool>,
        range: Option<(bool, bool)>,
    },
    Texts(Texts),
}

impl Column {
    pub(crate) fn new(column: &ColumnDescPtr, kind: &DataType) -> Result<Self> {
        let values = match (kind, column.physical_type()) {
            (DataType::Utf8, Type::BYTE_ARRAY) => Values::Texts(Texts::default()),
            (DataType::Boolean, Type::BOOLEAN) => Values::Flags { page: Vec::new(), range: None },
            (DataType::Date32 | DataType::Decimal128(..), Type::INT32) => Values::Numbers(Numbers::new(4)),
            (DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Decimal128(..), Type::INT64) => Values::Numbers(Numbers::new(8)),
            (DataType::Decimal128(..), Type::FIXED_LEN_BYTE_ARRAY) => Values::Wide(Numbers::new(usize::try_from(column.type_length()).unwrap_or(16))),
            (kind, _) => return Err(ParquetError::NYI(format!("column {}: {kind} is not written", column.name()))),
        };
        let name = column.name().to_owned();
        Ok(Self { name, optional: column.max_def_level() > 0, values, rows: 0, valid: BooleanBufferBuilder::new(0), chunk: Chunk::new(column.clone()) })
    }

    pub(crate) fn memory(&self) -> usize {
        self.chunk.bytes()
            + match &self.values {
                Values::Numbers(numbers) => numbers.memory(),
                Values::Wide(numbers) => numbers.memory(),
                Values::Flags { page, .. } => page.len(),
                Values::Texts(texts) => texts.memory(),
            }
    }

    /// Gives back what is kept from row group to row group.
    pub(crate) fn release(&mut self) {
        self.chunk.release();
        match &mut self.values {
            Values::Numbers(numbers) => numbers.release(),
            Values::Wide(numbers) => numbers.release(),
            Values::Flags { page, .. } => *page = Vec::new(),
            Values::Texts(texts) => texts.release(),
        }
    }

    /// Takes `rows` values of a batch's array. The caller ends pages at a fixed number of rows.
    pub(crate) fn write(&mut self, array: &dyn Array, from: usize, rows: usize, press: &mut Press) -> Result<()> {
        if let (Values::Texts(texts), 0) = (&mut self.values, from) {
            texts.start_batch(array.len());
        }
        let array = array.slice(from, rows);
        if let Values::Texts(_) = self.values {
            return self.write_texts(Incoming::of(&array).ok_or_else(|| wrong(&self.name))?, rows, press);
        }
        self.mark(array.nulls(), 0, rows);
        let taken = match &mut self.values {
            Values::Numbers(numbers) => numbers.take_array(&array),
            Values::Wide(numbers) => array.as_primitive_opt::<Decimal128Type>().map(|array| numbers.take(array.values(), array.nulls(), |value| value)),
            Values::Flags { page, .. } => array.as_boolean_opt().map(|array| page.extend(array.iter().flatten())),
            Values::Texts(_) => None,
        };
        taken.ok_or_else(|| wrong(&self.name))
    }

    /// Counts rows of an array into the page, and which of them are null.
    fn mark(&mut self, nulls: Option<&NullBuffer>, from: usize, to: usize) {
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => {
                self.valid.append_n(self.rows - self.valid.len(), true);
                self.valid.append_buffer(&nulls.inner().slice(from, to - from));
            }
            None if !self.valid.is_empty() => self.valid.append_n(to - from, true),
            None => {}
        }
        self.rows += to - from;
    }

    fn write_texts(&mut self, incoming: Incoming<'_>, rows: usize, press: &mut Press) -> Result<()> {
        let nulls = incoming.nulls();
        let (mut row, mut marked) = (0, 0);
        while row < rows {
            let Values::Texts(texts) = &mut self.values else { return Err(wrong(&self.name)) };
            let taken = texts.take(incoming, row, rows);
            let (Taken::To(next) | Taken::Full(next)) = taken;
            row = next;
            if matches!(taken, Taken::Full(_)) || texts.is_full() {
                self.mark(nulls, marked, row);
                marked = row;
                self.end_page(press)?;
            }
            if let (Taken::Full(_), Values::Texts(texts)) = (taken, &mut self.values) {
                texts.give_up();
            }
        }
        self.mark(nulls, marked, rows);
        Ok(())
    }

    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        press.raw.clear();
        // All rows of the page are marked, or none.
        let valid = if self.valid.is_empty() { None } else { Some(self.valid.finish()) };
        let nulls = valid.as_ref().map_or(0, |valid| self.rows - valid.count_set_bits());
        if let (true, Some(valid)) = (self.optional && nulls > 0, &valid) {
            hybrid::some_there(&mut press.raw, valid);
        } else if self.optional {
            hybrid::all_there(&mut press.raw, self.rows);
        } else if nulls > 0 {
            return Err(ParquetError::General(format!("column {} holds nulls, and may not", self.name)));
        }
        let encoding = match &mut self.values {
            Values::Numbers(numbers) => numbers.encode(press, plain_page),
            Values::Wide(numbers) => numbers.encode(press, |size, page, raw| {
                for value in page {
                    raw.extend_from_slice(&value.to_be_bytes()[16 - size..]);
                }
                Encoding::PLAIN
            }),
            Values::Flags { page, range } => {
                for value in page.iter() {
                    let (least, greatest) = range.get_or_insert((*value, *value));
                    (*least, *greatest) = (*least & value, *greatest | value);
                }
                press.raw.extend(page.chunks(8).map(|bits| bits.iter().rev().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit))));
                page.clear();
                Encoding::PLAIN
            }
            Values::Texts(texts) => texts.encode(press),
        };
        self.chunk.add_page(press, self.rows, nulls, encoding)?;
        self.rows = 0;
        Ok(())
    }

    /// The chunk of a row group, and what its end says about it.
    pub(crate) fn end_chunk(&mut self, rows: usize, press: &mut Press) -> Result<(Bytes, ColumnCloseResult)> {
        self.end_page(press)?;
        press.raw.clear();
        let nulls = Some(self.chunk.nulls() as u64);
        let (entries, statistics) = match &mut self.values {
            Values::Numbers(numbers) => {
                let plain: fn(i64, usize, &mut Vec<u8>) = |value, size, raw| raw.extend_from_slice(&value.to_le_bytes()[..size]);
                let (entries, range) = numbers.end_chunk(press, plain);
                let statistics = if numbers.size == 4 {
                    Statistics::int32(range.map(|(least, _)| least as i32), range.map(|(_, greatest)| greatest as i32), None, nulls, false)
                } else {
                    Statistics::int64(range.map(|(least, _)| least), range.map(|(_, greatest)| greatest), None, nulls, false)
                };
                (entries, statistics)
            }
            Values::Wide(numbers) => {
                let plain: fn(i128, usize, &mut Vec<u8>) = |value, size, raw| raw.extend_from_slice(&value.to_be_bytes()[16 - size..]);
                let ((entries, range), size) = (numbers.end_chunk(press, plain), numbers.size);
                let bytes = |value: i128| FixedLenByteArray::from(value.to_be_bytes()[16 - size..].to_vec());
                (entries, Statistics::fixed_len_byte_array(range.map(|range| bytes(range.0)), range.map(|range| bytes(range.1)), None, nulls, false))
            }
            Values::Flags { range, .. } => {
                let range = range.take();
                (0, Statistics::boolean(range.map(|range| range.0), range.map(|range| range.1), None, nulls, false))
            }
            Values::Texts(texts) => {
                let (entries, range) = texts.end_chunk(press);
                let short = range.filter(|(least, greatest)| least.len().max(greatest.len()) <= SHORT);
                let (least, greatest) = short.map(|(least, greatest)| (ByteArray::from(least), ByteArray::from(greatest))).unzip();
                (entries, Statistics::byte_array(least, greatest, None, nulls, false))
            }
        };
        self.chunk.end(press, entries, rows, statistics)
    }

    /// Of the whole file.
    pub(crate) fn range(self) -> ColumnRange {
        let found = match self.values {
            Values::Numbers(numbers) => numbers.file_range.map(|(least, greatest)| ColumnRange::Numbers(least.into(), greatest.into())),
            Values::Wide(numbers) => numbers.file_range.map(|(least, greatest)| ColumnRange::Numbers(least, greatest)),
            Values::Texts(texts) => texts.file_range.into_bounds().map(|(least, greatest)| ColumnRange::Texts(least, greatest)),
            Values::Flags { .. } => None,
        };
        found.unwrap_or(ColumnRange::None)
    }
}

fn wrong(name: &str) -> ParquetError {
    ParquetError::General(format!("column {name} of a batch has another type than the file"))
}
