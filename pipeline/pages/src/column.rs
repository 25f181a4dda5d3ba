//! One column: values are gathered to pages, pages to the chunk of a row group. An array of a slice counts from its own first row.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use crate::TextRange;
use crate::chunk::Chunk;
use crate::hybrid;
use crate::number::{Number, NumberDictionary};
use crate::page::{self, Press};
use crate::text::TextDictionary;

/// So many texts have a dictionary whether they repeat or not.
const FEW: usize = 256;
/// Longer texts do not stand in the statistics.
const SHORT: usize = 64;

pub(crate) struct Column {
    name: String,
    optional: bool,
    values: Values,
    /// Rows of the open page.
    rows: usize,
    /// Which of them are not null; empty while all are.
    valid: Vec<bool>,
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

struct Numbers<N> {
    page: Vec<N>,
    /// Bytes of a number in the file.
    size: usize,
    dictionary: NumberDictionary<N>,
    /// Whether the numbers repeat, as far as is known.
    repeats: bool,
    range: Option<(N, N)>,
}

/// Least and greatest.
type TextBounds = (Vec<u8>, Vec<u8>);

#[derive(Default)]
struct Texts {
    dictionary: TextDictionary,
    /// The open page: codes, or plain texts once the dictionary is given up.
    codes: Vec<u32>,
    plain: Vec<u8>,
    given_up: bool,
    /// Texts of the chunk's finished pages.
    before: usize,
    /// Of the plain texts of the chunk, and of the whole file.
    range: Option<TextBounds>,
    file_range: Option<TextBounds>,
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
        Ok(Self { name, optional: column.max_def_level() > 0, values, rows: 0, valid: Vec::new(), chunk: Chunk::new(column.clone()) })
    }

    pub(crate) fn memory(&self) -> usize {
        self.chunk.bytes()
            + match &self.values {
                Values::Numbers(numbers) => numbers.memory(),
                Values::Wide(numbers) => numbers.memory(),
                Values::Flags { page, .. } => page.len(),
                Values::Texts(texts) => texts.dictionary.memory() + texts.codes.len() * 4 + texts.plain.len(),
            }
    }

    /// Takes `rows` values of an array. The caller ends pages at [`page::ROWS`].
    pub(crate) fn write(&mut self, array: &dyn Array, from: usize, rows: usize, press: &mut Press) -> Result<()> {
        let array = array.slice(from, rows);
        if let Values::Texts(_) = &self.values {
            self.write_texts(array.as_string_opt::<i32>().ok_or_else(|| wrong(&self.name))?, press)?;
        } else {
            self.mark_valid(&array);
            self.rows += rows;
            let taken = match &mut self.values {
                Values::Numbers(numbers) => numbers.take_array(&array),
                Values::Wide(numbers) => array.as_primitive_opt::<Decimal128Type>().map(|array| numbers.take(array.values(), array.nulls(), |value| value)),
                Values::Flags { page, .. } => array.as_boolean_opt().map(|array| page.extend(array.iter().flatten())),
                Values::Texts(_) => None,
            };
            taken.ok_or_else(|| wrong(&self.name))?;
        }
        Ok(())
    }

