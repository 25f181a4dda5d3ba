//! Bytes of a cell by the word: its beginning as one number, comparisons without a call.

/// The first bytes of a cell, by eight as little-endian numbers; zeros behind a shorter one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// Bytes of a head.
pub(crate) const HEAD: usize = 16;

const MASKS: [Head; HEAD + 1] = masks();

const fn masks() -> [Head; HEAD + 1] {
    let mut masks = [Head { low: u64::MAX, high: u64::MAX }; HEAD + 1];
    let mut length = 0;
    while length < HEAD {
        let mask: u128 = (1 << (8 * length)) - 1;
        masks[length] = Head { low: mask as u64, high: (mask >> 64) as u64 };
        length += 1;
    }
    masks
}

impl Head {
    #[inline(always)]
    fn of(block: &[u8; HEAD]) -> Self {
        let whole = u128::from_le_bytes(*block);
        Self { low: whole as u64, high: (whole >> 64) as u64 }
    }

    #[inline(always)]
    pub(crate) fn first(self) -> u8 {
        self.low as u8
    }
}

#[inline(always)]
pub(crate) fn head(bytes: &[u8], start: usize, length: usize) -> Head {
    let mask = MASKS[length.min(HEAD)];
    match bytes.get(start..start + HEAD).and_then(|block| block.first_chunk()) {
        Some(block) => {
            let block = Head::of(block);
            Head { low: block.low & mask.low, high: block.high & mask.high }
        }
        None => head_of_rest(&bytes[start..start + length.min(HEAD)]),
    }
}

/// The last bytes of a cell of at most as many, with the digit zero before a shorter one. None: it stands at the chunk's beginning.
#[inline(always)]
pub(crate) fn tail(bytes: &[u8], end: usize, length: usize) -> Option<u128> {
    const ZEROS: u128 = u128::MAX / 255 * b'0' as u128;
    let before = MASKS[HEAD.checked_sub(length)?];
    let before = u128::from(before.low) | u128::from(before.high) << 64;
    let block = bytes.get(end.checked_sub(HEAD)?..end)?.first_chunk()?;
    Some(u128::from_le_bytes(*block) & !before | ZEROS & before)
}

/// A cell near the end of the chunk.
#[cold]
fn head_of_rest(cell: &[u8]) -> Head {
    let mut block = [0; HEAD];
    block[..cell.len()].copy_from_slice(cell);
    Head::of(&block)
}

/// Whether two cells of the same length and head are equal.
#[inline(always)]
pub(crate) fn same_rest(bytes: &[u8], one: usize, other: usize, length: usize) -> bool {
    let mut at = HEAD;
    while at < length {
        // The last block lies over the one before.
        let from = at.min(length - HEAD);
        if head(bytes, one + from, HEAD) != head(bytes, other + from, HEAD) {
            return false;
        }
        at += HEAD;
    }
    true
}

#[inline(always)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// The value of eight digits, the first in the lowest byte; None: another byte is among them.
#[inline(always)]
pub(crate) fn eight_digits(text: u64) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let digits = text ^ ZEROS;
    // A byte above nine reaches the high bit, by itself or with 118 more.
    if (digits | ((digits & !HIGH) + 0x7676_7676_7676_7676)) & HIGH != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_cell() {
        let bytes = b"abcdefghijklmnopqrstuvwxyz";
        for start in 0..=bytes.len() {
            for end in start..=bytes.len() {
                let mut expected = [0; HEAD];
                let cell = &bytes[start..end.min(start + HEAD)];
                expected[..cell.len()].copy_from_slice(cell);
                assert_eq!(head(bytes, start, end - start), Head::of(&expected), "{start}..{end}");
            }
        }
    }

    #[test]
    fn a_tail_begins_with_zeros() {
        let bytes = b"abcdefghijklmnopqrstuvwxyz";
        for end in 0..=bytes.len() {
            for length in 0..=end {
                let expected = format!("{:0>16}", std::str::from_utf8(&bytes[end - length..end]).unwrap());
                let expected = (end >= HEAD && length <= HEAD).then(|| u128::from_le_bytes(*expected.as_bytes().first_chunk().unwrap()));
                assert_eq!(tail(bytes, end, length), expected, "{end} {length}");
            }
        }
    }

    #[test]
    fn any_byte_tells_two_cells_apart() {
        for length in 0..70 {
            let mut bytes = [vec![b'a'; length], vec![b'a'; length]].concat();
            let same = |bytes: &[u8]| head(bytes, 0, length) == head(bytes, length, length) && same_rest(bytes, 0, length, length);
            assert!(same(&bytes), "{length}");
            for at in 0..length {
                bytes[at] = b'b';
                assert!(!same(&bytes), "{length} {at}");
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn eight_digits_are_a_number_and_nothing_else_is() {
        for value in [0, 1, 9, 10, 12_345_678, 90_909_090, 99_999_999, 10_000_000] {
            let text = format!("{value:08}");
            let word = |text: &[u8]| u64::from_le_bytes(*text.first_chunk().unwrap());
            assert_eq!(eight_digits(word(text.as_bytes())), Some(value));
            for at in 0..8 {
                for byte in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
                    let mut other = text.clone().into_bytes();
                    other[at] = byte;
                    assert_eq!(eight_digits(word(&other)), None, "{at} {byte}");
                }
            }
        }
    }
}
