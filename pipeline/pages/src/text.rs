//! The dictionary of a column of texts: each text once, in the order of its first row, in the form of Parquet's plain encoding.

/// A place in the table: part of the hash, the code plus one (zero is free), and where the text stands.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tag: u32,
    code: u32,
    start: u32,
    length: u32,
}

/// More steps than this to find a free place: texts that were made to collide, or hashes that fail us.
const STEPS: usize = 64;
/// Bytes of a dictionary, at most.
const LARGEST: usize = 8 << 20;

#[derive(Debug, Default)]
pub(crate) struct TextDictionary {
    slots: Vec<Slot>,
    /// Where each text starts in `plain`, behind its length.
    starts: Vec<u32>,
    /// Length in four bytes, bytes, and so on.
    plain: Vec<u8>,
    last: Option<u32>,
}

impl TextDictionary {
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// As it stands in the dictionary page.
    pub(crate) fn plain(&self) -> &[u8] {
        &self.plain
    }

    pub(crate) fn memory(&self) -> usize {
        self.plain.capacity() + self.starts.capacity() * 4 + self.slots.capacity() * size_of::<Slot>()
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.starts.clear();
        self.plain.clear();
        self.last = None;
    }

    #[inline]
    pub(crate) fn text(&self, code: u32) -> &[u8] {
        let start = self.starts[code as usize] as usize;
        let end = self.starts.get(code as usize + 1).map_or(self.plain.len(), |next| *next as usize - 4);
        &self.plain[start..end]
    }

    /// The least and the greatest text.
    pub(crate) fn bounds(&self) -> Option<(&[u8], &[u8])> {
        let mut texts = (0..self.starts.len() as u32).map(|code| self.text(code));
        let first = texts.next()?;
        Some(texts.fold((first, first), |(least, greatest), text| (least.min(text), greatest.max(text))))
    }

    /// The code of a text; None where the table does not take it.
    #[inline]
    pub(crate) fn code(&mut self, text: &[u8]) -> Option<u32> {
        if let Some(last) = self.last
            && same(self.text(last), text)
        {
            return Some(last);
        }
        let code = self.find(text, hash(text));
        self.last = code;
        code
    }

    /// Looks at the places of texts that will be looked up soon: their ways from memory are gone side by side, where each look-up would
    /// wait for its own.
    pub(crate) fn look_ahead(&self, hashes: &[u64]) {
        let mask = self.slots.len().wrapping_sub(1);
        let look = |hash: &u64| self.slots.get((hash >> 32) as usize & mask).and_then(|slot| self.plain.get(slot.start as usize));
        std::hint::black_box(hashes.iter().filter_map(look).fold(0, |seen, byte| seen ^ byte));
    }

    /// [`code`](Self::code) of a text whose [`hash`] is known.
    pub(crate) fn find(&mut self, text: &[u8], hash: u64) -> Option<u32> {
        if self.starts.len() * 2 >= self.slots.len() {
            self.grow()?;
        }
        let mask = self.slots.len() - 1;
        let tag = hash as u32;
        let mut at = (hash >> 32) as usize & mask;
        for _ in 0..STEPS {
            let slot = self.slots[at];
            if slot.code == 0 && self.plain.len() + text.len() > LARGEST {
                return None;
            }
            if slot.code == 0 {
                let code = u32::try_from(self.starts.len()).ok()?;
                let length = u32::try_from(text.len()).ok()?;
                self.plain.extend_from_slice(&length.to_le_bytes());
                let start = u32::try_from(self.plain.len()).ok()?;
                self.starts.push(start);
                self.plain.extend_from_slice(text);
                self.slots[at] = Slot { tag, code: code + 1, start, length };
                return Some(code);
            }
            if slot.tag == tag && same(&self.plain[slot.start as usize..slot.start as usize + slot.length as usize], text) {
                return Some(slot.code - 1);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn grow(&mut self) -> Option<()> {
        let size = (self.slots.len() * 4).max(1 << 10);
        self.slots.clear();
        self.slots.resize(size, Slot::default());
        for code in 0..self.starts.len() as u32 {
            let text = self.text(code);
            let (hash, length) = (hash(text), text.len() as u32);
            let places = (0..STEPS).map(|step| ((hash >> 32) as usize + step) & (size - 1));
            let free = places.into_iter().find(|place| self.slots[*place].code == 0)?;
            self.slots[free] = Slot { tag: hash as u32, code: code + 1, start: self.starts[code as usize], length };
        }
        Some(())
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Whether two texts are equal; most are short, and a call for each would cost more than to compare them.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    let length = one.len();
    if length != other.len() {
        return false;
    }
    match length {
        0..4 => one == other,
        4..8 => half(one, 0) == half(other, 0) && half(one, length - 4) == half(other, length - 4),
        8..=16 => word(one, 0) == word(other, 0) && word(one, length - 8) == word(other, length - 8),
        17..=32 => {
            (word(one, 0), word(one, 8)) == (word(other, 0), word(other, 8))
                && (word(one, length - 16), word(one, length - 8)) == (word(other, length - 16), word(other, length - 8))
        }
        _ => one == other,
    }
}

#[inline]
fn word(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn half(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

#[inline]
pub(crate) fn hash(text: &[u8]) -> u64 {
    const KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];
    let (word, half) = (|at| word(text, at), |at| half(text, at));
    let length = text.len();
    let mut hash = KEYS[0] ^ length as u64;
    match length {
        0..4 => {
            let bytes = text.iter().fold(0u64, |bytes, byte| bytes << 8 | u64::from(*byte));
            fold(hash ^ bytes, KEYS[1])
        }
        4..8 => fold(hash ^ half(0), KEYS[1] ^ half(length - 4)),
        8..=16 => fold(hash ^ word(0), KEYS[1] ^ word(length - 8)),
        _ => {
            let mut at = 0;
            while at + 16 < length {
                hash = fold(hash ^ word(at), KEYS[2] ^ word(at + 8));
                at += 16;
            }
            fold(hash ^ word(length - 16), KEYS[1] ^ word(length - 8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_told_apart_by_any_byte() {
        for length in 0..60 {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &[&text[..], b"x"].concat()));
            let mut seen = vec![hash(&text)];
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 0x40;
                assert!(!same(&text, &other), "{length} {at}");
                seen.push(hash(&other));
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), length + 1, "each byte of {length} counts");
        }
    }
}
