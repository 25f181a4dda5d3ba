//! What can go wrong in the lake: table, file, and what to do about it.

use deltalake_core::DeltaTableError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else committed since the caller planned. Nothing of this commit is in the table.
    #[error("table {table}: {reason}; nothing was committed, read its state again and plan again")]
    Conflict { table: String, reason: String },
    /// The files of the table were written by another contract.
    #[error("table {table}: its contract {contract} does not fit the files it has: {reason}; run `takings rebuild {table}`")]
    Contract { table: String, contract: String, reason: String },
    /// Rows that may not be in the table.
    #[error("table {table}: {reason}")]
    Data { table: String, reason: String },
    #[error("table {table} has no version {version}: {reason}; it is older than the retention or was never made")]
    NoVersion { table: String, version: i64, reason: String },
    #[error("table {table}: can't {action}: {source}")]
    Delta { table: String, action: &'static str, source: Box<DeltaTableError> },
    #[error("can't write {path}: {source}")]
    Parquet { path: String, source: parquet::errors::ParquetError },
    #[error("{path} was not put into its place: {reason}; run again")]
    Place { path: String, reason: String },
    #[error(transparent)]
    Storage(#[from] takings_storage::Error),
}

impl Error {
    pub(crate) fn conflict(table: &str, reason: impl Into<String>) -> Self {
        Self::Conflict { table: table.to_owned(), reason: reason.into() }
    }

    pub(crate) fn data(table: &str, reason: impl Into<String>) -> Self {
        Self::Data { table: table.to_owned(), reason: reason.into() }
    }

    pub(crate) fn delta(table: &str, action: &'static str, source: DeltaTableError) -> Self {
        Self::Delta { table: table.to_owned(), action, source: Box::new(source) }
    }

    /// May the work succeed when it is planned again from the table's state?
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } => true,
            Self::Storage(error) => error.is_retryable(),
            Self::Delta { source, .. } => matches!(source.as_ref(), DeltaTableError::ObjectStore { source: deltalake_core::ObjectStoreError::Generic { .. } }),
            _ => false,
        }
    }

    /// Are the rows at fault?
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Data { .. })
    }

    /// Must a definition or a setting be changed?
    pub fn is_config(&self) -> bool {
        match self {
            Self::Contract { .. } => true,
            Self::Storage(error) => error.is_config(),
            _ => false,
        }
    }
}
