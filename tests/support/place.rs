//! One store, ledger and feeds in a temporary folder, and the binary run on them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use super::files::assert_same;

/// The repository: the project that the binary runs unless a test brings its own.
pub fn repository() -> PathBuf {
    // Where the test runs, not where it was built: checkouts may share a target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("../..").canonicalize().unwrap()
}

pub fn sample() -> PathBuf {
    repository().join("data/sample/aws_marketplace")
}

/// A folder of this test process. What earlier processes left behind, killed ones too, is removed.
pub fn scratch() -> TempDir {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    let root = ROOT.get_or_init(|| {
        let base = roomy_memory().unwrap_or_else(std::env::temp_dir);
        for entry in std::fs::read_dir(&base).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.strip_prefix(PREFIX).is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let root = base.join(format!("{PREFIX}{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        root
    });
    TempDir::new_in(root).unwrap()
}

const PREFIX: &str = "takings-end-to-end-";

/// Memory as a folder, where there is enough of it: the many small durable writes of hundreds of runs are slow on a disk.
fn roomy_memory() -> Option<PathBuf> {
    let folder = Path::new("/dev/shm");
    let output = Command::new("df").args(["-Pk"]).arg(folder).output().ok().filter(|output| output.status.success())?;
    let free: u64 = String::from_utf8_lossy(&output.stdout).lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    (free > 2 << 20).then(|| folder.to_owned())
}

/// The command, started by another program.
pub fn through(program: &[&str], command: &Command) -> Command {
    let mut through = Command::new(program[0]);
    through.args(&program[1..]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => through.env(name, value),
            None => through.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        through.current_dir(folder);
    }
    through
}

/// Where a test runs.
pub struct Place {
    folder: TempDir,
    store: PathBuf,
    ledger: PathBuf,
    project: PathBuf,
    feeds: PathBuf,
    variables: Vec<(String, String)>,
}

impl Place {
    /// On the shipped sample.
    pub fn new() -> Self {
        Self::on(&sample())
    }

    pub fn on(feeds: &Path) -> Self {
        let folder = scratch();
        let (store, ledger) = (folder.path().join("data"), folder.path().join("state/ledger.sqlite"));
        Self { store, ledger, folder, project: repository(), feeds: feeds.to_owned(), variables: Vec::new() }
    }

    /// With another project than the repository.
    pub fn project(mut self, root: &Path) -> Self {
        self.project = root.to_owned();
        self
    }

    /// Store and ledger below another folder.
    pub fn stored_in(mut self, folder: &Path) -> Self {
        self.store = folder.join("data");
        self.ledger = folder.join("state/ledger.sqlite");
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Forgets the variables whose names begin so.
    pub fn unset(&mut self, names: &str) {
        self.variables.retain(|(name, _)| !name.starts_with(names));
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn sharing(self) -> Self {
        self.variable("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__ENHANCED_DATA_SHARING", "true")
    }

    pub fn feeds(&self) -> &Path {
        &self.feeds
    }

    /// What people and tools read is the same in both, byte for byte.
    #[track_caller]
    pub fn shows_the_same_as(&self, other: &Self) {
        for part in ["reports", "datasets", "bi"] {
            assert_same(&self.store(part), &other.store(part));
        }
    }

    /// A file or folder of the store.
    pub fn store(&self, path: &str) -> PathBuf {
        self.store.join(path)
    }

    pub fn ledger(&self) -> &Path {
        &self.ledger
    }

    pub fn report(&self, path: &str) -> PathBuf {
        self.store("reports").join(path)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_takings"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TAKINGS_") {
                command.env_remove(name);
            }
        }
        command
            .env("TAKINGS_STORE__URL", &self.store)
            .env("TAKINGS_LEDGER__URL", &self.ledger)
            .env("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__URL", format!("file://{}", self.feeds.display()))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .arg("--project")
            .arg(&self.project)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    pub fn takings(&self, arguments: &[&str]) -> Ran {
        Ran::new(arguments, self.command(arguments).output().unwrap())
    }

    /// A running process with its streams piped.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn run(&self, job: &str, at: &str) -> Ran {
        self.takings(&["run", job, "--at", at])
    }

    /// Runs a job that must succeed; its summary.
    pub fn run_json(&self, job: &str, at: &str) -> Value {
        self.takings(&["--json", "run", job, "--at", at]).ok().json()
    }

    /// The three jobs of the sample's ticks; all must succeed.
    pub fn run_all(&self) {
        self.run("nightly", "2026-03-15").ok();
        self.run("monthly", "2026-03-15").ok();
        self.run("weekly", "2026-03-16").ok();
    }

    /// The records of a query, sorted, the header first.
    pub fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let text = self.takings(&["sql", query, "--format", "csv"]).ok().out;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut records: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        records[1..].sort();
        records
    }

    /// What `quarantine list` says.
    pub fn quarantine(&self) -> Vec<Value> {
        self.takings(&["--json", "quarantine", "list"]).ok().json().as_array().unwrap().clone()
    }
}

/// A finished process.
pub struct Ran {
    what: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn new(arguments: &[&str], output: std::process::Output) -> Self {
        Self {
            what: arguments.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "takings {}\n{}\n{}", self.what, self.out, self.err);
        self
    }

    /// Its standard error has all these words, in one line.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = self.err.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(said, "takings {}: no line with {words:?} in\n{}", self.what, self.err);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("takings {}: {error}\n{}", self.what, self.out))
    }
}
