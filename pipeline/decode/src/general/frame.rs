//! Where in a part the table stands: lines before the header, the header, sections, record types, trailers, the end. It must not know
//! what becomes of the table's records.

use std::collections::BTreeMap;

use takings_definitions::{End, Export, FrameSection};

use super::family::{Claim, Family};
use super::header::Header;
use super::record::{Record, Records};
use super::rows::{Out, Rows};
use super::seen::{Seen, Watch};
use crate::reject::rule;
use crate::{Error, PartFacts, Result};

/// One part to be read.
pub(crate) struct Part<'a> {
    /// The file with the part behind `!`, for messages.
    pub name: &'a str,
    pub part: &'a str,
    /// As the part's layout makes it.
    pub export: &'a Export,
    pub family: &'a Family,
    pub groups: &'a BTreeMap<String, String>,
    pub sheet: bool,
}

/// What was found besides rows.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub seen: Seen,
    /// The sections of this export that were there; one without a name where there are none.
    pub tables: Vec<String>,
    pub notes: Vec<String>,
}

/// Where the reading is.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Stage<'a> {
    /// Before the header of the file or of a section of its own.
    Before(Option<&'a FrameSection>),
    Table(Box<Rows<'a>>),
    /// In a section that another export reads, or that is ignored.
    Other,
    /// Behind the end of a table, or before the first section.
    Between,
}

impl<'a> Part<'a> {
    /// The first header of this export's; None: the part has none.
    pub fn header(&self, records: &mut dyn Records) -> Result<Option<Header>> {
        let mut walk = Walk::new(self, None);
        walk.only_header = true;
        walk.run(records, &mut Nowhere)?;
        Ok(walk.first)
    }

    /// Trailers and target cells, without the rows.
    pub fn look(&self, records: &mut dyn Records) -> Result<Seen> {
        let mut watch = Watch::new(self.name, self.export);
        let mut record = Record::default();
        for _ in 0..self.export.frame.skip_lines {
            if !records.next_line(&mut record)? {
                break;
            }
            watch.look(&record)?;
        }
        while records.next(&mut record)? {
            watch.look(&record)?;
        }
        watch.end(records.lines())
    }

    /// All of it. `known`: what a look has found before.
    pub fn read(&self, records: &mut dyn Records, known: Option<&Seen>, out: &mut dyn Out) -> Result<Read> {
        let mut walk = Walk::new(self, known);
        walk.run(records, out)?;
        walk.finish(records.lines(), out)
    }
}

struct Walk<'a, 'p> {
    part: &'p Part<'a>,
    known: Option<&'p Seen>,
    watch: Watch<'a>,
    sections: Vec<(&'a Export, &'a FrameSection)>,
    stage: Stage<'a>,
    /// The lines of a header of several, as far as they were read.
    header: Vec<Record>,
    first: Option<Header>,
    /// What the title of the section says.
    titled: Vec<(String, String)>,
    /// Whether a record stands in the table that is being read, and whether a blank one stands before all.
    any: bool,
    gap: bool,
    read: Read,
    /// Lines behind the end of the table, and the first of them.
    behind: (u64, u64),
    /// Only a look at the first header.
    only_header: bool,
}

impl<'a, 'p> Walk<'a, 'p> {
    fn new(part: &'p Part<'a>, known: Option<&'p Seen>) -> Self {
        let sections = part.family.sections();
        let stage = if sections.is_empty() { Stage::Before(None) } else { Stage::Between };
        Self {
            part,
            known,
            watch: Watch::new(part.name, part.export),
            sections,
            stage,
            header: Vec::new(),
            first: None,
            titled: Vec::new(),
            any: false,
            gap: false,
            read: Read::default(),
            behind: (0, 0),
            only_header: false,
        }
    }

    fn run(&mut self, records: &mut dyn Records, out: &mut dyn Out) -> Result<()> {
        let mut record = Record::default();
        for _ in 0..self.part.export.frame.skip_lines {
            if !records.next_line(&mut record)? {
                break;
            }
            self.watch.look(&record)?;
        }
        if let (Some(names), Stage::Before(None)) = (&self.part.export.frame.header, &self.stage) {
            self.begin(Header::given(names), None, out)?;
        }
        while !(self.only_header && self.first.is_some()) && records.next(&mut record)? {
            if self.watch.look(&record)? {
                continue;
            }
            self.step(&mut record, out)?;
        }
        Ok(())
    }

    fn step(&mut self, record: &mut Record, out: &mut dyn Out) -> Result<()> {
        let export = self.part.export;
        if !self.sections.is_empty() && record.len() > 0 {
            let title = record.title();
            if let Some((owner, section)) = self.sections.iter().find(|(_, section)| section.title.is_match(&title)).copied() {
                self.end_table(out)?;
                let own = owner.name == export.name && !section.ignore;
                self.titled = captured(&section.title, &title);
                self.stage = if own { Stage::Before(Some(section)) } else { Stage::Other };
                if let (true, Some(names)) = (own, &export.frame.header) {
                    self.begin(Header::given(names), Some(section), out)?;
                }
                return Ok(());
            }
        }
        match &mut self.stage {
            Stage::Other => Ok(()),
            Stage::Before(section) => {
                let section = *section;
                if self.header.is_empty() && !self.is_header(record)? {
                    return Ok(());
                }
                self.check_header(record)?;
                self.header.push(record.clone());
                if self.header.len() == export.frame.header_rows {
                    let header = Header::of(&std::mem::take(&mut self.header), &export.text.strip, export.text.ragged);
                    self.begin(header, section, out)?;
                }
                Ok(())
            }
            Stage::Between if record.is_blank() => Ok(()),
            Stage::Between if !self.sections.is_empty() => {
                let known: Vec<&str> = self.sections.iter().map(|(_, section)| section.title.as_str()).collect();
                let title = record.title();
                Err(Error::data(format!("{}:{}: {:?} stands outside of the sections and is the title of none", self.part.name, record.line, short(&title)))
                    .next(format!("the titles are {}; add what is new to [[exports.frame.sections]]", known.join(", "))))
            }
            Stage::Between => {
                self.behind(record.line);
                Ok(())
            }
            Stage::Table(rows) => {
                if export.frame.start_row.is_some_and(|start| record.line < start) {
                    return Ok(());
                }
                if matches!(export.frame.end, End::Blank) && !self.any && record.is_blank() {
                    self.gap = true;
                    return Ok(());
                }
                let ends = match &export.frame.end {
                    End::File => false,
                    // What follows a blank line below the header is the table or, where it has no rows, what stands behind it.
                    End::Blank if !self.any && self.gap => !rows.is_row(record),
                    End::Blank => record.is_blank(),
                    End::First(pattern) => record.len() > 0 && pattern.is_match(record.cell(0).trim()),
                };
                if ends {
                    self.end_table(out)?;
                    self.stage = Stage::Between;
                    if !record.is_blank() {
                        self.behind(record.line);
                    }
                    return Ok(());
                }
                if record.len() == 0 {
                    return Ok(());
                }
                self.any = true;
                if let Some(types) = &export.frame.records
                    && !own_type(self.part, record, types.column, out)?
                {
                    return Ok(());
                }
                rows.take(record, out)
            }
        }
    }

    fn behind(&mut self, line: u64) {
        self.behind = (self.behind.0 + 1, if self.behind.0 == 0 { line } else { self.behind.1 });
    }

    fn is_header(&self, record: &Record) -> Result<bool> {
        let frame = &self.part.export.frame;
        if let Some(row) = frame.header_row {
            if record.line == row && record.len() > 0 {
                return Ok(true);
            }
            if record.line >= row {
                return Err(Error::data(format!("{}:{row}: the header should stand here, and nothing does", self.part.name))
                    .next("correct header_row in [exports.frame]"));
            }
            return Ok(false);
        }
        if !frame.header_has.is_empty() {
            let strip = &self.part.export.text.strip;
            let found: Vec<String> = record.cells().map(|cell| crate::layout::folded(&super::header::cleaned(cell, strip))).collect();
            return Ok(frame.header_has.iter().all(|name| found.contains(&crate::layout::folded(name))));
        }
        Ok(!record.is_blank())
    }

    fn check_header(&self, record: &Record) -> Result<()> {
        // NUL bytes are stripped from headers.
        if let Some(wrong) = record.wrong.as_ref().filter(|wrong| wrong.rule != rule::NUL) {
            return Err(Error::data(format!("{}:{}: the header can't be read: {}", self.part.name, record.line, wrong.what))
                .next("correct the file, or say its encoding and quotes in [exports.text]"));
        }
        Ok(())
    }

    fn begin(&mut self, header: Header, section: Option<&'a FrameSection>, out: &mut dyn Out) -> Result<()> {
        if self.only_header {
            self.first.get_or_insert(header);
            self.stage = Stage::Other;
            return Ok(());
        }
        let part = self.part;
        let name = section.map_or_else(|| part.part.to_owned(), |section| format!("{}#{}", part.part, section.name));
        let seen = self.known.unwrap_or(&self.watch.seen);
        let trailers = self.known.map(Seen::trailer_values).unwrap_or_default();
        let facts = PartFacts { part: name.clone(), groups: part.groups.clone(), cells: seen.cells.clone(), trailers, ..PartFacts::default() };
        self.first.get_or_insert_with(|| header.clone());
        (self.any, self.gap) = (false, false);
        self.read.tables.push(name);
        let rows = Rows::new(part.name, part.export, &header, facts, self.titled.clone(), part.sheet, out)?;
        self.read.notes.extend(rows.note());
        self.stage = Stage::Table(Box::new(rows));
        Ok(())
    }

    fn end_table(&mut self, out: &mut dyn Out) -> Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Other) {
            Stage::Table(rows) => rows.finish(out),
            Stage::Before(Some(section)) => Err(no_header(self.part.name, &format!("section `{}`", section.name))),
            other => {
                self.stage = other;
                Ok(())
            }
        }
    }

    fn finish(mut self, lines: u64, out: &mut dyn Out) -> Result<Read> {
        if matches!(self.stage, Stage::Before(None)) {
            let asked = &self.part.export.frame.header_has;
            if !asked.is_empty() {
                return Err(Error::data(format!("{}: none of its {lines} lines has the cells {}", self.part.name, asked.join(", ")))
                    .next("correct header_has in [exports.frame]"));
            }
            return Err(no_header(self.part.name, "the part"));
        }
        self.end_table(out)?;
        let own = self.part.export.frame.sections.iter().filter(|section| !section.ignore);
        for section in own {
            if !self.read.tables.iter().any(|table| table.strip_prefix(self.part.part).and_then(|rest| rest.strip_prefix('#')) == Some(&section.name)) {
                self.read.notes.push(format!("{}: there is no section `{}`", self.part.name, section.name));
            }
        }
        let (count, first) = self.behind;
        if count > 0 {
            self.read.notes.push(format!("{}: {count} lines at and behind the end of the table are left out, the first is line {first}", self.part.name));
        }
        self.read.seen = self.watch.end(lines)?;
        Ok(self.read)
    }
}

