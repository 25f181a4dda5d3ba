//! Text → records: quotes, escapes, comment lines, line breaks. It must not know headers or what a file is called.
//!
//! A cell is quoted if it begins with the quote; quotes inside are doubled or escaped. Lines end with LF or CRLF, or with CR alone in a
//! text that has no LF in its beginning.

use std::io::{self, Read};

use memchr::{memchr, memchr2, memchr3};
use takings_definitions::{Delimiter, LastLine, TextForm};

use super::cell::{push, shown};
use super::encoding::Cells;
use super::frame::short;
use super::record::{Record, Records};
use crate::reject::{RAW_LIMIT, rule};
use crate::{Error, RECORD_LIMIT, Result};

const PIECE: usize = 64 << 10;

/// More columns than this are no table.
pub(crate) const MAX_COLUMNS: usize = 1 << 14;

/// A text that is read record by record.
pub(crate) struct Text<'a> {
    /// For messages.
    name: String,
    input: Box<dyn Read + 'a>,
    cells: Cells,
    form: Form,
    buffer: Vec<u8>,
    /// Where the next record starts.
    start: usize,
    ended: bool,
    /// The line of the next record.
    line: u64,
    spans: Vec<Span>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Form {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    loose_quotes: bool,
    /// Ends a record.
    newline: u8,
    /// Records end with a mark of their own; line breaks behind it are none of the next one.
    own_end: bool,
    comment: Option<Vec<u8>>,
    /// A text whose last line is not ended was cut off.
    must_end: bool,
    /// NUL is taken out of cells, so that it breaks none.
    nul_goes: bool,
}

/// A cell in the buffer, from the start of its record.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    quoted: bool,
    /// Holds doubled quotes or escapes.
    marked: bool,
}

/// A record in the buffer: where its text ends, and where the next one starts.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    end: usize,
    next: usize,
    /// The cell (from 0) that has a quote where none may stand.
    stray: Option<usize>,
    open: bool,
}

impl<'a> Text<'a> {
    pub fn new(name: &str, input: Box<dyn Read + 'a>, cells: Cells, form: &TextForm) -> Result<Self> {
        let delimiter = match form.delimiter {
            Delimiter::Byte(byte) => byte,
            Delimiter::Auto => 0,
        };
        let comment = form.comment.clone().map(String::into_bytes);
        let mut text = Self {
            name: name.to_owned(),
            input,
            cells,
            form: Form {
                delimiter,
                quote: form.quote,
                escape: form.escape,
                loose_quotes: form.loose_quotes,
                newline: form.line_end.unwrap_or(b'\n'),
                own_end: form.line_end.is_some(),
                comment,
                must_end: form.last_line == LastLine::Ended,
                nul_goes: form.strip_cells.contains(&'\0'),
            },
            buffer: Vec::new(),
            start: 0,
            ended: false,
            line: 1,
            spans: Vec::new(),
            scratch: Vec::new(),
        };
        while !text.ended && text.buffer.len() < PIECE {
            text.fill()?;
        }
        if form.line_end.is_none() && memchr(b'\n', &text.buffer).is_none() && memchr(b'\r', &text.buffer).is_some() {
            text.form.newline = b'\r';
        }
        let separator = if form.sep_line { text.separator() } else { None };
        match (separator, form.delimiter) {
            (Some((byte, length)), _) => {
                text.form.delimiter = byte;
                text.start = length;
                text.line = 2;
            }
            (None, Delimiter::Auto) => {
                return Err(Error::data(format!("{name}:1: the file doesn't begin with a `sep=` line, and the delimiter is to be taken from there"))
                    .next("say the delimiter in [exports.text]"));
            }
            (None, Delimiter::Byte(_)) => {}
        }
        Ok(text)
    }

