//! Several tables in one text, each below a title of its own. It must not know types.

use takings_decode::general::Row;

use crate::grid::{filled, is_header};
use crate::numbers::is_number;

/// A table below a title; places are those of the text's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub title: String,
    /// From the header on.
    pub rows: std::ops::Range<usize>,
}

/// The sections of a text; None: it is one table.
pub(crate) fn sections(rows: &[Row]) -> Option<Vec<Section>> {
    let titles: Vec<usize> = (0..rows.len().saturating_sub(1)).filter(|at| is_title(&rows[*at]) && is_head(&rows[at + 1])).collect();
    let end = |at: usize| titles.get(at + 1).copied().unwrap_or(rows.len());
    let mut found: Vec<Section> =
        titles.iter().enumerate().map(|(at, row)| Section { title: rows[*row].cells[0].trim().to_owned(), rows: row + 1..end(at) }).collect();
    let mut with_numbers = 0;
    for section in &found {
        let below = rows[section.rows.clone()].iter().skip(1).filter(|row| filled(row) > 0);
        with_numbers += usize::from(below.clone().any(|row| filled(row) > 1 && row.cells.iter().any(|cell| is_number(cell))));
    }
    let mut distinct: Vec<&String> = found.iter().map(|section| &section.title).collect();
    distinct.sort_unstable();
    distinct.dedup();
    if with_numbers < 2 || distinct.len() < found.len() {
        return None;
    }
    // What stands above the first title is a section that holds nothing.
    if let Some(first) = (0..titles[0]).find(|at| filled(&rows[*at]) > 0) {
        let title = rows[first].cells.join(",").trim_end_matches(',').trim().to_owned();
        found.insert(0, Section { title, rows: first + 1..first + 1 });
    }
    Some(found)
}

fn is_title(row: &Row) -> bool {
    let cell = row.cells.first().map_or("", |cell| cell.trim());
    filled(row) == 1 && cell.chars().any(char::is_alphabetic) && !is_number(cell)
}

fn is_head(row: &Row) -> bool {
    filled(row) > 1 && is_header(row, filled(row)) && !row.cells.iter().any(|cell| is_number(cell))
}

/// A title as a pattern: its numbers may be other ones.
pub(crate) fn pattern(title: &str) -> String {
    let escaped = regex::escape(title).replace("\\-", "-");
    let numbers = regex::Regex::new(r"\d+").map(|digits| digits.replace_all(&escaped, r"\d+").into_owned());
    format!("^{}$", numbers.unwrap_or(escaped))
}
