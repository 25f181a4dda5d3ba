//! Records of the table → rows of blocks: shape, parents and children, exclusions, unpivot. Each record ends as rows, as a reject, or
//! under the name of a rule.

use std::cmp::Ordering;
use std::sync::Arc;

use takings_definitions::{CellTest, Condition, ExcludeWhen, Export, Keep, Unpivot, UnpivotCells};

use super::header::Header;
use super::record::Record;
use crate::reject::{HEADER_AGAIN, RAW_LIMIT, rule};
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
    /// The names as they stand in the file; none where the channel file gives them.
    header: Vec<String>,
    width: usize,
    /// What the section's title gives to each record, behind its cells.
    titled: Vec<String>,
    /// Rows of sheets lack the empty cells at their end.
    pads: bool,
    excludes: Vec<Exclude<'a>>,
    parents: Option<Parents<'a>>,
    unpivot: Option<Columns<'a>>,
    block: Block,
}

struct Exclude<'a> {
    name: &'a str,
    /// All must hold; None: the whole record is blank.
    cells: Option<Vec<(usize, &'a CellTest)>>,
}

struct Parents<'a> {
    column: usize,
    test: &'a CellTest,
    inherit: Vec<usize>,
    /// Cells of the parent that stand behind those of its children.
    give: Vec<usize>,
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
    rows: Vec<Made>,
}

/// A row that unpivot makes of each record.
struct Made {
    /// The columns of its cells; None: the header has no such column.
    columns: Vec<Option<usize>>,
    /// What stands behind them.
    texts: Vec<String>,
}

