//! The tables and the mirror as Python's Delta, Polars, pyarrow and DuckDB see them.

use std::process::Command;

use super::*;

const READ: &str = include_str!("clients.py");

#[tokio::test(flavor = "multi_thread")]
async fn other_clients_see_the_same_rows() {
    let imports = Command::new("python3").args(["-c", "import deltalake, polars, pyarrow, duckdb"]).output();
    if !imports.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT RUN: python3 can't import deltalake, polars, pyarrow and duckdb; install them with pip to run this test");
        return;
    }
    let place = place();
    // Others compare deletion times with the clock of the machine.
    place.clock.store(chrono::Utc::now().timestamp(), Ordering::SeqCst);
    let mut app_version = None;
    // Twelve commits: a checkpoint lies in between. A commit has one file of a single row, whose statistics are all a reader needs.
    let mut last = Vec::new();
    for round in 0..12i128 {
        let rows = [("2026-02-01", 1_234_567_890_123_456_789_012_345_678 + round), ("2026-03-01", -5 - round), ("2026-03-01", 7)];
        let adds = place.write(Some("u"), &rows).await;
        let removes = std::mem::take(&mut last).into_iter().filter(|file: &DataFile| file.period_month == Some(month("2026-03-01"))).collect();
        last = adds.iter().map(|new| new.file.clone()).collect();
        app_version = Some(place.commit(app_version, adds, removes).await.unwrap().app_version);
    }
    for text in ["2026-02-01", "2026-03-01"] {
        let batch = charges(&[(text, 1_234_567_890_123_456_789_012_345_678), (text, -3)]);
        place.lake.mirror_partition("aws_charge", Some(month(text)), &batch.schema(), [batch.clone()]).await.unwrap();
    }
    let output = Command::new("python3").args(["-c", READ]).arg(place.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let ours: i128 = place.amounts(None).await.iter().sum();
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let (whole, fraction) = (ours / 10_000_000_000, ours % 10_000_000_000);
    assert_eq!(lines.lines().next().unwrap(), format!("{whole}.{fraction:010}"));
}
