//! Rows that a word calls a total → those whose numbers repeat other rows, and those that hold money of their own, whatever their word:
//! a transfer that is called `Übertrag`, a film that is called `Total War`.

use std::collections::BTreeSet;

use takings_decode::general::Row;

use crate::grid::Total;
use crate::money::is_currency;
use crate::numbers::{Exact, is_number, read};
use crate::sums::{Running, ZERO, cell, repeats, running};

/// Rounds of taking back totals that are none: each changes what the others have to add up to.
const ROUNDS: usize = 8;

/// What the word of a row is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// Its word is a total's alone: it is believed where its numbers come near the sums of all rows, as those of a display total do.
    Total,
    /// No title has the word.
    Subtotal,
    /// Titles and bookings may be called so: one number that a single row before has too says nothing.
    Perhaps,
}

/// The totals that are borne out, and those that are not.
pub(crate) fn borne_out(width: usize, rows: &[Row], data: &[usize], named: Vec<Total>, kind: impl Fn(&Total) -> Called) -> (Vec<Total>, Vec<Total>) {
    let (mut totals, mut doubted) = (named, Vec::new());
    for _ in 0..ROUNDS {
        let called: BTreeSet<usize> = totals.iter().map(|total| total.row).collect();
        let plain: Vec<usize> = data.iter().copied().filter(|at| !called.contains(at)).collect();
        let of_kind = |called: Called| totals.iter().filter(|total| kind(total) == called).map(|total| total.row).collect::<BTreeSet<usize>>();
        let (believed, perhaps) = (of_kind(Called::Total), of_kind(Called::Perhaps));
        // What a title or a booking may be needs more to be none.
        let weak = |at: &usize| perhaps.contains(at) && !is_bare(&rows[*at]);
        let counts = |at: &usize| counts_rows(&rows[*at], plain.iter().filter(|row| *row < at).count());
        let mut repeated: BTreeSet<usize> = called.iter().copied().filter(|at| (!has_money(&rows[*at]) && !weak(at)) || counts(at)).collect();
        for column in &running(width, rows, &plain) {
            repeated.extend(repeating(rows, data, &called, &believed, weak, column));
        }
        // Rows of one word go together: no rule tells them apart.
        let proved = |total: &Total| {
            let alike = || totals.iter().filter(|other| (other.column, &other.word) == (total.column, &total.word));
            let (all, sums) = (alike().count(), alike().filter(|other| repeated.contains(&other.row)).count());
            sums == all || (kind(total) != Called::Perhaps && sums * 2 > all)
        };
        let (kept, refuted): (Vec<Total>, Vec<Total>) = totals.iter().cloned().partition(proved);
        totals = kept;
        if refuted.is_empty() {
            break;
        }
        doubted.extend(refuted);
    }
    (totals, doubted)
}

fn has_money(row: &Row) -> bool {
    row.cells.iter().any(|cell| is_number(cell) && cell.bytes().any(|byte| (b'1'..=b'9').contains(&byte)))
}

/// Whether the only number of a row is how many rows stand above it.
fn counts_rows(row: &Row, above: usize) -> bool {
    let mut numbers = row.cells.iter().map(|cell| cell.trim()).filter(|cell| is_number(cell));
    numbers.next() == Some(above.to_string().as_str()) && numbers.next().is_none()
}

/// Whether a row has no text but its word, besides numbers, durations, a currency and codes of a letter or two.
pub(crate) fn is_bare(row: &Row) -> bool {
    let duration = |cell: &str| cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let text = |cell: &&str| !is_number(cell) && !duration(cell) && !is_currency(cell) && cell.chars().count() > 2;
    row.cells.iter().map(|cell| cell.trim()).filter(text).count() <= 1
}

/// The called rows whose number in a column is the sum of all others, of those above, or of those since the last called row; or, as the
/// closing balance is, that of the last called row and what came since. Rounding makes no difference. `weak`: rows that no single row
/// proves.
fn repeating(
    rows: &[Row],
    data: &[usize],
    called: &BTreeSet<usize>,
    believed: &BTreeSet<usize>,
    weak: impl Fn(&usize) -> bool,
    column: &Running,
) -> Vec<usize> {
    let value = |at: usize| read(cell(&rows[at], column.column), column.marks).map(|(value, _)| value);
    let plain = data.iter().copied().filter(|at| !called.contains(at));
    let whole = plain.clone().filter_map(value).fold(ZERO, plus);
    let count = plain.count();
    let (mut above, mut group) = ((ZERO, 0), (ZERO, 0));
    let mut last: Option<(usize, Exact)> = None;
    let mut found = Vec::new();
    for at in data.iter().copied() {
        let Some(own) = value(at) else { continue };
        if !called.contains(&at) {
            for (sum, rows) in [&mut above, &mut group] {
                (*sum, *rows) = (plus(*sum, own), *rows + 1);
            }
            continue;
        }
        let sums = [(whole, count), above, group];
        let proof = |count: usize| count > 1 || !weak(&at);
        let rounded = |(sum, count): &(Exact, usize)| proof(*count) && (repeats(&rows[at], column, *sum, *count) || is_near(own, *sum, 200));
        if sums.iter().any(rounded) || (believed.contains(&at) && is_near(own, whole, 20)) {
            found.push(at);
        }
        if let Some((before, opening)) = last
            && group.1 > 0
            && repeats(&rows[at], column, plus(opening, group.0), group.1)
        {
            found.extend([before, at]);
        }
        last = Some((at, own));
        group = (ZERO, 0);
    }
    found
}

fn plus(one: Exact, two: Exact) -> Exact {
    one.plus(two).unwrap_or(one)
}

/// Whether it differs by no more than this part of the sum.
fn is_near(own: Exact, sum: Exact, part: u128) -> bool {
    let Some(difference) = own.plus(Exact { mantissa: -sum.mantissa, scale: sum.scale }) else { return false };
    let Some(whole) = sum.plus(Exact { mantissa: 0, scale: difference.scale }) else { return false };
    whole.mantissa != 0 && difference.mantissa.unsigned_abs().checked_mul(part).is_some_and(|times| times <= whole.mantissa.unsigned_abs())
}
