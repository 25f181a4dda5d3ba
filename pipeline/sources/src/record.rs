//! Landing records: which blobs make up a version of a source file, and where all of it stands.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// One version of one source file. Never changed once written; it says nothing of where the source is or when it was read, so
/// that the same files in two folders give the same records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingRecord {
    pub channel: String,
    pub export: String,
    pub instance: String,
    /// Relative to the instance's url, with `/` between names.
    pub source_path: String,
    /// The same over all versions; see [`file_id`].
    pub file_id: String,
    /// From 1.
    pub version: u64,
    pub size: u64,
    /// Of the whole file.
    pub sha256: String,
    /// In file order; together they are the file's bytes.
    pub segments: Vec<Segment>,
}

/// A part of a file, stored as one blob. A finished one starts and ends between records and stands in all later versions of a
/// file that grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub sha256: String,
    pub length: u64,
    /// The file's line (from 1) on which the segment starts.
    pub first_line: u64,
    /// Newlines in it, those in quotes as well.
    pub newlines: u64,
    /// False for a last segment that does not end in a newline outside of quotes: it may be half a record, and the next version
    /// puts another segment in its place. So it is with the one segment of a file whose export is read whole.
    pub finished: bool,
}

impl LandingRecord {
    /// The segments that a file that grows keeps.
    pub(crate) fn finished(&self) -> &[Segment] {
        let count = self.segments.iter().take_while(|segment| segment.finished).count();
        &self.segments[..count]
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/v{:05}.json", folder(&self.channel, &self.instance, &self.source_path), self.version)
    }

    /// Pretty JSON with a newline at the end; the same for the same record.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        to_json(self, || self.path())
    }

    pub(crate) fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let wrong = |reason: String| Error::Record { path: path.to_owned(), reason };
        let record: Self = serde_json::from_slice(bytes).map_err(|error| wrong(format!("not a landing record: {error}")))?;
        if record.path() != path {
            return Err(wrong(format!("it is the record of {}", record.path())));
        }
        record.is_sound().map_err(wrong)?;
        Ok(record)
    }

    /// Whether its segments make up the file; else what is wrong.
    pub(crate) fn is_sound(&self) -> Result<(), String> {
        let length = self.segments.iter().try_fold(0u64, |sum, segment| sum.checked_add(segment.length));
        if length != Some(self.size) {
            return Err(format!("its segments don't add up to its size of {} bytes", self.size));
        }
        let mut line = 1;
        for segment in &self.segments {
            if segment.first_line != line {
                return Err(format!("a segment starts on line {} instead of {line}", segment.first_line));
            }
            line = line.saturating_add(segment.newlines);
        }
        Ok(())
    }
}

pub(crate) fn to_json(value: &impl Serialize, path: impl Fn() -> String) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value).map_err(|error| Error::Record { path: path(), reason: error.to_string() })?;
    json.push(b'\n');
    Ok(json)
}

/// First 32 hexadecimal digits of SHA-256 over channel, export, instance and source path, each behind its length (64 bits, little endian).
pub fn file_id(channel: &str, export: &str, instance: &str, source_path: &str) -> String {
    hash_of(&[channel, export, instance, source_path])
}

/// Where the records of an instance stand.
pub(crate) fn instance_folder(channel: &str, instance: &str) -> String {
    format!("landing/records/{}/{}", name_part(channel), name_part(instance))
}

/// Where the records of one source path stand.
pub(crate) fn folder(channel: &str, instance: &str, source_path: &str) -> String {
    format!("{}/{}", instance_folder(channel, instance), hash_of(&[source_path]))
}

pub(crate) fn blob_path(sha256: &str) -> String {
    format!("landing/blobs/{}/{sha256}", sha256.get(..2).unwrap_or_default())
}

/// The version that a file name of a record says.
pub(crate) fn version_of(file_name: &str) -> Option<u64> {
    file_name.strip_prefix('v')?.strip_suffix(".json")?.parse().ok()
}

pub(crate) fn hex(hash: Sha256) -> String {
    HEXLOWER.encode(&hash.finalize())
}

fn hash_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut text = hex(hash);
    text.truncate(32);
    text
}

/// A name as one part of a path: no separators, nothing hidden, no two names alike.
pub(crate) fn name_part(name: &str) -> String {
    let mut part = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            part.push(char::from(byte));
        } else {
            // Writing to a text can't fail.
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_depend_on_where_one_part_ends() {
        assert_eq!(file_id("aws", "account", "main", "a.csv"), "1de6dfbc88e8e4a709c870f173d272f8");
        assert_ne!(file_id("aws", "account", "main", "a.csv"), file_id("awsa", "ccount", "main", "a.csv"));
    }

    #[test]
    fn names_become_parts_of_a_path() {
        assert_eq!(instance_folder("aws_marketplace", "main-2"), "landing/records/aws_marketplace/main-2");
        assert_eq!(instance_folder("a", "../ü/x"), "landing/records/a/%2E%2E%2F%C3%BC%2Fx");
    }

    #[test]
    fn a_record_that_does_not_hold_together_is_refused() {
        let segment = |length, first_line, newlines| Segment { sha256: "00".into(), length, first_line, newlines, finished: true };
        let record = LandingRecord {
            channel: "c".into(),
            export: "e".into(),
            instance: "i".into(),
            source_path: "p".into(),
            file_id: file_id("c", "e", "i", "p"),
            version: 2,
            size: 7,
            sha256: "00".into(),
            segments: vec![segment(3, 1, 2), segment(4, 3, 1)],
        };
        let path = record.path();
        let check = |record: &LandingRecord, path: &str| LandingRecord::parse(path, &record.to_json().unwrap());
        assert_eq!(check(&record, &path).unwrap(), record);
        let first = path.replace("v00002", "v00001");
        assert_eq!(check(&record, &first).unwrap_err().to_string(), format!("{first}: it is the record of {path}; restore the file from a backup"));
        let short = LandingRecord { size: 8, ..record.clone() };
        assert!(check(&short, &path).unwrap_err().to_string().contains("its segments don't add up to its size of 8 bytes"));
        let lines = LandingRecord { segments: vec![segment(3, 1, 1), segment(4, 3, 1)], ..record };
        assert!(check(&lines, &path).unwrap_err().to_string().contains("a segment starts on line 3 instead of 2"));
    }
}