/// Whether a record is of a type that this export reads.
fn own_type(part: &Part<'_>, record: &Record, column: usize, out: &mut dyn Out) -> Result<bool> {
    let kind = record.cell(column).trim();
    match part.family.record_type(kind) {
        Some(Claim::Own) => Ok(true),
        Some(Claim::Other) => Ok(false),
        Some(Claim::Ignored) => {
            // Ignored records are those of the export that has the path: one of the family counts them.
            if part.family.is_first() {
                out.record();
                out.exclude(&format!("type {kind}"));
            }
            Ok(false)
        }
        None => {
            let nearest = takings_definitions::nearest(kind, part.family.record_types()).map_or_else(String::new, |best| format!(" (nearest: {best:?})"));
            Err(Error::data(format!("{}:{}: record type {:?} is neither read nor ignored{nearest}", part.name, record.line, short(kind)))
                .next("add it to `types` or `ignore` in [exports.frame.records]"))
        }
    }
}

/// Named groups of a title and what they capture.
fn captured(pattern: &regex::Regex, title: &str) -> Vec<(String, String)> {
    let Some(found) = pattern.captures(title) else { return Vec::new() };
    let text = |name: &str| found.name(name).map_or("", |text| text.as_str()).trim().to_owned();
    pattern.capture_names().flatten().map(|name| (name.to_owned(), text(name))).collect()
}

fn no_header(name: &str, what: &str) -> Error {
    Error::data(format!("{name}: {what} has no header"))
        .next("a part without rows has the header alone; if there are other lines before it, say so in [exports.frame]")
}

pub(super) fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

/// For looks at the header alone.
struct Nowhere;

impl Out for Nowhere {
    fn begin(&mut self, _: &std::sync::Arc<PartFacts>) -> Result<()> {
        Ok(())
    }

    fn record(&mut self) {}

    fn block(&mut self, _: crate::Block) -> Result<()> {
        Ok(())
    }

    fn reject(&mut self, _: crate::Reject) -> Result<()> {
        Ok(())
    }

    fn exclude(&mut self, _: &str) {}
}
