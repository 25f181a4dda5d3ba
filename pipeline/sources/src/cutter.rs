//! One pass over a file's bytes: hashes, counts newlines and finds where the last record ends. Pure; no file, no store.
//!
//! A record ends at a newline with an even number of quotes before it. What follows the last such newline is held back: it may be
//! half a record.

use bytes::Bytes;
use memchr::{memchr_iter, memchr2_iter};
use sha2::{Digest, Sha256};

use crate::record::{LandingRecord, Segment, hex};

/// No record is this long. More than this without an end is passed on, so that memory stays flat on a file whose quote was never closed.
const HELD_BACK: usize = 16 << 20;

/// The bytes are not a continuation of the version before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotGrown;

/// Takes a file's bytes in order and gives back those of its new segment.
pub(crate) struct Cutter {
    /// Over all bytes up to those held back.
    whole: Sha256,
    hashed: u64,
    /// Size and hash of the version before: the file must start with it.
    before: Option<(u64, String)>,
    /// Bytes and newlines of the segments that stay; they are hashed only.
    kept: (u64, u64),
    new: New,
    held: Vec<Bytes>,
    held_length: usize,
    held_limit: usize,
    in_quotes: bool,
    /// Bytes were given out although their record has not ended.
    unfinished: bool,
    /// The bytes are no records that this could tell: all of them are one segment.
    uncut: bool,
}

/// The segment that is being given out.
struct New {
    /// `None` while no segment stays: its hash is then the file's.
    hash: Option<Sha256>,
    length: u64,
    newlines: u64,
}

/// What the pass found.
#[derive(Debug)]
pub(crate) struct Cut {
    pub sha256: String,
    pub size: u64,
    /// The segment of the bytes that were given out, unless there were none.
    pub given: Option<Segment>,
    /// The unfinished rest and its segment.
    pub rest: Option<(Bytes, Segment)>,
}

impl Cutter {
    /// For a file that is landed whole.
    pub(crate) fn whole() -> Self {
        Self::new(None, (0, 0))
    }

    /// For a file that may be anything: one segment, which no later version keeps.
    pub(crate) fn uncut() -> Self {
        Self { uncut: true, unfinished: true, ..Self::new(None, (0, 0)) }
    }

    /// For a file that should be a continuation of a version: gives back what follows its finished segments.
    pub(crate) fn after(before: &LandingRecord) -> Self {
        let kept = before.finished().iter().fold((0, 0), |(length, newlines), segment| (length + segment.length, newlines + segment.newlines));
        Self::new(Some((before.size, before.sha256.clone())), kept)
    }

    fn new(before: Option<(u64, String)>, kept: (u64, u64)) -> Self {
        let new = New { hash: (kept.0 > 0).then(Sha256::new), length: 0, newlines: 0 };
        Self {
            whole: Sha256::new(),
            hashed: 0,
            before,
            kept,
            new,
            held: Vec::new(),
            held_length: 0,
            held_limit: HELD_BACK,
            in_quotes: false,
            unfinished: false,
            uncut: false,
        }
    }

    /// Takes the next bytes; gives those of the new segment that are decided.
    pub(crate) fn push(&mut self, mut bytes: Bytes) -> Result<Vec<Bytes>, NotGrown> {
        if self.hashed < self.kept.0 {
            let passed = bytes.split_to(bytes.len().min(usize::try_from(self.kept.0 - self.hashed).unwrap_or(usize::MAX)));
            self.hash(&passed)?;
        }
        let end = if self.uncut { None } else { self.last_end(&bytes) };
        let mut given = Vec::new();
        if let Some(end) = end {
            given.append(&mut self.held);
            given.push(bytes.split_to(end));
            self.held_length = 0;
            self.unfinished = false;
        }
        if !bytes.is_empty() {
            self.held_length += bytes.len();
            self.held.push(bytes);
        }
        if self.unfinished || self.held_length > self.held_limit {
            given.append(&mut self.held);
            self.held_length = 0;
            self.unfinished = true;
        }
        for piece in &given {
            self.hash(piece)?;
            self.new.take(piece);
        }
        Ok(given)
    }

