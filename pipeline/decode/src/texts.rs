//! A column of texts as codes: each text of a chunk is taken once, however often it stands there, where that pays.
//!
//! Most cells repeat the one above or one of a few texts. A cell is told by its raw bytes, quotes included: what is quoted here and
//! not there has two codes, which says nothing wrong. This module must not know types or what makes a text unfit.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBufferBuilder, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use crate::cells::Cells;
use crate::word::{HEAD, Head, fold, head, same_rest};

/// The code of a cell without a value.
const NULL: i32 = -1;
/// The code of a cell that can't be taken.
const UNFIT: i32 = -2;

/// How the cells of a column become texts; any way says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Way {
    /// Each text has one code.
    #[default]
    Codes,
    /// Each run of a text has a code of its own: texts hardly come again after other ones.
    Runs,
    /// Without codes: texts hardly repeat at all.
    Plain,
}

/// A way is kept for so many chunks, then the column is looked at again.
const KEPT: u32 = 15;
/// Fewer rows don't tell whether texts repeat.
const TELLING: usize = if cfg!(test) { 8 } else { 1 << 10 };

/// Slots that a column begins with.
const FIRST: usize = 1 << 10;
/// More steps than this to find a free place: texts that were made to collide.
const STEPS: usize = if cfg!(test) { 3 } else { 64 };

/// What the columns of a chunk are coded with, one after the other; kept for its memory.
#[derive(Debug, Default)]
pub(crate) struct Coder {
    slots: Vec<Slot>,
    /// Of the slots that this turn uses.
    mask: usize,
    /// Slots of an earlier turn are free.
    turn: u32,
    /// What has a code in this turn, in the order of its first rows.
    entries: Vec<Entry>,
    /// Of each column of the file: how it is read, for how many chunks more.
    ways: Vec<(Way, u32)>,
    /// The values of the codes: where they end, from 0 on.
    texts: Vec<u8>,
    ends: Vec<i32>,
    scratch: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    head: Head,
    length: u32,
    turn: u32,
    start: u32,
    code: i32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    length: u32,
    code: i32,
}

/// A column, and the rows that need a closer look.
pub(crate) struct Coded {
    pub(crate) array: ArrayRef,
    pub(crate) nulls: Vec<usize>,
    pub(crate) unfit: Vec<usize>,
}

impl Coder {
    /// The cells of a column: as codes, or plain where texts of the chunks before hardly repeated. `nulls` of the result is filled only
    /// where they are asked for.
    pub(crate) fn column(&mut self, cells: Cells<'_>, source: usize, tell_nulls: bool) -> Result<Coded, ArrowError> {
        if self.ways.len() <= source {
            self.ways.resize(source + 1, (Way::Codes, 0));
        }
        let (way, left) = self.ways[source];
        self.ways[source].1 = left.saturating_sub(1);
        match way {
            Way::Plain if left > 0 => self.plain(cells, source),
            Way::Runs if left > 0 => self.coded::<true>(cells, source, tell_nulls).map(|(coded, _)| coded),
            _ => {
                let (coded, runs) = self.coded::<false>(cells, source, tell_nulls)?;
                let (rows, texts) = (cells.index.rows(), self.entries.len());
                let way = match () {
                    () if rows < TELLING => Way::Codes,
                    () if texts * 10 > rows * 9 => Way::Plain,
                    () if texts * 10 > runs * 8 => Way::Runs,
                    () => Way::Codes,
                };
                self.ways[source] = (way, KEPT);
                Ok(coded)
            }
        }
    }

