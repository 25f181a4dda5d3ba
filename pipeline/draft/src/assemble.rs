//! A sample's tables → the plan of a draft: exports, frames, columns.

use encoding_rs::Encoding;
use regex::Regex;

use crate::column::{Guess, Seen, see};
use crate::dates::{EXCEL, date_formats};
use crate::error::Error;
use crate::grid::cleaned;
use crate::money::{is_common_currency, is_currency, tie, wide};
use crate::names::{FilePattern, file_pattern, plain_words, snake, unique};
use crate::norows::{self, end, excludes, shown, trailers};
use crate::plan::{CellPlan, ChannelPlan, Column, ExportPlan, HeaderPlan, SectionPlan, Source, UnpivotPlan};
use crate::rollups::leave_out;
use crate::sample::{Group, Looked, PartSample, look};
use crate::sections;
use crate::sorts::{Sort, says_currency, sort};
use crate::typed::{Evidence, column};
use crate::write::{list, quoted};

pub(crate) fn assemble(sample: &[u8], file: &str, name: &str, encoding: Option<&'static Encoding>) -> Result<ChannelPlan, Error> {
    let mut looked = look(file, sample, encoding)?;
    if looked.groups.is_empty() {
        return Err(Error::new(format!(
            "{file}: no table was found in it: no line that reads as a header stands above lines of as many cells; a sample needs a header and rows below it"
        )));
    }
    let name = snake(name);
    let left_out = leave_out(&mut looked);
    let seen: Vec<Vec<Seen>> = looked.groups.iter().map(seen).collect();
    let evidence = Evidence::of(seen.iter().flatten());
    let path = file_pattern(file);
    let mut exports: Vec<ExportPlan> = Vec::new();
    for (group, seen) in looked.groups.iter().zip(&seen) {
        let taken: Vec<String> = exports.iter().map(|export| export.name.clone()).collect();
        let own = unique(&export_name(group, looked.groups.len() > 1, file, &name), &taken);
        let mut export = ExportPlan { table: format!("{name}_{own}"), name: own, parts: group.parts.len() > 1, ..ExportPlan::default() };
        export.decimal = evidence.marks.and_then(|marks| marks.decimal).filter(|mark| *mark != '.');
        export.thousands = evidence.marks.and_then(|marks| marks.thousands);
        match exports.first() {
            None => export.path = Some(path.clone()),
            Some(whole) => export.part_of = Some(whole.name.clone()),
        }
        fill(&mut export, group, seen, &evidence, &path);
        exports.push(export);
    }
    claims(&mut exports, &looked);
    for title in &looked.sections_without {
        exports[0].notes.push(format!(
            "below {title:?} the sample has no rows, and the section is left out: where it has some, an export of its own with part_of reads it"
        ));
    }
    exports[0].notes.extend(left_out);
    // Once, though several tables are of one text.
    let mut comments: Vec<&Vec<String>> = looked.groups.iter().flat_map(|group| &group.parts).filter_map(|part| Some(&part.text.as_ref()?.comments)).collect();
    comments.dedup();
    let shown = |line: &String| format!("{:?}", line.chars().take(60).collect::<String>());
    let lines = |lines: &Vec<String>| norows::left_out("as it begins with \"#\"", &lines.iter().map(shown).collect::<Vec<_>>());
    exports[0].notes.extend(comments.into_iter().filter_map(lines));
    Ok(ChannelPlan { name, exports })
}

/// What the columns of a table hold, over all its parts.
pub(crate) fn seen(group: &Group) -> Vec<Seen> {
    let names = &group.parts[0].table.names;
    let cells = |at: usize| {
        let data = group.parts.iter().flat_map(|part| part.table.data.iter().map(move |row| &part.rows[*row]));
        data.map(move |row| row.cells.get(at).map_or("", String::as_str))
    };
    names.iter().enumerate().map(|(at, name)| see(name, cells(at))).collect()
}

/// Of the sheet, the member or the file: its words without numbers and territories.
fn export_name(group: &Group, several: bool, file: &str, channel: &str) -> String {
    let part = &group.parts[0];
    let whole = match (&group.kind, &part.sheet) {
        (Some(kind), _) => return format!("type_{}", snake(kind)),
        (None, Some(sheet)) if several || !part.member.is_empty() => sheet.as_str(),
        _ if !part.member.is_empty() => part.member.as_str(),
        _ if several && part.section.is_some() => part.section.as_deref().unwrap_or_default(),
        _ => file,
    };
    let last = whole.rsplit('/').next().unwrap_or(whole);
    let stem = if part.sheet.is_some() && last == part.sheet.as_deref().unwrap_or_default() { last } else { last.split('.').next().unwrap_or(last) };
    let name = plain_words(stem);
    let own = if name == *channel { "" } else { name.strip_prefix(&format!("{channel}_")).unwrap_or(&name) };
    if own.is_empty() || own == "column" { "line".to_owned() } else { own.to_owned() }
}

