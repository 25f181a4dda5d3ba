//! Month files that grow, that are rewritten, and rows that come in late.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::feeds::{BILLING, cells, column_of, record_of};
use crate::support::{Feeds, Place, assert_same, bytes_under, shared};

/// The tables whose rows are compared, with where each row came from.
const TABLES: [&str; 8] =
    ["aws_account", "aws_agreement", "aws_billing_event", "aws_daily_usage", "aws_site_visit", "aws_tax_item", "fct_billing_event", "dim_account"];

/// How much of each file is there at a step: whole records, and for one file the beginning of one more.
fn deliver(feeds: &Feeds, full: &Feeds, (step, steps): (usize, usize), broken: Option<&str>) -> BTreeMap<String, usize> {
    let mut records = BTreeMap::new();
    for file in full.files() {
        let all = full.records(&file);
        let upto = 1 + (all.len() - 1) * step / steps;
        let mut bytes = all[..upto].concat();
        if broken == Some(file.as_str()) {
            bytes.extend_from_slice(&all[upto][..all[upto].len() / 2]);
        }
        feeds.write(&file, bytes);
        records.insert(file, upto - 1);
    }
    records
}

/// Records that a run decoded, by file.
fn decoded(summary: &Value) -> BTreeMap<String, u64> {
    let files = summary["exports"].as_array().unwrap().iter().flat_map(|export| export["files"].as_array().unwrap());
    let mut records = BTreeMap::new();
    for file in files {
        *records.entry(file["path"].as_str().unwrap().to_owned()).or_default() += file["records"].as_u64().unwrap();
    }
    records.retain(|_, count| *count > 0);
    records
}

