//! What was delivered + what was made → what to do.

use std::sync::Arc;

use arrow::array::{Decimal128Array, RecordBatch};
use expect_test::{Expect, expect};
use takings_definitions::Report;

use super::{batch, date, input, instance, report, run, texts, write};
use crate::{Decision, Delivered, Delivery, Layout, Manifest, Written};

/// The report's amounts, in cents.
type Amounts<'a> = &'a [i128];

struct Case {
    report: Report,
    layout: Layout,
}

impl Case {
    fn new() -> Self {
        let columns = "{ header = \"Amount\", digits = 2 }, { header = \"Currency\" }";
        let report = report(&[("one", "Fees", columns), ("two", "Refunds", columns)]);
        let layout = Layout::new(&report, "main", false, date("2026-03-15"));
        Self { report, layout }
    }

    fn written(&self, amounts: Amounts) -> Written {
        let rows = |amounts: Amounts| -> RecordBatch {
            let currency = texts(&vec![Some("USD"); amounts.len()]);
            batch(vec![("amount", Arc::new(Decimal128Array::from(amounts.to_vec()).with_precision_and_scale(38, 2).unwrap())), ("currency", currency)])
        };
        write(&self.report, false, &[vec![rows(amounts)], vec![rows(&[])]]).unwrap().written
    }

    fn delivered(&self, revisions: &[(u32, &str, Amounts)], latest: Option<&str>) -> Delivered {
        let instance = instance();
        let manifests: Vec<_> = revisions
            .iter()
            .map(|(revision, run_key, amounts)| {
                let manifest = Manifest::new(&self.report, &run(&instance, run_key), &self.written(amounts), &self.layout, *revision);
                (self.layout.manifest_path(*revision), manifest.to_json())
            })
            .chain([("reports/fees/fees_report_2026-03-14.csv.manifest.json".to_owned(), "another tick's: not read".to_owned())])
            .collect();
        Delivered::read(&self.layout, manifests.iter().map(|(path, text)| (path.as_str(), text.as_str())), latest).unwrap()
    }

    fn check(&self, delivered: &Delivered, run_key: &str, amounts: Amounts, restate: bool, expected: Expect) {
        let instance = instance();
        let Delivery { decision, latest } = delivered.decide(&self.layout, &run(&instance, run_key), &self.written(amounts), restate);
        let mut text = match decision {
            Decision::Refuse { message } => format!("Refuse: {message}"),
            other => format!("{other:?}"),
        };
        if let Some(latest) = latest {
            text.push_str("\nlatest.json: ");
            text.push_str(&latest);
        }
        expected.assert_eq(&text);
    }
}

#[test]
fn the_first_delivery() {
    let case = Case::new();
    let nothing = case.delivered(&[], None);
    case.check(&nothing, "k1", &[100], false, expect!["Write"]);
    case.check(&nothing, "k1", &[100], true, expect!["Write"]);
    case.check(&nothing, "k1", &[], false, expect!["NoData"]);
    assert_eq!(nothing.before(&case.layout, "k1", false), None);
}

