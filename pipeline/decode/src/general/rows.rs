//! Records of the table → rows of blocks: shape, parents and children, exclusions, unpivot. Each record ends as rows, as a reject, or
//! under the name of a rule.

use std::sync::Arc;

use takings_definitions::{CellTest, ExcludeWhen, Export, Keep, Unpivot};

use super::header::Header;
use super::record::Record;
use crate::reject::{RAW_LIMIT, rule};
use crate::{Block, Error, PartFacts, Reject, Result};

const BLOCK_ROWS: usize = 4096;
const BLOCK_BYTES: usize = 1 << 20;
/// Cells that unpivot may make of one record.
const UNPIVOT_LIMIT: usize = 1 << 22;
/// Bytes of all rows that unpivot may make of one record.
const UNPIVOT_BYTES: usize = 64 << 20;

/// The names under which records are counted that the frame or unpivot leave out.
const PARENT_RULE: &str = "parent";
const CHILD_RULE: &str = "child";
const UNPIVOT_RULE: &str = "unpivot";

/// Where the records of a part go.
pub(crate) trait Out {
    /// A part, or a section of one, begins.
    fn begin(&mut self, facts: &Arc<PartFacts>) -> Result<()>;
    /// A record was read.
    fn record(&mut self);
    fn block(&mut self, block: Block) -> Result<()>;
    fn reject(&mut self, reject: Reject) -> Result<()>;
    fn exclude(&mut self, rule: &str);
}

/// The rows under one header.
pub(crate) struct Rows<'a> {
    export: &'a Export,
    facts: Arc<PartFacts>,
    width: usize,
    /// Rows of sheets lack the empty cells at their end.
    pads: bool,
    excludes: Vec<Exclude<'a>>,
    parents: Option<Parents<'a>>,
    unpivot: Option<Columns<'a>>,
    block: Block,
}

struct Exclude<'a> {
    name: &'a str,
    /// None: the whole record is blank.
    cell: Option<(usize, &'a CellTest)>,
}

struct Parents<'a> {
    column: usize,
    test: &'a CellTest,
    inherit: Vec<usize>,
    keep: Keep,
    last: Last,
    /// The last parent waits for its first child.
    waits: bool,
}

enum Last {
    None,
    Parent(Box<Record>),
    /// A record could not be read: whose children follow is not known.
    Unknown,
}

struct Columns<'a> {
    /// For messages.
    file: &'a str,
    rule: &'a Unpivot,
    nulls: &'a [String],
    /// Column, its name and its groups.
    columns: Vec<(usize, String, Vec<String>)>,
    groups: usize,
}

impl<'a> Rows<'a> {
    /// `facts` without the header.
    pub fn new(name: &'a str, export: &'a Export, header: &Header, facts: PartFacts, sheet: bool, out: &mut dyn Out) -> Result<Self> {
        let line = header.line;
        let lacks = |what: String, column: &str| {
            let nearest = takings_definitions::nearest(column, header.names.iter().map(String::as_str));
            let hint = nearest.map_or_else(String::new, |best| format!(" (nearest: {best:?})"));
            Error::data(format!("{name}:{line}: {what} looks at {column:?}, which the header lacks{hint}")).next("correct the name in the channel file")
        };
        let mut excludes = Vec::new();
        for rule in &export.exclude {
            match &rule.when {
                ExcludeWhen::Cell { column, test } => {
                    let place = header.place_for(export, column).ok_or_else(|| lacks(format!("exclude rule `{}`", rule.name), column))?;
                    excludes.push(Exclude { name: &rule.name, cell: Some((place, test)) });
                }
                ExcludeWhen::Blank => excludes.push(Exclude { name: &rule.name, cell: None }),
                ExcludeWhen::Where(_) => {}
            }
        }
        let parents = match &export.frame.parent {
            None => None,
            Some(parent) => {
                let place = |column: &str| header.place_for(export, column).ok_or_else(|| lacks("[exports.frame.parent]".to_owned(), column));
                let inherit = parent.inherit.iter().map(|column| place(column)).collect::<Result<_>>()?;
                Some(Parents { column: place(&parent.column)?, test: &parent.test, inherit, keep: parent.keep, last: Last::None, waits: false })
            }
        };
        let unpivot = export.unpivot.as_ref().map(|rule| Columns::new(name, export, rule, header)).transpose()?;
        let mut names = header.names.clone();
        if let Some(unpivot) = &unpivot {
            names.extend(unpivot.names());
        }
        let facts = Arc::new(PartFacts { header: names, header_line: line, ..facts });
        out.begin(&facts)?;
        let (width, block) = (header.names.len(), Block::new(Arc::clone(&facts)));
        Ok(Self { export, facts, width, pads: sheet || export.text.ragged.pads(), excludes, parents, unpivot, block })
    }

