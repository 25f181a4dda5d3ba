//! A landed file → its parts: gzip, zip and workbooks opened by their first bytes, never by their name, and within limits. It must not
//! know what stands in a part.

mod archive;
mod gzip;
mod held;

use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

use takings_definitions::Unpack;

pub(crate) use archive::Archive;

use crate::{Error, Result};

/// A gzip may hold a zip, a zip may hold gzips.
const LEVELS: usize = 2;

type Opener<'a> = Rc<dyn Fn() -> Result<Box<dyn Read + 'a>> + 'a>;

/// Bytes that can be read more than once, from the start.
#[derive(Clone)]
pub(crate) struct Open<'a> {
    /// For messages: the file's path, with the member behind `!`.
    pub name: String,
    opener: Opener<'a>,
}

impl<'a> Open<'a> {
    pub fn new(name: String, opener: impl Fn() -> Result<Box<dyn Read + 'a>> + 'a) -> Self {
        Self { name, opener: Rc::new(opener) }
    }

    pub fn open(&self) -> Result<Box<dyn Read + 'a>> {
        (self.opener)()
    }

    pub fn broken(&self, error: &io::Error) -> Error {
        broken(&self.name, error)
    }

    /// The first bytes, at most so many.
    fn head(&self, length: u64) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        self.open()?.take(length).read_to_end(&mut head).map_err(|error| self.broken(&error))?;
        Ok(head)
    }
}

/// What can't be read on: a limit, damaged packing, or the place where the file lies.
pub(crate) fn broken(name: &str, error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(own) => own.clone(),
        None => Error::data(format!("{name} can't be read: {error}")).next("if the file is damaged, ask for it again"),
    }
}

/// A part of a file before it is looked into: text, or a workbook with its sheets.
pub(crate) struct Piece<'a> {
    /// The member's name; empty for a file that is no zip.
    pub member: String,
    pub content: Content<'a>,
}

pub(crate) enum Content<'a> {
    Text(Open<'a>),
    /// Office Open XML or OpenDocument.
    Zipped(Archive),
    /// The older binary form, Compound File.
    Binary(Arc<Vec<u8>>),
}

/// The pieces of a file whose member `wanted` asks for; each other member must be `ignored`.
pub(crate) fn pieces<'a>(file: &Open<'a>, limits: &Unpack, wanted: &dyn Fn(&str) -> Result<bool>) -> Result<Vec<Piece<'a>>> {
    let mut pieces = Vec::new();
    unpack(file.clone(), String::new(), limits, wanted, 0, &mut pieces)?;
    Ok(pieces)
}

fn unpack<'a>(file: Open<'a>, member: String, limits: &Unpack, wanted: &dyn Fn(&str) -> Result<bool>, level: usize, into: &mut Vec<Piece<'a>>) -> Result<()> {
    let head = file.head(512)?;
    let packed = head.starts_with(b"\x1F\x8B") || head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        into.push(Piece { member, content: Content::Binary(held::hold(&file)?) });
        return Ok(());
    }
    if !packed {
        refuse_known(&file.name, &head)?;
        into.push(Piece { member, content: Content::Text(file) });
        return Ok(());
    }
    if head.starts_with(b"\x1F\x8B") {
        deeper(&file.name, level)?;
        return unpack(gzip::open(file, limits.max_bytes, limits.max_ratio), member, limits, wanted, level + 1, into);
    }
    let archive = Archive::new(&file.name, held::hold(&file)?, limits)?;
    if archive.is_workbook() {
        into.push(Piece { member, content: Content::Zipped(archive) });
        return Ok(());
    }
    deeper(&file.name, level)?;
    for inner in archive.members() {
        let name = if member.is_empty() { inner.name.clone() } else { format!("{member}/{}", inner.name) };
        if wanted(&name)? {
            unpack(archive.open(inner), name, limits, wanted, level + 1, into)?;
        }
    }
    Ok(())
}

fn deeper(name: &str, level: usize) -> Result<()> {
    if level < LEVELS {
        return Ok(());
    }
    Err(Error::data(format!("{name} is packed more than {LEVELS} times")).next("unpack it and hand in what is inside"))
}

/// What systems put into archives beside the files: it is never data.
pub(crate) fn is_litter(member: &str) -> bool {
    let last = member.rsplit('/').next().unwrap_or(member);
    member.split('/').any(|folder| folder == "__MACOSX") || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&last)
}

/// Packings and documents that are told by their first bytes and can't be read.
fn refuse_known(name: &str, head: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head)).trim_start().to_lowercase();
    const TEXTS: [(&str, &str); 6] = [
        ("<?xml", "XML"),
        ("<!doctype html", "a web page (HTML)"),
        ("<html", "a web page (HTML)"),
        ("<table", "a web page (HTML)"),
        ("{\"", "JSON"),
        ("[{", "JSON"),
    ];
    if let Some((_, what)) = TEXTS.iter().find(|(mark, _)| text.starts_with(mark)) {
        return Err(Error::data(format!("{name} is {what}, whatever its name says"))
            .next("text, gzip, zip and workbooks (xlsx, xls, ods) can be read: open it in a spreadsheet and save it as xlsx"));
    }
    const KNOWN: [(&[u8], &str); 6] = [
        (b"BZh", "a bzip2 file"),
        (b"\xFD7zXZ\0", "an xz file"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
        (b"Rar!\x1A\x07", "a rar archive"),
        (b"\x28\xB5\x2F\xFD", "a zstd file"),
        (b"%PDF-", "a PDF document"),
    ];
    match KNOWN.iter().find(|(mark, _)| head.starts_with(mark)) {
        Some((_, what)) => {
            Err(Error::data(format!("{name} is {what}")).next("text, gzip, zip and workbooks (xlsx, xls, ods) can be read: hand it in as one of these"))
        }
        None => Ok(()),
    }
}
