//! `kill -9` at every stage and at moments in between: the next run goes on by itself, and the end is that of a run nobody disturbed.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::place::through;
use crate::support::{Feeds, Place, bytes_under};

const RUN: [&str; 4] = ["run", "nightly", "--at", "2026-03-15"];

/// A run nobody disturbs, and how long it takes.
fn undisturbed(feeds: &Feeds) -> (Place, Duration) {
    let place = Place::on(feeds.root());
    let start = Instant::now();
    place.takings(&RUN).ok();
    (place, start.elapsed())
}

/// How often a kill is tried that came after the end of the run.
const TRIES: u32 = 8;

/// Ends the process with SIGKILL; whether it was still at work.
fn kill(mut child: Child) -> bool {
    let _ = child.kill();
    child.wait().unwrap().signal() == Some(9)
}

/// Kills the run when it says that it begins `stage`, `after` later.
fn kill_at(place: &Place, stage: &str, after: Duration) -> bool {
    let mut child = place.spawn(&RUN);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 && !line.trim_start().starts_with(stage) {
        line.clear();
    }
    std::thread::sleep(after);
    kill(child)
}

/// What must hold at any moment after a kill, before anything else is started: what readers may find is whole.
fn nothing_half_is_seen(place: &Place, end: &Place) {
    for part in ["reports", "datasets", "bi"] {
        let complete = bytes_under(&end.store(part));
        for (path, bytes) in bytes_under(&place.store(part)) {
            let expected = complete.get(&path).unwrap_or_else(|| panic!("{part}/{path} is an orphan"));
            assert!(bytes == *expected, "{part}/{path} is not what it should be");
        }
    }
}

/// Rows and line numbers of every table of the lake, read from its files.
fn sums(place: &Place) -> Vec<Vec<String>> {
    let tables = std::fs::read_dir(place.store("lake")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let parts: Vec<String> = tables.map(|table| format!("select '{table}' as name, count(*) as n, sum(_line) as lines from {table}")).collect();
    assert_eq!(parts.len(), 42);
    place.rows(&parts.join(" union all "))
}

/// The next run mends all by itself.
fn goes_on(place: &Place, end: &Place) {
    place.takings(&RUN).ok();
    place.shows_the_same_as(end);
    assert!(bytes_under(&place.store("staging")).is_empty(), "temporary files are left");
    assert_eq!(sums(place), sums(end), "a table can't be read in full");
    let unfinished: Vec<Value> =
        place.takings(&["--json", "runs"]).ok().json().as_array().unwrap().iter().filter(|run| run["ended"].is_null()).cloned().collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");
}

#[test]
fn killed_at_every_stage_it_goes_on_where_it_was() {
    let feeds = Feeds::awkward(41, 25);
    let (end, clean) = undisturbed(&feeds);
    let mut place = Place::on(feeds.root());
    let pause = clean / 60;
    // One store, killed again and again: at the beginning of each step, and a little into it.
    let stages = [
        ("run", 0),
        ("pull", 0),
        ("pull", 1),
        ("publish", 0),
        ("publish", 1),
        ("publish", 2),
        ("transform", 0),
        ("transform", 2),
        ("transform", 6),
        ("mirror", 0),
        ("mirror", 1),
        ("emit  daily_business", 0),
        ("emit  daily_customer", 0),
        ("emit  daily_reftag", 0),
        ("emit  disbursement", 0),
    ];
    for (stage, pauses) in stages {
        let mut pauses = pauses;
        let fired = (0..TRIES).any(|_| {
            let fired = kill_at(&place, stage, pause * pauses);
            nothing_half_is_seen(&place, &end);
            if !fired {
                // The run was through before: a fresh one has more to do, and the kill comes earlier.
                goes_on(&place, &end);
                place = Place::on(feeds.root());
                pauses /= 2;
            }
            fired
        });
        assert!(fired, "no kill at {stage} met a running process");
    }
    goes_on(&place, &end);
}

#[test]
fn killed_at_any_moment_the_next_run_mends_it() {
    let feeds = Feeds::awkward(42, 10);
    let (end, clean) = undisturbed(&feeds);
    // Each on a fresh store, so that the moment lies within a full run.
    for part in [7, 19, 31, 43, 52, 61, 74, 88] {
        let mut moment = clean * part / 100;
        let fired = (0..TRIES).any(|_| {
            let place = Place::on(feeds.root());
            let child = place.spawn(&RUN);
            // The pipes are large enough to hold all that it says; nothing waits for a reader.
            std::thread::sleep(moment);
            let fired = kill(child);
            nothing_half_is_seen(&place, &end);
            goes_on(&place, &end);
            moment = moment * 4 / 5;
            fired
        });
        assert!(fired, "no kill at {part} % of a run met a running process");
    }
}

#[test]
fn a_run_that_was_killed_in_another_container_holds_nobody_up() {
    // Process numbers of its own, as in a container.
    const CONTAINED: [&str; 4] = ["unshare", "--pid", "--fork", "--kill-child"];
    if !through(&CONTAINED, &Command::new("true")).output().is_ok_and(|output| output.status.success()) {
        return eprintln!("\nNOT RUN: a process with numbers of its own can't be started here (unshare --pid); run as root\n");
    }
    let feeds = Feeds::awkward(44, 10);
    let (end, _) = undisturbed(&feeds);
    let place = Place::on(feeds.root());
    let mut child = through(&CONTAINED, &place.command(&RUN)).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 && !line.trim_start().starts_with("transform") {
        line.clear();
    }
    place.takings(&RUN).ends_with(1).says(&["another run holds the project"]);
    assert!(kill(child), "it was through before it could be killed");
    // Its own end comes a moment after that of the container.
    let mut rest = String::new();
    let _ = said.read_to_string(&mut rest);
    goes_on(&place, &end);
}

#[test]
fn a_killed_restatement_leaves_the_first_report_alone() {
    let feeds = Feeds::awkward(43, 10);
    let place = Place::on(feeds.root());
    place.takings(&RUN).ok();
    let before = bytes_under(&place.store("reports"));
    let mut child =
        place.command(&["run", "nightly", "--at", "2026-03-15", "--known-at", "now", "--restate"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 && !line.contains("emit  disbursement") {
        line.clear();
    }
    assert!(kill(child), "it was through before it could be killed");
    let mut rest = String::new();
    let _ = said.read_to_string(&mut rest);
    let after = bytes_under(&place.store("reports"));
    for (path, bytes) in &before {
        assert!(path.ends_with("latest.json") || after[path] == *bytes, "{path} was touched");
    }
    place.takings(&["run", "nightly", "--at", "2026-03-15", "--known-at", "now", "--restate"]).ok();
    let end = bytes_under(&place.store("reports"));
    assert!(end.keys().any(|path| path.contains(".r2.csv")) && !end.keys().any(|path| path.contains(".r3.csv")), "{:?}", end.keys());
}
