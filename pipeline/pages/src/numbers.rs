//! A column of numbers: codes of a dictionary while they repeat, else their bytes.

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Date32Type, Decimal64Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use parquet::basic::Encoding;

use crate::hybrid;
use crate::number::{Number, NumberDictionary};
use crate::page::Press;

pub(crate) struct Numbers<N> {
    page: Vec<N>,
    /// Bytes of a number in the file.
    pub(crate) size: usize,
    dictionary: NumberDictionary<N>,
    /// Whether the numbers repeat, as far as is known.
    repeats: bool,
    /// Least and greatest of the chunk, and of the whole file.
    pub(crate) range: Option<(N, N)>,
    pub(crate) file_range: Option<(N, N)>,
}

impl Numbers<i64> {
    pub(crate) fn take_array(&mut self, array: &dyn Array) -> Option<()> {
        let nulls = array.nulls();
        match array.data_type() {
            DataType::Int64 => self.take(array.as_primitive::<Int64Type>().values(), nulls, |value| value),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.take(array.as_primitive::<TimestampMicrosecondType>().values(), nulls, |value| value),
            DataType::Date32 => self.take(array.as_primitive::<Date32Type>().values(), nulls, i64::from),
            DataType::Decimal64(..) => self.take(array.as_primitive::<Decimal64Type>().values(), nulls, |value| value),
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
    pub(crate) fn new(size: usize) -> Self {
        Self { page: Vec::new(), size, dictionary: NumberDictionary::default(), repeats: true, range: None, file_range: None }
    }

    pub(crate) fn memory(&self) -> usize {
        self.dictionary.memory() + self.page.len() * size_of::<N>()
    }

    pub(crate) fn release(&mut self) {
        self.page = Vec::new();
        self.dictionary = NumberDictionary::default();
    }

    pub(crate) fn take<T: Copy>(&mut self, values: &[T], nulls: Option<&NullBuffer>, number: impl Fn(T) -> N) {
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => self.page.extend(values.iter().map(|value| number(*value))),
            Some(nulls) => self.page.extend(nulls.valid_indices().map(|at| number(values[at]))),
        }
    }

    pub(crate) fn encode(&mut self, press: &mut Press, plain: impl Fn(usize, &[N], &mut Vec<u8>) -> Encoding) -> Encoding {
        if let Some(first) = self.page.first() {
            let start = self.range.unwrap_or((*first, *first));
            self.range = Some(self.page.iter().fold(start, |(least, greatest), value| (least.min(*value), greatest.max(*value))));
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

    /// The dictionary in its plain form; gives the number of its entries and the chunk's range.
    pub(crate) fn end_chunk(&mut self, press: &mut Press, plain: impl Fn(N, usize, &mut Vec<u8>)) -> (usize, Option<(N, N)>) {
        let entries = self.dictionary.values().len();
        for value in self.dictionary.values() {
            plain(*value, self.size, &mut press.raw);
        }
        self.dictionary.clear();
        // What repeated for a while may do so again.
        self.repeats = entries > 0;
        let range = self.range.take();
        if let Some((least, greatest)) = range {
            let (a, b) = self.file_range.unwrap_or((least, greatest));
            self.file_range = Some((a.min(least), b.max(greatest)));
        }
        (entries, range)
    }
}

/// Numbers of a page as the file has them where they don't repeat: of eight bytes first all the lowest bytes, then the next.
pub(crate) fn plain_page(size: usize, page: &[i64], raw: &mut Vec<u8>) -> Encoding {
    if size == 4 {
        raw.extend(page.iter().flat_map(|value| (*value as i32).to_le_bytes()));
        return Encoding::PLAIN;
    }
    split_bytes(page, raw);
    Encoding::BYTE_STREAM_SPLIT
}

fn split_bytes(page: &[i64], raw: &mut Vec<u8>) {
    let start = raw.len();
    raw.resize(start + page.len() * 8, 0);
    if page.is_empty() {
        return;
    }
    let (blocks, rest) = page.as_chunks::<8>();
    let mut streams = raw[start..].chunks_exact_mut(page.len());
    let mut streams: [&mut [u8]; 8] = std::array::from_fn(|_| streams.next().unwrap_or_default());
    for (at, block) in blocks.iter().enumerate() {
        let turned = turn(block);
        for (stream, bytes) in streams.iter_mut().zip(turned) {
            stream[at * 8..at * 8 + 8].copy_from_slice(&bytes.to_le_bytes());
        }
    }
    let done = blocks.len() * 8;
    for (at, value) in rest.iter().enumerate() {
        for (stream, byte) in streams.iter_mut().zip(value.to_le_bytes()) {
            stream[done + at] = byte;
        }
    }
}

/// Eight words of eight bytes with rows and columns exchanged, in three steps: bytes, pairs and fours.
#[inline]
fn turn(block: &[i64; 8]) -> [u64; 8] {
    let mut words = [0; 8];
    for (word, value) in words.iter_mut().zip(block) {
        *word = value.cast_unsigned();
    }
    for (distance, mask) in [(1, 0x00ff_00ff_00ff_00ff_u64), (2, 0x0000_ffff_0000_ffff), (4, 0x0000_0000_ffff_ffff)] {
        for at in (0..8).filter(|at| at & distance == 0) {
            let (low, high) = (words[at], words[at + distance]);
            let differs = (low >> (8 * distance) ^ high) & mask;
            words[at] = low ^ differs << (8 * distance);
            words[at + distance] = high ^ differs;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_stands_in_its_stream() {
        for count in [0, 1, 7, 8, 9, 100] {
            let page: Vec<i64> = (0..count).map(|at| (at as i64 + 1).wrapping_mul(0x1234_5678_9abc_def1)).collect();
            let mut raw = vec![77];
            split_bytes(&page, &mut raw);
            let expected: Vec<u8> = (0..8).flat_map(|byte| page.iter().map(move |value| value.to_le_bytes()[byte])).collect();
            assert_eq!(raw[1..], expected, "{count}");
        }
    }
}