    fn mark_valid(&mut self, array: &dyn Array) {
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => {
                self.valid.resize(self.rows, true);
                self.valid.extend(nulls.iter());
            }
            None if !self.valid.is_empty() => self.valid.resize(self.rows + array.len(), true),
            None => {}
        }
    }

    fn write_texts(&mut self, array: &arrow::array::StringArray, press: &mut Press) -> Result<()> {
        let (offsets, data) = (array.value_offsets(), array.value_data());
        for (row, ends) in offsets.windows(2).enumerate() {
            let there = array.is_valid(row);
            if !there && self.valid.is_empty() {
                self.valid.resize(self.rows, true);
            }
            if !there || !self.valid.is_empty() {
                self.valid.push(there);
            }
            self.rows += 1;
            if !there {
                continue;
            }
            let text = &data[ends[0] as usize..ends[1] as usize];
            let Values::Texts(texts) = &mut self.values else { continue };
            if !texts.given_up {
                if let Some(code) = texts.dictionary.code(text) {
                    texts.codes.push(code);
                    continue;
                }
                // The page of codes ends before this text.
                self.rows -= 1;
                let last = self.valid.pop();
                self.end_page(press)?;
                self.rows = 1;
                self.valid.extend(last.filter(|valid| !valid));
            }
            let Values::Texts(texts) = &mut self.values else { continue };
            texts.given_up = true;
            texts.push_plain(text);
            if texts.plain.len() >= page::BYTES {
                self.end_page(press)?;
            }
        }
        Ok(())
    }

    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        press.raw.clear();
        let nulls = self.valid.iter().filter(|valid| !**valid).count();
        if self.optional && nulls > 0 {
            hybrid::some_there(&mut press.raw, &self.valid);
        } else if self.optional {
            hybrid::all_there(&mut press.raw, self.rows);
        } else if nulls > 0 {
            return Err(ParquetError::General(format!("column {} holds nulls, and may not", self.name)));
        }
        let encoding = match &mut self.values {
            Values::Numbers(numbers) => numbers.encode(press, |size, page, raw| {
                if size == 4 {
                    raw.extend(page.iter().flat_map(|value| (*value as i32).to_le_bytes()));
                    return Encoding::PLAIN;
                }
                for byte in 0..8 {
                    raw.extend(page.iter().map(|value| (value >> (8 * byte)) as u8));
                }
                Encoding::BYTE_STREAM_SPLIT
            }),
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
        self.valid.clear();
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
                let (entries, size, range) = (numbers.end_chunk(press, plain), numbers.size, numbers.range.take());
                let statistics = if size == 4 {
                    Statistics::int32(range.map(|(least, _)| least as i32), range.map(|(_, greatest)| greatest as i32), None, nulls, false)
                } else {
                    Statistics::int64(range.map(|(least, _)| least), range.map(|(_, greatest)| greatest), None, nulls, false)
                };
                (entries, statistics)
            }
            Values::Wide(numbers) => {
                let plain: fn(i128, usize, &mut Vec<u8>) = |value, size, raw| raw.extend_from_slice(&value.to_be_bytes()[16 - size..]);
                let (entries, size, range) = (numbers.end_chunk(press, plain), numbers.size, numbers.range.take());
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

    pub(crate) fn text_range(self) -> TextRange {
        match self.values {
            Values::Texts(Texts { file_range: Some((least, greatest)), .. }) => TextRange::Known(least, greatest),
            _ => TextRange::None,
        }
    }
}

fn wrong(name: &str) -> ParquetError {
    ParquetError::General(format!("column {name} of a batch has another type than the file"))
}

impl Numbers<i64> {
    fn take_array(&mut self, array: &dyn Array) -> Option<()> {
        let nulls = array.nulls();
        match array.data_type() {
            DataType::Int64 => self.take(array.as_primitive::<Int64Type>().values(), nulls, |value| value),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.take(array.as_primitive::<TimestampMicrosecondType>().values(), nulls, |value| value),
            DataType::Date32 => self.take(array.as_primitive::<Date32Type>().values(), nulls, i64::from),
            DataType::Decimal128(..) => {
                let values = array.as_primitive::<Decimal128Type>().values();
                // The type says that they fit; a value that does not would be another one in the file.
                if values.iter().any(|value| i64::try_from(*value).is_err()) {
                    return None;
                }
                self.take(values, nulls, |value| value as i64);
            }
            _ => return None,
        }
        Some(())
    }
}

impl<N: Number> Numbers<N> {
    fn new(size: usize) -> Self {
        Self { page: Vec::new(), size, dictionary: NumberDictionary::default(), repeats: true, range: None }
    }

    fn memory(&self) -> usize {
        self.dictionary.memory() + self.page.len() * size_of::<N>()
    }

