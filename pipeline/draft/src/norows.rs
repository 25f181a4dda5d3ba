//! What of a table's lines is no row: totals, blank lines, trailers, what stands behind the end.

use regex::Regex;
use takings_decode::general::Row;

use crate::column::{Guess, Seen};
use crate::grid::{Table, Total};
use crate::names::{snake, unique};
use crate::plan::{CheckPlan, EndPlan, ExcludePlan, ExportPlan, Source, TrailerPlan};
use crate::sample::{Group, PartSample};
use crate::write::{list, quoted};

/// So many lines are shown of those that are left out for one reason.
const LEFT_OUT_SHOWN: usize = 5;

pub(crate) fn excludes(export: &mut ExportPlan, group: &Group) {
    if group.parts.iter().any(|part| part.table.blanks) {
        export.exclude.push(ExcludePlan::Blank);
    }
    let names = &group.parts[0].table.names;
    if group.parts.iter().any(|part| !part.table.repeats.is_empty()) {
        export.exclude.push(ExcludePlan::Header { column: names[0].clone(), word: names[0].clone() });
    }
    let totals = |of: fn(&Table) -> &[Total]| group.parts.iter().flat_map(move |part| of(&part.table));
    for (of, asks) in [(borne_out as fn(&Table) -> &[Total], false), (asked, true)] {
        for (column, words) in words(totals(of)) {
            let kept = group.parts.iter().flat_map(|part| part.table.data.iter().filter_map(move |row| part.rows[*row].cells.get(column)));
            export.exclude.push(ExcludePlan::Total { column: names[column].clone(), test: total_test(&words, kept), asks });
        }
    }
    let mut lone: Vec<usize> = totals(borne_out).filter(|total| total.word.is_none()).map(|total| total.column).collect();
    lone.sort_unstable();
    lone.dedup();
    export.exclude.extend(lone.into_iter().map(|column| ExcludePlan::Lone { column: names[column].clone() }));
    for part in &group.parts {
        let line = |at: &usize| format!("line {} ({:?})", part.rows[*at].line, shown(&part.rows[*at]));
        let beside = |at: &&usize| part.table.beside.contains(at);
        let filled = |at: &usize| part.rows[*at].cells.iter().any(|cell| !cell.trim().is_empty());
        let totals: Vec<usize> = part.table.totals.iter().map(|total| total.row).filter(|at| !beside(&at)).collect();
        let above: Vec<usize> = (0..part.table.top()).filter(filled).collect();
        for (why, rows) in [
            ("as it stands above the header", &above),
            ("as it is the header again", &part.table.repeats),
            ("as it repeats the money of other rows", &totals),
            ("as it stands beside totals and has their form", &part.table.beside),
            ("as it is too narrow for a row of the table", &part.table.trailers),
            ("as it is one cell alone, with quotes inside", &part.table.stray),
        ] {
            let lines: Vec<String> = rows.iter().map(line).collect();
            export.notes.extend(left_out(why, &lines));
        }
        for total in &part.table.asked {
            export.questions.push(format!(
                "{} is called a total and its numbers are no sums of other rows: say whether it repeats their money, at [[exports.exclude]]",
                line(&total.row)
            ));
        }
        for at in &part.table.doubted {
            export.notes.push(format!(
                "{} has the word or the form of a total and is read, as its numbers are no sums of other rows: if it repeats them, leave it out by [[exports.exclude]]",
                line(at)
            ));
        }
        for at in &part.table.untold {
            let word = part.rows[*at].cells.iter().zip(names).find(|(cell, _)| cell.chars().any(char::is_alphabetic));
            let rule = word.map_or_else(|| "where = \"…\"".to_owned(), |(cell, name)| format!("column = {}, equals = {}", quoted(name), list([cell.trim()])));
            export.notes.push(format!(
                "{} has the sums of rows above and is read: if it repeats them, leave it out by [[exports.exclude]], name = \"totals\", {rule}",
                line(at)
            ));
        }
    }
}

fn borne_out(table: &Table) -> &[Total] {
    &table.totals
}

fn asked(table: &Table) -> &[Total] {
    &table.asked
}

/// What a draft leaves out, it says.
pub(crate) fn left_out(why: &str, lines: &[String]) -> Option<String> {
    let more = match lines.len().saturating_sub(LEFT_OUT_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = lines[..lines.len().min(LEFT_OUT_SHOWN)].join(", ");
    (!lines.is_empty()).then(|| format!("left out, {why}: {shown}{more}"))
}

/// The words of totals, by column.
fn words<'a>(totals: impl Iterator<Item = &'a Total>) -> Vec<(usize, Vec<String>)> {
    let mut words: Vec<(usize, Vec<String>)> = Vec::new();
    for total in totals {
        match (&total.word, words.iter_mut().find(|(column, _)| *column == total.column)) {
            (Some(word), Some((_, known))) if known.contains(word) => {}
            (Some(word), Some((_, known))) => known.push(word.clone()),
            (Some(word), None) => words.push((total.column, vec![word.clone()])),
            (None, _) => {}
        }
    }
    words
}

