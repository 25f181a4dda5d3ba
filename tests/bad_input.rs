//! Files with something wrong in them: said with file, line, column and text, kept out, and right again once mended.

use serde_json::Value;

use crate::support::feeds::{BILLING, cells, column_of, record_of};
use crate::support::{Feeds, Place, Ran, assert_same, shared};

const TAX: &str = "TaxItemFeed_V1/year=2026/month=02/data.csv";
const OLDER_BILLING: &str = "BillingEventFeed_V1/year=2026/month=02/data.csv";
const LAUNCHES: &str = "InstanceLaunches/year=2026/month=03/launches.csv";
const AGREEMENTS: &str = "AgreementFeed_V1/year=2026/month=03/data.csv";

fn state<'a>(summary: &'a Value, name: &str) -> &'a str {
    summary["reports"].as_array().unwrap().iter().find(|report| report["report"] == name).unwrap()["state"].as_str().unwrap()
}

/// The quarantined records of one file that have a fault of their own.
fn faults(place: &Place, file: &str) -> Vec<Value> {
    let listed = place.quarantine();
    let units = listed.iter().filter(|unit| unit["source_path"] == file);
    let shown = units.flat_map(|unit| {
        place.takings(&["--json", "quarantine", "show", unit["id"].as_str().unwrap(), "--limit", "100000"]).ok().json().as_array().unwrap().clone()
    });
    shown.filter(|row| row["rule"] != "file_stopped").collect()
}

/// A run that fails for these files, with the summary.
fn fails(place: &Place, job: &str, at: &str) -> Ran {
    place.takings(&["--json", "run", job, "--at", at]).ends_with(1)
}

/// With the good feeds back: exit 0, an empty quarantine, and the bytes of a project that never saw the bad ones.
fn mended(place: &Place) {
    place.run_all();
    assert_eq!(place.quarantine(), Vec::<Value>::new());
    let finished = shared::demo();
    place.shows_the_same_as(&finished.place);
}

#[test]
fn a_file_that_is_no_export_is_ignored_once_its_instance_says_so() {
    const STRAY: &str = "BillingEventFeed_V1/year=2026/month=02/copy.csv";
    const IGNORE: &str = "TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__IGNORE";
    let feeds = Feeds::sample();
    feeds.write(STRAY, b"\xff\xfenothing of a seller's\n");
    let mut place = Place::on(feeds.root());
    let stray = fails(&place, "nightly", "2026-03-15").says(&[STRAY, "was stopped", "`ignore` of [instances.aws_marketplace.main]"]);
    assert_eq!(state(&stray.json(), "disbursement"), "failed");
    // Gone from the source, it was there all the same.
    std::fs::remove_file(feeds.root().join(STRAY)).unwrap();
    fails(&place, "nightly", "2026-03-15");
    place.set(IGNORE, "/copy\\.csv$");
    mended(&place);
    // Good rows too are taken out, and come back.
    let count = |place: &Place| place.rows("select count(*) as n from aws_billing_event");
    let good = count(&place);
    place.set(IGNORE, "year=2026/month=02/");
    place.takings(&["rebuild", "aws_billing_event"]).ok();
    assert_ne!(count(&place), good);
    place.set(IGNORE, "/copy\\.csv$");
    mended(&place);
    assert_eq!(count(&place), good);
}

fn rows_of(place: &Place, table: &str, file_month: &str) -> usize {
    place.rows(&format!("select _line from {table} where period_month = date '{file_month}'")).len() - 1
}

