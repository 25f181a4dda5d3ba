//! The books over all channels: made-up exports of five channels, and every row of the reports as tests/fixtures/make_books.py computes it from
//! the rules alone.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::place::repository;
use crate::support::reports::Declared;
use crate::support::{Feeds, Place};

const TICK: &str = "2026-03-15";

fn books(channel: &str) -> String {
    format!("{}/tests/fixtures/books/{channel}", repository().display())
}

/// All channels of the books, AWS Marketplace among them.
fn place(feeds: &Feeds) -> Place {
    let mut place = Place::on(feeds.root());
    for channel in ["amazon_prime_video_direct", "ecb_rates", "filmhub", "reference"] {
        let name = channel.to_uppercase();
        place.set(&format!("TAKINGS_INSTANCES__{name}__MAIN__URL"), &format!("file://{}", books(channel)));
        place.set(&format!("TAKINGS_INSTANCES__{name}__MAIN__SELLER_ACCOUNT"), "1");
    }
    place
}

fn aws() -> Feeds {
    Feeds::copy_of(books("aws_marketplace").as_ref())
}

/// What differs between the rows of a section and those that it must have, told by the columns that these name.
fn differing(what: &str, header: &[String], rows: &[Vec<String>], expected: &[Value]) -> Vec<String> {
    let Some(first) = expected.first().and_then(Value::as_object) else { return Vec::new() };
    let columns: Vec<&String> = first.keys().collect();
    let places: Vec<usize> =
        columns.iter().map(|name| header.iter().position(|header| header == *name).unwrap_or_else(|| panic!("{what} has no {name}"))).collect();
    let mut found: Vec<Vec<&str>> = rows.iter().map(|row| places.iter().map(|at| row[*at].as_str()).collect()).collect();
    let mut wanted: Vec<Vec<&str>> = expected.iter().map(|row| columns.iter().map(|name| row[*name].as_str().unwrap()).collect()).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    let missing = wanted.iter().filter(|row| !found.contains(row)).map(|row| format!("{what} lacks {row:?}"));
    let strange = found.iter().filter(|row| !wanted.contains(row)).map(|row| format!("{what} has {row:?}"));
    let mut differing: Vec<String> = missing.chain(strange).collect();
    if differing.is_empty() && found.len() != wanted.len() {
        differing.push(format!("{what} has {} rows and should have {}", found.len(), wanted.len()));
    }
    differing
}

