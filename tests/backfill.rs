//! A backfill that is killed goes on where it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::support::{Feeds, Place};

const RANGE: [&str; 6] = ["backfill", "nightly", "--from", "2026-03-10", "--to", "2026-03-15"];

/// How often each tick ran, by the state of its runs.
fn runs(place: &Place) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for run in place.takings(&["--json", "runs"]).ok().json().as_array().unwrap() {
        let of = |key: &str| run[key].as_str().unwrap_or("-").to_owned();
        *counts.entry((of("tick"), of("state"))).or_default() += 1;
    }
    counts
}

#[test]
fn a_killed_backfill_goes_on_where_it_was() {
    let feeds = Feeds::awkward(71, 15);
    let place = Place::on(feeds.root());
    let mut child = place.spawn(&RANGE);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("2 of 6: nightly at 2026-03-11T00:00:00Z: done")), "its progress is not shown");
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "it was through before it could be killed");

    let rest = place.takings(&[&RANGE[..], &["--missing"]].concat()).ok().out;
    let left: usize = rest.split(", ").nth(1).and_then(|text| text.split(' ').next()).and_then(|count| count.parse().ok()).unwrap();
    assert!((1..=4).contains(&left), "{rest}");
    assert!(rest.contains(&format!("{left} of {left}: nightly at 2026-03-15T00:00:00Z: done")), "{rest}");
    let counts = runs(&place);
    for day in 10..=15 {
        let done = counts.get(&(format!("2026-03-{day}T00:00:00Z"), "delivered".to_owned()));
        assert_eq!(done, Some(&1), "the {day}th: {counts:?}");
    }
    assert!(place.takings(&[&RANGE[..], &["--missing"]].concat()).ok().out.contains("0 to run"));

    let alone = Place::on(feeds.root());
    alone.takings(&RANGE).ok();
    place.shows_the_same_as(&alone);
}