fn fill(export: &mut ExportPlan, group: &Group, seen: &[Seen], evidence: &Evidence, path: &FilePattern) {
    let first = &group.parts[0];
    let names = &first.table.names;
    export.text.clone_from(&first.text);
    let any = |what: fn(&PartSample) -> bool| group.parts.iter().any(what);
    export.ragged = match (any(|part| part.table.short), any(|part| part.table.long)) {
        _ if first.text.is_none() => None,
        // Records that are cut to the header's names lose what stands below none.
        (short, true)
            if names
                .iter()
                .zip(seen)
                .enumerate()
                .rev()
                .take_while(|(at, (name, _))| **name == format!("#{}", at + 1))
                .any(|(_, (_, seen))| seen.filled > 0) =>
        {
            short.then_some("pad")
        }
        (true, true) => Some("fit"),
        (true, false) => Some("pad"),
        (false, true) => Some("trim"),
        (false, false) => None,
    };
    export.header = if first.table.header.is_none() {
        HeaderPlan::Given(names.clone())
    } else if any(|part| part.rows[..part.table.top()].iter().any(|row| row.cells.iter().any(|cell| !cell.trim().is_empty()))) {
        let labels: Vec<String> = if first.table.two_rows {
            first.rows[first.table.top()].cells.iter().map(|cell| cleaned(cell)).filter(|cell| !cell.is_empty()).collect()
        } else {
            names.iter().filter(|name| !name.contains('#')).cloned().collect()
        };
        HeaderPlan::Has(labels.into_iter().take(3).collect())
    } else {
        HeaderPlan::First
    };
    export.two_header_rows = first.table.two_rows;
    if let Some(kind) = &group.kind {
        export.records = Some((vec![kind.clone()], Vec::new()));
    }
    for title in group.parts.iter().filter_map(|part| part.section.as_ref()) {
        let taken: Vec<String> = export.sections.iter().map(|section| section.name.clone()).collect();
        export.sections.push(SectionPlan { name: unique(&snake(title), &taken), title: sections::pattern(title), ignore: false });
    }
    export.records_seen = group.parts.iter().map(|part| part.table.data.len() as u64).sum();
    for part in &group.parts {
        if let Some(at) = part.table.behind.first() {
            export.end = export.end.clone().or_else(|| end(part, *at));
            if export.end.is_none() {
                export.notes.push(format!("what stands behind the table, from line {}, is read as rows: say where it ends with `end`", part.rows[*at].line));
                continue;
            }
            let shown = shown(&part.rows[*at]);
            export.notes.push(format!(
                "what stands behind the table is not read, from line {}: {shown:?}; another table there is another export with [[exports.frame.sections]]",
                part.rows[*at].line
            ));
        }
    }
    excludes(export, group);
    columns(export, group, seen, evidence);
    cells(export, group);
    trailers(export, first, seen);
    dated(export, path);
    zoned(export);
    one_filled(export);
    let repeats = first.sheet.as_deref().unwrap_or_default().to_lowercase();
    if ["total", "combined", "summary"].iter().any(|word| repeats.contains(word)) {
        export.notes.push(format!(
            "the sheet {:?} may repeat the money of the others: then move it to ignore_sheets and delete this export",
            first.sheet.as_deref().unwrap_or_default()
        ));
    }
}

