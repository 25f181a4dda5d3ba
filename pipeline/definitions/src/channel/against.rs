//! The columns of an export against the contract of its table and the reference tables.

use std::collections::BTreeMap;

use super::{ColumnSpec, Export, ValueSource};
use crate::{BUILT_IN_TABLES, CALENDAR_COLUMNS, ColumnType, File, Reference, Result, Table};

/// Checks what `[exports.columns]` says; `place` is the export's, as `exports/0`.
pub(crate) fn check_columns(file: File<'_>, place: &str, export: &Export, table: &Table, references: &BTreeMap<String, Reference>) -> Result<()> {
    check_delete(file, place, export, table)?;
    for (name, spec) in &export.columns {
        let wrong =
            |key: &str, what: String| file.wrong(&format!("{place}/columns/{name}/{key}"), format!("export `{}`, column `{name}`: {what}", export.name));
        let known = || table.columns.iter().map(|column| column.name.as_str()).chain(export.columns.keys().map(String::as_str));
        let kind = match (table.column(name), spec.kind, name.starts_with('_')) {
            (Some(column), None, _) => column.kind,
            (Some(_), Some(_), _) => return Err(wrong("type", "the contract says its type".to_owned()).next("leave `type` out")),
            (None, Some(kind), true) => kind,
            (None, None, true) => return Err(wrong("type", "a scratch column needs a `type`".to_owned()).next("for example type = \"text\"")),
            (None, _, false) => {
                let message = format!("export `{}`: `{name}` is not a column of {}", export.name, table.name);
                let error = file.wrong(&format!("{place}/columns/{name}"), message);
                let hint = crate::nearest(name, table.columns.iter().map(|column| column.name.as_str()));
                let hint = hint.map_or_else(String::new, |best| format!("did you mean `{best}`? "));
                return Err(error.next(format!("{hint}A column that only calculations see starts with `_`")));
            }
        };
        if let Some((key, what)) = spec.misfit(kind) {
            return Err(wrong(key, what));
        }
        if let Some((key, what)) = spec.parse.over(&export.parse).problem() {
            return Err(wrong(key, what));
        }
        check_source(file, place, export, name, &spec.source)?;
        if let ValueSource::Copy(other) = &spec.source {
            if !known().any(|column| column == other) || other == name {
                let message = format!("export `{}`, column `{name}`: `{other}` is no other column of {}", export.name, table.name);
                return Err(file.unknown(&format!("{place}/columns/{name}/copy"), message, other, known().collect::<Vec<_>>()));
            }
            if let Some(ColumnSpec { source: ValueSource::Copy(_), .. }) = export.columns.get(other) {
                return Err(wrong("copy", format!("`{other}` is a copy itself")).next("copy the column that it copies"));
            }
        }
        if matches!(spec.source, ValueSource::Own) && name.starts_with('_') {
            return Err(wrong("header", "a scratch column has no header of its own name".to_owned()).next("say its source, for example header = \"…\""));
        }
        if !matches!(spec.source, ValueSource::Own) && export.headers.contains_key(name) {
            return Err(wrong("header", "it has a source here and a header under `headers`".to_owned()).next("leave one of them out"));
        }
        if let Some(reason) = &spec.reason {
            match table.column(reason).map(|column| column.kind) {
                Some(ColumnType::Text) if reason != name && !export.columns.contains_key(reason) && !export.headers.contains_key(reason) => {}
                Some(ColumnType::Text) => {
                    return Err(wrong("reason", format!("`{reason}` has a source of its own")).next("name a text column that nothing else fills"));
                }
                Some(kind) => return Err(wrong("reason", format!("`{reason}` is {kind}, text is needed"))),
                None => {
                    let message = format!("export `{}`, column `{name}`: `{reason}` is not a column of {}", export.name, table.name);
                    return Err(file.unknown(&format!("{place}/columns/{name}/reason"), message, reason, known().collect::<Vec<_>>()));
                }
            }
        }
        check_references(spec, references).map_err(|(key, name, what)| {
            let known: Vec<&str> = references.keys().map(String::as_str).chain(BUILT_IN_TABLES.into_iter().filter(|_| key == "map")).collect();
            match name {
                Some(name) => match crate::nearest(&name, known) {
                    Some(best) => wrong(key, what).next(format!("did you mean `{best}`?")),
                    None => wrong(key, what).next(format!("write config/reference/{name}.csv")),
                },
                None => wrong(key, what),
            }
        })?;
    }
    Ok(())
}