fn tails(before: &BTreeMap<String, usize>, after: &BTreeMap<String, usize>) -> BTreeMap<String, u64> {
    after.iter().map(|(file, count)| (file.clone(), (count - before.get(file).unwrap_or(&0)) as u64)).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn files_that_grow_end_as_if_loaded_at_once() {
    let (finished, full) = (shared::demo(), Feeds::sample());
    let feeds = Feeds::empty();
    let place = Place::on(feeds.root());

    let first = deliver(&feeds, &full, (1, 3), None);
    let ran = place.run_json("nightly", "2026-03-12");
    assert_eq!(decoded(&ran), tails(&BTreeMap::new(), &first));

    // One file ends within a record: what is there of it is no record, and says so.
    let second = deliver(&feeds, &full, (2, 3), Some(BILLING));
    let ran = place.takings(&["--json", "run", "nightly", "--at", "2026-03-13"]).ends_with(1).says(&[BILLING, "was stopped"]);
    let mut expected = tails(&first, &second);
    *expected.get_mut(BILLING).unwrap() += 1;
    assert_eq!(decoded(&ran.json()), expected);
    assert_eq!(place.quarantine().len(), 1);

    let third = deliver(&feeds, &full, (3, 3), None);
    let ran = place.run_json("nightly", "2026-03-15");
    assert_eq!(decoded(&ran), tails(&second, &third), "more than the tails was decoded");
    let unchanged: u64 = ran["exports"].as_array().unwrap().iter().map(|export| export["unchanged"].as_u64().unwrap()).sum();
    assert!(unchanged >= third.len() as u64, "{unchanged} segments were left as they were");
    assert_eq!(place.quarantine(), Vec::<Value>::new());

    place.run("monthly", "2026-03-15").ok();
    for report in bytes_under(&finished.place.store("reports")).keys().filter(|path| path.ends_with("2026-03-15.csv")) {
        assert!(std::fs::read(finished.place.report(report)).unwrap() == std::fs::read(place.report(report)).unwrap(), "{report} differs");
    }
    assert_same(&place.store("bi"), &finished.place.store("bi"));
    for table in TABLES {
        let query = format!("select * from {table}");
        let (ours, theirs) = (place.rows(&query), finished.place.rows(&query));
        assert!(theirs.len() > 1, "{table} is empty");
        assert!(ours == theirs, "{table}: {} rows, {} when loaded at once, or other cells", ours.len(), theirs.len());
    }
}

#[test]
fn compacted_files_stay_the_files_of_what_they_hold() {
    let full = Feeds::awkward(23, 15);
    let feeds = Feeds::empty();
    let place = Place::on(feeds.root());
    for day in 1..=5 {
        deliver(&feeds, &full, (day, 5), None);
        place.run("nightly", &format!("2026-03-{:02}", 10 + day)).ok();
    }
    let rows = |place: &Place| TABLES.map(|table| place.rows(&format!("select * from {table}")));
    let before = (rows(&place), bytes_under(&place.store("bi")), bytes_under(&place.store("reports")));
    let count = |place: &Place| bytes_under(&place.store("lake")).keys().filter(|path| path.starts_with("aws_") && path.ends_with(".parquet")).count();
    let written = count(&place);

    let compacted = place.takings(&["--json", "compact"]).ok().json();
    let compacted = compacted["compacted"].as_array().unwrap().clone();
    assert!(compacted.len() > 5 && compacted.iter().all(|table| table["files"].as_u64() > table["into"].as_u64()), "{compacted:?}");
    assert!(count(&place) > written, "what older snapshots need stays");
    assert!(rows(&place) == before.0, "the snapshot shows other rows");

    // The next night decodes nothing, makes no mart again and finds every report as it stands.
    let ran = place.run_json("nightly", "2026-03-15");
    assert_eq!(decoded(&ran), BTreeMap::new());
    assert_eq!((&ran["marts"], &ran["mirrored"]), (&Value::from(Vec::<Value>::new()), &Value::from(Vec::<Value>::new())));
    assert!(ran["reports"].as_array().unwrap().iter().all(|report| report["state"] == "stands"), "{}", ran["reports"]);
    place.takings(&["run", "nightly", "--at", "2026-03-15", "--force"]).ok();
    assert!((bytes_under(&place.store("bi")), bytes_under(&place.store("reports"))) == (before.1, before.2), "what is read has changed");

    // A file that is rewritten takes all files with it that hold something of it.
    let file = billing_file(&feeds);
    let (_, old) = feeds.change(&file, 1, "invoice_id", "an-invoice-of-the-test");
    assert_ne!(old, "an-invoice-of-the-test");
    place.run("weekly", "2026-03-16").ok();
    let fresh = Place::on(feeds.root());
    fresh.run("weekly", "2026-03-16").ok();
    assert_same(&place.store("bi"), &fresh.store("bi"));
    assert!(rows(&place) == rows(&fresh));
}

#[test]
fn a_rewritten_file_replaces_its_rows() {
    let feeds = Feeds::awkward(21, 15);
    let place = Place::on(feeds.root());
    place.run("weekly", "2026-03-16").ok();
    let file = billing_file(&feeds);
    let before = place.rows("select billing_event_id, _line from aws_billing_event");

    // The first data record goes, another changes; all lines move.
    let mut records = feeds.records(&file);
    let at = column_of(&records[0], "billing_event_id");
    let gone = cells(&records.remove(1))[at].clone();
    feeds.write(&file, records.concat());
    let (_, old) = feeds.change(&file, 1, "invoice_id", "an-invoice-of-the-test");
    assert_ne!(old, "an-invoice-of-the-test");
    place.run("weekly", "2026-03-16").ok();

    let after = place.rows("select billing_event_id, _line from aws_billing_event");
    assert_eq!(after.len(), before.len() - 1, "the file's old rows are still there");
    let count = |rows: &[Vec<String>]| rows.iter().filter(|row| row[0] == gone).count();
    assert_eq!(count(&after), count(&before) - 1);
    assert_eq!(place.rows("select billing_event_id from aws_billing_event where invoice_id = 'an-invoice-of-the-test'").len(), 2);
    let other = Place::on(feeds.root());
    other.run("weekly", "2026-03-16").ok();
    assert_same(&place.store("bi"), &other.store("bi"));
}

/// The month file of billing events with the most records.
fn billing_file(feeds: &Feeds) -> String {
    let files = feeds.files().into_iter().filter(|file| file.starts_with("BillingEventFeed_V1"));
    files.max_by_key(|file| feeds.records(file).len()).unwrap()
}

#[test]
fn a_delivered_report_is_changed_only_by_a_restatement() {
    let feeds = Feeds::sample();
    let place = Place::on(feeds.root());
    place.run("nightly", "2026-03-15").ok();
    let delivered = bytes_under(&place.store("reports"));

    // Known after the report's time: another run key, the same bytes.
    let usage = "DailyUsageFeed_V1/year=2026/month=03/data.csv";
    let row = usage_of_the_day(&feeds, usage, "late-1", "2026-03-20T01:00:00Z");
    feeds.append(usage, &row);
    let ran = place.run_json("nightly", "2026-03-15");
    let state = |summary: &Value, name: &str| {
        summary["reports"].as_array().unwrap().iter().find(|report| report["report"] == name).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&ran, "daily_business"), "unchanged");
    assert_eq!(bytes_under(&place.store("reports")), delivered, "the first manifest stays");

    // Known in time, but delivered late: other bytes.
    let row = usage_of_the_day(&feeds, usage, "late-2", "2026-03-15T01:00:00Z");
    feeds.append(usage, &row);
    let ran = place.takings(&["--json", "run", "nightly", "--at", "2026-03-15"]).ends_with(1).says(&["daily_business_report_2026-03-15.csv", "--restate"]);
    assert_eq!(state(&ran.json(), "daily_business"), "conflict");
    assert_eq!(bytes_under(&place.store("reports")), delivered, "a conflict writes nothing");

    place.takings(&["run", "nightly", "--at", "2026-03-15", "--restate"]).ok();
    let restated = bytes_under(&place.store("reports/daily_business"));
    let name = "daily_business_report_2026-03-15";
    let first = &delivered[&format!("daily_business/{name}.csv")];
    assert!(restated[&format!("{name}.csv")] == *first, "the first file stays as it was");
    assert!(restated[&format!("{name}.r2.csv")] != *first);
    assert!(restated.contains_key(&format!("{name}.r2.csv.manifest.json")));
    let latest = restated.iter().find(|(path, _)| path.ends_with("latest.json")).expect("latest.json");
    assert!(String::from_utf8_lossy(latest.1).contains(&format!("{name}.r2.csv")), "{}", String::from_utf8_lossy(latest.1));
    // What has not changed has no second version.
    let others = bytes_under(&place.store("reports"));
    assert!(!others.keys().any(|path| path.starts_with("daily_customer_subscriber") && path.contains(".r2.")));

    // The restated content is now the delivered one.
    let ran = place.run_json("nightly", "2026-03-15");
    assert_eq!(state(&ran, "daily_business"), "stands");
}

/// A usage row of the covered day, copied from one that is there.
fn usage_of_the_day(feeds: &Feeds, file: &str, id: &str, known: &str) -> Vec<u8> {
    let records = feeds.records(file);
    let at = |column: &str| column_of(&records[0], column);
    let mut row = records[1..]
        .iter()
        .map(|record| cells(record))
        .find(|row| row[at("usage_date")].starts_with("2026-03-14") && row[at("delete_date")].is_empty())
        .unwrap();
    row[at("usage_feed_id")] = id.to_owned();
    for column in ["insert_date", "update_date"] {
        row[at(column)] = known.to_owned();
    }
    record_of(&row)
}
