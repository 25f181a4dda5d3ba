//! Records that are not taken: where each stands, what it says and why.

use std::ops::Range;

/// How much of a record or a cell a [`Reject`] shows.
pub const RAW_LIMIT: usize = 64 << 10;

/// How much of a cell a reason quotes.
const QUOTED_LIMIT: usize = 60;

/// One record that is not in the batch. A record has one reject, whatever number of things is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The member, sheet or section of the file; empty for a plain file.
    pub part: String,
    /// Line of the source file on which the record starts.
    pub line: u64,
    /// The column of the first problem, by its name in the table; None where the record as a whole is wrong.
    pub column: Option<String>,
    /// The rule that the first problem breaks, one of [`rule`].
    pub rule: &'static str,
    /// The cell of the first problem as it stands in the file, lossy UTF-8.
    pub text: String,
    /// The record as it stands in the file without its line break, lossy UTF-8, at most [`RAW_LIMIT`] bytes of it.
    pub raw: String,
    /// All problems in words.
    pub reason: String,
}

/// What is said of a record by [`rule::HEADER`].
pub(crate) const HEADER_AGAIN: &str = "is the header again: two exports stand in one file, or pages of one";

/// The names of the rules that a record can break.
pub mod rule {
    /// The record has another number of cells than the header.
    pub const RAGGED: &str = "ragged";
    /// The record is the header again.
    pub const HEADER: &str = "header";
    /// A quote stands where none may.
    pub const QUOTING: &str = "quoting";
    /// The file ends inside of quotes.
    pub const UNCLOSED_QUOTE: &str = "unclosed_quote";
    /// The record is longer than [`crate::RECORD_LIMIT`].
    pub const TOO_LONG: &str = "too_long";
    pub const UTF8: &str = "utf8";
    /// A NUL byte, the mark of a damaged file.
    pub const NUL: &str = "nul";
    pub const TIMESTAMP: &str = "timestamp";
    pub const DATE: &str = "date";
    pub const INTEGER: &str = "integer";
    pub const BOOLEAN: &str = "boolean";
    pub const DECIMAL: &str = "decimal";
    /// More digits than the contract keeps; they are never rounded.
    pub const DIGITS: &str = "digits";
    /// More than the type holds.
    pub const SIZE: &str = "size";
    /// More than the contract's bound.
    pub const BOUND: &str = "bound";
    /// No value in a column that must have one.
    pub const NULL: &str = "null";
    /// An amount without a currency.
    pub const CURRENCY: &str = "currency";
    /// Not of the pattern that `take` names.
    pub const TAKE: &str = "take";
    /// Not in the reference table.
    pub const MAP: &str = "map";
    /// A unit that the channel file does not name.
    pub const UNIT: &str = "unit";
    /// A minus where another column says plus.
    pub const SIGN: &str = "sign";
    /// A civil time that its zone never had, or had twice.
    pub const ZONE: &str = "zone";
    pub const DURATION: &str = "duration";
    /// No period of the fiscal calendar.
    pub const FISCAL: &str = "fiscal";
    /// No date that says which month the record belongs to.
    pub const PARTITION: &str = "partition";
    /// A child record whose parent is not known, or a parent whose children are not.
    pub const PARENT: &str = "parent";
    /// A calculation that fails, or whose result does not fit.
    pub const CALCULATE: &str = "calculate";
    /// No date that says when the record was known.
    pub const KNOWN_AT: &str = "known_at";
}

/// Something that is wrong with a record of the right shape.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) row: usize,
    /// Column of the layout.
    pub(crate) column: Option<usize>,
    pub(crate) finding: Finding,
}

/// A broken rule, and how in words that follow the quoted text.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) what: String,
}

impl Finding {
    #[cold]
    pub(crate) fn new(rule: &'static str, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

/// Bytes as text, at most [`RAW_LIMIT`] of them.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(RAW_LIMIT)]).into_owned()
}

/// The reason of one problem: column, the beginning of its text, what is wrong.
pub(crate) fn reason(column: Option<&str>, text: &str, what: &str) -> String {
    let Some(column) = column else { return what.to_owned() };
    let short: Range<usize> = 0..text.floor_char_boundary(QUOTED_LIMIT);
    let more = if short.end < text.len() { "…" } else { "" };
    format!("{column}: {:?}{more} {what}", &text[short])
}