    /// What a first line `sep=;` says, and its length.
    fn separator(&self) -> Option<(u8, usize)> {
        let end = memchr(self.form.newline, &self.buffer).map_or(self.buffer.len(), |at| at + 1);
        let line = self.buffer[..end].strip_suffix(&[self.form.newline]).unwrap_or(&self.buffer[..end]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
        let (word, rest) = line.split_at_checked(4)?;
        match rest {
            [byte] if word.eq_ignore_ascii_case(b"sep=") && byte.is_ascii() => Some((*byte, end)),
            _ => None,
        }
    }

    /// Reads on: as much as is held, so that a long record costs no more than twice its length.
    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() > RECORD_LIMIT {
            return Err(Error::data(format!("{}:{}: the record is longer than {RECORD_LIMIT} bytes", self.name, self.line))
                .next("most likely a quote is opened and not closed: correct the file, or set quote = \"\" where the export knows no quotes"));
        }
        let held = self.buffer.len();
        let want = held.max(PIECE);
        self.buffer.resize(held + want, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(super::unpack::broken(&self.name, &error)),
                Ok(read) => break read,
            }
        };
        self.buffer.truncate(held + read);
        self.ended = read == 0;
        Ok(())
    }

    /// The record that starts at `start`; reads on until it is whole. None at the end of the text.
    fn find(&mut self, alone: bool) -> Result<Option<Found>> {
        loop {
            while self.form.own_end && self.buffer.get(self.start).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                self.start += 1;
            }
            if self.start == self.buffer.len() {
                if self.ended {
                    return Ok(None);
                }
                self.fill()?;
                continue;
            }
            if let Some(comment) = &self.form.comment
                && !alone
            {
                let rest = &self.buffer[self.start..];
                if rest.len() < comment.len() && !self.ended {
                    self.fill()?;
                    continue;
                }
                if rest.starts_with(comment) {
                    match memchr(self.form.newline, rest) {
                        Some(at) => {
                            self.start += at + 1;
                            self.line += 1;
                        }
                        None if self.ended => {
                            self.check_end(&self.buffer[self.start..])?;
                            self.start = self.buffer.len();
                            self.line += 1;
                        }
                        None => self.fill()?,
                    }
                    continue;
                }
            }
            let mut spans = std::mem::take(&mut self.spans);
            spans.clear();
            let found = if alone {
                self.form.line(&self.buffer[self.start..], self.ended, &mut spans)
            } else {
                self.form.record(&self.buffer[self.start..], self.ended, &mut spans)
            };
            self.spans = spans;
            match found {
                Some(found) => return Ok(Some(found)),
                None => self.fill()?,
            }
        }
    }

    fn give(&mut self, found: Found, record: &mut Record) -> Result<()> {
        let bytes = &self.buffer[self.start..];
        record.clear(self.line);
        if self.spans.len() > MAX_COLUMNS {
            return Err(Error::data(format!(
                "{}:{}: the record has {} cells, more than the {MAX_COLUMNS} that a table may have",
                self.name,
                self.line,
                self.spans.len()
            ))
            .next("look whether the delimiter in [exports.text] is that of the file"));
        }
        if found.end > 0 {
            for (at, span) in self.spans.iter().enumerate() {
                let cell = self.form.text(&bytes[span.start..span.end], *span, &mut self.scratch);
                push(record, &self.cells, at, cell, self.form.nul_goes);
            }
            record.raw.push_str(&shown(&self.cells, &bytes[..found.end.min(RAW_LIMIT)]));
        }
        if found.open {
            record.refuse(rule::UNCLOSED_QUOTE, "a quote is opened and the file ends without the one that closes it", "");
        } else if let Some(cell) = found.stray {
            let text = record.cell(cell).to_owned();
            let what = format!("cell {} has a quote where none may stand: a quoted cell starts and ends with the quote, quotes inside are doubled", cell + 1);
            record.refuse(rule::QUOTING, what, text);
        }
        let breaks = memchr::memchr_iter(self.form.newline, &bytes[..found.next]).count() as u64;
        // The last line of a text may lack its line break.
        let unended = found.next > 0 && bytes[found.next - 1] != self.form.newline;
        if unended {
            self.check_end(&bytes[..found.next])?;
        }
        self.line += breaks + u64::from(unended);
        self.start += found.next;
        Ok(())
    }
}

impl Text<'_> {
    /// Of the last line, which has no line end.
    fn check_end(&self, line: &[u8]) -> Result<()> {
        if !self.form.must_end {
            return Ok(());
        }
        let shown = shown(&self.cells, line);
        Err(Error::data(format!("{}:{}: the last line, {:?}, has no line end: the file was cut off in it", self.name, self.line, short(&shown)))
            .next("ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]"))
    }
}

impl Records for Text<'_> {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        let Some(found) = self.find(false)? else { return Ok(false) };
        self.give(found, record)?;
        Ok(true)
    }

    fn next_line(&mut self, record: &mut Record) -> Result<bool> {
        let Some(found) = self.find(true)? else { return Ok(false) };
        self.give(found, record)?;
        Ok(true)
    }

    fn lines(&self) -> u64 {
        self.line - 1
    }
}