    /// The end of the file.
    pub(crate) fn finish(mut self) -> Result<Cut, NotGrown> {
        let first_line = 1 + self.kept.1;
        let New { hash, length, newlines } = &self.new;
        let given = (*length > 0).then(|| Segment {
            sha256: hex(hash.clone().unwrap_or_else(|| self.whole.clone())),
            length: *length,
            first_line,
            newlines: *newlines,
            finished: !self.unfinished,
        });
        let rest_line = first_line + newlines;
        let rest = Bytes::from(std::mem::take(&mut self.held).concat());
        self.hash(&rest)?;
        if self.before.is_some() {
            // The file ended before the version before it did.
            return Err(NotGrown);
        }
        let rest = (!rest.is_empty()).then(|| {
            let segment = Segment {
                sha256: hex(Sha256::new_with_prefix(&rest)),
                length: rest.len() as u64,
                first_line: rest_line,
                newlines: newlines_in(&rest),
                finished: false,
            };
            (rest, segment)
        });
        Ok(Cut { sha256: hex(self.whole), size: self.hashed, given, rest })
    }

    /// Where the last record in these bytes ends; the bytes follow those that were seen before.
    fn last_end(&mut self, bytes: &[u8]) -> Option<usize> {
        self.in_quotes ^= memchr_iter(b'"', bytes).count() % 2 == 1;
        let mut inside = self.in_quotes;
        for at in memchr2_iter(b'"', b'\n', bytes).rev() {
            if bytes[at] == b'"' {
                inside = !inside;
            } else if !inside {
                return Some(at + 1);
            }
        }
        None
    }

    fn hash(&mut self, bytes: &[u8]) -> Result<(), NotGrown> {
        let mut bytes = bytes;
        if let Some((size, sha256)) = &self.before {
            let missing = size - self.hashed;
            if bytes.len() as u64 >= missing {
                // Not over `bytes.len()`, so it fits.
                let (last, after) = bytes.split_at(missing as usize);
                self.whole.update(last);
                self.hashed += missing;
                if hex(self.whole.clone()) != *sha256 {
                    return Err(NotGrown);
                }
                self.before = None;
                bytes = after;
            }
        }
        self.whole.update(bytes);
        self.hashed += bytes.len() as u64;
        Ok(())
    }
}

impl New {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.length += bytes.len() as u64;
        self.newlines += newlines_in(bytes);
    }
}

