//! What does not roll forward or tie, reason by reason, on a feed written by hand (`feeds/untied`; its ids say what each row is for), and
//! the roll-forward itself on the sample and on made-up feeds.

use std::collections::BTreeMap;

use crate::support::place::repository;
use crate::support::reports::{Section, declared};
use crate::support::{Feeds, Place, shared};

const FEED: &str = "BillingEventFeed_V1/year=2026/month=02/data.csv";

/// The sections of the reconciliation of February: by reference, by month, by age, what does not tie, disbursements.
fn sections(place: &Place, folder: &str) -> Vec<Section> {
    let declared = declared(place).into_iter().find(|report| report.name == "reconciliation").unwrap();
    declared.read(&place.report(&format!("{folder}/reconciliation_2026-03-15.csv")))
}

fn rows(section: &Section) -> Vec<String> {
    section.rows.iter().map(|row| row.join(" | ")).collect()
}

fn untied() -> Feeds {
    Feeds::copy_of(&repository().join("tests/feeds/untied"))
}

/// By reference, settlement, currency, reason, lines and amount.
const LISTED: [&str; 16] = [
    "astray | pay-astray | USD | paid under another bank trace id than its disbursement | 1 | -18.75",
    "before-the-feed |  | USD | paid or forgiven without an invoiced event | 1 | -15.5",
    // Invoiced 20, forgiven 20 and paid 20.
    "forgiven |  | USD | more paid or forgiven than invoiced | 3 | -20",
    // The failure lists the lines of two sales, of one of them not all of it, and leaves out the third.
    "forgotten | pay-failed | USD | failed and not turned round in full | 1 | -30",
    "kept | pay-failed | USD | failed and not turned round in full | 2 | -5",
    "late | pay-late | USD | paid by a disbursement that is not known | 1 | -7",
    // Invoiced 100, paid 70 and 40.
    "over |  | USD | more paid or forgiven than invoiced | 3 | -10",
    // A refund of 30 of which 35 were taken back.
    "refunded |  | USD | more paid or forgiven than invoiced | 2 | 5",
    // 60 and the listing fee of 2, which stands on an invoice of its own.
    "stray | pay-never-seen | USD | paid by a disbursement that is not known | 2 | -58",
    "two-currencies |  | EUR | paid or forgiven in another currency than invoiced | 1 | -50",
    " | pay-empty | USD | disbursement differs from the sum of its lines | 1 | 5",
    // In dollars it is what its line comes to; the line in yen is not part of it.
    " | pay-mixed | JPY | disbursement differs from the sum of its lines | 1 | -900",
    " | pay-never-made | USD | failure of a disbursement that is not known | 1 | -64.3",
    " | pay-short | USD | disbursement differs from the sum of its lines | 2 | -0.01",
    " | pay-untraced | USD | disbursement without a bank trace id | 1 | 33",
    " | pay-withheld | USD | failure differs from its disbursement | 2 | 10",
];

#[test]
fn every_reason_is_listed_with_its_lines_and_amount() {
    let feeds = untied();
    let place = Place::on(feeds.root());
    place.run("monthly", "2026-03-15");
    let sections = sections(&place, "reconciliation");
    assert_eq!(rows(&sections[3]), LISTED);
    assert_eq!(
        rows(&sections[1]),
        [
            "2026-01 | JPY | 0 | 900 | 0 | 0 | 0 | 0 | 0 | 900 | 0",
            "2026-01 | USD | 0 | 826.26 | 30 | 0 | 0 | 0 | 0 | 796.26 | 0",
            "2026-02 | EUR | 0 | 0 | 0 | 0 | 0 | 50 | 0 | -50 | 0",
            "2026-02 | JPY | 900 | 0 | 0 | 0 | 0 | 900 | 0 | 0 | 0",
            // 40 unlisted, 225 failed and 90 withheld are open again.
            "2026-02 | USD | 796.26 | 0 | 0 | 0 | 20 | 676.42 | 355 | 454.84 | 0",
        ]
    );
    // By the age of the sale: only what has no invoice ages from its payment.
    assert_eq!(
        rows(&sections[2]),
        ["EUR | -50 | 0 | -50 | 0 | 0 | 0 | -50 | 0", "JPY | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0", "USD | 454.84 | -15.5 | 470.34 | 0 | 0 | 0 | 454.84 | 0"]
    );
    let line = |id: &str| rows(&sections[4]).into_iter().find(|row| row.starts_with(id)).unwrap();
    assert_eq!(line("pay-short |"), "pay-short | trace-short | 2026-02-17T09:00:00Z | USD | 41.16 | 1 | 41.17 | -0.01 | 0 | 0 | ");
    assert_eq!(line("pay-mixed |"), "pay-mixed | trace-mixed | 2026-02-18T09:00:00Z | USD | 10 | 2 | 10 | 0 | 1 | 0 | ");
    assert_eq!(line("pay-astray |"), "pay-astray | trace-astray | 2026-02-21T09:00:00Z | USD | 18.75 | 1 | 18.75 | 0 | 0 | 1 | ");
    assert_eq!(line("pay-failed |"), "pay-failed | trace-failed | 2026-02-02T09:00:00Z | USD | 225 | 3 | 225 | 0 | 0 | 0 | 2026-02-10T09:00:00Z");
    assert!(!rows(&sections[4]).iter().any(|row| row.starts_with("pay-midnight") || row.starts_with("pay-march")), "March's are not February's");
}

