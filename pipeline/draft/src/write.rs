//! A plan → TOML with comments that teach. What is written loads, but for questions that stand open.

use std::fmt::Write;

use crate::plan::{ChannelPlan, Column, EndPlan, ExcludePlan, ExportPlan, HeaderPlan, Source};
use crate::texts::Quoting;

/// A text as TOML.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other if other.is_control() || other == '\u{a0}' || other == '\u{202f}' || other == '\u{ad}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A regular expression as TOML: between single quotes where it can be.
pub(crate) fn pattern(text: &str) -> String {
    if text.contains('\'') || text.chars().any(char::is_control) { quoted(text) } else { format!("'{text}'") }
}

pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", texts.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

fn patterns(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| pattern(text)).collect::<Vec<_>>().join(", "))
}

/// One line of a comment; a file can't break out of it.
fn comment(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

pub(crate) fn channel(plan: &ChannelPlan, file: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# First draft from the sample {}. It says what every value of that file bears out, and no more:", comment(file));
    out.push_str("# - say here what is certain, what is inferred, and from where; that text heads the channel's page in docs/channels/;\n");
    out.push_str("# - read the comments, rename columns (here and in the contract), then run `takings channel test FILE` and `takings check`;\n");
    out.push_str("# - all that a channel file can say: docs/channel-files.md.\n");
    let _ = writeln!(out, "version = 1\nchannel = {}\ntitle = {}", quoted(&plan.name), quoted(&title(&plan.name)));
    for export in &plan.exports {
        one(&mut out, export);
    }
    out
}

fn title(name: &str) -> String {
    let word = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

fn one(out: &mut String, export: &ExportPlan) {
    out.push('\n');
    for note in &export.notes {
        let _ = writeln!(out, "# NOTE: {}", comment(note));
    }
    let _ = writeln!(out, "[[exports]]\nname = {}\ntable = {}", quoted(&export.name), quoted(&export.table));
    match (&export.part_of, &export.path) {
        (Some(whole), _) => {
            let _ = writeln!(out, "# another part of the same file\npart_of = {}", quoted(whole));
        }
        (None, Some(path)) => {
            out.push_str("# over the path below the instance's url; what differs from file to file is a named group or a \\d+\n");
            let _ = writeln!(out, "path = {}", pattern(&path.pattern));
        }
        (None, None) => {}
    }
    out.push_str("# a newer version of the same path replaces the older one's rows; other modes: append, replace_period, versioned\nmode = \"replace_file\"\n");
    let required: Vec<&str> = export.columns.iter().filter(|column| matches!(column.source, Source::Header(_))).map(|column| column.name.as_str()).collect();
    if export.header == HeaderPlan::First || matches!(export.header, HeaderPlan::Has(_)) {
        let _ = writeln!(out, "# a file that lacks one of these headers is stopped; take out what may be missing\nrequired = {}", list(required));
    }
    if export.warn {
        out.push_str("# columns that are not named here are left out with a warning (\"stop\" would stop the file)\nunknown_columns = \"warn\"\n");
    } else {
        out.push_str("# a column that is not named here stops the file; \"warn\" leaves it out\nunknown_columns = \"stop\"\n");
    }
    if let Some(unpivot) = export.unpivot.as_ref().filter(|unpivot| !unpivot.nulls.is_empty()) {
        let nulls = list(std::iter::once("").chain(unpivot.nulls.iter().map(String::as_str)));
        let _ = writeln!(out, "# texts that mean no value, in every column\nnulls = {nulls}");
    }
    if let Some(mark) = export.decimal {
        let _ = writeln!(out, "decimal = {}", quoted(&mark.to_string()));
    }
    match export.thousands {
        Some(mark) => {
            let _ = writeln!(out, "thousands = {}", quoted(&mark.to_string()));
        }
        None if export.columns.iter().any(Column::is_number) => {
            out.push_str("# no number of the sample has a mark of thousands; where larger ones do: thousands = \",\"\n");
        }
        None => {}
    }
    out.push_str("# how many records may be bad before the whole file is stopped\nquarantine_limit = 0\n");
    packing(out, export);
    text(out, export);
    frame(out, export);
    rows(out, export);
    columns(out, export);
    for check in &export.checks {
        let _ = writeln!(out, "\n# what the file says of itself must be what is read\n[[exports.checks]]\nname = {}", quoted(&check.name));
        match &check.column {
            Some(column) => {
                let _ = writeln!(out, "kind = \"sum\"\ncolumn = {}", quoted(column));
            }
            None => out.push_str("kind = \"rows\"\n"),
        }
        let _ = writeln!(out, "expect = {{ trailer = {} }}", quoted(&check.trailer));
    }
}

fn packing(out: &mut String, export: &ExportPlan) {
    let lists = [("members", &export.members), ("ignore", &export.ignore), ("sheets", &export.sheets), ("ignore_sheets", &export.ignore_sheets)];
    if lists.iter().all(|(_, list)| list.is_empty()) {
        return;
    }
    out.push_str("\n# a member or sheet that no list names stops the file\n[exports.unpack]\n");
    for (key, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        let _ = writeln!(out, "{key} = {}", patterns(list));
    }
}

fn text(out: &mut String, export: &ExportPlan) {
    let Some(text) = &export.text else { return };
    let mut keys = String::new();
    if !text.marked || export.ragged.is_some() {
        let name = text.encoding.name().to_lowercase();
        if text.said {
            let _ = writeln!(keys, "encoding = [{}]", quoted(&name));
        } else if text.encoding.is_ascii_compatible() && text.encoding != encoding_rs::UTF_8 {
            let _ = writeln!(keys, "# the sample is no UTF-8, its bytes look like {name}: see whether the names below are right");
            let _ = writeln!(keys, "encoding = [\"utf-8\", {}]", quoted(&name));
        } else {
            let _ = writeln!(keys, "encoding = [{}]", quoted(&name));
        }
    } else {
        let _ = writeln!(keys, "# the sample has a byte order mark ({}), which always wins", text.encoding.name());
    }
    let delimiter = if text.sep_line { "auto".to_owned() } else { char::from(text.delimiter).to_string() };
    let _ = writeln!(keys, "delimiter = {}", quoted(&delimiter));
    match text.quoting {
        Quoting::Strict => {}
        Quoting::Loose => keys.push_str("# cells of the sample have quotes inside that are not doubled: they are text\nloose_quotes = true\n"),
        Quoting::None => keys.push_str("# quotes are nothing but characters\nquote = \"\"\n"),
    }
    if let Some(mark) = &text.comment {
        let _ = writeln!(keys, "# lines that begin so are none\ncomment = {}", quoted(mark));
    }
    if let Some(ragged) = export.ragged {
        let _ = writeln!(keys, "# pad: records may be shorter than the header; trim: they may have empty cells more; fit: both\nragged = {}", quoted(ragged));
    }
    let _ = write!(out, "\n[exports.text]\n{keys}");
}

fn frame(out: &mut String, export: &ExportPlan) {
    let mut keys = String::new();
    match &export.header {
        HeaderPlan::First => {}
        HeaderPlan::Has(names) => {
            let _ = writeln!(keys, "# what stands before the record with these cells is left out\nheader_has = {}", list(names.iter().map(String::as_str)));
        }
        HeaderPlan::Given(names) => {
            let _ = writeln!(keys, "# the file has no header: names by position\nheader = {}", list(names.iter().map(String::as_str)));
        }
    }
    if export.two_header_rows {
        keys.push_str("# the header is made of two lines, `Sales` above `Units` is `Sales Units`\nheader_rows = 2\n");
    }
    match &export.end {
        None => {}
        Some(EndPlan::Blank) => keys.push_str("# the table ends at the first blank line; what stands behind is none of it\nend = \"blank\"\n"),
        Some(EndPlan::First(begin)) => {
            let _ = writeln!(keys, "# blank lines stand inside of the table; it ends at the line that begins so\nend = {{ first = {} }}", pattern(begin));
        }
    }
    if let Some((types, ignore)) = &export.records {
        let _ = writeln!(keys, "\n[exports.frame.records]\ncolumn = 1\ntypes = {}", list(types.iter().map(String::as_str)));
        if !ignore.is_empty() {
            let _ = writeln!(keys, "ignore = {}", list(ignore.iter().map(String::as_str)));
        }
    }
    for section in &export.sections {
        let _ = writeln!(keys, "\n[[exports.frame.sections]]\nname = {}\ntitle = {}", quoted(&section.name), pattern(&section.title));
        if section.ignore {
            keys.push_str("# left out, see above\nignore = true\n");
        }
    }
    if !export.cells.is_empty() {
        keys.push_str("\n# values that stand outside of the table\n[exports.frame.cells]\n");
        for cell in &export.cells {
            let _ = writeln!(keys, "{} = {} # {}", cell.name, cell.target, comment(&cell.text));
        }
    }
    for trailer in &export.trailers {
        let _ = writeln!(keys, "\n[[exports.frame.trailer]]\nname = {}\nline = {}", quoted(&trailer.name), pattern(&trailer.pattern));
        if trailer.optional {
            keys.push_str("# without this a file that lacks it was cut off and is stopped\noptional = true\n");
        }
    }
    if !keys.is_empty() {
        let _ = write!(out, "\n[exports.frame]\n{keys}");
    }
}

fn rows(out: &mut String, export: &ExportPlan) {
    let mut taken: Vec<String> = Vec::new();
    for rule in &export.exclude {
        let name = match rule {
            ExcludePlan::Blank => "blank_lines",
            ExcludePlan::Header { .. } => "repeated_header",
            ExcludePlan::Total { .. } | ExcludePlan::Lone { .. } => "totals",
        };
        let name = crate::names::unique(name, &taken);
        taken.push(name.clone());
        out.push_str("\n[[exports.exclude]]\n");
        match rule {
            ExcludePlan::Blank => {
                let _ = writeln!(out, "name = {}\nblank = true", quoted(&name));
            }
            ExcludePlan::Total { column, test, asks: false } => {
                let _ = writeln!(out, "# it repeats the money of the other rows\nname = {}\ncolumn = {}\n{test}", quoted(&name), quoted(column));
            }
            ExcludePlan::Total { column, test, asks: true } => {
                let _ = writeln!(out, "# QUESTION: it is called a total, and its numbers are no sums of the other rows: does it repeat their money?");
                out.push_str(
                    "# Keep the last line without its `choose_1_`, and it is left out; delete this rule, and it is read: until then this file does not load.\n",
                );
                let _ = writeln!(out, "name = {}\ncolumn = {}\nchoose_1_{test}", quoted(&name), quoted(column));
            }
            ExcludePlan::Header { column, word } => {
                let _ = writeln!(
                    out,
                    "# the header stands inside of the table again\nname = {}\ncolumn = {}\nequals = [{}]",
                    quoted(&name),
                    quoted(column),
                    quoted(word)
                );
            }
            ExcludePlan::Lone { column } => {
                let _ = writeln!(
                    out,
                    "# a total without a word: this column is empty there and in no other row\nname = {}\ncolumn = {}\nempty = true",
                    quoted(&name),
                    quoted(column)
                );
            }
        }
    }
    if let Some(unpivot) = &export.unpivot {
        out.push_str("\n# one column per currency: each that has a value makes a row of its own\n[exports.unpivot]\n");
        let _ = writeln!(out, "headers = {}\nvalue = {}\nname = \"metric\"", pattern(&unpivot.headers), quoted(&unpivot.value));
    }
}

fn columns(out: &mut String, export: &ExportPlan) {
    let plain = |column: &&Column| matches!(column.source, Source::Header(_));
    if export.columns.iter().any(|column| plain(&column)) {
        out.push_str("\n# table column = the names that its header may have (other languages and years included)\n[exports.headers]\n");
        for column in export.columns.iter().filter(plain) {
            if let Source::Header(header) = &column.source {
                let _ = writeln!(out, "{} = [{}]", column.name, quoted(header));
            }
        }
    }
    for column in &export.columns {
        let source = match &column.source {
            Source::Constant(text) => Some(("constant", text)),
            Source::File(group) => Some(("file", group)),
            Source::Cell(name) => Some(("cell", name)),
            Source::From(name) => Some(("from", name)),
            Source::Header(_) | Source::None => None,
        };
        if source.is_none() && column.keys.is_empty() && column.question.is_none() {
            continue;
        }
        let _ = writeln!(out, "\n[exports.columns.{}]", column.name);
        if let Some((key, text)) = source {
            let _ = writeln!(out, "{key} = {}", quoted(text));
        }
        for (key, value, why) in &column.keys {
            let _ = writeln!(out, "{key} = {value}{}", if why.is_empty() { String::new() } else { format!(" # {}", comment(why)) });
        }
        if let Some(question) = &column.question {
            let _ = writeln!(out, "# QUESTION: {}", comment(&question.why));
            out.push_str("# Keep what is right without its `choose_…_`, and delete the others: until then this file does not load.\n");
            for (at, (keys, meaning)) in question.answers.iter().enumerate() {
                for (key, value) in keys {
                    let _ = writeln!(out, "choose_{}_{key} = {value} # {}", at + 1, comment(meaning));
                }
            }
        }
    }
}

/// The contract of an export's table.
pub(crate) fn table(export: &ExportPlan, channel: &str) -> String {
    let mut out = String::new();
    let about = format!("{} of {}: say what a row means.", title(&export.name), title(channel));
    let _ = writeln!(out, "table = {}\nlayer = \"raw\"\ndescription = {}", quoted(&export.table), quoted(&about));
    let grain = if export.unpivot.is_some() { "One row per line of the file and column that holds a value." } else { "One row per line of the file." };
    let _ = writeln!(out, "grain = {}\n# columns that are unique together, for those who look for a row\nkey = []", quoted(grain));
    match &export.partition {
        Some(column) => {
            let step = if export.monthly { ", end_of = \"month\"" } else { "" };
            let _ = writeln!(out, "# the month that a row belongs to\npartition = {{ from = [{}] }}", quoted(column));
            out.push_str("# when a row is known: a report for a tick uses what was known by then. When does the channel hand the file out?\n");
            let _ = writeln!(out, "known_at = [{{ column = {}{step}, plus_days = 1 }}]", quoted(column));
        }
        None => {
            out.push_str("# no column says when: name one under partition = { from = [\"…\"] } and known_at = [\"…\"] if there is one\nknown_at = \"always\"\n")
        }
    }
    if export.parts {
        out.push_str("# the member or sheet stands in each row's _part\nparts = true\n");
    }
    out.push_str("# amounts are decimal(precision,scale) and name the column of their currency; what has more digits goes to quarantine\ncolumns = [\n");
    for column in &export.columns {
        let nullable = if column.nullable { "" } else { ", nullable = false" };
        let currency = column.currency.as_ref().map_or_else(String::new, |currency| format!(", currency = {}", quoted(currency)));
        let bound = if currency.is_empty() { "" } else { ", bound = \"1000000000000\"" };
        let description = quoted(&column.about);
        let _ =
            writeln!(out, "  {{ name = {}, type = {}{nullable}{currency}{bound}, description = {description} }},", quoted(&column.name), quoted(&column.kind));
    }
    out.push_str("]\n");
    out
}