fn newlines_in(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn cut(mut cutter: Cutter, text: &str, step: usize) -> Result<(Vec<u8>, Cut), NotGrown> {
        let mut given = Vec::new();
        for piece in text.as_bytes().chunks(step) {
            given.extend(cutter.push(Bytes::copy_from_slice(piece))?.concat());
        }
        Ok((given, cutter.finish()?))
    }

    fn sha(bytes: &[u8]) -> String {
        hex(Sha256::new_with_prefix(bytes))
    }

    /// The segments of a text, checked for every way in which it may arrive.
    fn segments(text: &str) -> Vec<Segment> {
        let mut first: Option<Vec<Segment>> = None;
        for step in 1..=text.len().max(1) {
            let (given, cut) = cut(Cutter::whole(), text, step).unwrap();
            assert_eq!((cut.size, &cut.sha256), (text.len() as u64, &sha(text.as_bytes())));
            let rest = cut.rest.as_ref().map_or(&b""[..], |(bytes, _)| bytes);
            assert_eq!([&given, rest].concat(), text.as_bytes());
            assert_eq!(cut.given.as_ref().map_or(sha(b""), |segment| segment.sha256.clone()), sha(&given));
            assert_eq!(cut.rest.as_ref().map_or(sha(b""), |(_, segment)| segment.sha256.clone()), sha(rest));
            let found: Vec<Segment> = cut.given.into_iter().chain(cut.rest.map(|(_, segment)| segment)).collect();
            assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
        }
        first.unwrap_or_default()
    }

    fn check(text: &str, expected: Expect) {
        let shown: String = segments(text)
            .iter()
            .map(|segment| {
                let end = if segment.finished { "" } else { ", unfinished" };
                format!("{} bytes from line {}, {} newlines{end}\n", segment.length, segment.first_line, segment.newlines)
            })
            .collect();
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_file_is_cut_behind_its_last_whole_record() {
        check("", expect![""]);
        check(
            "a,b\n1,2\n",
            expect![[r#"
            8 bytes from line 1, 2 newlines
        "#]],
        );
        check(
            "a,b\r\n1,2\r\n3,",
            expect![[r#"
            10 bytes from line 1, 2 newlines
            2 bytes from line 3, 0 newlines, unfinished
        "#]],
        );
        check(
            "a,b",
            expect![[r#"
            3 bytes from line 1, 0 newlines, unfinished
        "#]],
        );
        check(
            "a\n\"x\ny\"\n\"p\nq",
            expect![[r#"
            8 bytes from line 1, 3 newlines
            4 bytes from line 4, 1 newlines, unfinished
        "#]],
        );
        check(
            "a\n\"say \"\"hi\"\"\n\"\n\"",
            expect![[r#"
            16 bytes from line 1, 3 newlines
            1 bytes from line 4, 0 newlines, unfinished
        "#]],
        );
        check(
            "\"never closed\n1\n2\n",
            expect![[r#"
            18 bytes from line 1, 3 newlines, unfinished
        "#]],
        );
    }

    #[test]
    fn a_file_that_is_not_cut_is_one_segment() {
        let text = "a\0\n\"\n1,2\n\n\"";
        for step in 1..=text.len() {
            let (given, cut) = cut(Cutter::uncut(), text, step).unwrap();
            let segment = cut.given.unwrap();
            assert_eq!((given.as_slice(), cut.rest), (text.as_bytes(), None));
            assert_eq!((segment.length, segment.first_line, segment.newlines, segment.finished), (11, 1, 4, false));
            assert_eq!((&segment.sha256, &cut.sha256), (&sha(text.as_bytes()), &sha(text.as_bytes())));
        }
        assert!(cut(Cutter::uncut(), "", 1).unwrap().1.given.is_none());
    }

    #[test]
    fn an_endless_record_is_passed_on_and_memory_stays_flat() {
        for (text, finished, rest) in [("a\n\"123456789\n123456789", false, None), ("a\n\"123456789\n123456789\"\nb\nc", true, Some("c"))] {
            for step in 1..=text.len() {
                let cutter = Cutter { held_limit: 8, ..Cutter::whole() };
                let (given, cut) = cut(cutter, text, step).unwrap();
                if step > 8 && !finished {
                    continue; // One piece alone may be over the limit in a test only.
                }
                let segment = cut.given.unwrap();
                assert_eq!((segment.finished, segment.length), (finished, given.len() as u64), "{step}");
                assert_eq!(cut.rest.map(|(bytes, _)| bytes), rest.map(Bytes::from), "{step}");
                assert_eq!(cut.sha256, sha(text.as_bytes()));
            }
        }
    }

    fn version(text: &str) -> LandingRecord {
        LandingRecord {
            channel: "c".into(),
            export: "e".into(),
            instance: "i".into(),
            source_path: "p".into(),
            file_id: "f".into(),
            version: 1,
            size: text.len() as u64,
            sha256: sha(text.as_bytes()),
            segments: segments(text),
        }
    }

    #[test]
    fn a_continuation_gives_what_follows_the_finished_segments() {
        for (before, after, new) in [
            ("a\n1\n", "a\n1\n2\n", "2\n"),
            ("a\n1\n2", "a\n1\n23\n", "23\n"),
            ("a\n1\n\"x", "a\n1\n\"x\ny\"\nz", "\"x\ny\"\n"),
            ("a\n1\n", "a\n1\n", ""),
            ("", "a\n1\n", "a\n1\n"),
            ("a", "a\n1\n", "a\n1\n"),
        ] {
            let before = version(before);
            for step in 1..=after.len() {
                let (given, cut) = cut(Cutter::after(&before), after, step).unwrap();
                assert_eq!(String::from_utf8(given.clone()).unwrap(), new, "{after:?}");
                assert_eq!(cut.sha256, sha(after.as_bytes()));
                if let Some(segment) = &cut.given {
                    assert_eq!(segment.first_line, 1 + before.finished().iter().map(|segment| segment.newlines).sum::<u64>());
                    assert_eq!(segment.sha256, sha(&given));
                }
            }
        }
    }

    #[test]
    fn another_beginning_is_no_continuation() {
        let before = version("a\n1\n2");
        for after in ["a\n9\n2\n", "a\n1\n3\n", "a\n1\n", "a", "", "b\n1\n2\n3\n"] {
            for step in 1..=after.len().max(1) {
                assert_eq!(cut(Cutter::after(&before), after, step).err(), Some(NotGrown), "{after:?}");
            }
        }
    }
}
