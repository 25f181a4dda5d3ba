//! A small project: two feeds, one mart, one report, and ten nights in which the feeds grow.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::place::{Scene, scratch};

const FILES: [(&str, &str); 11] = [
    ("config/takings.toml", "[engine]\nmemory = \"256 MiB\"\n[instances.mini.main]\nurl = \"feeds\"\nseller_account = \"1\"\n"),
    (
        "config/channels/mini.toml",
        r#"version = 1
channel = "mini"
title = "Mini"

[[exports]]
name = "sale"
table = "mini_sale"
path = '(^|/)sales/[^/]+\.csv$'
mode = "replace_file"
required = ["sale_id"]
timestamps = ["%Y-%m-%dT%H:%M:%SZ"]
quarantine_limit = 1

[[exports]]
name = "product"
table = "mini_product"
path = '(^|/)products\.csv$'
mode = "replace_file"
required = ["product_id"]
"#,
    ),
    (
        "config/tables/mini_sale.toml",
        r#"table = "mini_sale"
layer = "raw"
description = "Sales."
grain = "One row per sale."
key = ["sale_id"]
partition = { from = ["sold_at"] }
known_at = ["seen_at", { column = "sold_at", plus_days = 1 }]
columns = [
  { name = "sale_id", type = "text", nullable = false },
  { name = "sold_at", type = "timestamp", nullable = false },
  { name = "seen_at", type = "timestamp" },
  { name = "product_id", type = "text" },
  { name = "amount", type = "decimal(18,2)", currency = "currency", bound = "1000000" },
  { name = "currency", type = "text" },
]
"#,
    ),
    (
        "config/tables/mini_product.toml",
        r#"table = "mini_product"
layer = "raw"
description = "Products."
grain = "One row per product."
key = ["product_id"]
columns = [
  { name = "product_id", type = "text", nullable = false },
  { name = "title", type = "text" },
]
"#,
    ),
    (
        "config/tables/fct_sale.toml",
        r#"table = "fct_sale"
layer = "mart"
description = "Sales with their products."
grain = "One row per sale."
key = ["_instance", "sale_id"]
partition = { from = ["period_month"] }
columns = [
  { name = "period_month", type = "date", nullable = false },
  { name = "sale_id", type = "text", nullable = false },
  { name = "sold_at", type = "timestamp", nullable = false },
  { name = "title", type = "text" },
  { name = "amount", type = "decimal(18,2)", currency = "currency", bound = "1000000" },
  { name = "currency", type = "text" },
  { name = "known_from", type = "timestamp", nullable = false },
  { name = "_instance", type = "text", nullable = false },
  { name = "_file_id", type = "text", nullable = false },
  { name = "_line", type = "int64", nullable = false },
]

[kept]
partition = "period_month"
changed_by = """
select distinct period_month from changed_mini_sale
union
select distinct s.period_month from mini_sale as s inner join changed_mini_product as p on s.product_id = p.product_id
"""

[[tests]]
name = "sold_once"
kind = "unique"
columns = ["_instance", "sale_id"]
"#,
    ),
    ("sql/staging/mini/stg_mini_sale.sql", "select * from mini_sale"),
    ("sql/staging/mini/stg_mini_product.sql", "select * from mini_product"),
    (
        "sql/marts/fct_sale.sql",
        "select s.period_month, s.sale_id, s.sold_at, p.title, s.amount, s.currency, s._known_at as known_from, s._instance, s._file_id, s._line
from stg_mini_sale as s left join stg_mini_product as p on s._instance = p._instance and s.product_id = p.product_id",
    ),
    (
        "config/reports/sales.toml",
        r#"report = "sales"
title = "Sales"
job = "nightly"
channel = "mini"
file = "sales_{tick}.csv"
exports = ["sale", "product"]
description = "Sales of the day and of all days."

[[sections]]
name = "of_the_day"
title = "Sales of the day"
sort = ["title", "currency"]
columns = [{ header = "Title", column = "title" }, { header = "Currency", column = "currency" }, { header = "Amount", column = "amount", digits = 2 }]

[[sections]]
name = "of_all_days"
title = "Sales of all days"
sort = ["title", "currency"]
columns = [{ header = "Title", column = "title" }, { header = "Currency", column = "currency" }, { header = "Amount", column = "amount", digits = 2 }]
"#,
    ),
    (
        "sql/reports/sales/of_the_day.sql",
        "select title, currency, sum(amount) as amount from fct_sale
where _instance = $instance and known_from <= $known_at and sold_at >= $interval_start and sold_at < $interval_end
group by title, currency",
    ),
    (
        "sql/reports/sales/of_all_days.sql",
        "select title, currency, sum(amount) as amount from fct_sale where _instance = $instance and known_from <= $known_at group by title, currency",
    ),
];

const NIGHTLY: &str =
    "job = \"nightly\"\ndescription = \"Every night.\"\nschedule = \"0 0 * * *\"\ntimezone = \"UTC\"\ncovers = \"previous_day\"\nsettle = \"1 day\"\n";

