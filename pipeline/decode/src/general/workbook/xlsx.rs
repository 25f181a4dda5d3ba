//! Office Open XML: sheets, shared strings, styles. Sheets are read as they stream; shared strings are held, up to a limit.

use std::collections::HashMap;
use std::sync::Arc;

use super::damaged;
use super::formats::{Shows, written};
use super::rows::{Cell, Cells, MAX_ROWS, Rows};
use super::xml::{Node, Tag, Xml, append};
use crate::general::record::Records;
use crate::general::unpack::Archive;
use crate::{Error, Result};

/// What all shared strings may come to.
const STRINGS_LIMIT: usize = 128 << 20;

pub(crate) struct Xlsx {
    archive: Archive,
    /// Name and member.
    sheets: Vec<(String, Option<String>)>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    strings: String,
    ends: Vec<u32>,
    /// Per style what its number format shows.
    styles: Vec<Shows>,
    from_1904: bool,
}

impl Shared {
    fn string(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        self.strings.get(start..end)
    }
}

impl Xlsx {
    pub fn open(archive: Archive) -> Result<Self> {
        let name = archive.name().to_owned();
        let book = related(&archive, "_rels/.rels", "")?.into_values().find(|(kind, _)| kind.ends_with("/officeDocument"));
        let path = book.map_or_else(|| "xl/workbook.xml".to_owned(), |(_, path)| path);
        if path.ends_with(".bin") {
            return Err(Error::data(format!("{name} is a binary workbook (xlsb)")).next("save it as xlsx"));
        }
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
        let links = related(&archive, &format!("{folder}/_rels/{file}.rels"), folder)?;
        let mut shared = Shared::default();
        let mut sheets = Vec::new();
        let mut xml = Xml::new(&name, archive.required(&path)?);
        loop {
            match xml.next()? {
                Node::Start(tag) if tag.is("workbookPr") => {
                    shared.from_1904 = tag.attribute("date1904").is_some_and(|value| value == "1" || value == "true");
                }
                Node::Start(tag) if tag.is("sheet") => {
                    let title = tag.attribute("name").ok_or_else(|| damaged(&name, "a sheet has no name"))?;
                    let link = tag.attribute("id").and_then(|id| links.get(&id));
                    // Charts and the like have no rows.
                    let member = link.filter(|(kind, _)| kind.ends_with("/worksheet")).map(|(_, member)| member.clone());
                    sheets.push((title, member));
                }
                Node::Done => break,
                _ => {}
            }
        }
        for (kind, member) in links.values() {
            if kind.ends_with("/sharedStrings") && archive.member(member).is_some() {
                strings(&archive, member, &mut shared)?;
            } else if kind.ends_with("/styles") && archive.member(member).is_some() {
                shared.styles = styles(&archive, member)?;
            }
        }
        Ok(Self { archive, sheets, shared: Arc::new(shared) })
    }

    pub fn sheets(&self) -> Vec<String> {
        self.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn rows(&self, sheet: &str) -> Result<Box<dyn Records + '_>> {
        let name = format!("{}, sheet {sheet:?}", self.archive.name());
        let member = self.sheets.iter().find(|(title, _)| title == sheet).and_then(|(_, member)| member.as_ref());
        let input: Box<dyn std::io::Read> = match member {
            Some(member) => self.archive.required(member)?,
            None => Box::new(std::io::empty()),
        };
        let cells = SheetCells { name: name.clone(), xml: Xml::new(&name, input), shared: Arc::clone(&self.shared), row: 0, column: 0, rows: 0 };
        Ok(Box::new(Rows::new(name, cells)))
    }
}

/// Id → type and member.
fn related(archive: &Archive, member: &str, folder: &str) -> Result<HashMap<String, (String, String)>> {
    let mut found = HashMap::new();
    let Some(member) = archive.member(member) else { return Ok(found) };
    let mut xml = Xml::new(archive.name(), archive.open(member).open()?);
    loop {
        match xml.next()? {
            Node::Start(tag) if tag.is("Relationship") => {
                if let (Some(id), Some(kind), Some(target)) = (tag.attribute("Id"), tag.attribute("Type"), tag.attribute("Target")) {
                    let path = match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None if folder.is_empty() => target,
                        None => format!("{folder}/{target}"),
                    };
                    found.insert(id, (kind, path));
                }
            }
            Node::Done => return Ok(found),
            _ => {}
        }
    }
}

fn strings(archive: &Archive, member: &str, shared: &mut Shared) -> Result<()> {
    let mut xml = Xml::new(archive.name(), archive.required(member)?);
    let (mut inside, mut phonetic) = (false, false);
    let mut text = String::new();
    loop {
        match xml.next()? {
            Node::Start(tag) if tag.is("si") => text.clear(),
            Node::Start(tag) if tag.is("t") => inside = true,
            Node::Start(tag) if tag.is("rPh") => phonetic = true,
            Node::Text(more) if inside && !phonetic => append(&mut text, &more, archive.name())?,
            Node::End(name) => match name.as_str() {
                "t" => inside = false,
                "rPh" => phonetic = false,
                "si" => {
                    shared.strings.push_str(&unescaped(&text));
                    if shared.strings.len() + size_of_val(shared.ends.as_slice()) > STRINGS_LIMIT {
                        return Err(Error::data(format!("{}: the workbook's texts come to more than {} MiB", archive.name(), STRINGS_LIMIT >> 20))
                            .next("save the sheet as CSV and hand that in"));
                    }
                    shared.ends.push(shared.strings.len() as u32);
                }
                _ => {}
            },
            Node::Done => return Ok(()),
            _ => {}
        }
    }
}

