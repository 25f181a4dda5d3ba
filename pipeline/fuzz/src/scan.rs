//! The look at a chunk that takes 64 bytes at a time: every way that the processor has, and the portable one, find the same.

use takings_decode::all_ways_agree;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The first byte: the delimiter. Behind it a chunk.
pub fn scan(bytes: &[u8]) -> bool {
    let Some((choice, body)) = bytes.split_first() else { return false };
    let delimiter = DELIMITERS[usize::from(choice & 3)];
    // A chunk of the plain kind ends with a newline.
    all_ways_agree(&[body, b"\n"].concat(), delimiter) | all_ways_agree(body, delimiter)
}