    fn take<T: Copy>(&mut self, values: &[T], nulls: Option<&arrow::buffer::NullBuffer>, number: impl Fn(T) -> N) {
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => self.page.extend(values.iter().map(|value| number(*value))),
            Some(nulls) => self.page.extend(nulls.valid_indices().map(|at| number(values[at]))),
        }
    }

    fn encode(&mut self, press: &mut Press, plain: impl Fn(usize, &[N], &mut Vec<u8>) -> Encoding) -> Encoding {
        if let Some((least, greatest)) = self.page.iter().copied().min().zip(self.page.iter().copied().max()) {
            let (a, b) = self.range.unwrap_or((least, greatest));
            self.range = Some((a.min(least), b.max(greatest)));
        }
        self.repeats = self.repeats && self.dictionary.page(&self.page, &mut press.codes);
        let encoding = if self.repeats {
            let width = hybrid::width(self.dictionary.values().len());
            press.raw.push(width as u8);
            hybrid::codes(&mut press.raw, &press.codes, width);
            Encoding::RLE_DICTIONARY
        } else {
            plain(self.size, &self.page, &mut press.raw)
        };
        self.page.clear();
        encoding
    }

    /// The dictionary in its plain form; gives the number of its entries.
    fn end_chunk(&mut self, press: &mut Press, plain: impl Fn(N, usize, &mut Vec<u8>)) -> usize {
        let entries = self.dictionary.values().len();
        for value in self.dictionary.values() {
            plain(*value, self.size, &mut press.raw);
        }
        self.dictionary.clear();
        // What repeated for a while may do so again.
        self.repeats = entries > 0;
        entries
    }
}

impl Texts {
    fn push_plain(&mut self, text: &[u8]) {
        widen(&mut self.range, text);
        self.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(text);
    }

    fn encode(&mut self, press: &mut Press) -> Encoding {
        if self.given_up && self.codes.is_empty() {
            press.raw.extend_from_slice(&self.plain);
            self.plain.clear();
            return Encoding::PLAIN;
        }
        self.before += self.codes.len();
        let seldom = self.dictionary.len() > FEW && self.dictionary.len() * 2 > self.before;
        self.given_up |= seldom;
        if seldom && self.before == self.codes.len() {
            // The first page, and hardly a text twice: no dictionary at all.
            for code in std::mem::take(&mut self.codes) {
                let text = self.dictionary.text(code);
                widen(&mut self.range, text);
                press.raw.extend_from_slice(&(text.len() as u32).to_le_bytes());
                press.raw.extend_from_slice(text);
            }
            self.dictionary.clear();
            return Encoding::PLAIN;
        }
        let width = hybrid::width(self.dictionary.len());
        press.raw.push(width as u8);
        hybrid::codes(&mut press.raw, &self.codes, width);
        self.codes.clear();
        Encoding::RLE_DICTIONARY
    }

    /// The dictionary goes into `raw`; gives the number of its entries and the chunk's range.
    fn end_chunk(&mut self, press: &mut Press) -> (usize, Option<TextBounds>) {
        let mut range = self.range.take();
        if let Some((least, greatest)) = self.dictionary.texts().min().zip(self.dictionary.texts().max()) {
            widen(&mut range, least);
            widen(&mut range, greatest);
        }
        if let Some((least, greatest)) = &range {
            widen(&mut self.file_range, least);
            widen(&mut self.file_range, greatest);
        }
        let entries = self.dictionary.len();
        press.raw.extend_from_slice(self.dictionary.plain());
        self.dictionary.clear();
        self.before = 0;
        // What had a dictionary for a while gets one again.
        self.given_up = self.given_up && entries == 0;
        (entries, range)
    }
}

fn widen(range: &mut Option<TextBounds>, text: &[u8]) {
    match range {
        None => *range = Some((text.to_vec(), text.to_vec())),
        Some((least, _)) if text < least.as_slice() => text.clone_into(least),
        Some((_, greatest)) if text > greatest.as_slice() => text.clone_into(greatest),
        Some(_) => {}
    }
}
