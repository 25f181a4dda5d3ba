//! docs/benchmarks.md: what was measured, on what, with what, and how to do it again.

use std::fmt::Write;
use std::path::Path;

use crate::bench::engines::{Bench, Cost, PEERS};
use crate::bench::growth::Point;
use crate::bench::scripts;

/// The text before the figures; what is tried and why stands there, not in code.
const INTRODUCTION: &str = "introduction.md";

pub struct Document {
    head: String,
    body: String,
}

/// The turns of one stage.
pub struct Comparison {
    stage: char,
    costs: Vec<(String, Vec<Cost>)>,
}

impl Comparison {
    pub fn new(stage: char, engines: &[&str]) -> Self {
        Self { stage, costs: engines.iter().map(|engine| ((*engine).to_owned(), Vec::new())).collect() }
    }

    pub fn add(&mut self, engine: &str, cost: Cost) {
        if let Some((_, costs)) = self.costs.iter_mut().find(|(name, _)| name == engine) {
            costs.push(cost);
        }
    }
}

impl Document {
    pub fn new(bench: &Bench, stages: &[char]) -> Result<Self, String> {
        let path = scripts().join(INTRODUCTION);
        let mut head = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let stages: String = stages.iter().map(|stage| format!("({stage}) ")).collect();
        let _ = write!(
            head,
            "\n## Machine and versions\n\n{}. {}; {} under {}. Stages of this run: {}\n",
            machine(),
            bench.takings_version()?,
            PEERS.join(", ").replace("==", " "),
            bench.python_version()?,
            stages.trim_end()
        );
        Ok(Self { head, body: String::new() })
    }

    /// A set of files, whose figures follow.
    pub fn data(&mut self, rows: u64, files: u64, bytes: u64) {
        let _ = write!(self.body, "\n## {rows} lines in {files} file{}, {:.2} GB\n", if files == 1 { "" } else { "s" }, bytes as f64 / 1e9);
    }

    /// A set of AWS Marketplace feeds, whose figures follow.
    pub fn feeds(&mut self, events: u64, bytes: u64) {
        let _ = write!(self.body, "\n## AWS Marketplace feeds: {events} billing events, {:.2} GB\n", bytes as f64 / 1e9);
    }

    /// What follows is measured with nothing of the files in memory.
    pub fn cold(&mut self) {
        self.body.push_str("\nFrom the disk: before each run the system was told to forget what it held of the files.\n");
    }

    /// One axis of growth, with a bar for each figure.
    pub fn growth(&mut self, axis: &str, points: &[Point]) {
        let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
        let (first, after) = (|point: &Point| point.from_nothing.cpu(), |point: &Point| point.day_after.cpu());
        let _ = write!(
            self.body,
            "\n### Growth over {axis}\n\n| {axis} | from nothing: CPU s | | peak MiB | the day after: CPU s | | peak MiB |\n|---|---|---|---|---|---|---|\n"
        );
        for point in points {
            let _ = writeln!(
                self.body,
                "| {} | {:.2} | {} | {:.0} | {:.2} | {} | {:.0} |",
                point.label,
                first(point),
                bar(first(point) / most(first)),
                point.from_nothing.peak_mib,
                after(point),
                bar(after(point) / most(after)),
                point.day_after.peak_mib
            );
        }
    }

    pub fn compare(&mut self, comparison: Comparison) {
        let title = match comparison.stage {
            'a' => "(a) landed CSV → typed, partitioned zstd Parquet",
            'b' => "(b) loaded lines → reports",
            'c' => "(c) end to end, from nothing",
            'd' => "(d) the day after",
            _ => "(v) raw feeds → all reports, against AWS's one query",
        };
        let turns = comparison.costs.first().map_or(0, |(_, costs)| costs.len());
        let _ = write!(
            self.body,
            "\n### {title}\n\nMedians of {turns} turns.\n\n| engine | wall s | CPU s | of that system | peak MiB | CPU ÷ Takings | wall ÷ Takings |\n|---|---|---|---|---|---|---|\n"
        );
        let medians: Vec<(&str, Cost)> = comparison.costs.iter().filter_map(|(name, costs)| Some((name.as_str(), median(costs)?))).collect();
        let Some((_, own)) = medians.first().copied() else { return };
        for (name, cost) in medians {
            let _ = writeln!(
                self.body,
                "| {name} | {:.2} | {:.2} | {:.2} | {:.0} | {:.2} | {:.2} |",
                cost.wall,
                cost.cpu(),
                cost.system,
                cost.peak_mib,
                cost.cpu() / own.cpu(),
                cost.wall / own.wall
            );
        }
    }

    /// What a comparison of outputs said.
    pub fn checked(&mut self, said: String) {
        println!("{said}");
        let _ = write!(self.body, "\nCompared: {said}.\n");
    }

    pub fn write(&self, path: &Path) -> Result<(), String> {
        std::fs::write(path, format!("{}{}", self.head, self.body)).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// A share of the longest bar.
fn bar(share: f64) -> String {
    "█".repeat(((share * 20.0).round() as usize).max(1))
}

/// Each figure's own median.
fn median(costs: &[Cost]) -> Option<Cost> {
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    };
    Some(Cost { wall: of(|cost| cost.wall)?, user: of(|cost| cost.user)?, system: of(|cost| cost.system)?, peak_mib: of(|cost| cost.peak_mib)? })
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned()));
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = value(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {model}, {} GiB, {}", (memory + (1 << 19)) >> 20, std::env::consts::OS)
}
