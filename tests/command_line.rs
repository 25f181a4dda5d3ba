//! The command line: help that teaches, JSON that parses, queries that only read, a plan that writes nothing.

use crate::support::place::repository;
use crate::support::{Place, bytes_under, shared};

const COMMANDS: [&str; 19] = [
    "run",
    "serve",
    "backfill",
    "plan",
    "check",
    "sql",
    "sources",
    "tables",
    "reports",
    "runs",
    "quarantine",
    "trace",
    "channel",
    "sample",
    "init",
    "rebuild",
    "compact",
    "vacuum",
    "completions",
];

#[test]
fn help_names_every_command_and_shows_examples() {
    let place = Place::new();
    let help = place.takings(&["--help"]).ok().out;
    for command in COMMANDS {
        assert!(help.contains(&format!("  {command}")), "{command} is missing in\n{help}");
        let own = place.takings(&[command, "--help"]).ok().out;
        assert!(own.contains("Usage:"), "{own}");
    }
    for words in ["Examples:", "takings run nightly --at 2026-03-15", "Exit codes: 0 done, 1 a data or check failure, 2 a usage or configuration error"] {
        assert!(help.contains(words), "{words:?} is missing in\n{help}");
    }
    place.takings(&["nightly"]).ends_with(2);
    place.takings(&["run"]).ends_with(2);
}

fn files_in(folder: &str) -> usize {
    std::fs::read_dir(repository().join(folder)).unwrap().count()
}

#[test]
fn every_json_parses() {
    let finished = shared::sharing();
    let place = &finished.place;
    let json = |arguments: &[&str]| place.takings(&[&["--json"], arguments].concat()).ok().json();
    assert_eq!(json(&["check"])["ok"], true);
    assert_eq!(json(&["sources"]).as_array().unwrap().len(), 17);
    assert_eq!(json(&["tables"]).as_array().unwrap().len(), files_in("config/tables"));
    assert_eq!(json(&["tables", "show", "fct_invoice"])["table"], "fct_invoice");
    assert_eq!(json(&["reports"]).as_array().unwrap().len(), files_in("config/reports"));
    assert_eq!(json(&["reports", "show", "disbursement"])["sections"].as_array().unwrap().len(), 7);
    let runs = json(&["runs"]);
    assert_eq!(runs.as_array().unwrap().len(), 3);
    let id = runs[0]["id"].as_str().unwrap();
    let shown = json(&["runs", "show", id]);
    assert!(shown["steps"].as_array().unwrap().iter().any(|step| step["name"] == "emit"), "{shown}");
    assert_eq!(json(&["quarantine", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(json(&["plan", "nightly", "--at", "2026-03-15"])["job"], "nightly");
    // Rows of a query are one object a line.
    let rows = place.takings(&["--json", "sql", "select currency, count(*) as n from fct_invoice group by currency"]).ok().out;
    let rows: Vec<serde_json::Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 3 && rows.iter().all(|row| row["n"].is_string() || row["n"].is_number()), "{rows:?}");
    let out = crate::support::place::scratch();
    let sample = json(&["sample", "--out", out.path().join("feeds").to_str().unwrap(), "--events", "50"]);
    assert!(sample["feeds"].as_array().unwrap().len() >= 13);
}

#[test]
fn tables_and_lists_are_readable_without_json() {
    let finished = shared::demo();
    for (arguments, words) in [
        (["tables"].as_slice(), ["fct_invoice", "One row per"]),
        (&["tables", "show", "fct_invoice"], ["amount", "decimal(28,10)"]),
        (&["reports"], ["disbursement", "Disbursement"]),
        (&["reports", "show", "disbursement"], ["Disbursed amount by product", "sql/reports/disbursement/by_product.sql"]),
        (&["sources"], ["billing_event", "aws_billing_event"]),
        (&["runs"], ["nightly", "delivered"]),
        (&["quarantine"], ["quarantine", "empty"]),
    ] {
        let out = finished.place.takings(arguments).ok().out;
        assert!(words.iter().all(|word| out.contains(word)), "{arguments:?}: {words:?} in\n{out}");
    }
}

#[test]
fn completions_print_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let out = Place::new().takings(&["completions", shell]).ok().out;
        assert!(out.contains("quarantine") && out.len() > 1_000, "{shell}: {} bytes", out.len());
    }
}

#[test]
fn sql_reads_and_nothing_else() {
    let finished = shared::demo();
    let before = bytes_under(&finished.place.store("lake"));
    for query in [
        "delete from fct_invoice",
        "drop table fct_invoice",
        "insert into fct_invoice select * from fct_invoice",
        "update fct_invoice set amount = 0",
        "create table t as select 1",
        "copy fct_invoice to 'out.parquet'",
        "select 1; delete from fct_invoice",
        "create external table t stored as csv location '/etc/passwd'",
    ] {
        let ran = finished.place.takings(&["sql", query]);
        assert!(matches!(ran.code, Some(1 | 2)), "{query}: {:?} {}", ran.code, ran.out);
        assert!(ran.err.contains("error") && !ran.err.contains("panicked"), "{query}: {}", ran.err);
    }
    assert!(bytes_under(&finished.place.store("lake")) == before, "the lake was changed");
    finished.place.takings(&["sql", "select 'a' from '/etc/passwd'"]).ends_with(2);
    finished.place.takings(&["sql", "select * from fct_invioce"]).ends_with(2).says(&["fct_invioce", "did you mean `fct_invoice`?"]);
}

