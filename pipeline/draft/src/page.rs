//! A channel file → its page of documentation: what is read, how it is recognised, what becomes of each column.

use std::collections::BTreeMap;
use std::fmt::Write;

use takings_definitions::{
    CellTest, Channel, Check, CheckKind, Decimals, Delimiter, DuplicateContent, End, ExcludeWhen, Exclusion, Expect, Export, HeaderRule, LastLine,
    LayoutVersion, Level, Missing, Mode, Piece, Ragged, Several, Table, UnknownColumns, UnpivotCells, ValueSource,
};

/// The page docs/channels/<channel>.md.
pub fn page(channel: &Channel, tables: &BTreeMap<String, Table>) -> String {
    let mut out = format!("# {}\n\n", channel.title);
    let _ = writeln!(
        out,
        "Made from `config/channels/{}.toml` by `takings channel docs`; what that file can say: [channel-files.md](../channel-files.md).\n",
        channel.name
    );
    let about = leading_comment(&channel.text);
    if !about.is_empty() {
        let _ = writeln!(out, "{about}");
    }
    out.push_str("| export | goes to | file |\n|---|---|---|\n");
    for export in &channel.exports {
        let file = match (&export.path, &export.part_of) {
            (Some(path), _) => code(path.as_str()),
            (None, Some(whole)) => format!("part of `{whole}`"),
            (None, None) => String::new(),
        };
        let _ = writeln!(out, "| [{0}](#{0}) | `{1}` | {file} |", export.name, export.table);
    }
    for export in &channel.exports {
        one(&mut out, export, tables.get(&export.table));
    }
    out
}

/// The comment that the file begins with, its paragraphs as they stand.
fn leading_comment(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    let mut out: String = lines.map(|line| format!("{}\n", line.trim_start_matches('#').trim())).collect();
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Code in a cell of a table.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('\t', "\\t").replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn codes<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// Prose in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn one(out: &mut String, export: &Export, table: Option<&Table>) {
    let _ = writeln!(out, "\n## {}\n", export.name);
    if let Some(table) = table {
        let _ = writeln!(out, "{} {}\n", table.description, table.grain);
    }
    let mode = match export.mode {
        Mode::Append => "a new file's rows are added".to_owned(),
        Mode::ReplaceFile => "a newer version of a file replaces the older one's rows".to_owned(),
        Mode::ReplacePeriod => format!("of the files of one {} the newest counts", codes(export.period_key.iter().map(String::as_str))),
        Mode::Versioned => "every version of a row is kept; SQL resolves them".to_owned(),
    };
    let _ = writeln!(out, "- restated: {mode}");
    if export.duplicate_content == DuplicateContent::Refuse {
        out.push_str("- a second file with rows and the same bytes is stopped\n");
    }
    if let Some(path) = &export.path {
        let groups: Vec<&str> = path.capture_names().flatten().collect();
        if !groups.is_empty() {
            let _ = writeln!(out, "- from the file's name: {}", codes(groups));
        }
    }
    form(out, export);
    if !export.required.is_empty() {
        let _ = writeln!(out, "- a file that lacks one of these is stopped: {}", codes(export.required.iter().map(String::as_str)));
    }
    let unknown = if export.unknown_columns == UnknownColumns::Stop { "stop the file" } else { "are left out with a warning" };
    let _ = writeln!(out, "- columns that are not named {unknown}");
    let limit = export.quarantine_limit;
    let _ = writeln!(out, "- {}", if limit == 0 { "one bad record stops the file".to_owned() } else { format!("more than {limit} bad records stop the file") });
    layouts(out, &export.layouts);
    if let Some(table) = table {
        columns(out, export, table);
    }
    rules(out, export);
}