    fn plain(&mut self, cells: Cells<'_>, source: usize) -> Result<Coded, ArrowError> {
        let rows = cells.index.rows();
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        let mut texts = Vec::with_capacity(cells.bytes.len() / 16);
        let (mut nulls, mut unfit) = (Vec::new(), Vec::new());
        for (row, place) in cells.index.column(source).enumerate() {
            match cells.value_at(place, &mut self.scratch) {
                Ok(Some(text)) => texts.extend_from_slice(text),
                Ok(None) => nulls.push(row),
                Err(_) => unfit.push(row),
            }
            ends.push(texts.len() as i32);
        }
        let valid = (!nulls.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            nulls.iter().for_each(|row| valid.set_bit(*row, false));
            NullBuffer::new(valid.finish())
        });
        let array = StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(ends)), Buffer::from_vec(texts), valid)?;
        Ok(Coded { array: Arc::new(array), nulls, unfit })
    }

    /// Also gives the number of runs.
    fn coded<const BY_RUNS: bool>(&mut self, cells: Cells<'_>, source: usize, tell_nulls: bool) -> Result<(Coded, usize), ArrowError> {
        let rows = cells.index.rows();
        self.start();
        let mut codes = vec![0; rows];
        let (mut least, mut runs) = (0, 0);
        let mut last = Slot { length: u32::MAX, ..Slot::default() };
        for (code, place) in codes.iter_mut().zip(cells.index.column(source)) {
            let (start, length) = (place.start, place.end - place.start);
            let head = head(cells.bytes, start, length);
            let repeats = last.length == length as u32 && last.head == head && same_rest(cells.bytes, last.start as usize, start, length);
            if !repeats {
                let code = if BY_RUNS { self.next(cells, start, length) } else { self.code(cells, head, start, length) };
                runs += 1;
                last = Slot { head, length: length as u32, turn: 0, start: start as u32, code };
                least = code.min(least);
            }
            *code = last.code;
        }
        let rows_with = |wanted: i32| codes.iter().enumerate().filter(|(_, code)| **code == wanted).map(|(row, _)| row).collect();
        let nulls = if least < 0 && tell_nulls { rows_with(NULL) } else { Vec::new() };
        let unfit = if least == UNFIT { rows_with(UNFIT) } else { Vec::new() };
        let valid = (least < 0).then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| codes[row] != NULL)));
        let valid = valid.filter(|valid| valid.null_count() > 0);
        if least < 0 {
            codes.iter_mut().for_each(|code| *code = (*code).max(0));
        }
        if !unfit.is_empty() {
            // It keeps its place; the record is taken out and the chunk read again.
            self.ends.push(self.texts.len() as i32);
        }
        let keys = Int32Array::try_new(ScalarBuffer::from(codes), valid)?;
        let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::take(&mut self.ends)));
        let texts = StringArray::try_new(ends, Buffer::from_vec(std::mem::take(&mut self.texts)), None)?;
        Ok((Coded { array: Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))?), nulls, unfit }, runs))
    }

    fn start(&mut self) {
        self.entries.clear();
        self.texts = Vec::with_capacity(1 << 10);
        self.ends = Vec::with_capacity(1 << 8);
        self.ends.push(0);
        self.free(FIRST);
    }

    /// All slots are free, and so many are used.
    fn free(&mut self, slots: usize) {
        self.mask = slots - 1;
        self.turn = self.turn.wrapping_add(1);
        if self.turn == 0 {
            self.slots.clear();
            self.turn = 1;
        }
        if self.slots.len() < slots {
            self.slots.resize(slots, Slot::default());
        }
    }

    /// The code of a cell, a new one where it was not seen before.
    #[inline(always)]
    fn code(&mut self, cells: Cells<'_>, head: Head, start: usize, length: usize) -> i32 {
        let hash = hash(cells.bytes, head, start, length);
        match self.slots.get(hash as usize & self.mask) {
            Some(slot) if self.holds(slot, cells.bytes, head, start, length) => slot.code,
            _ => self.search(cells, head, start, length, hash),
        }
    }

    #[inline(always)]
    fn holds(&self, slot: &Slot, bytes: &[u8], head: Head, start: usize, length: usize) -> bool {
        slot.turn == self.turn && slot.length == length as u32 && slot.head == head && same_rest(bytes, slot.start as usize, start, length)
    }

    #[inline(never)]
    fn search(&mut self, cells: Cells<'_>, head: Head, start: usize, length: usize, hash: u64) -> i32 {
        let mut free = None;
        for at in self.places(hash) {
            let slot = &self.slots[at];
            if slot.turn != self.turn {
                free = Some(at);
                break;
            }
            if self.holds(slot, cells.bytes, head, start, length) {
                return slot.code;
            }
        }
        self.add(cells, head, start, length, free)
    }

    /// The next code, for a cell's text.
    #[inline]
    fn next(&mut self, cells: Cells<'_>, start: usize, length: usize) -> i32 {
        match cells.value_at(start..start + length, &mut self.scratch) {
            Ok(Some(text)) => {
                self.texts.extend_from_slice(text);
                self.ends.push(self.texts.len() as i32);
                self.ends.len() as i32 - 2
            }
            Ok(None) => NULL,
            Err(_) => UNFIT,
        }
    }

    fn add(&mut self, cells: Cells<'_>, head: Head, start: usize, length: usize, free: Option<usize>) -> i32 {
        let code = self.next(cells, start, length);
        let (start, length) = (start as u32, length as u32);
        self.entries.push(Entry { start, length, code });
        // Without a place the text gets one code more when it comes again.
        if let Some(at) = free {
            self.slots[at] = Slot { head, length, turn: self.turn, start, code };
        }
        if self.entries.len() * 2 > self.mask {
            self.grow(cells.bytes);
        }
        code
    }

    /// Where a text may stand in the table.
    #[inline]
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.mask;
        (0..STEPS).map(move |step| (hash as usize).wrapping_add(step) & mask)
    }

    fn grow(&mut self, bytes: &[u8]) {
        self.free((self.mask + 1) * 4);
        for Entry { start, length, code } in &self.entries {
            let head = head(bytes, *start as usize, *length as usize);
            let hash = hash(bytes, head, *start as usize, *length as usize);
            if let Some(at) = self.places(hash).find(|at| self.slots[*at].turn != self.turn) {
                self.slots[at] = Slot { head, length: *length, turn: self.turn, start: *start, code: *code };
            }
        }
    }
}

