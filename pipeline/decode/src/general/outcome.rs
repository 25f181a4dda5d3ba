//! What became of a file: counts that add up, totals, checks, and what the user should know.

use std::collections::BTreeMap;

use takings_definitions::Level;

use crate::ColumnTotal;

/// A file that was read to its end. `records` = `published` + `quarantined` + `excluded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOutcome {
    pub records: u64,
    /// Records with rows.
    pub published: u64,
    /// Rows that the sink published: a record may have several.
    pub rows: u64,
    pub quarantined: u64,
    /// Records by the name of the rule that left them out.
    pub excluded: BTreeMap<String, u64>,
    /// Sums of the published money columns, by column and currency.
    pub totals: Vec<ColumnTotal>,
    /// Parts that were read, with sections behind `#`, and the layout of each where the export has several.
    pub parts: Vec<PartRead>,
    /// Members and sheets that the channel file leaves out.
    pub ignored: Vec<String>,
    /// All but `equation`, which is the engine's.
    pub checks: Vec<CheckOutcome>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRead {
    pub part: String,
    pub layout: Option<String>,
}

/// One comparison of a check: of a part, or of the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    pub name: String,
    pub level: Level,
    /// Empty: the whole file, or a plain one.
    pub part: String,
    /// The values of `by`.
    pub group: Vec<String>,
    pub expected: Option<String>,
    pub found: String,
    /// None: not compared.
    pub holds: Option<bool>,
    /// What differs, or why nothing was compared.
    pub message: String,
}

impl FileOutcome {
    /// Why the file must not be published: its mandatory checks that don't hold.
    pub fn stopped(&self) -> Option<String> {
        let failed: Vec<String> =
            self.checks.iter().filter(|check| check.level == Level::Mandatory && check.holds == Some(false)).map(ToString::to_string).collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}

impl std::fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "check `{}`", self.name)?;
        if !self.part.is_empty() {
            write!(f, " of {}", self.part)?;
        }
        if !self.group.is_empty() {
            write!(f, " ({})", self.group.join(", "))?;
        }
        write!(f, ": {}", self.message)
    }
}