/// What says which rows are deleted is filled by nothing else.
fn check_delete(file: File<'_>, place: &str, export: &Export, table: &Table) -> Result<()> {
    let Some(delete) = &export.delete else { return Ok(()) };
    let key = format!("{place}/delete/into");
    let into = &delete.into;
    let wrong = |what: String, next: &str| Err(file.wrong(&key, format!("export `{}`: `{into}` {what}", export.name)).next(next));
    match table.column(into).map(|column| column.kind) {
        None => {
            let bools = table.columns.iter().filter(|column| column.kind == ColumnType::Bool).map(|column| column.name.as_str());
            Err(file.unknown(&key, format!("export `{}`: `{into}` is not a column of {}", export.name, table.name), into, bools.collect::<Vec<_>>()))
        }
        Some(ColumnType::Bool) if export.columns.contains_key(into) || export.headers.contains_key(into) => {
            wrong("has a source of its own".to_owned(), "name a bool column that nothing else fills")
        }
        Some(ColumnType::Bool) => Ok(()),
        Some(kind) => wrong(format!("is {kind}"), "a bool column is needed"),
    }
}

/// A source that the export declares elsewhere has to be declared.
fn check_source(file: File<'_>, place: &str, export: &Export, column: &str, source: &ValueSource) -> Result<()> {
    let (key, what, name, known): (_, _, _, Vec<&str>) = match source {
        // A part of another export's files: the path is there.
        ValueSource::File(_) if export.path.is_none() => return Ok(()),
        ValueSource::File(group) => ("file", "named group of the path", group, export.path.iter().flat_map(|path| path.capture_names().flatten()).collect()),
        ValueSource::Cell(name) => ("cell", "target cell of the frame", name, export.frame.cells.keys().map(String::as_str).collect()),
        ValueSource::Trailer(name) => ("trailer", "trailer of the frame", name, export.frame.trailers.iter().map(|trailer| trailer.name.as_str()).collect()),
        ValueSource::From(name) => {
            let given = export.unpivot.iter().flat_map(|unpivot| unpivot.given());
            ("from", "name that unpivot, a section's title or a parent gives", name, given.chain(export.frame.given()).collect())
        }
        _ => return Ok(()),
    };
    if known.contains(&name.as_str()) {
        return Ok(());
    }
    let message = format!("export `{}`, column `{column}`: `{name}` is no {what}", export.name);
    let value = format!("{place}/columns/{column}/{key}");
    if known.is_empty() { Err(file.wrong(&value, message).next("it has none")) } else { Err(file.unknown(&value, message, name, known)) }
}