/// The beginning of a row, on one line.
pub(crate) fn shown(row: &Row) -> String {
    row.cells.join(" ").split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect()
}

/// These words, or, as other files have other ones, what begins as they all do and as no row does that is kept.
fn total_test<'a>(words: &[String], mut kept: impl Iterator<Item = &'a String>) -> String {
    let these = format!("equals = {}", list(words.iter().map(String::as_str)));
    let mut begins: Vec<String> =
        words.iter().filter_map(|word| word.split_whitespace().next()).map(|first| regex::escape(first).replace("\\-", "-")).collect();
    begins.sort_unstable();
    begins.dedup();
    let pattern = format!("^(?:{})\\b", begins.join("|"));
    let tells = words.len() > 2 && Regex::new(&pattern).is_ok_and(|pattern| !kept.any(|cell| pattern.is_match(cell.trim())));
    if tells { format!("matches = {}", crate::write::pattern(&pattern)) } else { these }
}

/// Where the table ends that has these rows behind it; None: nothing tells.
pub(crate) fn end(part: &PartSample, behind: usize) -> Option<EndPlan> {
    if !part.table.gaps {
        return Some(EndPlan::Blank);
    }
    let first: String = part.rows[behind].cells.first()?.trim().chars().take(40).take_while(|character| !character.is_ascii_digit()).collect();
    let begin = regex::escape(&first).replace("\\-", "-");
    let unlike = |at: &usize| part.rows[*at].cells.first().is_none_or(|cell| !cell.trim().starts_with(&first));
    (!first.trim().is_empty() && part.table.data.iter().all(unlike)).then(|| EndPlan::First(format!("^{begin}")))
}

/// Narrow lines at the end; what they say is compared where it is a sum or a count of the sample.
pub(crate) fn trailers(export: &mut ExportPlan, part: &PartSample, seen: &[Seen]) {
    let Some(text) = &part.text else {
        for at in &part.table.trailers {
            let row = &part.rows[*at];
            let test = format!("equals = {}", list([row.cells[0].trim()]));
            export.exclude.push(ExcludePlan::Total { column: part.table.names[0].clone(), test, asks: false });
        }
        return;
    };
    let delimiter = if text.delimiter == b'\t' { "\\t".to_owned() } else { regex::escape(&char::from(text.delimiter).to_string()) };
    let mut taken = Vec::new();
    if !part.table.stray.is_empty() {
        let pattern = format!("^{delimiter}*(?<value>\"[^\"]*\"[^{delimiter}\"]+){delimiter}*$");
        taken.push("stray_quotes".to_owned());
        export.trailers.push(TrailerPlan { name: "stray_quotes".to_owned(), pattern, optional: true });
    }
    for at in &part.table.trailers {
        let row = &part.rows[*at];
        let label = row.cells[0].trim();
        let short: String = label.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let name = unique(&snake(&short), &taken);
        taken.push(name.clone());
        let Some(value) = row.cells.get(1).map(|cell| cell.trim()).filter(|cell| !cell.is_empty()) else {
            let begin: String = label.split(|character: char| character.is_ascii_digit()).next().unwrap_or(label).to_owned();
            export.trailers.push(TrailerPlan { name, pattern: format!("^\"?(?<value>{}.*)$", regex::escape(&begin)), optional: true });
            continue;
        };
        export.trailers.push(TrailerPlan { name: name.clone(), pattern: format!("^{}{delimiter}(?<value>.*)$", regex::escape(label)), optional: false });
        let number = export.decimal.map_or('.', |mark| mark);
        let marks = crate::numbers::Marks { decimal: Some(number), thousands: export.thousands };
        let Some((value, _)) = crate::numbers::read(value, marks) else { continue };
        let rows = crate::numbers::Exact { mantissa: part.table.data.len() as i128, scale: 0 };
        let words = crate::column::words(label);
        if value.same(rows) && words.iter().any(|word| ["rows", "records", "lines", "count"].contains(&word.as_str())) {
            export.checks.push(CheckPlan { name: name.clone(), column: None, trailer: name });
            continue;
        }
        let sums = |at: usize| matches!(&seen[at].guess, Guess::Number(number) if number.sum.is_some_and(|sum| sum.same(value)));
        let headers: Vec<&String> = part.table.names.iter().enumerate().filter(|(at, _)| sums(*at)).map(|(_, name)| name).collect();
        if headers.is_empty() && !value.same(rows) {
            let line = format!("line {} ({:?})", row.line, shown(row));
            export.notes.push(format!("the number of {line} is no sum and no count of the table's rows: whose it is must be seen, none of it is read"));
        }
        let Some(header) = headers.first().filter(|_| headers.len() == 1) else { continue };
        let column = export.columns.iter().find(|column| column.source == Source::Header((**header).clone()) && column.is_number());
        if let Some(column) = column {
            export.checks.push(CheckPlan { name: name.clone(), column: Some(column.name.clone()), trailer: name });
        }
    }
}
