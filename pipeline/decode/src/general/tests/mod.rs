//! Files as text rows, without types: bytes in, rows, rejects, counts and messages out.

mod books;
mod ends;
mod frames;
mod hostile;
mod layouts;
mod packing;
mod shapes;
mod statements;
mod texts;
mod workbooks;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use takings_definitions::{Channel, Export};

use super::family::Family;
use super::file::{self, FileOut};
use super::frame::Read;
use super::rows::Out;
use super::unpack::Open;
use crate::{Block, PartFacts, Reject, Result};

/// Everything that is read, as text.
#[derive(Default)]
pub(super) struct Shown {
    pub text: String,
    pub records: u64,
    pub published: u64,
    pub rejected: u64,
    pub excluded: BTreeMap<String, u64>,
}

impl Out for Shown {
    fn begin(&mut self, facts: &Arc<PartFacts>) -> Result<()> {
        let _ = writeln!(self.text, "== {}{}", facts.part, if facts.header_line == 0 { String::new() } else { format!(" (header {})", facts.header_line) });
        for (what, values) in [("cell", &facts.cells), ("trailer", &facts.trailers)] {
            for (name, value) in values {
                let _ = writeln!(self.text, "{what} {name} = {value}");
            }
        }
        let _ = writeln!(self.text, "   {}", facts.header.join("|"));
        Ok(())
    }

    fn record(&mut self) {
        self.records += 1;
    }

    fn block(&mut self, block: Block) -> Result<()> {
        self.published += block.records();
        for row in 0..block.rows() {
            let cells: Vec<&str> = (0..block.width()).map(|column| block.cell(row, column)).collect();
            let _ = writeln!(self.text, "{:>2} {}", block.line(row), cells.join("|").replace('\n', "\\n").replace('\r', "\\r"));
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejected += 1;
        let _ = writeln!(self.text, "{:>2} ! {}: {}", reject.line, reject.rule, reject.reason);
        Ok(())
    }

    fn exclude(&mut self, rule: &str) {
        *self.excluded.entry(rule.to_owned()).or_default() += 1;
    }
}

impl FileOut for Shown {
    fn layout(&mut self, _: &Export) -> Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &str, _: &Read) -> Result<()> {
        Ok(())
    }
}

/// The family of the first export, or of the one named `own`.
pub(super) fn family(exports: &str, own: Option<&str>) -> Family {
    let text = format!("version = 1\nchannel = \"c\"\ntitle = \"C\"\n[[exports]]\nname = \"e\"\ntable = \"t\"\nmode = \"append\"\n{exports}");
    let channel = Channel::parse(Path::new("c.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let export = own.map_or(&channel.exports[0], |own| channel.export(own).unwrap());
    let members: Vec<Export> = channel.family(export).into_iter().cloned().collect();
    let own = members.iter().position(|member| member.name == export.name).unwrap();
    Family { members, own }
}

pub(super) fn open(path: &str, bytes: &[u8]) -> Open<'static> {
    let bytes = bytes.to_vec();
    Open::new(path.to_owned(), move || Ok(Box::new(Cursor::new(bytes.clone()))))
}

pub(super) fn shown(family: &Family, path: &str, bytes: &[u8]) -> (Shown, Result<file::FileRead>) {
    let mut shown = Shown::default();
    let read = file::read(family, path, &open(path, bytes), &mut shown);
    (shown, read)
}

pub(super) fn text_of(family: &Family, path: &str, bytes: &[u8]) -> String {
    let (mut shown, read) = shown(family, path, bytes);
    for (rule, records) in &shown.excluded {
        let _ = writeln!(shown.text, "excluded {records} by {rule}");
    }
    match read {
        Err(error) => {
            let _ = writeln!(shown.text, "stopped: {error}");
        }
        Ok(read) => {
            let excluded: u64 = shown.excluded.values().sum();
            assert_eq!(shown.records, shown.published + shown.rejected + excluded, "{}", shown.text);
            for ignored in &read.ignored {
                let _ = writeln!(shown.text, "ignored {ignored}");
            }
            for note in &read.notes {
                let _ = writeln!(shown.text, "note: {note}");
            }
            for ((part, column, row), value) in &read.asked {
                let _ = writeln!(shown.text, "asked {part} {column} {row} = {value}");
            }
        }
    }
    shown.text
}

/// Reads bytes by the first export.
pub(super) fn check(exports: &str, bytes: impl AsRef<[u8]>, expected: &expect_test::Expect) {
    check_at("f_2026.csv", exports, None, bytes, expected);
}

pub(super) fn check_at(path: &str, exports: &str, own: Option<&str>, bytes: impl AsRef<[u8]>, expected: &expect_test::Expect) {
    let exports = if exports.contains("path = ") { exports.to_owned() } else { format!("path = '(?<year>\\d+)'\n{exports}") };
    expected.assert_eq(&text_of(&family(&exports, own), path, bytes.as_ref()));
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::default()).read_to_end(&mut packed).unwrap();
    packed
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
