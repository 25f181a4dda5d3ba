//! Rows that repeat the numbers of others, found by what they add up to: whatever word stands beside them, or none.

use takings_decode::general::Row;

use crate::dates::is_date;
use crate::grid::{Total, filled};
use crate::numbers::{Exact, MARKS, Marks, is_number, read};

/// Rows of a table that are none of its own.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub totals: Vec<Total>,
    /// Those of them that are no sum but stand among sums: an average, what was withheld.
    pub beside: Vec<usize>,
    /// Rows that repeat the others' numbers, and no cell tells them from these.
    pub untold: Vec<usize>,
}

pub(crate) fn cell(row: &Row, column: usize) -> &str {
    row.cells.get(column).map_or("", |cell| cell.trim())
}

/// How a column's numbers may be written, with what they add up to: in all and since the last sum.
pub(crate) struct Running {
    pub column: usize,
    pub marks: Marks,
    all: Exact,
    group: Exact,
}

pub(crate) const ZERO: Exact = Exact { mantissa: 0, scale: 0 };

/// The columns of numbers of these rows, in each form that reads all of them.
pub(crate) fn running(width: usize, rows: &[Row], of: &[usize]) -> Vec<Running> {
    let mut running = Vec::new();
    for column in 0..width {
        let values: Vec<&str> = of.iter().map(|at| cell(&rows[*at], column)).filter(|text| text.chars().any(|sign| sign.is_ascii_digit())).collect();
        let fits = |marks: &&Marks| !values.is_empty() && values.iter().all(|value| read(value, **marks).is_some());
        running.extend(MARKS.iter().filter(fits).map(|marks| Running { column, marks: *marks, all: ZERO, group: ZERO }));
    }
    running
}

/// `known` are totals that were found by their words; `data` does not hold them.
pub(crate) fn find(width: usize, rows: &[Row], data: &[usize], known: &[Total]) -> Found {
    let usual = data.iter().map(|at| filled(&rows[*at])).max().unwrap_or(0);
    let sparse = |at: usize| {
        let texts = rows[at].cells.iter().filter(|cell| !cell.trim().is_empty() && !is_number(cell)).count();
        filled(&rows[at]) * 3 <= usual * 2 && texts <= 1 && texts < filled(&rows[at])
    };
    let full: Vec<usize> = data.iter().copied().filter(|at| !sparse(*at)).collect();
    let mut found = Found::default();
    let few_texts = |at: &usize| rows[*at].cells.iter().filter(|cell| !cell.trim().is_empty() && !is_number(cell)).count() <= 1;
    if usual < 2 || full.is_empty() || (full.len() == data.len() && data.last().is_none_or(|last| !few_texts(last))) {
        return found;
    }
    let mut running = running(width, rows, &full);
    let mut sums: Vec<usize> = Vec::new();
    let (mut above, mut of_group) = (0, 0);
    for at in data.iter().copied() {
        let last = data.last() == Some(&at);
        let closes = |one: &Running| (of_group > 1 || !sums.is_empty()) && repeats(&rows[at], one, one.group, of_group);
        let ends = |one: &Running| (above > 1 || (last && above > 0)) && repeats(&rows[at], one, one.all, above);
        if (sparse(at) && running.iter().any(|one| closes(one) || ends(one))) || (last && above > 1 && repeats_all(&rows[at], &running, above)) {
            sums.push(at);
            of_group = 0;
            running.iter_mut().for_each(|one| one.group = ZERO);
            continue;
        }
        (above, of_group) = (above + 1, of_group + 1);
        for one in &mut running {
            let Some((value, _)) = read(cell(&rows[at], one.column), one.marks) else { continue };
            one.all = one.all.plus(value).unwrap_or(one.all);
            one.group = one.group.plus(value).unwrap_or(one.group);
        }
    }
    if let Some(first) = data.first().copied().filter(|first| sparse(*first) && sums.is_empty()) {
        let rest = |one: &Running| {
            let own = read(cell(&rows[first], one.column), one.marks).map(|(value, _)| value);
            own.and_then(|own| one.all.plus(Exact { mantissa: -own.mantissa, scale: own.scale })).is_some_and(|sum| repeats(&rows[first], one, sum, above - 1))
        };
        if above > 2 && running.iter().any(rest) {
            sums.push(first);
        }
    }
    let full_row = |at: &usize| filled(&rows[*at]) == usual || !few_texts(at);
    let (rest, end) = data.split_at(data.iter().rposition(full_row).map_or(0, |last| last + 1));
    if sums.is_empty() && rest.len() > 1 && end.len() > 1 && running.iter().any(|one| halves(rows, end, one)) {
        sums.extend(end);
    }
    if let Some(last) = data.last().filter(|last| sums.is_empty() && above > 2 && running.iter().any(|one| halves(rows, &[**last], one))) {
        found.untold.push(*last);
    }
    found.beside = beside(rows, data, known, &sums, sparse);
    tell(width, rows, data, &sums, &mut found);
    found
}

