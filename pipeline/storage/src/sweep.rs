//! Empties the `staging/` of a local store.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use takings_faults::{Faults, Kind};

use crate::STAGING;
use crate::local::{fresh, make_folder};

/// Empties `staging/`: folders of others, where there is an `own` one to take them away into, and files that nobody has locked.
pub(crate) fn sweep(root: &Path, own: Option<&Path>, faults: &Faults) -> io::Result<usize> {
    faults.ask(Kind::List, STAGING)?.finish()?;
    let entries = match std::fs::read_dir(root.join(STAGING)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut deleted = 0;
    for entry in entries {
        let entry = entry?;
        deleted += match (entry.file_type()?.is_dir(), own) {
            (false, _) => sweep_file(&entry.path(), faults)?,
            (true, Some(own)) if entry.path() != own => sweep_folder(root, &entry.path(), own, faults)?,
            (true, _) => 0,
        };
    }
    Ok(deleted)
}

/// One move takes all of a folder away from whoever writes there.
fn sweep_folder(root: &Path, folder: &Path, own: &Path, faults: &Faults) -> io::Result<usize> {
    let leave = faults.ask(Kind::Delete, STAGING)?;
    make_folder(root, own)?;
    let taken = own.join(fresh());
    match std::fs::rename(folder, &taken) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    }
    let deleted = std::fs::read_dir(&taken)?.count();
    std::fs::remove_dir_all(&taken)?;
    leave.finish()?;
    Ok(deleted)
}

fn sweep_file(path: &Path, faults: &Faults) -> io::Result<usize> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(0),
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    let leave = faults.ask(Kind::Delete, STAGING)?;
    let deleted = match std::fs::remove_file(path) {
        Ok(()) => 1,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    leave.finish()?;
    Ok(deleted)
}
