//! What can be typed: commands, flags and the help that teaches them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Raw exports of sales channels in, seller reports to the cent out.
#[derive(Parser, Clone)]
#[command(name = "takings", version, about, long_about = LONG, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// Project folder (default: the one that holds config/takings.toml, searched upward)
    #[arg(long, global = true, env = "TAKINGS_PROJECT", value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Environment: config/env/NAME.toml is laid over config/takings.toml
    #[arg(long, global = true, env = "TAKINGS_ENV", value_name = "NAME")]
    pub env: Option<String>,
    /// Machine-readable output
    #[arg(long, global = true)]
    pub json: bool,
    /// More log lines on stderr (-v steps, -vv details)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log lines for people or for machines (one JSON object a line, with run, job, tick and step)
    #[arg(long, global = true, env = "TAKINGS_LOG_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Send spans of runs and steps to an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

const LONG: &str = "Takings pulls the raw exports of every channel a seller sells through, normalizes them into typed Parquet, runs the SQL under sql/ and writes \
the seller reports as named CSV files, to the cent, each figure traceable to its raw line.";

const EXAMPLES: &str = "Examples:
  takings run nightly --at 2026-03-15      the night's reports of 2026-03-14
  takings run monthly --at 2026-03-15      February's reports
  takings serve                            runs the jobs of jobs/ when they are due
  takings runs                             what ran, what is due, late, missing or stale
  takings backfill nightly --from 2026-03-01 --to 2026-03-15 --missing
  takings plan nightly                     what would happen; writes nothing
  takings check                            is everything that you edited right?
  takings channel new SAMPLE.csv           a first channel file from an export
  takings channel test FILE                what a file becomes by it
  takings sql \"select * from fct_invoice limit 5\"
  takings trace data/reports/disbursement/disbursement_report_2026-03-15.csv --section 1 --row 1

Exit codes: 0 done, 1 a data or check failure, 2 a usage or configuration error.";

const SERVE: &str = "Runs the jobs of jobs/ when they are due: a tick of a job's schedule is due when its `settle` time has passed. What is due is the calendar minus \
what the ledger says is done, so a scheduler that was down makes up what it missed, by each job's `misfire` rule. Any number of schedulers may serve one project: each tick \
runs once. Definitions are read again before each run; a changed store or ledger needs a restart.

SIGTERM or Ctrl-C: the step at work is finished, then the run is given back and its tick is due again. A second signal ends at once; that is safe too.

With scheduler.listen = \"127.0.0.1:9184\" in config/takings.toml it answers at /healthz, /readyz and /metrics. `--log-format json` logs one object a line.";

const BACKFILL: &str = "Runs a job for each of its ticks from A to B, both included, the oldest first, one after the other; the reports of \
a tick are made side by side, engine.threads at a time. A tick that fails does not stop those after it. \
Each keeps its own interval and known-at. Stopped half-way, it says where to go on; with --missing it goes on by itself, as it skips what is done.";

const INIT: &str = "Writes a project: channels, contracts, SQL, jobs and reports, with made-up feeds to try it on. All of it is yours to edit.

With --upgrade it shows what a newer program would change in a project, next to what you edited; --apply does it and never touches a file that you edited: \
where both changed, the shipped one is laid beside yours as FILE.shipped.";

const CHANNEL: &str = "A channel is one TOML file, config/channels/NAME.toml, and a contract per table, config/tables/TABLE.toml: no code. `new` drafts them from a sample, \
`test` shows what a file becomes by them, `schema` prints the JSON schema for your editor, `docs` writes the page of each channel. What a channel file can say: \
docs/channel-files.md. Nothing of this needs a store or a ledger.";

const RUNS: &str = "A calendar strip per job, one sign a day, then the newest runs. `takings runs calendar` lists every tick with its state; `takings runs show ID` one run with its \
steps, its deliveries and how its tick came to where it is.";