fn columns(export: &mut ExportPlan, group: &Group, seen: &[Seen], evidence: &Evidence) {
    let names = &group.parts[0].table.names;
    let all = |at: usize, is: fn(&str) -> bool| {
        let mut values = group.parts.iter().flat_map(|part| part.table.data.iter().filter_map(move |row| part.rows[*row].cells.get(at)));
        seen[at].filled > 0 && values.all(|cell| cell.trim().is_empty() || is(cell.trim()))
    };
    let codes = |at: usize| all(at, is_currency);
    let wide = wide(names).filter(|_| !(0..names.len()).any(|at| codes(at) || says_currency(&names[at])));
    let mut taken: Vec<String> = Vec::new();
    let mut currencies = Vec::new();
    let signed = seen.iter().any(|seen| matches!(&seen.guess, Guess::Number(number) if number.signs.currency.is_some()));
    for (at, header) in names.iter().enumerate() {
        if wide.as_ref().is_some_and(|(_, _, places)| places.contains(&at)) {
            continue;
        }
        let nameless = *header == format!("#{}", at + 1);
        if nameless && seen[at].filled == 0 {
            export.warn = true;
            continue;
        }
        let plain = header.replace("#", "_");
        let name = unique(&if nameless { format!("column_{}", at + 1) } else { snake(&plain) }, &taken);
        taken.push(name.clone());
        // A code that may be any text: three letters alone are no proof.
        if codes(at) && (says_currency(header) || all(at, is_common_currency) || seen[at].rows > 20 || signed) {
            currencies.push(name.clone());
        }
        if let Some((why, text)) = &seen[at].stray {
            let is = |part: &&PartSample| part.table.data.iter().find(|row| part.rows[**row].cells.get(at).is_some_and(|cell| cell.trim() == text)).copied();
            let line = group.parts.iter().find_map(|part| Some(part.rows[is(&part)?].line)).unwrap_or_default();
            let shown: String = text.chars().take(40).collect();
            export.notes.push(format!("{name} stays text, {why}: line {line}: {shown:?}"));
        }
        export.columns.push(column(name, header, &seen[at], evidence));
    }
    if let Some((headers, value, places)) = wide {
        let all =
            places.iter().flat_map(|at| group.parts.iter().flat_map(move |part| part.table.data.iter().filter_map(move |row| part.rows[*row].cells.get(*at))));
        let seen = see(&value, all.map(String::as_str));
        let (value_name, currency) = (unique(&value, &taken), unique("currency", &taken));
        let mut amount = column(value_name, &value, &seen, evidence);
        amount.source = Source::From(value.clone());
        amount.keys.retain(|(key, ..)| *key != "nulls");
        if sort(&value) == Sort::Money && amount.kind.starts_with("decimal") {
            amount.currency = Some(currency.clone());
        } else if amount.kind == "int64" {
            "decimal(38,18)".clone_into(&mut amount.kind);
        }
        export.columns.push(amount);
        let about = "From the column's header.".to_owned();
        export.columns.push(Column {
            name: currency,
            source: Source::From("currency".to_owned()),
            kind: "text".to_owned(),
            nullable: true,
            about,
            ..Column::default()
        });
        export.unpivot = Some(UnpivotPlan { headers, value, nulls: seen.nulls });
    }
    let mut notes = Vec::new();
    tie(&mut export.columns, &currencies, &mut notes);
    export.notes.extend(notes);
}

