//! The columns of an export against the header and facts of one part: where each takes its text. A part that does not fit is stopped here.

use takings_definitions::{Factors, Piece as SpecPiece, Sign, UnknownColumns, ValueSource, nearest, trimmed};

use super::cell::{Piece, Source};
use super::values::{ValueColumn, Values};
use crate::delimiter;
use crate::header::{self, Unknown};
use crate::layout::folded;
use crate::{Error, PartFacts, Result};

/// Where a column's text, and the texts beside it, come from.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) source: Source,
    pub(crate) with: Option<Source>,
    /// What the sign's condition looks at.
    pub(crate) condition: Option<Source>,
    pub(crate) unit: Option<Source>,
}

/// A header while its columns are looked for.
struct Names<'a> {
    folded: Vec<String>,
    used: Vec<bool>,
    part: &'a PartFacts,
}

impl Names<'_> {
    /// A header by its name, or by its place as `#5`.
    fn find(&mut self, name: &str) -> Option<usize> {
        let wanted = folded(name);
        let by_place = || wanted.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < self.folded.len());
        let at = self.folded.iter().position(|known| *known == wanted).or_else(by_place)?;
        self.used[at] = true;
        Some(at)
    }

    /// The header that has one of several names, `TimeZone|Time Zone`.
    fn find_one(&mut self, several: &str) -> Result<Option<usize>, (String, String)> {
        let found: Vec<usize> = self.find(several).map_or_else(|| several.split('|').filter_map(|name| self.find(name)).collect(), |at| vec![at]);
        match found[..] {
            [first, second, ..] if first != second => {
                let header = &self.part.header;
                let what = format!(
                    "`join` names \"{several}\", and header cells {} \"{}\" and {} \"{}\" are both that",
                    first + 1,
                    header[first],
                    second + 1,
                    header[second]
                );
                Err((what, "leave one of them out of the column's `join`".to_owned()))
            }
            _ => Ok(found.first().copied()),
        }
    }

    /// A name that is given beside those of the file: they stand behind.
    fn given(&mut self, name: &str) -> Option<usize> {
        let at = self.folded.iter().rposition(|known| *known == folded(name))?;
        self.used[at] = true;
        Some(at)
    }

    /// The header nearest to one that is not there, for messages.
    fn nearest(&self, name: &str) -> String {
        let best = nearest(&folded(name), self.folded.iter().map(String::as_str));
        let at = best.and_then(|best| self.folded.iter().position(|known| known == best));
        at.map(|at| format!(" (nearest: \"{}\")", self.part.header[at])).unwrap_or_default()
    }
}

/// Binds all columns; warnings are of columns that are left out.
pub(crate) fn bind(values: &Values, path: &str, part: &PartFacts) -> Result<(Vec<Bound>, Vec<String>)> {
    let inside = if part.part.is_empty() { String::new() } else { format!("!{}", part.part) };
    let line = if part.header_line == 0 { String::new() } else { format!(":{}", part.header_line) };
    let place = format!("{path}{inside}{line}");
    let wrong = |what: String| Error::data(format!("{place}: {what}"));
    let header_hint = || format!("correct the file, or name the header under [exports.headers] of export `{}`", values.export);
    let mut names = Names { folded: part.header.iter().map(|name| folded(trimmed(name))).collect(), used: vec![false; part.header.len()], part };
    let mut sources = Vec::with_capacity(values.columns.len());
    let mut missing = Vec::new();
    for column in &values.columns {
        let source = source(column, &mut names).map_err(|(what, next)| wrong(format!("{}: {what}", column.name)).next(next))?;
        if matches!(source, Source::Absent) && column.required && column.reason_of.is_none() && !is_copy(column) {
            missing.push(column);
        }
        sources.push(source);
    }
    if !missing.is_empty() {
        let unused: Vec<&str> = part.header.iter().zip(&names.used).filter(|(name, used)| !**used && !name.is_empty()).map(|(name, _)| name.as_str()).collect();
        let other = delimiter::hint(&part.header, missing.iter().map(|column| column.headers.iter().map(String::as_str).collect()));
        let missing: Vec<String> = missing.into_iter().map(|column| describe_missing(column, &unused)).collect();
        return Err(wrong(format!("the header lacks {}", missing.join(", "))).next(other.unwrap_or_else(header_hint)));
    }
    let copied = |column: &ValueColumn| match column.spec.as_ref().map(|spec| &spec.source) {
        Some(ValueSource::Copy(other)) => values.columns.iter().position(|column| column.name == *other),
        _ => None,
    };
    for at in 0..sources.len() {
        if let Some(from) = copied(&values.columns[at]) {
            sources[at] = sources[from].clone();
        }
    }
    let mut bound = Vec::with_capacity(sources.len());
    for (column, source) in values.columns.iter().zip(&sources) {
        let spec = column.spec.as_ref();
        let absent = matches!(source, Source::Absent);
        let mut beside = |name: Option<&str>, key: &str| -> Result<Option<Source>> {
            let Some(name) = name.filter(|_| !absent) else { return Ok(None) };
            if let Some(at) = names.find(name) {
                return Ok(Some(Source::Cell(at)));
            }
            match values.columns.iter().position(|column| column.name == name).map(|at| &sources[at]) {
                Some(Source::Absent) | None => {
                    let near = names.nearest(name);
                    Err(wrong(format!("{}: `{key}` looks at \"{name}\", which the header lacks{}", column.name, near))
                        .next(format!("correct the file, or the column's `{key}`")))
                }
                Some(source) => Ok(Some(source.clone())),
            }
        };
        let condition = spec.and_then(|spec| match &spec.sign {
            Some(Sign::NegativeWhere(when)) => Some((when.column.as_str(), "negative")),
            Some(Sign::FlippedWhere(when)) => Some((when.column.as_str(), "flip")),
            Some(Sign::Flipped) | None => None,
        });
        let unit = spec.and_then(|spec| if let Some(Factors::By { column, .. }) = &spec.factor { Some(column.as_str()) } else { None });
        bound.push(Bound {
            with: beside(spec.and_then(|spec| spec.with.as_deref()), "with")?,
            condition: beside(condition.map(|(name, _)| name), condition.map_or("", |(_, key)| key))?,
            unit: beside(unit, "unit")?,
            source: source.clone(),
        });
    }
    // Names that the channel file itself gives to columns are known.
    let found = part.header_line > 0;
    let left: Vec<usize> = (0..part.header.len()).filter(|at| found && !names.used[*at] && !is_mentioned(values, &names, *at)).collect();
    let known = || values.columns.iter().flat_map(|column| column.headers.iter().map(String::as_str));
    let left: Vec<Unknown> = left.into_iter().map(|at| Unknown::new(at, &part.header[at], &values.export, nearest(&part.header[at], known()))).collect();
    if values.unknown == UnknownColumns::Stop && !left.is_empty() {
        let next = format!("add them to the contract of {}, or set unknown_columns = \"warn\" to leave them out", values.table);
        return Err(wrong(header::listed(&left)).next(next));
    }
    Ok((bound, header::left_out(&place, &values.export, &left).into_iter().collect()))
}

