//! A table is made again after its contract or its SQL has changed, while others read it: they find the old one until the new one is whole.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::files::copy_folder;
use crate::support::place::{repository, scratch};
use crate::support::python::with_clients;
use crate::support::{Feeds, Place};

/// A mart of the user's own, with a column more or of another type.
fn mart(name: &str, letters: &str, more: &str) -> (String, String) {
    let (column, selected) =
        if more.is_empty() { (String::new(), String::new()) } else { (format!("  {{ name = \"{more}\", type = \"text\" }},\n"), format!("{more}, ")) };
    let contract = format!(
        r#"table = "{name}"
layer = "mart"
description = "Titles of products."
grain = "One row per line of the product feed."
key = ["_instance", "_file_id", "_line"]
kept = "full"
columns = [
  {{ name = "product_id", type = "text", nullable = false }},
  {{ name = "title", type = "text" }},
  {{ name = "letters", type = "{letters}" }},
{column}  {{ name = "_instance", type = "text", nullable = false }},
  {{ name = "_file_id", type = "text", nullable = false }},
  {{ name = "_line", type = "int64", nullable = false }},
]
"#
    );
    let cast = letters.replace("int64", "bigint");
    let sql =
        format!("select product_id, title, cast(character_length(title) as {cast}) as letters, {selected}_instance, _file_id, _line from stg_aws_product\n");
    (contract, sql)
}

/// Reads the table's Delta log again and again until its input ends; prints what it found, each once.
const READER: &str = r#"
import json, os, sys, threading
from deltalake import DeltaTable
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
found, reads = set(), 0
while not ended.is_set() or reads == 0:
    table = DeltaTable(sys.argv[1]).to_pyarrow_table()
    found.add((table.num_rows, f"{len(table.schema)} columns, letters {table.schema.field('letters').type}"))
    reads += 1
print(json.dumps({"reads": reads, "found": sorted(found)}), flush=True)
# The interpreter would take threads of the library down under them.
os._exit(0)
"#;

/// A copy of the shipped project.
fn project() -> TempDir {
    let folder = scratch();
    for part in ["config", "sql", "jobs"] {
        copy_folder(&repository().join(part), &folder.path().join(part));
    }
    folder
}

fn write(project: &Path, name: &str, (contract, sql): (String, String)) {
    std::fs::write(project.join(format!("config/tables/{name}.toml")), contract).unwrap();
    std::fs::write(project.join(format!("sql/marts/{name}.sql")), sql).unwrap();
}

/// Makes `table` again, while `takings sql` counts the rows of a table and another program reads the Delta log of one, both again and again.
/// Both find all rows each time, and the other program one of these shapes.
fn rebuilt(place: &Place, table: &str, (counted, count): (&str, u64), (read, rows): (&str, u64), shapes: &[&str]) {
    let log = place.store(&format!("lake/{read}"));
    let reader = with_clients().map(|python| {
        let mut command = Command::new(python);
        command.args(["-c", READER]).arg(log).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let over = AtomicBool::new(false);
    let query = format!("select count(*) as n from {counted}");
    std::thread::scope(|scope| {
        let (begun, begins) = std::sync::mpsc::channel();
        let (over, query) = (&over, &query);
        scope.spawn(move || {
            begun.send(()).unwrap();
            loop {
                assert_eq!(place.rows(query)[1], [count.to_string()], "{counted}");
                if over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        // The first read is under way when the table begins to be made; on a slow machine it may be the only one.
        begins.recv().unwrap();
        let ran = place.takings(&["rebuild", table]);
        over.store(true, Ordering::SeqCst);
        ran.ok();
    });
    let Some(mut reader) = reader else { return };
    drop(reader.stdin.take());
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    for pair in found["found"].as_array().unwrap() {
        assert!(pair[0] == rows && shapes.iter().any(|shape| pair[1] == *shape), "{read}: {found}");
    }
}

#[test]
fn readers_find_the_old_table_until_the_new_one_is_whole() {
    let (feeds, project) = (Feeds::awkward(81, 10), project());
    write(project.path(), "dim_letters", mart("dim_letters", "int64", ""));
    let place = Place::on(feeds.root()).project(project.path());
    place.run("nightly", "2026-03-15").ok();
    let count = |table: &str| place.rows(&format!("select count(*) as n from {table}"))[1][0].parse::<u64>().unwrap();
    let rows = count("dim_letters");
    assert!(rows > 0);
    let (first, more, other) = ("6 columns, letters int64", "7 columns, letters int64", "7 columns, letters decimal128(18, 2)");

    write(project.path(), "dim_letters", mart("dim_letters", "int64", "product_code"));
    rebuilt(&place, "dim_letters", ("dim_letters", rows), ("dim_letters", rows), &[first, more]);
    assert_eq!(count("dim_letters where product_code is not null"), rows);

    write(project.path(), "dim_letters", mart("dim_letters", "decimal(18,2)", "product_code"));
    rebuilt(&place, "dim_letters", ("dim_letters", rows), ("dim_letters", rows), &[more, other]);
    assert!(place.rows("select letters from dim_letters")[1][0].ends_with(".00"));

    // Renamed: who reads the old name finds it as it was.
    std::fs::remove_file(project.path().join("config/tables/dim_letters.toml")).unwrap();
    std::fs::remove_file(project.path().join("sql/marts/dim_letters.sql")).unwrap();
    write(project.path(), "dim_product_letters", mart("dim_product_letters", "decimal(18,2)", "product_code"));
    rebuilt(&place, "dim_product_letters", ("dim_product", count("dim_product")), ("dim_letters", rows), &[other]);
    assert_eq!(count("dim_product_letters"), rows);
}
