//! The way in for callers: an export of a channel, compiled once, reads whole files into a sink.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use takings_definitions::{Channel, Export, Reference, Table};

use super::checks::{Checks, check_columns};
use super::family::Family;
use super::file::{self, FileOut, FileRead};
use super::frame;
use super::outcome::{FileOutcome, PartRead};
use super::rows::Out;
use super::unpack::Open;
use crate::{Block, ColumnTotal, Error, Excluded, FileIdentity, PartFacts, Reject, Result, Typed, Typing, Values, add_totals};

/// Opens a file's bytes from their start; a file may be read more than once.
pub type Opener<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>;

/// An export that reads files of the general way.
#[derive(Debug, Clone)]
pub struct Reader {
    family: Family,
    /// In the order of [`Export::effective`].
    layouts: Vec<Layout>,
}

/// One version of the export's layout, compiled.
#[derive(Debug, Clone)]
pub struct Layout {
    /// None: the export has one alone.
    pub name: Option<String>,
    /// With the checks and calculations of this layout.
    pub export: Export,
    pub values: Arc<Values>,
}

/// Takes what a file becomes, in the order of the file. An error ends the reading.
pub trait Sink {
    type Error: From<Error>;

    /// Typed rows of a part; gives them back as they are published. `typed.rejects` is empty: they went to [`Self::reject`] before.
    fn rows(&mut self, layout: &Layout, part: &PartFacts, typed: Typed) -> Result<Taken, Self::Error>;

    /// A record that is not published.
    fn reject(&mut self, reject: Reject) -> Result<(), Self::Error>;
}

/// Rows as they are published, after calculations.
#[derive(Debug)]
pub struct Taken {
    pub batch: RecordBatch,
    pub totals: Vec<ColumnTotal>,
    /// Records that the sink itself has put into quarantine, all rows of each.
    pub quarantined: u64,
    /// Records of which no row is left.
    pub excluded: Vec<Excluded>,
}

impl Taken {
    /// Rows that are final as they are typed.
    pub fn all(typed: Typed) -> Self {
        Self { batch: typed.batch, totals: typed.totals, quarantined: 0, excluded: Vec::new() }
    }
}

/// A record as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    pub part: String,
    pub line: u64,
    pub raw: String,
}

impl Reader {
    /// Every error is one of the channel file, the contract or a reference table.
    pub fn new(channel: &Channel, export: &Export, table: &Table, references: &BTreeMap<String, Reference>) -> Result<Self> {
        let members: Vec<Export> = channel.family(export).into_iter().cloned().collect();
        let own = members.iter().position(|member| member.name == export.name);
        let own = own.ok_or_else(|| Error::config(format!("export `{}` is not one of channel {}", export.name, channel.name)))?;
        let name = |at: usize| export.layouts.get(at).map(|layout| layout.name.clone());
        let layout = |(at, one): (usize, &Export)| {
            check_columns(one, table)?;
            Ok(Layout { name: name(at), export: one.clone(), values: Arc::new(Values::new(one, table, references)?) })
        };
        let layouts = members[own].effective().enumerate().map(layout).collect::<Result<_>>()?;
        Ok(Self { family: Family { members, own }, layouts })
    }

    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// Reads a whole file. An error of [`Error::is_data`] stops the file: what the sink was given of it must not be published, and nor
    /// must it where [`FileOutcome::stopped`] says so.
    pub fn read<S: Sink>(&self, file: &FileIdentity, open: Opener<'_>, sink: &mut S) -> Result<FileOutcome, S::Error> {
        let pipe =
            Pipe { reader: self, file, layout: 0, typing: None, facts: None, sink, failure: None, outcome: FileOutcome::default(), checks: Checks::new() };
        pipe.run(open)
    }

    /// Every record of a file that no rule leaves out, as text: those of a file that was stopped go to quarantine.
    pub fn records<E: From<Error>>(&self, file: &FileIdentity, open: Opener<'_>, each: &mut dyn FnMut(RawRecord) -> Result<(), E>) -> Result<(), E> {
        let mut raw = Raw { part: String::new(), each, failure: None };
        let read = file::read(&self.family, &file.path, &opened(file, open), &mut raw);
        match raw.failure {
            Some(failure) => Err(failure),
            None => Ok(read.map(|_| ())?),
        }
    }
}

fn opened<'a>(file: &FileIdentity, open: Opener<'a>) -> Open<'a> {
    let path = file.path.clone();
    Open::new(file.path.clone(), move || {
        let input = open().map_err(|error| Error::source(&path, &error))?;
        Ok(Box::new(Landed { path: path.clone(), input }))
    })
}

/// The place where a file lies: what fails there is no fault of the file.
struct Landed<'a> {
    path: String,
    input: Box<dyn Read + 'a>,
}

impl Read for Landed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.input.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(Error::source(&self.path, &error)),
        })
    }
}

/// Blocks → typing → sink and checks.
struct Pipe<'a, S: Sink> {
    reader: &'a Reader,
    file: &'a FileIdentity,
    layout: usize,
    typing: Option<Typing>,
    facts: Option<Arc<PartFacts>>,
    sink: &'a mut S,
    /// Why the sink has ended the reading.
    failure: Option<S::Error>,
    outcome: FileOutcome,
    checks: Checks,
}

