//! One error type: a definition that does not fit its rows, a cell that can't be printed, a file that is not what it should be.

use std::io;

use takings_definitions::{ReportColumn, Section};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The section's SQL and the report's definition don't fit; the user mends one of them.
    #[error("{place}: {message}; {next}")]
    Definition { place: String, message: String, next: String },
    /// A value that may not be printed as it is.
    #[error("{place}: {message}; {next}")]
    Cell { place: String, message: String, next: String },
    /// A file of a report that does not read as one: changed by hand, or of another definition.
    #[error("{place}: {message}; {next}")]
    File { place: String, message: String, next: String },
    #[error("{what} can't be written: {source}")]
    Write { what: String, source: io::Error },
    /// The caller's calls are out of order: a mistake in the program, not of the user.
    #[error("report {report}: {message}")]
    Order { report: String, message: String },
}

impl Error {
    pub fn is_retryable(&self) -> bool {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
        matches!(self, Self::Write { source, .. } if matches!(source.kind(), Interrupted | TimedOut | WouldBlock | ConnectionReset | ConnectionAborted))
    }

    pub fn is_data(&self) -> bool {
        matches!(self, Self::Cell { .. } | Self::File { .. })
    }

    pub fn is_config(&self) -> bool {
        matches!(self, Self::Definition { .. })
    }
}

/// What is wrong with a column or a cell and what to do; the place is added by whoever knows it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub message: String,
    pub next: String,
}

impl Fault {
    pub fn new(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { message: message.into(), next: next.into() }
    }

    pub fn in_column(self, report: &str, section: &Section, column: &ReportColumn) -> Error {
        Error::Definition { place: place(report, section, column), message: self.message, next: self.next }
    }

    /// Rows count from 1 in their section.
    pub fn in_row(self, report: &str, section: &Section, column: &ReportColumn, row: u64) -> Error {
        Error::Cell { place: format!("{}, row {row}", place(report, section, column)), message: self.message, next: self.next }
    }
}

fn place(report: &str, section: &Section, column: &ReportColumn) -> String {
    format!("report {report}, section {}, column \"{}\"", section.name, column.header)
}
