//! Cuts a stream of bytes into chunks of whole records by exact quote parity.
//!
//! A record ends at a newline with an even number of quotes before it. Where the chunks are cut depends on the stream alone, not on
//! the sizes in which it arrives. This module must not know columns, delimiters or types.

use arrow::buffer::Buffer;
use memchr::{memchr2, memchr2_iter};

use crate::scan;

/// A record longer than this is not taken: it is a quote that was never closed, or no CSV at all.
pub const RECORD_LIMIT: usize = 16 << 20;

/// How much of a record over the limit is kept, to be shown.
const KEPT_OF_TOO_LONG: usize = 64 << 10;

/// Whole records, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub bytes: Buffer,
    /// Line (from 1) of the source file on which the first byte stands.
    pub first_line: u64,
    pub ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Only whole records; the last one of a file may lack its newline.
    Whole,
    /// The file ended inside of quotes: the last record is broken.
    OpenQuote,
    /// The beginning of one single record that is longer than [`RECORD_LIMIT`].
    TooLong,
}

impl Chunk {
    /// A chunk of bytes that are known to be whole records.
    pub fn new(bytes: impl Into<Vec<u8>>, first_line: u64) -> Self {
        Self { bytes: Buffer::from_vec(bytes.into()), first_line, ending: Ending::Whole }
    }
}

/// Cuts what is pushed into chunks of about `target` bytes.
#[derive(Debug)]
pub struct Splitter {
    target: usize,
    limit: usize,
    /// The bytes of earlier pushes that are not yet given out; `line` is the line of the first of them, or of the next byte.
    buffer: Vec<u8>,
    line: u64,
    /// Fill the buffer up to here before the next cut.
    ceiling: usize,
    /// Newlines in the buffer.
    lines: u64,
    /// End of the last whole record in the buffer, and newlines before it.
    end: usize,
    end_lines: u64,
    in_quotes: bool,
    /// Newlines of a record over the limit that is being passed by.
    passed_by: Option<u64>,
}

impl Splitter {
    /// `first_line`: line of the source file on which the first pushed byte stands (1, or behind the header).
    pub fn new(first_line: u64, target: usize) -> Self {
        Self::with_limit(first_line, target, RECORD_LIMIT)
    }

    fn with_limit(first_line: u64, target: usize, limit: usize) -> Self {
        let target = target.max(1);
        Self {
            target,
            limit: limit.max(target),
            buffer: Vec::new(),
            line: first_line,
            ceiling: target,
            lines: 0,
            end: 0,
            end_lines: 0,
            in_quotes: false,
            passed_by: None,
        }
    }

    /// Takes the next bytes of the stream and gives the chunks that they complete. A chunk that lies within them is no copy.
    pub fn push(&mut self, bytes: impl Into<Buffer>) -> Vec<Chunk> {
        let bytes = bytes.into();
        let mut chunks = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if self.passed_by.is_some() {
                at = bytes.len() - self.pass_by(&bytes[at..], &mut chunks).len();
                continue;
            }
            let to = bytes.len().min(at + self.ceiling - self.buffer.len());
            let piece = &bytes[at..to];
            if self.buffer.is_empty() && piece.len() == self.ceiling {
                let LastEnd { end, lines, .. } = last_end(piece, false);
                if end > 0 {
                    chunks.push(self.whole(bytes.slice_with_length(at, end), lines));
                    at += end;
                    continue;
                }
            }
            self.take(piece);
            at = to;
            if self.buffer.len() == self.ceiling
                && let Some(chunk) = self.cut()
            {
                chunks.push(chunk);
                if self.buffer.len() <= piece.len() {
                    // The record that is not whole began in these bytes: look at it again there.
                    at -= self.buffer.len();
                    self.buffer = Vec::new();
                    self.lines = 0;
                    self.in_quotes = false;
                }
            }
        }
        chunks
    }

    /// The end of the stream: what is left, if anything.
    pub fn finish(mut self) -> Option<Chunk> {
        let ending = match (self.passed_by, self.in_quotes) {
            (Some(_), _) => Ending::TooLong,
            (None, true) => Ending::OpenQuote,
            (None, false) => Ending::Whole,
        };
        let bytes = Buffer::from_vec(std::mem::take(&mut self.buffer));
        (!bytes.is_empty()).then_some(Chunk { bytes, first_line: self.line, ending })
    }

    fn take(&mut self, piece: &[u8]) {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(self.target);
        }
        let from = self.buffer.len();
        self.buffer.extend_from_slice(piece);
        let LastEnd { end, lines, all_lines, in_quotes } = last_end(piece, self.in_quotes);
        self.in_quotes = in_quotes;
        if end > 0 {
            self.end = from + end;
            self.end_lines = self.lines + lines;
        }
        self.lines += all_lines;
    }

    fn cut(&mut self) -> Option<Chunk> {
        if self.end == 0 {
            if self.buffer.len() >= self.limit {
                self.passed_by = Some(std::mem::take(&mut self.lines));
                self.buffer.truncate(KEPT_OF_TOO_LONG);
            } else {
                self.ceiling = (self.ceiling + self.target).min(self.limit);
            }
            return None;
        }
        let mut rest = Vec::with_capacity(self.target);
        rest.extend_from_slice(&self.buffer[self.end..]);
        self.buffer.truncate(self.end);
        self.end = 0;
        self.ceiling = self.target;
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let lines = self.end_lines;
        self.lines -= lines;
        Some(self.whole(Buffer::from_vec(bytes), lines))
    }

    /// A chunk of whole records on so many lines.
    fn whole(&mut self, bytes: Buffer, lines: u64) -> Chunk {
        let chunk = Chunk { bytes, first_line: self.line, ending: Ending::Whole };
        self.line += lines;
        chunk
    }

    /// Leaves out bytes up to the end of the record that is over the limit; gives what follows it.
    fn pass_by<'a>(&mut self, bytes: &'a [u8], chunks: &mut Vec<Chunk>) -> &'a [u8] {
        let mut lines = self.passed_by.unwrap_or_default();
        for at in memchr2_iter(b'"', b'\n', bytes) {
            if bytes[at] == b'"' {
                self.in_quotes = !self.in_quotes;
                continue;
            }
            lines += 1;
            if !self.in_quotes {
                chunks.push(Chunk { bytes: Buffer::from_vec(std::mem::take(&mut self.buffer)), first_line: self.line, ending: Ending::TooLong });
                self.line += lines;
                self.passed_by = None;
                self.ceiling = self.target;
                return &bytes[at + 1..];
            }
        }
        self.passed_by = Some(lines);
        &[]
    }
}

