//! The exports that read one file: which of them claims a part, a section, a record type. What nobody claims and nobody ignores stops
//! the file.

use regex::Regex;
use takings_definitions::{Export, FrameSection};

use super::unpack::is_litter;
use crate::{Error, Result};

/// The exports that share a file; the first has the path.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub members: Vec<Export>,
    /// Which of them reads.
    pub own: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    Own,
    Other,
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    No,
    /// No pattern is given: all that nobody else names.
    Default,
    Named,
}

fn fit(patterns: &[Regex], name: &str) -> Fit {
    match patterns {
        [] => Fit::Default,
        _ if patterns.iter().any(|pattern| pattern.is_match(name)) => Fit::Named,
        _ => Fit::No,
    }
}

impl Family {
    pub fn export(&self) -> &Export {
        &self.members[self.own]
    }

    /// Whether this export has the path: it answers for what is ignored.
    pub fn is_first(&self) -> bool {
        self.own == 0
    }

    /// Who reads a member of an archive.
    pub fn member(&self, file: &str, name: &str) -> Result<Claim> {
        if is_litter(name) || self.members.iter().any(|export| fit(&export.unpack.ignore, name) == Fit::Named) {
            return Ok(Claim::Ignored);
        }
        self.claim(|export| fit(&export.unpack.members, name)).ok_or_else(|| {
            Error::data(format!("{file}: the archive's member {name:?} is neither read nor ignored"))
                .next("add it to `members` or `ignore` in [exports.unpack]")
        })
    }

    /// Who reads a sheet.
    pub fn sheet(&self, file: &str, member: &str, name: &str) -> Result<Claim> {
        if self.members.iter().any(|export| fit(&export.unpack.ignore_sheets, name) == Fit::Named) {
            return Ok(Claim::Ignored);
        }
        let both = |export: &Export| match (self.fits_member(export, member), fit(&export.unpack.sheets, name)) {
            (Fit::No, _) | (_, Fit::No) => Fit::No,
            (Fit::Default, Fit::Default) => Fit::Default,
            _ => Fit::Named,
        };
        self.claim(both).ok_or_else(|| {
            Error::data(format!("{file}: the sheet {name:?} is neither read nor ignored")).next("add it to `sheets` or `ignore_sheets` in [exports.unpack]")
        })
    }

    fn fits_member(&self, export: &Export, member: &str) -> Fit {
        if member.is_empty() { Fit::Default } else { fit(&export.unpack.members, member) }
    }

    /// By name before by default. None: nobody.
    fn claim(&self, fits: impl Fn(&Export) -> Fit) -> Option<Claim> {
        let all: Vec<Fit> = self.members.iter().map(fits).collect();
        let best = [Fit::Named, Fit::Default].into_iter().find(|fit| all.contains(fit))?;
        Some(if all[self.own] == best { Claim::Own } else { Claim::Other })
    }

    /// A part that is read by several exports has sections or record types that tell them apart.
    pub fn check_shared(&self, file: &str, member: &str, sheet: Option<&str>) -> Result<()> {
        let fits = |export: &Export| match (self.fits_member(export, member), sheet.map_or(Fit::Default, |sheet| fit(&export.unpack.sheets, sheet))) {
            (Fit::No, _) | (_, Fit::No) => Fit::No,
            (Fit::Default, Fit::Default) => Fit::Default,
            _ => Fit::Named,
        };
        let all: Vec<Fit> = self.members.iter().map(fits).collect();
        let best = if all.contains(&Fit::Named) { Fit::Named } else { Fit::Default };
        let readers: Vec<&Export> = self.members.iter().zip(&all).filter(|(_, fit)| **fit == best).map(|(export, _)| export).collect();
        let told_apart = |export: &&Export| export.effective().all(|one| !one.frame.sections.is_empty() || one.frame.records.is_some());
        if readers.len() < 2 || readers.iter().all(told_apart) {
            return Ok(());
        }
        let names: Vec<&str> = readers.iter().map(|export| export.name.as_str()).collect();
        let part = sheet.unwrap_or(member);
        let what = if part.is_empty() { "the file".to_owned() } else { format!("part {part:?}") };
        Err(Error::data(format!("{file}: {what} is read by the exports {}, and nothing tells what is whose", names.join(" and ")))
            .next("give them `members`, `sheets`, sections or record types"))
    }

    /// All sections of the file with the export that reads each.
    pub fn sections(&self) -> Vec<(&Export, &FrameSection)> {
        let own =
            self.members.iter().flat_map(|export| export.effective().flat_map(move |one| one.frame.sections.iter().map(move |section| (export, section))));
        let mut sections: Vec<(&Export, &FrameSection)> = Vec::new();
        for (export, section) in own {
            if !sections.iter().any(|(other, known)| other.name == export.name && known.name == section.name && known.title.as_str() == section.title.as_str())
            {
                sections.push((export, section));
            }
        }
        sections
    }

    /// Who reads records of a type; None: nobody.
    pub fn record_type(&self, kind: &str) -> Option<Claim> {
        let reads =
            |export: &Export| export.effective().any(|one| one.frame.records.as_ref().is_some_and(|records| records.types.iter().any(|known| known == kind)));
        let ignores =
            |export: &Export| export.effective().any(|one| one.frame.records.as_ref().is_some_and(|records| records.ignore.iter().any(|known| known == kind)));
        if reads(self.export()) {
            Some(Claim::Own)
        } else if self.members.iter().any(reads) {
            Some(Claim::Other)
        } else if self.members.iter().any(ignores) {
            Some(Claim::Ignored)
        } else {
            None
        }
    }

    /// All record types, for messages.
    pub fn record_types(&self) -> Vec<&str> {
        let types = self.members.iter().flat_map(Export::effective).filter_map(|one| one.frame.records.as_ref());
        types.flat_map(|records| records.types.iter().chain(&records.ignore)).map(String::as_str).collect()
    }
}
