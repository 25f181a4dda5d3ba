//! A file that several threads decode and write at the same time, and files that are decoded while others land.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Feeds, Place, bytes_under};

const CHANNEL: &str = r#"
version = 1
channel = "shop"
title = "A shop"

[[exports]]
name = "sale"
table = "shop_sale"
path = 'sales\.csv$'
mode = "versioned"
required = ["sold_on", "sale_id", "note", "amount", "currency"]
unknown_columns = "stop"
nulls = [""]
timestamps = ["%Y-%m-%d"]
quarantine_limit = 2
"#;

const TABLE: &str = r#"
table = "shop_sale"
layer = "raw"
description = "Sales."
grain = "One row per line."
key = []
partition = { from = ["sold_on"] }
known_at = ["sold_on"]
columns = [
  { name = "sold_on", type = "date", nullable = false, description = "Day." },
  { name = "sale_id", type = "text", nullable = false, description = "Sale." },
  { name = "note", type = "text", description = "What the buyer wrote." },
  { name = "amount", type = "decimal(18,4)", nullable = false, currency = "currency", bound = "1000000", description = "Of the line." },
  { name = "currency", type = "text", nullable = false, description = "Currency." },
]
"#;

const RECORDS: u64 = 240_000;

/// Notes hold line ends, so that lines and records are not the same; the second line of each counts.
fn line_of(record: u64) -> u64 {
    2 + record + record / 10
}

/// A little over 16 MiB; `spoilt` records have an amount that is none.
fn sales(spoilt: &[u64]) -> String {
    let mut file = String::from("sold_on,sale_id,note,amount,currency\n");
    for record in 0..RECORDS {
        let note = if record % 10 == 9 { "\"left at the door,\nthank you\"" } else { "nothing that would have to be quoted" };
        let amount = if spoilt.contains(&record) { "12.x" } else { "1234.5678" };
        let (month, day) = (1 + record * 3 / RECORDS, 1 + record % 28);
        writeln!(file, "2026-{month:02}-{day:02},sale-{record:08}-0123456789,{note},{amount},USD").unwrap();
    }
    file
}

/// A project that knows the shop, in a folder of the exports.
fn project_of(exports: &Feeds, channel: &str) -> PathBuf {
    let root = exports.path("project");
    Place::on(exports.root()).takings(&["init", root.to_str().unwrap()]).ok();
    fs::write(root.join("config/channels/shop.toml"), channel).unwrap();
    fs::write(root.join("config/tables/shop_sale.toml"), TABLE).unwrap();
    root
}

/// A place of the shop whose runs have so many threads.
fn place_of(root: &Path, none: &Feeds, exports: &Feeds, threads: &str) -> Place {
    Place::on(none.root())
        .project(root)
        .variable("TAKINGS_ENGINE__THREADS", threads)
        .variable("TAKINGS_INSTANCES__SHOP__MAIN__URL", &format!("file://{}", exports.path("in").display()))
        .variable("TAKINGS_INSTANCES__SHOP__MAIN__SELLER_ACCOUNT", "1")
}

fn parquet_files(place: &Place) -> usize {
    bytes_under(&place.store("lake/shop_sale")).keys().filter(|path| path.ends_with(".parquet")).count()
}

/// On one thread nothing is decoded before all has landed. Twenty copies are: what is made of them belongs to no table and is thrown away.
#[test]
fn files_decoded_while_others_land_give_the_same_as_one_after_the_other() {
    let (exports, none) = (Feeds::empty(), Feeds::empty());
    let root = project_of(&exports, &CHANNEL.replace("unknown_columns", "duplicate_content = \"refuse\"\nunknown_columns"));
    let header = "sold_on,sale_id,note,amount,currency\n";
    let day = |day: u32, amount: &str| format!("{header}2026-01-{day:02},sale-{day},,{amount},USD\n2026-02-{day:02},sale-b{day},,2.5000,USD\n");
    for number in 1..=20 {
        exports.write(&format!("in/first/{number:02}/sales.csv"), day(number, "1.2500"));
        exports.write(&format!("in/second/{number:02}/sales.csv"), day(number, "1.2500"));
    }
    exports.write("in/bad/1/sales.csv", day(21, "1.x"));
    exports.write("in/bad/2/sales.csv", "sold_on,sale_id\n2026-01-01,x\n");
    let seen = |threads: &str| {
        let place = place_of(&root, &none, &exports, threads);
        let first = place.takings(&["-vv", "run", "nightly", "--at", "2026-04-01"]).ends_with(1);
        // Of a file whose header is wrong nothing is made, but it is known so ahead.
        assert_eq!(first.err.matches(": decoded ahead").count(), if threads == "1" { 0 } else { 42 });
        first.says(&["second/01/sales.csv", "same content"]).says(&["bad/2/sales.csv", "the header lacks"]);
        let held: Vec<String> = place.quarantine().iter().map(|unit| format!("{} {}", unit["source_path"], unit["rules"])).collect();
        let rows = |place: &Place| place.rows("select sale_id, sold_on, amount, _line from shop_sale order by sale_id, sold_on, amount");
        let (before, files) = (rows(&place), parquet_files(&place));
        // The night after: one file has grown, one is another.
        exports.append("in/first/07/sales.csv", b"2026-03-01,later,,4.0000,USD\n");
        exports.write("in/first/08/sales.csv", day(28, "8.0000"));
        place.run("nightly", "2026-04-02").ends_with(1);
        let after = (rows(&place), parquet_files(&place));
        exports.write("in/first/07/sales.csv", day(7, "1.2500"));
        exports.write("in/first/08/sales.csv", day(8, "1.2500"));
        (held, before, files, after)
    };
    let (one, two) = (seen("1"), seen("2"));
    assert_eq!(one, two);
    let (held, rows, files, (after, _)) = two;
    assert_eq!((rows.len() - 1, files), (41, 41), "a file for each month of the twenty, and one row of the file with a bad one");
    assert_eq!(held.len(), 22, "the copies, and the two that are bad: {held:?}");
    assert_eq!(after.len() - 1, 46, "a line more; the rows of the eighth are others, and its copy counts now: {after:?}");
}