type Unfit = (&'static str, Option<String>, String);

fn check_references(spec: &ColumnSpec, references: &BTreeMap<String, Reference>) -> Result<(), Unfit> {
    if let Some(map) = &spec.map {
        if BUILT_IN_TABLES.contains(&map.table.as_str()) {
            if map.key.is_some() || map.value.is_some() {
                return Err(("map", None, format!("`{}` is built in and has no columns to choose: write map = \"{}\"", map.table, map.table)));
            }
        } else {
            let table = references.get(&map.table).ok_or_else(|| ("map", Some(map.table.clone()), format!("there is no reference table `{}`", map.table)))?;
            for column in [&map.key, &map.value].into_iter().flatten() {
                table.column(column).map_err(|error| ("map", None, error.to_string()))?;
            }
            if table.header.len() < 2 && (map.key.is_none() || map.value.is_none()) {
                return Err(("map", None, format!("`{}` has one column, a key and a value are needed", map.table)));
            }
        }
    }
    if let Some(name) = &spec.fiscal {
        let table = references.get(name).ok_or_else(|| ("fiscal", Some(name.clone()), format!("there is no calendar `{name}`")))?;
        for column in CALENDAR_COLUMNS {
            table.column(column).map_err(|error| ("fiscal", None, error.to_string()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Channel;

    /// What is wrong with a channel file whose export says this, or "fits".
    fn check(export: &str) -> String {
        let text = format!(
            "version = 1\nchannel = \"s\"\ntitle = \"S\"\n[[exports]]\nname = \"e\"\ntable = \"t\"\npath = '(?<period>\\d+)x'\nmode = \"append\"\n{export}\n"
        );
        let table = Table::parse(
            Path::new("config/tables/t.toml"),
            r#"table = "t"
            layer = "raw"
            description = "d"
            grain = "One row."
            columns = [
              { name = "id", type = "text" }, { name = "day", type = "date" }, { name = "amount", type = "decimal(20,6)" },
              { name = "country", type = "text" }, { name = "country_reason", type = "text" }, { name = "seen", type = "timestamp" }, { name = "paid", type = "bool" },
            ]"#,
        )
        .unwrap();
        let reference = |name: &str, text: &str| {
            let path = format!("config/reference/{name}.csv");
            (name.to_owned(), Reference::parse(Path::new(&path), text).unwrap())
        };
        let references = BTreeMap::from([reference("stores", "name,code\n"), reference("apple", "name,first_day,last_day\n"), reference("words", "name\n")]);
        let parsed =
            Channel::parse(Path::new("c.toml"), &text).and_then(|channel| check_columns(channel.file(), "exports/0", &channel.exports[0], &table, &references));
        parsed.map_or_else(|error| error.to_string(), |()| "fits".to_owned())
    }

    fn check_all(cases: &[(&str, &str)]) {
        for (export, expected) in cases {
            assert_eq!(check(export), *expected, "{export}");
        }
    }

    #[test]
    fn every_key_of_a_column() {
        check_all(&[
            (
                "[exports.columns.id]\nheader = [\"Id\", \"#5\", \"Id#2\"]\ntake = '^(?<value>\\d+)'\nsplit = { by = \"|\", nth = 1 }\nfill = \"down\"\ndefault = \"x\"\nprefix = \"UC\"\nstrip = \"'\"\nwhole_decimals = true",
                "fits",
            ),
            (
                "[exports.columns.amount]\ndecimal = \",\"\nthousands = \".\"\ngrouping = \"any\"\ncurrency_signs = true\npercent = true\nparentheses = true\ntrailing_minus = true\nexponent = true\nnulls = [\"--\"]\nnegative = { column = \"Sales or Return\", equals = [\"R\"] }\nunit = { column = \"Unit\", hours = \"3600\", seconds = \"1\" }",
                "fits",
            ),
            ("[exports.columns.amount]\nduration = [\"h:mm:ss\", \"m:ss\"]\ndivide = \"60\"\nflip = { column = \"Type\", matches = '^Ref' }", "fits"),
            ("[exports.columns.amount]\nmultiply = \"0.001\"\nflip = true", "fits"),
            (
                "[exports.columns.amount]\nfrom = \"royalty\"\n[exports.columns.id]\nfrom = \"currency\"\n[exports.unpivot]\nheaders = '^(?<currency>[A-Z]+)$'\nvalue = \"royalty\"\nname = \"metric\"",
                "fits",
            ),
            (
                "[exports.columns.id]\nfrom = \"currency\"\n[exports.columns.country]\nfrom = \"territory\"\n[[exports.frame.sections]]\nname = \"s\"\ntitle = '^Currency: (?<currency>.*)'\n[exports.frame.parent]\nparent_when = { column = \"Title\", matches = '^Territory' }\ngive = { territory = \"Title\" }",
                "fits",
            ),
            (
                "[exports.columns.day]\nfile = \"period\"\nformats = \"%m%y\"\nend_of = \"month\"\nfiscal = \"apple\"\nyears_from = 2000\nlanguages = [\"de\", \"fr\"]",
                "fits",
            ),
            (
                "[exports.columns.seen]\nheader = \"Date\"\nwith = \"Time\"\nformats = [\"%b %-d, %Y %I:%M:%S %p %Z\"]\nzone = \"America/Los_Angeles\"\nzones = { PST = \"-08:00\", PDT = \"-07:00\" }",
                "fits",
            ),
            ("[exports.columns.country]\nmap = \"countries\"\nunknown = \"ZZ\"\nreason = \"country_reason\"", "fits"),
            ("[exports.columns.id]\nmap = { table = \"stores\", key = \"name\", value = \"code\", fold = true }", "fits"),
            ("[exports.columns.id]\njoin = [\"{Artist}\", \" - \", \"{Title}\"]\n[exports.columns.country]\ncopy = \"id\"", "fits"),
            ("[exports.columns.paid]\nconstant = \"Y\"\nbool = { yes = [\"Y\"], no = [\"N\"] }", "fits"),
            (
                "[exports.columns._minutes]\ntype = \"decimal(20,6)\"\ntrailer = \"Minutes\"\n[[exports.frame.trailer]]\nname = \"Minutes\"\nline = '^(?<value>.*)$'",
                "fits",
            ),
            ("decimal = \",\"\nthousands = \".\"\nzone = \"UTC\"\npercent = true\nwhole_decimals = true", "fits"),
        ]);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        check_all(&[
            ("[exports.columns.id]\nheadr = \"Id\"", "c.toml:10:1: unknown key `headr`; did you mean `header`?"),
            (
                "[exports.columns.id]\nheader = \"Id\"\nconstant = \"x\"",
                "c.toml:9:1: `header` and `constant` are two sources of one column: leave one of them out",
            ),
            (
                "[exports.columns.amount]\nmultiply = \"60\"\nunit = { column = \"U\", h = \"1\" }",
                "c.toml:9:1: `multiply`, `divide` and `unit` say the unit twice: leave all but one out",
            ),
            ("[exports.columns.amount]\nmultiply = \"-1\"", "c.toml:10:12: \"-1\" is no number above zero, written like \"60\" or \"0.001\""),
            ("[exports.columns.amount]\nunit = { hours = \"1\" }", "c.toml:9:1: `unit` needs `column`: the one that holds the unit"),
            (
                "[exports.columns.amount]\nflip = true\nnegative = { column = \"T\", is = \"filled\" }",
                "c.toml:9:1: `negative` and `flip` both say the sign: leave one of them out",
            ),
            ("[exports.columns.amount]\nnegative = { column = \"T\" }", "c.toml:9:1: `negative` needs one of `equals`, `matches` and `is`"),
            (
                "[exports.columns.seen]\nwith = \"Time\"",
                "c.toml:9:1: `with` appends a second column to the text, and `formats` must say how both are read: add `formats`",
            ),
            (
                "[exports.columns.amount]\ndecimal = \",\"\nthousands = \",\"",
                "c.toml:10:11: export `e`, column `amount`: ',' marks decimals and thousands: say `thousands` and `decimal` so that they differ",
            ),
            (
                "decimal = \",\"\nthousands = \",\"",
                "c.toml:9:11: export `e`: ',' marks decimals and thousands: say `thousands` and `decimal` so that they differ",
            ),
            ("thousands = \".\"", "c.toml:9:13: export `e`: '.' marks decimals and thousands: say `thousands` and `decimal` so that they differ"),
            ("thousands = \",,\"", "c.toml:9:13: thousands mark \",,\" is not one character"),
            ("decimal = [\".\", \",\"]", "fits"),
            (
                "decimal = [\".\", \",\"]\nthousands = \" \"",
                "c.toml:9:11: export `e`: two marks of decimals and one of thousands: what `1,234` means is not known; say one mark of decimals",
            ),
            ("decimal = [\".\", \".\"]", "c.toml:9:11: export `e`: '.' stands there twice"),
            ("decimal = \"-\"", "c.toml:9:11: export `e`: decimal mark '-' has another meaning in a number"),
            (
                "[exports.columns.id]\nmap = \"countreis\"",
                "c.toml:10:7: export `e`, column `id`: there is no reference table `countreis`; did you mean `countries`?",
            ),
            (
                "[exports.columns.id]\nmap = \"labels\"",
                "c.toml:10:7: export `e`, column `id`: there is no reference table `labels`; write config/reference/labels.csv",
            ),
            ("[exports.columns.id]\nmap = \"words\"", "c.toml:10:7: export `e`, column `id`: `words` has one column, a key and a value are needed"),
            (
                "[exports.columns.id]\nmap = { table = \"stores\", key = \"nam\" }",
                "c.toml:10:7: export `e`, column `id`: config/reference/stores.csv: has no column `nam`; did you mean `name`?",
            ),
            (
                "[exports.columns.day]\nfiscal = \"stores\"",
                "c.toml:10:10: export `e`, column `day`: config/reference/stores.csv: has no column `first_day`; columns: name, code",
            ),
            ("[exports.columns.id]\nunknown = \"ZZ\"", "c.toml:9:1: `unknown` and `reason` say what a `map` does not know: add `map`, or leave them out"),
            (
                "[exports.columns.country]\nmap = \"countries\"\nunknown = \"ZZ\"\nreason = \"amount\"",
                "c.toml:12:10: export `e`, column `country`: `amount` is decimal(20,6), text is needed",
            ),
            (
                "[exports.columns.country]\nmap = \"countries\"\nunknown = \"ZZ\"\nreason = \"country_raeson\"",
                "c.toml:12:10: export `e`, column `country`: `country_raeson` is not a column of t; did you mean `country_reason`?",
            ),
            (
                "[exports.columns.amuont]\nheader = \"x\"",
                "c.toml:9:1: export `e`: `amuont` is not a column of t; did you mean `amount`? A column that only calculations see starts with `_`",
            ),
            ("[exports.columns._x]\nheader = \"x\"", "c.toml:9:1: export `e`, column `_x`: a scratch column needs a `type`; for example type = \"text\""),
            ("[exports.columns.id]\ntype = \"text\"", "c.toml:10:8: export `e`, column `id`: the contract says its type; leave `type` out"),
            ("[exports.columns.id]\npercent = true", "c.toml:10:11: export `e`, column `id`: `percent` is for numbers, and the column is text"),
            ("[exports.columns.seen]\nend_of = \"month\"", "c.toml:10:10: export `e`, column `seen`: `end_of` is for dates, and the column is timestamp"),
            ("[exports.columns.id]\nfile = \"peroid\"", "c.toml:10:8: export `e`, column `id`: `peroid` is no named group of the path; did you mean `period`?"),
            ("[exports.columns.id]\ntrailer = \"Total\"", "c.toml:10:11: export `e`, column `id`: `Total` is no trailer of the frame; it has none"),
            (
                "[exports.columns.id]\nfrom = \"Total\"",
                "c.toml:10:8: export `e`, column `id`: `Total` is no name that unpivot, a section's title or a parent gives; it has none",
            ),
            ("[exports.columns.id]\ncopy = \"idd\"", "c.toml:10:8: export `e`, column `id`: `idd` is no other column of t; did you mean `id`?"),
            (
                "[exports.columns.id]\ncopy = \"country\"\n[exports.columns.country]\ncopy = \"day\"",
                "c.toml:10:8: export `e`, column `id`: `country` is a copy itself; copy the column that it copies",
            ),
            ("[exports.columns.id]\ntake = '\\d+'", "c.toml:10:8: the pattern has no group (?<value>…), which is what is taken"),
            (
                "[exports.columns.id]\njoin = [\"a\"]",
                "c.toml:9:1: `join` needs a header in braces, like \"{Title}\"; a text that is always the same is a `constant`",
            ),
            (
                "[exports.columns.seen]\nzone = \"America/Los_Angelos\"",
                "c.toml:10:8: there is no time zone `America/Los_Angelos`; did you mean `America/Los_Angeles`?",
            ),
            (
                "[exports.columns.day]\nlanguages = [\"de\", \"xx\"]",
                "c.toml:10:13: names of months in `xx` are not known; languages: en, de, fr, es, it, pt, nl, sv, da, no, fi, pl, cs, tr, ru",
            ),
            (
                "[exports.columns.id]\nlanguages = \"de\"",
                "c.toml:10:13: export `e`, column `id`: `languages` is for dates and timestamps, and the column is text",
            ),
            ("[exports.columns.seen]\nzones = { PST = \"8\" }", "c.toml:10:9: zones: PST = \"8\" is no offset; write it like \"-08:00\""),
            (
                "[exports.columns.amount]\nduration = \"hms\"",
                "c.toml:9:1: duration \"hms\" is not known; durations: \"h:mm:ss\", \"m:ss\", \"h:mm\", \"iso\", \"words\", \"s\"",
            ),
            (
                "[exports.headers]\nid = [\"a\"]\n[exports.columns.id]\nheader = \"b\"",
                "c.toml:12:10: export `e`, column `id`: it has a source here and a header under `headers`; leave one of them out",
            ),
        ]);
    }
}
