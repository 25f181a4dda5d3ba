//! The fast look at a chunk: where delimiters and newlines stand outside of quotes, 64 bytes at a time.
//!
//! It takes chunks of the plainest kind only: no newline inside of quotes, no quote where none may stand, a newline at the end.
//! For all others it says so, and [`crate::tokens`] reads byte by byte.

use memchr::memchr_iter;

/// Marks of 64 bytes, the first byte in the lowest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks {
    quotes: u64,
    delimiters: u64,
    newlines: u64,
    returns: u64,
    /// Bytes that are no ASCII, or NUL.
    others: u64,
}

type Block = [u8; 64];

/// What a chunk of the plain kind holds, besides the places of its marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) newlines: usize,
    /// It has a carriage return somewhere.
    pub(crate) returns: bool,
    /// All of it is ASCII, without NUL.
    pub(crate) ascii: bool,
}

/// Appends the places of all delimiters and newlines outside of quotes, and gives how many of them are newlines.
/// None: the chunk is not of the plain kind; what was appended says nothing.
pub(crate) fn plain(bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Option<Plain> {
    #[cfg(target_arch = "x86_64")]
    if widest::is_there() {
        return widest::scan(bytes, delimiter, ends);
    } else if wide::is_there() {
        return wide::scan(bytes, delimiter, ends);
    }
    scan(bytes, delimiter, ends, portable, parity, list)
}

/// For tests: looks at the bytes in each way that this processor has, and panics where two of them differ. Whether they are of the plain kind.
pub fn all_ways_agree(bytes: &[u8], delimiter: u8) -> bool {
    let look = |way: &dyn Fn(&mut Vec<u32>) -> Option<Plain>| {
        let mut ends = Vec::new();
        // What was appended of a chunk of another kind says nothing.
        way(&mut ends).map(|found| (found, ends))
    };
    let found = look(&|ends| scan(bytes, delimiter, ends, portable, parity, list));
    let counted = (memchr_iter(b'"', bytes).count(), memchr_iter(b'\n', bytes).count());
    assert_eq!(look(&|ends| plain(bytes, delimiter, ends)), found, "{bytes:?}");
    assert_eq!(counts(bytes), counted, "{bytes:?}");
    #[cfg(target_arch = "x86_64")]
    if wide::is_there() {
        assert_eq!(look(&|ends| wide::scan(bytes, delimiter, ends)), found, "{bytes:?}");
        assert_eq!(wide::counts(bytes), counted, "{bytes:?}");
    }
    if let Some((found, _)) = &found {
        assert_eq!(found.ascii, bytes.is_ascii() && !bytes.contains(&0), "{bytes:?}");
        assert_eq!(found.returns, bytes.contains(&b'\r'), "{bytes:?}");
    }
    found.is_some()
}

/// How many quotes and newlines there are.
pub(crate) fn counts(bytes: &[u8]) -> (usize, usize) {
    #[cfg(target_arch = "x86_64")]
    if widest::is_there() {
        return widest::counts(bytes);
    } else if wide::is_there() {
        return wide::counts(bytes);
    }
    (memchr_iter(b'"', bytes).count(), memchr_iter(b'\n', bytes).count())
}

/// The count with the quotes and newlines of a block as processors find them in different ways.
#[inline(always)]
fn count(bytes: &[u8], marks: impl Fn(&Block) -> (u64, u64)) -> (usize, usize) {
    let (mut quotes, mut newlines) = (0, 0);
    let (blocks, rest) = bytes.as_chunks::<64>();
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    for block in blocks.iter().chain([&last]) {
        let (more_quotes, more_newlines) = marks(block);
        quotes += more_quotes.count_ones() as usize;
        newlines += more_newlines.count_ones() as usize;
    }
    (quotes, newlines)
}

/// The scan with what processors do in different ways: the marks of a block, the parity of bits, the list of their places.
#[inline(always)]
fn scan(
    bytes: &[u8],
    delimiter: u8,
    ends: &mut Vec<u32>,
    marks: impl Fn(&Block, u8) -> Marks,
    parity: impl Fn(u64) -> u64,
    list: impl Fn(u64, u32, &mut [u32; 64]),
) -> Option<Plain> {
    if bytes.last() != Some(&b'\n') {
        return None;
    }
    let mut state = State { inside: 0, may_open: 1, closed: 0, closed_return: 0, newlines: 0, returns: 0, others: 0 };
    let mut places = Places { places: [0; PLACES], count: 0 };
    let (blocks, rest) = bytes.as_chunks::<64>();
    let mut base = 0u32;
    for block in blocks {
        let cells = state.block(marks(block, delimiter), &parity)?;
        places.add(cells, base, ends, &list);
        base += 64;
    }
    // Zeros are no marks: what ends outside of quotes ends at the chunk's last newline.
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    let mut ending = marks(&last, delimiter);
    ending.others &= (1 << rest.len()) - 1;
    let cells = state.block(ending, &parity)?;
    places.add(cells, base, ends, &list);
    places.hand_over(ends);
    (state.inside == 0).then_some(Plain { newlines: state.newlines, returns: state.returns != 0, ascii: state.others == 0 })
}

/// Places on their way to the index, many at a time.
struct Places {
    places: [u32; PLACES],
    count: usize,
}

/// Room for those of some blocks.
const PLACES: usize = 512;

impl Places {
    #[inline(always)]
    fn add(&mut self, cells: u64, base: u32, ends: &mut Vec<u32>, list: impl Fn(u64, u32, &mut [u32; 64])) {
        if self.count > PLACES - 64 {
            self.hand_over(ends);
        }
        if let Some(room) = self.places[self.count..].first_chunk_mut() {
            list(cells, base, room);
        }
        self.count += cells.count_ones() as usize;
    }

    fn hand_over(&mut self, ends: &mut Vec<u32>) {
        ends.extend_from_slice(&self.places[..self.count]);
        self.count = 0;
    }
}

/// What of a block decides about the next one; single bits but for `inside`.
struct State {
    /// All ones inside of quotes.
    inside: u64,
    /// A quote may open behind the last byte.
    may_open: u64,
    /// The last byte is a quote that closes.
    closed: u64,
    /// The last two bytes are a quote that closes and a carriage return.
    closed_return: u64,
    newlines: usize,
    returns: u64,
    others: u64,
}

impl State {
    /// The delimiters and newlines outside of quotes.
    #[inline(always)]
    fn block(&mut self, marks: Marks, parity: impl Fn(u64) -> u64) -> Option<u64> {
        let Marks { quotes, delimiters, newlines, returns, others } = marks;
        // Ones from an opening quote on, up to the one before the closing quote.
        let inside = if quotes == 0 { self.inside } else { parity(quotes) ^ self.inside };
        if newlines & inside != 0 {
            return None;
        }
        let cells = (delimiters | newlines) & !inside;
        if quotes | self.closed | self.closed_return != 0 {
            let opens = quotes & inside;
            let closes = quotes & !inside;
            // Before an opening quote: the end of another cell, or the closing quote that it is doubled with.
            let stray_open = opens & !((cells | closes) << 1 | self.may_open);
            let behind_close = closes << 1 | self.closed;
            let returned = behind_close & returns & !inside;
            let stray_close = behind_close & !(cells | opens | returned);
            let stray_return = (returned << 1 | self.closed_return) & !newlines;
            if stray_open | stray_close | stray_return != 0 {
                return None;
            }
            self.closed = closes >> 63;
            self.closed_return = returned >> 63;
        }
        self.may_open = (cells | quotes & !inside) >> 63;
        self.inside = (inside.cast_signed() >> 63).cast_unsigned();
        self.newlines += (newlines & !inside).count_ones() as usize;
        self.returns |= returns;
        self.others |= others;
        Some(cells)
    }
}

/// The places of the ones, counted from `base`.
#[inline(always)]
fn list(mut cells: u64, base: u32, room: &mut [u32; 64]) {
    for place in room {
        if cells == 0 {
            break;
        }
        *place = base + cells.trailing_zeros();
        cells &= cells.wrapping_sub(1);
    }
}

/// Each bit: whether the number of ones up to and with it is odd.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Processors with vectors of 32 bytes.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set_epi64x,
        _mm256_set1_epi8,
    };

    use super::{Block, Marks, Plain};

    pub(super) fn is_there() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt") && is_x86_feature_detected!("pclmulqdq")
    }

    /// Only where [`is_there`].
    #[allow(unsafe_code)]
    pub(super) fn scan(bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Option<Plain> {
        assert!(is_there());
        // SAFETY: the processor has the features that the function is compiled for, as was asked above.
        unsafe { scan_there(bytes, delimiter, ends) }
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    fn scan_there(bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Option<Plain> {
        super::scan(bytes, delimiter, ends, |block, delimiter| marks(block, delimiter), |bits| parity(bits), super::list)
    }

    /// Only where [`is_there`].
    #[allow(unsafe_code)]
    pub(super) fn counts(bytes: &[u8]) -> (usize, usize) {
        assert!(is_there());
        // SAFETY: the processor has the features that the function is compiled for, as was asked above.
        unsafe { counts_there(bytes) }
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    fn counts_there(bytes: &[u8]) -> (usize, usize) {
        super::count(bytes, |block| {
            let (low, high) = (half(block, 0), half(block, 4));
            (equal(low, high, b'"'), equal(low, high, b'\n'))
        })
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    pub(super) fn marks(block: &Block, delimiter: u8) -> Marks {
        let (low, high) = (half(block, 0), half(block, 4));
        Marks {
            quotes: equal(low, high, b'"'),
            delimiters: equal(low, high, delimiter),
            newlines: equal(low, high, b'\n'),
            returns: equal(low, high, b'\r'),
            others: bits(low, high) | equal(low, high, 0),
        }
    }

    /// A product without carries with all ones adds up each bit and those below it.
    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    pub(super) fn parity(bits: u64) -> u64 {
        _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1))).cast_unsigned()
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn half(block: &Block, from: usize) -> __m256i {
        let (words, _) = block.as_chunks::<8>();
        let word = |at: usize| i64::from_le_bytes(words[from + at]);
        _mm256_set_epi64x(word(3), word(2), word(1), word(0))
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
        let wanted = _mm256_set1_epi8(byte.cast_signed());
        bits(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted))
    }

    /// The highest bit of each byte.
    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn bits(low: __m256i, high: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(low).cast_unsigned()) | u64::from(_mm256_movemask_epi8(high).cast_unsigned()) << 32
    }
}

