//! What a newcomer gets wrong in config/, sql/ and jobs/, in variables and on the command line: told with place, cause and the nearest right name.

use std::path::Path;

use tempfile::TempDir;

use crate::support::files::copy_folder;
use crate::support::place::{repository, scratch};
use crate::support::{Place, Ran};

/// A copy of the shipped project.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let folder = scratch();
        for part in ["config", "sql", "jobs"] {
            copy_folder(&repository().join(part), &folder.path().join(part));
        }
        Self(folder)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    /// Replaces the first `from` of a file, which must be there; the line it stands in.
    fn edit(&self, file: &str, from: &str, to: &str) -> usize {
        let path = self.root().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let at = text.find(from).unwrap_or_else(|| panic!("{file} has no {from:?}"));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        text[..at].lines().count().max(1) + usize::from(text[..at].ends_with('\n'))
    }

    fn takings(&self, arguments: &[&str]) -> Ran {
        Place::new().project(self.root()).takings(arguments)
    }
}

/// One edit of one file of definitions: exit 2, its file and line, and these words.
#[track_caller]
fn refused(file: &str, from: &str, to: &str, words: &[&str]) {
    let project = Project::new();
    let line = project.edit(file, from, to);
    let place = format!("{file}:{line}:");
    for command in [["check"].as_slice(), &["run", "nightly", "--at", "2026-03-15"]] {
        project.takings(command).ends_with(2).says(&[&[place.as_str()], words].concat());
    }
}

#[test]
fn the_shipped_project_is_all_right() {
    let ran = Project::new().takings(&["check"]).ok();
    assert!(ran.out.contains("all right"), "{}", ran.out);
}

#[test]
fn wrong_keys_name_the_line_and_the_right_key() {
    refused("jobs/nightly.toml", "settle", "setle", &["unknown key `setle`", "did you mean `settle`?"]);
    refused("config/takings.toml", "seller_account", "seler_account", &["seler_account", "did you mean `seller_account`?"]);
    refused("config/channels/aws_marketplace.toml", "quarantine_limit", "quarantine_limt", &["did you mean `quarantine_limit`?"]);
    refused("config/tables/fct_usage.toml", "nullable", "nulable", &["did you mean `nullable`?"]);
    refused("config/reports/disbursement.toml", "sort =", "sorted =", &["did you mean `sort`?"]);
}

#[test]
fn wrong_values_name_the_line_and_what_is_right() {
    refused("config/takings.toml", "retention_days = 35", "retention_days = \"many\"", &["\"many\" is not a whole number"]);
    refused("config/takings.toml", "enhanced_data_sharing = false", "enhanced_data_sharing = 3", &["true or false"]);
    refused("jobs/monthly.toml", "previous_month", "previus_month", &["previous_month"]);
    refused("config/channels/aws_marketplace.toml", "mode = \"versioned\"", "mode = \"version\"", &["versioned"]);
}

