//! docs/benchmarks.md: what was measured, on what, with what, and how to do it again.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::bench::engines::{Bench, Cost, PEERS};
use crate::bench::growth::{NIGHTS, Point};
use crate::bench::{DAYS, FILES, output, scripts};

/// The text before the figures: what is measured.
const INTRODUCTION: &str = "introduction.md";

pub struct Document {
    head: String,
    body: String,
}

/// The turns of one stage.
pub struct Comparison {
    title: String,
    costs: Vec<(String, Vec<Cost>)>,
}

impl Comparison {
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), costs: Vec::new() }
    }

    pub fn add(&mut self, engine: &str, cost: Cost) {
        match self.costs.iter_mut().find(|(name, _)| name == engine) {
            Some((_, costs)) => costs.push(cost),
            None => self.costs.push((engine.to_owned(), vec![cost])),
        }
    }

    fn medians(&self) -> impl Iterator<Item = (&str, Cost)> {
        self.costs.iter().filter_map(|(name, costs)| Some((name.as_str(), median(costs)?)))
    }

    fn turns(&self) -> String {
        match self.costs.first().map_or(0, |(_, costs)| costs.len()) {
            1 => "One turn.".to_owned(),
            turns => format!("Medians of {turns} turns."),
        }
    }
}

impl Document {
    pub fn new(bench: &Bench) -> Result<Self, String> {
        let path = scripts().join(INTRODUCTION);
        let mut head = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let _ = write!(
            head,
            "\n## Machine, versions, command\n\n{}. {} of commit {}, built by {}; {} under {}.\n\n    cargo xtask {}\n",
            machine(),
            bench.takings_version()?,
            commit()?,
            output(Command::new("rustc").arg("--version"))?,
            PEERS.join(", ").replace("==", " "),
            bench.python_version()?,
            command()
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

    /// What it costs to start, in milliseconds.
    pub fn starts(&mut self, comparison: &Comparison) {
        let _ = write!(self.body, "\n## {}\n\n{}\n\n| command | wall ms | CPU ms | peak MiB |\n|---|---|---|---|\n", comparison.title, comparison.turns());
        for (name, cost) in comparison.medians() {
            let _ = writeln!(self.body, "| {name} | {:.0} | {:.0} | {:.0} |", cost.wall * 1e3, cost.cpu() * 1e3, cost.peak_mib);
        }
    }

    /// What all axes of growth begin with.
    pub fn growths(&mut self, rows: u64, a_day: u64) {
        let _ = write!(
            self.body,
            "\n## Growth\n\nFrom {rows} lines in {FILES} files over {DAYS} days on, a first run from nothing with the five reports of (b), which are of all \
             lines, once, and the night of (d), after one day more, the median of {NIGHTS} from the same state. Days of history are of {} lines each, of the same customers and products, in a file a week; the day after is the eighth of its \
             month. Nights before come after 38 such days, bring nothing and make the reports of all lines again.\n",
            10 * a_day
        );
    }

    /// One axis of growth, with a bar for each figure.
    pub fn growth(&mut self, axis: &str, points: &[Point]) {
        let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
        let (first, after) = (|point: &Point| point.from_nothing.cpu(), |point: &Point| point.night_after.cpu());
        let _ = write!(
            self.body,
            "\n### Growth over {axis}\n\n| {axis} | from nothing: wall s | CPU s | | peak MiB | the night after: wall s | CPU s | | peak MiB |\n|---|---|---|---|---|---|---|---|---|\n"
        );
        for point in points {
            let _ = writeln!(
                self.body,
                "| {} | {:.2} | {:.2} | {} | {:.0} | {:.2} | {:.2} | {} | {:.0} |",
                point.label,
                point.from_nothing.wall,
                first(point),
                bar(first(point) / most(first)),
                point.from_nothing.peak_mib,
                point.night_after.wall,
                after(point),
                bar(after(point) / most(after)),
                point.night_after.peak_mib
            );
        }
    }

    pub fn compare(&mut self, comparison: Comparison) {
        let _ = write!(
            self.body,
            "\n### {}\n\n{}\n\n| engine | wall s | CPU s | of that system | peak MiB | CPU ÷ Takings | wall ÷ Takings |\n|---|---|---|---|---|---|---|\n",
            comparison.title,
            comparison.turns()
        );
        let medians: Vec<(&str, Cost)> = comparison.medians().collect();
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
pub fn median(costs: &[Cost]) -> Option<Cost> {
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        // Of an even number the mean of the two in the middle.
        let (below, above) = (figures.get(figures.len().checked_sub(1)? / 2)?, figures.get(figures.len() / 2)?);
        Some(f64::midpoint(*below, *above))
    };
    Some(Cost { wall: of(|cost| cost.wall)?, user: of(|cost| cost.user)?, system: of(|cost| cost.system)?, peak_mib: of(|cost| cost.peak_mib)? })
}

/// What was called, without the places of this machine.
fn command() -> String {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    for place in ["--folder", "--out"] {
        if let Some(at) = words.iter().position(|word| word == place) {
            words.drain(at..(at + 2).min(words.len()));
        }
    }
    if let Some(query) = words.iter().position(|word| word == "--vendor-query").and_then(|at| words.get_mut(at + 1)) {
        "FILE".clone_into(query);
    }
    words.join(" ")
}

/// What is checked out, and whether it was changed.
fn commit() -> Result<String, String> {
    let hash = output(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
    let changed = output(Command::new("git").args(["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"]))?;
    Ok(if changed.is_empty() { hash } else { format!("{hash} with changes") })
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned()));
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = value(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {model}, {} GiB, {} {}", (memory + (1 << 19)) >> 20, std::env::consts::OS, kernel.trim_end())
}
