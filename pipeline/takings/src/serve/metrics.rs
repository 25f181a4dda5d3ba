//! The Prometheus page. All figures are read from the ledger, so they outlive a restart and are the same on every scheduler.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use takings_runs::{Count, Figures, Ledger, Result, StaleReport, StepSum};

use super::status::{Seen, Status};

pub async fn text(status: &Status, ledger: &Ledger) -> Result<String> {
    Ok(page(&ledger.figures().await?, &ledger.stale_reports().await?, &status.seen()))
}

/// Labels and a value.
type Sample<'a> = (Vec<(&'static str, &'a str)>, u64);

fn page(figures: &Figures, stale: &[StaleReport], seen: &Seen) -> String {
    let mut page = Page::default();
    page.metric("takings_build_info", "gauge", "The program's version.", [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)]);
    page.metric("takings_looks_total", "counter", "Looks for work since this scheduler started.", [(vec![], seen.looks)]);
    page.metric("takings_last_look_timestamp_seconds", "gauge", "When this scheduler looked for work last.", seen.looked_at.map(|at| (vec![], seconds(at))));
    page.metric("takings_ticks", "gauge", "Ticks by job and state.", figures.ticks.iter().map(of_state));
    page.metric("takings_runs", "gauge", "Runs by job and state.", figures.runs.iter().map(of_state));
    page.metric("takings_ticks_late", "gauge", "Ticks that are overdue and not done.", figures.late.iter().map(|(job, count)| (of_job(job), *count)));
    let newest = figures.done.iter();
    page.metric(
        "takings_newest_tick_timestamp_seconds",
        "gauge",
        "The newest tick that is done.",
        newest.clone().map(|done| (of_job(&done.job), seconds(done.tick))),
    );
    page.metric(
        "takings_newest_tick_done_timestamp_seconds",
        "gauge",
        "When the newest tick was done.",
        newest.map(|done| (of_job(&done.job), seconds(done.at))),
    );
    page.metric("takings_ticks_waiting", "gauge", "Jobs whose due tick can't start yet.", seen.waiting.iter().map(|waiting| (of_job(&waiting.job), 1)));
    let mut reports: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for stale in stale {
        *reports.entry((&stale.report, &stale.instance)).or_default() += 1;
    }
    let reports = reports.into_iter().map(|((report, instance), count)| (vec![("report", report), ("instance", instance)], count));
    page.metric("takings_reports_stale", "gauge", "Delivered reports that rows belong to which became known later.", reports);
    let steps = figures.steps.iter();
    page.metric("takings_steps_total", "counter", "Ended steps of runs.", steps.clone().map(|step| (of_step(step), step.count)));
    page.metric("takings_step_rows_total", "counter", "Rows that steps have worked on.", steps.clone().map(|step| (of_step(step), step.rows)));
    page.metric("takings_step_bytes_total", "counter", "Bytes that steps have worked on.", steps.clone().map(|step| (of_step(step), step.bytes)));
    page.metric("takings_step_files_total", "counter", "Files that steps have worked on.", steps.map(|step| (of_step(step), step.files)));
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn metric<'a>(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = Sample<'a>>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn of_state(count: &Count) -> Sample<'_> {
    (vec![("job", &count.job), ("state", &count.state)], count.count)
}

fn of_job(job: &str) -> Vec<(&'static str, &str)> {
    vec![("job", job)]
}

fn of_step(step: &StepSum) -> Vec<(&'static str, &str)> {
    vec![("step", &step.name)]
}

fn seconds(at: DateTime<Utc>) -> u64 {
    at.timestamp().unsigned_abs()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_help_type_labels_and_values() {
        let figures = Figures {
            ticks: vec![Count { job: "night\"ly".into(), state: "delivered".into(), count: 3 }],
            late: vec![("nightly".into(), 1)],
            steps: vec![StepSum { name: "publish".into(), count: 2, rows: 10, bytes: 20, files: 4 }],
            ..Figures::default()
        };
        let page = page(&figures, &[], &Seen { looks: 7, ..Seen::default() });
        for line in [
            "# TYPE takings_ticks gauge",
            "takings_ticks{job=\"night\\\"ly\",state=\"delivered\"} 3",
            "takings_ticks_late{job=\"nightly\"} 1",
            "takings_looks_total 7",
            "takings_step_rows_total{step=\"publish\"} 10",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(page.lines().all(|line| line.starts_with('#') || line.starts_with("takings_")), "{page}");
    }
}
