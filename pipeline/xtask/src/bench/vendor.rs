//! All reports of AWS Marketplace feeds against the one query over the same feeds that AWS gives its sellers, in DuckDB. The query is AWS's:
//! whoever measures brings the file.

use std::path::Path;

use crate::bench::document::{Comparison, Document};
use crate::bench::engines::Bench;

/// What is made: each job's reports, at a tick that the made-up feeds have something for.
pub const JOBS: [(&str, &str); 3] = [("nightly", "2026-03-15"), ("weekly", "2026-03-16"), ("monthly", "2026-03-15")];

pub fn measure(query: &Path, events: u64, runs: usize, bench: &Bench, document: &mut Document) -> Result<(), String> {
    bench.clear()?;
    let options = takings_sample::Options::new(bench.feeds(), 1, events);
    let written = takings_sample::write(&options, &mut |_| {}).map_err(|error| error.to_string())?;
    document.feeds(events, written.feeds.iter().map(|feed| feed.bytes).sum());
    let engines = ["takings", "duckdb, AWS's query"];
    let mut comparison = Comparison::new("Raw feeds → all reports, against AWS's one query");
    for turn in 1..=runs {
        for (at, engine) in engines.iter().enumerate() {
            let cost = if at == 0 { bench.all_reports(&JOBS, &options.seller_account)? } else { bench.vendor_query(query)? };
            println!("{events} events, turn {turn}: {engine}: {cost}");
            comparison.add(engine, cost);
        }
    }
    document.compare(comparison);
    document.checked(bench.vendor_said()?);
    Ok(())
}