#[test]
fn a_row_of_the_list_traces_to_its_lines() {
    let feeds = untied();
    let place = Place::on(feeds.root());
    place.run("monthly", "2026-03-15");
    let file = place.report("reconciliation/reconciliation_2026-03-15.csv");
    // With a reference, and with a settlement alone.
    for (row, ids) in [("9", ["paid-fee-of-stray", "paid-stray"]), ("14", ["paid-short", "pay-short"])] {
        let trace = place.takings(&["--json", "trace", file.to_str().unwrap(), "--section", "4", "--row", row]).ok().json();
        assert_eq!(trace["proven"], true, "{trace}");
        let mut found: Vec<&str> = trace["lines"].as_array().unwrap().iter().map(|line| line["raw"].as_str().unwrap().split(',').next().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, ids);
    }
}

#[test]
fn what_becomes_known_later_is_no_longer_listed() {
    let feeds = untied();
    let place = Place::on(feeds.root());
    // The disbursement of `late` is known on 20 March.
    place.takings(&["run", "monthly", "--at", "2026-03-15", "--known-at", "2026-03-21T00:00:00Z"]);
    let listed = rows(&sections(&place, "reconciliation")[3]);
    assert_eq!(listed, LISTED.into_iter().filter(|row| !row.starts_with("late")).collect::<Vec<_>>());
}

#[test]
fn one_sellers_rows_do_not_explain_anothers() {
    let feeds = untied();
    let other = untied();
    // The other account has the disbursement that the first one lacks, and not the sale that it was short of.
    let mut records = other.records(FEED);
    records.retain(|record| !record.starts_with(b"sale-short,"));
    let header = String::from_utf8(records[0].clone()).unwrap();
    let columns = header.trim_end().split(',');
    let row: Vec<&str> = columns
        .map(|column| match column {
            "billing_event_id" => "pay-never-seen",
            "action" => "DISBURSED",
            "transaction_type" => "DISBURSEMENT",
            "amount" => "58",
            "currency" => "USD",
            "balance_impacting" => "0",
            "invoice_date" | "valid_from" | "update_date" => "2026-02-11T09:00:00Z",
            "bank_trace_id" => "trace-never-seen",
            _ => "",
        })
        .collect();
    records.push(format!("{}\n", row.join(",")).into_bytes());
    other.write(FEED, records.concat());

    let place = Place::on(feeds.root())
        .variable("TAKINGS_INSTANCES__AWS_MARKETPLACE__OTHER__URL", &format!("file://{}", other.root().display()))
        .variable("TAKINGS_INSTANCES__AWS_MARKETPLACE__OTHER__SELLER_ACCOUNT", "000000000042");
    place.run("monthly", "2026-03-15");
    assert_eq!(rows(&sections(&place, "reconciliation/main")[3]), LISTED);
    let mut expected: Vec<&str> = LISTED.into_iter().filter(|row| !row.starts_with("stray")).collect();
    expected.insert(8, "short |  | USD | paid or forgiven without an invoiced event | 1 | -41.17");
    assert_eq!(rows(&sections(&place, "reconciliation/other")[3]), expected);
}

