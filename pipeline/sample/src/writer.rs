//! Writes the exports: month files that only grow, in the order in which their rows became known, each day's rows stamped with
//! the time of that day's delivery. Knows columns and dialects, not what a row means.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Terminator, Writer, WriterBuilder};

use crate::amount::{Amount, write_whole};
use crate::error::Error;
use crate::feeds::{Dialect, Export, FEEDS, Feed};
use crate::identity::Id;
use crate::moment::{Day, Moment};
use crate::{FeedSummary, Summary};

/// Deliveries before this day are in the backfill folder.
pub const FIRST_DELIVERY_MONTH: Day = Day::of(2025, 2, 1);

/// Second of the day at which a delivery inserts its rows; the rows' own update times follow from the hour after.
const INSERTED_AT: i64 = 1_800;
const FIRST_UPDATE_AT: i64 = 3_600;
const LAST_UPDATE_AT: i64 = 82_800;

/// All exports of one folder.
pub struct Feeds {
    seed: u64,
    /// Rows are made but not kept: to count them.
    nowhere: bool,
    tables: Vec<Table>,
    /// Rows that share a second, so that a big set's day fits into a day.
    rows_a_second: u64,
    delivery: Day,
}

struct Table {
    feed: &'static Feed,
    folder: PathBuf,
    path: PathBuf,
    month: Option<(i32, u32)>,
    out: Option<Writer<BufWriter<File>>>,
    summary: FeedSummary,
    rows_today: u64,
    record: ByteRecord,
    cell: Vec<u8>,
}

/// How a row became known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Day of the first delivery, where this row corrects one.
    pub corrects: Option<Day>,
    /// Soft-deleted as of this delivery.
    pub deleted: bool,
    /// `update_date` stays empty; `insert_date` carries the time.
    pub insert_only: bool,
    /// Delivered twice.
    pub twice: bool,
}

impl Feeds {
    pub fn create(out: &Path, seed: u64, rows_a_second: u64) -> Self {
        let tables = FEEDS.iter().map(|feed| Table::new(feed, out)).collect();
        Self { seed, nowhere: false, tables, rows_a_second, delivery: FIRST_DELIVERY_MONTH }
    }

    /// Takes the same rows and writes none.
    pub fn nowhere(seed: u64) -> Self {
        Self { nowhere: true, ..Self::create(Path::new(""), seed, 1) }
    }

    /// Starts the delivery of a day; opens the files of a new month, with their headers, whether or not rows will come.
    pub fn begin(&mut self, delivery: Day) -> Result<(), Error> {
        self.delivery = delivery;
        let month = if delivery < FIRST_DELIVERY_MONTH { (2010, 1) } else { delivery.year_month() };
        for table in &mut self.tables {
            table.rows_today = 0;
            if !self.nowhere {
                table.open(month)?;
            }
        }
        Ok(())
    }

    pub fn row(&mut self, export: Export) -> Row<'_> {
        let table = &mut self.tables[export as usize];
        debug_assert_eq!(table.feed.export, export);
        table.record.clear();
        Row { table, seed: self.seed, rows_a_second: self.rows_a_second, delivery: self.delivery }
    }

    pub fn finish(mut self) -> Result<Summary, Error> {
        for table in &mut self.tables {
            table.close()?;
        }
        Ok(Summary { feeds: self.tables.into_iter().map(|table| table.summary).collect(), ..Summary::default() })
    }
}

impl Table {
    fn new(feed: &'static Feed, out: &Path) -> Self {
        Table {
            feed,
            folder: out.join(feed.folder),
            path: PathBuf::new(),
            month: None,
            out: None,
            summary: FeedSummary { feed: feed.folder, files: 0, rows: 0, bytes: 0 },
            rows_today: 0,
            record: ByteRecord::new(),
            cell: Vec::new(),
        }
    }