/// Processors with vectors of 64 bytes that can be compressed.
#[cfg(target_arch = "x86_64")]
mod widest {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm512_add_epi32, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_maskz_compress_epi8,
        _mm512_movepi8_mask, _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_storeu_si512, _mm512_testn_epi8_mask,
    };

    use super::{Block, Marks, Plain, wide};

    pub(super) fn is_there() -> bool {
        wide::is_there() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi2")
    }

    /// Only where [`is_there`].
    #[allow(unsafe_code)]
    pub(super) fn scan(bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Option<Plain> {
        assert!(is_there());
        // SAFETY: the processor has the features that the function is compiled for, as was asked above.
        unsafe { scan_there(bytes, delimiter, ends) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    fn scan_there(bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Option<Plain> {
        super::scan(bytes, delimiter, ends, |block, delimiter| marks(block, delimiter), |bits| wide::parity(bits), |cells, base, room| list(cells, base, room))
    }

    /// Only where [`is_there`].
    #[allow(unsafe_code)]
    pub(super) fn counts(bytes: &[u8]) -> (usize, usize) {
        assert!(is_there());
        // SAFETY: the processor has the features that the function is compiled for, as was asked above.
        unsafe { counts_there(bytes) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    fn counts_there(bytes: &[u8]) -> (usize, usize) {
        super::count(bytes, |block| {
            let (words, _) = block.as_chunks::<8>();
            let block = vector(|at| i64::from_le_bytes(words[at]));
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte.cast_signed()));
            (equal(b'"'), equal(b'\n'))
        })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn marks(block: &Block, delimiter: u8) -> Marks {
        let (words, _) = block.as_chunks::<8>();
        let block = vector(|at| i64::from_le_bytes(words[at]));
        let equal = |byte: u8| _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte.cast_signed()));
        Marks {
            quotes: equal(b'"'),
            delimiters: equal(delimiter),
            newlines: equal(b'\n'),
            returns: equal(b'\r'),
            others: _mm512_movepi8_mask(block) | _mm512_testn_epi8_mask(block, block),
        }
    }

    /// The numbers of the bytes that are ones, moved together; then sixteen at a time as places.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn list(cells: u64, base: u32, room: &mut [u32; 64]) {
        let numbers = _mm512_maskz_compress_epi8(cells, vector(|at| 0x0706_0504_0302_0100 + at as i64 * 0x0808_0808_0808_0808));
        let count = cells.count_ones();
        let ([first, second, third, fourth], _) = room.as_chunks_mut::<16>() else { return };
        put(_mm512_extracti32x4_epi32::<0>(numbers), base, first);
        if count > 16 {
            put(_mm512_extracti32x4_epi32::<1>(numbers), base, second);
        }
        if count > 32 {
            put(_mm512_extracti32x4_epi32::<2>(numbers), base, third);
            put(_mm512_extracti32x4_epi32::<3>(numbers), base, fourth);
        }
    }

    #[allow(unsafe_code)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn put(numbers: __m128i, base: u32, room: &mut [u32; 16]) {
        let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(numbers), _mm512_set1_epi32(base.cast_signed()));
        // SAFETY: the 64 bytes that are written are those of the array; the store needs no alignment.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), places) };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn vector(word: impl Fn(usize) -> i64) -> __m512i {
        _mm512_set_epi64(word(7), word(6), word(5), word(4), word(3), word(2), word(1), word(0))
    }
}

