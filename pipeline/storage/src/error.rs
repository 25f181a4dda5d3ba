//! What can go wrong with a store, by what a caller does about it.

use url::Url;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The setting does not name a store that can be opened.
    #[error("store \"{given}\": {reason}; {next}")]
    Open { given: String, reason: String, next: &'static str },
    #[error("{url} does not exist")]
    NotFound { url: String },
    #[error("{url} exists already and is not overwritten")]
    AlreadyExists { url: String },
    #[error("store {store}: \"{path}\" can't be a path: {reason}")]
    Path { store: String, path: String, reason: String },
    #[error("can't {action} {url}: {source}{}", next_step(source))]
    Object { action: &'static str, url: String, source: object_store::Error },
    /// The right to write has passed on.
    #[error("can't {action} {url}: {why}")]
    Fenced { action: &'static str, url: String, why: String },
    #[error("can't {action} {url}: whether this process still may could not be found out: {source}")]
    FenceUnknown { action: &'static str, url: String, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Error {
    pub(crate) fn open(given: &str, reason: String, next: &'static str) -> Self {
        Self::Open { given: given.to_owned(), reason, next }
    }

    pub(crate) fn object(action: &'static str, root: &Url, path: &str, source: object_store::Error) -> Self {
        let url = format!("{root}{path}");
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { url },
            object_store::Error::AlreadyExists { .. } => Self::AlreadyExists { url },
            source => Self::Object { action, url, source },
        }
    }

    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }

    /// May the same call work a moment later?
    pub fn is_retryable(&self) -> bool {
        use object_store::Error as E;
        matches!(self, Self::FenceUnknown { .. } | Self::Object { source: E::Generic { .. } | E::Precondition { .. } | E::JoinError { .. }, .. })
    }

    /// Never: a store does not look into its files.
    pub fn is_data(&self) -> bool {
        false
    }

    /// Must a setting, a right or a credential be changed?
    pub fn is_config(&self) -> bool {
        use object_store::Error as E;
        match self {
            Self::Open { .. } => true,
            Self::Object { source, .. } => {
                matches!(source, E::PermissionDenied { .. } | E::Unauthenticated { .. } | E::NotSupported { .. } | E::UnknownConfigurationKey { .. })
            }
            _ => false,
        }
    }
}

/// What to do about an error of the system, where that is known.
fn next_step(error: &object_store::Error) -> &'static str {
    use std::io::ErrorKind as K;
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    match causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).last() {
        Some(K::StorageFull | K::QuotaExceeded) => "; make room there, then run again: nothing needs to be cleaned up",
        Some(K::PermissionDenied) => "; check the rights on it and on its folder, then run again",
        Some(K::ReadOnlyFilesystem) => "; make what it lies on writable, then run again",
        _ => "",
    }
}