#[test]
fn bad_records_stop_their_file_and_what_depends_on_it() {
    let feeds = Feeds::sample();
    let good = [BILLING, OLDER_BILLING, LAUNCHES].map(|file| (file, feeds.read(file)));
    let (amount_line, old) = feeds.change(BILLING, 2, "amount", "12,3x");
    assert!(!old.is_empty());

    let mut records = feeds.records(OLDER_BILLING);
    let (amount, currency) = (column_of(&records[0], "amount"), column_of(&records[0], "currency"));
    let ragged = [records[3].trim_ascii_end(), b",one cell more\n"].concat();
    records[3] = ragged;
    let mut row = cells(&records[5]);
    assert!(!row[amount].is_empty());
    row[currency] = String::new();
    records[5] = record_of(&row);
    let mut broken = records[7].clone();
    broken[3] = 0xff;
    records[7] = broken;
    let line = |record: usize| 1 + records[..record].concat().iter().filter(|byte| **byte == b'\n').count() as u64;
    let lines = [line(3), line(5), line(7)];
    feeds.write(OLDER_BILLING, records.concat());
    let (launch_line, _) = feeds.change(LAUNCHES, 1, "launched_at", "2026-02-30T00:00:00Z");

    let place = Place::on(feeds.root());
    let ran = fails(&place, "nightly", "2026-03-15")
        .says(&[BILLING, &format!("line {amount_line}"), "amount", "12,3x"])
        .says(&[OLDER_BILLING, &format!("line {}", lines[0]), "3 bad records", "quarantine show"])
        .says(&[LAUNCHES, &format!("line {launch_line}"), "launched_at", "2026-02-30"])
        .says(&["report disbursement", "was not made", "billing_event"]);
    let summary = ran.json();
    assert_eq!([state(&summary, "disbursement"), state(&summary, "daily_business")], ["failed", "failed"]);
    assert_eq!([state(&summary, "daily_customer_subscriber"), state(&summary, "daily_reftag")], ["written", "written"]);
    assert!(!place.store("reports/disbursement").exists() && !place.store("reports/daily_business").exists());

    // Nothing of a stopped file is in the lake: its good rows wait in quarantine with the bad ones.
    let of_file = |file: &str| feeds.records(file).len() - 1;
    let rows = |table: &str| place.rows(&format!("select _line from {table}")).len() - 1;
    let complete = shared::demo().place.rows("select _line from aws_billing_event").len() - 1;
    assert_eq!(rows("aws_billing_event"), complete - of_file(BILLING) - of_file(OLDER_BILLING));
    let listed = place.quarantine();
    let held = |file: &str| listed.iter().filter(|unit| unit["source_path"] == file).map(|unit| unit["records"].as_u64().unwrap()).sum::<u64>();
    assert_eq!([held(BILLING), held(OLDER_BILLING), held(LAUNCHES)], [of_file(BILLING) as u64, of_file(OLDER_BILLING) as u64, of_file(LAUNCHES) as u64]);

    let found: Vec<(u64, String)> =
        faults(&place, OLDER_BILLING).iter().map(|row| (row["line"].as_u64().unwrap(), row["rule"].as_str().unwrap().to_owned())).collect();
    assert_eq!(found, [(lines[0], "ragged".to_owned()), (lines[1], "currency".to_owned()), (lines[2], "utf8".to_owned())]);
    let amount = &faults(&place, BILLING)[0];
    assert_eq!((amount["line"].as_u64(), amount["column"].as_str()), (Some(amount_line as u64), Some("amount")));
    assert!(amount["text"].as_str().unwrap().contains("12,3x") && amount["raw"].as_str().unwrap().contains("12,3x"));
    let text = place.takings(&["quarantine", "list"]).ok().out;
    assert!(text.contains(BILLING) && text.contains("file_stopped"), "{text}");

    // The same again is still a failure, and still not made.
    fails(&place, "nightly", "2026-03-15").says(&[BILLING, "12,3x"]);
    for (file, bytes) in good {
        feeds.write(file, bytes);
    }
    mended(&place);
}

