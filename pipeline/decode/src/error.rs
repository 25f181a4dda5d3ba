//! One error type: a layout that can't be used, or a file that has to be stopped.
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
}

impl Error {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config, message: message.into(), next: None }
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self { kind: Kind::Data, message: message.into(), next: None }
    }

    /// What the user should do about it.
    #[must_use]
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Decoding depends on nothing that could pass by itself.
    pub fn is_retryable(&self) -> bool {
        false
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