#[derive(Subcommand, Clone)]
pub enum Command {
    /// Run a job for one tick: pull, land, decode, publish, transform, check, emit
    Run(RunArgs),
    /// Run all jobs when they are due, until it is asked to stop (SIGTERM, Ctrl-C)
    #[command(long_about = SERVE)]
    Serve(ServeArgs),
    /// Run a job for a range of ticks, the oldest first
    #[command(long_about = BACKFILL)]
    Backfill(BackfillArgs),
    /// Show what a run would read, write and emit; writes nothing
    Plan(TickArgs),
    /// Check configuration, contracts and every SQL file, planned without data
    Check,
    /// Query the current snapshot, read-only
    Sql(SqlArgs),
    /// List channels' exports and the files that were landed
    Sources,
    /// List tables with their rows and versions, or show one contract
    Tables(NameArgs),
    /// List reports and what was delivered, or show one
    Reports(NameArgs),
    /// A calendar of what ran, is due, late, missing or stale, and the newest runs; or one run
    #[command(long_about = RUNS)]
    Runs(RunsArgs),
    /// Records that were not taken, with their reasons
    Quarantine(QuarantineArgs),
    /// Show the raw lines behind a row of a report file
    Trace(TraceArgs),
    /// Draft a channel file from a sample, try one on a file, print its schema and pages
    #[command(long_about = CHANNEL)]
    Channel(ChannelArgs),
    /// Write made-up feeds
    Sample(SampleArgs),
    /// Make a new project of the channels, SQL, jobs and reports that the program carries
    #[command(long_about = INIT)]
    Init(InitArgs),
    /// Make a table, or a lost ledger, again from the landing zone
    Rebuild(RebuildArgs),
    /// Make few lake files of the many small ones of growing exports
    Compact,
    /// Delete lake files that no snapshot within the retention needs
    Vacuum,
    /// Print completions for a shell
    Completions {
        /// Shell to print them for
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Clone)]
pub struct TickArgs {
    /// Job, as in jobs/JOB.toml
    pub job: String,
    /// Tick: a civil day (2026-03-15) or an instant; default: the newest tick that has settled
    #[arg(long, value_name = "DATE|TICK")]
    pub at: Option<String>,
    /// Use rows known by then: `now`, a day or an instant; default: tick + the job's settle
    #[arg(long, value_name = "now|TIME")]
    pub known_at: Option<String>,
}

#[derive(Args, Clone)]
pub struct RunArgs {
    #[command(flatten)]
    pub tick: TickArgs,
    /// Make this report of the job alone; may be given again. The tick does not count as done by it
    #[arg(long, value_name = "REPORT")]
    pub select: Vec<String>,
    /// Do all steps again, even where nothing has changed
    #[arg(long)]
    pub force: bool,
    /// Write a new version of delivered reports whose content has changed
    #[arg(long)]
    pub restate: bool,
}

#[derive(Args, Clone)]
pub struct ServeArgs {
    /// Run what is due now, then end: for those who have a timer of their own. Exit code 1 when a run failed
    #[arg(long)]
    pub once: bool,
}

#[derive(Args, Clone)]
pub struct BackfillArgs {
    /// Job, as in jobs/JOB.toml
    pub job: String,
    /// First tick: a civil day or an instant
    #[arg(long, value_name = "DATE|TICK")]
    pub from: String,
    /// Last tick, included
    #[arg(long, value_name = "DATE|TICK")]
    pub to: String,
    /// Only ticks that are not done yet: never run, failed, given up or skipped
    #[arg(long)]
    pub missing: bool,
    /// Write a new version of delivered reports whose content has changed
    #[arg(long)]
    pub restate: bool,
}