/// One text on all rows.
pub(crate) fn constant(text: &str, keys: &Int32Array) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys.clone(), Arc::new(StringArray::from_iter_values([text])))?))
}

/// The keys of [`constant`].
pub(crate) fn first_key(rows: usize) -> Int32Array {
    Int32Array::from(vec![0; rows])
}

#[inline]
fn hash(bytes: &[u8], head: Head, start: usize, length: usize) -> u64 {
    const KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];
    let mut hash = fold(head.low ^ KEYS[0], head.high ^ KEYS[1] ^ length as u64);
    let mut at = HEAD;
    while at < length {
        // The last block lies over the one before.
        let block = self::head(bytes, start + at.min(length - HEAD), HEAD);
        hash = fold(hash ^ block.low, block.high ^ KEYS[2]);
        at += HEAD;
    }
    hash
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::compute::cast;
    use arrow::datatypes::DataType;

    use super::*;
    use crate::cells::Nulls;
    use crate::tokens::Index;

    #[test]
    fn codes_say_what_each_cell_says() {
        let mut seed = 3_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let nulls = Nulls::new(&[String::new(), "null".into()]);
        let mut coder = Coder::default();
        let mut index = Index::default();
        let mut met = [0; 5];
        for round in 0..4_000 {
            // Lengths around those that are read by the word, texts that differ in a byte, and what can't be taken.
            let pool: Vec<Vec<u8>> = (0..1 + next(if round % 10 == 0 { 900 } else { 12 }))
                .map(|_| match next(12) {
                    0 => b"".to_vec(),
                    1 => b"null".to_vec(),
                    2 => b"\"null\"".to_vec(),
                    3 => b"\"a, \"\"b\"\"\"".to_vec(),
                    4 if round % 3 == 0 => b"\xff".to_vec(),
                    5 if round % 3 == 0 => b"a\0".to_vec(),
                    6 => "é".repeat(next(20)).into_bytes(),
                    7 => format!("\"{}\"", next(1000)).into_bytes(),
                    8 => next(1000).to_string().into_bytes(),
                    _ => {
                        let mut text = vec![b'a'; next(40)];
                        let at = next(text.len() + 1);
                        text.splice(at..at, [b'b']);
                        text
                    }
                })
                .collect();
            let mut bytes = Vec::new();
            let mut cell = 0;
            // By these the coder chooses the way of the rounds that follow: texts that never repeat, that repeat in runs, any.
            let lesson = if round % 16 == 0 { round / 16 % 3 } else { 2 };
            for row in (0..40).filter(|_| lesson < 2) {
                let text = format!("text {}", if lesson == 0 { row } else { row / 2 });
                bytes.extend_from_slice(format!("{text},{text}\n").as_bytes());
            }
            for _ in 0..next(if round % 10 == 0 { 2_000 } else { 60 }).min(if lesson < 2 { 0 } else { usize::MAX }) {
                if next(3) > 0 {
                    cell = next(pool.len());
                }
                bytes.extend_from_slice(&[&pool[cell][..], b",", &pool[next(pool.len())], b"\n"].concat());
            }
            index.fill(&bytes, b',', 2);
            let cells = Cells::new(&bytes, &index, &nulls);
            for source in 0..2 {
                let Coded { array, nulls, unfit } = coder.column(cells, source, true).unwrap();
                let is_coded = array.data_type() != &DataType::Utf8;
                let array = cast(&array, &DataType::Utf8).unwrap();
                let array = array.as_string::<i32>();
                assert_eq!(array.len(), index.rows());
                let (mut no_value, mut bad) = (Vec::new(), Vec::new());
                for row in 0..index.rows() {
                    match cells.value(row, source, &mut Vec::new()) {
                        Ok(Some(text)) => assert_eq!(array.is_valid(row).then(|| array.value(row).as_bytes()), Some(text)),
                        Ok(None) => no_value.push(row),
                        Err(_) => bad.push(row),
                    }
                }
                assert!(no_value.iter().all(|row| array.is_null(*row)) && array.null_count() == no_value.len());
                assert_eq!((&nulls, &unfit), (&no_value, &bad));
                met[0] += array.len();
                met[1] += nulls.len();
                met[2] += unfit.len();
                met[3] += if is_coded { 0 } else { array.len() };
                met[4] += if coder.ways[source].0 == Way::Runs { array.len() } else { 0 };
            }
        }
        assert!(met.iter().all(|met| *met > 3_000), "{met:?}");
    }
}