impl<S: Sink> Pipe<'_, S> {
    fn run(mut self, open: Opener<'_>) -> Result<FileOutcome, S::Error> {
        let read = file::read(&self.reader.family, &self.file.path, &opened(self.file, open), &mut self);
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let FileRead { ignored, notes, asked, .. } = read?;
        let mut outcome = self.outcome;
        outcome.ignored = ignored;
        outcome.warnings.extend(notes);
        outcome.checks = self.checks.finish(&asked);
        let advice = outcome.checks.iter().filter(|check| check.level == takings_definitions::Level::Advisory && check.holds == Some(false));
        let advice: Vec<String> = advice.map(|check| format!("{}: {check}", self.file.path)).collect();
        outcome.warnings.extend(advice);
        let excluded: u64 = outcome.excluded.values().sum();
        if outcome.records != outcome.published + outcome.quarantined + excluded {
            let FileOutcome { records, published, quarantined, .. } = outcome;
            return Err(Error::config(format!(
                "{}: of {records} records {published} are published, {quarantined} quarantined and {excluded} excluded: they don't add up",
                self.file.path
            ))
            .into());
        }
        Ok(outcome)
    }

    fn give(&mut self, rejects: Vec<Reject>) -> Result<()> {
        for reject in rejects {
            self.outcome.quarantined += 1;
            let given = self.sink.reject(reject);
            self.kept(given)?;
        }
        Ok(())
    }

    /// A sink's failure waits until the reading has ended.
    fn kept<T>(&mut self, result: Result<T, S::Error>) -> Result<T> {
        result.map_err(|failure| {
            self.failure = Some(failure);
            Error::config("the sink has ended the reading")
        })
    }
}

impl<S: Sink> Out for Pipe<'_, S> {
    fn begin(&mut self, facts: &Arc<PartFacts>) -> Result<()> {
        let layout = &self.reader.layouts[self.layout];
        let typing = Typing::new(Arc::clone(&layout.values), self.file.clone(), Arc::clone(facts))?;
        self.outcome.warnings.extend(typing.warnings().iter().cloned());
        self.outcome.parts.push(PartRead { part: facts.part.clone(), layout: layout.name.clone() });
        self.typing = Some(typing);
        self.facts = Some(Arc::clone(facts));
        Ok(())
    }

    fn record(&mut self) {
        self.outcome.records += 1;
    }

    fn block(&mut self, block: Block) -> Result<()> {
        let (Some(typing), Some(facts)) = (&mut self.typing, self.facts.clone()) else { return Ok(()) };
        let mut typed = typing.decode(&block)?;
        drop(block);
        let rejects = std::mem::take(&mut typed.rejects);
        self.give(rejects)?;
        let reader = self.reader;
        let taken = self.sink.rows(&reader.layouts[self.layout], &facts, typed);
        let taken = self.kept(taken)?;
        self.checks.rows(&facts.part, &taken.batch)?;
        self.outcome.rows += taken.batch.num_rows() as u64;
        self.outcome.published += records_of(&taken.batch);
        self.outcome.quarantined += taken.quarantined;
        for Excluded { rule, records } in taken.excluded {
            *self.outcome.excluded.entry(rule).or_default() += records;
        }
        add_totals(&mut self.outcome.totals, &taken.totals)
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.give(vec![reject])
    }

    fn exclude(&mut self, rule: &str) {
        *self.outcome.excluded.entry(rule.to_owned()).or_default() += 1;
    }
}

impl<S: Sink> FileOut for Pipe<'_, S> {
    fn layout(&mut self, export: &Export) -> Result<()> {
        let known = self.reader.family.export().effective().position(|one| std::ptr::eq(one, export));
        self.layout = known.ok_or_else(|| Error::config("the layout is not one of the export's"))?;
        self.checks.layout(export);
        Ok(())
    }

    fn end(&mut self, part: &str, read: &frame::Read) -> Result<()> {
        self.typing = None;
        self.checks.end(part, &read.seen);
        Ok(())
    }
}

/// Rows of one record stand together and have the same line.
fn records_of(batch: &RecordBatch) -> u64 {
    let Some(lines) = batch.column_by_name("_line").and_then(|array| array.as_primitive_opt::<Int64Type>()) else { return batch.num_rows() as u64 };
    let lines = lines.values();
    lines.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64 + u64::from(!lines.is_empty())
}

/// Records as text.
struct Raw<'a, E> {
    part: String,
    each: &'a mut dyn FnMut(RawRecord) -> Result<(), E>,
    failure: Option<E>,
}

impl<E> Raw<'_, E> {
    fn give(&mut self, line: u64, raw: &str) -> Result<()> {
        (self.each)(RawRecord { part: self.part.clone(), line, raw: raw.to_owned() }).map_err(|failure| {
            self.failure = Some(failure);
            Error::config("the reading was ended")
        })
    }
}

impl<E> Out for Raw<'_, E> {
    fn begin(&mut self, facts: &Arc<PartFacts>) -> Result<()> {
        self.part.clone_from(&facts.part);
        Ok(())
    }

    fn record(&mut self) {}

    fn block(&mut self, block: Block) -> Result<()> {
        let mut seen = BTreeSet::new();
        for row in 0..block.rows() {
            if seen.insert(block.line(row)) {
                self.give(block.line(row), block.raw(row))?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.give(reject.line, &reject.raw)
    }

    fn exclude(&mut self, _: &str) {}
}

impl<E> FileOut for Raw<'_, E> {
    fn layout(&mut self, _: &Export) -> Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &str, _: &frame::Read) -> Result<()> {
        Ok(())
    }
}
