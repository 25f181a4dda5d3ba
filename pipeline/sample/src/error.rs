//! What can go wrong: the folder and the disk. Nothing about content can.

use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: the folder is not empty; sample feeds are written to a new or an empty folder only, choose another --out or empty it first", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{}: this is a file; choose a folder for the sample feeds", path.display())]
    NotAFolder { path: PathBuf },
    #[error("the seller account `{text}` must have 12 digits, like 012345678901")]
    SellerAccount { text: String },
    #[error("{}: {source}; check the rights and the free space there", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Csv { path: PathBuf, source: csv::Error },
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
        |source| Error::Io { path: path.to_owned(), source }
    }

    pub(crate) fn csv(path: &Path) -> impl FnOnce(csv::Error) -> Error + '_ {
        |source| Error::Csv { path: path.to_owned(), source }
    }
}