/// Dates and months above the table.
fn cells(export: &mut ExportPlan, group: &Group) {
    let first = &group.parts[0];
    let Ok(month) = Regex::new(r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*,? \d{4}\b") else { return };
    let mut found: Vec<(String, String, String, Vec<&'static str>)> = Vec::new();
    for row in &first.rows[..first.table.top()] {
        for (at, cell) in row.cells.iter().enumerate() {
            let label = row.cells[..at].iter().rev().find(|cell| !cell.trim().is_empty()).map_or_else(|| "period".to_owned(), |label| snake(label));
            let everywhere = group.parts.iter().all(|part| {
                part.rows.iter().any(|other| other.line == row.line && other.cells.get(at).is_some_and(|cell| !date_formats(cell.trim()).is_empty()))
            });
            match (&date_formats(cell.trim())[..], month.find(cell)) {
                ([one], _) if everywhere => found.push((label, quoted(&address(at, row.line)), cell.trim().to_owned(), vec![one])),
                ([], Some(hit)) if first.sheet.is_none() && group.parts.len() == 1 => {
                    let target = format!("{{ line = {}, match = '(?<value>[A-Z][a-z]+,? \\d{{4}})' }}", row.line);
                    found.push(("period".to_owned(), target, hit.as_str().to_owned(), date_formats(hit.as_str())));
                }
                _ => {}
            }
        }
    }
    for (name, target, text, formats) in found {
        let [format] = formats[..] else { continue };
        let taken: Vec<String> = export.columns.iter().map(|column| column.name.clone()).collect();
        let name = unique(&name, &taken);
        let keys = vec![("formats", list([format]), String::new())];
        export.columns.push(Column {
            name: name.clone(),
            source: Source::Cell(name.clone()),
            kind: "date".to_owned(),
            nullable: true,
            keys,
            always: true,
            about: "Above the table.".to_owned(),
            ..Column::default()
        });
        export.cells.push(CellPlan { name, target, text });
    }
}

/// `B1`
fn address(column: usize, row: u64) -> String {
    let mut letters = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.insert(0, char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    format!("{letters}{row}")
}

/// The column that says which month a row belongs to.
fn dated(export: &mut ExportPlan, path: &FilePattern) {
    let usable = |column: &&Column| ["date", "timestamp"].contains(&column.kind.as_str()) && column.always && column.question.is_none();
    if !export.columns.iter().any(|column| usable(&column)) {
        // Of two formats that read it none is certain.
        let group = path.groups.iter().find_map(|(group, _, formats)| if let [one] = &formats[..] { Some((group, one)) } else { None });
        if let Some((group, format)) = group.filter(|_| export.columns.iter().all(|column| column.question.is_none())) {
            let taken: Vec<String> = export.columns.iter().map(|column| column.name.clone()).collect();
            let keys = vec![("formats", list([*format]), String::new())];
            let about = "From the file's name.".to_owned();
            export.columns.push(Column {
                name: unique(group, &taken),
                source: Source::File(group.clone()),
                kind: "date".to_owned(),
                nullable: true,
                keys,
                always: true,
                about,
                ..Column::default()
            });
        }
    }
    let weight = |column: &Column| {
        let words = crate::column::words(&column.name);
        let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        (
            matches!(column.source, Source::Header(_)),
            has(&["sale", "sales", "activity", "transaction", "usage", "begin", "start"]),
            has(&["period", "month", "day"]),
            !has(&["end", "payment", "paid", "posted", "reporting"]),
        )
    };
    let mut candidates: Vec<&mut Column> = export.columns.iter_mut().filter(|column| usable(&&**column)).collect();
    candidates.reverse();
    let Some(best) = candidates.into_iter().max_by_key(|column| weight(column)) else { return };
    best.nullable = false;
    export.partition = Some(best.name.clone());
    export.monthly =
        best.keys.iter().any(|(key, formats, _)| *key == "formats" && !formats.contains("%d") && !formats.contains("%-d") && !formats.contains(EXCEL));
}

/// A zone in a column of its own is none that a draft takes along.
fn zoned(export: &mut ExportPlan) {
    let is_zone = |column: &&Column| {
        let words = crate::column::words(&column.name);
        words.contains(&"timezone".to_owned()) || words.windows(2).any(|pair| pair == ["time", "zone"])
    };
    let Some(Source::Header(zone)) = export.columns.iter().find(is_zone).map(|column| column.source.clone()) else { return };
    let without = |column: &&Column| column.kind == "timestamp" && column.about.starts_with("Taken as UTC");
    for column in export.columns.iter().filter(without) {
        let Source::Header(header) = &column.source else { continue };
        export.notes.push(format!(
            "{} is taken as UTC, and the column {zone:?} may say another zone: join = [\"{{{header}}}\", \" \", \"{{{zone}}}\"] with %Z behind its `formats` reads both",
            column.name
        ));
    }
}

/// Where nothing must have a value, a line of nothing but delimiters would be a row, and so would a total: a column that always has one is
/// it, a text before others, and one behind the first, where totals have their word.
fn one_filled(export: &mut ExportPlan) {
    let from_file = |column: &Column| matches!(column.source, Source::Header(_));
    if export.columns.iter().any(|column| !column.nullable && from_file(column)) {
        return;
    }
    let first = export.columns.iter().position(from_file);
    let always = |(_, column): &(usize, &mut Column)| column.always && from_file(column);
    let best =
        export.columns.iter_mut().enumerate().filter(always).max_by_key(|(at, column)| (column.kind == "text", Some(*at) != first, std::cmp::Reverse(*at)));
    if let Some((_, column)) = best {
        column.nullable = false;
    }
}

/// Who reads which member and sheet.
fn claims(exports: &mut [ExportPlan], looked: &Looked) {
    let exact = |name: &str| {
        let escaped = regex::escape(name).replace("\\-", "-");
        let numbers = Regex::new(r"\d{4,}").map(|digits| digits.replace_all(&escaped, r"\d+").into_owned());
        format!("^{}$", numbers.unwrap_or(escaped))
    };
    let sorted = |mut all: Vec<String>| {
        all.sort_unstable();
        all.dedup();
        all
    };
    for (export, group) in exports.iter_mut().zip(&looked.groups) {
        if looked.zip {
            export.members = sorted(group.parts.iter().map(|part| exact(&part.member)).collect());
        }
        export.sheets = sorted(group.parts.iter().filter_map(|part| part.sheet.as_deref().map(exact)).collect());
    }
    let Some(first) = exports.first_mut() else { return };
    let rolled = |what: fn(&PartSample) -> Option<&String>| looked.rollups.iter().filter_map(what).cloned().collect::<Vec<_>>();
    let members = rolled(|part| Some(&part.member).filter(|_| part.sheet.is_none() && part.section.is_none()));
    first.ignore = sorted(looked.members_without.iter().chain(&members).map(|name| exact(name)).collect());
    let sheets = rolled(|part| part.sheet.as_ref());
    first.ignore_sheets = sorted(looked.sheets_without.iter().chain(&sheets).map(|name| exact(name)).collect());
    let mut names: Vec<String> = looked.groups.iter().flat_map(|group| &group.parts).filter_map(|part| part.section.as_deref().map(snake)).collect();
    for title in looked.sections_without.iter().chain(&rolled(|part| part.section.as_ref())) {
        let name = unique(&snake(title), &names);
        names.push(name.clone());
        first.sections.push(SectionPlan { name, title: sections::pattern(title), ignore: true });
    }
    if let Some((_, ignore)) = &mut first.records {
        ignore.clone_from(&looked.other_kinds);
    }
}
