//! The general way, with its accounts checked against what the sink was given.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use takings_decode::general::{FileOutcome, Layout, RawRecord, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Result, Typed};
use takings_definitions::{Channel, ColumnType, Export, Table};

/// An export of the general way and its contract.
#[derive(Debug)]
pub struct General {
    reader: Reader,
    /// Money columns and their currencies.
    money: Vec<(String, String)>,
}

/// How many rows and rejects are kept: a file may repeat one row for long.
const KEPT: u64 = 10_000;

/// What a reading gave: all of it is counted, the first of it kept.
#[derive(Debug, Default)]
pub struct Kept {
    pub batches: Vec<RecordBatch>,
    pub rejects: Vec<Reject>,
    rows: u64,
    rejected: u64,
    /// Money columns and their currencies.
    money: Vec<(String, String)>,
    sums: BTreeMap<(String, String), i128>,
}

impl Sink for Kept {
    type Error = Error;

    fn rows(&mut self, _: &Layout, _: &PartFacts, typed: Typed) -> Result<Taken> {
        let batch = &typed.batch;
        for (money, currency) in &self.money {
            let (amounts, currencies) = (batch[money.as_str()].as_primitive::<Decimal128Type>(), batch[currency.as_str()].as_string::<i32>());
            // Nothing is nothing in any currency, and in none.
            for row in (0..batch.num_rows()).filter(|row| amounts.is_valid(*row) && amounts.value(*row) != 0) {
                assert!(currencies.is_valid(row), "an amount without a currency");
                *self.sums.entry((money.clone(), currencies.value(row).to_owned())).or_insert(0) += amounts.value(row);
            }
        }
        if self.rows < KEPT {
            self.batches.push(batch.clone());
        }
        self.rows += batch.num_rows() as u64;
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        if self.rejected < KEPT {
            self.rejects.push(reject);
        }
        self.rejected += 1;
        Ok(())
    }
}

impl General {
    /// The export named `sale` of a channel file that begins with the usual keys, into a contract of these columns.
    ///
    /// # Panics
    /// Where the two files are wrong: they are those of the tests.
    pub fn new(export: &str, columns: &str) -> Self {
        let channel = channel(export);
        Self::of(&channel, &channel.exports[0], &table(columns)).unwrap_or_else(|error| panic!("{error}\n{export}"))
    }

    /// An export of a channel. Every error is one of the channel file or the contract.
    pub fn of(channel: &Channel, export: &Export, table: &Table) -> Result<Self> {
        let decimals = table.columns.iter().filter(|column| matches!(column.kind, ColumnType::Decimal { .. }));
        let money = decimals.filter_map(|column| Some((column.name.clone(), column.currency.clone()?))).collect();
        Ok(Self { reader: Reader::new(channel, export, table, &BTreeMap::new())?, money })
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Reads a file. An error is one of the file; no other can come of bytes.
    ///
    /// # Panics
    /// Where the accounts don't hold.
    pub fn read(&self, path: &str, bytes: &[u8]) -> Result<(FileOutcome, Kept)> {
        let (outcome, kept) = self.read_once(path, bytes)?;
        let mut raw = 0;
        let again = self.reader.records(&identity(path), &|| Ok(Box::new(bytes)), &mut |_: RawRecord| {
            raw += 1;
            Ok::<_, Error>(())
        });
        assert_eq!(again, Ok(()), "records as text");
        assert_eq!(raw, outcome.published + outcome.quarantined, "records as text");
        Ok((outcome, kept))
    }

    /// The same, without the records as text.
    pub(crate) fn read_once(&self, path: &str, bytes: &[u8]) -> Result<(FileOutcome, Kept)> {
        let mut kept = Kept { money: self.money.clone(), ..Kept::default() };
        let outcome = self.reader.read(&identity(path), &|| Ok(Box::new(bytes)), &mut kept).inspect_err(|error| {
            assert!(error.is_data(), "bytes alone make an error of another kind: {error}");
        })?;
        let excluded: u64 = outcome.excluded.values().sum();
        assert_eq!(outcome.records, outcome.published + outcome.quarantined + excluded, "records");
        assert_eq!((outcome.rows, outcome.quarantined), (kept.rows, kept.rejected), "rows and rejects");
        let totals: Vec<_> = outcome.totals.iter().map(|total| ((total.column.clone(), total.currency.clone()), total.sum)).collect();
        assert_eq!(totals, kept.sums.clone().into_iter().collect::<Vec<_>>(), "totals");
        Ok((outcome, kept))
    }
}

pub(crate) fn identity(path: &str) -> FileIdentity {
    FileIdentity { instance: "main".to_owned(), file_id: "f".to_owned(), path: path.to_owned() }
}

/// A channel of one export, or of more that stand behind it.
pub(crate) fn channel(export: &str) -> Channel {
    let text = format!("version = 1\nchannel = \"shop\"\ntitle = \"Shop\"\n[[exports]]\nname = \"sale\"\ntable = \"sale\"\nmode = \"append\"\n{export}");
    Channel::parse(Path::new("shop.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn table(columns: &str) -> Table {
    let text = format!(
        "table = \"sale\"\nlayer = \"raw\"\ndescription = \"Sales.\"\ngrain = \"One row per sale.\"\nknown_at = \"always\"\nparts = true\ncolumns = [{columns}]\n"
    );
    Table::parse(Path::new("sale.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
