//! Zip archives: their directory, and members unpacked while they are read. A member gives exactly the bytes that the directory says,
//! or it is damaged.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use flate2::{Crc, bufread::DeflateDecoder};
use takings_definitions::Unpack;
use zip::{CompressionMethod, ZipArchive};

use super::Open;
use super::gzip::SLACK;
use crate::{Error, Result};

/// An archive that is held in memory as it is packed.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    name: String,
    bytes: Arc<Vec<u8>>,
    members: Vec<Member>,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    start: usize,
    packed: usize,
    size: u64,
    crc: u32,
    stored: bool,
}

impl Archive {
    pub fn new(name: &str, bytes: Arc<Vec<u8>>, limits: &Unpack) -> Result<Self> {
        let damaged = |what: &dyn std::fmt::Display| Error::data(format!("{name} is no whole zip archive: {what}")).next("ask for the file again");
        let mut zip = ZipArchive::new(Cursor::new(bytes.as_slice())).map_err(|error| damaged(&error))?;
        let declared = declared_members(&bytes);
        if declared.is_some_and(|declared| declared != zip.len()) {
            return Err(damaged(&"two of its members have the same name"));
        }
        let too_large = |what: String, key: &str| Error::data(format!("{name} {what}")).next(format!("if the file is right, raise {key} in [exports.unpack]"));
        if zip.len() > limits.max_members {
            return Err(too_large(format!("has {} members", zip.len()), "max_members"));
        }
        let mut members = Vec::new();
        let mut total = 0u64;
        for at in 0..zip.len() {
            let file = zip.by_index_raw(at).map_err(|error| damaged(&error))?;
            if file.is_dir() {
                continue;
            }
            let member = String::from_utf8_lossy(file.name_raw()).into_owned();
            // Encrypted members name a packing of their own.
            if file.encrypted() {
                return Err(Error::data(format!("{name}!{member} is encrypted")).next("hand it in without a password"));
            }
            let stored = match file.compression() {
                CompressionMethod::Stored => true,
                CompressionMethod::Deflated => false,
                other => {
                    return Err(Error::data(format!("{name}!{member} is packed by {other}")).next("only deflated and stored members can be read: pack it so"));
                }
            };
            total = total.saturating_add(file.size());
            if total > limits.max_bytes {
                return Err(too_large(format!("unpacks to more than {} bytes", limits.max_bytes), "max_bytes"));
            }
            if file.size() > file.compressed_size().saturating_mul(limits.max_ratio).saturating_add(SLACK) {
                return Err(too_large(format!("has a member {member:?} that unpacks to more than {} times its size", limits.max_ratio), "max_ratio"));
            }
            let start = file.data_start().and_then(|start| usize::try_from(start).ok());
            let packed = usize::try_from(file.compressed_size()).ok();
            let (Some(start), Some(packed)) = (start, packed) else { return Err(damaged(&format!("member {member:?} is nowhere"))) };
            if start.checked_add(packed).is_none_or(|end| end > bytes.len()) {
                return Err(damaged(&format!("member {member:?} reaches beyond the end")));
            }
            members.push(Member { name: member, start, packed, size: file.size(), crc: file.crc32(), stored });
        }
        drop(zip);
        Ok(Self { name: name.to_owned(), bytes, members })
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// A workbook is a zip with certain members.
    pub fn is_workbook(&self) -> bool {
        self.is_open_document() || self.member("[Content_Types].xml").is_some() && self.members.iter().any(|member| member.name.starts_with("xl/"))
    }

    pub fn is_open_document(&self) -> bool {
        self.member("content.xml").is_some() && self.member("mimetype").is_some()
    }

    pub fn open<'a>(&self, member: &Member) -> Open<'a> {
        let name = format!("{}!{}", self.name, member.name);
        let (bytes, member, shown) = (Arc::clone(&self.bytes), member.clone(), name.clone());
        Open::new(name, move || {
            let slice = Slice { bytes: Arc::clone(&bytes), at: member.start, end: member.start + member.packed };
            let inner: Box<dyn Read> =
                if member.stored { Box::new(slice) } else { Box::new(DeflateDecoder::new(io::BufReader::with_capacity(64 << 10, slice))) };
            Ok(Box::new(Checked { name: shown.clone(), inner, left: member.size, crc: Crc::new(), expected: member.crc, ended: false }))
        })
    }

    /// A member of a workbook that must be there.
    pub fn required(&self, member: &str) -> Result<Box<dyn Read>> {
        let found =
            self.member(member).ok_or_else(|| Error::data(format!("{}: the workbook lacks {member}", self.name)).next("save it again as xlsx or ods"))?;
        self.open(found).open()
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

/// How many members the end of the archive says there are; None where it says that elsewhere (zip64).
fn declared_members(bytes: &[u8]) -> Option<usize> {
    let at = memchr::memmem::rfind(bytes, b"PK\x05\x06")?;
    let count = u16::from_le_bytes(bytes.get(at + 10..at + 12)?.try_into().ok()?);
    (count != u16::MAX).then_some(usize::from(count))
}

struct Slice {
    bytes: Arc<Vec<u8>>,
    at: usize,
    end: usize,
}

impl Read for Slice {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(self.end - self.at);
        into[..length].copy_from_slice(&self.bytes[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// A member, held against its size and checksum.
struct Checked {
    name: String,
    inner: Box<dyn Read>,
    left: u64,
    crc: Crc,
    expected: u32,
    ended: bool,
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(into)?;
        let damaged = |what: &str| io::Error::other(Error::data(format!("{} is damaged: {what}", self.name)).next("ask for the file again"));
        let Some(left) = self.left.checked_sub(read as u64) else { return Err(damaged("it is longer than the archive says")) };
        if read == 0 {
            self.ended = true;
            if left > 0 {
                return Err(damaged("it is shorter than the archive says"));
            }
            if self.crc.sum() != self.expected {
                return Err(damaged("its checksum is wrong"));
            }
        }
        self.crc.update(&into[..read]);
        self.left = left;
        Ok(read)
    }
}
