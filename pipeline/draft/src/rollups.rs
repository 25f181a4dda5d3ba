//! Members and sheets that repeat the money of others: by what their columns add up to, whatever they are called.

use std::collections::BTreeMap;

use crate::assemble::seen;
use crate::column::{Guess, Seen};
use crate::numbers::{Exact, MARKS, read};
use crate::sample::{Group, Looked, PartSample};

/// The widest table that holds nothing but names and sums.
const SUMMARY_WIDTH: usize = 3;

/// Leaves out what certainly repeats others; notes say what.
pub(crate) fn leave_out(looked: &mut Looked) -> Vec<String> {
    let mut notes = Vec::new();
    for group in &mut looked.groups {
        if let Some(at) = sum_of_others(group) {
            let part = group.parts.remove(at);
            notes.push(format!("{} is left out: its sums are those of all other parts with the same columns", part.shown()));
            looked.rollups.push(part);
        }
    }
    let mut all: Vec<Vec<Seen>> = looked.groups.iter().map(seen).collect();
    let mut at = 0;
    while at < looked.groups.len() {
        let repeated = (0..looked.groups.len())
            .filter(|other| *other != at && looked.groups[at].kind.is_none() && looked.groups[*other].kind.is_none())
            .find_map(|other| {
                let (one, two) = (&looked.groups[at], &looked.groups[other]);
                let why = rolled_up(one, &all[at], two, &all[other]).or_else(|| summary(one, two, &all[other]))?;
                Some(format!("{} is left out: {why} in {}", one.shown(), two.shown()))
            });
        match repeated {
            Some(note) => {
                notes.push(note);
                all.remove(at);
                let group = looked.groups.remove(at);
                looked.rollups.extend(group.parts);
            }
            None => at += 1,
        }
    }
    notes.extend(alike(&looked.groups, &all));
    notes
}

fn sum(seen: &Seen) -> Option<Exact> {
    match &seen.guess {
        Guess::Number(number) => number.sum.filter(|sum| tells(*sum)),
        _ => None,
    }
}

/// Small numbers are the same by chance.
fn tells(sum: Exact) -> bool {
    sum.mantissa.unsigned_abs() >= 100
}

fn sums(group: &Group, seen: &[Seen]) -> BTreeMap<String, Exact> {
    let names = &group.parts[0].table.names;
    names.iter().zip(seen).filter_map(|(name, seen)| Some((name.to_lowercase(), sum(seen)?))).collect()
}

/// The part whose numbers are the sums of all other parts' numbers.
fn sum_of_others(group: &Group) -> Option<usize> {
    if group.parts.len() < 3 {
        return None;
    }
    let parts: Vec<Vec<Option<Exact>>> =
        group.parts.iter().map(|part| seen(&Group { parts: vec![part.clone()], kind: None }).iter().map(exact).collect()).collect();
    let repeats = |at: &usize| {
        let told: Vec<usize> = (0..parts[*at].len()).filter(|column| parts[*at][*column].is_some_and(tells)).collect();
        let same = |column: &usize| {
            let others = parts.iter().enumerate().filter(|(other, _)| other != at).filter_map(|(_, sums)| sums[*column]);
            let all = others.fold(Exact { mantissa: 0, scale: 0 }, |sum, one| sum.plus(one).unwrap_or(sum));
            parts[*at][*column].is_some_and(|own| own.same(all))
        };
        told.iter().any(|column| parts[*at][*column].is_some_and(|sum| sum.scale > 0)) && told.iter().all(same)
    };
    (0..parts.len()).find(repeats)
}

fn exact(seen: &Seen) -> Option<Exact> {
    match &seen.guess {
        Guess::Number(number) => number.sum,
        _ => None,
    }
}

/// All columns are the other's too, which has more, and the sums are the same.
fn rolled_up(one: &Group, seen_one: &[Seen], two: &Group, seen_two: &[Seen]) -> Option<String> {
    let (few, many) = (&one.parts[0].table, &two.parts[0].table);
    let known: Vec<String> = many.names.iter().map(|name| name.to_lowercase()).collect();
    let inside = few.header.is_some() && few.names.len() < many.names.len() && few.names.iter().all(|name| known.contains(&name.to_lowercase()));
    let (own, other) = (sums(one, seen_one), sums(two, seen_two));
    let same = !own.is_empty() && own.iter().all(|(name, sum)| other.get(name).is_some_and(|other| other.same(*sum)));
    let told = own.values().any(|sum| sum.scale > 0) || own.len() > 1;
    (inside && same && told).then(|| format!("the sums of its {} are those", own.keys().cloned().collect::<Vec<_>>().join(", ")))
}

/// Names with values beside them, each of which is the sum of one of the other's columns.
fn summary(one: &Group, two: &Group, seen: &[Seen]) -> Option<String> {
    let sums: Vec<Exact> = seen.iter().filter_map(exact).collect();
    let table = &one.parts[0].table;
    if table.names.len() > SUMMARY_WIDTH || two.parts[0].table.names.len() <= SUMMARY_WIDTH || one.parts.len() > 1 || table.data.len() > 40 {
        return None;
    }
    let rows = table.data.iter().chain(table.totals.iter().map(|total| &total.row)).map(|row| &one.parts[0].rows[*row]);
    let mut values = Vec::new();
    for cell in rows.flat_map(|row| &row.cells) {
        let read: Vec<Exact> = MARKS.iter().filter_map(|marks| read(cell, *marks)).map(|(value, _)| value).collect();
        if let Some(first) = read.first() {
            let repeats = first.mantissa == 0 || read.iter().any(|value| sums.iter().any(|sum| sum.same(*value)));
            values.push(repeats.then_some(*first)?);
        }
    }
    values.iter().any(|value| value.scale > 0 && tells(*value)).then(|| "each of its numbers is the sum of a column".to_owned())
}

/// Sums that two tables have in common, though nothing else says that one repeats the other.
fn alike(groups: &[Group], all: &[Vec<Seen>]) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, (two, seen_two)) in groups.iter().zip(all).enumerate() {
        for (one, seen_one) in groups.iter().zip(all).take(at) {
            let (own, other) = (sums(one, seen_one), sums(two, seen_two));
            let pair = own.iter().find_map(|(name, sum)| {
                let same = |(_, other): &(&String, &Exact)| sum.scale > 0 && other.same(*sum);
                other.iter().find(same).map(|(theirs, _)| (name.clone(), theirs.clone()))
            });
            if let Some((name, theirs)) = pair {
                notes.push(format!(
                    "{name:?} of {} and {theirs:?} of {} have the same sum: where one repeats the other, leave its part out by `ignore` and \
                     delete its export",
                    one.shown(),
                    two.shown()
                ));
            }
        }
    }
    notes
}

impl Group {
    fn shown(&self) -> String {
        self.parts[0].shown()
    }
}

impl PartSample {
    fn shown(&self) -> String {
        if let Some(title) = &self.section {
            return format!("the section {title:?}");
        }
        match (&self.sheet, self.member.is_empty()) {
            (Some(sheet), true) => format!("the sheet {sheet:?}"),
            (Some(sheet), false) => format!("the sheet {sheet:?} of {:?}", self.member),
            (None, _) => format!("the member {:?}", self.member),
        }
    }
}
