//! Reading landed files back: whole or from a segment on, the header, one record by its line; and checking that the blobs are whole.

use std::ops::Range;
use std::pin::pin;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use memchr::{memchr, memchr_iter, memchr2_iter};
use sha2::{Digest, Sha256};
use takings_storage::pieces;

use crate::record::{LandingRecord, Segment, blob_path, hex};
use crate::{Error, Landing, Result};

/// What is read at first of a file for its header.
const HEADER_SIZE: u64 = 64 << 10;

/// A header or a single record is not longer; the decoder's limit for a record is the same.
const RECORD_LIMIT: usize = 16 << 20;

impl Landing {
    /// The bytes of a version from a segment on (0 = the whole file), in pieces of at most 4 MiB. Those of a local landing zone are read on
    /// the thread that asks for them.
    pub fn read(&self, record: &LandingRecord, from_segment: usize) -> BoxStream<'static, Result<Bytes>> {
        let segments = record.segments.get(from_segment..).unwrap_or_default().to_vec();
        let (landing, record) = (self.clone(), record.clone());
        let read = move |segment: Segment| {
            let (landing, record, path) = (landing.clone(), record.clone(), blob_path(&segment.sha256));
            let read = stream::iter(pieces(segment.length)).zip(landing.store().pieces(&path, segment.length));
            read.then(move |(range, read)| {
                let (landing, record, path) = (landing.clone(), record.clone(), path.clone());
                async move { landing.whole(&record, path, range, read).await }
            })
        };
        stream::iter(segments).flat_map(read).boxed()
    }

    /// The bytes of a version's segment will not be read again soon.
    pub fn let_go(&self, segment: &Segment) {
        self.store().let_go(&blob_path(&segment.sha256));
    }

    /// A piece of a blob, unless it is missing or too short.
    async fn whole(&self, record: &LandingRecord, path: String, range: Range<u64>, read: takings_storage::Result<Bytes>) -> Result<Bytes> {
        match read {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => Ok(bytes),
            Ok(_) => Err(damaged(record, path, "is too short")),
            Err(error) if error.is_not_found() => Err(damaged(record, path, "is missing")),
            Err(error) => match self.store().head(&path).await? {
                // A range behind the end of a blob that was cut off.
                Some(blob) if blob.size < range.end => Err(damaged(record, path, "is too short")),
                _ => Err(error.into()),
            },
        }
    }

    /// The bytes of the first record with its line end, and of blank lines before it; empty for an empty file.
    pub async fn header(&self, record: &LandingRecord) -> Result<Bytes> {
        // Almost any header stands within the first bytes.
        if let Some(first) = record.segments.first().filter(|first| first.length > 0) {
            let (path, range) = (blob_path(&first.sha256), 0..first.length.min(HEADER_SIZE));
            let read = self.store().get_range(&path, range.clone()).await;
            let mut read = self.whole(record, path, range, read).await?;
            if let Some(end) = header_end(&read) {
                read.truncate(end);
                return Ok(Bytes::copy_from_slice(&read));
            }
        }
        let mut read = Vec::new();
        let mut pieces = pin!(self.read(record, 0));
        while let Some(piece) = pieces.try_next().await? {
            read.extend_from_slice(&piece);
            if let Some(end) = header_end(&read) {
                read.truncate(end);
                read.shrink_to_fit();
                break;
            }
            if read.len() > RECORD_LIMIT {
                return Err(line(record, 1, "starts a header that does not end; a quote may never be closed"));
            }
        }
        Ok(read.into())
    }

    /// The text of the record that starts on a line, without its line end; bytes that are no UTF-8 are shown as `�`.
    pub async fn raw_record(&self, record: &LandingRecord, at_line: u64) -> Result<String> {
        let Some(from) = record.segments.iter().rposition(|segment| segment.first_line <= at_line) else {
            return Err(line(record, at_line, "is not in the file"));
        };
        let mut to_skip = at_line - record.segments[from].first_line;
        let mut scan = RecordScan::default();
        let mut read = Vec::new();
        let mut pieces = pin!(self.read(record, from));
        while let Some(piece) = pieces.try_next().await? {
            let mut rest = &piece[..];
            while to_skip > 0 {
                let Some(end) = memchr(b'\n', rest) else { break };
                scan.pass(&rest[..=end]);
                rest = &rest[end + 1..];
                to_skip -= 1;
            }
            if to_skip > 0 {
                scan.pass(rest);
                continue;
            }
            if read.is_empty() && scan.in_quotes && !rest.is_empty() {
                return Err(line(record, at_line, "is inside of a record that starts on an earlier line"));
            }
            let end = scan.end(rest);
            read.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            if end.is_some() {
                break;
            }
            if read.len() > RECORD_LIMIT {
                return Err(line(record, at_line, "starts a record that does not end; a quote may never be closed"));
            }
        }
        if read.is_empty() {
            return Err(line(record, at_line, "is not in the file"));
        }
        let text = String::from_utf8_lossy(&read);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }

    /// Reads all bytes of a version again and compares them with their hashes.
    pub async fn verify(&self, record: &LandingRecord) -> Result<()> {
        let mut whole = Sha256::new();
        for (at, segment) in record.segments.iter().enumerate() {
            whole = self.verify_segment(record, at, segment, whole).await?;
        }
        if hex(whole) == record.sha256 { Ok(()) } else { Err(damaged(record, record.path(), "does not name the file's own hash")) }
    }

    async fn verify_segment(&self, record: &LandingRecord, at: usize, segment: &Segment, mut whole: Sha256) -> Result<Sha256> {
        let path = blob_path(&segment.sha256);
        let blob = self.store().head(&path).await?.ok_or_else(|| damaged(record, path.clone(), "is missing"))?;
        if blob.size != segment.length {
            return Err(damaged(record, path, &format!("has {} bytes instead of {}", blob.size, segment.length)));
        }
        let alone = LandingRecord { segments: vec![record.segments[at].clone()], ..record.clone() };
        let mut pieces = pin!(self.read(&alone, 0));
        let mut own = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            (whole, own) = tokio::task::spawn_blocking(move || {
                whole.update(&piece);
                own.update(&piece);
                (whole, own)
            })
            .await?;
        }
        if hex(own) == segment.sha256 { Ok(whole) } else { Err(damaged(record, path, "has other bytes than its name says")) }
    }
}

