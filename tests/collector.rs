//! Spans of a run reach a real OpenTelemetry collector; without one a run is none the worse.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::python::with_collector;
use crate::support::{Feeds, Place, assert_same};

/// A collector that prints what it gets.
struct Collector {
    child: Child,
    address: String,
}

impl Collector {
    fn start(program: &std::path::Path) -> Self {
        let (grpc, http) = (free_address(), free_address());
        let arguments = ["--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"];
        let child = Command::new(program)
            .args(["start", "--otlp-grpc-endpoint", &grpc, "--otlp-http-endpoint", &http])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let collector = Self { child, address: http };
        for _ in 0..200 {
            if TcpStream::connect(&collector.address).is_ok() {
                return collector;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the collector does not answer at {}", collector.address);
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_run_and_its_steps_are_spans_at_the_collector() {
    let Some(program) = with_collector() else { return };
    let feeds = Feeds::awkward(91, 10);
    let mut collector = Collector::start(&program);
    let place = Place::on(feeds.root());
    place.takings(&["--otlp", &format!("http://{}", collector.address), "run", "nightly", "--at", "2026-03-15"]).ok();

    let mut seen = Vec::new();
    let mut lines = BufReader::new(collector.child.stdout.take().unwrap()).lines();
    // The run is the last span to end.
    for line in lines.by_ref().map(Result::unwrap) {
        seen.push(line.trim().to_owned());
        if seen.last().is_some_and(|line| line.starts_with("-> job: Str(nightly)")) {
            break;
        }
    }
    let has = |line: &str| seen.iter().any(|seen| seen == line);
    assert!(has("-> service.name: Str(takings)"), "{seen:?}");
    for step in ["pull", "publish", "transform", "mirror", "emit"] {
        assert!(has(&format!("-> step: Str({step})")), "no span of {step}");
    }
    assert!(seen.iter().any(|line| line.starts_with("-> rows: Int(")), "the spans have no figures");
}

#[test]
fn a_collector_that_is_not_there_costs_a_warning() {
    let feeds = Feeds::awkward(92, 10);
    let (place, alone) = (Place::on(feeds.root()), Place::on(feeds.root()));
    let nowhere = format!("http://{}", free_address());
    place.takings(&["--otlp", &nowhere, "run", "nightly", "--at", "2026-03-15"]).ok().says(&["warning: ", "did not reach the collector"]);
    alone.takings(&["run", "nightly", "--at", "2026-03-15"]).ok();
    assert_same(&place.store("reports"), &alone.store("reports"));
    place.takings(&["--otlp", "localhost:4318", "check"]).ends_with(2).says(&["--otlp localhost:4318", "http://localhost:4318"]);
}
