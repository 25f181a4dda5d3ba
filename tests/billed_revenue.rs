//! Which section of the monthly billed revenue report, and which of the daily fees, a sale stands in (R17, R34), on rows written by hand.

use std::collections::BTreeMap;

use crate::support::feeds::{cells, record_of};
use crate::support::place::repository;
use crate::support::python::independent;
use crate::support::reports::declared;
use crate::support::{Feeds, Place};

const BILLING: &str = "BillingEventFeed_V1/year=2026/month=02/data.csv";
const AGREEMENTS: &str = "AgreementFeed_V1/year=2026/month=02/data.csv";

/// Replaces the rows of a file; cells that are not named stay empty.
fn rows(feeds: &Feeds, file: &str, rows: &[&[(&str, &str)]]) {
    let header = feeds.records(file)[0].clone();
    let columns = cells(&header);
    let mut bytes = header;
    for row in rows {
        let row: BTreeMap<&str, &str> = row.iter().copied().collect();
        assert!(row.keys().all(|name| columns.iter().any(|column| column == name)), "{row:?}");
        bytes.extend(record_of(&columns.iter().map(|column| row.get(column.as_str()).map_or(String::new(), |cell| (*cell).to_owned())).collect::<Vec<_>>()));
    }
    feeds.write(file, bytes);
}

/// Cells of a section's rows under these headers.
fn shown(place: &Place, report: &str, file: &str, section: usize, headers: &[&str]) -> Vec<Vec<String>> {
    let declared = declared(place).into_iter().find(|declared| declared.name == report).unwrap();
    let section = declared.read(&place.report(&format!("{report}/{file}"))).swap_remove(section);
    let columns: Vec<Vec<&str>> = headers.iter().map(|header| section.column(header)).collect();
    (0..section.rows.len()).map(|row| columns.iter().map(|column| column[row].to_owned()).collect()).collect()
}

#[test]
fn a_cancelled_agreement_does_not_move_a_sale_to_another_section() {
    let feeds = Feeds::copy_of(&repository().join("tests/feeds/documented_example"));
    let agreement = |id, status, end, from| {
        vec![
            ("agreement_id", id),
            ("status", status),
            ("proposer_account_id", "acct-us"),
            ("acceptor_account_id", "acct-buyer"),
            ("start_time", "2026-01-10T00:00:00Z"),
            ("end_time", end),
            ("acceptance_time", "2026-01-10T00:00:00Z"),
            ("intent", "NEW"),
            ("valid_from", from),
            ("update_date", from),
        ]
    };
    let agreements = [
        // Without an end until it is cancelled: between invoice and credit, and before its last usage is billed.
        agreement("agmt-usage", "ACTIVE", "", "2026-01-10T00:00:00Z"),
        agreement("agmt-usage", "CANCELLED", "2026-02-10T00:00:00Z", "2026-02-10T00:00:00Z"),
        agreement("agmt-ended", "ACTIVE", "", "2026-01-10T00:00:00Z"),
        agreement("agmt-ended", "CANCELLED", "2026-01-28T00:00:00Z", "2026-01-28T00:00:00Z"),
        // Made with an end, and terminated.
        agreement("agmt-contract", "ACTIVE", "2027-01-10T00:00:00Z", "2026-01-10T00:00:00Z"),
        agreement("agmt-contract", "TERMINATED", "2026-02-20T00:00:00Z", "2026-02-20T00:00:00Z"),
    ];
    rows(&feeds, AGREEMENTS, &agreements.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let event = |id, agreement, reference, kind, amount, at| {
        vec![
            ("billing_event_id", id),
            ("agreement_id", agreement),
            ("transaction_reference_id", reference),
            ("transaction_type", kind),
            ("amount", amount),
            ("currency", "USD"),
            ("action", "INVOICED"),
            ("balance_impacting", "1"),
            ("from_account_id", "acct-buyer"),
            ("to_account_id", "acct-us"),
            ("end_user_account_id", "acct-buyer"),
            ("product_id", "prod-made"),
            ("invoice_date", at),
            ("valid_from", at),
            ("update_date", at),
        ]
    };
    let events = [
        event("1", "agmt-usage", "used", "SELLER_REV_SHARE", "25.68", "2026-02-02T00:00:00Z"),
        event("2", "agmt-usage", "used", "SELLER_REV_SHARE_CREDIT", "-2.57", "2026-02-24T00:00:00Z"),
        event("3", "agmt-ended", "last", "SELLER_REV_SHARE", "7", "2026-02-24T00:00:00Z"),
        event("4", "agmt-contract", "bought", "SELLER_REV_SHARE", "1200", "2026-02-03T00:00:00Z"),
        event("5", "agmt-contract", "bought", "SELLER_REV_SHARE_REFUND", "-300", "2026-02-24T00:00:00Z"),
        // Its credit names no agreement: the row is one nevertheless.
        event("6", "", "bought", "SELLER_REV_SHARE_CREDIT", "-1", "2026-02-25T00:00:00Z"),
        event("7", "", "without", "SELLER_REV_SHARE", "3", "2026-02-25T00:00:00Z"),
    ];
    rows(&feeds, BILLING, &events.iter().map(Vec::as_slice).collect::<Vec<_>>());

    let place = Place::on(feeds.root());
    place.run("monthly", "2026-03-15").ok();
    let file = "monthly_billed_revenue_report_2026-03-15.csv";
    let mut metered = shown(&place, "monthly_billed_revenue", file, 0, &["Transaction Reference ID", "Customer Billed Amount", "Refunds Amount"]);
    metered.sort();
    assert_eq!(metered, [["last", "7.00", "0.00"], ["used", "25.68", "-2.57"], ["without", "3.00", "0.00"]]);
    let headers = ["Transaction Reference ID", "Customer Billed Amount", "Refunds Amount", "Subscription Start Date", "Subscription End Date"];
    // The dates are those of the row's last invoice.
    assert_eq!(shown(&place, "monthly_billed_revenue", file, 1, &headers), [["bought", "1200.00", "-301.00", "2026-01-10", "2026-02-20"]]);

    // The fees of 24 February: what the ended agreement used is none.
    place.run("nightly", "2026-02-27").ok();
    let fees = shown(&place, "daily_business", "daily_business_report_2026-02-27.csv", 1, &["Amount", "Fee Description", "Start Date", "End Date"]);
    assert_eq!(fees, [["-300.00", "Refund", "2026-01-10", "2026-02-20"]]);

    let reports = place.store("reports");
    for (tick, job) in [("2026-03-15", "monthly"), ("2026-02-27", "nightly")] {
        let arguments = ["--feeds", feeds.root().to_str().unwrap(), "--reports", reports.to_str().unwrap(), "--tick", tick, "--job", job];
        let ran = independent("compare.py", &arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    }
}