/// The mark that some tools write before UTF-8 text.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Where the first record that is no blank line ends, behind its newline.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let mut start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    while let Some(end) = RecordScan::default().end(&bytes[start..]).map(|end| start + end) {
        if !matches!(&bytes[start..end], b"\n" | b"\r\n") {
            return Some(end);
        }
        start = end;
    }
    None
}

/// Looks for the end of a record over pieces of a file.
#[derive(Default)]
struct RecordScan {
    in_quotes: bool,
}

impl RecordScan {
    /// Where in this piece the record ends: behind its newline.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        for at in memchr2_iter(b'"', b'\n', piece) {
            if piece[at] == b'"' {
                self.in_quotes = !self.in_quotes;
            } else if !self.in_quotes {
                return Some(at + 1);
            }
        }
        None
    }

    /// Passes bytes by, whatever ends in them.
    fn pass(&mut self, bytes: &[u8]) {
        self.in_quotes ^= memchr_iter(b'"', bytes).count() % 2 == 1;
    }
}

fn damaged(record: &LandingRecord, path: String, reason: &str) -> Error {
    Error::Damaged { path, source_path: record.source_path.clone(), version: record.version, reason: reason.to_owned() }
}

fn line(record: &LandingRecord, line: u64, reason: &'static str) -> Error {
    Error::Line { source_path: record.source_path.clone(), version: record.version, line, reason }
}