const UPKEEP: &str =
    "job = \"upkeep\"\ndescription = \"Now and then.\"\nschedule = \"0 0 * * *\"\ntimezone = \"UTC\"\ncovers = \"previous_7_days\"\nsteps = [\"compact\"]\n";

const HEADER: &str = "sale_id,sold_at,product_id,amount,currency\n";

/// One good record, and a bad one that goes to quarantine.
fn february(amount: &str) -> String {
    format!("{HEADER}f1,2026-02-03T10:00:00Z,p1,{amount},USD\nf2,2026-02-04T10:00:00Z,p2,lots,USD\n")
}

/// Two sales that come late.
fn late() -> String {
    let header = HEADER.trim_end();
    format!("{header},seen_at\nl1,2026-03-08T10:00:00Z,p1,0.05,USD,\nl2,2026-03-01T12:00:00Z,p1,0.07,USD,2026-03-09T12:00:00Z\n")
}

/// The files of the project: path and text.
pub fn definitions() -> impl Iterator<Item = (&'static str, String)> {
    FILES.into_iter().chain([("jobs/nightly.toml", NIGHTLY)]).map(|(path, text)| (path, text.to_owned()))
}

pub struct Mini {
    folder: TempDir,
}

impl Mini {
    pub fn new() -> Self {
        let mini = Self { folder: scratch() };
        for (path, text) in definitions() {
            mini.write(path, &text, 0);
        }
        for night in 1..=10 {
            mini.feeds(night);
        }
        mini
    }

    /// The run of a night, counted from 1: the tick of the day after it.
    pub fn night(&self, night: u32) -> Scene {
        Scene {
            project: self.root().to_owned(),
            variable: "TAKINGS_INSTANCES__MINI__MAIN__URL".to_owned(),
            feeds: self.feeds_of(night),
            job: "nightly",
            tick: format!("2026-03-{:02}", night + 1),
            scheduled: false,
            threads: 1,
        }
    }

    /// The upkeep after a night.
    pub fn upkeep(&self, night: u32) -> Scene {
        self.write("jobs/upkeep.toml", UPKEEP, 0);
        Scene { job: "upkeep", ..self.night(night) }
    }

    /// The first night as the scheduler finds it due: its schedule has one day a year, so that whenever the test runs one tick is due.
    pub fn scheduled(&self) -> Scene {
        self.write("jobs/nightly.toml", &NIGHTLY.replace("0 0 * * *", "0 0 2 3 *"), 0);
        Scene { scheduled: true, ..self.night(1) }
    }

    /// The run of the first night after the source has taken back that night's sales: a section has no rows any more.
    pub fn first_night_without_sales(&self) -> Scene {
        let sales = "feeds/none/sales";
        self.write(&format!("{sales}/march.csv"), HEADER, 2);
        self.write(&format!("{sales}/february.csv"), &february("10.00"), 2);
        self.write("feeds/none/products.csv", "product_id,title\np1,One\np2,Two\n", 2);
        Scene { feeds: self.root().join("feeds/none"), ..self.night(1) }
    }

    /// The same, and there is no sale at all.
    pub fn first_night_without_any(&self) -> Scene {
        self.write("feeds/empty/sales/march.csv", HEADER, 2);
        self.write("feeds/empty/sales/february.csv", HEADER, 2);
        self.write("feeds/empty/products.csv", "product_id,title\np1,One\np2,Two\n", 2);
        Scene { feeds: self.root().join("feeds/empty"), ..self.night(1) }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn feeds_of(&self, night: u32) -> PathBuf {
        self.root().join(format!("feeds/{night}"))
    }

    /// The feeds as they are in a night. March grows every night; in the tenth February is rewritten, a file is new and a product renamed.
    /// A sale of the new file was seen long after its day: the report of that day is stale.
    fn feeds(&self, night: u32) {
        let last = night == 10;
        let changed = if last { 10 } else { 1 };
        let march: String = (1..=night)
            .map(|day| format!("m{day}a,2026-03-{day:02}T10:00:00Z,p1,{day}.10,USD\nm{day}b,2026-03-{day:02}T11:00:00Z,p2,2.{day:02},EUR\n"))
            .collect();
        let feeds = format!("feeds/{night}");
        self.write(&format!("{feeds}/sales/march.csv"), &format!("{HEADER}{march}"), night);
        self.write(&format!("{feeds}/sales/february.csv"), &february(if last { "9.50" } else { "10.00" }), changed);
        self.write(&format!("{feeds}/products.csv"), &format!("product_id,title\np1,{}\np2,Two\n", if last { "Uno" } else { "One" }), changed);
        if last {
            self.write(&format!("{feeds}/sales/late.csv"), &late(), changed);
        }
    }

    /// A file that was last written in a night; the same file of the next night is the same to who looks at its time.
    fn write(&self, path: &str, text: &str, night: u32) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_000_000 + 86_400 * u64::from(night));
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
}