    /// One record of the table.
    pub fn take(&mut self, record: &mut Record, out: &mut dyn Out) -> Result<()> {
        out.record();
        self.shape(record);
        if record.wrong.is_some() {
            self.unknown_parent(out)?;
            return out.reject(self.rejected(record));
        }
        if self.parents.is_some() { self.related(record, out) } else { self.put(record, out) }
    }

    /// The end of the table.
    pub fn finish(mut self, out: &mut dyn Out) -> Result<()> {
        self.flush_parent(out)?;
        if self.block.is_empty() { Ok(()) } else { out.block(self.block) }
    }

    /// As many cells as the header, where the export's policy allows to make it so.
    fn shape(&self, record: &mut Record) {
        if record.wrong.is_some() || record.len() == self.width {
            return;
        }
        let found = record.len();
        let allowed =
            if found < self.width { self.pads } else { self.export.text.ragged.trims() && (self.width..found).all(|at| record.cell(at).trim().is_empty()) };
        if allowed {
            record.resize(self.width);
        } else {
            record.refuse(rule::RAGGED, format!("the record has {found} cells, the header has {}", self.width), "");
        }
    }

    fn related(&mut self, record: &mut Record, out: &mut dyn Out) -> Result<()> {
        let Some(parents) = &mut self.parents else { return Ok(()) };
        if parents.test.holds(record.cell(parents.column)) {
            self.flush_parent(out)?;
            let Some(parents) = &mut self.parents else { return Ok(()) };
            parents.last = Last::Parent(Box::new(record.clone()));
            if parents.keep == Keep::Children {
                parents.waits = true;
                return Ok(());
            }
            return self.put(record, out);
        }
        let parent = match &parents.last {
            Last::Parent(parent) => parent,
            other => {
                let what = if matches!(other, Last::None) {
                    "is a child record without a parent before it"
                } else {
                    "is a child record behind one that could not be read: whose it is, is not known"
                };
                record.refuse(rule::PARENT, what, "");
                return out.reject(self.rejected(record));
            }
        };
        let taken: Vec<(usize, &str)> = parents.inherit.iter().filter(|at| record.cell(**at).trim().is_empty()).map(|at| (*at, parent.cell(*at))).collect();
        record.replace(&taken);
        let keep = parents.keep;
        if std::mem::take(&mut parents.waits) {
            out.exclude(PARENT_RULE);
        }
        if keep == Keep::Parents {
            out.exclude(CHILD_RULE);
            return Ok(());
        }
        self.put(record, out)
    }

    /// Behind a record that could not be read nobody knows whose child comes next, nor whether the parent before it has any.
    fn unknown_parent(&mut self, out: &mut dyn Out) -> Result<()> {
        let Some(parents) = &mut self.parents else { return Ok(()) };
        let last = std::mem::replace(&mut parents.last, Last::Unknown);
        if let (true, Last::Parent(mut parent)) = (std::mem::take(&mut parents.waits), last) {
            parent.refuse(rule::PARENT, "is a parent record before one that could not be read and may be its child", "");
            out.reject(self.rejected(&parent))?;
        }
        Ok(())
    }

    /// A parent that waited for children in vain.
    fn flush_parent(&mut self, out: &mut dyn Out) -> Result<()> {
        let Some(parents) = &mut self.parents else { return Ok(()) };
        if !std::mem::take(&mut parents.waits) {
            return Ok(());
        }
        match std::mem::replace(&mut parents.last, Last::None) {
            Last::Parent(parent) => self.put(&parent, out),
            other => {
                parents.last = other;
                Ok(())
            }
        }
    }