#[test]
fn a_file_whose_layout_is_unknown_is_stopped() {
    let feeds = Feeds::sample();
    let good = [TAX, LAUNCHES, AGREEMENTS].map(|file| (file, feeds.read(file)));
    let mut records = feeds.records(TAX);
    records[0] = String::from_utf8(records[0].clone()).unwrap().replace("tax_item_id", "tax_item_ident").into_bytes();
    feeds.write(TAX, records.concat());
    feeds.write(LAUNCHES, (0..=255u8).cycle().take(9_000).collect::<Vec<u8>>());
    feeds.write(AGREEMENTS, b"");

    let place = Place::on(feeds.root());
    let ran = fails(&place, "nightly", "2026-03-15")
        .says(&[&format!("{TAX}:1:"), "lacks tax_item_id", "tax_item_ident"])
        .says(&[LAUNCHES, "was stopped"])
        .says(&[AGREEMENTS, "was stopped", "header"]);
    let summary = ran.json();
    // Launches and agreements are read by the one, agreements by the other; the tax feed by neither of the two that are left.
    assert_eq!([state(&summary, "daily_business"), state(&summary, "daily_customer_subscriber")], ["failed", "failed"]);
    assert_eq!(state(&summary, "daily_reftag"), "written");
    let summary = fails(&place, "monthly", "2026-03-15").json();
    assert_eq!(state(&summary, "us_sales_and_use_tax"), "failed");
    assert_eq!(rows_of(&place, "aws_instance_launch", "2026-03-01"), 0);
    for (file, bytes) in good {
        feeds.write(file, bytes);
    }
    mended(&place);
}

#[test]
fn an_empty_file_is_stopped_every_time() {
    let feeds = Feeds::awkward(31, 10);
    let file = feeds.files().into_iter().find(|file| file.starts_with("SiteVisits")).unwrap();
    let good = feeds.read(&file);
    let place = Place::on(feeds.root());
    place.run("weekly", "2026-03-16").ok();
    for bytes in [b"".as_slice(), b"\n\n"] {
        feeds.write(&file, bytes);
        for _ in 0..2 {
            fails(&place, "weekly", "2026-03-16").says(&[&file, "header"]);
        }
    }
    feeds.write(&file, &good);
    assert_eq!(place.run_json("weekly", "2026-03-16")["reports"][0]["state"], "stands");
    assert_eq!(place.quarantine(), Vec::<Value>::new());
}

#[test]
fn a_wrong_header_without_rows_is_stopped_every_time() {
    let feeds = Feeds::awkward(31, 10);
    feeds.write("SiteVisits/year=2026/month=04/visits.csv", "a,b,c\n");
    let place = Place::on(feeds.root());
    for _ in 0..2 {
        fails(&place, "weekly", "2026-03-16").says(&["month=04/visits.csv", "lacks", "session_id"]);
    }
    assert!(!place.store("reports").exists());
}

#[test]
fn a_header_alone_is_a_month_without_rows() {
    let feeds = Feeds::awkward(31, 10);
    let place = Place::on(feeds.root());
    let header = feeds.records(&billing(&feeds))[0].clone();
    feeds.write("BillingEventFeed_V1/year=2026/month=04/data.csv", &header);
    feeds.write("BillingEventFeed_V1/year=2026/month=05/data.csv", header.trim_ascii_end());
    place.run("weekly", "2026-03-16").ok();
    assert_eq!(place.quarantine(), Vec::<Value>::new());
}

fn billing(feeds: &Feeds) -> String {
    feeds.files().into_iter().find(|file| file.starts_with("BillingEventFeed_V1")).unwrap()
}

#[test]
fn columns_that_are_new_are_left_out_with_a_warning() {
    let feeds = Feeds::awkward(31, 10);
    let plain = Place::on(feeds.root());
    plain.run("weekly", "2026-03-16").ok();
    let more = Feeds::copy_of(feeds.root());
    let file = feeds.files().into_iter().find(|file| file.starts_with("DailyUsageFeed_V1")).unwrap();
    let mut records = more.records(&file);
    for (number, record) in records.iter_mut().enumerate() {
        let cell = if number == 0 { ",carbon_grams\n".to_owned() } else { format!(",{number}\n") };
        *record = [record.trim_ascii_end(), cell.as_bytes()].concat();
    }
    more.write(&file, records.concat());
    let place = Place::on(more.root());
    let ran = place.run("weekly", "2026-03-16").ok();
    assert!(ran.out.lines().any(|line| line.starts_with("warning") && line.contains("carbon_grams") && line.contains(&file)), "{}", ran.out);
    assert_same(&place.store("bi"), &plain.store("bi"));
}