/// For all other processors eight bytes at a time.
#[inline]
fn portable(block: &Block, delimiter: u8) -> Marks {
    const ONES: u64 = u64::MAX / 255;
    const LOW: u64 = ONES * 127;
    let (words, _) = block.as_chunks::<8>();
    // The high bit of each byte, one behind the other.
    let bits = |of: &dyn Fn(u64) -> u64| {
        words.iter().enumerate().fold(0u64, |bits, (at, word)| {
            let high = of(u64::from_le_bytes(*word)) & !LOW;
            bits | ((high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at)
        })
    };
    let equal = |byte: u8| {
        let wanted = ONES * u64::from(byte);
        bits(&|word| {
            let differs = word ^ wanted;
            // The high bit of each byte that is zero; no carry goes from byte to byte.
            !(((differs & LOW) + LOW) | differs | LOW)
        })
    };
    Marks { quotes: equal(b'"'), delimiters: equal(delimiter), newlines: equal(b'\n'), returns: equal(b'\r'), others: bits(&|word| word) | equal(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each way to scan that the processor has finds the same places, or none.
    #[test]
    fn all_scans_agree() {
        let mut seed = 5_u64;
        let mut plain_ones = 0;
        for round in 0..20_000 {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 40) as u8
            };
            let mut bytes: Vec<u8> = (0..usize::from(next()))
                .map(|_| if round % 3 == 0 { next() } else { b"\",;\n\rab,1.\xc3\xa9\0"[usize::from(next()) % if round % 3 == 1 { 13 } else { 9 }] })
                .map(|byte| if round % 2 == 0 && byte == b'"' { b'x' } else { byte })
                .collect();
            bytes.push(b'\n');
            plain_ones += [b',', b';', b'\t'].into_iter().filter(|delimiter| all_ways_agree(&bytes, *delimiter)).count();
        }
        assert!(plain_ones > 5_000, "{plain_ones}");
    }
}
