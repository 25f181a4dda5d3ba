//! A report uses only what was known at its time: feeds cut off there give the same bytes as feeds that go on.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::support::feeds::{cells, column_of};
use crate::support::{Feeds, Place, assert_same_files, bytes_under, shared};

/// R4 in our own words, from the feed's name and columns.
fn known(feed: &str, header: &[u8], record: &[u8]) -> Option<DateTime<Utc>> {
    let cells = cells(record);
    let time = |column: &str| {
        let text = cells[column_of(header, column)].as_str();
        (!text.is_empty() && text != "null").then(|| instant(text))
    };
    let next_day = |at: DateTime<Utc>| at + Days::new(1);
    match feed {
        "ProductPages" => None,
        "SiteVisits" => time("occurred_at").map(next_day),
        "InstanceLaunches" => time("launched_at").map(next_day),
        "AgreementDetails" => time("agreement_acceptance_date").map(next_day),
        _ => {
            let usage_date = || if feed == "DailyUsageFeed_V1" { time("usage_date") } else { None };
            time("update_date").or_else(|| time("insert_date")).or_else(|| time("valid_from").or_else(usage_date).map(next_day))
        }
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return at.to_utc();
    }
    let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(text, "%d-%b-%Y"));
    at.or_else(|_| day().map(|day| day.and_time(NaiveTime::MIN))).unwrap_or_else(|_| panic!("not a time: {text}")).and_utc()
}

/// A copy without the rows that became known later, and how many were left out by feed.
fn cut_off(feeds: &Path, at: &str) -> (Feeds, BTreeMap<String, usize>) {
    let at = instant(at);
    let cut = Feeds::copy_of(feeds);
    let mut gone = BTreeMap::new();
    for file in cut.files() {
        let feed = file.split('/').next().unwrap().to_owned();
        let records = cut.records(&file);
        let kept: Vec<Vec<u8>> = records
            .iter()
            .enumerate()
            .filter(|(number, record)| *number == 0 || known(&feed, &records[0], record).is_none_or(|known| known <= at))
            .map(|(_, record)| record.clone())
            .collect();
        if kept.len() < records.len() {
            *gone.entry(feed).or_default() += records.len() - kept.len();
            cut.write(&file, kept.concat());
        }
    }
    (cut, gone)
}

/// Report files and data sets of a tick, without what names the inputs.
fn made(place: &Place, tick: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = bytes_under(&place.store("reports"));
    files.extend(bytes_under(&place.store("datasets")));
    files.retain(|path, _| path.ends_with(&format!("{tick}.csv")));
    files
}

/// Cuts the feeds at tick + 1 day, runs the jobs of the tick on what is left, and compares.
#[track_caller]
fn same_when_cut_off(full: &Place, jobs: &[&str], tick: &str, known_at: &str, at_least: usize, reports: usize) {
    let (cut, gone) = cut_off(full.feeds(), known_at);
    assert!(gone.values().sum::<usize>() >= at_least && gone.contains_key("BillingEventFeed_V1"), "too little was cut off: {gone:?}");
    let short = Place::on(cut.root()).sharing();
    for job in jobs {
        short.run(job, tick).ok();
    }
    let (ours, theirs) = (made(&short, tick), made(full, tick));
    assert_eq!(theirs.keys().filter(|path| path.contains('/')).count(), reports, "{:?}", theirs.keys());
    assert_same_files(&ours, &theirs);
}

#[test]
fn every_nightly_and_monthly_report_uses_only_what_was_known() {
    same_when_cut_off(&shared::sharing().place, &["nightly", "monthly"], "2026-03-15", "2026-03-16T00:00:00Z", 20, 8);
}

#[test]
fn the_weekly_report_uses_only_what_was_known() {
    same_when_cut_off(&shared::sharing().place, &["weekly"], "2026-03-16", "2026-03-17T00:00:00Z", 10, 1);
}

#[test]
fn feeds_full_of_late_rows_use_only_what_was_known() {
    let feeds = Feeds::awkward(11, 60);
    let full = Place::on(feeds.root()).sharing();
    full.run("nightly", "2026-03-15").ok();
    full.run("monthly", "2026-03-15").ok();
    same_when_cut_off(&full, &["nightly", "monthly"], "2026-03-15", "2026-03-16T00:00:00Z", 50, 8);

    // The other side: `--known-at now` lets in what the tick's own time leaves out.
    let late = Place::on(feeds.root()).sharing();
    late.takings(&["run", "nightly", "--at", "2026-03-15", "--known-at", "now"]).ok();
    let on_time = made(&full, "2026-03-15");
    let differing = made(&late, "2026-03-15").iter().filter(|(path, bytes)| on_time[*path] != **bytes).count();
    assert!(differing > 0, "later rows change nothing: the cut proves nothing");
}

#[test]
fn a_rate_that_is_not_known_yet_ends_no_other() {
    let (none, rates) = (Feeds::empty(), Feeds::empty());
    rates.write("eurofxref-hist.csv", "Date,USD,\n2026-02-06,1.25,\n2026-02-05,1.1,\n");
    let mut place = Place::on(none.root());
    place.set("TAKINGS_INSTANCES__ECB_RATES__MAIN__URL", &format!("file://{}", rates.root().display()));
    place.set("TAKINGS_INSTANCES__ECB_RATES__MAIN__SELLER_ACCOUNT", "1");
    place.run("nightly", "2026-03-15").ok();
    let known = |day: &str, at: &str| -> Vec<String> {
        let query = format!(
            "select per_euro from dim_fx_rate where currency = 'USD' and valid_from <= date '{day}' and valid_to > date '{day}' \
             and known_from <= $known_at and (known_to is null or known_to > $known_at)"
        );
        let found = place.takings(&["sql", &query, "--known-at", at, "--format", "csv"]).ok().out;
        found.lines().skip(1).map(|rate| rate.trim_end_matches('0').to_owned()).collect()
    };
    assert!(known("2026-02-05", "2026-02-05T23:00:00Z").is_empty(), "a rate is known the day after");
    assert_eq!(known("2026-02-05", "2026-02-06T12:00:00Z"), ["1.1"]);
    assert_eq!(known("2026-02-06", "2026-02-06T12:00:00Z"), ["1.1"], "the day's own rate is not known yet");
    assert_eq!(known("2026-02-06", "2026-02-07T00:00:00Z"), ["1.25"]);
    assert_eq!(known("2026-02-05", "2026-02-07T00:00:00Z"), ["1.1"], "and stays for its own day");
    // R55: for a week at most.
    assert_eq!(known("2026-02-13", "2026-03-15T00:00:00Z"), ["1.25"]);
    assert!(known("2026-02-14", "2026-03-15T00:00:00Z").is_empty());
}