    fn open(&mut self, month: (i32, u32)) -> Result<(), Error> {
        let same = self.month == Some(month) || (self.out.is_some() && !self.feed.monthly);
        if same {
            return Ok(());
        }
        self.close()?;
        let folder = match self.feed.monthly {
            true => self.folder.join(format!("year={:04}", month.0)).join(format!("month={:02}", month.1)),
            false => self.folder.clone(),
        };
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        self.path = folder.join(self.feed.file);
        let file = File::create_new(&self.path).map_err(Error::io(&self.path))?;
        let mut out = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(BufWriter::with_capacity(1 << 18, file));
        out.write_record(self.feed.header()).map_err(Error::csv(&self.path))?;
        self.summary.files += 1;
        self.out = Some(out);
        self.month = Some(month);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let buffer = out.into_inner().map_err(|error| Error::io(&self.path)(error.into_error()))?;
        let file = buffer.into_inner().map_err(|error| Error::io(&self.path)(error.into_error()))?;
        self.summary.bytes += file.metadata().map_err(Error::io(&self.path))?.len();
        Ok(())
    }

    fn write(&mut self, times: u64) -> Result<(), Error> {
        debug_assert_eq!(self.record.len(), self.feed.header().len(), "{}", self.feed.folder);
        if let Some(out) = self.out.as_mut() {
            for _ in 0..times {
                out.write_byte_record(&self.record).map_err(Error::csv(&self.path))?;
            }
        }
        self.rows_today += times;
        self.summary.rows += times;
        Ok(())
    }
}

/// One row in the making: its cells in the order of the feed's columns.
pub struct Row<'a> {
    table: &'a mut Table,
    seed: u64,
    rows_a_second: u64,
    delivery: Day,
}

impl Row<'_> {
    pub fn text(self, text: &str) -> Self {
        if text.is_empty() {
            return self.none();
        }
        self.table.record.push_field(text.as_bytes());
        self
    }

    pub fn texts<const N: usize>(mut self, texts: [&str; N]) -> Self {
        for text in texts {
            self = self.text(text);
        }
        self
    }

    pub fn none(self) -> Self {
        let empty: &[u8] = if self.table.feed.dialect == Dialect::Spaced { b"null" } else { b"" };
        self.table.record.push_field(empty);
        self
    }

    pub fn id(self, id: Id) -> Self {
        let seed = self.seed;
        self.cell(|cell| id.write_to(seed, cell))
    }

    pub fn maybe_id(self, id: Option<Id>) -> Self {
        match id {
            Some(id) => self.id(id),
            None => self.none(),
        }
    }

    pub fn amount(self, amount: Amount) -> Self {
        self.cell(|cell| amount.write_to(cell))
    }

    pub fn whole(self, value: u64) -> Self {
        self.cell(|cell| write_whole(value, cell))
    }

    pub fn moment(self, moment: Moment) -> Self {
        let dialect = self.table.feed.dialect;
        self.cell(|cell| match dialect {
            Dialect::Iso => moment.write_iso(cell),
            Dialect::Spaced => moment.write_spaced(cell),
        })
    }

    pub fn maybe_moment(self, moment: Option<Moment>) -> Self {
        match moment {
            Some(moment) => self.moment(moment),
            None => self.none(),
        }
    }

    pub fn cell(self, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let table = &mut *self.table;
        table.cell.clear();
        write(&mut table.cell);
        table.record.push_field(&table.cell);
        self
    }

    /// Ends a row of a feed with its history columns.
    pub fn known(self, valid_from: Moment, known: Known) -> Result<(), Error> {
        let second = FIRST_UPDATE_AT + (self.table.rows_today / self.rows_a_second) as i64;
        let updated = self.delivery.at(second.min(LAST_UPDATE_AT));
        let inserted = match known.corrects {
            Some(first) => first.at(INSERTED_AT),
            None if known.insert_only => updated,
            None => self.delivery.at(INSERTED_AT),
        };
        let row = self.moment(valid_from).moment(inserted);
        let row = if known.insert_only { row.none() } else { row.moment(updated) };
        let row = if known.deleted { row.moment(updated) } else { row.none() };
        row.end(if known.twice { 2 } else { 1 })
    }

    /// Ends a row of an export without history columns.
    pub fn end(self, times: u64) -> Result<(), Error> {
        self.table.write(times)
    }
}
