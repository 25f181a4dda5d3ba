//! Rows of a part → where the table stands in them: header, what stands before it, totals, trailers, what stands behind. It must not
//! know types or TOML.

use takings_decode::general::Row;

use crate::dates::is_date;
use crate::named::{Called, borne_out, is_bare};
use crate::numbers::is_number;

/// How far down a header is looked for.
const HEADER_WITHIN: usize = 40;

/// A table within a part; places are those of the part's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// None: the part has no header.
    pub header: Option<usize>,
    /// The row above belongs to the header.
    pub two_rows: bool,
    /// Cleaned, each once: the second `Currency` is `Currency#2`, a column without a name is `#5`.
    pub names: Vec<String>,
    pub data: Vec<usize>,
    pub totals: Vec<Total>,
    /// Rows among totals that are none, and rows that repeat the others' numbers and can't be told from them.
    pub beside: Vec<usize>,
    pub untold: Vec<usize>,
    /// Rows that a word calls a total and whose numbers repeat no others: they are read.
    pub doubted: Vec<usize>,
    /// Those of them that have no other text: the user says what they are.
    pub asked: Vec<Total>,
    /// Rows that are the header again.
    pub repeats: Vec<usize>,
    /// Lines that are none of the table, with the text before their value.
    pub trailers: Vec<usize>,
    /// Lines of one cell alone that has quotes where none may stand.
    pub stray: Vec<usize>,
    /// Rows that hold nothing but delimiters.
    pub blanks: bool,
    /// Blank lines or rows stand between those of the table.
    pub gaps: bool,
    /// The table ends at a blank row, and this stands behind it.
    pub behind: Vec<usize>,
    pub short: bool,
    pub long: bool,
}

/// A row that repeats the others' money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Total {
    pub row: usize,
    pub column: usize,
    /// None: its cell is empty where all others are filled.
    pub word: Option<String>,
}

pub(crate) fn filled(row: &Row) -> usize {
    row.cells.iter().filter(|cell| !cell.trim().is_empty()).count()
}

fn extent(row: &Row) -> usize {
    row.cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

/// The table of a part; None: there is none.
pub(crate) fn table(rows: &[Row], sheet: bool) -> Option<Table> {
    let widest = rows.iter().map(filled).max().filter(|widest| *widest > 0)?;
    let two = header_of_two(rows, widest);
    let header = two.as_ref().map(|(at, _)| *at).or_else(|| header(rows, widest));
    let start = header.map_or(0, |at| at + 1);
    let two_rows = two.is_some();
    let names = match header {
        Some(_) if two_rows => two.map(|(_, names)| names)?,
        Some(at) => {
            let mut cells: Vec<String> = rows[at].cells.iter().map(|cell| cleaned(cell)).collect();
            if sheet {
                cells.truncate(extent(&rows[at]));
            }
            unique(&cells)
        }
        None => (1..=rows.iter().map(|row| row.cells.len()).max()?).map(|at| format!("column_{at}")).collect(),
    };
    let mut table = Table { header, two_rows, names, ..Table::default() };
    table.walk(rows, start);
    table.ends(rows);
    table.totals(rows);
    for at in table.data.iter().chain(table.totals.iter().map(|total| &total.row)) {
        table.short |= !sheet && rows[*at].cells.len() < table.names.len();
        table.long |= !sheet && rows[*at].cells.len() > table.names.len();
    }
    Some(table)
}

/// The first row of labels that no wider row stands above. Lines of a name and its value are none where a wider row of labels follows, or
/// one behind a blank line.
fn header(rows: &[Row], widest: usize) -> Option<usize> {
    let near = &rows[..rows.len().min(HEADER_WITHIN)];
    let fits = |at: &usize| is_header(&near[*at], widest) || is_header_of_dates(&near[*at], rows.get(at + 1));
    let labelled = |at: &usize| near[..*at].iter().all(|above| filled(above) <= filled(&near[*at])) && fits(at);
    let first = (0..near.len()).find(labelled)?;
    let more = |at: &usize| if near[first..*at].iter().any(|row| filled(row) == 0) { 1 } else { 2 };
    let wider = |at: &usize| filled(&near[first]) <= 2 && filled(&near[*at]) >= filled(&near[first]) + more(at) && labelled(at);
    (first + 1..near.len()).find(wider).or(Some(first))
}

/// A row of labels below one of groups, `Sales` above `Units` and `Amount`: the lower one's place, and the names that both make.
fn header_of_two(rows: &[Row], widest: usize) -> Option<(usize, Vec<String>)> {
    let first = rows.iter().take(HEADER_WITHIN).position(|row| filled(row) > 1)?;
    let (upper, lower) = (rows.get(first)?, rows.get(first + 1)?);
    let cells =
        |row: &Row| (0..extent(lower).max(extent(upper))).map(|at| row.cells.get(at).map_or_else(String::new, |cell| cleaned(cell))).collect::<Vec<_>>();
    let (above, below) = (cells(upper), cells(lower));
    let label = |cell: &&String| !is_number(cell) && !is_date(cell) && cell.len() <= 120;
    let labels = below.iter().filter(|cell| !cell.is_empty()).all(|cell| label(&cell) && cell.chars().any(char::is_alphabetic));
    let repeated = below.iter().enumerate().any(|(at, cell)| !cell.is_empty() && below[..at].contains(cell));
    let groups = above[0].is_empty() || below[0].is_empty();
    if !labels || !groups || (!repeated && above.iter().any(|cell| cell.chars().any(char::is_alphabetic))) {
        return None;
    }
    let mut names = Vec::new();
    let mut group = String::new();
    for (above, below) in above.iter().zip(&below) {
        if !above.is_empty() {
            group.clone_from(above);
        }
        names.push(format!("{group} {below}").trim().to_owned());
    }
    let distinct: std::collections::BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let below_it = rows[first + 2..].iter().any(|row| row.cells.iter().any(|cell| is_number(cell)));
    let sparse = filled(upper) < names.len() && filled(lower) > 1 && names.len() * 2 > widest;
    (sparse && below_it && distinct.len() == names.len() && names.iter().all(|name| !name.is_empty())).then_some((first + 1, names))
}

/// A column per day or month: labels and dates above numbers.
fn is_header_of_dates(row: &Row, next: Option<&Row>) -> bool {
    let (mut labels, mut dates) = (0, 0);
    for (at, cell) in row.cells.iter().map(|cell| cleaned(cell)).enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let below = next.and_then(|next| next.cells.get(at)).map_or("", |cell| cell.trim());
        match (is_date(&cell), is_number(&cell)) {
            (true, _) if below.is_empty() || (is_number(below) && !is_date(below)) => dates += 1,
            (false, false) => labels += 1,
            _ => return false,
        }
    }
    labels > 0 && dates > 1
}

