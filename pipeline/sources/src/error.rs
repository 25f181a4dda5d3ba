//! What can go wrong with the landing zone or a whole source. What goes wrong with one source file is a [`Failure`](crate::Failure).

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance's url can't be opened or listed.
    #[error("instance {instance}: {source}")]
    Source { instance: String, source: Box<takings_storage::Error> },
    #[error("instance {instance}: the folder {folder} can't be listed: {source}; check its rights")]
    List { instance: String, folder: String, source: std::io::Error },
    #[error("landing zone: {0}")]
    Store(#[from] takings_storage::Error),
    /// A landing record that this program did not write, or that was changed.
    #[error("{path}: {reason}; restore the file from a backup")]
    Record { path: String, reason: String },
    /// The bytes of a landed file are not what its record says.
    #[error("{path} (of {source_path}, version {version}) {reason}; restore it from a backup: the landing zone is the only copy that the lake is made from")]
    Damaged { path: String, source_path: String, version: u64, reason: String },
    #[error("{source_path}, version {version}: line {line} {reason}")]
    Line { source_path: String, version: u64, line: u64, reason: &'static str },
    #[error("a worker of the pull ended early: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

impl Error {
    /// May the same call work a moment later?
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Source { source, .. } => source.is_retryable(),
            Self::Store(source) => source.is_retryable(),
            Self::Worker(_) => true,
            _ => false,
        }
    }

    /// Is it the source that can't be read, and not the landing zone? What was landed before can be used all the same.
    pub fn is_source(&self) -> bool {
        matches!(self, Self::Source { .. } | Self::List { .. })
    }

    /// Are landed bytes or records not what they should be?
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Record { .. } | Self::Damaged { .. } | Self::Line { .. })
    }

    /// Must a setting, a right or a credential be changed?
    pub fn is_config(&self) -> bool {
        match self {
            Self::Source { source, .. } => source.is_config() || source.is_not_found(),
            Self::Store(source) => source.is_config(),
            Self::List { .. } => true,
            _ => false,
        }
    }
}
