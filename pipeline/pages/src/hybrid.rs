//! Parquet's hybrid of runs and bit-packed stretches, for dictionary codes and for what is null.

use arrow::buffer::BooleanBuffer;

use crate::page::varint;

/// Codes are looked at in groups of this size: what bit-packing takes at a time.
const GROUP: usize = 8;
/// A run shorter than this is packed like its neighbours.
const RUN: usize = 24;

/// Bits that a code below `count` needs; one at least.
pub(crate) fn width(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).max(1).leading_zeros()
}

/// All values of a page: not null.
pub(crate) fn all_there(into: &mut Vec<u8>, rows: usize) {
    levels(into, |into| {
        varint(into, (rows as u64) << 1);
        into.push(1);
    });
}

/// Which rows of a page are not null.
pub(crate) fn some_there(into: &mut Vec<u8>, valid: &BooleanBuffer) {
    levels(into, |into| {
        let bytes = valid.len().div_ceil(GROUP);
        varint(into, (bytes as u64) << 1 | 1);
        into.extend_from_slice(&valid.sliced()[..bytes]);
    });
}

/// Levels stand behind their length.
fn levels(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    write(into);
    let length = (into.len() - start - 4) as u32;
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Codes of `width` bits.
pub(crate) fn codes(into: &mut Vec<u8>, codes: &[u32], width: u32) {
    let mut packed = 0;
    let mut at = 0;
    while at < codes.len() {
        let Some(group) = codes[at..].first_chunk::<GROUP>() else { break };
        if group.iter().all(|code| *code == group[0]) {
            let end = codes[at + GROUP..].iter().position(|code| *code != group[0]).map_or(codes.len(), |more| at + GROUP + more);
            if end - at >= RUN {
                pack(into, &codes[packed..at], width);
                varint(into, ((end - at) as u64) << 1);
                into.extend_from_slice(&group[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                (at, packed) = (end, end);
                continue;
            }
        }
        at += GROUP;
    }
    pack(into, &codes[packed..], width);
}

/// Whole groups; the last one of a page may lack some, which are zeros then.
fn pack(into: &mut Vec<u8>, codes: &[u32], width: u32) {
    if codes.is_empty() {
        return;
    }
    let groups = codes.len().div_ceil(GROUP);
    varint(into, (groups as u64) << 1 | 1);
    let start = into.len();
    let width_bytes = width as usize;
    // A group of eight codes is as many bytes as a code has bits; room for the zeros that are written behind the last.
    into.resize(start + groups * width_bytes + size_of::<u128>(), 0);
    let out = &mut into[start..];
    if width_bytes > 16 {
        pack_bits(out, codes, width);
    } else {
        let (whole, rest) = codes.as_chunks::<GROUP>();
        let mut last = [0; GROUP];
        last[..rest.len()].copy_from_slice(rest);
        for (at, group) in whole.iter().chain((!rest.is_empty()).then_some(&last)).enumerate() {
            let half = |from: usize| (0..4).fold(0u64, |bits, at| bits | u64::from(group[from + at]) << (at as u32 * width));
            let bits = u128::from(half(0)) | u128::from(half(4)) << (4 * width);
            out[at * width_bytes..at * width_bytes + size_of::<u128>()].copy_from_slice(&bits.to_le_bytes());
        }
    }
    into.truncate(start + groups * width_bytes);
}

/// Codes of any width, bit behind bit.
fn pack_bits(out: &mut [u8], codes: &[u32], width: u32) {
    let (mut bits, mut held, mut at) = (0u64, 0, 0);
    for code in codes {
        bits |= u64::from(*code) << held;
        held += width;
        if held >= 32 {
            out[at..at + 4].copy_from_slice(&(bits as u32).to_le_bytes());
            at += 4;
            bits >>= 32;
            held -= 32;
        }
    }
    out[at..at + 8].copy_from_slice(&bits.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_packed_as_bits_behind_bits() {
        for width in 1..=32 {
            for count in [1, 7, 8, 9, 31, 100] {
                let codes: Vec<u32> = (0..count).map(|at: u32| at.wrapping_mul(0x9e37_79b9) >> (32 - width)).collect();
                let mut packed = Vec::new();
                pack(&mut packed, &codes, width);
                let bit = |at: usize| packed[1 + at / 8] >> (at % 8) & 1;
                for (at, code) in codes.iter().enumerate() {
                    let found = (0..width as usize).fold(0u32, |found, shift| found | u32::from(bit(at * width as usize + shift)) << shift);
                    assert_eq!(found, *code, "{width} {at}");
                }
                assert_eq!(packed.len(), 1 + codes.len().div_ceil(8) * width as usize);
                assert!((codes.len() * width as usize..packed.len() * 8 - 8).all(|at| bit(at) == 0));
            }
        }
    }
}
