//! A folder of feeds that a test may change: whole files, raw records, single cells.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::files::{bytes_under, copy_folder};
use super::place::{Place, sample, scratch};
use super::python::independent;

/// A month file of the shipped sample with rows of all kinds.
pub const BILLING: &str = "BillingEventFeed_V1/year=2026/month=03/data.csv";

pub struct Feeds {
    folder: TempDir,
}

impl Feeds {
    pub fn empty() -> Self {
        Self { folder: scratch() }
    }

    pub fn sample() -> Self {
        Self::copy_of(&sample())
    }

    pub fn copy_of(from: &Path) -> Self {
        let feeds = Self::empty();
        copy_folder(from, feeds.root());
        feeds
    }

    /// As `takings sample` makes them.
    pub fn generated(seed: u64, events: u64) -> Self {
        let feeds = Self::empty();
        let out = feeds.root().to_str().unwrap();
        Place::on(feeds.root()).takings(&["sample", "--out", out, "--seed", &seed.to_string(), "--events", &events.to_string()]).ok();
        feeds
    }

    /// As the independent recomputation makes them, to be awkward.
    pub fn awkward(seed: u64, sales: u64) -> Self {
        let feeds = Self::empty();
        independent("make_feeds.py", &["--out", feeds.root().to_str().unwrap(), "--seed", &seed.to_string(), "--sales", &sales.to_string()]).ok();
        feeds
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    pub fn files(&self) -> Vec<String> {
        bytes_under(self.root()).into_keys().collect()
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn append(&self, file: &str, bytes: &[u8]) {
        self.write(file, [&self.read(file), bytes].concat());
    }

    /// The raw records, the header first, each with its line end.
    pub fn records(&self, file: &str) -> Vec<Vec<u8>> {
        raw_records(&self.read(file))
    }

    /// Puts `text` into one cell of the data record `record` (from 1); the line the record starts at, and its old text.
    pub fn change(&self, file: &str, record: usize, column: &str, text: &str) -> (usize, String) {
        let mut records = self.records(file);
        let at = column_of(&records[0], column);
        let line = 1 + records[..record].concat().iter().filter(|byte| **byte == b'\n').count();
        let mut cells = cells(&records[record]);
        let old = std::mem::replace(&mut cells[at], text.to_owned());
        records[record] = record_of(&cells);
        self.write(file, records.concat());
        (line, old)
    }
}

/// Cuts CSV bytes after each record; quoted line ends stay inside.
pub fn raw_records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut records, mut quoted, mut start) = (Vec::new(), false, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                records.push(bytes[start..=at].to_vec());
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < bytes.len() {
        records.push(bytes[start..].to_vec());
    }
    records
}

pub fn cells(record: &[u8]) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(record);
    reader.records().next().map_or(Vec::new(), |record| record.unwrap().iter().map(str::to_owned).collect())
}

pub fn record_of(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).unwrap();
    writer.into_inner().unwrap()
}

pub fn column_of(header: &[u8], column: &str) -> usize {
    cells(header).iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column}"))
}
