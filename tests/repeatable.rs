//! The same inputs give the same bytes: again, forced, rebuilt, in another folder and in another order.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

use crate::support::files::times_under;
use crate::support::{Feeds, Place, assert_same_files, bytes_under, shared};

/// What readers see of a store.
fn seen(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let parts = ["reports", "datasets", "bi"];
    parts.into_iter().flat_map(|part| bytes_under(&place.store(part)).into_iter().map(move |(path, bytes)| (format!("{part}/{path}"), bytes))).collect()
}

fn written_at(place: &Place) -> BTreeMap<String, SystemTime> {
    let parts = ["reports", "datasets", "bi", "lake", "landing"];
    parts.into_iter().flat_map(|part| times_under(&place.store(part)).into_iter().map(move |(path, time)| (format!("{part}/{path}"), time))).collect()
}

fn states(summary: &Value) -> Vec<&str> {
    summary["reports"].as_array().unwrap().iter().map(|report| report["state"].as_str().unwrap()).collect()
}

#[test]
fn again_forced_and_rebuilt_give_the_same_bytes() {
    let feeds = Feeds::awkward(3, 25);
    let place = Place::on(feeds.root());
    assert_eq!(states(&place.run_json("nightly", "2026-03-15")), ["written"; 4]);
    let (first, times) = (seen(&place), written_at(&place));

    let again = place.run_json("nightly", "2026-03-15");
    assert_eq!(states(&again), ["stands"; 4]);
    assert_eq!(again["marts"].as_array().unwrap().len(), 0);
    assert!(times == written_at(&place), "a file was written although nothing has changed");

    let forced = place.takings(&["--json", "run", "nightly", "--at", "2026-03-15", "--force"]).ok().json();
    assert_eq!(forced["marts"].as_array().unwrap().len(), 25, "a forced run makes every mart again");
    assert_same_files(&first, &seen(&place));

    for table in ["aws_billing_event", "aws_site_visit", "fct_usage", "dim_account"] {
        place.takings(&["rebuild", table]).ok();
    }
    assert_same_files(&first, &seen(&place));
    for part in ["reports", "datasets"] {
        std::fs::remove_dir_all(place.store(part)).unwrap();
    }
    assert_eq!(states(&place.run_json("nightly", "2026-03-15")), ["written"; 4]);
    assert_same_files(&first, &seen(&place));
}

#[test]
fn another_folder_and_order_give_the_same_bytes() {
    let finished = shared::demo();
    let feeds = Feeds::sample();
    let other = Place::on(feeds.root());
    other.run("weekly", "2026-03-16").ok();
    other.run("monthly", "2026-03-15").ok();
    other.run("nightly", "2026-03-15").ok();
    other.shows_the_same_as(&finished.place);
}

#[test]
fn comments_threads_and_urls_are_no_reason_to_make_a_report_again() {
    let feeds = Feeds::awkward(5, 10);
    let project = crate::support::place::scratch();
    for part in ["config", "sql", "jobs"] {
        crate::support::files::copy_folder(&crate::support::place::repository().join(part), &project.path().join(part));
    }
    let mut place = Place::on(feeds.root()).project(project.path());
    assert_eq!(states(&place.run_json("weekly", "2026-03-16")), ["written"]);
    let section = project.path().join("sql/reports/weekly_reftag/clicks_and_conversions.sql");
    let text = std::fs::read_to_string(&section).unwrap();
    std::fs::write(&section, format!("-- A remark.\n{}\n\n", text.replace("\n    ", "\n        "))).unwrap();
    place.set("TAKINGS_ENGINE__THREADS", "1");
    place.set("TAKINGS_ENGINE__MEMORY", "700 MiB");
    assert_eq!(states(&place.run_json("weekly", "2026-03-16")), ["stands"]);
    // What does shape it is noticed.
    place.set("TAKINGS_PARAMETERS__REF_TAG_LOOKBACK_DAYS", "1");
    let ran = place.takings(&["--json", "run", "weekly", "--at", "2026-03-16"]);
    assert_ne!(states(&ran.json()), ["stands"]);
}

#[test]
fn a_lost_ledger_is_made_again_and_nothing_is_delivered_twice() {
    let place = Place::new();
    place.run_all();
    let not_lost = place.takings(&["rebuild", "ledger"]).ends_with(2);
    assert!(not_lost.err.contains("is not lost"), "{}", not_lost.err);
    let (reports, bi) = (bytes_under(&place.store("reports")), bytes_under(&place.store("bi")));
    let landed = place.rows("select count(*) as n, sum(_line) as lines from aws_billing_event");
    std::fs::remove_dir_all(place.ledger().parent().unwrap()).unwrap();

    let rebuilt = place.takings(&["--json", "rebuild", "ledger"]).ok().json();
    assert_eq!((rebuilt["ticks"].as_u64(), rebuilt["reports"].as_u64()), (Some(3), Some(reports.keys().filter(|path| path.ends_with(".csv")).count() as u64)));
    assert!(bytes_under(&place.store("reports")) == reports && bytes_under(&place.store("bi")) == bi);
    assert_eq!(place.rows("select count(*) as n, sum(_line) as lines from aws_billing_event"), landed);
    // The scheduler knows what is done, and a run finds that everything stands.
    let again = place.run_json("nightly", "2026-03-15");
    assert!(again["reports"].as_array().unwrap().iter().all(|report| report["outcome"] != "written"), "{again}");
    assert!(bytes_under(&place.store("reports")) == reports && bytes_under(&place.store("bi")) == bi);
    let calendar = place.takings(&["--json", "runs", "calendar", "--job", "nightly", "--days", "1000"]).ok().json();
    let day = calendar.as_array().unwrap().iter().find(|tick| tick["day"] == "2026-03-15").expect("the tick is known");
    assert_eq!(day["state"], "delivered", "{day}");
}
