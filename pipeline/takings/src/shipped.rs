//! What the binary carries: the channels, contracts, SQL, jobs and reports that make a project, and how a project differs from them.
//!
//! A project notes the hashes of what it was given (`config/shipped.sha256`, as `sha256sum` writes them), so that an upgrade can tell the user's
//! edits from what the program has changed. It must not know what the files mean.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};

/// Path in a project → text.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Where a project notes what it was given.
pub const RECORD: &str = "config/shipped.sha256";

/// How a file of a project stands to what is shipped now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// As shipped now.
    Same,
    /// Edited by the user; the program has not changed it since.
    Edited,
    /// Deleted by the user.
    Deleted,
    /// Shipped now and not before.
    New,
    /// As it was shipped before: the program has a newer one.
    Outdated,
    /// As it was shipped before: the program has it no more.
    Dropped,
    /// Edited by the user and changed by the program.
    Both,
}

/// Writes everything into a new or empty folder.
pub fn create(folder: &Path) -> Result<usize> {
    let taken = folder.is_file() || folder.is_dir() && folder.read_dir().map_err(|error| wrong(folder, &error))?.next().is_some();
    if taken {
        return Err(Failure::usage(format!(
            "{} is not an empty folder: name a new one, or see what an upgrade would bring with `takings init --upgrade {}`",
            folder.display(),
            folder.display()
        )));
    }
    for (path, text) in FILES {
        write(folder, path, text)?;
    }
    note(folder, &FILES.iter().map(|(path, text)| ((*path).to_owned(), hash(text.as_bytes()))).collect())?;
    Ok(FILES.len())
}

/// How each file stands, by path.
pub fn compare(folder: &Path) -> Result<BTreeMap<String, Standing>> {
    let given = noted(folder)?;
    let shipped: BTreeMap<&str, String> = FILES.iter().map(|(path, text)| (*path, hash(text.as_bytes()))).collect();
    let paths: BTreeSet<&str> = given.keys().map(String::as_str).chain(shipped.keys().copied()).collect();
    let mut standings = BTreeMap::new();
    for path in paths {
        let (before, now) = (given.get(path), shipped.get(path));
        let standing = match (read(folder, path)?.map(|text| hash(&text)), before, now) {
            (own, _, Some(now)) if own.as_ref() == Some(now) => Standing::Same,
            (None, None, _) => Standing::New,
            (None, Some(_), Some(_)) => Standing::Deleted,
            // Neither has it any more.
            (None, Some(_), None) => continue,
            (Some(own), Some(before), Some(_)) if own == *before => Standing::Outdated,
            (Some(own), Some(before), None) if own == *before => Standing::Dropped,
            (Some(_), Some(before), Some(now)) if before == now => Standing::Edited,
            (Some(_), Some(_), None) => Standing::Edited,
            (Some(_), _, _) => Standing::Both,
        };
        standings.insert(path.to_owned(), standing);
    }
    Ok(standings)
}

/// Brings a project up to date where the user edited nothing. Where both changed a file, the shipped one is laid beside the user's.
pub fn apply(folder: &Path, standings: &BTreeMap<String, Standing>) -> Result<()> {
    let mut given = noted(folder)?;
    for (path, standing) in standings {
        let shipped = text(path);
        match (standing, shipped) {
            (Standing::New | Standing::Outdated, Some(text)) => write(folder, path, text)?,
            (Standing::Both, Some(text)) => write(folder, &beside(path), text)?,
            (Standing::Dropped, _) => std::fs::remove_file(folder.join(path)).map_err(|error| wrong(&folder.join(path), &error))?,
            _ => {}
        }
        match shipped {
            Some(text) => given.insert(path.clone(), hash(text.as_bytes())),
            None => given.remove(path),
        };
    }
    note(folder, &given)
}

/// The name under which a shipped file is laid beside the user's. Nothing loads it.
pub fn beside(path: &str) -> String {
    format!("{path}.shipped")
}

/// What is shipped under a path.
pub fn text(path: &str) -> Option<&'static str> {
    FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok().map(|at| FILES[at].1)
}

/// The user's file, where there is one.
pub fn read(folder: &Path, path: &str) -> Result<Option<Vec<u8>>> {
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(&folder.join(path), &error)),
    }
}

