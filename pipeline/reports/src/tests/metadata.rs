//! Layout, manifest and data-set metadata: the texts and paths as they are delivered.

use expect_test::expect;

use super::{batch, date, input, instance, report, run, texts, write};
use crate::{Layout, Manifest, Total, Withheld, meta_json};

#[test]
fn a_manifest_says_what_is_in_the_file_and_where_it_is_from() {
    let report = report(&[("one", "Fees", "{ header = \"Amount\", digits = 2 }, { header = \"Currency\" }"), ("two", "Refunds", "{ header = \"X\" }")]);
    let amounts = std::sync::Arc::new(arrow::array::Int64Array::from(vec![-3]));
    let rows = batch(vec![("amount", amounts), ("currency", texts(&[Some("USD")])), ("x", texts(&[Some("a")]))]);
    let made = write(&report, false, &[vec![rows.clone()], vec![rows.slice(0, 0)]]).unwrap();
    let instance = instance();
    let mut run = run(&instance, "k1");
    run.known_at += chrono::TimeDelta::microseconds(1);
    run.withheld = vec![Withheld {
        export: "billing_event".to_owned(),
        path: "b.csv".to_owned(),
        rows: 2,
        amounts: vec![Total { column: "amount".to_owned(), currency: Some("USD".to_owned()), sum: "12.5".to_owned() }],
    }];
    let layout = Layout::new(&report, "main", false, date("2026-03-15"));
    let manifest = Manifest::new(&report, &run, &made.written, &layout, 2);
    let text = manifest.to_json();
    expect![[r#"
        {
          "report": "fees",
          "channel": "aws_marketplace",
          "instance": "main",
          "job": "nightly",
          "tick": "2026-03-15T00:00:00Z",
          "interval": {
            "start": "2026-03-14T00:00:00Z",
            "end": "2026-03-15T00:00:00Z"
          },
          "known_at": "2026-03-16T00:00:00.000001Z",
          "run_key": "k1",
          "file": "fees_report_2026-03-15.r2.csv",
          "sha256": "175ad150802190c1b599f95284335b99a558b914e86a2ff24b2e8d04aa862785",
          "bytes": 42,
          "sections": [
            {
              "name": "one",
              "title": "Fees",
              "interval": {
                "start": "2026-03-14T00:00:00Z",
                "end": "2026-03-15T00:00:00Z"
              },
              "rows": 1,
              "totals": [
                {
                  "column": "Amount",
                  "currency": "USD",
                  "sum": "-3.00"
                }
              ],
              "data_set": "fees_one",
              "data_set_file": {
                "path": "datasets/fees_one_2026-03-15.r2.csv",
                "sha256": "8122d7f2e4ccbb6869f112e0bb5a27bd1e976ac2a06e123bb4864e1c0e6f5adc",
                "bytes": 26
              }
            },
            {
              "name": "two",
              "title": "Refunds",
              "interval": {
                "start": "2026-03-14T00:00:00Z",
                "end": "2026-03-15T00:00:00Z"
              },
              "rows": 0,
              "totals": [],
              "data_set": "fees_two",
              "data_set_file": null
            }
          ],
          "inputs": [
            {
              "export": "account",
              "path": "a.csv",
              "sha256": "aa"
            },
            {
              "export": "billing_event",
              "path": "b.csv",
              "sha256": "bb"
            }
          ],
          "withheld": [
            {
              "export": "billing_event",
              "path": "b.csv",
              "rows": 2,
              "amounts": [
                {
                  "column": "amount",
                  "currency": "USD",
                  "sum": "12.5"
                }
              ]
            }
          ],
          "warnings": [
            "first",
            "second"
          ]
        }
    "#]]
    .assert_eq(&text);
    assert_eq!(Manifest::parse("reports/fees/x.csv.manifest.json", &text).unwrap(), manifest);

    run.inputs.reverse();
    run.warnings.reverse();
    assert_eq!(Manifest::new(&report, &run, &made.written, &layout, 2).to_json(), text);
    run.inputs.push(input("account", "c.csv", "cc"));
    assert_ne!(Manifest::new(&report, &run, &made.written, &layout, 2).to_json(), text);
}

#[test]
fn a_broken_manifest_names_its_place() {
    let error = Manifest::parse("reports/fees/x.csv.manifest.json", "{\n  \"report\": 1}").unwrap_err();
    assert!(error.is_data());
    expect!["reports/fees/x.csv.manifest.json:2:13: not a manifest of a report: invalid type: integer `1`, expected a string; put the file back as it was written, or move it away together with its report to have both made again"].assert_eq(&error.to_string());
}

#[test]
fn a_data_set_has_the_service_s_metadata() {
    let report = report(&[("one", "Fees", "{ header = \"X\" }")]);
    let made = write(&report, false, &[vec![batch(vec![("x", texts(&[Some("a")]))])]]).unwrap();
    let instance = instance();
    let layout = Layout::new(&report, "main", true, date("2026-03-15"));
    let meta = |run_key: &str, revision| meta_json(&run(&instance, run_key), &made.written.sections[0], &layout, revision);
    expect![[r#"
        {
          "dataSetRequestId": "d4a390b0-7dac-89c0-8154-534460d673f9",
          "dataSetCoverageRange": {
            "startDateTime": "2026-03-14T00:00:00.000Z",
            "endDateTime": "2026-03-14T23:59:59.000Z"
          },
          "dataSetRequestParameters": {
            "sellerAccountId": "012345678901",
            "dataSetType": "fees_one",
            "dataSetPublicationDate": "2026-03-15T00:00:00.000Z"
          },
          "dataSetLocation": {
            "key": "datasets/main/fees_one_2026-03-15.csv"
          },
          "dataSetMetaDataLocation": {
            "key": "datasets/main/fees_one_2026-03-15.meta.json"
          }
        }
    "#]]
    .assert_eq(&meta("k1", 1));
    assert_eq!(meta("k1", 1), meta("k1", 1));
    assert_ne!(meta("k1", 1), meta("k2", 1));
    assert!(meta("k1", 2).contains("datasets/main/fees_one_2026-03-15.r2.csv"));
}

#[test]
fn files_stand_in_the_folder_of_their_report() {
    let report = report(&[("one", "Fees", "{ header = \"X\" }")]);
    let alone = Layout::new(&report, "main", false, date("2026-03-15"));
    let several = Layout::new(&report, "main", true, date("2026-03-15"));
    let mut text = String::new();
    for (layout, revision) in [(&alone, 1), (&alone, 2), (&several, 1), (&several, 12)] {
        for path in [
            layout.report_path(revision),
            layout.manifest_path(revision),
            layout.latest_path(),
            layout.data_set_path("fees_one", revision),
            layout.meta_path("fees_one", revision),
        ] {
            text.push_str(&path);
            text.push('\n');
        }
        assert_eq!(layout.revision_of_manifest(&layout.manifest_path(revision)), Some(revision));
    }
    expect![[r#"
        reports/fees/fees_report_2026-03-15.csv
        reports/fees/fees_report_2026-03-15.csv.manifest.json
        reports/fees/latest.json
        datasets/fees_one_2026-03-15.csv
        datasets/fees_one_2026-03-15.meta.json
        reports/fees/fees_report_2026-03-15.r2.csv
        reports/fees/fees_report_2026-03-15.r2.csv.manifest.json
        reports/fees/latest.json
        datasets/fees_one_2026-03-15.r2.csv
        datasets/fees_one_2026-03-15.r2.meta.json
        reports/fees/main/fees_report_2026-03-15.csv
        reports/fees/main/fees_report_2026-03-15.csv.manifest.json
        reports/fees/main/latest.json
        datasets/main/fees_one_2026-03-15.csv
        datasets/main/fees_one_2026-03-15.meta.json
        reports/fees/main/fees_report_2026-03-15.r12.csv
        reports/fees/main/fees_report_2026-03-15.r12.csv.manifest.json
        reports/fees/main/latest.json
        datasets/main/fees_one_2026-03-15.r12.csv
        datasets/main/fees_one_2026-03-15.r12.meta.json
    "#]]
    .assert_eq(&text);
    for path in [
        "reports/fees/fees_report_2026-03-15.csv",
        "reports/fees/fees_report_2026-03-14.csv.manifest.json",
        "reports/fees/fees_report_2026-03-15.r1.csv.manifest.json",
        "reports/fees/fees_report_2026-03-15.r02.csv.manifest.json",
        "reports/fees/fees_report_2026-03-15.rx.csv.manifest.json",
        "reports/fees/main/fees_report_2026-03-15.csv.manifest.json",
        "reports/fees/latest.json",
    ] {
        assert_eq!(alone.revision_of_manifest(path), None, "{path}");
    }
}