/// Packing, text and frame.
fn form(out: &mut String, export: &Export) {
    for (what, patterns) in [
        ("members", &export.unpack.members),
        ("left out of archives", &export.unpack.ignore),
        ("sheets", &export.unpack.sheets),
        ("sheets left out", &export.unpack.ignore_sheets),
    ] {
        if !patterns.is_empty() {
            let _ = writeln!(out, "- {what}: {}", codes(patterns.iter().map(regex::Regex::as_str)));
        }
    }
    let text = &export.text;
    let delimiter = match text.delimiter {
        Delimiter::Byte(b'\t') => "tabs".to_owned(),
        Delimiter::Byte(byte) => code(&char::from(byte).to_string()),
        Delimiter::Auto => "as the `sep=` line says".to_owned(),
    };
    if export.unpack.sheets.is_empty() {
        let encodings = codes(text.encodings.iter().map(|encoding| encoding.name()));
        let mixed = if text.mixed { ", cell by cell" } else { "" };
        let quotes = if text.quote.is_none() { ", without quotes" } else { "" };
        let ragged = match text.ragged {
            Ragged::Refuse => "",
            Ragged::Pad => "; records may be too short",
            Ragged::Trim => "; records may have empty cells too many",
            Ragged::Fit => "; records may be too short or have empty cells too many",
        };
        let last = if text.last_line == LastLine::Ended { "; a file whose last line is not ended was cut off and is stopped" } else { "" };
        let _ = writeln!(out, "- text: {encodings}{mixed} (a byte order mark wins), delimiter {delimiter}{quotes}{ragged}{last}");
        if !text.strip_cells.is_empty() {
            let names = text.strip_cells.iter().map(|character| format!("U+{:04X}", u32::from(*character))).collect::<Vec<_>>();
            let _ = writeln!(out, "- taken out of cells: {}", names.join(", "));
        }
    }
    let parse = &export.parse;
    let thousands = parse.thousands_mark().map_or_else(String::new, |mark| format!(", thousands by {}", code(&mark.to_string())));
    let nulls: Vec<&str> = export.nulls.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let nulls = if nulls.is_empty() { String::new() } else { format!("; no value: empty, {}", codes(nulls)) };
    let _ = writeln!(out, "- numbers: decimals behind {}{thousands}{nulls}", marks(parse.decimals()));
    let frame = &export.frame;
    if !frame.header_has.is_empty() {
        let _ = writeln!(out, "- the header is the first record that has {}", codes(frame.header_has.iter().map(String::as_str)));
    }
    if let Some(row) = frame.header_row {
        let _ = writeln!(out, "- the header stands in row {row}");
    }
    if frame.skip_lines > 0 {
        let _ = writeln!(out, "- {} lines before the header are left out", frame.skip_lines);
    }
    if frame.header.is_some() {
        out.push_str("- the file has no header: cells are named by position\n");
    }
    match &frame.end {
        End::File => {}
        End::Blank => out.push_str("- the table ends at the first blank record\n"),
        End::First(pattern) => {
            let _ = writeln!(out, "- the table ends at the first record whose first cell fits {}", code(pattern.as_str()));
        }
    }
    for section in &frame.sections {
        let _ = writeln!(out, "- section `{}` under {}{}", section.name, code(section.title.as_str()), if section.ignore { ", left out" } else { "" });
    }
    if let Some(records) = &frame.records {
        let _ = writeln!(out, "- records of type {}", codes(records.types.iter().map(String::as_str)));
        if !records.ignore.is_empty() {
            let _ = writeln!(out, "- record types left out: {}", codes(records.ignore.iter().map(String::as_str)));
        }
    }
    for trailer in &frame.trailers {
        let must = if trailer.optional { "may stand at the end" } else { "must stand at the end" };
        let _ = writeln!(out, "- `{}` {must}: {}", trailer.name, code(trailer.line.as_str()));
    }
    if let Some(parent) = &frame.parent {
        let _ = writeln!(
            out,
            "- rows where `{}` {} are parents; their children inherit {}",
            parent.when.column,
            test(&parent.when.test),
            codes(parent.inherit.iter().map(String::as_str))
        );
    }
}

fn layouts(out: &mut String, layouts: &[LayoutVersion]) {
    if layouts.is_empty() {
        return;
    }
    out.push_str("\n| layout | told by |\n|---|---|\n");
    for layout in layouts {
        let mut by: Vec<String> = layout.file.iter().map(|(group, pattern)| format!("file name: `{group}` is {}", code(pattern.as_str()))).collect();
        match &layout.header {
            None => by.push("the required columns".to_owned()),
            Some(HeaderRule::Exact(names)) => by.push(format!("the header is exactly {}", codes(names.iter().map(String::as_str)))),
            Some(HeaderRule::Has { has, lacks }) => {
                if !has.is_empty() {
                    by.push(format!("the header has {}", codes(has.iter().map(String::as_str))));
                }
                if !lacks.is_empty() {
                    by.push(format!("and lacks {}", codes(lacks.iter().map(String::as_str))));
                }
            }
        }
        let _ = writeln!(out, "| {} | {} |", layout.name, by.join("; "));
    }
}

