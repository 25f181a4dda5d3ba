//! What a draft will say, before it is text.

use crate::names::FilePattern;
use crate::texts::TextGuess;

#[derive(Debug, Clone)]
pub(crate) struct ChannelPlan {
    pub name: String,
    pub exports: Vec<ExportPlan>,
}

/// One export with its table.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExportPlan {
    pub name: String,
    pub table: String,
    pub path: Option<FilePattern>,
    pub part_of: Option<String>,
    /// Patterns of members and sheets, and of those that are left out.
    pub members: Vec<String>,
    pub sheets: Vec<String>,
    pub ignore: Vec<String>,
    pub ignore_sheets: Vec<String>,
    /// Several parts go to the table.
    pub parts: bool,
    pub text: Option<TextGuess>,
    pub ragged: Option<&'static str>,
    pub header: HeaderPlan,
    pub two_header_rows: bool,
    pub cells: Vec<CellPlan>,
    pub end: Option<EndPlan>,
    /// Records of the sample that are rows.
    pub records_seen: u64,
    pub trailers: Vec<TrailerPlan>,
    pub records: Option<(Vec<String>, Vec<String>)>,
    pub sections: Vec<SectionPlan>,
    pub exclude: Vec<ExcludePlan>,
    pub checks: Vec<CheckPlan>,
    pub unpivot: Option<UnpivotPlan>,
    /// Columns without a name, or others that the draft leaves out.
    pub warn: bool,
    pub thousands: Option<char>,
    pub decimal: Option<char>,
    pub columns: Vec<Column>,
    pub partition: Option<String>,
    pub monthly: bool,
    pub notes: Vec<String>,
    /// Of rows; those of columns stand there.
    pub questions: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum HeaderPlan {
    #[default]
    First,
    Has(Vec<String>),
    /// Names that the draft gives.
    Given(Vec<String>),
}

/// A value outside of the table.
#[derive(Debug, Clone)]
pub(crate) struct CellPlan {
    pub name: String,
    /// TOML of the target.
    pub target: String,
    pub text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct TrailerPlan {
    pub name: String,
    pub pattern: String,
    pub optional: bool,
}

/// A table of several in one text.
#[derive(Debug, Clone)]
pub(crate) struct SectionPlan {
    pub name: String,
    pub title: String,
    pub ignore: bool,
}

/// Where a table ends that does not end with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndPlan {
    Blank,
    /// A pattern of the first cell of what stands behind.
    First(String),
}

#[derive(Debug, Clone)]
pub(crate) enum ExcludePlan {
    Blank,
    Total {
        column: String,
        /// TOML of the rule's test.
        test: String,
        /// Whether it is a total is the user's to say.
        asks: bool,
    },
    /// The header stands in the table again.
    Header {
        column: String,
        word: String,
    },
    /// The column is empty there and nowhere else.
    Lone {
        column: String,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct CheckPlan {
    pub name: String,
    /// None: the rows are counted.
    pub column: Option<String>,
    pub trailer: String,
}

#[derive(Debug, Clone)]
pub(crate) struct UnpivotPlan {
    pub headers: String,
    pub value: String,
    /// Texts of no value: such cells make no row.
    pub nulls: Vec<String>,
}

/// A column of the contract and where its value comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    pub name: String,
    pub source: Source,
    /// As the contract writes it.
    pub kind: String,
    pub nullable: bool,
    pub currency: Option<String>,
    /// Keys of `[exports.columns.<name>]`: name, TOML of the value, comment.
    pub keys: Vec<(&'static str, String, String)>,
    pub question: Option<Question>,
    pub about: String,
    /// Of currency, on all its amounts.
    pub sign: Option<&'static str>,
    /// In every row of the sample.
    pub always: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Source {
    #[default]
    None,
    Header(String),
    Constant(String),
    File(String),
    Cell(String),
    From(String),
}

/// What the sample leaves open: the file does not load until one of the answers is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub why: String,
    /// Each answer's keys with TOML of their values, and what it means.
    pub answers: Vec<(Vec<(&'static str, String)>, String)>,
}

impl Column {
    pub fn is_number(&self) -> bool {
        self.kind == "int64" || self.kind.starts_with("decimal")
    }

    /// Whether the draft made it to hold the currency of amounts.
    pub fn adds_currency(&self) -> bool {
        self.name.starts_with("currency") && matches!(self.source, Source::Constant(_) | Source::None)
    }

    /// Takes all that was guessed back: its text is kept as it stands.
    pub fn as_text(&mut self, why: &str) {
        "text".clone_into(&mut self.kind);
        (self.currency, self.question) = (None, None);
        self.keys.clear();
        self.about = why.to_owned();
    }
}
