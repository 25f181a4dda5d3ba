//! Which months of a mart are made again: those whose inputs changed, and all where what shapes it changed. Always it ends as if made at once.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::files::copy_folder;
use crate::support::place::{repository, scratch};
use crate::support::{Feeds, Place, assert_same};

/// The marts that a run made again, with the number of months; none = the whole mart.
fn made(summary: &Value) -> BTreeMap<String, Option<u64>> {
    let marts = summary["marts"].as_array().unwrap().iter();
    marts.map(|mart| (mart["table"].as_str().unwrap().to_owned(), mart["months"].as_u64())).collect()
}

#[test]
fn a_late_change_makes_its_months_again_and_no_others() {
    let feeds = Feeds::sample();
    let place = Place::on(feeds.root());
    place.run("nightly", "2026-03-15").ok();
    let months = place.rows("select distinct period_month from fct_usage").len() as u64 - 1;

    // A restated month, nine months back.
    let file = "DailyUsageFeed_V1/year=2025/month=06/data.csv";
    feeds.change(file, 1, "usage_quantity", "77.25");
    let again = made(&place.run_json("nightly", "2026-03-16"));
    let usage = again["fct_usage"].expect("by months");
    assert!((1..=3).contains(&usage) && usage < months, "{usage} of {months} months");
    assert!(!again.contains_key("fct_billing_event") && !again.contains_key("fct_tax"), "{again:?}");
    assert!(place.rows("select usage_quantity from fct_usage").iter().any(|row| row[0].starts_with("77.25")));

    // The same quantity becomes known at another time.
    feeds.change(file, 1, "update_date", "2026-03-14T01:00:00Z");
    assert_eq!(made(&place.run_json("nightly", "2026-03-17"))["fct_usage"], Some(usage));

    // Nothing new: nothing is made.
    assert_eq!(made(&place.run_json("nightly", "2026-03-18")), BTreeMap::new());
    let fresh = Place::on(feeds.root());
    fresh.run("nightly", "2026-03-18").ok();
    assert_same(&place.store("bi"), &fresh.store("bi"));
}

#[test]
fn what_shapes_a_mart_makes_it_and_its_readers_again_whole() {
    let project = scratch();
    for part in ["config", "sql", "jobs"] {
        copy_folder(&repository().join(part), &project.path().join(part));
    }
    let edit = |file: &str, from: &str, to: &str| {
        let path = project.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    };
    let place = Place::new().project(project.path());
    place.run("nightly", "2026-03-15").ok();
    let rows = |place: &Place| place.rows("select * from fct_usage order by _file_id, _line");
    let before = rows(&place);

    // A step whose rows no `changed_by` looks at: what reads it is made again all the same.
    edit("sql/intermediate/int_usage_version.sql", "next_known_at as known_to", "next_known_at + interval '1 day' as known_to");
    let again = made(&place.run_json("nightly", "2026-03-16"));
    assert_eq!((again.get("int_usage_version"), again.get("fct_usage"), again.get("fct_tax")), (Some(&None), Some(&None), None), "{again:?}");
    assert!(rows(&place) != before, "the sample has no usage line of two versions");
    let fresh = Place::new().project(project.path());
    fresh.run("nightly", "2026-03-16").ok();
    assert!(rows(&place) == rows(&fresh), "fct_usage is not as if made at once");

    // Its contract; a comment shapes nothing.
    edit("config/tables/fct_tax.toml", "description = \"", "description = \"All: ");
    edit("sql/marts/fct_invoice.sql", "-- One row", "-- A row");
    assert_eq!(made(&place.run_json("nightly", "2026-03-17")), BTreeMap::from([("fct_tax".to_owned(), None)]));
}
