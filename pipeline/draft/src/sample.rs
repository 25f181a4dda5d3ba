//! A sample file → its tables: parts with one header belong together, record types are tables of their own. It must not know types.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use takings_decode::general::{Row, Sample, peek};

use crate::grid::{Table, table};
use crate::sections::{Section, sections};
use crate::texts::{TextGuess, guess};

/// How much of each part is looked at; the whole file is read when the draft is tried.
const BYTES: usize = 16 << 20;
const ROWS: usize = 100_000;

/// Parts with the same columns.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub parts: Vec<PartSample>,
    /// The record type; only of files that have several.
    pub kind: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct PartSample {
    pub member: String,
    pub sheet: Option<String>,
    /// The title that it stands below, where the text has several tables.
    pub section: Option<String>,
    pub text: Option<TextGuess>,
    pub rows: Vec<Row>,
    pub table: Table,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Looked {
    pub groups: Vec<Group>,
    /// Members and sheets without a table.
    pub members_without: Vec<String>,
    pub sheets_without: Vec<String>,
    /// Sheets without a table and their members, until all was seen.
    without: Vec<(String, String)>,
    /// Members, sheets and sections that repeat the money of others.
    pub rollups: Vec<PartSample>,
    /// Titles of sections without rows.
    pub sections_without: Vec<String>,
    pub zip: bool,
    /// Record types of single lines: head and foot.
    pub other_kinds: Vec<String>,
}

pub(crate) fn look(path: &str, bytes: &[u8], encoding: Option<&'static Encoding>) -> takings_decode::Result<Looked> {
    let mut looked = Looked::default();
    for part in peek(path, bytes, BYTES, ROWS)? {
        looked.zip |= !part.member.is_empty();
        let (sheet, text, rows) = match part.sample {
            Sample::Sheet { name, rows, .. } => (Some(name), None, rows),
            Sample::Text { bytes, cut } => {
                let (text, mut rows) = guess(path, &bytes, ROWS, encoding)?;
                // The last record may have been cut off.
                if cut {
                    rows.pop();
                }
                (None, Some(text), rows)
            }
        };
        if let Some(kinds) = kinds(&rows).filter(|_| sheet.is_none()) {
            looked.by_kind(&part.member, text.as_ref(), &kinds);
            continue;
        }
        if let (Some(text), true, Some(sections)) = (&text, part.member.is_empty(), sections(&rows)) {
            looked.by_section(text, &rows, sections);
            continue;
        }
        let found = table(&rows, sheet.is_some()).filter(|table| !table.data.is_empty());
        match (found, sheet) {
            (Some(table), sheet) => looked.add(PartSample { member: part.member, sheet, section: None, text, rows, table }),
            (None, Some(sheet)) => looked.without.push((part.member, sheet)),
            (None, None) => looked.members_without.push(part.member),
        }
    }
    // A workbook in an archive that has no table at all is a member without one.
    for (member, sheet) in std::mem::take(&mut looked.without) {
        let read = looked.groups.iter().flat_map(|group| &group.parts).any(|part| part.member == member);
        if read || member.is_empty() {
            looked.sheets_without.push(sheet);
        } else if !looked.members_without.contains(&member) {
            looked.members_without.push(member);
        }
    }
    Ok(looked)
}

impl Looked {
    fn add(&mut self, part: PartSample) {
        let names = |table: &Table| table.names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>();
        let same = |group: &&mut Group| {
            group.kind.is_none() && group.parts.iter().all(|other| names(&other.table) == names(&part.table) && other.sheet.is_some() == part.sheet.is_some())
        };
        match self.groups.iter_mut().find(same) {
            Some(group) => group.parts.push(part),
            None => self.groups.push(Group { parts: vec![part], kind: None }),
        }
    }

    fn by_section(&mut self, text: &TextGuess, rows: &[Row], sections: Vec<Section>) {
        for Section { title, rows: range } in sections {
            let rows = rows[range].to_vec();
            match table(&rows, false).filter(|table| table.header == Some(0) && !table.data.is_empty()) {
                Some(table) => self.add(PartSample { member: String::new(), sheet: None, section: Some(title), text: Some(text.clone()), rows, table }),
                None => self.sections_without.push(title),
            }
        }
    }

    fn by_kind(&mut self, member: &str, text: Option<&TextGuess>, kinds: &BTreeMap<String, Vec<Row>>) {
        let width = kinds.values().flatten().map(|row| row.cells.len()).max().unwrap_or(1);
        let names: Vec<String> = (1..=width).map(|at| format!("cell_{at}")).collect();
        let single = |kind: &str| ["HEAD", "FOOT", "HDR", "TRL", "HEADER", "FOOTER", "TRAILER"].contains(&kind);
        let mut found: Vec<_> = kinds.iter().collect();
        found.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        for (kind, rows) in found {
            if single(kind) {
                self.other_kinds.push(kind.clone());
                continue;
            }
            let table = Table { header: None, names: names.clone(), data: (0..rows.len()).collect(), short: true, ..Table::default() };
            let part = PartSample { member: member.to_owned(), sheet: None, section: None, text: text.cloned(), rows: rows.clone(), table };
            self.groups.push(Group { parts: vec![part], kind: Some(kind.clone()) });
        }
    }
}

/// Rows by their first cell, where that is a code in each and codes have widths of their own.
fn kinds(rows: &[Row]) -> Option<BTreeMap<String, Vec<Row>>> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty())).collect();
    let code = |row: &&Row| {
        let cell = row.cells[0].trim();
        let letters = cell.bytes().take_while(u8::is_ascii_uppercase).count();
        row.cells.len() > 1 && (2..=7).contains(&letters) && cell[letters..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    if rows.len() < 4 || !rows.iter().all(code) {
        return None;
    }
    let mut kinds: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in &rows {
        kinds.entry(row.cells[0].trim().to_owned()).or_default().push((*row).clone());
    }
    let headed = ["HEAD", "HDR", "HEADER"].contains(&rows[0].cells[0].trim());
    let widths: std::collections::BTreeSet<usize> = rows.iter().map(|row| row.cells.len()).collect();
    (kinds.len() >= 2 && headed && widths.len() >= 2).then_some(kinds)
}
