//! Each section of each report has something to show at the ticks that the demo runs: nightly and monthly 2026-03-15, weekly
//! 2026-03-16. What a section shows is said here in the feeds' own terms.

use std::collections::{HashMap, HashSet};

use crate::set::{Row, Set};

/// Everything that the reports of tick 2026-03-15 may know.
const KNOWN: &str = "2026-03-16T00:00:00";
const DAY: &str = "2026-03-14";
const FEES_DAY: &str = "2026-03-12";
const PAID_DAY: &str = "2026-03-12";
const MONTH: &str = "2026-02";

struct Known {
    events: Vec<Row>,
    agreements: HashMap<String, Row>,
    charged: HashSet<String>,
    usage: Vec<Row>,
    seller: String,
}

impl Known {
    fn of(set: &Set) -> Known {
        let mut agreements: HashMap<String, Row> = HashMap::new();
        for row in set.known_by("AgreementFeed_V1", KNOWN) {
            let newest = agreements.entry(row.get("agreement_id").to_owned()).or_insert_with(|| row.clone());
            if row.get("valid_from") > newest.get("valid_from") {
                *newest = row;
            }
        }
        Known {
            events: set.known_by("BillingEventFeed_V1", KNOWN),
            agreements,
            charged: set.known_by("AgreementChargeFeed_V1", KNOWN).iter().map(|row| row.get("agreement_id").to_owned()).collect(),
            usage: set.known_by("DailyUsageFeed_V1", KNOWN),
            seller: set.seller(),
        }
    }

    fn agreement(&self, event: &Row) -> Option<&Row> {
        self.agreements.get(event.get("agreement_id"))
    }

    /// Disbursements of the day that the disbursement report covers.
    fn disbursements(&self) -> HashSet<&str> {
        let of_day = |row: &&Row| row.is("transaction_type", "DISBURSEMENT") && row.day("invoice_date") == PAID_DAY;
        self.events.iter().filter(of_day).map(|row| row.get("billing_event_id")).collect()
    }

    fn paid(&self) -> Vec<&Row> {
        let disbursements = self.disbursements();
        self.events.iter().filter(|row| disbursements.contains(row.get("disbursement_billing_event_id"))).collect()
    }

    /// Amounts still open at the end of the day, by event.
    fn open(&self) -> Vec<&Row> {
        let bounced: HashSet<&str> = self
            .events
            .iter()
            .filter(|row| row.is("transaction_type", "DISBURSEMENT_FAILURE"))
            .flat_map(|row| [row.get("parent_billing_event_id"), row.get("billing_event_id")])
            .collect();
        let by_then = |row: &&Row| row.day("valid_from") <= PAID_DAY;
        let mut open: HashMap<&str, i128> = HashMap::new();
        for row in self.events.iter().filter(by_then) {
            let disbursement = row.get("disbursement_billing_event_id");
            if row.is("action", "FORGIVEN") || row.is("action", "DISBURSED") && !disbursement.is_empty() && !bounced.contains(disbursement) {
                *open.entry(row.get("parent_billing_event_id")).or_default() += row.money("amount");
            }
        }
        let counts = |row: &&Row| row.is("action", "INVOICED") && row.is("balance_impacting", "1");
        self.events
            .iter()
            .filter(by_then)
            .filter(counts)
            .filter(|row| row.money("amount") + open.get(row.get("billing_event_id")).copied().unwrap_or(0) != 0)
            .collect()
    }
}

/// Age buckets that rows fall into on the day.
fn buckets<'a>(rows: impl IntoIterator<Item = &'a Row>) -> usize {
    let bucket = |row: &Row| match day_number(PAID_DAY) - day_number(row.day("invoice_date")) {
        ..31 => 0,
        31..=60 => 1,
        61..=90 => 2,
        91..=120 => 3,
        _ => 4,
    };
    rows.into_iter().map(bucket).collect::<HashSet<usize>>().len()
}

fn day_number(date: &str) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().expect("a date");
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let leap_days = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + i64::from(year % 4 == 0 && month > 2);
    year * 365 + leap_days + BEFORE[month as usize - 1] + day
}

/// The tag of a visit of a product page.
fn tag(row: &Row) -> Option<&str> {
    let rest = row.get("path").strip_prefix("/marketplace/pp/")?;
    let (_, tag) = rest.split_once("/ref=")?;
    tag.split(['/', '?', '#']).next().filter(|tag| !tag.is_empty())
}

