//! Texts of BIFF8: one or two bytes a character; the shared ones may be cut by records at any character.

use super::{u16_at, u32_at};

/// The workbook's shared strings.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

/// A text with its length in one byte.
pub(super) fn short(data: &[u8]) -> Option<String> {
    plain(data.get(2..)?, usize::from(*data.first()?), *data.get(1)?)
}

/// A text with its length in two bytes.
pub(super) fn long(data: &[u8]) -> Option<String> {
    plain(data.get(3..)?, usize::from(u16_at(data, 0)?), *data.get(2)?)
}

fn plain(data: &[u8], length: usize, flags: u8) -> Option<String> {
    if flags & 1 == 0 {
        return Some(data.get(..length)?.iter().map(|byte| char::from(*byte)).collect());
    }
    let units: Vec<u16> = data.get(..length * 2)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

impl Strings {
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        self.text.get(start..end)
    }

    /// From the record and those that continue it.
    pub fn read(pieces: &[&[u8]]) -> Option<Self> {
        let mut strings = Self::default();
        let count = u32_at(pieces.first()?, 4)?;
        let mut from = Pieces { pieces, piece: 0, at: 8 };
        let mut units = Vec::new();
        for _ in 0..count {
            let length = usize::from(from.u16()?);
            let flags = from.byte()?;
            let rich = if flags & 8 == 0 { 0 } else { usize::from(from.u16()?) * 4 };
            let extended = if flags & 4 == 0 { 0 } else { usize::from(from.u16()?) | usize::from(from.u16()?) << 16 };
            units.clear();
            from.characters(length, flags & 1 == 1, &mut units)?;
            strings.text.extend(char::decode_utf16(units.iter().copied()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
            strings.ends.push(u32::try_from(strings.text.len()).ok()?);
            from.skip(rich + extended)?;
        }
        Some(strings)
    }
}

struct Pieces<'a> {
    pieces: &'a [&'a [u8]],
    piece: usize,
    at: usize,
}

impl Pieces<'_> {
    /// Goes to the next piece where this one is used up; whether it did.
    fn turn(&mut self) -> Option<bool> {
        let mut turned = false;
        while self.at >= self.pieces.get(self.piece)?.len() {
            self.at -= self.pieces[self.piece].len();
            self.piece += 1;
            turned = true;
        }
        Some(turned)
    }

    fn byte(&mut self) -> Option<u8> {
        self.turn()?;
        let byte = self.pieces[self.piece][self.at];
        self.at += 1;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from(self.byte()?) | u16::from(self.byte()?) << 8)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        for _ in 0..bytes {
            self.byte()?;
        }
        Some(())
    }

    /// A piece that goes on with a text says again how wide its characters are.
    fn characters(&mut self, length: usize, mut wide: bool, into: &mut Vec<u16>) -> Option<()> {
        for at in 0..length {
            if self.turn()? && at > 0 {
                wide = self.byte()? & 1 == 1;
            }
            into.push(if wide { self.u16()? } else { u16::from(self.byte()?) });
        }
        Some(())
    }
}