#[test]
fn sql_prints_csv_that_reads_back_and_money_as_it_is() {
    let finished = shared::demo();
    let rows = finished.place.rows("select cast(1.10 as decimal(28,10)) as amount, 'a \"b\", c' as text, null as nothing");
    assert_eq!(rows, [["amount", "text", "nothing"], ["1.1000000000", "a \"b\", c", ""]]);
    assert_eq!(finished.place.rows("select count(*) as n from fct_invoice where false")[1], ["0"]);
    assert_eq!(finished.place.rows("select amount from fct_invoice where false"), [["amount"]]);
}

#[test]
fn a_query_before_any_run_says_what_to_do() {
    Place::new().takings(&["sql", "select 1"]).ends_with(1).says(&["no snapshot yet", "takings run"]);
}

#[test]
fn a_plan_says_what_would_be_done_and_writes_nothing() {
    let place = Place::new();
    let ran = place.takings(&["plan", "nightly", "--at", "2026-03-15"]).ok();
    for words in ["BillingEventFeed_V1/year=2026/month=03/data.csv", "new", "disbursement_report_2026-03-15.csv", "fct_billing_event"] {
        assert!(ran.out.contains(words), "{words} is missing in\n{}", ran.out);
    }
    assert!(!place.store("").exists(), "the plan made a store");
    assert!(!place.ledger().exists(), "the plan made a ledger");

    let finished = shared::demo();
    let ran = finished.place.takings(&["plan", "nightly", "--at", "2026-03-15"]).ok();
    assert!(ran.out.contains("was delivered"), "{}", ran.out);
}

#[test]
fn a_plan_names_the_files_that_a_run_passes_over() {
    use std::os::unix::ffi::OsStrExt;
    let feeds = crate::support::Feeds::awkward(31, 5);
    let accounts = feeds.path("AccountFeed_V1/year=2026/month=03");
    std::fs::create_dir_all(&accounts).unwrap();
    feeds.write("Notes/readme.csv", "a,b\n");
    feeds.write("Twice/data.csv", "a,b\n");
    std::os::unix::fs::symlink("data.csv", accounts.join("link.csv")).unwrap();
    std::fs::write(accounts.join(std::ffi::OsStr::from_bytes(b"\xff.csv")), "a,b\n").unwrap();
    let project = crate::support::place::scratch();
    for part in ["config", "sql", "jobs"] {
        crate::support::files::copy_folder(&crate::support::place::repository().join(part), &project.path().join(part));
    }
    // Two exports take the same file.
    let channel = project.path().join("config/channels/aws_marketplace.toml");
    let text = std::fs::read_to_string(&channel).unwrap();
    let text = text
        .replace("'(^|/)AccountFeed_V1/", "'(^|/)Twice/data|(^|/)AccountFeed_V1/")
        .replace("'(^|/)AddressFeed_V1/", "'(^|/)Twice/data|(^|/)AddressFeed_V1/");
    std::fs::write(&channel, text).unwrap();

    let place = Place::on(feeds.root()).project(project.path());
    let ran = place.takings(&["plan", "weekly", "--at", "2026-03-16"]).ok();
    let says = |words: &[&str]| assert!(ran.out.lines().any(|line| words.iter().all(|word| line.contains(word))), "no line with {words:?} in\n{}", ran.out);
    says(&["not read: 4 files", "for 2 of them the run fails"]);
    says(&["Notes/readme.csv", "fits no export"]);
    says(&["Twice/data.csv", "fits several exports (account, address)"]);
    says(&["month=03/link.csv", "links are not followed"]);
    says(&["not UTF-8"]);
    let plan = place.takings(&["--json", "plan", "weekly", "--at", "2026-03-16"]).ok().json();
    let failing = plan["left"].as_array().unwrap().iter().filter(|left| left["fails"] == true).count();
    assert_eq!((plan["left"].as_array().unwrap().len(), failing), (4, 2), "{plan}");

    // The run says the same.
    let ran = place.run("weekly", "2026-03-16").ends_with(1).says(&["Twice/data.csv", "fits several exports"]).says(&["not UTF-8"]);
    for words in [["Notes/readme.csv", "fit no export"], ["month=03/link.csv", "was not read"]] {
        assert!(ran.out.lines().any(|line| line.starts_with("warning") && words.iter().all(|word| line.contains(word))), "no {words:?} in\n{}", ran.out);
    }
}

#[test]
fn an_older_snapshot_and_known_at_can_be_queried() {
    let finished = shared::demo();
    let runs = finished.place.takings(&["--json", "runs"]).ok().json();
    let first = runs.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let shown = finished.place.takings(&["--json", "runs", "show", &first]).ok().json();
    let snapshot = shown["snapshots"][0]["id"].as_str().unwrap();
    let query = "select count(*) as n from known_invoice";
    let count = |more: &[&str]| -> u64 {
        let out = finished.place.takings(&[&["sql", query, "--format", "csv"], more].concat()).ok().out;
        out.lines().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(count(&["--snapshot", snapshot]), count(&[]));
    let (then, now) = (count(&["--known-at", "2026-01-01"]), count(&[]));
    assert!(0 < then && then < now, "{then} invoices known in January, {now} now");
    finished.place.takings(&["sql", query, "--snapshot", "no-id"]).ends_with(2).says(&["no-id"]);
}

#[test]
fn the_same_seed_makes_the_same_sample() {
    let (one, two, other) = (crate::support::Feeds::generated(3, 300), crate::support::Feeds::generated(3, 300), crate::support::Feeds::generated(4, 300));
    assert!(bytes_under(one.root()) == bytes_under(two.root()));
    assert!(bytes_under(one.root()) != bytes_under(other.root()));
    let ran = Place::new().takings(&["sample", "--out", one.root().to_str().unwrap()]);
    assert!(matches!(ran.code, Some(1 | 2)) && ran.err.contains("empty"), "a folder with files is refused: {:?} {}", ran.code, ran.err);
}