#[test]
fn definitions_that_contradict_each_other_are_named() {
    let says = |file: &str, from: &str, to: &str, words: &[&str]| {
        let project = Project::new();
        let place = format!("{file}:{}:", project.edit(file, from, to));
        project.takings(&["check"]).ends_with(2).says(&[&[place.as_str()], words].concat());
    };
    says("config/tables/aws_billing_event.toml", "decimal(28,10)", "decimal(10,28)", &["column `amount`", "decimal(10,28)"]);
    says("config/tables/aws_billing_event.toml", "currency = \"currency\"", "currency = \"curency\"", &["curency"]);
    says("config/tables/aws_billing_event.toml", "type = \"text\"", "type = \"string\"", &["column `billing_event_id`", "\"string\"", "text"]);
    says("config/tables/fct_invoice.toml", "\"billing_event_id\", \"known_from\"", "\"billing_event\", \"known_from\"", &["`billing_event`", "did you mean"]);
    says(
        "config/channels/aws_marketplace.toml",
        "table = \"aws_billing_event\"",
        "table = \"aws_billing_evnt\"",
        &["export `billing_event`", "`aws_billing_evnt`", "did you mean `aws_billing_event`?", "config/tables/"],
    );
    says("config/channels/aws_marketplace.toml", "required = [\"account_id\"", "required = [\"acount_id\"", &["`acount_id`", "did you mean `account_id`?"]);
    says("config/channels/aws_marketplace.toml", "country_code = [", "country_cod = [", &["`country_cod`", "did you mean `country_code`?"]);
    says("config/tables/dim_agreement.toml", "to_table = \"dim_account\"", "to_table = \"dim_acount\"", &["`dim_acount`", "did you mean `dim_account`?"]);
    says("config/tables/dim_agreement.toml", "to_column = \"account_id\"", "to_column = \"acount_id\"", &["`acount_id`", "did you mean `account_id`?"]);
    says("config/tables/dim_agreement.toml", "kind = \"unique\"", "kind = \"uniqe\"", &["\"uniqe\"", "did you mean `unique`?"]);
    says("config/tables/dim_agreement.toml", "type = \"timestamp\"", "type = \"timestmp\"", &["\"timestmp\"", "did you mean `timestamp`?"]);
    says(
        "config/reports/disbursement.toml",
        "name = \"by_product\"",
        "name = \"by_prodct\"",
        &["section `by_prodct` has no SQL", "did you mean `by_product`?"],
    );
    says("config/reports/disbursement.toml", "channel = \"aws_marketplace\"", "channel = \"aws_market\"", &["`aws_market`", "aws_marketplace"]);
    says("config/reports/disbursement.toml", "digits = 2", "digits = \"too\"", &["\"too\"", "feed"]);
    says("config/reports/disbursement.toml", "job = \"nightly\"", "job = \"nightyl\"", &["nightyl", "did you mean `nightly`?"]);
    says("config/reports/disbursement.toml", "exports = [\"billing_event\"", "exports = [\"billing_evnt\"", &["billing_evnt", "did you mean `billing_event`?"]);
}

#[test]
fn wrong_variables_are_named() {
    let place = |name: &str, value: &str| Place::new().variable(name, value).takings(&["check"]).ends_with(2);
    place("TAKINGS_STORE__ULR", "x").says(&["variable TAKINGS_STORE__ULR", "did you mean `url`?"]);
    place("TAKINGS_STORAGE__URL", "x").says(&["variable TAKINGS_STORAGE__URL"]);
    place("TAKINGS_ENGINE__THREADS", "two").says(&["variable TAKINGS_ENGINE__THREADS", "\"two\" is not a whole number"]);
    place("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__ENHANCED_DATA_SHARING", "yes").says(&["ENHANCED_DATA_SHARING", "neither true nor false"]);
    // Digits stay text: an account keeps its leading zero.
    Place::new().variable("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__SELLER_ACCOUNT", "000000000012").takings(&["check"]).ok();
}

#[test]
fn wrong_ticks_jobs_and_times_are_refused_with_the_nearest() {
    let says = |arguments: &[&str], words: &[&str]| drop(Place::new().takings(arguments).ends_with(2).says(words));
    says(&["run", "nightly", "--at", "2026-03-15T01:00:00Z"], &["is not a tick of nightly", "2026-03-15T00:00:00Z", "2026-03-16T00:00:00Z"]);
    says(&["run", "monthly", "--at", "2026-03-14"], &["is not a tick of monthly", "2026-02-15T00:00:00Z", "2026-03-15T00:00:00Z"]);
    says(&["run", "weekly", "--at", "2026-03-15"], &["is not a tick of weekly", "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z"]);
    says(&["run", "nigthly"], &["no job `nigthly`", "did you mean `nightly`?"]);
    says(&["run", "nightly", "--at", "tomorrow"], &["tomorrow", "2026-03-15"]);
    says(&["run", "nightly", "--at", "2026-02-30"], &["2026-02-30"]);
    says(&["run", "nightly", "--at", "2026-03-15", "--known-at", "soon"], &["--known-at", "soon"]);
    says(&["tables", "show", "fct_invioce"], &["fct_invioce", "did you mean `fct_invoice`?"]);
    says(&["reports", "show", "disbursment"], &["disbursment", "did you mean `disbursement`?"]);
    says(&["rebuild", "fct_usge"], &["fct_usge", "did you mean `fct_usage`?"]);
}

