//! TOML text into types, with errors that name line, column and the nearest right key.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Error, Result};

/// Parses one TOML file. An unknown key or a wrong type names file, line, column and the nearest right key.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| describe(path, text, &error))
}

fn describe(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().trim().replace('\n', " ");
    let question = message.strip_prefix(UNKNOWN_KEY).is_some_and(|name| name.starts_with(CHOICE));
    let (short, hint) = with_hint(&message);
    let located = match error.span() {
        Some(span) => {
            let (line, column) = position(text, span.start);
            Error::at(path, line, column, short)
        }
        None => Error::in_file(path, short),
    };
    let located = if question { located.question() } else { located };
    match hint {
        Some(hint) => located.next(hint),
        None => located,
    }
}

const UNKNOWN_KEY: &str = "unknown field `";
const UNKNOWN_VALUE: &str = "unknown variant `";

/// Begins a key that a draft could not decide.
const CHOICE: &str = "choose_";

/// Turns serde's "unknown field `x`, expected one of `a`, `b`" into a short message and the nearest right key.
pub(crate) fn with_hint(message: &str) -> (String, Option<String>) {
    let (rest, what) = match (message.strip_prefix(UNKNOWN_KEY), message.strip_prefix(UNKNOWN_VALUE)) {
        (Some(rest), _) => (rest, "key"),
        (None, Some(rest)) => (rest, "value"),
        (None, None) => return (message.to_owned(), None),
    };
    let Some((unknown, expected)) = rest.split_once('`') else { return (format!("unknown {what} {rest}"), None) };
    if what == "key" && unknown.starts_with(CHOICE) {
        let hint = "the sample doesn't tell it: keep the line that is right without its `choose_…_`, and delete the others".to_owned();
        return (format!("`{unknown}` is a question that a draft left open"), Some(hint));
    }
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let hint = match nearest(unknown, known.iter().copied()) {
        Some(best) => format!("did you mean `{best}`?"),
        None if known.is_empty() => return (format!("unknown {what} `{unknown}`"), None),
        None => format!("known: {}", known.join(", ")),
    };
    (format!("unknown {what} `{unknown}`"), Some(hint))
}

/// The known word nearest to a wrong one, if any is near enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = |candidate: &str| 2.max(candidate.len() / 3);
    let length = wrong.chars().count();
    known
        .into_iter()
        // A cell of a file may be as long as the file: it is compared with what could be near.
        .filter(|candidate| length.abs_diff(candidate.chars().count()) <= most(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A file's path and text: what tells where a value of it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl File<'_> {
    /// A mistake at a value, by its path as in [`place_of`].
    pub fn wrong(&self, value: &str, message: impl Into<String>) -> Error {
        match place_of(self.text, value) {
            Some((line, column)) => Error::at(self.path, line, column, message),
            None => Error::in_file(self.path, message),
        }
    }

    /// A name at a value that is none of the known ones.
    pub fn unknown<'a>(&self, value: &str, message: String, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Error {
        let error = self.wrong(value, message);
        match nearest(name, known.clone()) {
            Some(best) => error.next(format!("did you mean `{best}`?")),
            None => error.next(format!("known: {}", known.into_iter().collect::<Vec<_>>().join(", "))),
        }
    }
}

/// Line and column (both from 1) of a value, named by keys and places in lists, like `sections/2/columns/0/header`. Where a step leads nowhere,
/// the place of what should hold it.
pub fn place_of(text: &str, value: &str) -> Option<(usize, usize)> {
    let whole = DeTable::parse(text).ok()?;
    let mut steps = value.split('/');
    let mut found = member(whole.get_ref(), steps.next()?)?;
    for step in steps {
        let inner = match found.get_ref() {
            DeValue::Table(table) => member(table, step),
            DeValue::Array(list) => step.parse().ok().and_then(|at: usize| list.get(at)),
            _ => None,
        };
        match inner {
            Some(inner) => found = inner,
            None => break,
        }
    }
    Some(position(text, found.span().start))
}

fn member<'a, 'text>(table: &'a DeTable<'text>, key: &str) -> Option<&'a Spanned<DeValue<'text>>> {
    table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
}

/// Line and column (both from 1) of a byte offset.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        schedule: String,
        #[allow(dead_code)]
        settle: Option<u32>,
    }

    fn message(text: &str) -> String {
        parse::<Sample>(Path::new("jobs/x.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_line_and_nearest_key() {
        assert_eq!(message("schedule = \"x\"\nsetle = 1\n"), "jobs/x.toml:2:1: unknown key `setle`; did you mean `settle`?");
    }

    #[test]
    fn a_text_that_is_far_longer_is_not_compared() {
        // Comparing takes as many bytes as both lengths multiplied.
        let long = "x".repeat(100 << 20);
        assert_eq!(nearest(&long, ["a_name_of_some_length", "units"]), None);
        assert_eq!(nearest("unitss", ["a_name_of_some_length", "units"]), Some("units"));
    }

    #[test]
    fn a_wrong_type_names_its_place() {
        let text = message("schedule = \"x\"\nsettle = \"one\"\n");
        assert!(text.starts_with("jobs/x.toml:2:10: "), "{text}");
        assert!(text.contains("invalid type"), "{text}");
    }

    #[test]
    fn a_value_is_found_by_its_keys_and_places() {
        let text = "key = [\"a\", \"b\"]\n\n[[columns]]\nname = \"a\"\n[[columns]]\nname = \"b\"\ntrace = { keys = { c = \"d\" } }\n";
        for (value, place) in [
            ("key/1", Some((1, 13))),
            ("columns/1/name", Some((6, 8))),
            ("columns/1/trace/keys/c", Some((7, 24))),
            // What is not there is told at what should hold it.
            ("columns/0/type", Some((3, 1))),
            ("columns/9", Some((3, 1))),
            ("none", None),
        ] {
            assert_eq!(place_of(text, value), place, "{value}");
        }
    }

    #[test]
    fn broken_toml_names_its_place() {
        let text = message("schedule = \n");
        assert!(text.starts_with("jobs/x.toml:1:"), "{text}");
    }
}
