//! The parts of a load and of a report inside this process, on one thread: cutting, parsing each type, encoding, printing.
//!
//! `cargo xtask bench --micro`, or in this folder `cargo bench -- FILTER`; criterion compares with the run before.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, RecordBatch, StringArray};
use chrono::DateTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use takings_decode::{FileIdentity, Splitter, header_end};
use takings_definitions::{Interval, Report};
use takings_fuzz::{Flat, General, Kept};
use takings_pages::{FileEncoder, Press};
use takings_reports::ReportWriter;
use takings_sample::{WideOptions, write_wide};

const ROWS: usize = 100_000;
/// As the product cuts and reads.
const CHUNK: usize = 1 << 20;
const READ: usize = 4 << 20;

/// A column's type, what an export says of it, and the text of a row.
type Kind = (&'static str, &'static str, &'static str, fn(usize) -> String);

const KINDS: [Kind; 7] = [
    ("text", "text", "", |row| format!("offer-{:013}", row / 4 % 5000)),
    ("date", "date", "timestamps = [\"%Y-%m-%d\"]\n", |row| format!("2026-{:02}-{:02}", 1 + row / 9000 % 12, 1 + row / 300 % 28)),
    ("timestamp", "timestamp", "timestamps = [\"%Y-%m-%dT%H:%M:%SZ\"]\n", |row| {
        format!("2026-02-{:02}T{:02}:{:02}:{:02}Z", 1 + row / 4000 % 28, row / 170 % 24, row / 3 % 60, row % 60)
    }),
    ("decimal_18", "decimal(18,4)", "", |row| format!("{}.{:04}", row % 9973, row * 7 % 10_000)),
    ("decimal_38", "decimal(38,18)", "", |row| format!("{}.{:017}", row % 9973, row * 7)),
    ("int64", "int64", "", |row| (row * 7919 % 1_000_003).to_string()),
    ("bool", "bool", "", |row| if row % 3 == 0 { "true" } else { "false" }.to_owned()),
];

/// What only the general way reads.
const WRITTEN: [Kind; 5] = [
    ("written_number", "decimal(38,9)", "decimal = \",\"\nthousands = \".\"\ntrailing_minus = true\nparentheses = true\n", |row| {
        format!("\"({}.{:03},{:04})\"", 1 + row % 900, row % 1000, row * 7 % 10_000)
    }),
    ("written_date", "date", "timestamps = [\"%d.%m.%Y\", \"%B %d, %Y\"]\n", |row| {
        if row % 2 == 0 { format!("{:02}.{:02}.2026", 1 + row % 28, 1 + row % 12) } else { format!("\"March {:02}, 2026\"", 1 + row % 28) }
    }),
    ("text_by_position", "text", "[exports.text]\nragged = \"fit\"\n", |row| format!("title {}", row % 997)),
    ("mapped_country", "text", "[exports.columns.v]\nmap = \"countries\"\n", |row| ["Germany", "USA", "Japan", "GBR"][row % 4].to_owned()),
    ("duration", "decimal(18,3)", "[exports.columns.v]\nduration = \"h:mm:ss\"\n", |row| format!("{}:{:02}:{:02}", row % 30, row % 60, row % 59)),
];

fn file(kind: &Kind) -> Vec<u8> {
    let mut bytes = b"k,v\n".to_vec();
    for row in 0..ROWS {
        bytes.extend_from_slice(format!("{},{}\n", row % 10, kind.3(row)).as_bytes());
    }
    bytes
}

fn wide() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder for made-up lines");
    let out = folder.path().join("feeds");
    write_wide(&WideOptions { out: out.clone(), seed: 1, rows: ROWS as u64, files: 1, days: 28, seller_of: ROWS as u64 }).expect("made-up lines");
    std::fs::read(out.join("usage_000.csv")).expect("what was written")
}