#[test]
fn a_delivered_tick() {
    let case = Case::new();
    let once = case.delivered(&[(1, "k1", &[100])], None);
    case.check(&once, "k1", &[100], false, expect![[r#"Nothing { file: "fees_report_2026-03-15.csv" }"#]]);
    case.check(&once, "k1", &[100], true, expect![[r#"Nothing { file: "fees_report_2026-03-15.csv" }"#]]);
    case.check(&once, "k2", &[100], false, expect![[r#"Unchanged { file: "fees_report_2026-03-15.csv" }"#]]);
    case.check(&once, "k2", &[100], true, expect![[r#"Unchanged { file: "fees_report_2026-03-15.csv" }"#]]);
    case.check(&once, "k2", &[101, 5], false, expect![[r#"Refuse: reports/fees/fees_report_2026-03-15.csv was delivered with other bytes (SHA-256 1efc5a0cc328 then, dce0023b331c now): section one: rows 1 then, 2 now; section one: "Amount" USD 1.00 then, 1.06 now. Look at reports/fees/fees_report_2026-03-15.csv.manifest.json, and deliver the new one beside it with `takings run nightly --at 2026-03-15T00:00:00Z --restate`"#]]);
    case.check(
        &once,
        "k2",
        &[101],
        true,
        expect![[r#"
        Restate { revision: 2, file: "fees_report_2026-03-15.r2.csv" }
        latest.json: {
          "fees_report_2026-03-15.csv": "fees_report_2026-03-15.r2.csv"
        }
    "#]],
    );
    case.check(&once, "k2", &[], false, expect!["Refuse: reports/fees/fees_report_2026-03-15.csv was delivered with other bytes (SHA-256 1efc5a0cc328 then, d2e070eaf5ca now): section one: rows 1 then, 0 now. Look at reports/fees/fees_report_2026-03-15.csv.manifest.json, and deliver the new one beside it with `takings run nightly --at 2026-03-15T00:00:00Z --restate`"]);
    case.check(
        &once,
        "k2",
        &[],
        true,
        expect![[r#"
        Restate { revision: 2, file: "fees_report_2026-03-15.r2.csv" }
        latest.json: {
          "fees_report_2026-03-15.csv": "fees_report_2026-03-15.r2.csv"
        }
    "#]],
    );
    assert!(once.before(&case.layout, "k1", false).is_some());
    assert_eq!(once.before(&case.layout, "k2", true), None);
}

#[test]
fn a_restated_tick() {
    let case = Case::new();
    let latest = "{\"fees_report_2026-03-14.csv\": \"fees_report_2026-03-14.r3.csv\", \"fees_report_2026-03-15.csv\": \"fees_report_2026-03-15.r2.csv\"}";
    let twice = case.delivered(&[(1, "k1", &[100]), (2, "k2", &[101])], Some(latest));
    // The nightly run of the tick is what the first revision was.
    case.check(&twice, "k1", &[100], false, expect![[r#"Nothing { file: "fees_report_2026-03-15.csv" }"#]]);
    case.check(&twice, "k2", &[101], false, expect![[r#"Nothing { file: "fees_report_2026-03-15.r2.csv" }"#]]);
    case.check(&twice, "k3", &[100], false, expect![[r#"Unchanged { file: "fees_report_2026-03-15.csv" }"#]]);
    // Restating the earlier state is a revision of its own.
    case.check(
        &twice,
        "k1",
        &[100],
        true,
        expect![[r#"
        Restate { revision: 3, file: "fees_report_2026-03-15.r3.csv" }
        latest.json: {
          "fees_report_2026-03-14.csv": "fees_report_2026-03-14.r3.csv",
          "fees_report_2026-03-15.csv": "fees_report_2026-03-15.r3.csv"
        }
    "#]],
    );
    case.check(&twice, "k2", &[101], true, expect![[r#"Nothing { file: "fees_report_2026-03-15.r2.csv" }"#]]);
    case.check(&twice, "k3", &[103], false, expect![[r#"Refuse: reports/fees/fees_report_2026-03-15.r2.csv was delivered with other bytes (SHA-256 4df0eb71d9db then, b3ac53a2dcd6 now): section one: "Amount" USD 1.01 then, 1.03 now. Look at reports/fees/fees_report_2026-03-15.r2.csv.manifest.json, and deliver the new one beside it with `takings run nightly --at 2026-03-15T00:00:00Z --restate`"#]]);
}

#[test]
fn a_run_killed_before_latest_json_is_completed() {
    let case = Case::new();
    let killed = case.delivered(&[(1, "k1", &[100]), (2, "k2", &[101])], None);
    case.check(
        &killed,
        "k2",
        &[101],
        false,
        expect![[r#"
        Nothing { file: "fees_report_2026-03-15.r2.csv" }
        latest.json: {
          "fees_report_2026-03-15.csv": "fees_report_2026-03-15.r2.csv"
        }
    "#]],
    );
    // A list that names a revision which never got its manifest.
    let ahead = case.delivered(&[(1, "k1", &[100])], Some("{\"fees_report_2026-03-15.csv\": \"fees_report_2026-03-15.r2.csv\"}"));
    case.check(
        &ahead,
        "k1",
        &[100],
        false,
        expect![[r#"
        Nothing { file: "fees_report_2026-03-15.csv" }
        latest.json: {}
    "#]],
    );
}

#[test]
fn a_refusal_names_what_changed() {
    let case = Case::new();
    let once = case.delivered(&[(1, "k1", &[100])], None);
    let instance = instance();
    let mut other = run(&instance, "k2");
    other.inputs = ["a.csv", "c.csv", "d.csv", "e.csv", "f.csv"].map(|path| input("billing_event", path, "x")).to_vec();
    let Decision::Refuse { message } = once.decide(&case.layout, &other, &case.written(&[250]), false).decision else { panic!("not refused") };
    expect![[r#"reports/fees/fees_report_2026-03-15.csv was delivered with other bytes (SHA-256 1efc5a0cc328 then, 8a4d0be9d481 now): section one: "Amount" USD 1.00 then, 2.50 now; input a.csv: another file; input b.csv: another file; input c.csv: another file; input d.csv: another file; and 2 more. Look at reports/fees/fees_report_2026-03-15.csv.manifest.json, and deliver the new one beside it with `takings run nightly --at 2026-03-15T00:00:00Z --restate`"#]].assert_eq(&message);
}

#[test]
fn a_broken_list_of_the_newest_is_named() {
    let case = Case::new();
    let error = Delivered::read(&case.layout, [], Some("[1]")).unwrap_err();
    expect!["reports/fees/latest.json:1:0: not a list of the newest files: invalid type: sequence, expected a map; delete it: the next run of a restated tick writes it again"].assert_eq(&error.to_string());
    let path = case.layout.manifest_path(1);
    assert!(Delivered::read(&case.layout, [(path.as_str(), "{}")], None).is_err());
}
