//! A file that several threads decode and write at the same time.

use std::fmt::Write;
use std::fs;

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

#[test]
fn a_large_file_gives_the_same_rows_on_one_thread_and_on_three() {
    let exports = Feeds::empty();
    let root = exports.path("project");
    Place::on(exports.root()).takings(&["init", root.to_str().unwrap()]).ok();
    fs::write(root.join("config/channels/shop.toml"), CHANNEL).unwrap();
    fs::write(root.join("config/tables/shop_sale.toml"), TABLE).unwrap();
    let spoilt = [77_777, 200_009];
    exports.write("in/sales.csv", sales(&spoilt));
    assert!(fs::metadata(exports.path("in/sales.csv")).unwrap().len() > 16 << 20);

    let none = Feeds::empty();
    let run = |threads: &str| {
        let place = Place::on(none.root())
            .project(&root)
            .variable("TAKINGS_ENGINE__THREADS", threads)
            .variable("TAKINGS_INSTANCES__SHOP__MAIN__URL", &format!("file://{}", exports.path("in").display()))
            .variable("TAKINGS_INSTANCES__SHOP__MAIN__SELLER_ACCOUNT", "1");
        place.run("nightly", "2026-04-01").ok();
        place
    };
    let files = |place: &Place| bytes_under(&place.store("lake/shop_sale")).keys().filter(|path| path.ends_with(".parquet")).count();
    let (one, three) = (run("1"), run("3"));
    assert_eq!((files(&one), files(&three)), (3, 9), "a file per month, and per thread");

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
}

/// Of so many amounts of 1234.5678.
fn sum_of(records: u64) -> String {
    let units = records * 12_345_678;
    format!("{}.{:04}", units / 10_000, units % 10_000)
}
