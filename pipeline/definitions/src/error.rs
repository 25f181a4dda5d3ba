//! One error type: what is wrong in a definition, where, and what to do next.

use std::fmt;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A mistake in a definition or a setting: file (or variable), line, column and the next step.
#[derive(Debug, Clone)]
pub struct Error {
    place: Option<Place>,
    kind: Kind,
    message: String,
    next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mistake,
    /// What a draft left open.
    Question,
}

#[derive(Debug, Clone)]
enum Place {
    File { path: PathBuf, line: Option<(usize, usize)> },
    Variable(String),
}

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self::placed(None, message)
    }

    pub fn in_file(path: &Path, message: impl Into<String>) -> Self {
        Self::placed(Some(Place::File { path: path.to_owned(), line: None }), message)
    }

    pub fn at(path: &Path, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self::placed(Some(Place::File { path: path.to_owned(), line: Some((line, column)) }), message)
    }

    pub fn in_variable(name: &str, message: impl Into<String>) -> Self {
        Self::placed(Some(Place::Variable(name.to_owned())), message)
    }

    fn placed(place: Option<Place>, message: impl Into<String>) -> Self {
        Self { place, kind: Kind::Mistake, message: message.into(), next: None }
    }

    #[must_use]
    pub(crate) fn question(mut self) -> Self {
        self.kind = Kind::Question;
        self
    }

    /// Is it a question that a draft left open?
    pub(crate) fn is_question(&self) -> bool {
        self.kind == Kind::Question
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Some(Place::File { path, .. }) => Some(path),
            _ => None,
        }
    }

    /// What the user should do about it.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place::File { path, line: Some((line, column)) }) => write!(f, "{}:{line}:{column}: ", path.display())?,
            Some(Place::File { path, line: None }) => write!(f, "{}: ", path.display())?,
            Some(Place::Variable(name)) => write!(f, "variable {name}: ")?,
            None => {}
        }
        f.write_str(&self.message)?;
        if let Some(next) = &self.next {
            write!(f, "; {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