#[test]
fn a_cycle_of_models_is_shown_whole() {
    let project = Project::new();
    project.edit("sql/marts/fct_invoice.sql", "from fct_billing_event", "from fct_receivable");
    project.edit("sql/marts/fct_receivable.sql", "from fct_billing_event", "from fct_invoice");
    project.takings(&["check"]).ends_with(2).says(&["fct_invoice", "fct_receivable", "sql/marts/fct_"]);
}

#[test]
fn check_finds_every_sql_mistake_with_its_file() {
    let project = Project::new();
    let unknown = project.edit("sql/reports/daily_business/fees.sql", "from known_invoice", "from known_invioce");
    let column = project.edit("sql/reports/daily_business/new_instances.sql", "launched_at", "lanched_at");
    let rounded = project.edit("sql/marts/fct_tax.sql", "tax_amount,", "round(tax_amount, 2) as tax_amount,");
    let output = project.edit("config/reports/daily_reftag.toml", "column = \"revenue\"", "column = \"revnue\"");
    let float = "sql/reports/us_sales_and_use_tax/us_sales_and_use_tax_records.sql";
    let guess = 1 + project.edit(float, "select\n", "select\n    cast(tax_amount as double) as guess,\n");
    let contract = project.edit("config/tables/fct_disbursement.toml", "name = \"bank_trace_id\"", "name = \"bank_trace\"");
    let kind = project.edit("config/tables/dim_product_page.toml", "type = \"text\"", "type = \"int64\"");
    let sort = project.edit("config/reports/sales_compensation.toml", "sort = [\"", "sort = [\"no_such_column\", \"");
    let ran = project.takings(&["check"]).ends_with(1);
    ran.says(&[&format!("sql/reports/daily_business/fees.sql:{unknown}:"), "`known_invioce`", "did you mean `known_invoice`?"])
        .says(&[&format!("sql/reports/daily_business/new_instances.sql:{column}:"), "lanched_at", "launched_at"])
        .says(&[&format!("sql/marts/fct_tax.sql:{rounded}:"), "rounds money", "sql/reports/"])
        .says(&[&format!("config/reports/daily_reftag.toml:{output}:"), "needs column `revnue`", "sql/reports/daily_reftag/", "did you mean `revenue`?"])
        .says(&[&format!("config/reports/sales_compensation.toml:{sort}:"), "needs column `no_such_column`"])
        .says(&[&format!("{float}:{guess}:"), "float"])
        .says(&[&format!("config/tables/fct_disbursement.toml:{contract}:"), "`bank_trace`", "sql/marts/fct_disbursement.sql", "did you mean `bank_trace_id`?"])
        .says(&[&format!("config/tables/dim_product_page.toml:{kind}:"), "column `asin` is Int64 here", "sql/marts/dim_product_page.sql"]);
    let findings = project.takings(&["--json", "check"]).ends_with(1).json();
    assert_eq!(findings["ok"], false);
    let mut findings: Vec<&str> = findings["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap()).collect();
    assert!(findings.len() >= 9, "{findings:#?}");
    // What many files read is told once.
    let all = findings.len();
    findings.sort_unstable();
    findings.dedup();
    assert_eq!(findings.len(), all);
}

#[test]
fn a_trace_that_does_not_hold_is_named() {
    let project = Project::new();
    let file = "config/reports/reconciliation.toml";
    let model = project.edit(file, "model = \"known_break\"", "model = \"known_brake\"");
    let key = project.edit(file, "settlement_id = \"disbursement_id\"", "settlement_id = \"disbursment_id\"");
    let filter = project.edit(file, "filter = \"moved_at <", "filter = \"moved_on <");
    let ran = project.takings(&["check"]).ends_with(1);
    ran.says(&[&format!("{file}:{model}:"), "trace of section `breaks`", "known_brake", "did you mean `known_break`?"])
        .says(&[&format!("{file}:{key}:"), "`disbursment_id`", "did you mean `disbursement_id`?"])
        .says(&[&format!("{file}:{filter}:"), "trace of section `roll_forward`", "moved_on", "moved_at"]);
}

#[test]
fn what_a_report_shares_is_a_view_that_several_sections_read() {
    let says = |to: &str, words: &[&str]| {
        let project = Project::new();
        let file = "config/reports/disbursement.toml";
        let place = format!("{file}:{}:", project.edit(file, "shared = [\"known_disbursement\"", to));
        project.takings(&["check"]).ends_with(1).says(&[&[place.as_str()], words].concat());
    };
    says("shared = [\"known_disbursment\"", &["`known_disbursment` is no view", "did you mean `known_disbursement`?"]);
    says("shared = [\"fct_disbursement\"", &["`fct_disbursement` is no view"]);
    says("shared = [\"known_usage\"", &["`known_usage` is read by 1 of the sections"]);
}

#[test]
fn money_is_neither_rounded_nor_narrowed_nor_made_a_float() {
    let says = |file: &str, from: &str, to: &str, words: &[&str]| {
        let project = Project::new();
        let place = format!("{file}:{}:", project.edit(file, from, to));
        project.takings(&["check"]).ends_with(1).says(&[&[place.as_str()], words].concat());
    };
    let (receivable, event) = ("sql/known/known_receivable.sql", "sql/known/known_disbursement_event.sql");
    let open = "case when in_second_currency then disbursement_amount else amount end as amount";
    says(receivable, open, "cast(amount as decimal(38, 2)) as amount", &["cuts digits", "sql/reports/"]);
    says(receivable, open, "try_cast(amount as decimal(38, 2)) as amount", &["cuts digits", "sql/reports/"]);
    says(receivable, open, "arrow_cast(amount, 'Decimal128(38, 2)') as amount", &["cuts digits", "sql/reports/"]);
    says(receivable, open, "amount::bigint as amount", &["cuts digits", "sql/reports/"]);
    says(receivable, open, "amount::real as amount", &["float"]);
    says(event, "d.paid_amount,", "round(d.paid_amount, 2) as paid_amount,", &["rounds money", "sql/reports/"]);
    says(event, "d.paid_amount,", "floor(d.paid_amount) as paid_amount,", &["rounds money", "sql/reports/"]);
    says(event, "d.paid_amount,", "trunc(d.paid_amount) as paid_amount,", &["paid_amount", "trunc"]);
    says(event, "d.paid_amount,", "d.paid_amount * sqrt(2) as paid_amount,", &["float"]);
    // In reports rounding is what one expects, a float is not.
    says("sql/reports/reconciliation/breaks.sql", "sum(amount) as amount", "avg(cast(amount as float)) as amount", &["float"]);
    // SQL that stands in a definition is SQL too.
    says("config/reports/disbursement.toml", "made_when = \"\"\"\nselect 1\n", "made_when = \"\"\"\nselect cast('1.5' as double) as one\n", &["float"]);
}

#[test]
fn what_check_refuses_a_run_refuses_before_it_writes() {
    let project = Project::new();
    project.edit("sql/marts/fct_tax.sql", "\nfrom ", "\nfrm ");
    let place = Place::new().project(project.root());
    place.takings(&["run", "nightly", "--at", "2026-03-15"]).ends_with(2).says(&["sql/marts/fct_tax.sql:"]);
    assert!(!place.store("reports").exists() && !place.store("lake").exists());
}

#[test]
fn a_data_test_that_fails_stops_the_mart_and_its_reports() {
    let project = Project::new();
    let tests = project.root().join("config/tables/fct_usage.toml");
    let text = std::fs::read_to_string(&tests).unwrap();
    std::fs::write(&tests, format!("{text}\n[[tests]]\nname = \"nobody_uses_anything\"\nkind = \"no_rows\"\nsql = \"select usage_feed_id from fct_usage\"\n"))
        .unwrap();
    let feeds = crate::support::Feeds::awkward(71, 5);
    let place = Place::on(feeds.root()).project(project.root());
    place.takings(&["run", "weekly", "--at", "2026-03-16"]).ends_with(1).says(&["fct_usage", "nobody_uses_anything"]);
    assert!(!place.store("lake/fct_usage").exists() || !place.store("lake/fct_usage/_delta_log/00000000000000000000.json").exists());
    assert!(!place.store("reports").exists());
    std::fs::write(&tests, text).unwrap();
    place.takings(&["run", "weekly", "--at", "2026-03-16"]).ok();
}
