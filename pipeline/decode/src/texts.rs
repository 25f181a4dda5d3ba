//! A column of texts as codes: each text of a chunk is taken once, however often it stands there.
//!
//! Most cells repeat the one above or one of a few texts. A cell is told by its raw bytes, quotes included: what is quoted here and
//! not there has two codes, which says nothing wrong. This module must not know types or what makes a text unfit.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use crate::cells::Cells;
use crate::word::{HEAD, Head, fold, head, same_rest};

/// The code of a cell without a value.
const NULL: i32 = -1;
/// The code of a cell that can't be taken.
const UNFIT: i32 = -2;

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
    /// The cells of a column. `nulls` of the result is filled only where they are asked for.
    pub(crate) fn column(&mut self, cells: Cells<'_>, source: usize, tell_nulls: bool) -> Result<Coded, ArrowError> {
        let rows = cells.index.rows();
        self.start();
        let mut codes = vec![0; rows];
        let mut least = 0;
        let mut last = Slot { length: u32::MAX, ..Slot::default() };
        for (code, place) in codes.iter_mut().zip(cells.index.column(source)) {
            let (start, length) = (place.start, place.end - place.start);
            let head = head(cells.bytes, start, length);
            let repeats = last.length == length as u32 && last.head == head && same_rest(cells.bytes, last.start as usize, start, length);
            if !repeats {
                let code = self.code(cells, head, start, length);
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
        Ok(Coded { array: Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))?), nulls, unfit })
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

    fn add(&mut self, cells: Cells<'_>, head: Head, start: usize, length: usize, free: Option<usize>) -> i32 {
        let code = match cells.value_at(start..start + length, &mut self.scratch) {
            Ok(Some(text)) => {
                self.texts.extend_from_slice(text);
                self.ends.push(self.texts.len() as i32);
                self.ends.len() as i32 - 2
            }
            Ok(None) => NULL,
            Err(_) => UNFIT,
        };
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
        let mut met = [0; 3];
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
            for _ in 0..next(if round % 10 == 0 { 2_000 } else { 60 }) {
                if next(3) > 0 {
                    cell = next(pool.len());
                }
                bytes.extend_from_slice(&[&pool[cell][..], b",", &pool[next(pool.len())], b"\n"].concat());
            }
            index.fill(&bytes, b',', 2);
            let cells = Cells::new(&bytes, &index, &nulls);
            for source in 0..2 {
                let Coded { array, nulls, unfit } = coder.column(cells, source, true).unwrap();
                let array = array.as_dictionary::<Int32Type>();
                let texts = array.values().as_string::<i32>();
                assert_eq!(array.len(), index.rows());
                let (mut no_value, mut bad) = (Vec::new(), Vec::new());
                for row in 0..index.rows() {
                    match cells.value(row, source, &mut Vec::new()) {
                        Ok(Some(text)) => assert_eq!(array.key(row).map(|key| texts.value(key).as_bytes()), Some(text)),
                        Ok(None) => no_value.push(row),
                        Err(_) => bad.push(row),
                    }
                }
                assert!(no_value.iter().all(|row| array.is_null(*row)) && array.null_count() == no_value.len());
                assert_eq!((&nulls, &unfit), (&no_value, &bad));
                met[0] += array.len();
                met[1] += nulls.len();
                met[2] += unfit.len();
            }
        }
        assert!(met.iter().all(|met| *met > 3_000), "{met:?}");
    }
}
