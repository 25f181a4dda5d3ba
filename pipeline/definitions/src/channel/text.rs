//! `[exports.text]`: how bytes become records of text cells.

use encoding_rs::{Encoding, UTF_8};
use serde::Deserialize;

use super::place::Place;
use crate::Result;

#[derive(Debug, Clone)]
pub struct TextForm {
    /// Tried in order where the file has no byte order mark; never empty.
    pub encodings: Vec<&'static Encoding>,
    /// Each cell is read by the first encoding that can.
    pub mixed: bool,
    pub delimiter: Delimiter,
    pub quote: Option<u8>,
    /// Takes the meaning of the character behind it.
    pub escape: Option<u8>,
    /// A quote that neither opens nor closes its cell is text.
    pub loose_quotes: bool,
    /// Ends records instead of a line break.
    pub line_end: Option<u8>,
    pub last_line: LastLine,
    /// Characters that are removed from headers.
    pub strip: Vec<char>,
    /// Characters that are removed from all cells.
    pub strip_cells: Vec<char>,
    pub ragged: Ragged,
    /// Lines that begin so are none.
    pub comment: Option<String>,
    /// A first line `sep=;` gives the delimiter.
    pub sep_line: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    Byte(u8),
    /// As the `sep=` line says, which must be there.
    Auto,
}

/// Whether the last line of a file may lack its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastLine {
    #[default]
    Open,
    /// A file whose last line has none was cut off in it.
    Ended,
}

/// What becomes of a record that has not as many cells as the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ragged {
    #[default]
    Refuse,
    /// Cells that lack at the end are empty.
    Pad,
    /// Empty cells beyond the header are left out.
    Trim,
    /// Both.
    Fit,
}

impl Ragged {
    pub fn pads(self) -> bool {
        matches!(self, Self::Pad | Self::Fit)
    }

    pub fn trims(self) -> bool {
        matches!(self, Self::Trim | Self::Fit)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawText {
    encoding: Option<Names>,
    mixed: Option<bool>,
    delimiter: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    loose_quotes: Option<bool>,
    line_end: Option<String>,
    last_line: Option<LastLine>,
    strip: Option<Vec<String>>,
    strip_cells: Option<Vec<String>>,
    ragged: Option<Ragged>,
    comment: Option<String>,
    sep_line: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl RawText {
    pub fn over(self, base: Self) -> Self {
        Self {
            encoding: self.encoding.or(base.encoding),
            mixed: self.mixed.or(base.mixed),
            delimiter: self.delimiter.or(base.delimiter),
            quote: self.quote.or(base.quote),
            escape: self.escape.or(base.escape),
            loose_quotes: self.loose_quotes.or(base.loose_quotes),
            line_end: self.line_end.or(base.line_end),
            last_line: self.last_line.or(base.last_line),
            strip: self.strip.or(base.strip),
            strip_cells: self.strip_cells.or(base.strip_cells),
            ragged: self.ragged.or(base.ragged),
            comment: self.comment.or(base.comment),
            sep_line: self.sep_line.or(base.sep_line),
        }
    }

    /// `delimiter`: that of the export, where the text says none.
    pub fn checked(&self, place: Place<'_>, delimiter: u8) -> Result<TextForm> {
        let encodings = match &self.encoding {
            None => vec![UTF_8],
            Some(Names::One(name)) => vec![encoding(place, "text/encoding", name)?],
            Some(Names::Several(names)) => {
                place.filled("text/encoding", names)?;
                names.iter().enumerate().map(|(at, name)| encoding(place, &format!("text/encoding/{at}"), name)).collect::<Result<_>>()?
            }
        };
        let mixed = self.mixed.unwrap_or(false);
        if mixed && let Some(wide) = encodings.iter().find(|encoding| !encoding.is_ascii_compatible()) {
            return Err(place.wrong("text/mixed", format!("{} can't be mixed with others: its characters have more than one byte", wide.name())));
        }
        let character = |key: &str, text: &Option<String>, default: Option<u8>| match text.as_deref() {
            None => Ok(default),
            Some("") => Ok(None),
            Some(text) => place.one_byte(&format!("text/{key}"), text).map(Some),
        };
        let delimiter = match self.delimiter.as_deref() {
            None => Delimiter::Byte(delimiter),
            Some("auto") => Delimiter::Auto,
            Some(text) => Delimiter::Byte(place.one_byte("text/delimiter", text)?),
        };
        let form = TextForm {
            encodings,
            mixed,
            delimiter,
            quote: character("quote", &self.quote, Some(b'"'))?,
            escape: character("escape", &self.escape, None)?,
            loose_quotes: self.loose_quotes.unwrap_or(false),
            line_end: character("line_end", &self.line_end, None)?,
            last_line: self.last_line.unwrap_or_default(),
            strip: self.strip.as_deref().map_or_else(|| vec!['\0', '\u{ad}', '\u{feff}', '\u{200b}'], characters),
            strip_cells: self.strip_cells.as_deref().map_or_else(Vec::new, characters),
            ragged: self.ragged.unwrap_or_default(),
            comment: self.comment.clone().filter(|text| !text.is_empty()),
            sep_line: self.sep_line.unwrap_or(true),
        };
        let Delimiter::Byte(byte) = form.delimiter else {
            return if form.sep_line {
                Ok(form)
            } else {
                Err(place.wrong("text/delimiter", "delimiter \"auto\" needs the `sep=` line, and sep_line is false"))
            };
        };
        // A plain export's delimiter is decode's to judge.
        let said = self.delimiter.is_some() || self.quote.is_some() || self.escape.is_some() || self.line_end.is_some();
        if !said {
            return Ok(form);
        }
        let marks: Vec<u8> = [Some(byte), form.quote, form.escape, form.line_end].into_iter().flatten().collect();
        if (1..marks.len()).any(|at| marks[..at].contains(&marks[at])) {
            return Err(place
                .wrong("text", "delimiter, quote, escape and line_end must be different characters")
                .next("quotes that are doubled inside of quotes need no escape"));
        }
        if form.loose_quotes && form.escape.is_some() {
            return Err(place.wrong("text", "`loose_quotes` and `escape` both say what a quote inside a cell is").next("leave one of them out"));
        }
        Ok(form)
    }
}

fn characters(texts: &[String]) -> Vec<char> {
    texts.iter().flat_map(|text| text.chars()).collect()
}

fn encoding(place: Place<'_>, key: &str, name: &str) -> Result<&'static Encoding> {
    const COMMON: [&str; 12] = [
        "utf-8",
        "utf-16le",
        "utf-16be",
        "windows-1252",
        "iso-8859-1",
        "iso-8859-15",
        "windows-1250",
        "windows-1251",
        "shift_jis",
        "gb18030",
        "big5",
        "macintosh",
    ];
    match Encoding::for_label_no_replacement(name.as_bytes()) {
        Some(encoding) if encoding != encoding_rs::ISO_2022_JP => Ok(encoding),
        _ => Err(place.unknown(key, format!("encoding {name:?} is not known"), name, COMMON)),
    }
}