pub(crate) fn is_header(row: &Row, widest: usize) -> bool {
    let cells: Vec<String> = row.cells.iter().map(|cell| cleaned(cell)).filter(|cell| !cell.is_empty()).collect();
    let labels = cells.iter().filter(|cell| cell.len() <= 120 && cell.chars().any(char::is_alphabetic) && !is_number(cell) && !is_date(cell)).count();
    let mut distinct = cells.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let enough = if widest == 1 { 1 } else { (widest / 2).max(2) };
    cells.len() >= enough && labels * 5 >= cells.len() * 4 && distinct.len() * 5 >= cells.len() * 4
}

impl Table {
    /// The first row of the header.
    pub fn top(&self) -> usize {
        self.header.map_or(0, |at| at - usize::from(self.two_rows))
    }

    fn walk(&mut self, rows: &[Row], start: usize) {
        let usual = rows[start.min(rows.len())..].iter().take(50).map(filled).filter(|filled| *filled > 0).max().unwrap_or(0);
        let like = |row: &Row| filled(row) >= 2.max(usual * 2 / 5).min(self.names.len()) && extent(row) <= self.names.len();
        let mut at = start;
        let header: Option<Vec<String>> = self.header.filter(|_| !self.two_rows).map(|header| rows[header].cells.iter().map(|cell| cleaned(cell)).collect());
        let repeated = |row: &Row| header.as_ref().is_some_and(|header| row.cells.iter().map(|cell| cleaned(cell)).eq(header.iter().cloned()));
        while at < rows.len() {
            if repeated(&rows[at]) {
                self.repeats.push(at);
            } else if rows[at].wrong.is_some() && filled(&rows[at]) == 1 {
                self.stray.push(at);
            } else if filled(&rows[at]) > 0 {
                self.data.push(at);
            } else if rows[at + 1..].iter().any(like) {
                self.blanks |= !rows[at].cells.is_empty();
                self.gaps |= !self.data.is_empty();
            } else {
                self.behind = (at + 1..rows.len()).filter(|at| filled(&rows[*at]) > 0).collect();
                self.blanks |= !rows[at].cells.is_empty() && self.behind.is_empty();
                return;
            }
            at += 1;
        }
    }

    /// Narrow lines behind a wide table.
    fn ends(&mut self, rows: &[Row]) {
        while let Some(last) = self.data.last().copied() {
            let row = &rows[last];
            let narrow = self.names.len() >= 4 && row.cells.len() <= 2 && !row.cells[0].trim().is_empty() && !is_number(&row.cells[0]);
            // A header of another table is no end of this one.
            let narrow = narrow && !self.names.contains(&cleaned(&row.cells[0]));
            if !narrow {
                return;
            }
            self.trailers.insert(0, last);
            self.data.pop();
        }
    }

