//! What data engineers write, parsed: settings, channels, table contracts, jobs, reports.
//!
//! Everything here is made from TOML text and `TAKINGS_…` variables and is right once it exists: no caller validates again.
//! This crate must not know Arrow, a storage, an SQL engine or the time.

mod blank;
mod calendar;
mod channel;
mod error;
mod job;
mod job_file;
mod ledger_settings;
mod patterns;
mod project;
mod reference;
mod report;
mod scheduler_settings;
mod secret;
mod settings;
mod span;
mod table;
mod tick;
mod toml_text;

pub use blank::{is_blank, trimmed};
pub use calendar::Calendar;
pub use channel::{
    BUILT_IN_TABLES, BoolWords, Calculation, CellTest, Channel, Check, CheckKind, ColumnSpec, Condition, Decimals, Delete, Delimiter, DuplicateContent,
    DurationForm, End, ExcludeWhen, Exclusion, Expect, Export, Factor, Factors, Frame, FrameSection, Grouping, HeaderRule, Keep, LANGUAGES, LastLine,
    LayoutVersion, Level, Mapping, Missing, Mode, Parent, ParseKeys, Period, Piece, Ragged, RecordTypes, Several, Sign, Split, Target, TextForm, Thousands,
    Trailer, UnknownColumns, Unpack, Unpivot, UnpivotCells, ValueSource,
};
pub use error::{Error, Result};
pub use job::{Covers, Job, JobStep, Misfire, Overlap, Ready};
pub use ledger_settings::{LedgerSettings, url_without_secrets};
pub use patterns::Patterns;
pub use project::{Project, Source};
pub use reference::{CALENDAR_COLUMNS, Reference, ReferenceRow};
pub use report::{ColumnKind, Digits, Report, ReportColumn, Section, SortKey, Trace};
pub use scheduler_settings::SchedulerSettings;
pub use secret::Secret;
pub use settings::{Instance, Parameter, Settings, VARIABLE_PREFIX};
pub use table::{Column, ColumnType, DataTest, IMPLIED_COLUMNS, Kept, KnownAt, KnownAtStep, Layer, PART_COLUMN, Pii, Severity, Table, TestKind};
pub use tick::{Interval, Tick};
pub(crate) use toml_text::File;
pub use toml_text::{nearest, parse, place_of};
