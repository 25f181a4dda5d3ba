//! `[exports.unpack]`: which members and sheets of a container are read, which are left out, and how much may come out of it.

use regex::Regex;
use serde::Deserialize;

use super::place::Place;
use crate::Result;

#[derive(Debug, Clone)]
pub struct Unpack {
    /// Over member names; empty: every member.
    pub members: Vec<Regex>,
    /// Members that are left out on purpose.
    pub ignore: Vec<Regex>,
    /// Over sheet names; empty: every sheet.
    pub sheets: Vec<Regex>,
    pub ignore_sheets: Vec<Regex>,
    /// What all that is unpacked of one file may come to.
    pub max_bytes: u64,
    /// Unpacked bytes per packed one.
    pub max_ratio: u64,
    pub max_members: usize,
}

impl Default for Unpack {
    fn default() -> Self {
        let (members, ignore, sheets, ignore_sheets) = Default::default();
        Self { members, ignore, sheets, ignore_sheets, max_bytes: 20_000_000_000, max_ratio: 200, max_members: 1000 }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUnpack {
    members: Option<Vec<String>>,
    ignore: Option<Vec<String>>,
    sheets: Option<Vec<String>>,
    ignore_sheets: Option<Vec<String>>,
    max_bytes: Option<String>,
    max_ratio: Option<u64>,
    max_members: Option<usize>,
}

impl RawUnpack {
    pub fn checked(&self, place: Place<'_>) -> Result<Unpack> {
        let defaults = Unpack::default();
        let patterns = |key: &str, texts: &Option<Vec<String>>| match texts {
            None => Ok(Vec::new()),
            Some(texts) => {
                let key = format!("unpack/{key}");
                place.filled(&key, texts)?;
                place.regexes(&key, texts)
            }
        };
        let max_bytes = match &self.max_bytes {
            None => defaults.max_bytes,
            Some(text) => bytes(text)
                .ok_or_else(|| place.wrong("unpack/max_bytes", format!("max_bytes {text:?} is no size")).next("write for example \"500MB\" or \"2GB\""))?,
        };
        Ok(Unpack {
            members: patterns("members", &self.members)?,
            ignore: patterns("ignore", &self.ignore)?,
            sheets: patterns("sheets", &self.sheets)?,
            ignore_sheets: patterns("ignore_sheets", &self.ignore_sheets)?,
            max_bytes,
            max_ratio: self.max_ratio.unwrap_or(defaults.max_ratio).max(1),
            max_members: self.max_members.unwrap_or(defaults.max_members),
        })
    }
}

/// `2GB`, `500 MB`, `64KB`, `10`: decimal units.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}
