//! Bytes of a part → bytes that are UTF-8 where they are right: byte order marks, declared and ranked encodings.
//!
//! What an encoding can't read becomes the byte FF, which is nowhere in UTF-8: the cell that has it is refused. Nothing is replaced
//! in silence. This module must not know records or cells.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use takings_definitions::TextForm;

use super::unpack::Open;
use crate::{Error, Result};

const PIECE: usize = 64 << 10;

/// How the cells of a text are read.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// The bytes are UTF-8, or were made so from this encoding.
    As(&'static Encoding),
    /// Each cell by the first encoding that can.
    Mixed(Vec<&'static Encoding>),
}

/// The bytes of a text behind its byte order mark, as [`Cells`] says.
pub(crate) fn open<'a>(bytes: &Open<'a>, form: &TextForm) -> Result<(Box<dyn Read + 'a>, Cells)> {
    let mut input = bytes.open()?;
    let mut head = Vec::with_capacity(3);
    input.by_ref().take(3).read_to_end(&mut head).map_err(|error| bytes.broken(&error))?;
    if let Some((encoding, mark)) = Encoding::for_bom(&head) {
        let rest = io::Cursor::new(head.split_off(mark)).chain(input);
        // The mark says what most of the file is; that cells of it are not, the export says.
        if form.mixed && encoding == UTF_8 {
            return Ok((Box::new(rest), Cells::Mixed(form.encodings.clone())));
        }
        return Ok(as_utf8(encoding, rest));
    }
    let input = io::Cursor::new(head).chain(input);
    if form.mixed {
        return Ok((Box::new(input), Cells::Mixed(form.encodings.clone())));
    }
    let (last, ranked) = form.encodings.split_last().ok_or_else(|| Error::config("no encoding is declared"))?;
    for encoding in ranked {
        if reads(encoding, bytes.open()?).map_err(|error| bytes.broken(&error))? {
            return Ok(as_utf8(encoding, input));
        }
    }
    Ok(as_utf8(last, input))
}

fn as_utf8<'a>(encoding: &'static Encoding, input: impl Read + 'a) -> (Box<dyn Read + 'a>, Cells) {
    if encoding == UTF_8 {
        return (Box::new(input), Cells::As(encoding));
    }
    (
        Box::new(Transcoded { input, decoder: encoding.new_decoder_without_bom_handling(), piece: Vec::new(), at: 0, out: Vec::new(), given: 0, ended: false }),
        Cells::As(encoding),
    )
}

/// Whether an encoding can read all of it. UTF-16 can read nearly any bytes: one of the first must be the zero that line ends and delimiters have.
fn reads(encoding: &'static Encoding, mut input: impl Read) -> io::Result<bool> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut unlikely = encoding == UTF_16LE || encoding == UTF_16BE;
    let (mut piece, mut out) = (vec![0; PIECE], vec![0; 4 * PIECE]);
    loop {
        let length = read_full(&mut input, &mut piece)?;
        if std::mem::take(&mut unlikely) && memchr::memchr(0, &piece[..length]).is_none() {
            return Ok(false);
        }
        let mut at = 0;
        loop {
            let (result, read, _) = decoder.decode_to_utf8_without_replacement(&piece[at..length], &mut out, length == 0);
            at += read;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return Ok(false),
            }
        }
        if length == 0 {
            return Ok(true);
        }
    }
}

fn read_some(input: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// As many bytes as the piece holds; fewer at the end alone.
fn read_full(input: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut held = 0;
    while held < piece.len() {
        match read_some(input, &mut piece[held..])? {
            0 => break,
            read => held += read,
        }
    }
    Ok(held)
}

/// Another encoding as UTF-8, with FF where it can't be read.
struct Transcoded<R> {
    input: R,
    decoder: Decoder,
    /// Bytes of the input, read up to `at`.
    piece: Vec<u8>,
    at: usize,
    /// Bytes of UTF-8, given up to `given`.
    out: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let length = into.len().min(self.out.len() - self.given);
        into[..length].copy_from_slice(&self.out[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

impl<R: Read> Transcoded<R> {
    fn fill(&mut self) -> io::Result<()> {
        let mut last = false;
        if self.at == self.piece.len() {
            self.piece.resize(PIECE, 0);
            let length = read_some(&mut self.input, &mut self.piece)?;
            self.piece.truncate(length);
            self.at = 0;
            last = length == 0;
        }
        self.out.resize(4 * PIECE, 0);
        self.given = 0;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(&self.piece[self.at..], &mut self.out, last);
        self.out.truncate(written);
        self.at += read;
        match result {
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => self.out.push(0xFF),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        as_utf8(Encoding::for_label(encoding.as_bytes()).unwrap(), bytes).0.read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn what_an_encoding_cannot_read_is_marked() {
        assert_eq!(transcoded("windows-1252", b"caf\xE9"), "café".as_bytes());
        assert_eq!(transcoded("shift_jis", b"\x83\x65\x83\x58,a"), "テス,a".as_bytes());
        assert_eq!(transcoded("shift_jis", b"a\x83"), b"a\xFF");
        assert_eq!(transcoded("utf-16le", b"a\0\x00\xD8b\0"), b"a\xFFb");
        assert_eq!(transcoded("utf-16le", b"a\0b"), b"a\xFF");
        let long: Vec<u8> = "é,".encode_utf16().cycle().take(300_000).flat_map(u16::to_le_bytes).collect();
        assert_eq!(transcoded("utf-16le", &long), "é,".repeat(150_000).as_bytes());
    }

    /// Gives one byte at a time, as a slow network may.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(&mut into[..length])
        }
    }

    #[test]
    fn utf_16_is_judged_by_more_than_its_first_bytes() {
        let wide: Vec<u8> = "日付,金額\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(reads(UTF_16LE, Slow(&wide)).unwrap());
        assert!(!reads(UTF_16LE, Slow(b"day,amount\n1,")).unwrap());
    }

    #[test]
    fn an_encoding_reads_all_or_not() {
        assert!(reads(UTF_8, "é".repeat(100_000).as_bytes()).unwrap());
        assert!(!reads(UTF_8, [b"a".repeat(100_000), b"\xE9".to_vec()].concat().as_slice()).unwrap());
    }
}