#[derive(Args, Clone)]
pub struct SqlArgs {
    /// One SELECT
    pub query: String,
    /// How the rows are printed
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Instance for `$instance` and the known_ models
    #[arg(long, default_value = "main")]
    pub instance: String,
    /// Instant for `$known_at` and the known_ models; default: everything that is known
    #[arg(long, value_name = "TIME")]
    pub known_at: Option<String>,
    /// Snapshot to read (default: the current one)
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Args, Clone)]
pub struct NameArgs {
    /// `list` (default) or `show`
    #[arg(value_enum, default_value = "list")]
    pub action: Action,
    /// Name to show
    pub name: Option<String>,
}

#[derive(Args, Clone)]
pub struct RunsArgs {
    /// `list` (default), `show`, or `calendar` for every tick by itself
    #[arg(value_enum, default_value = "list")]
    pub action: RunsAction,
    /// Run to show: its id, or the start of it
    pub id: Option<String>,
    /// Only this job
    #[arg(long)]
    pub job: Option<String>,
    /// So many days back
    #[arg(long, default_value_t = 35)]
    pub days: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunsAction {
    List,
    Show,
    Calendar,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    List,
    Show,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QuarantineAction {
    List,
    Show,
    Replay,
}

#[derive(Args, Clone)]
pub struct QuarantineArgs {
    /// `list` (default), `show`, or `replay`: decode again what is held back, after its channel file was mended
    #[arg(value_enum, default_value = "list")]
    pub action: QuarantineAction,
    /// Id from the list; without one `replay` takes all
    pub id: Option<String>,
    /// Show at most so many records
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

#[derive(Args, Clone)]
pub struct TraceArgs {
    /// A report file that Takings wrote
    pub file: PathBuf,
    /// Section, counted from 1
    #[arg(long)]
    pub section: usize,
    /// Data row of the section, counted from 1
    #[arg(long)]
    pub row: usize,
}

#[derive(Args, Clone)]
pub struct ChannelArgs {
    #[command(subcommand)]
    pub action: ChannelAction,
}

#[derive(Subcommand, Clone)]
pub enum ChannelAction {
    /// Draft a channel file and its contracts from a sample file; what is there is never overwritten
    New(ChannelNewArgs),
    /// Show what a file becomes: parts, layout, first rows, totals, exclusions, checks, rejects. Exit code 1 when it would be stopped
    Test(ChannelTestArgs),
    /// Print the JSON schema of channel files
    Schema,
    /// Write the page of documentation of each channel
    Docs {
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Args, Clone)]
pub struct ChannelNewArgs {
    /// An export as the channel hands it out: csv, tsv, text of any encoding, gz, zip, xlsx, xls, ods
    pub sample: PathBuf,
    /// The channel's name (default: from the file's name)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The encoding of the sample's text, where the draft guessed another one: windows-1250, shift_jis, gbk …
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Project to write to (default: this one)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub struct ChannelTestArgs {
    /// A file of the channel
    pub file: PathBuf,
    /// Channel (default: the one with a `path` that the file fits)
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Export (default: the one whose `path` the file fits)
    #[arg(long, value_name = "NAME")]
    pub export: Option<String>,
    /// Show so many first rows of each table
    #[arg(long, default_value_t = 10)]
    pub rows: usize,
}

#[derive(Args, Clone)]
pub struct SampleArgs {
    /// Folder to write to; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Billing events; the other feeds are in proportion
    #[arg(long, default_value_t = 5_000)]
    pub events: u64,
}

#[derive(Args, Clone)]
pub struct InitArgs {
    /// Folder of the project; new or empty, unless it is upgraded
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Show what this program's files change in an existing project
    #[arg(long)]
    pub upgrade: bool,
    /// Do what --upgrade shows
    #[arg(long, requires = "upgrade")]
    pub apply: bool,
}

#[derive(Args, Clone)]
pub struct RebuildArgs {
    /// Raw table or mart; `ledger` makes a lost ledger again from landing records and manifests, without delivering anything
    pub table: String,
    /// Only this raw table: readers see it, and what is made from it is made again, with the next run
    #[arg(long)]
    pub only: bool,
}
