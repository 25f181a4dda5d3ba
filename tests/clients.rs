//! The lake and the reports as others read them: deltalake, Polars, DuckDB, pyarrow and Python's csv.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::python::with_clients;
use crate::support::reports::declared;
use crate::support::{Place, shared};

const LAKE: &str = include_str!("clients/lake.py");
const FILES: &str = include_str!("clients/files.py");

/// Each table's decimal columns, as its contract declares them.
fn tables(place: &Place) -> BTreeMap<String, (String, Vec<String>)> {
    let listed = place.takings(&["--json", "tables"]).ok().json();
    let of = |table: &Value| {
        let name = table["table"].as_str().unwrap().to_owned();
        let shown = place.takings(&["--json", "tables", "show", &name]).ok().json();
        let columns = shown["columns"].as_array().unwrap().iter().filter(|column| column[1].as_str().unwrap().starts_with("decimal"));
        let columns = columns.map(|column| column[0].as_str().unwrap().to_owned()).collect();
        (name, (table["layer"].as_str().unwrap().to_owned(), columns))
    };
    // Of other channels nothing was ever landed: their tables are not there.
    listed.as_array().unwrap().iter().filter(|table| !table["version"].is_null()).map(of).collect()
}

/// Rows and decimal sums by table, as `takings sql` gives them: all, and those of marts that are current.
fn expected(place: &Place) -> Value {
    let (mut lake, mut mirror) = (Vec::new(), Vec::new());
    for (name, (layer, columns)) in tables(place) {
        let counted = ["'' as name, count(*) as n, null as total".to_owned()];
        let parts = |condition: &str| -> Vec<String> {
            let sums = columns.iter().map(|column| format!("'{column}' as name, count({column}) as n, cast(sum({column}) as varchar) as total"));
            counted.iter().cloned().chain(sums).map(|what| format!("select '{name}' as place, {what} from {name}{condition}")).collect()
        };
        lake.extend(parts(""));
        if layer == "mart" {
            mirror.extend(parts(" where known_to is null"));
        }
    }
    let read = |parts: Vec<String>| {
        let mut found: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for row in place.rows(&parts.join(" union all ")).into_iter().skip(1) {
            found.entry(row[0].clone()).or_default().insert(row[1].clone(), json!([row[2].parse::<u64>().unwrap(), row[3]]));
        }
        found
    };
    json!({"lake": read(lake), "bi": read(mirror)})
}

#[test]
fn other_readers_count_and_sum_the_same() {
    let Some(python) = with_clients() else { return };
    let finished = shared::demo();
    let expected = expected(&finished.place);
    assert_eq!(expected["lake"].as_object().unwrap().len(), 42);
    assert_eq!(expected["bi"].as_object().unwrap().len(), 21);
    let output = Command::new(python).args(["-c", LAKE]).arg(finished.place.store("")).arg(expected.to_string()).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42 tables, 21 mirrors");
}

#[test]
fn report_files_and_data_sets_are_plain_csv() {
    let finished = shared::sharing();
    let place = &finished.place;
    let mut files = Vec::new();
    for report in declared(place) {
        let widths: Vec<usize> = report.sections.iter().map(|section| section.headers.len()).collect();
        let read = report.read(&place.report(&report.path()));
        files.push(
            json!({"path": place.report(&report.path()), "titles": report.sections.iter().map(|section| &section.title).collect::<Vec<_>>(), "widths": widths}),
        );
        for (section, read) in report.sections.iter().zip(&read) {
            // A data set is not written when it is empty.
            if !read.rows.is_empty() {
                let path = place.store(&format!("datasets/{}_{}.csv", section.data_set, report.tick()));
                files.push(json!({"path": path, "headers": section.headers, "rows": read.rows}));
            }
        }
    }
    let data_sets = files.len() - 9;
    assert!(data_sets >= 27, "{data_sets} data sets");
    let output = Command::new("python3").args(["-c", FILES]).arg(Value::from(files).to_string()).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let on_disk =
        std::fs::read_dir(place.store("datasets")).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".csv")).count();
    assert_eq!(on_disk, data_sets, "a data set that no section with rows declares");
}

#[test]
fn the_mirror_shows_no_account_number_unless_shared() {
    let Some(python) = with_clients() else { return };
    let script = "import duckdb, sys; print(duckdb.sql(f\"select count(aws_account_id) from read_parquet('{sys.argv[1]}/bi/dim_account/part.parquet') where regexp_matches(aws_account_id, '^[0-9]{{12}}$')\").fetchall()[0][0])";
    let count = |place: &Place| -> u64 {
        let output = Command::new(&python).args(["-c", script]).arg(place.store("")).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    };
    assert_eq!(count(&shared::demo().place), 0);
    assert!(count(&shared::sharing().place) > 0);
}
