//! Gzip, of any size: unpacked while it is read, and stopped where it grows beyond its limits.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

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
        let inner = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, input));
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
