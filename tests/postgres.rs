//! The ledger in PostgreSQL, on a real server: the same reports, and a run goes on or ends in words when the server is restarted under it.

use std::io::{BufRead, BufReader, Read};

use crate::support::postgres::{Server, own, shared};
use crate::support::{Feeds, Place, Ran, bytes_under};

const RUN: [&str; 4] = ["run", "nightly", "--at", "2026-03-15"];

fn place(feeds: &Feeds, server: &Server, database: &str) -> Place {
    server.sql("postgres", &format!("CREATE DATABASE {database}"));
    Place::on(feeds.root()).variable("TAKINGS_LEDGER__URL", &server.url(database))
}

fn same_as_alone(place: &Place, feeds: &Feeds) {
    let alone = Place::on(feeds.root());
    alone.takings(&RUN).ok();
    place.shows_the_same_as(&alone);
}

#[test]
fn a_night_with_its_ledger_in_postgresql_makes_the_same_reports() {
    let Some(server) = shared() else { return };
    let feeds = Feeds::awkward(81, 15);
    let place = place(&feeds, server, "night");
    let both = [place.spawn(&RUN), place.spawn(&RUN)].map(|child| Ran::new(&RUN, child.wait_with_output().unwrap()));
    let mut codes: Vec<Option<i32>> = both.iter().map(|ran| ran.code).collect();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)], "{}\n{}", both[0].err, both[1].err);
    for ran in both.into_iter().filter(|ran| ran.code == Some(1)) {
        ran.says(&["another run holds the project"]);
    }
    same_as_alone(&place, &feeds);
    let ran = place.run_json("nightly", "2026-03-15");
    assert!(ran["reports"].as_array().unwrap().iter().all(|report| report["state"] == "stands"), "{}", ran["reports"]);

    // Lost, it is made again from what the store says.
    let delivered = bytes_under(&place.store("reports"));
    server.sql("postgres", "DROP DATABASE night WITH (FORCE)");
    server.sql("postgres", "CREATE DATABASE night");
    place.takings(&["rebuild", "ledger"]).ok();
    place.takings(&RUN).ok();
    assert!(bytes_under(&place.store("reports")) == delivered, "something was delivered again");
}

#[test]
fn a_server_that_restarts_under_a_run_costs_at_most_that_run() {
    let Some(server) = own("") else { return };
    let feeds = Feeds::awkward(82, 15);
    for (database, step, how) in [("first", "publish", "fast"), ("second", "transform", "immediate"), ("third", "emit", "fast")] {
        let place = place(&feeds, &server, database);
        let mut child = place.spawn(&RUN);
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while said.read_line(&mut line).unwrap() > 0 && !line.trim_start().starts_with(step) {
            line.clear();
        }
        assert!(line.contains(step), "it ended before {step}");
        server.restart(how);
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        if !child.wait().unwrap().success() {
            let error = rest.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("no error in words:\n{rest}"));
            assert!(error.contains("run again"), "no next step: {error}");
            place.takings(&RUN).ok();
        }
        same_as_alone(&place, &feeds);
    }
}
