//! What is run: the product's binary and the peers' scripts, each as a process of its own whose cost the kernel counts.

use std::cell::Cell;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use takings_sample::{WideOptions, wide_day};

use crate::bench::{output, scripts};

/// The peers and their versions, as PyPI has them.
pub const PEERS: [&str; 3] = ["duckdb==2.0.0", "polars==2.1.0", "datafusion==55.0.0"];

/// What a process cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: f64,
    pub user: f64,
    pub system: f64,
    pub peak_mib: f64,
}

impl Cost {
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }

    /// One after the other.
    fn then(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, user: self.user + other.user, system: self.system + other.system, peak_mib: self.peak_mib.max(other.peak_mib) }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:.2} s wall, {:.2} s CPU ({:.2} user, {:.2} system), {:.0} MiB", self.wall, self.cpu(), self.user, self.system, self.peak_mib)
    }
}

/// Where the files lie that (a) reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The system holds them in memory: all of them are read before.
    Memory,
    /// The system is told before to forget them.
    Disk,
}

/// A day that is appended, and the tick of the night after it.
pub struct DayAfter {
    pub day: String,
    pub tick: String,
}

impl DayAfter {
    pub fn of(options: &WideOptions) -> Self {
        Self { day: wide_day(options.days), tick: wide_day(options.days + 1) }
    }
}

/// Where everything of a measurement lies.
pub struct Bench {
    folder: PathBuf,
    python: PathBuf,
    takings: PathBuf,
    /// Runs so far.
    nights: Cell<u32>,
}

