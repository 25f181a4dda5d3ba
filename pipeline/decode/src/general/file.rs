//! A whole file: its parts, who reads each, the layout of each, and their records in order. It must not know types.

use std::cell::RefCell;
use std::collections::BTreeMap;

use takings_definitions::{Check, Expect, Export, Level, ValueSource};

use super::encoding;
use super::family::{Claim, Family};
use super::frame::{Part, Read};
use super::header::Header;
use super::layouts;
use super::record::{Record, Records, Stripped};
use super::rows::Out;
use super::tokeniser::Text;
use super::unpack::{Content, Open, Piece, pieces};
use super::workbook::Workbook;
use crate::{Error, Result};

/// Where the records of a file go.
pub(crate) trait FileOut: Out {
    /// The parts that follow have this layout.
    fn layout(&mut self, export: &Export) -> Result<()>;
    /// The end of a part, with the parts' names under which its rows went.
    fn end(&mut self, part: &str, read: &Read) -> Result<()>;
}

/// What of a file was not rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileRead {
    /// Parts that were read.
    pub parts: Vec<String>,
    /// Members and sheets that were left out on purpose.
    pub ignored: Vec<String>,
    pub notes: Vec<String>,
    /// Cells of other parts that checks ask for: part, column, row.
    pub asked: BTreeMap<(String, String, u64), String>,
}

/// A part before its records are read.
enum Source<'s, 'f> {
    Text(&'s Open<'f>),
    Sheet(&'s Workbook, &'s str),
}

impl Source<'_, '_> {
    fn records<'r>(&'r self, name: &str, export: &'r Export) -> Result<Box<dyn Records + 'r>> {
        let records = match self {
            Self::Text(bytes) => {
                let (input, cells) = encoding::open(bytes, &export.text)?;
                Box::new(Text::new(name, input, cells, &export.text)?)
            }
            Self::Sheet(book, sheet) => book.rows(sheet)?,
        };
        let characters = export.text.strip_cells.as_slice();
        Ok(if characters.is_empty() { records } else { Box::new(Stripped { records, characters }) })
    }

    /// The header that a layout finds; None: none.
    fn header(&self, name: &str, part: &Part<'_>) -> Result<Option<Header>> {
        part.header(&mut *self.records(name, part.export)?)
    }
}

/// Reads a file for one export of its family.
pub(crate) fn read(family: &Family, path: &str, file: &Open<'_>, out: &mut dyn FileOut) -> Result<FileRead> {
    let groups = groups(family, path);
    let reader = FileReader { family, path, groups, read: RefCell::default() };
    let wanted = |member: &str| reader.wants(member);
    let all = pieces(file, &family.export().unpack, &wanted)?;
    for piece in &all {
        reader.piece(piece, out)?;
    }
    let read = reader.read.into_inner();
    if read.parts.is_empty() && family.is_first() && family.members.len() == 1 {
        return Err(Error::data(format!("{path}: no part of the file is read by export `{}`", family.export().name))
            .next("look at `members`, `sheets` and `ignore` in [exports.unpack]"));
    }
    Ok(read)
}

/// The named groups of the path.
fn groups(family: &Family, path: &str) -> BTreeMap<String, String> {
    let Some(pattern) = family.members.iter().find_map(|export| export.path.as_ref()) else { return BTreeMap::new() };
    let Some(found) = pattern.captures(path) else { return BTreeMap::new() };
    pattern.capture_names().flatten().filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect()
}

struct FileReader<'f> {
    family: &'f Family,
    path: &'f str,
    groups: BTreeMap<String, String>,
    read: RefCell<FileRead>,
}

