//! XML of workbooks, read piece by piece. A piece of text or a tag has a limit; entities beyond the five of XML are refused.

use std::io::{self, BufReader, Read};

use memchr::memchr2;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::damaged;
use crate::general::unpack::broken;
use crate::{Error, RECORD_LIMIT, Result};

fn too_long() -> String {
    format!("a cell of the workbook is longer than {RECORD_LIMIT} bytes")
}

pub(super) struct Xml<'a> {
    name: String,
    reader: Reader<BufReader<Guarded<'a>>>,
    buffer: Vec<u8>,
}

/// What stands next in the document.
#[derive(Debug)]
pub(super) enum Node<'b> {
    Start(Tag<'b>),
    /// The local name.
    End(String),
    Text(String),
    Done,
}

#[derive(Debug)]
pub(super) struct Tag<'b> {
    start: BytesStart<'b>,
}

impl<'a> Xml<'a> {
    pub fn new(name: &str, input: impl Read + 'a) -> Self {
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, Guarded { inner: Box::new(input), since: 0 }));
        reader.config_mut().expand_empty_elements = true;
        Self { name: name.to_owned(), reader, buffer: Vec::new() }
    }

    pub fn next(&mut self) -> Result<Node<'_>> {
        self.buffer.clear();
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => return Err(broken(&self.name, &error)),
            Err(error) => return Err(damaged(&self.name, error)),
        };
        let wrong = |error: &dyn std::fmt::Display| damaged(&self.name, error);
        Ok(match event {
            Event::Start(start) => Node::Start(Tag { start }),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Node::Text(String::new()),
            Event::DocType(_) => return Err(wrong(&"it declares a document type")),
            Event::End(end) => Node::End(String::from_utf8_lossy(end.local_name().as_ref()).into_owned()),
            Event::Text(text) => Node::Text(text.decode().map_err(|error| wrong(&error))?.into_owned()),
            Event::CData(text) => Node::Text(text.decode().map_err(|error| wrong(&error))?.into_owned()),
            Event::GeneralRef(reference) => {
                if let Some(character) = reference.resolve_char_ref().map_err(|error| wrong(&error))? {
                    return Ok(Node::Text(character.into()));
                }
                let name = reference.decode().map_err(|error| wrong(&error))?;
                let text = quick_xml::escape::resolve_xml_entity(&name).ok_or_else(|| wrong(&format!("entity &{name}; is not known")))?;
                Node::Text(text.to_owned())
            }
            Event::Eof => Node::Done,
        })
    }
}

impl Tag<'_> {
    /// The name without its prefix.
    pub fn is(&self, name: &str) -> bool {
        self.start.local_name().as_ref() == name.as_bytes()
    }

    /// An attribute by its name without prefix.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let found = self.start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name.as_bytes())?;
        Some(match found.unescape_value() {
            Ok(value) => value.into_owned(),
            Err(_) => String::from_utf8_lossy(&found.value).into_owned(),
        })
    }
}

/// Adds a piece to the text of one cell.
pub(super) fn append(text: &mut String, more: &str, name: &str) -> Result<()> {
    if text.len() + more.len() > RECORD_LIMIT {
        return Err(Error::data(format!("{name}: {}", too_long())).next("correct the workbook"));
    }
    text.push_str(more);
    Ok(())
}

/// Stops a text or a tag that would have to be held whole and is larger than any.
struct Guarded<'a> {
    inner: Box<dyn Read + 'a>,
    since: usize,
}

impl Read for Guarded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let mut rest = &into[..read];
        while let Some(at) = memchr2(b'<', b'>', rest) {
            self.since = 0;
            rest = &rest[at + 1..];
        }
        self.since += rest.len();
        if self.since > RECORD_LIMIT {
            let error = Error::data(too_long()).next("correct the workbook");
            return Err(io::Error::other(error));
        }
        Ok(read)
    }
}