struct LastEnd {
    /// Where the last whole record of a piece ends; 0: none does.
    end: usize,
    /// Newlines before it, and in all of the piece.
    lines: u64,
    all_lines: u64,
    /// The piece ends inside of quotes.
    in_quotes: bool,
}

fn last_end(piece: &[u8], starts_in_quotes: bool) -> LastEnd {
    let (quotes, newlines) = scan::counts(piece);
    let (in_quotes, all_lines) = (starts_in_quotes ^ (quotes % 2 == 1), newlines as u64);
    // It lies near the end of the piece: look for it from behind, with the parity known there.
    let (mut inside, mut lines) = (in_quotes, all_lines);
    for at in memchr2_iter(b'"', b'\n', piece).rev() {
        if piece[at] == b'"' {
            inside = !inside;
        } else if !inside {
            return LastEnd { end: at + 1, lines, all_lines, in_quotes };
        } else {
            lines -= 1;
        }
    }
    LastEnd { end: 0, lines: 0, all_lines, in_quotes }
}

/// Where the first record (the header) ends: the offset behind its newline. Blank lines before it belong to it.
/// None: the bytes don't hold the whole record; read more, or at the end of the file take all of it.
pub fn header_end(bytes: &[u8]) -> Option<usize> {
    let mut start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let mut from = start;
    let mut in_quotes = false;
    while let Some(at) = memchr2(b'"', b'\n', &bytes[from..]).map(|at| at + from) {
        from = at + 1;
        if bytes[at] == b'"' {
            in_quotes = !in_quotes;
        } else if !in_quotes {
            if !matches!(&bytes[start..at], b"" | b"\r") {
                return Some(from);
            }
            start = from;
        }
    }
    None
}

/// The mark that some tools write before UTF-8 text.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(input: &str, target: usize) -> Vec<(String, u64, Ending)> {
        let mut splitter = Splitter::with_limit(1, target, 40);
        let mut chunks = splitter.push(input.as_bytes());
        chunks.extend(splitter.finish());
        chunks.into_iter().map(|chunk| (String::from_utf8(chunk.bytes.to_vec()).unwrap(), chunk.first_line, chunk.ending)).collect()
    }

    #[test]
    fn a_chunk_ends_behind_a_record_and_knows_its_line() {
        assert_eq!(
            chunks("a,b\n\"x\ny\",1\nc,d", 10),
            [("a,b\n".into(), 1, Ending::Whole), ("\"x\ny\",1\n".into(), 2, Ending::Whole), ("c,d".into(), 4, Ending::Whole)]
        );
    }

    #[test]
    fn a_record_longer_than_the_target_grows_its_chunk() {
        assert_eq!(chunks("abcdefgh\ni\n", 3), [("abcdefgh\n".into(), 1, Ending::Whole), ("i\n".into(), 2, Ending::Whole)]);
    }

    #[test]
    fn an_open_quote_is_named() {
        assert_eq!(chunks("a\n\"b\nc\n", 100), [("a\n\"b\nc\n".into(), 1, Ending::OpenQuote)]);
        assert_eq!(chunks("a\n", 100), [("a\n".into(), 1, Ending::Whole)]);
        assert_eq!(chunks("", 100), []);
    }

    #[test]
    fn a_record_over_the_limit_is_passed_by_and_lines_still_count() {
        let long = format!("\"{}\n{}\"", "x".repeat(30), "y".repeat(30));
        let found = chunks(&format!("a\n{long}\nb\n"), 10);
        assert_eq!(found.first(), Some(&("a\n".into(), 1, Ending::Whole)));
        assert_eq!((found[1].1, found[1].2), (2, Ending::TooLong));
        assert!(long.starts_with(&found[1].0), "{found:?}");
        assert_eq!(found[2..], [("b\n".into(), 4, Ending::Whole)]);
    }

    #[test]
    fn the_header_ends_behind_its_newline() {
        for (input, end) in [
            ("a,b\nc", Some(4)),
            ("a,b", None),
            ("\u{feff}a\n", Some(5)),
            ("\r\n\na\nb\n", Some(5)),
            ("\"a\nb\",c\n1", Some(8)),
            ("\u{feff}\na\n", Some(6)),
            ("", None),
        ] {
            assert_eq!(header_end(input.as_bytes()), end, "{input:?}");
        }
    }
}