    fn put(&mut self, record: &Record, out: &mut dyn Out) -> Result<()> {
        let fits = |rule: &&Exclude<'_>| match rule.cell {
            Some((column, test)) => test.holds(record.cell(column)),
            None => record.is_blank(),
        };
        if let Some(rule) = self.excludes.iter().find(fits) {
            out.exclude(rule.name);
            return Ok(());
        }
        match &self.unpivot {
            None => self.block.push(record.line, &record.raw, record.cells()),
            Some(unpivot) => {
                if !unpivot.push(record, &mut self.block)? {
                    out.exclude(UNPIVOT_RULE);
                    return Ok(());
                }
            }
        }
        if self.block.rows() >= BLOCK_ROWS || self.block.size() >= BLOCK_BYTES {
            let full = std::mem::replace(&mut self.block, Block::new(Arc::clone(&self.facts)));
            out.block(full)?;
        }
        Ok(())
    }

    fn rejected(&self, record: &Record) -> Reject {
        let (rule, what, text) = match &record.wrong {
            Some(wrong) => (wrong.rule, wrong.what.clone(), wrong.text.clone()),
            None => (rule::RAGGED, String::new(), String::new()),
        };
        let text = text[..text.floor_char_boundary(RAW_LIMIT)].to_owned();
        let reason = if text.is_empty() { what } else { format!("{what}: {:?}", super::frame::short(&text)) };
        Reject { part: self.facts.part.clone(), line: record.line, column: None, rule, text, raw: record.raw.clone(), reason }
    }
}

impl<'a> Columns<'a> {
    fn new(name: &'a str, export: &'a Export, rule: &'a Unpivot, header: &Header) -> Result<Self> {
        let groups: Vec<&str> = rule.headers.capture_names().flatten().collect();
        let mut columns = Vec::new();
        for (at, found) in header.found.iter().enumerate() {
            if let Some(captures) = rule.headers.captures(found) {
                let texts = groups.iter().map(|group| captures.name(group).map_or("", |text| text.as_str()).to_owned()).collect();
                columns.push((at, found.clone(), texts));
            }
        }
        if columns.is_empty() {
            return Err(Error::data(format!("{name}:{}: no header fits the pattern of unpivot, {:?}", header.line, rule.headers.as_str()))
                .next("correct the pattern in [exports.unpivot]"));
        }
        if columns.len().saturating_mul(header.names.len()) > UNPIVOT_LIMIT {
            return Err(Error::data(format!("{name}:{}: unpivot makes {} rows of {} cells from each record", header.line, columns.len(), header.names.len()))
                .next("make the pattern in [exports.unpivot] narrower"));
        }
        Ok(Self { file: name, rule, nulls: &export.nulls, columns, groups: groups.len() })
    }

    /// What stands behind the header's own columns.
    fn names(&self) -> impl Iterator<Item = String> {
        let own = [self.rule.value.clone(), self.rule.name.clone()];
        own.into_iter().chain(self.rule.headers.capture_names().flatten().map(str::to_owned))
    }

    /// One row per column with a value; false: there is none.
    fn push(&self, record: &Record, block: &mut Block) -> Result<bool> {
        if self.columns.len().saturating_mul(record.size()) > UNPIVOT_BYTES {
            let what = format!("{}:{}: the {} rows that unpivot makes of the record", self.file, record.line, self.columns.len());
            return Err(Error::data(format!("{what} come to more than {UNPIVOT_BYTES} bytes")).next("make the pattern in [exports.unpivot] narrower"));
        }
        let mut rows = 0;
        for (column, name, groups) in &self.columns {
            let value = record.cell(*column);
            if self.nulls.iter().any(|null| null == value || null == value.trim()) || value.trim().is_empty() {
                continue;
            }
            let more = [value, name.as_str()].into_iter().chain(groups.iter().map(String::as_str));
            block.push(record.line, &record.raw, record.cells().chain(more));
            rows += 1;
        }
        if rows == 0 && self.rule.keep_empty {
            let more = std::iter::repeat_n("", 2 + self.groups);
            block.push(record.line, &record.raw, record.cells().chain(more));
            rows = 1;
        }
        Ok(rows > 0)
    }
}
