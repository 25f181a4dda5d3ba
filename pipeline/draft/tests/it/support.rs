//! The project's own channel files and fixtures; reading a file into plain rows and exact sums.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use serde_json::Value;
use takings_decode::general::{FileOutcome, Layout, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Result, Typed};
use takings_definitions::{Channel, Export, Project, Reference, Table};

pub fn root() -> PathBuf {
    // Where the test runs, not where it was built: checkouts may share a target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("../..")
}

pub fn project() -> Project {
    Project::load(&root(), None, []).unwrap_or_else(|error| panic!("{error}"))
}

/// One fixture: a file and what stands in it.
pub struct Fixture {
    pub channel: String,
    /// Below the channel's folder.
    pub path: String,
    pub bytes: Vec<u8>,
    pub expected: Value,
}

impl Fixture {
    pub fn name(&self) -> String {
        format!("{}/{}", self.channel, self.path)
    }

    /// The text that a refusal has to hold.
    pub fn refused(&self) -> Option<&str> {
        self.expected["refused"].as_str()
    }

    /// Table → rows, sums.
    pub fn tables(&self) -> BTreeMap<String, Figures> {
        let tables = self.expected["tables"].as_object().into_iter().flatten();
        let sums =
            |table: &Value| table["sums"].as_object().into_iter().flatten().map(|(name, sum)| (name.clone(), sum.as_str().unwrap().to_owned())).collect();
        tables.map(|(name, table)| (name.clone(), Figures { rows: table["rows"].as_u64().unwrap(), sums: sums(table) })).collect()
    }
}

/// What a table got of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    pub rows: u64,
    /// Column → the exact sum without trailing zeros; columns without any value have none.
    pub sums: BTreeMap<String, String>,
}

/// Every file that an expected.json names.
pub fn fixtures() -> Vec<Fixture> {
    let folder = root().join("tests/fixtures/channels");
    let mut fixtures = Vec::new();
    let mut channels: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    channels.sort();
    for channel in channels {
        let text = std::fs::read_to_string(folder.join(&channel).join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        for (path, expected) in expected.as_object().unwrap() {
            let bytes = std::fs::read(folder.join(&channel).join(path)).unwrap();
            fixtures.push(Fixture { channel: channel.clone(), path: path.clone(), bytes, expected: expected.clone() });
        }
    }
    fixtures
}

/// Keeps all that it is given; the rows as they are typed.
#[derive(Default)]
pub struct Kept {
    pub batches: Vec<RecordBatch>,
    pub rejects: Vec<Reject>,
}

impl Sink for Kept {
    type Error = Error;

    fn rows(&mut self, _: &Layout, _: &PartFacts, typed: Typed) -> Result<Taken> {
        self.batches.push(typed.batch.clone());
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.push(reject);
        Ok(())
    }
}

/// One export of a channel reads a file.
pub fn read(
    channel: &Channel,
    export: &Export,
    table: &Table,
    references: &BTreeMap<String, Reference>,
    path: &str,
    bytes: &[u8],
) -> Result<(FileOutcome, Kept)> {
    let reader = Reader::new(channel, export, table, references)?;
    let file = FileIdentity { instance: "main".into(), file_id: "f".into(), path: path.into() };
    let mut kept = Kept::default();
    let outcome = reader.read(&file, &|| Ok(Box::new(bytes)), &mut kept)?;
    Ok((outcome, kept))
}

/// Rows and the sums of all number columns.
pub fn figures(batches: &[RecordBatch]) -> Figures {
    let mut figures = Figures::default();
    let mut sums: BTreeMap<String, (i128, i8)> = BTreeMap::new();
    for batch in batches {
        figures.rows += batch.num_rows() as u64;
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let (values, scale): (Vec<i128>, i8) = match field.data_type() {
                DataType::Decimal128(_, scale) => (array.as_primitive::<Decimal128Type>().iter().flatten().collect(), *scale),
                DataType::Int64 => (array.as_primitive::<Int64Type>().iter().flatten().map(i128::from).collect(), 0),
                _ => continue,
            };
            if field.name().starts_with('_') || array.null_count() == array.len() {
                continue;
            }
            sums.entry(field.name().clone()).or_insert((0, scale)).0 += values.iter().sum::<i128>();
        }
    }
    figures.sums = sums.into_iter().map(|(name, (sum, scale))| (name, plain(sum, scale))).collect();
    figures
}

/// An integer at a scale, as a person writes it.
pub fn plain(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap();
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