fn noted(folder: &Path) -> Result<BTreeMap<String, String>> {
    let Some(bytes) = read(folder, RECORD)? else { return Ok(BTreeMap::new()) };
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .enumerate()
        .map(|(at, line)| match line.split_once("  ") {
            Some((hash, path)) => Ok((path.to_owned(), hash.to_owned())),
            None => Err(Failure::usage(format!(
                "{}:{}: \"{line}\" is not a hash, two spaces and a path; delete the file to have every difference counted as your edit",
                folder.join(RECORD).display(),
                at + 1
            ))),
        })
        .collect()
}

fn note(folder: &Path, given: &BTreeMap<String, String>) -> Result<()> {
    let lines: String = given.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    write(folder, RECORD, &lines)
}

/// In one step: a file is the old one or the new one, whatever happens.
fn write(folder: &Path, path: &str, text: &str) -> Result<()> {
    let place = folder.join(path);
    let parent = place.parent().unwrap_or(folder);
    let written = std::fs::create_dir_all(parent).and_then(|()| {
        let mut file = tempfile::Builder::new().permissions(permissions()).tempfile_in(parent)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&place)?;
        Ok(())
    });
    written.map_err(|error| wrong(&place, &error))
}

/// As the user's own files have them; temporary files are for their maker alone.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn wrong(path: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_and_whole() {
        assert!(FILES.is_sorted_by_key(|(path, _)| *path));
        assert!(text("config/takings.toml").is_some_and(|text| text.contains("[store]")));
        assert!(text("sql/marts/fct_invoice.sql").is_some() && text("jobs/nightly.toml").is_some());
        assert!(text("README.md").is_none());
    }

    /// A folder as an older program made it: one file was otherwise, one is gone, one was not there.
    fn older() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        create(&folder.path().join("p")).unwrap();
        let root = folder.path().join("p");
        let mut given = noted(&root).unwrap();
        for path in ["jobs/nightly.toml", "jobs/weekly.toml", "jobs/old.toml", "jobs/old_edited.toml"] {
            write(&root, path, "old").unwrap();
            given.insert(path.to_owned(), hash(b"old"));
        }
        for (path, edit) in [("jobs/weekly.toml", "mine"), ("jobs/old_edited.toml", "mine"), ("jobs/upkeep.toml", "mine")] {
            write(&root, path, edit).unwrap();
        }
        std::fs::remove_file(root.join("jobs/monthly.toml")).unwrap();
        std::fs::remove_file(root.join("jobs/expected_exports.toml")).unwrap();
        given.remove("jobs/expected_exports.toml");
        note(&root, &given).unwrap();
        folder
    }

    #[test]
    fn an_upgrade_leaves_edits_alone() {
        let folder = older();
        let root = folder.path().join("p");
        let standings = compare(&root).unwrap();
        let unlike: Vec<_> = standings.iter().filter(|(_, standing)| **standing != Standing::Same).map(|(path, standing)| (path.as_str(), *standing)).collect();
        assert_eq!(
            unlike,
            [
                ("jobs/expected_exports.toml", Standing::New),
                ("jobs/monthly.toml", Standing::Deleted),
                ("jobs/nightly.toml", Standing::Outdated),
                ("jobs/old.toml", Standing::Dropped),
                ("jobs/old_edited.toml", Standing::Edited),
                ("jobs/upkeep.toml", Standing::Edited),
                ("jobs/weekly.toml", Standing::Both),
            ]
        );
        apply(&root, &standings).unwrap();
        let content = |path: &str| read(&root, path).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(content("jobs/weekly.toml").as_deref(), Some("mine"));
        assert_eq!(content("jobs/weekly.toml.shipped").as_deref(), text("jobs/weekly.toml"));
        assert_eq!(content("jobs/nightly.toml").as_deref(), text("jobs/nightly.toml"));
        assert_eq!((content("jobs/old.toml"), content("jobs/monthly.toml")), (None, None));
        let after: BTreeSet<Standing> = compare(&root).unwrap().into_values().collect();
        assert_eq!(after, BTreeSet::from([Standing::Same, Standing::Edited, Standing::Deleted]));
    }

    #[test]
    fn a_folder_that_holds_something_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "x").unwrap();
        assert!(create(folder.path()).unwrap_err().to_string().contains("is not an empty folder"));
    }
}