impl Bench {
    /// Builds the binary, makes the virtual environment where it is missing.
    pub fn prepare(folder: &Path) -> Result<Self, String> {
        let takings = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("takings");
        if takings.parent().is_none_or(|folder| !folder.ends_with("release")) {
            return Err("only a release build is measured: cargo xtask bench".to_owned());
        }
        shell(crate::cargo().args(["build", "--release", "--locked", "--workspace", "--bins"]))?;
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder: folder.canonicalize().map_err(|error| error.to_string())?, python: environment()?, takings, nights: Cell::new(0) })
    }

    pub fn feeds(&self) -> PathBuf {
        self.folder.join("feeds")
    }

    fn project(&self) -> PathBuf {
        self.folder.join("project")
    }

    fn path(&self, name: &str) -> OsString {
        self.folder.join(name).into()
    }

    pub fn takings_version(&self) -> Result<String, String> {
        output(Command::new(&self.takings).arg("--version"))
    }

    pub fn python_version(&self) -> Result<String, String> {
        output(Command::new(&self.python).arg("--version"))
    }

    /// Empties the folder and sets up the project.
    pub fn clear(&self) -> Result<(), String> {
        for entry in std::fs::read_dir(&self.folder).map_err(|error| error.to_string())?.flatten() {
            remove(&entry.path())?;
        }
        shell(Command::new("cp").arg("-r").arg(scripts().join("project")).arg(self.project()))?;
        let config = self.project().join("config/takings.toml");
        let text = std::fs::read_to_string(&config).map_err(|error| error.to_string())?;
        std::fs::write(&config, text.replace("url = \"feeds\"", "url = \"../feeds\"")).map_err(|error| error.to_string())
    }

    /// (a) landed CSV → typed Parquet.
    pub fn load(&self, engine: &str) -> Result<Cost, String> {
        self.load_from(engine, None)
    }

    /// The same with the files in a known place.
    pub fn load_from(&self, engine: &str, source: Option<Source>) -> Result<Cost, String> {
        let takings = engine == "takings";
        let files = if takings { self.project().join("data/landing") } else { self.feeds() };
        let before = match source {
            None => Vec::new(),
            Some(Source::Memory) => vec!["--warm".into(), files.into()],
            Some(Source::Disk) => vec!["--cold".into(), files.into()],
        };
        if takings {
            return self.measured(&before, &self.command(&self.project(), &["rebuild", "wide_usage_line", "--only"]), &[]);
        }
        remove(&self.folder.join(engine))?;
        self.measured(&before, &self.script_command(&format!("load_{engine}.py"), &[self.feeds().into(), self.path(engine)]), &[])
    }

    /// (b) what is loaded → marts and reports. Takings also looks through the source for news. Its lines are loaded again before, so that nothing
    /// made from them is there.
    pub fn reports(&self, engine: &str) -> Result<Cost, String> {
        if engine == "takings" {
            self.load(engine)?;
            return self.night();
        }
        self.duckdb_reports(None)
    }

    fn duckdb_reports(&self, day: Option<&str>) -> Result<Cost, String> {
        let mut arguments: Vec<OsString> = vec![self.path("duckdb"), self.feeds().into(), scripts().join("project").into(), self.path("duckdb_reports")];
        arguments.extend(day.map(OsString::from));
        self.script("reports_duckdb.py", &arguments)
    }

    /// (c) CSV at the source → reports, from nothing.
    pub fn end_to_end(&self, engine: &str) -> Result<Cost, String> {
        if engine == "takings" {
            remove(&self.project().join("data"))?;
            remove(&self.project().join("state"))?;
            return self.night();
        }
        Ok(self.load(engine)?.then(self.duckdb_reports(None)?))
    }

    /// (d) a day more at the source → the reports of the night after it. The peer loads all of it again; Takings goes on from where it was.
    pub fn day_after(&self, engine: &str, after: &DayAfter) -> Result<Cost, String> {
        if engine != "takings" {
            return Ok(self.load(engine)?.then(self.duckdb_reports(Some(&after.day))?));
        }
        let before = self.folder.join("before");
        let (data, state) = (self.project().join("data"), self.project().join("state"));
        if before.is_dir() {
            remove(&data)?;
            remove(&state)?;
        } else {
            std::fs::create_dir(&before).map_err(|error| error.to_string())?;
            shell(Command::new("mv").arg(&data).arg(&state).arg(&before))?;
        }
        // Files of a store are replaced, never changed: links are copies. The ledger is a file that changes.
        shell(Command::new("cp").arg("-al").arg(before.join("data")).arg(&data))?;
        shell(Command::new("cp").arg("-a").arg(before.join("state")).arg(&state))?;
        self.night_after(after)
    }

    /// The night of the day that was appended: what it brings, and the reports that it changes.
    pub fn night_after(&self, after: &DayAfter) -> Result<Cost, String> {
        self.takings(&["run", "nightly", "--at", &after.tick])
    }

    /// What it costs to start, in a project as it is shipped.
    pub fn start(&self, arguments: &[&str]) -> Result<Cost, String> {
        let project = self.folder.join("shipped");
        if !project.is_dir() {
            self.init(&project)?;
        }
        self.measured(&[], &self.command(&project, arguments), &[])
    }

    pub fn same_lines(&self, peer: &str) -> Result<String, String> {
        output(Command::new(&self.python).arg(scripts().join("same.py")).arg(self.project()).arg(self.folder.join(peer)).arg(peer))
    }

    pub fn same_reports(&self) -> Result<String, String> {
        output(Command::new(&self.python).arg(scripts().join("same_reports.py")).arg(self.project()).arg(self.folder.join("duckdb_reports")))
    }

    /// A run of the job, each for a tick of its own: a report that stands is not made again.
    pub fn night(&self) -> Result<Cost, String> {
        let night = self.nights.get();
        self.nights.set(night + 1);
        self.takings(&["run", "bench", "--at", &format!("{}-{:02}-{:02}", 2027 + night / 336, 1 + night / 28 % 12, 1 + night % 28)])
    }

    /// (v) AWS Marketplace feeds → all reports of these jobs and ticks, from nothing, in a project as it is shipped.
    pub fn all_reports(&self, jobs: &[(&str, &str)], seller: &str) -> Result<Cost, String> {
        let project = self.folder.join("shipped");
        remove(&project)?;
        self.init(&project)?;
        let instance = "TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__";
        let variables = [("URL", self.feeds().into_os_string()), ("SELLER_ACCOUNT", seller.into()), ("ENHANCED_DATA_SHARING", "true".into())];
        let variables = variables.map(|(name, value)| (format!("{instance}{name}"), value));
        let mut all: Option<Cost> = None;
        for (job, tick) in jobs {
            let cost = self.measured(&[], &self.command(&project, &["run", job, "--at", tick]), &variables)?;
            all = Some(all.map_or(cost, |all| all.then(cost)));
        }
        all.ok_or_else(|| "there is no job to run".to_owned())
    }

    /// (v) the same feeds → the rows of AWS's query.
    pub fn vendor_query(&self, query: &Path) -> Result<Cost, String> {
        self.script("vendor_duckdb.py", &[self.feeds().into(), query.into(), self.path("vendor.csv")])
    }

    /// How much either made.
    pub fn vendor_said(&self) -> Result<String, String> {
        let lines = |path: &Path| std::fs::read_to_string(path).map(|text| text.lines().count()).map_err(|error| format!("{}: {error}", path.display()));
        let mut reports = Vec::new();
        for folder in std::fs::read_dir(self.folder.join("shipped/data/reports")).map_err(|error| error.to_string())?.flatten() {
            for file in std::fs::read_dir(folder.path()).map_err(|error| error.to_string())?.flatten() {
                if file.path().extension().is_some_and(|extension| extension == "csv") {
                    reports.push(lines(&file.path())?);
                }
            }
        }
        let vendor = lines(&self.folder.join("vendor.csv"))?;
        Ok(format!(
            "not compared, for they are other reports: Takings wrote {} files of {} lines, the query one of {vendor}",
            reports.len(),
            reports.iter().sum::<usize>()
        ))
    }

    fn takings(&self, arguments: &[&str]) -> Result<Cost, String> {
        self.measured(&[], &self.command(&self.project(), arguments), &[])
    }

    fn command(&self, project: &Path, arguments: &[&str]) -> Vec<OsString> {
        let start: [OsString; 3] = [self.takings.clone().into(), "--project".into(), project.into()];
        start.into_iter().chain(arguments.iter().map(OsString::from)).collect()
    }

    /// A project as it is shipped.
    fn init(&self, project: &Path) -> Result<(), String> {
        output(Command::new(&self.takings).arg("init").arg(project)).map(|_| ())
    }

    fn script(&self, name: &str, arguments: &[OsString]) -> Result<Cost, String> {
        self.measured(&[], &self.script_command(name, arguments), &[])
    }

    fn script_command(&self, name: &str, arguments: &[OsString]) -> Vec<OsString> {
        let script: [OsString; 2] = [self.python.clone().into(), scripts().join(name).into()];
        script.into_iter().chain(arguments.iter().cloned()).collect()
    }

    /// `before`: what measure.py does first.
    fn measured(&self, before: &[OsString], command: &[OsString], variables: &[(String, OsString)]) -> Result<Cost, String> {
        let mut measure = Command::new(&self.python);
        measure.arg(scripts().join("measure.py")).args(before).args(command).envs(variables.iter().cloned());
        let printed = output(&mut measure)?;
        let facts: Value = serde_json::from_str(&printed).map_err(|error| format!("measure.py printed {printed:?}: {error}"))?;
        let number = |name: &str| facts[name].as_f64().ok_or_else(|| format!("measure.py printed no {name}: {printed:?}"));
        Ok(Cost { wall: number("wall")?, user: number("user")?, system: number("sys")?, peak_mib: number("peak_kib")? / 1024.0 })
    }
}

/// The peers' virtual environment, kept in the user's cache.
fn environment() -> Result<PathBuf, String> {
    let home = std::env::var_os("HOME").ok_or("HOME is not set: there is no place for the peers")?;
    let folder = PathBuf::from(home).join(".cache/takings/bench-venv");
    let python = folder.join("bin/python");
    if !python.is_file() {
        shell(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let have = output(Command::new(&python).args(["-m", "pip", "freeze"]))?;
    let missing: Vec<&str> = PEERS.into_iter().filter(|peer| !have.lines().any(|line| line == *peer)).collect();
    if !missing.is_empty() {
        println!("installing {} into {}", missing.join(" "), folder.display());
        shell(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(&missing)).map_err(|error| {
            format!("{error}\nthe peers can't be installed; without the network, install {} into {} by hand", PEERS.join(" and "), folder.display())
        })?;
    }
    Ok(python)
}

fn remove(path: &Path) -> Result<(), String> {
    let gone = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", path.display())),
        _ => Ok(()),
    }
}

fn shell(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}