fn columns(out: &mut String, export: &Export, table: &Table) {
    out.push_str("\n| column | type | from | read as | |\n|---|---|---|---|---|\n");
    let effective: Vec<&Export> = export.effective().collect();
    let reasons: BTreeMap<&str, &str> =
        effective.iter().flat_map(|one| &one.columns).filter_map(|(name, spec)| Some((spec.reason.as_deref()?, name.as_str()))).collect();
    for column in &table.columns {
        let mut from: Vec<String> = Vec::new();
        let mut read: Vec<String> = Vec::new();
        for one in &effective {
            let (source, keys) = (source(one, &column.name), keys(one, &column.name));
            if !source.is_empty() && !from.contains(&source) {
                from.push(source);
            }
            for key in keys {
                if !read.contains(&key) {
                    read.push(key);
                }
            }
        }
        if let Some(of) = reasons.get(column.name.as_str()) {
            from = vec![format!("why `{of}` is not known")];
        }
        if effective.iter().any(|one| one.calculate.iter().any(|calculation| calculation.column == column.name)) {
            from.push("calculated".to_owned());
        }
        let kind = format!("{}{}", column.kind, if column.nullable { "" } else { ", always" });
        let _ = writeln!(out, "| `{}` | {kind} | {} | {} | {} |", column.name, from.join("; "), read.join("; "), cell(&column.description));
    }
}

/// Where a column's text comes from.
fn source(export: &Export, column: &str) -> String {
    let own = || codes(export.header_names(column));
    let Some(spec) = export.columns.get(column) else { return own() };
    let source = match &spec.source {
        ValueSource::Own => own(),
        ValueSource::Headers(names) => codes(names.iter().map(String::as_str)),
        ValueSource::Constant(text) => format!("always {}", code(text)),
        ValueSource::File(group) => format!("file name: `{group}`"),
        ValueSource::Cell(name) => format!("cell `{name}` outside of the table"),
        ValueSource::Part(pattern) => format!("member or sheet: {}", code(pattern.as_str())),
        ValueSource::Trailer(name) => format!("trailer `{name}`"),
        ValueSource::From(name) if export.frame.given().any(|given| given == name) => format!("title or parent line: `{name}`"),
        ValueSource::From(name) => format!("unpivoted: `{name}`"),
        ValueSource::Join(pieces) => {
            let shown: String =
                pieces.iter().map(|piece| if let Piece::Column(name) = piece { format!("{{{name}}}") } else { piece_text(piece).to_owned() }).collect();
            format!("joined: {}", code(&shown))
        }
        ValueSource::Copy(other) => format!("as `{other}`"),
    };
    match &spec.take {
        Some(pattern) => format!("{source}, of it {}", code(pattern.as_str())),
        None => source,
    }
}

fn piece_text(piece: &Piece) -> &str {
    match piece {
        Piece::Text(text) | Piece::Column(text) => text,
    }
}

/// How its text is read, where the channel file says so of this column.
fn keys(export: &Export, column: &str) -> Vec<String> {
    let Some(spec) = export.columns.get(column) else { return Vec::new() };
    let mut keys = Vec::new();
    if let Some(formats) = &spec.parse.formats {
        keys.push(codes(formats.iter().map(String::as_str)));
    }
    if let Some(map) = &spec.map {
        keys.push(format!("through the table `{}`", map.table));
    }
    if let Some(unknown) = &spec.unknown {
        keys.push(format!("{} where not known", code(unknown)));
    }
    if let Some(default) = &spec.default {
        keys.push(format!("{} where empty", code(default)));
    }
    if let Some(decimal) = spec.parse.decimal {
        keys.push(format!("decimals behind {}", marks(decimal)));
    }
    for (said, what) in [(spec.parse.percent, "percent"), (spec.parse.parentheses, "parentheses are minus"), (spec.parse.whole_decimals, "`123.0` is 123")] {
        if said == Some(true) {
            keys.push(what.to_owned());
        }
    }
    if spec.sign.is_some() {
        keys.push("its sign by another column or turned".to_owned());
    }
    if spec.factor.is_some() {
        keys.push("converted to another unit".to_owned());
    }
    if !spec.duration.is_empty() {
        keys.push("a duration, in seconds".to_owned());
    }
    if let Some(zone) = spec.parse.zone {
        keys.push(format!("civil time in {zone}"));
    }
    if let Some(languages) = &spec.parse.languages {
        keys.push(format!("names of months in {}", codes(languages.iter().map(String::as_str))));
    }
    keys
}

fn marks(decimals: Decimals) -> String {
    let shown = std::iter::once(decimals.mark).chain(decimals.or).map(|mark| code(&mark.to_string()));
    shown.collect::<Vec<_>>().join(" or ")
}

