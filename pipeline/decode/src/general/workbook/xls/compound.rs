//! Compound files: sectors in chains, of which one is the workbook.

use super::{u16_at, u32_at};
use crate::general::workbook::damaged;
use crate::{Error, Result};

const FREE: u32 = 0xFFFF_FFFA;

/// The bytes of the stream `Workbook`.
pub(super) fn stream(name: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let damaged = || damaged(name, "it holds no workbook that can be read");
    let file = File::open(bytes).ok_or_else(damaged)?;
    if file.stream("EncryptedPackage").is_some_and(|found| found.is_some()) {
        return Err(Error::data(format!("{name} is protected by a password")).next("open it with the password and save it without one"));
    }
    file.stream("Workbook").ok_or_else(damaged)?.ok_or_else(|| {
        Error::data(format!("{name} is no workbook of Excel 97 or later")).next("text, gzip, zip and workbooks (xlsx, xls, ods) can be read: save it as xlsx")
    })
}

struct File<'a> {
    bytes: &'a [u8],
    sector: usize,
    small_sector: usize,
    /// Streams below this size stand in small sectors.
    cutoff: u32,
    next: Vec<u32>,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let (shift, small_shift) = (u16_at(bytes, 30)?, u16_at(bytes, 32)?);
        if !(shift == 9 || shift == 12) || small_shift != 6 {
            return None;
        }
        let mut file = Self { bytes, sector: 1 << shift, small_sector: 1 << small_shift, cutoff: u32_at(bytes, 56)?, next: Vec::new() };
        let most = bytes.len() / file.sector + 1;
        let mut tables: Vec<u32> = (0..109).filter_map(|at| u32_at(bytes, 76 + 4 * at)).collect();
        let mut more = u32_at(bytes, 68)?;
        while more < FREE && tables.len() <= most {
            let sector = file.at(more)?;
            let entries = file.sector / 4 - 1;
            tables.extend((0..entries).filter_map(|at| u32_at(sector, 4 * at)));
            more = u32_at(sector, 4 * entries)?;
        }
        for table in tables.into_iter().filter(|table| *table < FREE).take(most) {
            let sector = file.at(table)?;
            file.next.extend((0..sector.len() / 4).filter_map(|at| u32_at(sector, 4 * at)));
        }
        Some(file)
    }

    fn at(&self, sector: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(sector).ok()?.checked_add(1)?.checked_mul(self.sector)?;
        self.bytes.get(start..start.checked_add(self.sector)?.min(self.bytes.len()))
    }

    /// The bytes of a chain of sectors, at most as many as the file has.
    fn chain(&self, start: u32) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut sector = start;
        while sector < FREE {
            out.extend_from_slice(self.at(sector)?);
            if out.len() > self.bytes.len() {
                return None;
            }
            sector = *self.next.get(usize::try_from(sector).ok()?)?;
        }
        Some(out)
    }

    /// None: damaged; Some(None): there is no such stream.
    fn stream(&self, name: &str) -> Option<Option<Vec<u8>>> {
        let directory = self.chain(u32_at(self.bytes, 48)?)?;
        let entries: Vec<&[u8]> = directory.chunks_exact(128).collect();
        let named = |name: &str| {
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            entries.iter().find(|entry| entry[66] == 2 && entry.starts_with(&wide) && entry[wide.len()..wide.len() + 2] == [0, 0])
        };
        let Some(entry) = named(name) else { return Some(None) };
        let (start, size) = (u32_at(entry, 116)?, u32_at(entry, 120)?);
        let mut stream = if size < self.cutoff { self.small(&entries, start, size)? } else { self.chain(start)? };
        stream.truncate(usize::try_from(size).ok()?);
        Some(Some(stream))
    }

    fn small(&self, entries: &[&[u8]], start: u32, size: u32) -> Option<Vec<u8>> {
        let root = entries.iter().find(|entry| entry[66] == 5)?;
        let container = self.chain(u32_at(root, 116)?)?;
        let table = self.chain(u32_at(self.bytes, 60)?)?;
        let size = usize::try_from(size).ok()?;
        let mut out = Vec::new();
        let mut sector = start;
        while sector < FREE && out.len() < size {
            let at = usize::try_from(sector).ok()?.checked_mul(self.small_sector)?;
            out.extend_from_slice(container.get(at..at + self.small_sector)?);
            sector = u32_at(&table, usize::try_from(sector).ok()?.checked_mul(4)?)?;
        }
        Some(out)
    }
}
