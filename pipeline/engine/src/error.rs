//! One error type: a mistake in SQL with its line, or what the engine said while it ran.

use std::path::{Path, PathBuf};

use datafusion::common::DataFusionError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A mistake in a SQL file or contract; the user mends it.
    #[error("{}{message}", place(path, *line, *column))]
    Sql { path: PathBuf, line: Option<u64>, column: Option<u64>, message: String },
    /// Rows break what a contract or a test says.
    #[error("{0}")]
    Data(String),
    /// The memory limit was reached.
    #[error("{what}: the memory limit is reached: {message}; raise engine.memory or give the table a partition")]
    Memory { what: String, message: String },
    #[error("{what}: {message}")]
    Engine { what: String, message: String },
}

fn place(path: &Path, line: Option<u64>, column: Option<u64>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}: ", path.display()),
        _ => format!("{}: ", path.display()),
    }
}

impl Error {
    pub(crate) fn sql(path: &Path, at: Option<(u64, u64)>, message: impl Into<String>) -> Self {
        Self::Sql { path: path.to_owned(), line: at.map(|at| at.0), column: at.map(|at| at.1), message: message.into() }
    }

    /// What the planner said of a SQL file, with the place it names.
    pub(crate) fn planning(path: &Path, error: &DataFusionError) -> Self {
        let at =
            error.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| (span.start.line, span.start.column)).or_else(|| line_in(&error.to_string()));
        Self::sql(path, at, first_line(error))
    }

    /// What the engine said while `what` ran.
    pub fn running(what: &str, error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => {
                Self::Memory { what: what.to_owned(), message: message.split_whitespace().collect::<Vec<_>>().join(" ") }
            }
            _ => Self::Engine { what: what.to_owned(), message: first_line(error) },
        }
    }

    pub fn is_memory(&self) -> bool {
        matches!(self, Self::Memory { .. })
    }

    pub fn is_retryable(&self) -> bool {
        self.is_memory()
    }

    pub fn is_data(&self) -> bool {
        matches!(self, Self::Data(_))
    }

    pub fn is_config(&self) -> bool {
        matches!(self, Self::Sql { .. })
    }
}

fn first_line(error: &DataFusionError) -> String {
    let text = error.strip_backtrace().lines().take(3).collect::<Vec<_>>().join(" ");
    // Where the nearest name is told, the list of all is of no more use.
    let told = if text.contains("Did you mean") { text.split(" Valid fields are ").next().unwrap_or(&text) } else { &text };
    told.trim().to_owned()
}

/// The parser writes its place into the text: `… at Line: 3, Column: 7`.
fn line_in(text: &str) -> Option<(u64, u64)> {
    let number = |key: &str| -> Option<u64> {
        let rest = &text[text.find(key)? + key.len()..];
        rest.trim_start().split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
    };
    Some((number("Line:")?, number("Column:")?))
}