#[test]
fn a_large_file_gives_the_same_rows_on_one_thread_and_on_three() {
    let exports = Feeds::empty();
    let root = project_of(&exports, CHANNEL);
    let spoilt = [77_777, 200_009];
    exports.write("in/sales.csv", sales(&spoilt));
    assert!(fs::metadata(exports.path("in/sales.csv")).unwrap().len() > 16 << 20);

    let none = Feeds::empty();
    let run = |threads: &str| {
        let place = place_of(&root, &none, &exports, threads);
        place.run("nightly", "2026-04-01").ok();
        place
    };
    let (one, three) = (run("1"), run("3"));
    assert_eq!((parquet_files(&one), parquet_files(&three)), (3, 9), "a file per month, and per thread");

    let taken = RECORDS - 2;
    for place in [&one, &three] {
        let sums = "select count(*), count(distinct sale_id), count(distinct _line), sum(amount), min(_line), max(_line) from shop_sale";
        let amount = sum_of(taken);
        let expected = [taken, taken, taken].map(|number| number.to_string());
        let row = &place.rows(sums)[1];
        assert_eq!(row[..3], expected);
        assert_eq!(row[3], amount);
        assert_eq!((row[4].as_str(), row[5].as_str()), ("2", line_of(RECORDS - 1).to_string().as_str()));
        let held = place.quarantine();
        let shown = place.takings(&["--json", "quarantine", "show", held[0]["id"].as_str().unwrap()]).ok().json();
        let lines: Vec<u64> = shown.as_array().unwrap().iter().map(|record| record["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, spoilt.map(line_of));
    }
    let some = "select * from shop_sale where _line between 100000 and 100300 or _line > 263000";
    assert_eq!(one.rows(some), three.rows(some));

    // One bad record more than may be, and nothing of the file is there, whoever of the threads met them.
    exports.write("in/sales.csv", sales(&[5, 120_000, 239_999]));
    let stopped = three.run("nightly", "2026-04-02").ends_with(1);
    stopped.says(&["sales.csv", "3 bad records"]);
    assert_eq!(three.rows("select count(*) from shop_sale")[1], ["0"]);

    // All of it is held, those with a fault of their own first.
    let held = three.quarantine();
    assert_eq!((held.len(), &held[0]["records"]), (1, &RECORDS.into()));
    assert_eq!(held[0]["rules"]["file_stopped"], RECORDS - 3);
    let shown = three.takings(&["quarantine", "show", held[0]["id"].as_str().unwrap(), "--limit", "4"]).ok().out;
    let places: Vec<&str> = shown.lines().filter(|line| line.starts_with("sales.csv:")).collect();
    let bad = [5, 120_000, 239_999].map(|record| format!("sales.csv:{},", line_of(record)));
    assert!(bad.iter().zip(&places).all(|(bad, place)| place.starts_with(bad)), "{shown}");
    assert!(places.len() == 4 && places[3].starts_with("sales.csv:2:") && places[3].ends_with("(file_stopped)"), "{shown}");
    assert!(shown.ends_with(&format!("… {} more; --limit shows them\n", RECORDS - 4)), "{shown}");
}

/// Of so many amounts of 1234.5678.
fn sum_of(records: u64) -> String {
    let units = records * 12_345_678;
    format!("{}.{:04}", units / 10_000, units % 10_000)
}