/// Holds the reports of a place against a file of expected rows: report → section → rows.
#[track_caller]
fn as_expected(place: &Place, file: &str) {
    let expected: BTreeMap<String, BTreeMap<String, Vec<Value>>> = serde_json::from_str(&fs::read_to_string(books(file)).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (report, sections) in expected {
        let declared = Declared::of(place, &report);
        let found = declared.read(&place.report(&format!("{report}/{report}_{TICK}.csv")));
        for (name, rows) in sections {
            let at = declared
                .sections
                .iter()
                .position(|section| section.data_set == format!("{report}_{name}"))
                .unwrap_or_else(|| panic!("{report} has no section {name}"));
            wrong.extend(differing(&format!("{report}, {name}:"), &found[at].header, &found[at].rows, &rows));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_figure_over_all_channels_follows_from_the_rules() {
    let feeds = aws();
    let place = place(&feeds);
    place.run("monthly", TICK).ok();
    as_expected(&place, "expected.json");
    let units = place.rows("select product_type, quantity, unit_amount, amount, currency from fct_sale where channel = 'aws_marketplace'");
    let units: Vec<Vec<&str>> = units[1..].iter().map(|row| row.iter().map(|cell| cell.trim_end_matches('0').trim_end_matches('.')).collect()).collect();
    assert_eq!(units, [["m5.large", "12.5", "0.1", "1.25", "USD"], ["seats", "3", "10", "30", "EUR"]].map(Vec::from));
    // What the reconciliation of AWS Marketplace has as open at the end of the month is what the books say is open.
    let balances = &Declared::of(&place, "earned_v_paid").read(&place.report(&format!("earned_v_paid/earned_v_paid_{TICK}.csv")))[1];
    let own: Vec<_> = balances.rows.iter().filter(|row| row[0] == "aws_marketplace").map(|row| (row[2].as_str(), row[7].as_str())).collect();
    let rolled = &Declared::of(&place, "reconciliation").read(&place.report(&format!("reconciliation/reconciliation_{TICK}.csv")))[1];
    let closing: BTreeMap<&str, &str> = rolled.column("Currency").into_iter().zip(rolled.column("Closing")).collect();
    assert_eq!(own, Vec::from_iter(closing));
}

#[test]
fn performance_counts_in_the_days_of_another_time_zone() {
    let none = Feeds::empty();
    let place = place(&none).variable("TAKINGS_PARAMETERS__PERFORMANCE_TIME_ZONE", "Europe/Berlin");
    place.takings(&["run", "monthly", "--at", TICK, "--select", "performance"]).ok();
    as_expected(&place, "expected_in_berlin.json");
    // A line that another zone has moved into the month is found by its day there.
    let file = place.report(&format!("performance/performance_{TICK}.csv"));
    let sections = Declared::of(&place, "performance").read(&file);
    let by_date = sections.iter().position(|section| section.title == "By date").unwrap();
    let first = sections[by_date].column("Date").iter().position(|day| *day == "2026-02-01").unwrap();
    let shown =
        place.takings(&["--json", "trace", file.to_str().unwrap(), "--section", &(by_date + 1).to_string(), "--row", &(first + 1).to_string()]).ok().json();
    assert_eq!(shown["proven"], true, "{shown}");
    assert!(shown["lines"].as_array().unwrap().iter().any(|line| line["raw"].as_str().unwrap().starts_with("2026-01-31 23:30")), "{shown}");
    let wrong = place.variable("TAKINGS_PARAMETERS__PERFORMANCE_TIME_ZONE", "Europe/Berln").run("monthly", TICK).ends_with(2);
    assert!(wrong.err.contains("performance_time_zone = \"Europe/Berln\" is no time zone; did you mean \"Europe/Berlin\"?"), "{}", wrong.err);
}

#[test]
fn one_report_alone_leaves_the_tick_to_be_done() {
    let feeds = aws();
    let place = place(&feeds);
    let summary = place.takings(&["--json", "run", "monthly", "--at", TICK, "--select", "payments", "--select", "earned_v_paid"]).ok().json();
    let made: Vec<&str> = summary["reports"].as_array().unwrap().iter().map(|report| report["report"].as_str().unwrap()).collect();
    assert_eq!(made, ["earned_v_paid", "payments"]);
    let folders: Vec<_> = fs::read_dir(place.store("reports")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(folders.len(), 2, "{folders:?}");
    // The tick was not done by it: a backfill of what is missing makes the others, and lets these stand.
    place.takings(&["backfill", "monthly", "--from", TICK, "--to", TICK, "--missing"]).ok();
    assert!(place.report(&format!("performance/performance_{TICK}.csv")).is_file());
    let unknown = place.takings(&["run", "monthly", "--at", TICK, "--select", "payment"]).ends_with(2);
    assert!(unknown.err.contains("job monthly makes no report `payment`; did you mean `payments`?"), "{}", unknown.err);
    let elsewhere = place.takings(&["run", "monthly", "--at", TICK, "--select", "daily_performance"]).ends_with(2);
    assert!(elsewhere.err.contains("job nightly makes it"), "{}", elsewhere.err);
}

#[test]
fn marketplace_lines_stand_in_the_books_of_those_who_keep_them() {
    let feeds = aws();
    let mut keeps = place(&feeds);
    keeps.run("nightly", TICK).ok();
    let of_aws = "select count(*) from fct_earning where channel = 'aws_marketplace'";
    assert_ne!(keeps.rows(of_aws)[1], ["0"]);
    keeps.unset("TAKINGS_INSTANCES__REFERENCE__");
    keeps.run("nightly", "2026-03-16").ok();
    assert_eq!(keeps.rows(of_aws)[1], ["0"], "who no longer keeps them");
    assert_ne!(keeps.rows("select count(*) from fct_earning")[1], ["0"], "what other channels earned stays");
    let alone = Place::on(feeds.root());
    alone.run("nightly", TICK).ok();
    assert_eq!(alone.rows("select count(*) from fct_earning")[1], ["0"]);
    assert!(!alone.store("bi/fct_earning").exists() && !alone.store("lake/fct_earning").exists());
}

#[test]
fn months_that_changed_are_made_again_and_no_others() {
    let whole = aws();
    let growing = aws();
    let path = "BillingEventFeed_V1/year=2026/month=02/data.csv";
    let text = fs::read_to_string(whole.path(path)).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    // The failure, and the disbursement of an event that was sold earlier, come later.
    let later: Vec<&str> = lines.iter().copied().filter(|line| ["d2-f,", "s4-p,", "old-p,", "d3,"].iter().any(|id| line.starts_with(id))).collect();
    lines.retain(|line| !later.contains(line));
    growing.write(path, lines.join("\n") + "\n");
    let (once, twice) = (place(&whole), place(&growing));
    once.run("monthly", TICK).ok();
    twice.run("nightly", "2026-03-14").ok();
    lines.extend(later);
    growing.write(path, lines.join("\n") + "\n");
    let summary = twice.run_json("monthly", TICK);
    let made = |table: &str| summary["marts"].as_array().unwrap().iter().find(|mart| mart["table"] == table).map(|mart| mart["months"].as_u64());
    assert_eq!((made("fct_payment"), made("fct_sale")), (Some(Some(3)), None), "{summary}");
    // Lines of the file moved, so the tables are compared by what they say.
    let said =
        "select channel, payment_id, status, kind, period_start, paid_on, net, currency, payout_amount, earning_id, known_from, known_to from fct_payment";
    assert_eq!(once.rows(said), twice.rows(said));
    for report in ["earned_v_paid", "payments", "earnings"] {
        let file = |place: &Place| fs::read_to_string(place.report(&format!("{report}/{report}_{TICK}.csv"))).unwrap();
        assert_eq!(file(&once), file(&twice));
    }
}

#[test]
fn payments_of_single_earnings_trace_to_their_events() {
    let feeds = aws();
    let place = place(&feeds);
    place.takings(&["run", "monthly", "--at", TICK, "--select", "payments"]).ok();
    let file = place.report(&format!("payments/payments_{TICK}.csv"));
    let shown = place.takings(&["--json", "trace", file.to_str().unwrap(), "--section", "2", "--row", "1"]).ok().json();
    assert_eq!(shown["proven"], true, "{shown}");
    let raw: Vec<&str> = shown["lines"].as_array().unwrap().iter().map(|line| line["raw"].as_str().unwrap()).collect();
    assert_eq!(raw.len(), 3, "{shown}");
    assert!(raw.iter().all(|line| line.contains(",d1,")), "{shown}");
}