/// Whether a row's number is this sum of so many rows, and can hardly be by chance.
pub(crate) fn repeats(row: &Row, of: &Running, sum: Exact, count: usize) -> bool {
    let Some((value, _)) = read(cell(row, of.column), of.marks) else { return false };
    let digits = value.mantissa.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1);
    value.mantissa != 0 && value.same(sum) && (digits >= 3 || count >= 3)
}

/// Whether these rows, a sum per currency say, hold as much as all others do.
fn halves(rows: &[Row], end: &[usize], of: &Running) -> bool {
    let values = end.iter().filter_map(|at| read(cell(&rows[*at], of.column), of.marks)).map(|(value, _)| value);
    let sum = values.fold(ZERO, |sum, value| sum.plus(value).unwrap_or(sum));
    sum.mantissa.unsigned_abs() >= 100 && sum.plus(sum).is_some_and(|twice| twice.same(of.all))
}

/// Whether two numbers of a row or more are the sums of their columns, and no other number stands in it.
fn repeats_all(row: &Row, running: &[Running], count: usize) -> bool {
    let of = |column: usize| running.iter().filter(move |one| one.column == column);
    let numbers: Vec<usize> = (0..row.cells.len()).filter(|column| is_number(cell(row, *column))).collect();
    let same = |column: &usize| of(*column).any(|one| read(cell(row, *column), one.marks).is_some_and(|(value, _)| value.same(one.all)));
    let texts = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count() - numbers.len();
    texts <= 1 && numbers.len() > 1 && numbers.iter().all(same) && numbers.iter().any(|column| of(*column).any(|one| repeats(row, one, one.all, count)))
}

/// Rows at the end that have the form of a sum that stands before them: an average, what was withheld, a net.
fn beside(rows: &[Row], data: &[usize], known: &[Total], sums: &[usize], sparse: impl Fn(usize) -> bool) -> Vec<usize> {
    let is_sum = |at: usize| sums.contains(&at) || known.iter().any(|total| total.row == at);
    let mut all: Vec<usize> = data.iter().copied().chain(known.iter().map(|total| total.row)).collect();
    all.sort_unstable();
    let end = all.iter().rposition(|at| !is_sum(*at) && !sparse(*at)).map_or(0, |last| last + 1);
    let form = |at: usize| rows[at].cells.iter().map(|cell| !cell.trim().is_empty()).collect::<Vec<_>>();
    let Some(first) = all[end..].iter().position(|at| is_sum(*at)).map(|first| end + first) else { return Vec::new() };
    let like = |at: &usize| !is_sum(*at) && all[first..].iter().any(|sum| is_sum(*sum) && form(*sum) == form(*at));
    all[first..].iter().copied().filter(like).collect()
}

/// By which cell each is known: its word, or a column that is empty there and nowhere else.
fn tell(width: usize, rows: &[Row], data: &[usize], sums: &[usize], found: &mut Found) {
    let out: Vec<usize> = sums.iter().chain(&found.beside).copied().collect();
    let kept: Vec<usize> = data.iter().copied().filter(|at| !out.contains(at)).collect();
    let word = |at: usize| {
        let is_word = |column: &usize| {
            let text = cell(&rows[at], *column);
            text.chars().any(char::is_alphabetic) && !is_number(text) && !is_date(text) && kept.iter().all(|other| cell(&rows[*other], *column) != text)
        };
        (0..width).find(is_word).map(|column| (column, cell(&rows[at], column).to_owned()))
    };
    let lone = |at: usize| (0..width).find(|column| cell(&rows[at], *column).is_empty() && kept.iter().all(|other| !cell(&rows[*other], *column).is_empty()));
    let mut words: Vec<String> = out.iter().filter_map(|at| word(*at)).map(|(_, word)| word).collect();
    words.sort_unstable();
    words.dedup();
    // Other files have other words than a group's.
    let many = words.len() > 3 && out.iter().all(|at| lone(*at).is_some());
    for at in out {
        let by_word = word(at).filter(|_| !many).map(|(column, word)| Total { row: at, column, word: Some(word) });
        match by_word.or_else(|| lone(at).map(|column| Total { row: at, column, word: None })) {
            Some(total) => found.totals.push(total),
            None => found.untold.push(at),
        }
    }
    found.beside.retain(|at| found.totals.iter().any(|total| total.row == *at));
}