fn cut(criterion: &mut Criterion) {
    let bytes = wide();
    let body = &bytes[header_end(&bytes).expect("a header")..];
    let mut group = criterion.benchmark_group("cut");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("wide", |bencher| {
        bencher.iter(|| {
            let mut splitter = Splitter::new(2, CHUNK);
            let chunks = body.chunks(READ).map(|piece| splitter.push(piece).len()).sum::<usize>();
            chunks + usize::from(splitter.finish().is_some())
        });
    });
    group.finish();
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS as u64));
    for kind in &KINDS {
        let flat = Flat::new(&format!("path = 'x'\n{}", kind.2), &columns(kind));
        let bytes = file(kind);
        let whole = flat.read(&bytes, CHUNK).expect("a file of whole records");
        assert!(whole.rejects.is_empty(), "{}: {:?}", kind.0, whole.rejects.first());
        group.bench_function(BenchmarkId::new("plain", kind.0), |bencher| bencher.iter(|| flat.read(&bytes, CHUNK)));
    }
    group.finish();
}

fn parse_written(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS as u64));
    for kind in &WRITTEN {
        let general = General::new(&format!("path = 'x'\n{}", kind.2), &columns(kind));
        let bytes = file(kind);
        let identity = FileIdentity { instance: "main".to_owned(), file_id: "f".to_owned(), path: "sale.csv".to_owned() };
        let read = || {
            let mut kept = Kept::default();
            general.reader().read(&identity, &|| Ok(Box::new(&bytes[..])), &mut kept).map(|outcome| (outcome, kept))
        };
        let (outcome, kept) = read().expect("a file of whole records");
        assert_eq!(outcome.published, ROWS as u64, "{}: {:?}", kind.0, kept.rejects.first());
        group.bench_function(BenchmarkId::new("general", kind.0), |bencher| bencher.iter(read));
    }
    group.finish();
}

fn columns(kind: &Kind) -> String {
    format!("{{ name = \"k\", type = \"text\" }}, {{ name = \"v\", type = \"{}\" }}", kind.1)
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(ROWS as u64));
    for kind in &KINDS {
        let flat = Flat::new(&format!("path = 'x'\n{}", kind.2), &columns(kind));
        let batches = flat.read(&file(kind), CHUNK).expect("a file of whole records").batches;
        group.bench_function(BenchmarkId::new("pages", kind.0), |bencher| {
            bencher.iter(|| {
                let mut press = Press::new().expect("a compressor");
                let mut encoder = FileEncoder::new(flat.schema()).expect("types that are written");
                for batch in &batches {
                    encoder.write(batch, &mut press).expect("rows that are written");
                }
                encoder.finish(&mut press).expect("a file's end").0.len()
            });
        });
    }
    group.finish();
}

const REPORT: &str = r#"
report = "usage"
title = "Usage"
job = "bench"
channel = "wide"
file = "usage_{tick}.csv"
exports = ["usage"]
description = "Printing, measured."

[[sections]]
name = "days"
title = "Days"
sort = ["day", "title"]
columns = [
  { header = "Day", column = "day" },
  { header = "Title", column = "title" },
  { header = "Gross", column = "gross", digits = 2 },
]
"#;

fn emit(criterion: &mut Criterion) {
    let report = Report::parse(Path::new("usage.toml"), REPORT).expect("a report's definition");
    let days = Date32Array::from_iter_values((0..ROWS as i32).map(|row| 20_000 + row / 500));
    let titles = StringArray::from_iter_values((0..ROWS).map(|row| format!("Backup Vault {}, \"Pro\"", row % 900)));
    let gross = Decimal128Array::from_iter_values((0..ROWS as i128).map(|row| row * 7919 % 100_000_000)).with_precision_and_scale(18, 2);
    let columns: [(&str, ArrayRef); 3] = [("day", Arc::new(days)), ("title", Arc::new(titles)), ("gross", Arc::new(gross.expect("18 digits")))];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let day = |text| DateTime::parse_from_rfc3339(text).expect("an instant").to_utc();
    let covers = Interval { start: day("2026-03-01T00:00:00Z"), end: day("2026-03-02T00:00:00Z") };
    let mut group = criterion.benchmark_group("emit");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("report_and_data_set", |bencher| {
        bencher.iter(|| {
            let mut writer = ReportWriter::new(&report, true, Vec::new());
            let mut section = writer.section("days", covers, batch.schema(), Vec::new()).expect("columns of the section");
            section.write(&batch).expect("rows that are printed");
            section.finish().expect("a data set's end");
            writer.finish().expect("a report's end")
        });
    });
    group.finish();
}

criterion_group!(benches, cut, parse, parse_written, encode, emit);
criterion_main!(benches);
