//! From a printed row back to the raw lines: the first and the last row of every section of every report.

use std::collections::BTreeMap;

use crate::support::feeds::raw_records;
use crate::support::reports::declared;
use crate::support::{Place, shared};

/// The records of a feed file by the line they start at.
fn lines(place: &Place, file: &str) -> BTreeMap<u64, String> {
    let bytes = std::fs::read(place.feeds().join(file)).unwrap();
    let mut line = 1;
    raw_records(&bytes)
        .into_iter()
        .map(|record| {
            let start = line;
            line += record.iter().filter(|byte| **byte == b'\n').count() as u64;
            (start, String::from_utf8_lossy(&record).trim_end().to_owned())
        })
        .collect()
}

#[test]
fn first_and_last_rows_of_every_section_are_proven_from_their_raw_lines() {
    let finished = shared::sharing();
    let place = &finished.place;
    let mut problems = Vec::new();
    let (mut traced, mut feeds) = (0, BTreeMap::new());
    for report in declared(place) {
        let file = place.report(&report.path());
        for (number, section) in report.read(&file).iter().enumerate() {
            for row in [1, section.rows.len()].into_iter().take(section.rows.len().min(2)) {
                let (section_number, row_number) = ((number + 1).to_string(), row.to_string());
                let ran = place.takings(&["--json", "trace", file.to_str().unwrap(), "--section", &section_number, "--row", &row_number]);
                let what = format!("{}, {}, row {row}", report.name, section.title);
                if ran.code != Some(0) {
                    problems.push(format!("{what}: exit {:?} {}", ran.code, ran.err.trim()));
                    continue;
                }
                let trace = ran.json();
                assert_eq!(trace["proven"], true, "{what}");
                let cells: Vec<&str> = trace["cells"].as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect();
                assert_eq!(cells, section.rows[row - 1], "{what}");
                let found = trace["lines"].as_array().unwrap();
                if found.is_empty() {
                    problems.push(format!("{what}: no raw line"));
                }
                for line in found {
                    let path = line["path"].as_str().unwrap();
                    let records = feeds.entry(path.to_owned()).or_insert_with(|| lines(place, path));
                    let raw = records.get(&line["line"].as_u64().unwrap()).map(String::as_str);
                    assert_eq!(raw, Some(line["raw"].as_str().unwrap().trim_end()), "{what}: {path}:{}", line["line"]);
                }
                traced += 1;
            }
        }
    }
    assert!(problems.is_empty(), "{} traced, {} not:\n{}", traced, problems.len(), problems.join("\n"));
    assert!(traced > 28, "{traced} rows");
}

#[test]
fn a_row_that_is_not_there_is_refused() {
    let finished = shared::sharing();
    let file = finished.place.report("daily_reftag/reftag_daily_breakdown_report_2026-03-15.csv");
    let file = file.to_str().unwrap();
    finished.place.takings(&["trace", file, "--section", "1", "--row", "100000"]).ends_with(2).says(&["has rows 1 to"]);
    finished.place.takings(&["trace", file, "--section", "2", "--row", "1"]).ends_with(2).says(&["has sections 1 to 1"]);
    finished.place.takings(&["trace", "no-such-report.csv", "--section", "1", "--row", "1"]).ends_with(2).says(&["no-such-report.csv"]);
}

#[test]
fn the_printed_trace_names_file_and_line() {
    let finished = shared::demo();
    let file = finished.place.report("disbursement/disbursement_report_2026-03-15.csv");
    let ran = finished.place.takings(&["trace", file.to_str().unwrap(), "--section", "1", "--row", "1"]).ok();
    assert!(ran.out.lines().any(|line| line.starts_with("BillingEventFeed_V1/year=") && line.contains("data.csv:")), "{}", ran.out);
    assert!(ran.out.contains("gives this row from these lines alone"), "{}", ran.out);
}
