//! The scheduler as a process, on real time with a short lease and a short poll: made-up ticks, two at once, deaths, signals, the web pages.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::feeds::{BILLING, cells, column_of, record_of};
use crate::support::files::copy_folder;
use crate::support::place::{repository, scratch};
use crate::support::{Feeds, Place};

/// Three nights in the past, whatever the day of the test is.
const NIGHTLY: &str = "job = \"nightly\"\nschedule = \"0 0 13-15 3 *\"\ntimezone = \"UTC\"\ncovers = \"previous_day\"\nstart = \"2026-03-13\"\n";
const TICKS: [&str; 3] = ["2026-03-13T00:00:00Z", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z"];

/// A copy of the shipped project in which only nightly has anything to do.
fn project(nightly: &str) -> TempDir {
    let folder = scratch();
    for part in ["config", "sql"] {
        copy_folder(&repository().join(part), &folder.path().join(part));
    }
    let jobs = folder.path().join("jobs");
    std::fs::create_dir(&jobs).unwrap();
    std::fs::write(jobs.join("nightly.toml"), nightly).unwrap();
    for (name, covers) in [("weekly", "previous_7_days"), ("monthly", "previous_month")] {
        let text = format!("job = \"{name}\"\nschedule = \"0 0 1 1 *\"\ntimezone = \"UTC\"\ncovers = \"{covers}\"\nstart = \"2400-01-01\"\n");
        std::fs::write(jobs.join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

fn place(project: &TempDir, feeds: &Feeds) -> Place {
    Place::on(feeds.root())
        .project(project.path())
        .variable("TAKINGS_SCHEDULER__POLL", "1s")
        .variable("TAKINGS_SCHEDULER__LEASE", "3s")
        .variable("TAKINGS_SCHEDULER__RETRY_AFTER", "1s")
}

/// The ticks up to those of the test: day, state of the ledger.
fn calendar(place: &Place) -> Vec<Value> {
    let ticks = place.takings(&["--json", "runs", "calendar", "--job", "nightly", "--days", "20000"]).ok().json();
    ticks.as_array().unwrap().iter().filter(|tick| TICKS.contains(&tick["tick"].as_str().unwrap())).cloned().collect()
}

fn states(place: &Place) -> Vec<String> {
    calendar(place).iter().map(|tick| tick["state"].as_str().unwrap_or("-").to_owned()).collect()
}

/// Runs of the test's ticks, the first started first.
fn runs(place: &Place) -> Vec<Value> {
    let mut runs = place.takings(&["--json", "runs"]).ok().json().as_array().unwrap().clone();
    runs.retain(|run| TICKS.contains(&run["tick"].as_str().unwrap()));
    runs.reverse();
    runs
}

fn of_runs(place: &Place, key: &str) -> Vec<String> {
    runs(place).iter().map(|run| run[key].as_str().map_or_else(|| run[key].to_string(), str::to_owned)).collect()
}

/// The nights as somebody runs them by hand.
fn by_hand(feeds: &Feeds) -> Place {
    let place = Place::on(feeds.root());
    for tick in TICKS {
        place.run("nightly", tick).ok();
    }
    place
}

/// A scheduler at work; its log is read line by line. It does not outlive the test.
struct Scheduler {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
    log: Vec<Value>,
}

impl Scheduler {
    fn start(place: &Place) -> Self {
        let mut child = place.command(&["serve", "--log-format", "json"]).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said, log: Vec::new() }
    }

    /// Reads the log until a line fits.
    #[track_caller]
    fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            line.clear();
            self.log.push(said.clone());
            if fits(&said) {
                return said;
            }
        }
        panic!("it ended before {what}: {:?}", self.log.last());
    }

    fn until_step(&mut self, step: &str) {
        self.until(step, |line| line["step"] == step);
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Its end, with all that it said.
    fn end(mut self) -> (std::process::ExitStatus, Vec<Value>) {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let mut log = std::mem::take(&mut self.log);
        log.extend(rest.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        (self.child.wait().unwrap(), log)
    }

    fn stop(self) -> Vec<Value> {
        self.signal("TERM");
        let (status, log) = self.end();
        assert!(status.success(), "{status}: {log:?}");
        log
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what} took too long");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn missed_nights_are_made_up_in_order_and_once() {
    let (feeds, project) = (Feeds::awkward(61, 10), project(NIGHTLY));
    let place = place(&project, &feeds);
    place.takings(&["serve", "--once"]).ok();
    assert_eq!(of_runs(&place, "tick"), TICKS);
    assert_eq!(states(&place), ["delivered"; 3]);
    // Each with its own known-at, however late it ran.
    assert_eq!(of_runs(&place, "known_at"), ["2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z", "2026-03-16T00:00:00Z"]);
    place.takings(&["serve", "--once"]).ok();
    assert_eq!(runs(&place).len(), 3, "what is done is not done again");
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
    let shown = place.takings(&["runs", "--days", "20000"]).ok().out;
    // What the nights cover became known in part after they were to be made: made up late, they are stale at once, and that is said.
    assert!(shown.contains("s stale"), "{shown}");
}

#[test]
fn two_schedulers_run_each_tick_once() {
    let (feeds, project) = (Feeds::awkward(62, 10), project(NIGHTLY));
    let place = place(&project, &feeds);
    let both = [Scheduler::start(&place), Scheduler::start(&place)];
    wait_for("three nights", || states(&place) == ["delivered"; 3]);
    // Both look once more before they end.
    std::thread::sleep(Duration::from_secs(2));
    for scheduler in both {
        scheduler.stop();
    }
    assert_eq!(of_runs(&place, "tick"), TICKS, "one run for each tick");
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
}

#[test]
fn a_killed_scheduler_is_taken_over_by_another() {
    let (feeds, project) = (Feeds::awkward(63, 10), project(NIGHTLY));
    let place = place(&project, &feeds);
    let mut first = Scheduler::start(&place);
    first.until_step("transform");
    first.child.kill().unwrap();
    assert_eq!(first.end().0.signal(), Some(9));
    let second = Scheduler::start(&place);
    wait_for("three nights", || states(&place) == ["delivered"; 3]);
    second.stop();
    assert_eq!(of_runs(&place, "state"), ["failed", "delivered", "delivered", "delivered"]);
    // Done again under the same attempt; a death is no failure of the tick.
    assert_eq!(of_runs(&place, "retry"), ["0", "1", "0", "0"]);
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
}

#[test]
fn a_scheduler_that_sleeps_over_its_lease_has_no_say_when_it_wakes() {
    let (feeds, project) = (Feeds::awkward(64, 10), project(NIGHTLY));
    let place = place(&project, &feeds);
    let mut first = Scheduler::start(&place);
    first.until_step("transform");
    // Its process lives, its lease ends.
    first.signal("STOP");
    let second = Scheduler::start(&place);
    wait_for("three nights", || states(&place) == ["delivered"; 3]);
    first.signal("CONT");
    // It beats every second.
    std::thread::sleep(Duration::from_secs(4));
    let log = first.stop();
    assert!(log.iter().any(|line| line["message"].as_str().is_some_and(|said| said.contains("lost its lease"))), "{log:?}");
    second.stop();
    let delivered = of_runs(&place, "state").iter().filter(|state| *state == "delivered").count();
    assert_eq!(delivered, 3);
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
    assert_eq!(
        place.rows("select count(*) as n, sum(_line) as lines from aws_billing_event"),
        hand.rows("select count(*) as n, sum(_line) as lines from aws_billing_event")
    );
}

#[test]
fn asked_to_stop_it_gives_the_run_back_and_the_next_one_goes_on() {
    let (feeds, project) = (Feeds::awkward(65, 25), project(NIGHTLY));
    let place = place(&project, &feeds);
    let mut scheduler = Scheduler::start(&place);
    scheduler.until_step("publish");
    let log = scheduler.stop();
    assert!(log.iter().any(|line| line["message"].as_str().is_some_and(|said| said.starts_with("given back before"))), "{log:?}");
    assert_eq!(states(&place)[0], "due");
    assert_eq!(of_runs(&place, "state"), ["failed"]);
    // A second signal does not wait for the step.
    let mut scheduler = Scheduler::start(&place);
    scheduler.until_step("transform");
    scheduler.signal("INT");
    scheduler.until("it heard the first", |line| line["message"].as_str().is_some_and(|said| said.starts_with("SIGINT: stopping")));
    scheduler.signal("INT");
    let (status, _) = scheduler.end();
    assert!(status.code() == Some(1) || status.success(), "{status}");
    place.takings(&["serve", "--once"]).ok();
    assert_eq!(states(&place), ["delivered"; 3]);
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
}

fn page(address: &str, path: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// What Prometheus's own tool says of a page (Debian's package `prometheus`).
fn linted(page: &str) {
    let tool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut tool) = tool else { return eprintln!("\nNOT RUN: promtool is not installed, and has not looked at /metrics\n") };
    tool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_answers_whether_it_lives_and_what_it_did_and_says_what_is_wrong_with_the_definitions() {
    let (feeds, project) = (Feeds::awkward(66, 10), project(NIGHTLY));
    let place = place(&project, &feeds).variable("TAKINGS_SCHEDULER__LISTEN", "127.0.0.1:0");
    let mut scheduler = Scheduler::start(&place);
    let said = scheduler.until("it answers", |line| line["message"].as_str().is_some_and(|said| said.starts_with("answering at")));
    let address = said["message"].as_str().unwrap().trim_start_matches("answering at http://").trim_end_matches("/metrics").to_owned();
    wait_for("three nights", || states(&place) == ["delivered"; 3]);
    wait_for("readiness", || page(&address, "/readyz").0 == 200);
    assert_eq!(page(&address, "/healthz"), (200, "ok\n".into()));
    let (code, metrics) = page(&address, "/metrics");
    assert_eq!(code, 200);
    for line in
        ["takings_ticks{job=\"nightly\",state=\"delivered\"} 3", "takings_runs{job=\"nightly\",state=\"delivered\"} 3", "takings_steps_total{step=\"emit\"} 3"]
    {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in\n{metrics}");
    }
    linted(&metrics);
    assert_eq!(page(&address, "/").0, 404);

    let job = project.path().join("jobs/nightly.toml");
    std::fs::write(&job, NIGHTLY.replace("UTC", "UCT+1")).unwrap();
    wait_for("the mistake is seen", || page(&address, "/readyz").0 == 503);
    assert!(page(&address, "/readyz").1.starts_with("jobs/nightly.toml:3:12: timezone"), "{:?}", page(&address, "/readyz"));
    assert_eq!(page(&address, "/healthz").0, 200, "it lives");
    std::fs::write(&job, NIGHTLY).unwrap();
    wait_for("it is mended", || page(&address, "/readyz").0 == 200);

    let log = scheduler.stop();
    let steps: Vec<&Value> = log.iter().filter(|line| line["message"] == "done" && line["spans"].to_string().contains("\"step\"")).collect();
    assert!(steps.len() >= 15, "five steps and more in each of three runs: {}", steps.len());
    for line in &steps {
        let spans = line["spans"].as_array().unwrap();
        let (run, step) = (&spans[0], spans.last().unwrap());
        assert!(run["run"].as_str().is_some_and(|id| id.len() == 36) && run["job"] == "nightly", "{line}");
        assert!(["rows", "bytes", "files"].iter().all(|figure| step[*figure].is_u64()), "{line}");
    }
}

#[test]
fn a_night_without_files_is_empty_and_one_that_fails_is_given_up() {
    let (feeds, project) = (Feeds::empty(), project(&format!("{NIGHTLY}retries = 1\n")));
    let empty = place(&project, &feeds);
    empty.takings(&["serve", "--once"]).ok();
    assert_eq!(states(&empty), ["empty"; 3]);
    assert_eq!(runs(&empty).len(), 0);

    let gone = feeds.path("gone");
    let place = Place::on(&gone).project(project.path()).variable("TAKINGS_SCHEDULER__POLL", "1s").variable("TAKINGS_SCHEDULER__RETRY_AFTER", "1s");
    let scheduler = Scheduler::start(&place);
    wait_for("all are given up", || states(&place) == ["given_up"; 3]);
    scheduler.stop();
    assert_eq!(of_runs(&place, "retry"), ["0", "1", "0", "1", "0", "1"]);
    assert_eq!(of_runs(&place, "state"), ["failed"; 6]);
    let told = place.takings(&["runs", "--days", "20000"]).ok().out;
    assert!(told.contains("X given up"), "{told}");
}

#[test]
fn a_run_that_takes_longer_than_its_jobs_timeout_has_failed() {
    let feeds = Feeds::awkward(68, 10);
    let (hasty, patient) = (project(&format!("{NIGHTLY}timeout = \"0s\"\n")), project(NIGHTLY));
    let (state, run) = (scratch(), ["run", "nightly", "--at", TICKS[0]]);
    place(&hasty, &feeds).stored_in(state.path()).takings(&run).ends_with(1).says(&["took longer than 0 seconds", "timeout"]);
    let place = place(&patient, &feeds).stored_in(state.path());
    assert_eq!(of_runs(&place, "state"), ["failed"]);
    place.takings(&run).ok();
}

#[test]
fn a_backfill_runs_a_range_and_with_missing_only_its_gaps() {
    let feeds = Feeds::awkward(67, 10);
    let place = Place::on(feeds.root());
    place.run("nightly", "2026-03-14").ok();
    let said = place.takings(&["backfill", "nightly", "--from", "2026-03-13", "--to", "2026-03-15", "--missing"]).ok().out;
    assert!(said.contains("3 ticks from 2026-03-13 to 2026-03-15, 2 to run") && said.contains("2 of 2: nightly at 2026-03-15T00:00:00Z: done"), "{said}");
    assert_eq!(of_runs(&place, "tick"), [TICKS[1], TICKS[0], TICKS[2]]);
    let all = place.takings(&["--json", "backfill", "nightly", "--from", "2026-03-13", "--to", "2026-03-15"]).ok().json();
    assert_eq!(all["ticks"].as_array().unwrap().len(), 3);
    assert_eq!(of_runs(&place, "attempt"), ["1", "1", "1", "2", "2", "2"]);
    let hand = by_hand(&feeds);
    place.shows_the_same_as(&hand);
    place.takings(&["backfill", "nightly", "--from", "2026-03-15", "--to", "2026-03-13"]).ends_with(2).says(&["lies before"]);
    place.takings(&["backfill", "nightlyy", "--from", "2026-03-13", "--to", "2026-03-15"]).ends_with(2).says(&["did you mean `nightly`"]);
}

#[test]
fn a_row_known_later_makes_delivered_reports_stale_until_somebody_restates_them() {
    let feeds = Feeds::sample();
    let place = Place::on(feeds.root());
    place.run("nightly", "2026-03-13").ok();
    let stale = |place: &Place| -> Vec<String> {
        calendar(place).iter().flat_map(|tick| tick["stale"].as_array().unwrap().clone()).map(|stale| stale.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stale(&place), [""; 0]);
    // An event of the covered day that became known a week later.
    let records = feeds.records(BILLING);
    let header = &records[0];
    let mut row = cells(&records[1]);
    for (column, text) in [
        ("billing_event_id", "came-late"),
        ("invoice_date", "2026-03-12T08:00:00Z"),
        ("valid_from", "2026-03-12T08:00:00Z"),
        ("insert_date", "2026-03-19T00:30:00Z"),
        ("update_date", "2026-03-19T00:30:00Z"),
    ] {
        row[column_of(header, column)] = text.to_owned();
    }
    feeds.append(BILLING, &record_of(&row));
    let said = place.run("nightly", "2026-03-15").ok();
    assert!(said.out.contains("report daily_business of main at 2026-03-13T00:00:00Z is stale: 1 rows"), "{}", said.out);
    assert!(stale(&place).iter().any(|stale| stale == "daily_business of main (1 rows)"), "{:?}", stale(&place));
    assert!(!Path::new(&place.report("daily_business/daily_business_report_2026-03-13.r2.csv")).exists(), "nothing is restated by itself");
    // The night of the 15th covers the fees of the 12th: its own report was stale as soon as it was made.
    for tick in ["2026-03-13", "2026-03-15"] {
        assert!(!stale(&place).is_empty());
        place.takings(&["run", "nightly", "--at", tick, "--known-at", "now", "--restate"]).ok();
    }
    assert_eq!(stale(&place), [""; 0]);
}

#[test]
fn the_shipped_watch_says_what_did_not_come() {
    let feeds = Feeds::sample();
    let place = Place::on(feeds.root());
    place.takings(&["run", "expected_exports"]).ok();
    std::fs::remove_dir_all(feeds.path("TaxItemFeed_V1")).unwrap();
    place.takings(&["run", "expected_exports"]).ends_with(1).says(&["aws_marketplace.main", "export tax_item has no file"]);
    place.takings(&["run", "upkeep"]).ok();
}