#[test]
fn bytes_of_other_systems_mean_the_same() {
    // A byte order mark, CRLF and another order of columns change no row.
    let feeds = Feeds::awkward(31, 10);
    let plain = Place::on(feeds.root());
    plain.run("weekly", "2026-03-16").ok();
    let other = Feeds::copy_of(feeds.root());
    let file = billing(&feeds);
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    for record in other.records(&file) {
        let mut row = cells(&record);
        row.reverse();
        bytes.extend(record_of(&row).trim_ascii_end());
        bytes.extend(b"\r\n");
    }
    other.write(&file, bytes);
    let place = Place::on(other.root());
    place.run("weekly", "2026-03-16").ok();
    assert_same(&place.store("bi"), &plain.store("bi"));
}

#[test]
fn a_file_that_fits_no_export_is_named_and_left() {
    let feeds = Feeds::awkward(31, 10);
    feeds.write("Notes/readme.csv", "a,b\n1,2\n");
    let place = Place::on(feeds.root());
    let ran = place.run("weekly", "2026-03-16").ok();
    assert!(ran.out.lines().any(|line| line.starts_with("warning") && line.contains("Notes/readme.csv")), "{}", ran.out);
}

#[test]
fn feeds_that_are_not_there_are_an_error_with_the_folder() {
    let nowhere = crate::support::place::scratch();
    let folder = nowhere.path().join("no-such-folder");
    let place = Place::on(&folder);
    fails(&place, "nightly", "2026-03-15").says(&["no-such-folder"]);
}

#[test]
fn a_report_whose_export_is_missing_is_not_made_and_the_others_are() {
    let feeds = Feeds::awkward(31, 10);
    std::fs::remove_dir_all(feeds.path("InstanceLaunches")).unwrap();
    std::fs::remove_dir_all(feeds.path("SiteVisits")).unwrap();
    let place = Place::on(feeds.root());
    let ran = place.run("nightly", "2026-03-15");
    assert!(ran.out.lines().any(|line| line.contains("daily_reftag") && line.contains("not made") && line.contains("site_visit")), "{}", ran.out);
    assert!(place.store("reports/disbursement").exists() && !place.store("reports/daily_reftag").exists());
}

#[test]
fn records_left_out_by_a_named_rule_are_counted() {
    let project = crate::support::place::scratch();
    for part in ["config", "sql", "jobs"] {
        crate::support::files::copy_folder(&crate::support::place::repository().join(part), &project.path().join(part));
    }
    let channel = project.path().join("config/channels/aws_marketplace.toml");
    let text = std::fs::read_to_string(&channel).unwrap();
    let rule = "\n[[exports.exclude]]\nname = \"internal_visits\"\ncolumn = \"event\"\nequals = [\"view\", \"internal\"]\n";
    let at = text.find("table = \"aws_site_visit\"").unwrap();
    let end = at + text[at..].find("quarantine_limit = 0\n").unwrap() + "quarantine_limit = 0\n".len();
    std::fs::write(&channel, format!("{}{rule}{}", &text[..end], &text[end..])).unwrap();

    let feeds = Feeds::awkward(31, 10);
    let file = feeds.files().into_iter().find(|file| file.starts_with("SiteVisits")).unwrap();
    let records = feeds.records(&file).len() as u64 - 1;
    feeds.change(&file, 1, "event", "internal");
    let place = Place::on(feeds.root()).project(project.path());
    let summary = place.run_json("weekly", "2026-03-16");
    let visits = summary["exports"].as_array().unwrap().iter().find(|export| export["export"] == "site_visit").unwrap();
    let unit = visits["files"].as_array().unwrap().iter().find(|unit| unit["path"] == file.as_str()).unwrap();
    let excluded = unit["excluded"]["internal_visits"].as_u64().unwrap();
    assert!(excluded >= 1, "{unit}");
    assert_eq!(unit["records"].as_u64(), Some(records));
    assert_eq!(unit["published"].as_u64(), Some(records - excluded));
    assert_eq!(place.quarantine(), Vec::<Value>::new());
    // The next run does not take them for something new.
    assert_eq!(place.run_json("weekly", "2026-03-16")["reports"][0]["state"], "stands");
}