impl Form {
    /// The record at the start of these bytes; None: they don't hold all of it.
    fn record(&self, bytes: &[u8], ended: bool, spans: &mut Vec<Span>) -> Option<Found> {
        let mut found = Found::default();
        let mut at = 0;
        loop {
            let mut span = Span { start: at, end: at, quoted: false, marked: false };
            if self.quote.is_some_and(|quote| bytes.get(at) == Some(&quote)) {
                span.quoted = true;
                match self.close(bytes, at + 1, &mut span) {
                    Some(end) => at = end,
                    None if ended => {
                        span.end = bytes.len();
                        spans.push(span);
                        return Some(Found { end: bytes.len(), next: bytes.len(), open: true, ..found });
                    }
                    None => return None,
                }
                if at == bytes.len() && !ended {
                    return None;
                }
            }
            let closed = at;
            let (end, stray) = self.plain_end(bytes, at, ended, &mut span)?;
            let last = end == bytes.len() || bytes[end] == self.newline;
            // The CR of CRLF is none of the cell.
            let cut = if last && self.newline == b'\n' && end > closed && bytes[end - 1] == b'\r' { end - 1 } else { end };
            if stray || (span.quoted && cut != closed) {
                found.stray.get_or_insert(spans.len());
                span.quoted = false;
                span.marked = false;
            }
            span.end = cut;
            spans.push(span);
            if last {
                found.end = cut;
                found.next = (end + 1).min(bytes.len());
                return Some(found);
            }
            at = end + 1;
        }
    }

    /// Behind the quote that closes a cell.
    fn close(&self, bytes: &[u8], from: usize, span: &mut Span) -> Option<usize> {
        let quote = self.quote?;
        let mut at = from;
        loop {
            at += memchr2(quote, self.escape.unwrap_or(quote), bytes.get(at..)?)?;
            if Some(bytes[at]) != self.escape && bytes.get(at + 1) != Some(&quote) {
                if self.loose_quotes && !self.ends_cell(&bytes[at + 1..]) {
                    at += 1;
                    continue;
                }
                return Some(at + 1);
            }
            span.marked = true;
            at += 2;
        }
    }

    /// Whether a cell ends in front of these bytes.
    fn ends_cell(&self, bytes: &[u8]) -> bool {
        match bytes {
            [] => true,
            [b'\r', rest @ ..] if self.newline == b'\n' => rest.first().is_none_or(|next| *next == b'\n'),
            [next, ..] => *next == self.delimiter || *next == self.newline,
        }
    }

    /// Where a cell ends that is not quoted, and whether a quote stands in it; None: the bytes don't hold all of it.
    fn plain_end(&self, bytes: &[u8], from: usize, ended: bool, span: &mut Span) -> Option<(usize, bool)> {
        let mut at = from;
        let mut stray = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let next = match (self.quote.filter(|_| !self.loose_quotes), self.escape) {
                (Some(special), None) | (None, Some(special)) => memchr3(self.delimiter, self.newline, special, rest),
                (None, None) => memchr2(self.delimiter, self.newline, rest),
                (Some(quote), Some(escape)) => rest.iter().position(|byte| [self.delimiter, self.newline, quote, escape].contains(byte)),
            };
            match next.map(|next| at + next) {
                None if ended => return Some((bytes.len(), stray)),
                None => return None,
                Some(end) if bytes[end] == self.delimiter || bytes[end] == self.newline => return Some((end, stray)),
                Some(special) if Some(bytes[special]) == self.escape => {
                    span.marked = true;
                    at = special + 2;
                }
                Some(quote) => {
                    stray = true;
                    at = quote + 1;
                }
            }
        }
    }

    /// The line at the start of these bytes, cut at each delimiter outside of quotes that close on it.
    fn line(&self, bytes: &[u8], ended: bool, spans: &mut Vec<Span>) -> Option<Found> {
        let next = match memchr(self.newline, bytes) {
            Some(at) => at + 1,
            None if ended => bytes.len(),
            None => return None,
        };
        let line = bytes[..next].strip_suffix(&[self.newline]).unwrap_or(&bytes[..next]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let found = self.record(line, true, spans)?;
        Some(Found { next, open: false, stray: None, ..found })
    }

    /// A cell's bytes, quotes and escapes taken off.
    fn text<'b>(&self, bytes: &'b [u8], span: Span, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        let inside = if span.quoted { bytes.get(1..bytes.len().max(2) - 1).unwrap_or_default() } else { bytes };
        if !span.marked {
            return inside;
        }
        scratch.clear();
        let mut at = 0;
        while at < inside.len() {
            let byte = inside[at];
            let doubled = span.quoted && Some(byte) == self.quote && inside.get(at + 1) == Some(&byte);
            let marks = Some(byte) == self.escape || doubled;
            if marks && let Some(next) = inside.get(at + 1) {
                scratch.push(*next);
                at += 2;
            } else {
                scratch.push(byte);
                at += 1;
            }
        }
        scratch
    }
}