/// `_x000D_` and the like are characters that XML can't hold.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 6).filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_')).and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                out.push_str(&rest[..at]);
                out.push(character);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn styles(archive: &Archive, member: &str) -> Result<Vec<Shows>> {
    let mut xml = Xml::new(archive.name(), archive.required(member)?);
    let mut own: HashMap<u32, Shows> = HashMap::new();
    let mut styles = Vec::new();
    let mut inside = false;
    let id = |tag: &Tag<'_>| tag.attribute("numFmtId").and_then(|id| id.parse().ok());
    loop {
        match xml.next()? {
            Node::Start(tag) if tag.is("numFmt") => {
                if let (Some(id), Some(code)) = (id(&tag), tag.attribute("formatCode")) {
                    own.insert(id, Shows::of(&code));
                }
            }
            Node::Start(tag) if tag.is("cellXfs") => inside = true,
            Node::Start(tag) if inside && tag.is("xf") => {
                styles.push(id(&tag).map_or(Shows::Number, |id| own.get(&id).copied().unwrap_or_else(|| Shows::built_in(id))));
            }
            Node::End(name) if name == "cellXfs" => inside = false,
            Node::Done => return Ok(styles),
            _ => {}
        }
    }
}

struct SheetCells<'a> {
    name: String,
    xml: Xml<'a>,
    shared: Arc<Shared>,
    /// The row that is being read and the one behind its last cell's column, from 0.
    row: u64,
    column: usize,
    /// Rows begun.
    rows: u64,
}

impl Cells for SheetCells<'_> {
    fn next(&mut self) -> Result<Option<Cell>> {
        loop {
            let (reference, kind, style) = match self.xml.next()? {
                Node::Start(tag) if tag.is("row") => {
                    self.row = match tag.attribute("r").map(|row| row.parse::<u64>()) {
                        Some(Ok(row @ 1..=MAX_ROWS)) => row - 1,
                        Some(_) => return Err(damaged(&self.name, "a row has no number")),
                        None => self.row + u64::from(self.rows > 0),
                    };
                    self.rows += 1;
                    self.column = 0;
                    continue;
                }
                Node::Start(tag) if tag.is("c") => {
                    (tag.attribute("r"), tag.attribute("t").unwrap_or_default(), tag.attribute("s").and_then(|style| style.parse::<usize>().ok()))
                }
                Node::Done => return Ok(None),
                _ => continue,
            };
            let column = match reference {
                Some(reference) => column(&reference).ok_or_else(|| damaged(&self.name, format!("cell {reference:?} is nowhere")))?,
                None => self.column,
            };
            self.column = column + 1;
            let text = self.value(&kind, style)?;
            if !text.is_empty() {
                return Ok(Some(Cell { row: self.row, column, text }));
            }
        }
    }
}

impl SheetCells<'_> {
    /// The cell's text, up to its end.
    fn value(&mut self, kind: &str, style: Option<usize>) -> Result<String> {
        let (mut value, mut formula, mut inline) = (String::new(), String::new(), String::new());
        let mut into = 0;
        let mut phonetic = false;
        loop {
            match self.xml.next()? {
                Node::Start(tag) if tag.is("v") => into = 1,
                Node::Start(tag) if tag.is("f") => into = 2,
                Node::Start(tag) if tag.is("t") && !phonetic => into = 3,
                Node::Start(tag) if tag.is("rPh") => phonetic = true,
                Node::Text(text) => match into {
                    1 => append(&mut value, &text, &self.name)?,
                    2 => append(&mut formula, &text, &self.name)?,
                    3 => append(&mut inline, &text, &self.name)?,
                    _ => {}
                },
                Node::End(name) => match name.as_str() {
                    "c" => break,
                    "rPh" => phonetic = false,
                    _ => into = 0,
                },
                Node::Done => return Err(damaged(&self.name, "it ends inside of a cell")),
                Node::Start(_) => {}
            }
        }
        if value.is_empty() && !formula.is_empty() {
            // Never computed: its text is no value of any type.
            return Ok(format!("={formula}"));
        }
        Ok(match kind {
            "s" => {
                let text = value.trim().parse().ok().and_then(|at| self.shared.string(at));
                text.ok_or_else(|| damaged(&self.name, format!("row {} has a text that is not in the workbook", self.row + 1)))?.to_owned()
            }
            "inlineStr" => unescaped(&inline),
            "str" => unescaped(&value),
            "b" => if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "e" => value,
            // A day, written as its midnight.
            "d" => ["T00:00:00", "T00:00:00.000", "T00:00:00Z", "T00:00:00.000Z"].iter().find_map(|end| value.strip_suffix(end)).unwrap_or(&value).to_owned(),
            _ => {
                let shows = style.and_then(|style| self.shared.styles.get(style)).copied().unwrap_or_default();
                written(&value, shows, self.shared.from_1904).unwrap_or(value)
            }
        })
    }
}

/// The column of `AB12`, from 0.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).count();
    if !(1..=3).contains(&letters) {
        return None;
    }
    Some(reference.bytes().take(letters).fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1) - 1)
}