impl FileReader<'_> {
    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.family.export().effective().flat_map(|export| &export.checks)
    }

    /// The cells of a part that checks ask for.
    fn asked(&self, part: &str) -> Vec<(String, String, u64)> {
        let asked = self.checks().filter_map(|check| match &check.expect {
            Some(Expect::Part { part: wanted, column, row }) if wanted == part => Some((wanted.clone(), column.clone(), *row)),
            _ => None,
        });
        asked.collect()
    }

    /// Whether a check that can stop the file asks for a column of another part.
    fn must_be_asked(&self, part: &str, column: &str) -> bool {
        let asks = |check: &Check| matches!(&check.expect, Some(Expect::Part { part: other, column: asked, .. }) if other == part && asked == column);
        self.checks().any(|check| check.level == Level::Mandatory && asks(check))
    }

    fn wants(&self, member: &str) -> Result<bool> {
        let claim = self.family.member(self.path, member)?;
        if claim == Claim::Ignored {
            self.read.borrow_mut().ignored.push(member.to_owned());
        }
        Ok(claim == Claim::Own || !self.asked(member).is_empty())
    }

    fn piece(&self, piece: &Piece<'_>, out: &mut dyn FileOut) -> Result<()> {
        let member = piece.member.as_str();
        let name = if member.is_empty() { self.path.to_owned() } else { format!("{}!{member}", self.path) };
        let own = member.is_empty() || self.family.member(self.path, member)? == Claim::Own;
        let Some(book) = Workbook::open(&name, &piece.content)? else {
            let Content::Text(bytes) = &piece.content else { return Ok(()) };
            let source = Source::Text(bytes);
            self.ask(&name, member, &source)?;
            if own {
                self.family.check_shared(self.path, member, None)?;
                self.part(&name, member, &source, out)?;
            }
            return Ok(());
        };
        for sheet in book.sheets() {
            let part = if member.is_empty() { sheet.clone() } else { format!("{member}!{sheet}") };
            let sheet_name = format!("{}!{part}", self.path);
            let source = Source::Sheet(&book, &sheet);
            self.ask(&sheet_name, &sheet, &source)?;
            if !own {
                continue;
            }
            match self.family.sheet(&name, member, &sheet)? {
                Claim::Own => {
                    self.family.check_shared(self.path, member, Some(&sheet))?;
                    self.part(&sheet_name, &part, &source, out)?;
                }
                Claim::Ignored => self.read.borrow_mut().ignored.push(part),
                Claim::Other => {}
            }
        }
        Ok(())
    }

    fn part(&self, name: &str, part: &str, source: &Source<'_, '_>, out: &mut dyn FileOut) -> Result<()> {
        let whole = self.family.export();
        let as_part = |export| Part { name, part, export, family: self.family, groups: &self.groups, sheet: matches!(source, Source::Sheet(..)) };
        let export = if whole.layouts.is_empty() {
            whole
        } else {
            let (named, others) = layouts::by_name(whole, &self.groups);
            let mut found: Vec<layouts::Tried<'_>> = Vec::new();
            // What can't be read as one layout says may be another.
            let mut unreadable = None;
            for layout in named {
                let header = source.header(name, &as_part(&layout.export)).or_else(|error| {
                    let kept = if error.is_data() { Ok(None) } else { Err(error.clone()) };
                    unreadable.get_or_insert(error);
                    kept
                })?;
                found.push((layout, header));
            }
            if let Some(error) = unreadable.filter(|_| found.iter().all(|(_, header)| header.is_none())) {
                return Err(error);
            }
            let sections = whole.effective().any(|export| !export.frame.sections.is_empty());
            if sections && found.iter().all(|(_, header)| header.is_none()) {
                self.read.borrow_mut().notes.push(format!("{name}: there is no section of export `{}`", whole.name));
                return Ok(());
            }
            let Some(layout) = layouts::choose(name, whole, &found)? else {
                let others: Vec<layouts::Tried<'_>> =
                    others.into_iter().map(|layout| (layout, source.header(name, &as_part(&layout.export)).ok().flatten())).collect();
                return Err(layouts::none_fits(name, whole, &self.groups, &found, &others));
            };
            &layout.export
        };
        out.layout(export)?;
        let part_of_file = as_part(export);
        let known = if looks_ahead(export) { Some(part_of_file.look(&mut *source.records(name, export)?)?) } else { None };
        let read = part_of_file.read(&mut *source.records(name, export)?, known.as_ref(), out)?;
        out.end(part, &read)?;
        let mut all = self.read.borrow_mut();
        all.parts.extend(read.tables.iter().cloned());
        all.notes.extend(read.notes);
        Ok(())
    }

    /// Cells of a part that a check compares with.
    fn ask(&self, name: &str, part: &str, source: &Source<'_, '_>) -> Result<()> {
        let asked = self.asked(part);
        if asked.is_empty() {
            return Ok(());
        }
        let export = self.family.export();
        let mut records = source.records(name, export)?;
        let mut record = Record::default();
        let mut header: Option<Header> = None;
        let mut row = 0;
        while records.next(&mut record)? {
            if record.is_blank() {
                continue;
            }
            let Some(header) = &header else {
                header = Some(Header::of(std::slice::from_ref(&record), &export.text.strip, export.text.ragged));
                continue;
            };
            row += 1;
            for (part, column, wanted) in asked.iter().filter(|(_, _, wanted)| *wanted == row) {
                if header.place(column).is_none() && !self.must_be_asked(part, column) {
                    self.read
                        .borrow_mut()
                        .notes
                        .push(format!("{name}:{}: a check looks at {column:?}, which the header lacks: it is not compared", header.line));
                    continue;
                }
                let place = header.place(column).ok_or_else(|| {
                    let nearest = takings_definitions::nearest(column, header.names.iter().map(String::as_str));
                    let hint = nearest.map_or_else(String::new, |best| format!(" (nearest: {best:?})"));
                    Error::data(format!("{name}:{}: a check looks at {column:?}, which the header lacks{hint}", header.line))
                        .next("correct the check's `expect`")
                })?;
                self.read.borrow_mut().asked.insert((part.clone(), column.clone(), *wanted), record.cell(place).trim().to_owned());
            }
            if asked.iter().all(|(_, _, wanted)| *wanted <= row) {
                break;
            }
        }
        Ok(())
    }
}

/// Whether rows need what may stand behind them.
fn looks_ahead(export: &Export) -> bool {
    let behind = |source: &ValueSource| matches!(source, ValueSource::Trailer(_) | ValueSource::Cell(_));
    export.columns.values().any(|spec| behind(&spec.source))
}