fn is_copy(column: &ValueColumn) -> bool {
    column.spec.as_ref().is_some_and(|spec| matches!(spec.source, ValueSource::Copy(_)))
}

fn source(column: &ValueColumn, names: &mut Names<'_>) -> Result<Source, (String, String)> {
    let part = names.part;
    if let Some(delete) = &column.deletes {
        return match names.find(&delete.column) {
            Some(at) => Ok(Source::Test(at, delete.test.clone())),
            None => {
                let what = format!("`delete` looks at \"{}\", which the header lacks{}", delete.column, names.nearest(&delete.column));
                Err((what, "correct the file, or the export's `delete`".to_owned()))
            }
        };
    }
    let Some(spec) = &column.spec else { return by_header(column, names) };
    Ok(match &spec.source {
        ValueSource::Own | ValueSource::Headers(_) => return by_header(column, names),
        ValueSource::Constant(text) => Source::Fixed(Some(text.clone())),
        ValueSource::File(group) => match part.groups.get(group) {
            None if column.required => {
                return Err((format!("the file's path has no group `{group}` here"), "correct `path` of the export, or the file's name".to_owned()));
            }
            text => Source::Fixed(text.cloned()),
        },
        ValueSource::Cell(name) => match part.cells.get(name) {
            None => return Err((format!("the target cell `{name}` was not found"), "correct it under [exports.frame.cells], or the file".to_owned())),
            text => Source::Fixed(text.cloned()),
        },
        ValueSource::Trailer(name) => match part.trailers.get(name) {
            None if column.required => {
                return Err((format!("the trailer `{name}` was not found"), "correct it under [[exports.frame.trailer]], or the file".to_owned()));
            }
            text => Source::Fixed(text.cloned()),
        },
        ValueSource::Part(pattern) => {
            let whole = part.part.as_str();
            let named = whole.rsplit_once('#').map_or(whole, |(named, _)| named);
            let last = named.rsplit('!').next().unwrap_or(named);
            let first = named.split('!').next().unwrap_or(named);
            let found = [last, first, whole].iter().find_map(|name| pattern.captures(name)?.name("value").map(|found| found.as_str().to_owned()));
            match found {
                None => return Err((format!("the part's name \"{whole}\" is not of the form {pattern}"), "correct the column's `part`".to_owned())),
                text => Source::Fixed(text),
            }
        }
        ValueSource::From(name) => names.given(name).map_or(Source::Absent, Source::Cell),
        ValueSource::Join(pieces) => {
            let mut joined = Vec::with_capacity(pieces.len());
            for piece in pieces {
                joined.push(match piece {
                    SpecPiece::Text(text) => Piece::Text(text.clone()),
                    SpecPiece::Column(name) => match names.find_one(name)? {
                        Some(at) => Piece::Cell(at),
                        None => {
                            let near = names.nearest(name);
                            let what = format!("`join` names \"{name}\", which the header lacks{}", near);
                            return Err((what, "correct the file, or the column's `join`".to_owned()));
                        }
                    },
                });
            }
            Source::Join(joined)
        }
        // Bound behind all others.
        ValueSource::Copy(_) => Source::Absent,
    })
}

fn by_header(column: &ValueColumn, names: &mut Names<'_>) -> Result<Source, (String, String)> {
    let mut found: Vec<usize> = column.headers.iter().filter_map(|name| names.find(name)).collect();
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [] => Ok(Source::Absent),
        [at] => Ok(Source::Cell(at)),
        [first, second, ..] => {
            let header = &names.part.header;
            let what = format!("header cells {} \"{}\" and {} \"{}\" are both this column", first + 1, header[first], second + 1, header[second]);
            Err((what, "leave one of them out of the column's header names".to_owned()))
        }
    }
}

fn describe_missing(column: &ValueColumn, unused: &[&str]) -> String {
    let near = column.headers.iter().chain([&column.name]).find_map(|name| nearest(&folded(name), unused.iter().copied()));
    match near {
        Some(best) => format!("{} (nearest: \"{best}\")", column.name),
        None => column.name.clone(),
    }
}

fn is_mentioned(values: &Values, names: &Names<'_>, at: usize) -> bool {
    values.mentioned.contains(&names.folded[at]) || values.unpivoted.as_ref().is_some_and(|pattern| pattern.is_match(&names.part.header[at]))
}