/// Exact, in units of ten to the minus ten.
fn money(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= 10, "{text}");
    sign * format!("{whole}{fraction:0<10}").parse::<i128>().unwrap_or_else(|_| panic!("not an amount: {text}"))
}

/// A row's amounts by their headers.
fn amounts(section: &Section) -> Vec<(&Vec<String>, BTreeMap<&str, i128>)> {
    let wanted = ["Opening", "Billed", "Refunded", "Credited", "Forgiven", "Disbursed", "Failed", "Closing", "Difference", "Uncollected (overall)"];
    let columns: Vec<usize> = (0..section.header.len()).filter(|at| wanted.contains(&section.header[*at].as_str())).collect();
    section.rows.iter().map(|row| (row, columns.iter().map(|at| (section.header[*at].as_str(), money(&row[*at]))).collect())).collect()
}

fn rolled(row: &BTreeMap<&str, i128>) -> i128 {
    row["Opening"] + row["Billed"] - row["Refunded"] - row["Credited"] - row["Forgiven"] - row["Disbursed"] + row["Failed"]
}

/// R45: every row rolls forward, every month starts where the one before ended, and the three sections say the same.
fn holds(place: &Place) {
    let sections = sections(place, "reconciliation");
    let by_reference = amounts(&sections[0]);
    assert!(by_reference.len() > 20, "{} references", by_reference.len());
    let mut moved: BTreeMap<&str, i128> = BTreeMap::new();
    for (row, amounts) in &by_reference {
        assert_eq!((rolled(amounts), amounts["Difference"]), (amounts["Closing"], 0), "{row:?}");
        *moved.entry(row[1].as_str()).or_default() += amounts["Closing"] - amounts["Opening"];
    }
    let (mut closing, mut months, mut february): (BTreeMap<&str, i128>, usize, BTreeMap<&str, i128>) = Default::default();
    for (row, amounts) in amounts(&sections[1]) {
        let currency = row[1].as_str();
        assert_eq!(rolled(&amounts), amounts["Closing"], "{row:?}");
        assert_eq!(amounts["Opening"], closing.insert(currency, amounts["Closing"]).unwrap_or(0), "{row:?}");
        if row[0] == "2026-02" {
            february.insert(currency, amounts["Closing"] - amounts["Opening"]);
        }
        months += 1;
    }
    assert!(months > closing.len(), "{months} months of {} currencies", closing.len());
    assert_eq!(moved, february);
    let aged: BTreeMap<&str, i128> = amounts(&sections[2])
        .into_iter()
        .map(|(row, amounts)| {
            assert_eq!((amounts["Uncollected (overall)"], amounts["Difference"]), (amounts["Closing"], 0), "{row:?}");
            (row[0].as_str(), amounts["Closing"])
        })
        .collect();
    assert_eq!(aged, closing);
}

#[test]
fn the_sample_rolls_forward() {
    holds(&shared::demo().place);
}

#[test]
fn made_up_feeds_roll_forward() {
    for feeds in [Feeds::generated(19, 1_500), Feeds::awkward(11, 50)] {
        let place = Place::on(feeds.root());
        place.run("monthly", "2026-03-15").ok();
        holds(&place);
    }
}

#[test]
fn a_payment_known_after_its_failure_is_undone_at_once() {
    // The line counts from 12 February, its disbursement failed in January: disbursed and failed at once, open as before.
    let feeds = untied();
    let mut records = feeds.records(FEED);
    for record in &mut records {
        for (id, from, to) in [("paid", "2026-02-03", "2026-02-12"), ("pay", "2026-02-03", "2026-01-20"), ("failure", "2026-02-09", "2026-01-28")] {
            if record.starts_with(format!("{id}-unlisted,").as_bytes()) {
                *record = String::from_utf8(record.clone()).unwrap().replace(from, to).into_bytes();
            }
        }
    }
    feeds.write(FEED, records.concat());
    let place = Place::on(feeds.root());
    place.run("monthly", "2026-03-15");
    let by_reference = rows(&sections(&place, "reconciliation")[0]);
    assert!(by_reference.contains(&"unlisted | USD | 40 | 0 | 0 | 0 | 0 | 40 | 40 | 40 | 0 | 0 | 0 | 0 | 0".to_owned()), "{by_reference:?}");
}
