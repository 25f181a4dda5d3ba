//! One error type: a layout that can't be used, a file that has to be stopped, or one that can't be reached.
//!
//! A record that can't be taken is not an error but a [`Reject`](crate::Reject).

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    Data,
    Source,
}

impl Error {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config, message: message.into(), next: None }
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self { kind: Kind::Data, message: message.into(), next: None }
    }

    /// The place where a file lies could not be read.
    pub(crate) fn source(path: &str, error: &std::io::Error) -> Self {
        Self { kind: Kind::Source, message: format!("{path} can't be read: {error}"), next: Some("run again when its place can be reached".to_owned()) }
    }

    /// What the user should do about it.
    #[must_use]
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Only what the place of a file does may pass by itself; decoding is the same every time.
    pub fn is_retryable(&self) -> bool {
        self.kind == Kind::Source
    }

    /// The file is at fault: it is stopped, others go on.
    pub fn is_data(&self) -> bool {
        self.kind == Kind::Data
    }

    /// A channel file or a contract is at fault.
    pub fn is_config(&self) -> bool {
        self.kind == Kind::Config
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.next {
            Some(next) => write!(f, "; {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
