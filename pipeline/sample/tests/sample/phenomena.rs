//! Everything that real feeds do to you, by name: each must occur in a set of 3,000 billing events.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::set::{Row, Set};

const BILLING: &str = "BillingEventFeed_V1";
const USAGE: &str = "DailyUsageFeed_V1";
const AGREEMENT: &str = "AgreementFeed_V1";
const ACCOUNT: &str = "AccountFeed_V1";
const ADDRESS: &str = "AddressFeed_V1";
const PRODUCT: &str = "ProductFeed_V1";
const TAX: &str = "TaxItemFeed_V1";
const VISITS: &str = "SiteVisits";

/// A phenomenon by name, with what of it is in a set.
type Phenomenon = (&'static str, fn(&Set) -> usize);

fn count(set: &Set, feed: &str, wanted: impl Fn(&Row) -> bool) -> usize {
    set.rows(feed).iter().filter(|row| wanted(row)).count()
}

fn events(set: &Set, wanted: impl Fn(&Row) -> bool) -> usize {
    count(set, BILLING, wanted)
}

fn invoiced(row: &Row, transaction_type: &str) -> bool {
    row.is("action", "INVOICED") && row.is("transaction_type", transaction_type)
}

/// Pairs of versions of one key, one delivered after the other.
fn later_versions(set: &Set, feed: &str, wanted: impl Fn(&Row, &Row) -> bool) -> usize {
    let versions = set.versions(feed);
    versions.values().map(|rows| rows.windows(2).filter(|pair| wanted(pair[0], pair[1])).count()).sum()
}

fn corrections(set: &Set, feed: &str) -> usize {
    later_versions(set, feed, |first, second| first.known() < second.known() && !second.has("delete_date"))
}

fn deletions(set: &Set, feed: &str) -> usize {
    later_versions(set, feed, |first, second| !first.has("delete_date") && second.has("delete_date"))
}

fn repeated(set: &Set, feed: &str) -> usize {
    set.rows(feed).windows(2).filter(|pair| pair[0].text() == pair[1].text()).count()
}

/// Keys with more than one `valid_from`.
fn revisions(set: &Set, feed: &str, key: &str, changed: &str) -> usize {
    let mut values: BTreeMap<String, HashMap<String, String>> = BTreeMap::new();
    for row in set.newest(feed) {
        values.entry(row.get(key).to_owned()).or_default().insert(row.get("valid_from").to_owned(), row.get(changed).to_owned());
    }
    values.values().filter(|revisions| revisions.values().collect::<HashSet<_>>().len() > 1).count()
}

fn header_only_months(set: &Set) -> usize {
    let with_rows: HashSet<&str> = set.summary.feeds.iter().flat_map(|feed| set.rows(feed.feed)).map(|row| &*row.file).collect();
    set.summary.feeds.iter().map(|feed| feed.files as usize).sum::<usize>() - with_rows.len()
}

fn by_id(set: &Set) -> HashMap<&str, &Row> {
    set.events().iter().map(|row| (row.get("billing_event_id"), row)).collect()
}

/// Disbursed rows whose disbursement paid a part only.
fn partly_disbursed(set: &Set) -> usize {
    let events = by_id(set);
    events
        .values()
        .filter(|row| row.is("action", "DISBURSED") && row.has("parent_billing_event_id") && !row.get("transaction_type").starts_with("DISBURSEMENT"))
        .filter(|row| events.get(row.get("parent_billing_event_id")).is_some_and(|of| row.money("amount").abs() < of.money("amount").abs()))
        .count()
}

fn paid_again_after_failure(set: &Set) -> usize {
    let failed: HashSet<&str> =
        set.events().iter().filter(|row| row.is("transaction_type", "DISBURSEMENT_FAILURE")).map(|row| row.get("parent_billing_event_id")).collect();
    let mut attempts: HashMap<&str, HashSet<&str>> = HashMap::new();
    for row in set.events().iter().filter(|row| row.is("action", "DISBURSED") && row.has("disbursement_billing_event_id")) {
        attempts.entry(row.get("parent_billing_event_id")).or_default().insert(row.get("disbursement_billing_event_id"));
    }
    attempts.values().filter(|attempts| attempts.len() > 1 && attempts.iter().any(|attempt| failed.contains(attempt))).count()
}

/// Days between the business date of a row and the day on which it became known.
fn days_late(row: &Row) -> i64 {
    let day = |text: &str| day_number(&text[..10]);
    day(&row.known()) - day(row.get("valid_from"))
}

fn day_number(date: &str) -> i64 {
    let parts: Vec<i64> = date.split('-').map(|part| part.parse().expect("a date")).collect();
    let (year, month) = if parts[1] <= 2 { (parts[0] - 1, parts[1] + 9) } else { (parts[0], parts[1] - 3) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + parts[2]
}

fn late(set: &Set, feed: &str) -> usize {
    let versions = set.versions(feed);
    versions.values().filter(|rows| (3..20).contains(&days_late(rows[0]))).count()
}

/// Report rows (reference, product, end user, currency) of a column whose exact sum ends on half a cent.
fn half_cents(set: &Set, action: &str, transaction_type: &str, sign: i128) -> usize {
    let mut sums: HashMap<[&str; 4], (i128, usize)> = HashMap::new();
    let newest = set.newest(BILLING);
    for row in newest.iter().filter(|row| row.is("action", action) && row.is("transaction_type", transaction_type)) {
        let key = ["transaction_reference_id", "product_id", "end_user_account_id", "currency"].map(|column| row.get(column));
        let sum = sums.entry(key).or_default();
        *sum = (sum.0 + row.money("amount"), sum.1 + 1);
    }
    sums.values().filter(|(sum, rows)| *rows > 1 && sum.signum() == sign && sum.abs() % 100_000_000 == 50_000_000).count()
}

fn documented(set: &Set, amounts: &[&str], paid: &str) -> usize {
    let newest = set.newest(BILLING);
    let disbursements = newest.iter().filter(|row| row.is("transaction_type", "DISBURSEMENT") && row.is("amount", paid));
    disbursements
        .filter(|transfer| {
            let mut lines: Vec<&str> =
                newest.iter().filter(|row| row.is("disbursement_billing_event_id", transfer.get("billing_event_id"))).map(|row| row.get("amount")).collect();
            lines.sort_unstable();
            let mut expected = amounts.to_vec();
            expected.sort_unstable();
            lines == expected
        })
        .count()
}

fn tags(set: &Set, wanted: impl Fn(&str) -> bool) -> usize {
    count(set, VISITS, |row| row.get("path").split_once("ref=").is_some_and(|(_, tag)| wanted(tag)))
}

fn sessions_over_midnight(set: &Set) -> usize {
    let mut days: HashMap<&str, HashSet<&str>> = HashMap::new();
    for row in set.rows(VISITS) {
        days.entry(row.get("session_id")).or_default().insert(row.day("occurred_at"));
    }
    days.values().filter(|days| days.len() > 1).count()
}

fn sessions_that_only_subscribe(set: &Set) -> usize {
    let mut kinds: HashMap<&str, HashSet<&str>> = HashMap::new();
    for row in set.rows(VISITS) {
        kinds.entry(row.get("session_id")).or_default().insert(row.get("event"));
    }
    kinds.values().filter(|kinds| **kinds == HashSet::from(["subscribe_open"])).count()
}

fn late_visits(set: &Set) -> usize {
    let mut newest = "";
    let mut found = 0;
    for row in set.rows(VISITS) {
        found += usize::from(!newest.is_empty() && day_number(newest) - day_number(row.day("occurred_at")) > 1);
        newest = newest.max(row.day("occurred_at"));
    }
    found
}

fn pages_without_product(set: &Set) -> usize {
    let pages: HashSet<&str> = set.rows("ProductPages").iter().map(|row| row.get("asin")).collect();
    count(set, VISITS, |row| row.get("path").strip_prefix("/marketplace/pp/").is_some_and(|rest| !pages.contains(rest.split('/').next().unwrap_or(""))))
}

const PHENOMENA: &[Phenomenon] = &[
    ("backfill folder", |set| events(set, |row| row.file.contains("year=2010/month=01"))),
    ("a backfilled row of long ago", |set| events(set, |row| row.get("invoice_date") < "2020" && row.has("invoice_date"))),
    ("month files with a header only", header_only_months),
    ("corrected billing events", |set| corrections(set, BILLING)),
    ("corrected amounts", |set| later_versions(set, BILLING, |first, second| first.get("amount") != second.get("amount"))),
    ("corrected usage", |set| corrections(set, USAGE)),
    ("corrected agreements", |set| corrections(set, AGREEMENT)),
    ("corrected accounts", |set| corrections(set, ACCOUNT)),
    ("corrected products", |set| corrections(set, PRODUCT)),
    ("accounts that move", |set| revisions(set, ACCOUNT, "account_id", "mailing_address_id")),
    ("products that are renamed", |set| revisions(set, PRODUCT, "product_id", "title")),
    ("agreements that end", |set| revisions(set, AGREEMENT, "agreement_id", "status")),
    ("offers with a second revision", |set| count(set, "OfferFeed_V1", |row| row.is("offer_revision", "2"))),
    ("deleted usage", |set| deletions(set, USAGE)),
    ("deleted products", |set| deletions(set, PRODUCT)),
    ("deleted terms", |set| deletions(set, "AgreementTermFeed_V1")),
    ("deleted revisions of accounts that keep the first", |set| {
        let newest: HashSet<String> = set.newest(ACCOUNT).iter().map(|row| row.get("account_id").to_owned()).collect();
        count(set, ACCOUNT, |row| row.has("delete_date") && newest.contains(row.get("account_id")))
    }),
    ("billing events delivered twice", |set| repeated(set, BILLING)),
    ("usage delivered twice", |set| repeated(set, USAGE)),
    ("agreements delivered twice", |set| repeated(set, AGREEMENT)),
    ("late billing events", |set| late(set, BILLING)),
    ("late usage", |set| late(set, USAGE)),
    ("late agreements", |set| late(set, AGREEMENT)),
    ("rows without update date", |set| count(set, "OfferFeed_V1", |row| !row.has("update_date") && row.has("insert_date"))),
    ("agreements replaced", |set| count(set, AGREEMENT, |row| row.is("status", "REPLACED"))),
    ("agreements renewed", |set| count(set, AGREEMENT, |row| row.is("status", "RENEWED"))),
    ("renewals", |set| count(set, AGREEMENT, |row| row.is("intent", "RENEW") && row.has("preceding_agreement_id"))),
    ("agreements cancelled", |set| count(set, AGREEMENT, |row| row.is("status", "CANCELLED") && row.has("end_time"))),
    ("agreements without end", |set| count(set, AGREEMENT, |row| row.is("status", "ACTIVE") && !row.has("end_time"))),
    ("agreement values with thousands marks", |set| count(set, AGREEMENT, |row| row.get("estimated_agreement_value").contains(','))),
    ("back-dated acceptance", |set| count(set, AGREEMENT, |row| row.get("acceptance_time") < row.get("start_time"))),
    ("payment schedules", |set| count(set, "AgreementChargeFeed_V1", |_| true)),
    ("the other dialect of dates", |set| count(set, AGREEMENT, |row| row.get("start_time").ends_with(".0") && row.get("start_time").contains(' '))),
    ("refunds", |set| events(set, |row| invoiced(row, "SELLER_REV_SHARE_REFUND") && row.money("amount") < 0)),
    ("fees refunded", |set| events(set, |row| invoiced(row, "AWS_REV_SHARE_REFUND") && row.money("amount") > 0)),
    ("credits", |set| events(set, |row| invoiced(row, "SELLER_REV_SHARE_CREDIT"))),
    ("fee credits", |set| events(set, |row| invoiced(row, "AWS_REV_SHARE_CREDIT"))),
    ("forgiven", |set| events(set, |row| row.is("action", "FORGIVEN") && row.get("valid_from") > row.get("invoice_date"))),
    ("collected", |set| events(set, |row| row.is("action", "COLLECTED"))),
    ("balance adjustments", |set| events(set, |row| invoiced(row, "BALANCE_ADJUSTMENT"))),
    ("balance adjustments paid out", |set| events(set, |row| row.is("action", "DISBURSED") && row.is("transaction_type", "BALANCE_ADJUSTMENT"))),
    ("partly disbursed", partly_disbursed),
    ("bank trace ids", |set| events(set, |row| row.is("transaction_type", "DISBURSEMENT") && row.has("bank_trace_id"))),
    ("failed disbursements", |set| events(set, |row| row.is("transaction_type", "DISBURSEMENT_FAILURE") && row.money("amount") < 0)),
    ("paid again after a failure", paid_again_after_failure),
    ("a failure that lists its rows", |set| {
        let events = by_id(set);
        let reverses = |row: &&&Row| events.get(row.get("disbursement_billing_event_id")).is_some_and(|to| to.is("transaction_type", "DISBURSEMENT_FAILURE"));
        events.values().filter(reverses).count()
    }),
    ("a disbursement known more than four days later", |set| {
        events(set, |row| row.is("transaction_type", "DISBURSEMENT") && row.get("invoice_date") > "2020" && days_late(row) > 4)
    }),
    ("a failure known after the tick's known-at", |set| {
        let events = by_id(set);
        let failures = events.values().filter(|row| row.is("transaction_type", "DISBURSEMENT_FAILURE"));
        failures
            .filter(|row| events.get(row.get("parent_billing_event_id")).is_some_and(|of| of.is("invoice_date", "2026-03-12T18:30:00Z")))
            .filter(|row| row.known().as_str() > "2026-03-16")
            .count()
    }),
    ("paid out, but invoiced in no feed", |set| {
        let events = by_id(set);
        events
            .values()
            .filter(|row| row.is("action", "DISBURSED") && row.has("disbursement_billing_event_id") && !events.contains_key(row.get("parent_billing_event_id")))
            .count()
    }),
    ("paid out by a disbursement that no feed has", |set| {
        let events = by_id(set);
        events.values().filter(|row| row.has("disbursement_billing_event_id") && !events.contains_key(row.get("disbursement_billing_event_id"))).count()
    }),
    ("failures of disbursements that no feed has", |set| {
        let events = by_id(set);
        events.values().filter(|row| row.is("transaction_type", "DISBURSEMENT_FAILURE") && !events.contains_key(row.get("parent_billing_event_id"))).count()
    }),
    ("disbursements without a bank trace id", |set| events(set, |row| row.is("transaction_type", "DISBURSEMENT") && !row.has("bank_trace_id"))),
    ("rows under another bank trace id than their disbursement's", |set| {
        let events = by_id(set);
        let astray = |row: &&&Row| {
            events
                .get(row.get("disbursement_billing_event_id"))
                .is_some_and(|to| row.has("bank_trace_id") && row.get("bank_trace_id") != to.get("bank_trace_id"))
        };
        events.values().filter(astray).count()
    }),
    ("invoiced in two currencies and paid in the first", |set| {
        let events = by_id(set);
        let first = |row: &&&Row| {
            row.is("action", "DISBURSED")
                && !row.has("disbursement_amount")
                && events.get(row.get("parent_billing_event_id")).is_some_and(|of| of.has("disbursement_amount"))
        };
        events.values().filter(first).count()
    }),
    ("resale cost", |set| {
        events(set, |row| invoiced(row, "SELLER_REV_SHARE") && row.is("charge_variant", "RESALE") && row.is("charge_side", "BUYING") && row.money("amount") < 0)
    }),
    ("resale cost refunded", |set| {
        events(set, |row| invoiced(row, "SELLER_REV_SHARE_REFUND") && row.is("charge_variant", "RESALE") && row.money("amount") > 0)
    }),
    ("sold by a reseller, address hidden", |set| {
        events(set, |row| invoiced(row, "SELLER_REV_SHARE") && row.is("charge_side", "SELLING") && !row.has("billing_address_id"))
    }),
    ("listing fees on their own invoice and date", |set| {
        let events = by_id(set);
        let apart = |row: &&&Row| {
            let Some(sale) = events.get(row.get("parent_billing_event_id")) else { return false };
            invoiced(row, "AWS_REV_SHARE")
                && row.is("invoice_variant", "LISTING_FEE")
                && invoiced(sale, "SELLER_REV_SHARE")
                && ["invoice_id", "invoice_date", "transaction_reference_id"].iter().all(|column| row.get(column) != sale.get(column))
        };
        events.values().filter(apart).count()
    }),
    ("AWS_EUROPE", |set| events(set, |row| row.is("broker_id", "AWS_EUROPE"))),
    ("AWS_JAPAN", |set| events(set, |row| row.is("broker_id", "AWS_JAPAN"))),
    ("rows without broker", |set| events(set, |row| !row.has("broker_id"))),
    ("EUR", |set| events(set, |row| row.is("currency", "EUR") && row.is("transaction_type", "DISBURSEMENT"))),
    ("GBP", |set| events(set, |row| row.is("currency", "GBP") && row.is("transaction_type", "DISBURSEMENT"))),
    ("JPY", |set| events(set, |row| row.is("currency", "JPY") && row.is("transaction_type", "DISBURSEMENT"))),
    ("dual-invoiced rows", |set| events(set, |row| invoiced(row, "SELLER_REV_SHARE") && row.is("disbursement_currency", "USD") && row.is("currency", "EUR"))),
    ("dual-invoiced rows paid out in dollars", |set| {
        let events = by_id(set);
        let dual = events.values().filter(|row| row.is("action", "DISBURSED") && row.has("disbursement_amount"));
        dual.filter(|row| events[row.get("disbursement_billing_event_id")].is("currency", "USD")).count()
    }),
    ("tax owed by the seller", |set| events(set, |row| invoiced(row, "SELLER_TAX_SHARE") && row.is("balance_impacting", "1"))),
    ("tax owed by AWS", |set| events(set, |row| invoiced(row, "AWS_TAX_SHARE") && row.is("balance_impacting", "0"))),
    ("tax by state, county, city", |set| {
        let levels: HashSet<&str> = set.rows(TAX).iter().map(|row| row.get("jurisdiction_level")).collect();
        usize::from(["State", "County", "City", "District", "Country"].iter().all(|level| levels.contains(level)))
    }),
    ("tax refunds", |set| count(set, TAX, |row| row.is("transaction_type_code", "REFUND") && row.money("tax_amount") < 0)),
    ("refunds of tax only", |set| count(set, TAX, |row| row.is("transaction_type_code", "TAXONLYREFUND"))),
    ("tax exemptions", |set| count(set, TAX, |row| row.has("customer_exemption_certificate_id"))),
    ("tax items abroad", |set| count(set, TAX, |row| !row.is("taxed_customer_country", "US"))),
    ("account numbers with leading zeros", |set| count(set, ACCOUNT, |row| row.get("aws_account_id").starts_with("00"))),
    ("postal codes with leading zeros", |set| count(set, ADDRESS, |row| row.get("postal_code").starts_with('0'))),
    ("titles with a comma", |set| count(set, PRODUCT, |row| row.get("title").contains(','))),
    ("titles with quotes", |set| count(set, PRODUCT, |row| row.get("title").contains('"'))),
    ("titles with a newline", |set| count(set, PRODUCT, |row| row.get("title").contains('\n'))),
    ("titles that start like a formula", |set| count(set, PRODUCT, |row| row.get("title").starts_with('='))),
    ("titles beyond ASCII", |set| count(set, PRODUCT, |row| row.get("title").contains('Ü') || row.get("title").contains('デ'))),
    ("company names with a newline", |set| count(set, ADDRESS, |row| row.get("company_name").contains('\n'))),
    ("company names beyond ASCII", |set| count(set, ADDRESS, |row| !row.get("company_name").is_ascii())),
    ("addresses with an e-mail domain", |set| count(set, ADDRESS, |row| row.get("email_domain").contains('.'))),
    ("addresses without an e-mail domain", |set| count(set, ADDRESS, |row| !row.has("email_domain"))),
    ("empty billing addresses", |set| events(set, |row| invoiced(row, "SELLER_REV_SHARE") && !row.has("billing_address_id"))),
    ("ten decimals", |set| events(set, |row| row.get("amount").split_once('.').is_some_and(|(_, decimals)| decimals.len() == 10))),
    ("half cents invoiced", |set| half_cents(set, "INVOICED", "SELLER_REV_SHARE", 1)),
    ("half cents refunded", |set| half_cents(set, "INVOICED", "SELLER_REV_SHARE_REFUND", -1)),
    ("half cents disbursed", |set| half_cents(set, "DISBURSED", "SELLER_REV_SHARE", -1)),
    ("half cents taken back", |set| half_cents(set, "DISBURSED", "SELLER_REV_SHARE_REFUND", 1)),
    ("the documented reseller", |set| documented(set, &["-100", "80", "0.2"], "19.8")),
    ("the documented manufacturer", |set| documented(set, &["-73.5", "-6.5", "7.35"], "72.65")),
    ("products by their legacy id", |set| {
        let mapping: HashSet<&str> = set.rows("LegacyIdMappingFeed_V1").iter().map(|row| row.get("legacy_id")).collect();
        events(set, |row| mapping.contains(row.get("product_id")))
    }),
    ("usage without agreement", |set| count(set, USAGE, |row| !row.has("agreement_id"))),
    ("usage that costs nothing", |set| count(set, USAGE, |row| row.money("estimated_revenue_in_pricing_currency") == 0)),
    ("invoices of nothing", |set| events(set, |row| invoiced(row, "SELLER_REV_SHARE") && row.money("amount") == 0)),
    ("a second account that pays", |set| count(set, USAGE, |row| row.get("payer_account_id") != row.get("end_user_account_id"))),
    ("tags of partners", |set| tags(set, |tag| tag.contains("_ptnr_"))),
    ("tags of advertisements", |set| tags(set, |tag| tag.starts_with("ads_"))),
    ("tags of other kinds", |set| tags(set, |tag| tag.starts_with("srh_"))),
    ("tags with something after them", |set| tags(set, |tag| tag.contains(['?', '#', '/']))),
    ("visits without tag", |set| count(set, VISITS, |row| !row.get("path").contains("ref="))),
    ("visits of no product page", |set| count(set, VISITS, |row| !row.get("path").contains("/pp/"))),
    ("pages that no product has", pages_without_product),
    ("sessions over midnight", sessions_over_midnight),
    ("visits repeated", |set| repeated(set, VISITS)),
    ("late visits", late_visits),
    ("visits without account", |set| count(set, VISITS, |row| !row.has("account_id"))),
    ("sessions that only subscribe", sessions_that_only_subscribe),
    ("agreement details without end", |set| count(set, "AgreementDetails", |row| row.is("agreement_end_date", "1-JAN-9999"))),
    ("free trials", |set| count(set, "AgreementDetails", |row| row.is("is_free_trial_offer", "true"))),
];

#[test]
fn everything_that_real_feeds_do_occurs() {
    for (seed, events) in [(1, 775), (1, 3_000), (2, 3_000), (20, 3_000)] {
        let set = Set::of(seed, events);
        let missing: Vec<&str> = PHENOMENA.iter().filter(|(_, find)| find(&set) == 0).map(|(name, _)| *name).collect();
        assert!(missing.is_empty(), "seed {seed}, {events} events: {missing:#?}");
    }
}
