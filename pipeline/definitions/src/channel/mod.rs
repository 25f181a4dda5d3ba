//! Channel files: the exports of one place where the seller sells, and how each is recognised and read. What they can say stands in
//! docs/channel-files.md.

pub(crate) mod against;
mod check;
mod column;
mod column_keys;
mod export;
mod frame;
mod layout;
mod parse_keys;
mod place;
mod raw_export;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod unpack;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use check::{Check, CheckKind, Expect, Level, Missing, Several};
pub use column::{BUILT_IN_TABLES, ColumnSpec, Condition, DurationForm, Factor, Factors, Mapping, Period, Piece, Sign, Split, ValueSource};
pub use export::{Delete, DuplicateContent, Export, Mode, UnknownColumns};
pub use frame::{End, Frame, FrameSection, Keep, Parent, RecordTypes, Target, Trailer};
pub use layout::{HeaderRule, LayoutVersion};
pub use parse_keys::{BoolWords, Decimals, Grouping, LANGUAGES, ParseKeys, Thousands};
pub use rows::{Calculation, CellTest, ExcludeWhen, Exclusion, Unpivot, UnpivotCells};
pub use text::{Delimiter, LastLine, Ragged, TextForm};
pub use unpack::Unpack;

use crate::{File, Result};
use place::Place;
use raw_export::RawExport;

/// The schema version of channel files that this program reads.
const SCHEMA_VERSION: u32 = 1;

/// One channel: a place where the seller sells.
#[derive(Debug, Clone)]
pub struct Channel {
    pub name: String,
    pub title: String,
    pub exports: Vec<Export>,
    pub path: PathBuf,
    /// The file's text, for run keys.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    version: u32,
    channel: String,
    title: String,
    exports: Vec<RawExport>,
}

impl Channel {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawChannel = crate::parse(path, text)?;
        let file = File { path, text };
        if raw.version != SCHEMA_VERSION {
            return Err(file
                .wrong("version", format!("channel schema version {} is not known", raw.version))
                .next(format!("this program reads version {SCHEMA_VERSION}")));
        }
        let exports = raw.exports.into_iter().enumerate();
        let mut exports = exports
            .map(|(at, export)| {
                let (base, called) = (format!("exports/{at}"), format!("export `{}`", export.name()));
                export.checked(Place { file, base: &base, called: &called })
            })
            .collect::<Result<Vec<_>>>()?;
        let wholes: Vec<String> = exports.iter().filter_map(|export| export.part_of.clone()).collect();
        exports.iter_mut().filter(|export| wholes.contains(&export.name)).for_each(Export::read_whole);
        let channel = Self { name: raw.channel, title: raw.title, exports, path: path.to_owned(), text: text.to_owned() };
        channel.check_names()?;
        Ok(channel)
    }

    fn check_names(&self) -> Result<()> {
        for (at, export) in self.exports.iter().enumerate() {
            if self.exports[..at].iter().any(|other| other.name == export.name) {
                return Err(self.file().wrong(&format!("exports/{at}/name"), format!("export `{}` is declared twice", export.name)));
            }
            let Some(whole) = &export.part_of else { continue };
            let known = self.exports.iter().filter(|other| other.part_of.is_none()).map(|other| other.name.as_str());
            if !known.clone().any(|name| name == whole) {
                let message = format!("export `{}`: part_of names `{whole}`, which is no export with a path", export.name);
                return Err(self.file().unknown(&format!("exports/{at}/part_of"), message, whole, known));
            }
        }
        Ok(())
    }

    pub(crate) fn file(&self) -> File<'_> {
        File { path: &self.path, text: &self.text }
    }

    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// The export under which the files of one are landed; a name that is not known stays.
    pub fn landed_as<'a>(&'a self, export: &'a str) -> &'a str {
        self.export(export).map_or(export, Export::landed_as)
    }

    /// The exports whose path pattern matches: one is right, none is unknown, more are ambiguous.
    pub fn recognise(&self, path: &str) -> Vec<&Export> {
        self.exports.iter().filter(|export| export.path.as_ref().is_some_and(|pattern| pattern.is_match(path))).collect()
    }

    /// All exports that read the files of one: that with the path first, then those that are part of it.
    pub fn family<'a>(&'a self, export: &'a Export) -> Vec<&'a Export> {
        let whole = export.part_of.as_deref().unwrap_or(&export.name);
        let (mut family, parts): (Vec<_>, Vec<_>) =
            self.exports.iter().filter(|other| other.name == whole || other.part_of.as_deref() == Some(whole)).partition(|other| other.part_of.is_none());
        family.extend(parts);
        family
    }
}
