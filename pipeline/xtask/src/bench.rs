//! `cargo xtask bench`: the same work in Takings and in its peers, in turn, on made-up data; what came out is compared to the cent, what
//! it cost is written to docs/benchmarks.md. The peers' scripts stand in `pipeline/xtask/bench`.

mod document;
mod engines;
mod growth;
mod vendor;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use takings_sample::{WideOptions, append_wide_day, write_wide};

use crate::bench::document::{Comparison, Document};
use crate::bench::engines::{Bench, Cost, DayAfter, Source};

const USAGE: &str = "usage: cargo xtask bench [--rows N[,N…]] [--large N] [--one-file N] [--stage a|b|c|d] [--growth N]
             [--vendor-query FILE [--events N]] [--runs N] [--out FILE] [--folder DIR] | --micro

  --rows N,N    lines of the wide usage file, one table for each number (default 2000000)
  --large N     stage (a) also for so many lines, in a third of the turns
  --one-file N  the same, in a single file
  --stage S     only this stage; may be given several times (default: all)
  --growth N    also how cost grows, from so many lines on
  --vendor-query FILE
                also all AWS Marketplace reports against the billed revenue query that AWS gives to its sellers
                (billed_revenue_report.sql among its public samples)
  --events N    billing events for that (default 500000)
  --runs N      turns; the figures are medians (default 5)
  --out FILE    where the document goes (default docs/benchmarks.md)
  --folder DIR  where the data goes; it is deleted afterwards (default: a folder under the system's temporary one)
  --micro       only time cutting, parsing, encoding and printing inside one process (criterion)";

/// Files that the lines are dealt to, and days that they are spread over.
pub const FILES: u64 = 48;
pub const DAYS: u64 = 731;

#[derive(Debug, Clone)]
struct Order {
    rows: Vec<u64>,
    large: Option<u64>,
    one_file: Option<u64>,
    stages: Vec<char>,
    growth: Option<u64>,
    vendor_query: Option<PathBuf>,
    events: u64,
    runs: usize,
    out: PathBuf,
    folder: PathBuf,
    micro: bool,
}

pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let order = match parse(arguments) {
        Ok(order) => order,
        Err(what) => {
            eprintln!("{what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = if order.micro { micro() } else { measure(&order) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}

fn micro() -> Result<(), String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("micro/Cargo.toml");
    let status =
        crate::cargo().args(["bench", "--locked", "--manifest-path"]).arg(manifest).status().map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo bench ended with {status}")) }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let mut order = Order {
        rows: vec![2_000_000],
        large: None,
        one_file: None,
        stages: Vec::new(),
        growth: None,
        vendor_query: None,
        events: 500_000,
        runs: 5,
        out: "docs/benchmarks.md".into(),
        folder: std::env::temp_dir().join(format!("bench_takings_{}", std::process::id())),
        micro: false,
    };
    while let Some(name) = arguments.next() {
        if name == "--micro" {
            order.micro = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--rows" => order.rows = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--large" => order.large = Some(number(&value)?),
            "--one-file" => order.one_file = Some(number(&value)?),
            "--growth" => order.growth = Some(number(&value)?),
            "--vendor-query" => order.vendor_query = Some(std::path::absolute(value).map_err(|error| error.to_string())?),
            "--events" => order.events = number(&value)?,
            "--runs" => order.runs = usize::try_from(number(&value)?).map_err(|error| error.to_string())?,
            "--out" => order.out = value.into(),
            "--folder" => order.folder = value.into(),
            "--stage" => match value.as_str() {
                "a" | "b" | "c" | "d" => order.stages.extend(value.chars()),
                _ => return Err(format!("`{value}` is no stage")),
            },
            _ => return Err(format!("`{name}` is not known")),
        }
    }
    if order.stages.is_empty() {
        order.stages = vec!['a', 'b', 'c', 'd'];
    }
    Ok(order)
}

fn number(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`{text}` is no number above zero")),
    }
}

fn measure(order: &Order) -> Result<(), String> {
    let bench = Bench::prepare(&order.folder)?;
    let mut document = Document::new(&bench)?;
    let measured = measure_all(order, &bench, &mut document);
    // Whatever happened, the data goes; what was measured stays.
    let _ = std::fs::remove_dir_all(&order.folder);
    document.write(&order.out)?;
    measured?;
    println!("{} is written", order.out.display());
    Ok(())
}

fn measure_all(order: &Order, bench: &Bench, document: &mut Document) -> Result<(), String> {
    start(order.runs, bench, document)?;
    for rows in &order.rows {
        of_size(order, bench, document, *rows, FILES, &order.stages)?;
    }
    let seldom = Order { runs: order.runs.div_ceil(3), ..order.clone() };
    for (rows, files) in [(order.large, FILES), (order.one_file, 1)] {
        if let Some(rows) = rows {
            of_size(&seldom, bench, document, rows, files, &['a'])?;
        }
    }
    if let Some(query) = &order.vendor_query {
        vendor::measure(query, order.events, seldom.runs, bench, document)?;
    }
    if let Some(rows) = order.growth {
        growth::measure(rows, bench, document)?;
    }
    Ok(())
}

/// What it costs to start.
fn start(runs: usize, bench: &Bench, document: &mut Document) -> Result<(), String> {
    bench.clear()?;
    let mut comparison = Comparison::new("Start, in the shipped project");
    for (name, arguments) in [("takings --help", &["--help"][..]), ("takings check", &["check"])] {
        for _ in 0..runs.max(5) {
            comparison.add(name, bench.start(arguments)?);
        }
    }
    document.starts(&comparison);
    Ok(())
}

/// All stages on one set of files.
fn of_size(order: &Order, bench: &Bench, document: &mut Document, rows: u64, files: u64, stages: &[char]) -> Result<(), String> {
    bench.clear()?;
    let options = WideOptions { out: bench.feeds(), seed: 1, rows, files, days: DAYS, seller_of: rows };
    let written = write_wide(&options).map_err(|error| error.to_string())?;
    document.data(rows, files, written.bytes);
    let stage = |document: &mut Document, title: &str, engines: &[&str], step: &mut dyn FnMut(&str) -> Result<Cost, String>| -> Result<(), String> {
        let mut comparison = Comparison::new(title);
        // A B A B: what else the machine does falls on all alike.
        for turn in 1..=order.runs {
            for engine in engines {
                let cost = step(engine)?;
                println!("{title}; {rows} lines, {files} files, turn {turn}: {engine}: {cost}");
                comparison.add(engine, cost);
            }
        }
        document.compare(comparison);
        document.write(&order.out)
    };
    if stages.contains(&'c') {
        stage(document, "(c) end to end, from nothing", &["takings", "duckdb"], &mut |engine| bench.end_to_end(engine))?;
        document.checked(bench.same_reports()?);
    } else {
        bench.end_to_end("takings")?;
    }
    if stages.contains(&'a') {
        let engines = ["takings", "duckdb", "polars", "datafusion"];
        for (source, place) in [(Source::Memory, "in the page cache"), (Source::Disk, "on the disk")] {
            let title = format!("(a) landed CSV {place} → typed, partitioned zstd Parquet");
            stage(document, &title, &engines, &mut |engine| bench.load_from(engine, Some(source)))?;
            for peer in &engines[1..] {
                document.checked(bench.same_lines(peer)?);
            }
        }
    }
    if stages.contains(&'b') {
        bench.load("duckdb")?;
        stage(document, "(b) loaded lines → reports", &["takings", "duckdb"], &mut |engine| bench.reports(engine))?;
        document.checked(bench.same_reports()?);
    }
    if stages.contains(&'d') {
        // What was measured before may have left marts behind their lines.
        bench.reports("takings")?;
        append_wide_day(&options).map_err(|error| error.to_string())?;
        let after = DayAfter::of(&options);
        stage(document, "(d) the day after", &["takings", "duckdb"], &mut |engine| bench.day_after(engine, &after))?;
        document.checked(bench.same_reports()?);
    }
    Ok(())
}

/// The folder of the peers' scripts and of the project that is measured.
fn scripts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/bench"))
}

/// What a command prints.
fn output(command: &mut Command) -> Result<String, String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let printed = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    if done.status.success() {
        Ok(printed)
    } else {
        Err(format!("{command:?} ended with {}: {printed}\n{}", done.status, String::from_utf8_lossy(&done.stderr).trim()))
    }
}