fn sections(set: &Set) -> Vec<(&'static str, usize)> {
    let known = Known::of(set);
    let paid = known.paid();
    let open = known.open();
    let by_id: HashMap<&str, &Row> = known.events.iter().map(|row| (row.get("billing_event_id"), row)).collect();
    let settled: Vec<&Row> = paid.iter().filter_map(|row| by_id.get(row.get("parent_billing_event_id")).copied()).collect();
    let past_due: Vec<&Row> = open.iter().copied().filter(|row| row.has("payment_due_date") && row.day("payment_due_date") < PAID_DAY).collect();
    let fees = |transaction_type: &str| {
        let fee = |row: &&Row| {
            let agreement = known.agreement(row);
            row.is("action", "INVOICED")
                && row.is("transaction_type", transaction_type)
                && row.is("to_account_id", &known.seller)
                && row.day("invoice_date") == FEES_DAY
                && agreement.is_some_and(|agreement| agreement.has("end_time") || known.charged.contains(agreement.get("agreement_id")))
        };
        known.events.iter().filter(fee).count()
    };
    let agreements = |wanted: &dyn Fn(&Row) -> bool| known.agreements.values().filter(|row| wanted(row)).count();
    let trials = |wanted: &dyn Fn(&Row) -> bool| {
        let details = set.rows("AgreementDetails").iter().filter(|row| row.day("agreement_acceptance_date") < &KNOWN[..10]);
        details.filter(|row| row.is("is_free_trial_offer", "true") && wanted(row)).count()
    };
    let paid_agreement = |trial: &Row| {
        set.rows("AgreementDetails").iter().any(|row| {
            row.is("is_free_trial_offer", "false")
                && row.get("subscriber_aws_account_id") == trial.get("subscriber_aws_account_id")
                && row.get("product_title") == trial.get("product_title")
                && row.get("agreement_start_date") == trial.get("agreement_end_date")
        })
    };
    let visits = |from: &str, to: &str, wanted: &dyn Fn(&str) -> bool| {
        let days = set.rows("SiteVisits").iter().filter(|row| row.day("occurred_at") >= from && row.day("occurred_at") <= to);
        days.filter(|row| tag(row).is_some_and(wanted)).count()
    };
    let billed = |action: &str, has_end: bool| {
        let lines = known.events.iter().filter(|row| row.is("action", action) && row.get("invoice_date").starts_with(MONTH));
        lines.filter(|row| known.agreement(row).is_some_and(|agreement| agreement.has("end_time")) == has_end).count()
    };
    let periods: HashSet<(&str, &str, &str)> = paid
        .iter()
        .filter(|row| row.is("transaction_type", "SELLER_REV_SHARE") && row.has("usage_period_start_date"))
        .map(|row| (row.get("product_id"), row.get("usage_period_start_date"), row.get("usage_period_end_date")))
        .collect();
    let in_period = |row: &&Row| {
        periods.iter().any(|(product, first, last)| row.is("product_id", product) && row.get("usage_date") >= *first && row.get("usage_date") <= *last)
    };
    let targets = set.known_by("OfferTargetFeed_V1", KNOWN);
    let demonstrations: HashSet<&str> = targets.iter().filter(|row| row.is("value", "FieldDemonstration")).map(|row| row.get("offer_id")).collect();
    let attributed = |row: &&Row| {
        row.day("usage_date") == DAY
            && set.rows("SiteVisits").iter().any(|visit| {
                tag(visit).is_some()
                    && visit.get("account_id") == row.get("end_user_account_id")
                    && visit.day("occurred_at") <= DAY
                    && visit.day("occurred_at") > "2026-02-12"
            })
    };
    let us_tax = |row: &Row| row.is("taxed_customer_country", "US") && row.get("invoice_date").starts_with(MONTH);
    let all_five = |found: usize| usize::from(found == 5);
    let has_amount = |row: &&Row, transaction_type: &str| row.is("transaction_type", transaction_type) && row.money("amount") != 0;
    vec![
        ("daily business: usage by instance type", known.usage.iter().filter(|row| row.day("usage_date") == DAY).count()),
        ("daily business: fees", fees("SELLER_REV_SHARE")),
        ("daily business: fees refunded", fees("SELLER_REV_SHARE_REFUND")),
        ("daily business: fees credited", fees("SELLER_REV_SHARE_CREDIT")),
        ("daily business: new trials", trials(&|row| row.day("agreement_start_date") == DAY)),
        ("daily business: running trials", trials(&|row| row.day("agreement_start_date") < DAY && row.day("agreement_end_date") > DAY)),
        ("daily business: converted trials", trials(&|row| row.day("agreement_end_date") == DAY && paid_agreement(row))),
        ("daily business: trials not converted", trials(&|row| row.day("agreement_end_date") == DAY && !paid_agreement(row))),
        ("daily business: new instances", set.rows("InstanceLaunches").iter().filter(|row| row.day("launched_at") == DAY).count()),
        ("daily business: new subscribers", agreements(&|row| row.is("status", "ACTIVE") && row.is("intent", "NEW") && row.day("start_time") == DAY)),
        ("daily business: cancelled", agreements(&|row| row.is("status", "CANCELLED") && row.day("end_time") == DAY)),
        ("daily business: expired", agreements(&|row| row.is("status", "EXPIRED") && row.day("end_time") == DAY)),
        ("daily business: terminated", agreements(&|row| row.is("status", "TERMINATED") && row.day("end_time") == DAY)),
        ("subscribers: hourly and monthly", agreements(&|row| row.is("status", "ACTIVE") && !row.has("end_time"))),
        ("subscribers: variable length", agreements(&|row| row.is("status", "ACTIVE") && row.has("end_time"))),
        ("daily ref tags", visits(DAY, DAY, &|_| true)),
        ("daily ref tags: attributed usage", known.usage.iter().filter(attributed).count()),
        ("weekly ref tags: partners", visits("2026-03-09", "2026-03-15", &|tag| tag.contains("_ptnr_"))),
        ("weekly ref tags: advertisements", visits("2026-03-09", "2026-03-15", &|tag| tag.starts_with("ads_"))),
        ("weekly ref tags: others, left out", visits("2026-03-09", "2026-03-15", &|tag| !tag.contains("_ptnr_") && !tag.starts_with("ads_"))),
        ("disbursement: in dollars", paid.iter().filter(|row| row.is("currency", "USD") && has_amount(row, "SELLER_REV_SHARE")).count()),
        ("disbursement: in euros", paid.iter().filter(|row| row.is("currency", "EUR") && has_amount(row, "SELLER_REV_SHARE")).count()),
        ("disbursement: in yen", paid.iter().filter(|row| row.is("currency", "JPY") && has_amount(row, "SELLER_REV_SHARE")).count()),
        ("disbursement: refunds", paid.iter().filter(|row| has_amount(row, "SELLER_REV_SHARE_REFUND")).count()),
        ("disbursement: seller's tax", paid.iter().filter(|row| has_amount(row, "SELLER_TAX_SHARE")).count()),
        ("disbursement: instance hours", known.usage.iter().filter(in_period).count()),
        ("disbursement: all ages of uncollected funds", all_five(buckets(open.iter().copied()))),
        ("disbursement: all ages of disbursed funds", all_five(buckets(settled))),
        ("disbursement: all ages of past due funds", all_five(buckets(past_due))),
        ("billed revenue: without end", billed("INVOICED", false)),
        ("billed revenue: variable length", billed("INVOICED", true)),
        (
            "billed revenue: resale cost",
            known
                .events
                .iter()
                .filter(|row| {
                    row.is("action", "INVOICED")
                        && row.is("charge_side", "BUYING")
                        && row.is("charge_variant", "RESALE")
                        && row.get("invoice_date").starts_with(MONTH)
                })
                .count(),
        ),
        (
            "billed revenue: field demonstrations",
            known.usage.iter().filter(|row| row.get("usage_date").starts_with(MONTH) && demonstrations.contains(row.get("offer_id"))).count(),
        ),
        (
            "billed revenue: flexible payment schedule",
            agreements(&|row| row.get("acceptance_time").starts_with(MONTH) && known.charged.contains(row.get("agreement_id"))),
        ),
        (
            "sales compensation: forgiven in the month",
            known.events.iter().filter(|row| row.is("action", "FORGIVEN") && row.get("valid_from").starts_with(MONTH)).count(),
        ),
        ("tax: of the seller", set.rows("TaxItemFeed_V1").iter().filter(|row| us_tax(row) && row.is("tax_liable_party", "Seller")).count()),
        ("tax: of AWS", set.rows("TaxItemFeed_V1").iter().filter(|row| us_tax(row) && row.is("tax_liable_party", "AWS")).count()),
        ("tax: refunded", set.rows("TaxItemFeed_V1").iter().filter(|row| us_tax(row) && row.is("transaction_type_code", "REFUND")).count()),
        ("tax: only the tax refunded", set.rows("TaxItemFeed_V1").iter().filter(|row| us_tax(row) && row.is("transaction_type_code", "TAXONLYREFUND")).count()),
        ("tax: exempt", set.rows("TaxItemFeed_V1").iter().filter(|row| us_tax(row) && row.is("tax_calculation_reason_code", "Exempt")).count()),
        (
            "reconciliation: the documented disbursements",
            known
                .events
                .iter()
                .filter(|row| {
                    row.is("transaction_type", "DISBURSEMENT") && row.get("invoice_date").starts_with(MONTH) && matches!(row.get("amount"), "19.8" | "72.65")
                })
                .count()
                / 2,
        ),
    ]
}

#[test]
fn every_section_has_something_to_show() {
    for (seed, events) in [(1, 775), (1, 2_000), (2, 2_000), (3, 2_000), (77, 5_000)] {
        let set = Set::of(seed, events);
        let empty: Vec<&str> = sections(&set).into_iter().filter(|(_, rows)| *rows == 0).map(|(name, _)| name).collect();
        assert!(empty.is_empty(), "seed {seed}, {events} events: {empty:#?}");
    }
}
