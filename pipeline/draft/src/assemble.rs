//! A sample's tables → the plan of a draft: exports, frames, columns.

use regex::Regex;

use crate::column::{Guess, Seen, date_formats, see};
use crate::error::Error;
use crate::money::{Sort, is_currency, sort, tie, wide};
use crate::names::{FilePattern, file_pattern, plain_words, snake, unique};
use crate::plan::{CellPlan, ChannelPlan, CheckPlan, Column, EndPlan, ExcludePlan, ExportPlan, HeaderPlan, Source, TrailerPlan, UnpivotPlan};
use crate::sample::{Group, Looked, PartSample, look};
use crate::typed::{Evidence, column};
use crate::write::{list, quoted};

pub(crate) fn assemble(sample: &[u8], file: &str, name: &str) -> Result<ChannelPlan, Error> {
    let looked = look(file, sample)?;
    if looked.groups.is_empty() {
        return Err(Error::new(format!("{file}: no table was found in it: no line that reads as a header stands above lines of as many cells")));
    }
    let name = snake(name);
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
    Ok(ChannelPlan { name, exports })
}

/// What the columns of a table hold, over all its parts.
fn seen(group: &Group) -> Vec<Seen> {
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
        (true, true) => Some("fit"),
        (true, false) => Some("pad"),
        (false, true) => Some("trim"),
        (false, false) => None,
    };
    export.header = if first.table.header.is_none() {
        HeaderPlan::Given(names.clone())
    } else if any(|part| part.table.header.is_some_and(|header| part.rows[..header].iter().any(|row| row.cells.iter().any(|cell| !cell.trim().is_empty())))) {
        HeaderPlan::Has(names.iter().filter(|name| !name.contains('#')).take(3).cloned().collect())
    } else {
        HeaderPlan::First
    };
    if let Some(kind) = &group.kind {
        export.records = Some((vec![kind.clone()], Vec::new()));
    }
    export.records_seen = group.parts.iter().map(|part| part.table.data.len() as u64).sum();
    for part in &group.parts {
        if let Some(at) = part.table.behind.first() {
            export.end = export.end.clone().or_else(|| end(part, *at));
            if export.end.is_none() {
                export.notes.push(format!("what stands behind the table, from line {}, is read as rows: say where it ends with `end`", part.rows[*at].line));
                continue;
            }
            let shown: String = part.rows[*at].cells.join(" ").trim().chars().take(60).collect();
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
    let repeats = first.sheet.as_deref().unwrap_or_default().to_lowercase();
    if ["total", "combined", "summary"].iter().any(|word| repeats.contains(word)) {
        export.notes.push(format!(
            "the sheet {:?} may repeat the money of the others: then move it to ignore_sheets and delete this export",
            first.sheet.as_deref().unwrap_or_default()
        ));
    }
}

fn excludes(export: &mut ExportPlan, group: &Group) {
    if group.parts.iter().any(|part| part.table.blanks) {
        export.exclude.push(ExcludePlan::Blank);
    }
    let names = &group.parts[0].table.names;
    if group.parts.iter().any(|part| !part.table.repeats.is_empty()) {
        export.exclude.push(ExcludePlan::Header { column: names[0].clone(), word: names[0].clone() });
    }
    let mut words: Vec<(usize, Vec<String>)> = Vec::new();
    let mut lone: Vec<usize> = Vec::new();
    for total in group.parts.iter().flat_map(|part| &part.table.totals) {
        match (&total.word, words.iter_mut().find(|(column, _)| *column == total.column)) {
            (None, _) if lone.contains(&total.column) => {}
            (None, _) => lone.push(total.column),
            (Some(word), Some((_, known))) if known.contains(word) => {}
            (Some(word), Some((_, known))) => known.push(word.clone()),
            (Some(word), None) => words.push((total.column, vec![word.clone()])),
        }
    }
    for (column, words) in words {
        export.exclude.push(ExcludePlan::Total { column: names[column].clone(), test: total_test(&words) });
    }
    export.exclude.extend(lone.into_iter().map(|column| ExcludePlan::Lone { column: names[column].clone() }));
}

/// These words, or what begins as they all do: other files have other ones.
fn total_test(words: &[String]) -> String {
    if words.len() <= 2 {
        return format!("equals = {}", list(words.iter().map(String::as_str)));
    }
    let mut begins: Vec<String> =
        words.iter().filter_map(|word| word.split_whitespace().next()).map(|first| regex::escape(first).replace("\\-", "-")).collect();
    begins.sort_unstable();
    begins.dedup();
    format!("matches = {}", crate::write::pattern(&format!("^(?:{})\\b", begins.join("|"))))
}

/// Where the table ends that has these rows behind it; None: nothing tells.
fn end(part: &PartSample, behind: usize) -> Option<EndPlan> {
    if !part.table.gaps {
        return Some(EndPlan::Blank);
    }
    let first: String = part.rows[behind].cells.first()?.trim().chars().take(40).take_while(|character| !character.is_ascii_digit()).collect();
    let begin = regex::escape(&first).replace("\\-", "-");
    let unlike = |at: &usize| part.rows[*at].cells.first().is_none_or(|cell| !cell.trim().starts_with(&first));
    (!first.trim().is_empty() && part.table.data.iter().all(unlike)).then(|| EndPlan::First(format!("^{begin}")))
}

fn columns(export: &mut ExportPlan, group: &Group, seen: &[Seen], evidence: &Evidence) {
    let names = &group.parts[0].table.names;
    let codes = |at: usize| {
        let mut values = group.parts.iter().flat_map(|part| part.table.data.iter().filter_map(move |row| part.rows[*row].cells.get(at)));
        seen[at].filled > 0 && values.all(|cell| cell.trim().is_empty() || is_currency(cell.trim()))
    };
    let wide = wide(names).filter(|_| !(0..names.len()).any(|at| codes(at) || crate::column::words(&names[at]).contains(&"currency".to_owned())));
    let mut taken: Vec<String> = Vec::new();
    let mut currencies = Vec::new();
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
        let about = crate::column::words(header);
        if codes(at)
            && (about.iter().any(|word| ["currency", "curr", "ccy", "devise", "währung", "wahrung", "moneda", "valuta"].contains(&word.as_str()))
                || seen[at].rows > 20)
        {
            currencies.push(name.clone());
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
    for row in &first.rows[..first.table.header.unwrap_or(0)] {
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

/// Narrow lines at the end; what they say is compared where it is a sum or a count of the sample.
fn trailers(export: &mut ExportPlan, part: &PartSample, seen: &[Seen]) {
    let Some(text) = &part.text else {
        for at in &part.table.trailers {
            let row = &part.rows[*at];
            let test = format!("equals = {}", list([row.cells[0].trim()]));
            export.exclude.push(ExcludePlan::Total { column: part.table.names[0].clone(), test });
        }
        return;
    };
    let delimiter = if text.delimiter == b'\t' { "\\t".to_owned() } else { regex::escape(&char::from(text.delimiter).to_string()) };
    let mut taken = Vec::new();
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
        let Some(header) = headers.first().filter(|_| headers.len() == 1) else { continue };
        let column = export.columns.iter().find(|column| column.source == Source::Header((**header).clone()) && column.is_number());
        if let Some(column) = column {
            export.checks.push(CheckPlan { name: name.clone(), column: Some(column.name.clone()), trailer: name });
        }
    }
}

/// The column that says which month a row belongs to.
fn dated(export: &mut ExportPlan, path: &FilePattern) {
    let usable = |column: &&Column| ["date", "timestamp"].contains(&column.kind.as_str()) && column.always && column.question.is_none();
    if !export.columns.iter().any(|column| usable(&column)) {
        let fits = |text: &str, format: &&&str| takings_decode::DateFormat::new(format, &[]).is_ok_and(|format| format.read(text).is_some());
        let group = path.groups.iter().find_map(|(group, text, formats)| Some((group, formats.iter().find(|format| fits(text, format))?)));
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
    export.monthly = best.keys.iter().any(|(key, formats, _)| *key == "formats" && !formats.contains("%d") && !formats.contains("%-d"));
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
    first.ignore = sorted(looked.members_without.iter().map(|name| exact(name)).collect());
    first.ignore_sheets = sorted(looked.sheets_without.iter().map(|name| exact(name)).collect());
    if let Some((_, ignore)) = &mut first.records {
        ignore.clone_from(&looked.other_kinds);
    }
}
