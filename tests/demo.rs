//! The three commands of the README on the shipped sample: which files they write, that no section is thin, and every byte of the reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::files::first_difference;
use crate::support::place::repository;
use crate::support::reports::declared;
use crate::support::shared::{self, Finished};
use crate::support::{Place, bytes_under};

const FILES: [&str; 9] = [
    "daily_business/daily_business_report_2026-03-15.csv",
    "daily_customer_subscriber/customer_subscriber_report_2026-03-15.csv",
    "daily_reftag/reftag_daily_breakdown_report_2026-03-15.csv",
    "disbursement/disbursement_report_2026-03-15.csv",
    "monthly_billed_revenue/monthly_billed_revenue_report_2026-03-15.csv",
    "reconciliation/reconciliation_2026-03-15.csv",
    "sales_compensation/sales_compensation_report_2026-03-15.csv",
    "us_sales_and_use_tax/us_sales_and_use_tax_report_2026-03-15.csv",
    "weekly_reftag/weekly_reftag_report_2026-03-16.csv",
];

/// R43: made only where the instance shares customer data.
const SHARED_ONLY: &str = "sales_compensation/sales_compensation_report_2026-03-15.csv";

fn report_files(finished: &Finished) -> BTreeMap<String, Vec<u8>> {
    let mut files = bytes_under(&finished.place.store("reports"));
    files.retain(|path, _| !path.ends_with(".manifest.json"));
    files
}

#[test]
fn the_three_jobs_write_exactly_the_named_files() {
    let shared: Vec<String> = report_files(&shared::sharing()).into_keys().collect();
    assert_eq!(shared, FILES);
    let plain: Vec<String> = report_files(&shared::demo()).into_keys().collect();
    assert_eq!(plain, FILES.into_iter().filter(|path| *path != SHARED_ONLY).collect::<Vec<_>>());
}

#[test]
fn every_file_has_a_manifest_with_its_rows_and_hash() {
    let finished = shared::sharing();
    for report in declared(&finished.place) {
        let path = finished.place.report(&report.path());
        let text = std::fs::read_to_string(format!("{}.manifest.json", path.display())).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows: Vec<u64> = manifest["sections"].as_array().unwrap().iter().map(|section| section["rows"].as_u64().unwrap()).collect();
        assert_eq!(rows, report.read(&path).iter().map(|section| section.rows.len() as u64).collect::<Vec<_>>(), "{}", report.name);
        let digest = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(std::fs::read(&path).unwrap()));
        assert!(text.contains(&digest), "{}: the manifest lacks {digest}", report.name);
    }
}

#[test]
fn no_section_of_the_sample_is_empty() {
    let finished = shared::sharing();
    let mut sections = 0;
    for report in declared(&finished.place) {
        for section in report.read(&finished.place.report(&report.path())) {
            assert!(!section.rows.is_empty(), "{}, {}", report.name, section.title);
            sections += 1;
        }
    }
    assert_eq!(sections, 28);
}

#[test]
fn account_numbers_and_mail_domains_show_only_where_shared() {
    let (plain, shared) = (shared::demo(), shared::sharing());
    let mut shown = 0;
    for report in declared(&shared.place).iter().filter(|report| report.path() != SHARED_ONLY) {
        let (hidden, open) = (report.read(&plain.place.report(&report.path())), report.read(&shared.place.report(&report.path())));
        for (hidden, open) in hidden.iter().zip(&open) {
            let person = |header: &&String| header.contains("AWS Account Number") || header.contains("Email Domain") || **header == "Reseller account ID";
            for header in hidden.header.iter().filter(person) {
                assert!(hidden.column(header).iter().all(|cell| cell.is_empty()), "{}, {}: {header} is shown", report.name, hidden.title);
                shown += open.column(header).iter().filter(|cell| !cell.is_empty()).count();
            }
        }
    }
    assert!(shown > 0, "with sharing, nothing is shown either");
}

#[test]
fn the_summary_says_what_was_read_published_and_written() {
    let finished = shared::sharing();
    let line = |text: &str, words: &[&str]| assert!(text.lines().any(|line| words.iter().all(|word| line.contains(word))), "no line with {words:?} in\n{text}");
    line(&finished.nightly.out, &["export", "read", "published", "quarantined", "excluded", "money read"]);
    line(&finished.nightly.out, &["billing_event", "amount", " USD", " EUR"]);
    line(&finished.nightly.out, &["report", "instance", "state", "rows", "file, money"]);
    let outputs = format!("{}{}{}", finished.nightly.out, finished.monthly.out, finished.weekly.out);
    for path in FILES {
        let name = path.split('/').next().unwrap();
        line(&outputs, &[name, "written", path]);
    }
    line(&outputs, &["Disbursed amount by product", "SellerRev", " USD"]);
    // Progress goes to the other stream.
    for step in ["pull", "publish", "transform", "mirror", "emit"] {
        line(&finished.nightly.err, &[step]);
    }
}

#[test]
fn a_report_without_data_is_not_made_and_the_run_says_so() {
    let finished = shared::demo();
    let place = Place::on(finished.place.feeds());
    // No feed reaches back so far: nothing is due, nothing is billed, and no file appears.
    let ran = place.run("nightly", "2019-01-05").ok();
    assert_eq!(ran.out.matches("not made").count(), 4, "{}", ran.out);
    assert!(bytes_under(&place.store("reports")).is_empty());
    assert!(bytes_under(&place.store("datasets")).is_empty());
}

#[test]
fn the_reports_are_the_golden_ones() {
    golden(&shared::demo(), "shipped_settings");
    golden(&shared::sharing(), "enhanced_data_sharing");
}

/// Every report file, byte by byte; `UPDATE_EXPECT=1` writes them anew.
fn golden(finished: &Finished, settings: &str) {
    let folder: PathBuf = repository().join("tests/golden").join(settings);
    let ours: BTreeMap<String, Vec<u8>> =
        report_files(finished).into_iter().map(|(path, bytes)| (path.rsplit('/').next().unwrap().to_owned(), bytes)).collect();
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        write_golden(&folder, &ours);
    }
    let golden = bytes_under(&folder);
    assert_eq!(golden.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{}: UPDATE_EXPECT=1 writes the files anew", folder.display());
    for (name, bytes) in &ours {
        let difference = first_difference(&golden[name], bytes);
        assert!(golden[name] == *bytes, "{name} of {settings} is not the golden one (first), UPDATE_EXPECT=1 writes it anew; {difference}");
    }
}

fn write_golden(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