impl<'a> Rows<'a> {
    /// `facts` without the header; `titled`: names and texts that the section's title gives.
    pub fn new(
        name: &'a str,
        export: &'a Export,
        header: &Header,
        facts: PartFacts,
        titled: Vec<(String, String)>,
        sheet: bool,
        out: &mut dyn Out,
    ) -> Result<Self> {
        let line = header.line;
        let lacks = |what: String, column: &str| {
            let nearest = takings_definitions::nearest(column, header.names.iter().map(String::as_str));
            let hint = nearest.map_or_else(String::new, |best| format!(" (nearest: {best:?})"));
            Error::data(format!("{name}:{line}: {what} looks at {column:?}, which the header lacks{hint}")).next("correct the name in the channel file")
        };
        let mut excludes = Vec::new();
        for rule in &export.exclude {
            match &rule.when {
                ExcludeWhen::Cells(conditions) => {
                    let place = |Condition { column, test }: &'a Condition| {
                        let place = header.place_for(export, column).ok_or_else(|| lacks(format!("exclude rule `{}`", rule.name), column))?;
                        Ok((place, test))
                    };
                    excludes.push(Exclude { name: &rule.name, cells: Some(conditions.iter().map(place).collect::<Result<_>>()?) });
                }
                ExcludeWhen::Blank => excludes.push(Exclude { name: &rule.name, cells: None }),
                ExcludeWhen::Where(_) => {}
            }
        }
        let parents = match &export.frame.parent {
            None => None,
            Some(parent) => {
                let place = |column: &str| header.place_for(export, column).ok_or_else(|| lacks("[exports.frame.parent]".to_owned(), column));
                let inherit = parent.inherit.iter().map(|column| place(column)).collect::<Result<_>>()?;
                let give = parent.give.values().map(|column| place(column)).collect::<Result<_>>()?;
                Some(Parents { column: place(&parent.when.column)?, test: &parent.when.test, inherit, give, keep: parent.keep, last: Last::None, waits: false })
            }
        };
        let unpivot = export.unpivot.as_ref().map(|rule| Columns::new(name, export, rule, header)).transpose()?;
        let (given, titled): (Vec<String>, Vec<String>) = titled.into_iter().unzip();
        let mut names = header.names.clone();
        names.extend(given);
        names.extend(export.frame.parent.iter().flat_map(|parent| parent.give.keys().cloned()));
        if let Some(unpivot) = &unpivot {
            names.extend(unpivot.rule.given().into_iter().map(str::to_owned));
        }
        let facts = Arc::new(PartFacts { header: names, header_line: line, ..facts });
        out.begin(&facts)?;
        let (width, block) = (header.names.len(), Block::new(Arc::clone(&facts)));
        let found = if line == 0 { Vec::new() } else { header.found.clone() };
        Ok(Self { export, facts, header: found, width, titled, pads: sheet || export.text.ragged.pads(), excludes, parents, unpivot, block })
    }

    /// What should be known of the header: it has no column that makes rows.
    pub fn note(&self) -> Option<String> {
        let unpivot = self.unpivot.as_ref().filter(|unpivot| unpivot.rows.is_empty())?;
        let (file, pattern) = (unpivot.file, unpivot.rule.headers.as_str());
        Some(format!("{file}:{}: no header fits the pattern of unpivot, {pattern:?}: each record is one row without its values", self.facts.header_line))
    }

    /// One record of the table.
    pub fn take(&mut self, record: &mut Record, out: &mut dyn Out) -> Result<()> {
        out.record();
        // What is left out on purpose may have any shape.
        if record.wrong.is_none()
            && !self.may_fit(record)
            && let Some(rule) = self.excluded(record)
        {
            out.exclude(rule);
            return Ok(());
        }
        self.shape(record);
        if record.wrong.is_none() && self.is_header(record) && self.excluded(record).is_none() {
            record.refuse(rule::HEADER, HEADER_AGAIN, "");
        }
        if record.wrong.is_some() {
            self.unknown_parent(out)?;
            return out.reject(self.rejected(record));
        }
        for text in &self.titled {
            record.push(text);
        }
        if self.parents.is_some() { self.related(record, out) } else { self.put(record, out) }
    }

    /// The end of the table.
    pub fn finish(mut self, out: &mut dyn Out) -> Result<()> {
        self.flush_parent(out)?;
        if self.block.is_empty() { Ok(()) } else { out.block(self.block) }
    }

    /// Whether a record has as many cells as the header, or may be made so.
    fn may_fit(&self, record: &Record) -> bool {
        match record.len().cmp(&self.width) {
            Ordering::Less => self.pads,
            Ordering::Equal => true,
            Ordering::Greater => self.export.text.ragged.trims() && (self.width..record.len()).all(|at| record.cell(at).trim().is_empty()),
        }
    }

    /// Whether a record repeats the header of the file; a name alone may be a value as well.
    fn is_header(&self, record: &Record) -> bool {
        let strip = self.export.text.strip.as_slice();
        let same = |name: &String, cell: &str| name == cell.trim() || (cell.contains(strip) && *name == super::header::cleaned(cell, strip));
        self.header.len() > 1 && self.header.iter().zip(record.cells()).all(|(name, cell)| same(name, cell))
    }

    /// Whether a record is none of what may follow a table: it has more than one value, as rows do.
    pub fn is_row(&self, record: &Record) -> bool {
        record.cells().filter(|cell| !cell.trim().is_empty()).take(2).count() == self.width.min(2)
    }

    /// As many cells as the header, where the export's policy allows to make it so.
    fn shape(&self, record: &mut Record) {
        if record.wrong.is_some() || record.len() == self.width {
            return;
        }
        let found = record.len();
        if self.may_fit(record) {
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
            let given: Vec<String> = parents.give.iter().map(|at| record.cell(*at).to_owned()).collect();
            given.iter().for_each(|text| record.push(text));
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
        parents.give.iter().for_each(|at| record.push(parent.cell(*at)));
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

    /// The rule that leaves a record out.
    fn excluded(&self, record: &Record) -> Option<&'a str> {
        let fits = |rule: &&Exclude<'a>| match &rule.cells {
            Some(cells) => cells.iter().all(|(column, test)| *column < record.len() && test.holds(record.cell(*column))),
            None => record.is_blank(),
        };
        self.excludes.iter().find(fits).map(|rule| rule.name)
    }

    fn put(&mut self, record: &Record, out: &mut dyn Out) -> Result<()> {
        if let Some(rule) = self.excluded(record) {
            out.exclude(rule);
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
        let mut rows: Vec<Made> = Vec::new();
        for (at, found) in header.found.iter().enumerate() {
            let Some(captures) = rule.headers.captures(found) else { continue };
            let text = |group: &str| captures.name(group).map_or("", |text| text.as_str()).to_owned();
            let groups = rule.groups().map(text);
            match &rule.cells {
                UnpivotCells::One { .. } => rows.push(Made { columns: vec![Some(at)], texts: std::iter::once(found.clone()).chain(groups).collect() }),
                UnpivotCells::Fields(fields) => {
                    let (texts, field): (Vec<String>, String) = (groups.collect(), text("field"));
                    let place = fields.values().position(|known| *known == field).ok_or_else(|| {
                        Error::data(format!("{name}:{}: the header {found:?} has the field {field:?}, which `fields` of unpivot lack", header.line))
                            .next("add it to `fields` in [exports.unpivot], or make the pattern narrower")
                    })?;
                    let same = match rows.iter().position(|row| row.texts == texts) {
                        Some(same) => same,
                        None => {
                            rows.push(Made { columns: vec![None; fields.len()], texts });
                            rows.len() - 1
                        }
                    };
                    if let Some(first) = rows[same].columns[place].replace(at) {
                        let first = &header.found[first];
                        return Err(Error::data(format!("{name}:{}: the headers {first:?} and {found:?} are the same field of one row", header.line))
                            .next("tell them apart by a named group of the pattern in [exports.unpivot]"));
                    }
                }
            }
        }
        if rows.is_empty() && !rule.keep_empty {
            return Err(Error::data(format!("{name}:{}: no header fits the pattern of unpivot, {:?}", header.line, rule.headers.as_str()))
                .next("correct the pattern in [exports.unpivot]"));
        }
        if rows.len().saturating_mul(header.names.len()) > UNPIVOT_LIMIT {
            return Err(Error::data(format!("{name}:{}: unpivot makes {} rows of {} cells from each record", header.line, rows.len(), header.names.len()))
                .next("make the pattern in [exports.unpivot] narrower"));
        }
        Ok(Self { file: name, rule, nulls: &export.nulls, rows })
    }

    /// The rows that have a value; false: there is none.
    fn push(&self, record: &Record, block: &mut Block) -> Result<bool> {
        if self.rows.len().saturating_mul(record.size()) > UNPIVOT_BYTES {
            let what = format!("{}:{}: the {} rows that unpivot makes of the record", self.file, record.line, self.rows.len());
            return Err(Error::data(format!("{what} come to more than {UNPIVOT_BYTES} bytes")).next("make the pattern in [exports.unpivot] narrower"));
        }
        let filled = |value: &str| !(value.trim().is_empty() || self.nulls.iter().any(|null| null == value || null == value.trim()));
        let mut any = false;
        for row in &self.rows {
            let values = row.columns.iter().map(|column| column.map_or("", |column| record.cell(column)));
            if !values.clone().any(filled) {
                continue;
            }
            block.push(record.line, &record.raw, record.cells().chain(values).chain(row.texts.iter().map(String::as_str)));
            any = true;
        }
        if !any && self.rule.keep_empty {
            block.push(record.line, &record.raw, record.cells().chain(std::iter::repeat_n("", self.rule.given().len())));
            any = true;
        }
        Ok(any)
    }
}