    /// The first row and the last ones may repeat the money of the others, and so may sums between them.
    fn totals(&mut self, rows: &[Row]) {
        let edge: Vec<usize> = self.data.first().into_iter().chain(self.data.iter().rev().take(3)).copied().collect();
        let usual = self.data.iter().map(|at| filled(&rows[*at])).max().unwrap_or(0);
        let mut found: Vec<Total> = Vec::new();
        for at in self.data.iter().copied() {
            let cells = &rows[at].cells;
            let sparse = filled(&rows[at]) < usual;
            let total = |cell: &String| (edge.contains(&at) && is_total(cell)) || is_subtotal(cell) || (sparse && begins_total(cell));
            let named = cells.iter().take(self.names.len()).position(total);
            let total = named.map(|column| Total { row: at, column, word: Some(cells[column].trim().to_owned()) });
            if let Some(total) = total.filter(|total| !found.contains(total)) {
                found.push(total);
            }
        }
        let kind = |total: &Total| match total.word.as_deref() {
            Some(word) if edge.contains(&total.row) && is_total(word) => Called::Total,
            Some(word) if is_subtotal(word) => Called::Subtotal,
            _ => Called::Perhaps,
        };
        let (mut found, doubted) = borne_out(self.names.len(), rows, &self.data, found, kind);
        let without = |data: &[usize], found: &[Total]| data.iter().copied().filter(|at| found.iter().all(|total| total.row != *at)).collect::<Vec<_>>();
        let by_sums = crate::sums::find(self.names.len(), rows, &without(&self.data, &found), &found);
        found.extend(by_sums.totals);
        (self.beside, self.untold) = (by_sums.beside, by_sums.untold);
        let open = doubted.into_iter().filter(|doubted| !self.untold.contains(&doubted.row) && found.iter().all(|total| total.row != doubted.row));
        let open: Vec<Total> = open.collect();
        let is_bare = |total: &Total| total.word.is_some() && is_bare(&rows[total.row]);
        let alike = |one: &Total, other: &Total| (one.column, &one.word) == (other.column, &other.word);
        let (asked, doubted): (Vec<Total>, Vec<Total>) = open.iter().cloned().partition(|total| open.iter().filter(|other| alike(total, other)).all(is_bare));
        (self.asked, self.doubted) = (asked, doubted.into_iter().map(|total| total.row).collect());
        // A lone amount under a column, and nothing that says what it is of.
        if let Some(last) = self.data.last().copied().filter(|_| found.is_empty() && self.names.len() >= 4 && self.data.len() > 1) {
            let always = (0..self.names.len()).find(|column| {
                let empty = |at: &usize| rows[*at].cells.get(*column).is_none_or(|cell| cell.trim().is_empty());
                empty(&last) && !self.data[..self.data.len() - 1].iter().any(empty)
            });
            let lone = filled(&rows[last]) * 4 <= self.names.len();
            if let Some(column) = always.filter(|_| lone) {
                let (borne_out, doubted) = borne_out(self.names.len(), rows, &self.data, vec![Total { row: last, column, word: None }], |_| Called::Perhaps);
                found.extend(borne_out);
                self.doubted.extend(doubted.into_iter().map(|total| total.row).filter(|at| self.asked.iter().all(|total| total.row != *at)));
            }
        }
        self.data = without(&without(&self.data, &found), &self.asked);
        self.totals = found;
    }
}

fn is_total(cell: &str) -> bool {
    let words = ["total", "totals", "grand total", "sum", "gesamt", "gesamtsumme", "summe", "totale", "total général", "total general", "合計"];
    words.contains(&cell.trim().trim_end_matches(':').to_lowercase().as_str())
}

/// Words that no title has.
fn is_subtotal(cell: &str) -> bool {
    let words = ["subtotal", "sub-total", "sub total", "zwischensumme", "übertrag", "sous-total", "sous total", "subtotale", "grand total", "小計"];
    let cell = cell.trim().to_lowercase();
    words.iter().any(|word| cell.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// `Total for March`, `Closing balance`: a total where the row has fewer values than others.
fn begins_total(cell: &str) -> bool {
    let words = ["total", "totals", "summe", "gesamt", "endsaldo", "anfangssaldo", "saldo", "balance", "opening balance", "closing balance", "ending balance"];
    let cell = cell.trim().to_lowercase();
    words.iter().any(|word| cell.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// Without what can't be seen; white space of any kind is one space.
pub(crate) fn cleaned(cell: &str) -> String {
    cell.replace(['\0', '\u{ad}', '\u{feff}', '\u{200b}'], "").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unique(cells: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        let before = cells[..at].iter().filter(|other| other.to_lowercase() == cell.to_lowercase()).count();
        names.push(match (cell.is_empty(), before) {
            (true, _) => format!("#{}", at + 1),
            (false, 0) => cell.clone(),
            (false, before) => format!("{cell}#{}", before + 1),
        });
    }
    names
}