fn rules(out: &mut String, export: &Export) {
    let (mut left_out, mut checks, mut calculations): (Vec<&Exclusion>, Vec<&Check>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    for one in export.effective() {
        left_out.extend(one.exclude.iter().filter(|rule| left_out.iter().all(|known| known.name != rule.name)).collect::<Vec<_>>());
        checks.extend(one.checks.iter().filter(|check| checks.iter().all(|known| known.name != check.name)).collect::<Vec<_>>());
        for calculation in &one.calculate {
            let when = calculation.when.as_ref().map_or_else(String::new, |when| format!(" where {}", code(when)));
            let line = format!("`{}` = {}{when}", calculation.column, code(&calculation.value));
            if !calculations.contains(&line) {
                calculations.push(line);
            }
        }
    }
    if !left_out.is_empty() {
        out.push_str("\nLeft out, each counted under its name:\n\n");
        for rule in left_out {
            let when = match &rule.when {
                ExcludeWhen::Cells(conditions) => {
                    conditions.iter().map(|one| format!("`{}` {}", one.column, test(&one.test))).collect::<Vec<_>>().join(" and ")
                }
                ExcludeWhen::Blank => "all cells are empty".to_owned(),
                ExcludeWhen::Where(sql) => format!("the row has {}", code(sql)),
            };
            let _ = writeln!(out, "- `{}`: {when}", rule.name);
        }
    }
    if let Some(unpivot) = &export.unpivot {
        let rows = match unpivot.cells {
            UnpivotCells::One { .. } => "makes a row of its own",
            UnpivotCells::Fields(_) => "is a field of a row; those that differ in `field` alone make one",
        };
        let _ = writeln!(out, "\nEach column whose header fits {} {rows}.", code(unpivot.headers.as_str()));
    }
    if !calculations.is_empty() {
        out.push_str("\nCalculated, in this order:\n\n");
        for line in calculations {
            let _ = writeln!(out, "- {line}");
        }
    }
    if !checks.is_empty() {
        out.push_str("\nChecked:\n\n");
        for check in checks {
            let _ = writeln!(out, "- {}", checked(check));
        }
    }
}

fn checked(check: &Check) -> String {
    let what = match &check.kind {
        CheckKind::Sum { column } => format!("the sum of `{column}`"),
        CheckKind::Rows => "the number of rows".to_owned(),
        CheckKind::Lines => "the number of lines".to_owned(),
        CheckKind::Equation { sql } => format!("in every row {}", code(sql)),
        CheckKind::Unique { columns } => format!("{} are unique", codes(columns.iter().map(String::as_str))),
        CheckKind::Single { column } => format!("`{column}` has one value in the whole file"),
        CheckKind::NoRepeat { column } => format!("no part repeats the `{column}` of all others"),
    };
    let expect = match &check.expect {
        Some(Expect::Trailer(name)) if check.several == Several::Sum => format!(" is what the lines of trailer `{name}` add up to"),
        Some(Expect::Trailer(name)) => format!(" is the trailer `{name}`"),
        Some(Expect::Cell(name)) => format!(" is the cell `{name}`"),
        Some(Expect::Record { record, field }) => format!(" is field {field} of record {}", code(record)),
        Some(Expect::Part { part, column, row }) => format!(" is {} of row {row} in {}", code(column), code(part)),
        Some(Expect::Constant(text)) => format!(" is {}", code(text)),
        None => String::new(),
    };
    let by = if check.by.is_empty() { String::new() } else { format!(" for each {}", codes(check.by.iter().map(String::as_str))) };
    let difference = match check.tolerance {
        (0, _) => "a difference".to_owned(),
        (value, decimals) => format!("a difference of more than {}", code(&decimal(value, decimals as usize))),
    };
    let missing = if check.missing == Missing::Stop { "; a file with rows must have it" } else { "" };
    let level = match check.level {
        Level::Mandatory => format!("{difference} stops the file"),
        Level::Advisory => format!("{difference} is a warning"),
        Level::Display => "shown, not compared".to_owned(),
    };
    format!("`{}`: {what}{expect}{by} ({level}{missing})", check.name)
}

/// A number of 0 or more with its point.
fn decimal(value: i128, decimals: usize) -> String {
    let digits = format!("{value:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn test(test: &CellTest) -> String {
    match test {
        CellTest::Equals(texts) => format!("is {}", codes(texts.iter().map(String::as_str))),
        CellTest::Matches(pattern) => format!("fits {}", code(pattern.as_str())),
        CellTest::Empty => "is empty".to_owned(),
        CellTest::Filled => "is filled".to_owned(),
    }
}
