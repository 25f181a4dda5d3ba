//! What can be typed: commands, flags and the help that teaches them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Raw exports of sales channels in, seller reports to the cent out.
#[derive(Parser)]
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
    #[command(subcommand)]
    pub command: Command,
}

const LONG: &str = "Takings pulls the raw exports of every channel a seller sells through, normalizes them into typed Parquet, runs the SQL under sql/ and writes \
the seller reports as named CSV files, to the cent, each figure traceable to its raw line.";

const EXAMPLES: &str = "Examples:
  takings run nightly --at 2026-03-15      the night's reports of 2026-03-14
  takings run monthly --at 2026-03-15      February's reports
  takings plan nightly                     what would happen; writes nothing
  takings check                            is everything that you edited right?
  takings sql \"select * from fct_invoice limit 5\"
  takings trace data/reports/disbursement/disbursement_report_2026-03-15.csv --section 1 --row 1

Exit codes: 0 done, 1 a data or check failure, 2 a usage or configuration error.";

#[derive(Subcommand)]
pub enum Command {
    /// Run a job for one tick: pull, land, decode, publish, transform, check, emit
    Run(RunArgs),
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
    /// List runs, or show one
    Runs(RunsArgs),
    /// Records that were not taken, with their reasons
    Quarantine(QuarantineArgs),
    /// Show the raw lines behind a row of a report file
    Trace(TraceArgs),
    /// Write made-up feeds
    Sample(SampleArgs),
    /// Make a table again from the landing zone
    Rebuild(RebuildArgs),
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

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub tick: TickArgs,
    /// Do all steps again, even where nothing has changed
    #[arg(long)]
    pub force: bool,
    /// Write a new version of delivered reports whose content has changed
    #[arg(long)]
    pub restate: bool,
}

#[derive(Args)]
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

#[derive(Args)]
pub struct NameArgs {
    /// `list` (default) or `show`
    #[arg(value_enum, default_value = "list")]
    pub action: Action,
    /// Name to show
    pub name: Option<String>,
}

#[derive(Args)]
pub struct RunsArgs {
    /// `list` (default) or `show`
    #[arg(value_enum, default_value = "list")]
    pub action: Action,
    /// Run to show
    pub id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    List,
    Show,
}

#[derive(Args)]
pub struct QuarantineArgs {
    /// `list` (default) or `show`
    #[arg(value_enum, default_value = "list")]
    pub action: Action,
    /// Id from the list
    pub id: Option<String>,
    /// Show at most so many records
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

#[derive(Args)]
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

#[derive(Args)]
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

#[derive(Args)]
pub struct RebuildArgs {
    /// Raw table or mart
    pub table: String,
}
