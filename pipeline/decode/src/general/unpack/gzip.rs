//! Gzip, of any size: unpacked while it is read, and stopped where it grows beyond its limits. Several members are one text; behind the
//! last one zeros may stand, as tapes and block devices fill up, and nothing else.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use super::Open;
use crate::Error;

/// Small files may unpack to more than their ratio.
pub(super) const SLACK: u64 = 1 << 20;

/// The unpacked bytes; each reading of them has the limits for itself.
pub(super) fn open(file: Open<'_>, max_bytes: u64, max_ratio: u64) -> Open<'_> {
    let name = file.name.clone();
    let shown = name.clone();
    Open::new(name, move || {
        let packed = Rc::new(Cell::new(0));
        let input = Counted { inner: file.open()?, count: Rc::clone(&packed) };
        let inner = Members { member: Some(GzDecoder::new(BufReader::with_capacity(64 << 10, input))) };
        Ok(Box::new(Limited { name: shown.clone(), inner, packed, unpacked: 0, max_bytes, max_ratio }))
    })
}

struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// The text of all members.
struct Members<R> {
    /// None: all were read.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(member) = self.member.take() else { return Ok(0) };
            let mut rest = member.into_inner();
            if !has_ended(&mut rest)? {
                self.member = Some(GzDecoder::new(rest));
            }
        }
    }
}

/// Whether nothing, or nothing but zeros, stands behind a member.
fn has_ended(rest: &mut impl BufRead) -> io::Result<bool> {
    let mut zeros = false;
    loop {
        let bytes = rest.fill_buf()?;
        match bytes.first() {
            None => return Ok(true),
            Some(first) if *first != 0 && !zeros => return Ok(false),
            Some(_) => {}
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes stand behind the zeros at the end of its gzip"));
        }
        zeros = true;
        let length = bytes.len();
        rest.consume(length);
    }
}

struct Limited<R> {
    name: String,
    inner: R,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    max_bytes: u64,
    max_ratio: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.unpacked += read as u64;
        if self.unpacked > self.max_bytes {
            return Err(too_large(&self.name, format!("unpacks to more than {} bytes", self.max_bytes), "max_bytes"));
        }
        if self.unpacked > self.packed.get().saturating_mul(self.max_ratio).saturating_add(SLACK) {
            return Err(too_large(&self.name, format!("unpacks to more than {} times its size", self.max_ratio), "max_ratio"));
        }
        Ok(read)
    }
}

pub(super) fn too_large(name: &str, what: String, key: &str) -> io::Error {
    io::Error::other(Error::data(format!("{name} {what}")).next(format!("if the file is right, raise {key} in [exports.unpack]")))
}
