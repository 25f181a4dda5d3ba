//! The two settlements that the seller guide works out, in rows of our own (`feeds/documented_example`): a reseller's sale of 100 that costs 80
//! and a fee of 0.2 pays out 19.8; a manufacturer's share of 73.5 with 6.5 tax and a fee of 7.35 pays out 72.65.

use std::path::Path;

use crate::support::Place;
use crate::support::place::repository;
use crate::support::python::independent;
use crate::support::reports::{Section, declared};

/// The sections of a report file, whatever its tick.
fn sections(place: &Place, report: &str, file: &str) -> Vec<Section> {
    let declared = declared(place).into_iter().find(|declared| declared.name == report).unwrap();
    declared.read(&place.report(&format!("{report}/{file}")))
}

/// Cells of the named columns, by row.
fn cells<'a>(section: &'a Section, columns: &[&str]) -> Vec<Vec<&'a str>> {
    let columns: Vec<Vec<&str>> = columns.iter().map(|column| section.column(column)).collect();
    (0..section.rows.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
}

#[test]
fn the_guides_settlements_come_out_to_the_cent() {
    let feeds = repository().join("tests/feeds/documented_example");
    let place = Place::on(&feeds);
    // Disbursed on 10 February, reported three days later (R33).
    place.run("nightly", "2026-02-13").ok();
    place.run("monthly", "2026-03-15").ok();

    let disbursement = sections(&place, "disbursement", "disbursement_report_2026-02-13.csv");
    assert_eq!(
        cells(&disbursement[0], &["Transaction Reference ID", "SellerRev", "AWSRefFee", "SellerUSSalesTax", "Net Amount", "Payer Reference ID"]),
        [
            // R8: tax is outside the net amount.
            ["made", "73.50", "-7.35", "6.50", "66.15", "acct-reseller"],
            // What the reseller pays the manufacturer is inside its revenue: 100 - 80.
            ["resold", "20.00", "-0.20", "0.00", "19.80", "acct-buyer"],
        ]
    );
    assert_eq!(
        cells(&disbursement[1], &["Settlement ID", "Deposit Date", "Disbursed Amount", "Net Amount by Tax Location", "Currency"]),
        [["payout-made", "2026-02-10T18:30:00Z", "72.65", "66.15", "USD"], ["payout-resold", "2026-02-10T18:30:00Z", "19.80", "19.80", "USD"],]
    );
    assert_eq!(cells(&disbursement[4], &["Collected (overall)", "Currency"]), [["72.65", "USD"], ["19.80", "USD"]]);
    assert!(disbursement[3].rows.is_empty(), "nothing is left uncollected");

    let billed = sections(&place, "monthly_billed_revenue", "monthly_billed_revenue_report_2026-03-15.csv");
    assert_eq!(
        cells(&billed[0], &["Transaction Reference ID", "Customer Billed Amount", "Cost", "AWS Listing Fee", "Partner Revenue Amount"]),
        [["resold", "100.00", "-80.00", "-0.20", "19.80"], ["made", "73.50", "0.00", "-7.35", "66.15"]]
    );

    let reconciliation = sections(&place, "reconciliation", "reconciliation_2026-03-15.csv");
    assert_eq!(
        cells(&reconciliation[0], &["Transaction Reference ID", "Opening", "Billed", "Disbursed", "Closing", "Difference", "Tax"]),
        [["made", "0", "72.65", "72.65", "0", "0", "6.5"], ["resold", "0", "19.8", "19.8", "0", "0", "0"]]
    );
    assert!(reconciliation[3].rows.is_empty(), "every reference rolls forward");
    assert_eq!(
        cells(&reconciliation[4], &["Settlement ID", "Bank Trace ID", "Disbursed Amount", "Lines", "Difference"]),
        [["payout-made", "trace-payout-made", "72.65", "3", "0"], ["payout-resold", "trace-payout-resold", "19.8", "3", "0"]]
    );

    recomputed(&place, &feeds, "2026-02-13", "nightly");
    recomputed(&place, &feeds, "2026-03-15", "monthly");
}

fn recomputed(place: &Place, feeds: &Path, tick: &str, job: &str) {
    let reports = place.store("reports");
    let ran = independent("compare.py", &["--feeds", feeds.to_str().unwrap(), "--reports", reports.to_str().unwrap(), "--tick", tick, "--job", job]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn a_row_of_the_example_traces_to_its_lines() {
    let place = Place::on(&repository().join("tests/feeds/documented_example"));
    place.run("nightly", "2026-02-13").ok();
    let file = place.report("disbursement/disbursement_report_2026-02-13.csv");
    let trace = place.takings(&["--json", "trace", file.to_str().unwrap(), "--section", "1", "--row", "2"]).ok().json();
    let amounts: Vec<String> =
        trace["lines"].as_array().unwrap().iter().map(|line| line["raw"].as_str().unwrap().split(',').next().unwrap().to_owned()).collect();
    assert_eq!(amounts, ["sale-paid", "sale-cost-paid", "sale-fee-paid"]);
}
