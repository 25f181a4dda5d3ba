//! A generated set read back with nothing but a CSV reader.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use takings_sample::{Options, Summary, write};
use tempfile::TempDir;

pub struct Set {
    pub summary: Summary,
    pub folder: TempDir,
    tables: BTreeMap<String, Vec<Row>>,
}

/// One record of a file with its header.
#[derive(Clone)]
pub struct Row {
    pub file: Rc<str>,
    header: Rc<Vec<String>>,
    cells: csv::StringRecord,
}

impl Row {
    /// The cell of a column; empty for `null` too.
    pub fn get(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column} in {}", self.file));
        match &self.cells[at] {
            "null" => "",
            text => text,
        }
    }

    pub fn is(&self, column: &str, text: &str) -> bool {
        self.get(column) == text
    }

    pub fn has(&self, column: &str) -> bool {
        !self.get(column).is_empty()
    }

    /// Exact, in units of ten to the minus ten.
    pub fn money(&self, column: &str) -> i128 {
        ten_decimals(self.get(column))
    }

    /// The first ten characters of a moment.
    pub fn day(&self, column: &str) -> &str {
        self.get(column).get(..10).unwrap_or("")
    }

    pub fn known(&self) -> String {
        let text = if self.has("update_date") { self.get("update_date") } else { self.get("insert_date") };
        text[..19].replace(' ', "T")
    }

    pub fn text(&self) -> String {
        self.cells.iter().collect::<Vec<_>>().join("\u{1f}")
    }
}

pub fn ten_decimals(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= 10, "{text}");
    let whole: i128 = whole.parse().unwrap_or_else(|_| panic!("not an amount: `{text}`"));
    let fraction: i128 = format!("{fraction:0<10}").parse().unwrap_or_else(|_| panic!("not an amount: `{text}`"));
    sign * (whole * 10_000_000_000 + fraction)
}

/// Keys of the feeds whose rows have versions.
const KEYS: [(&str, &[&str]); 13] = [
    ("AccountFeed_V1", &["account_id", "valid_from"]),
    ("AddressFeed_V1", &["address_id", "valid_from"]),
    ("AgreementFeed_V1", &["agreement_id", "valid_from"]),
    ("AgreementChargeFeed_V1", &["agreement_id", "term_id", "time", "valid_from"]),
    ("AgreementTermFeed_V1", &["agreement_id", "term_id", "valid_from"]),
    ("BillingEventFeed_V1", &["billing_event_id"]),
    ("DailyUsageFeed_V1", &["usage_feed_id", "valid_from"]),
    ("LegacyIdMappingFeed_V1", &["mapping_type", "legacy_id", "valid_from"]),
    ("OfferFeed_V1", &["offer_id", "offer_revision", "valid_from"]),
    ("OfferProductFeed_V1", &["offer_id", "offer_revision", "product_id", "valid_from"]),
    ("OfferTargetFeed_V1", &["offer_target_id", "valid_from"]),
    ("ProductFeed_V1", &["product_id", "valid_from"]),
    ("TaxItemFeed_V1", &["tax_item_id", "valid_from"]),
];

impl Set {
    pub fn of(seed: u64, events: u64) -> Set {
        let folder = TempDir::new().expect("a temporary folder");
        let summary = write(&Options::new(folder.path(), seed, events), &mut |_| ()).expect("the set");
        let mut tables: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for path in files(folder.path()) {
            let file: Rc<str> = path.strip_prefix(folder.path()).expect("below").to_string_lossy().into();
            let feed = file.split('/').next().expect("a folder").to_owned();
            let mut reader = csv::Reader::from_path(&path).expect("a CSV file");
            let header = Rc::new(reader.headers().expect("a header").iter().map(str::to_owned).collect::<Vec<_>>());
            let rows = tables.entry(feed).or_default();
            for cells in reader.records() {
                rows.push(Row { file: file.clone(), header: header.clone(), cells: cells.expect("a record as long as the header") });
            }
        }
        Set { summary, folder, tables }
    }

    /// All delivered rows.
    pub fn rows(&self, feed: &str) -> &[Row] {
        self.tables.get(feed).unwrap_or_else(|| panic!("no feed {feed}"))
    }

    pub fn events(&self) -> &[Row] {
        self.rows("BillingEventFeed_V1")
    }

    /// The newest version of each key among those known by a moment, without the deleted.
    pub fn known_by(&self, feed: &str, moment: &str) -> Vec<Row> {
        let (_, key) = KEYS.iter().find(|(name, _)| *name == feed).unwrap_or_else(|| panic!("no key of {feed}"));
        let mut newest: HashMap<Vec<String>, &Row> = HashMap::new();
        for row in self.rows(feed).iter().filter(|row| row.known().as_str() <= moment) {
            let values = key.iter().map(|column| row.get(column).to_owned()).collect();
            let kept = newest.entry(values).or_insert(row);
            if row.known() >= kept.known() {
                *kept = row;
            }
        }
        let mut rows: Vec<Row> = newest.into_values().filter(|row| !row.has("delete_date")).cloned().collect();
        rows.sort_by_cached_key(Row::text);
        rows
    }

    pub fn newest(&self, feed: &str) -> Vec<Row> {
        self.known_by(feed, "9999")
    }

    /// Every version of a feed's keys, in order of delivery, by key.
    pub fn versions(&self, feed: &str) -> BTreeMap<String, Vec<&Row>> {
        let (_, key) = KEYS.iter().find(|(name, _)| *name == feed).unwrap_or_else(|| panic!("no key of {feed}"));
        let mut versions: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in self.rows(feed) {
            let values: Vec<&str> = key.iter().map(|column| row.get(column)).collect();
            versions.entry(values.join("\u{1f}")).or_default().push(row);
        }
        versions
    }

    /// The seller's `account_id`.
    pub fn seller(&self) -> String {
        let accounts = self.newest("AccountFeed_V1");
        accounts.iter().find(|row| row.is("aws_account_id", "012345678901")).expect("the seller").get("account_id").to_owned()
    }
}

/// All files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
